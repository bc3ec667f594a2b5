"""Writes the file tree at the end of README.md: ``python tools/tree.py`` after adding or renaming a file.

A file's sentence is the first one of its docstring, first comment or first heading, so it is written once, where it is
read most. Only folders have theirs here. tests/test_readme.py holds the README to what this makes.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
START, END = "<!-- tree: made by tools/tree.py -->\n", "<!-- /tree -->\n"

FOLDERS = {
    ".ci": "continuous integration",
    ".streamlit": "how the course is served and how it looks",
    "benchmarks": "speed, size and quality, measured: make bench",
    "benchmarks/peers": "the same training by RecTools, replay, RecBole and a textbook loop, an environment each",
    "course_lib": "the course itself; a room uses only rooms above it in this list (tests/test_floor_plan.py)",
    "course_lib/text": "short interface strings in both languages",
    "course_lib/data": "one schema for every dataset, loaders, splits",
    "course_lib/data/intake": "outside files: guarded, read, mapped, cleaned and stored",
    "course_lib/shop": "the simulated shop: catalogue, shoppers, and its truth, the oracle",
    "course_lib/shop/truth": "the door to what only the simulator knows; no loader, split or model goes through it",
    "course_lib/models": "one file a model, each worth reading aloud",
    "course_lib/evaluation": "metrics over the whole catalogue, protocols, intervals",
    "course_lib/training": "batches, loss, the loop; yields events and knows no screen",
    "course_lib/explain": "what a trained model looks at and where it places products",
    "course_lib/runs": "a run is a folder: starting, watching, stopping, keeping and taking it home",
    "course_lib/course": "lessons, questions, grading, progress; the only room that knows the database",
    "course_lib/figures": "frame in, figure out, with the sentence that describes it",
    "course_lib/ui": "the only room that knows Streamlit",
    "course_lib/ui/front": "the script that Streamlit runs for every page, apart from the modules",
    "course_lib/cli": "the command line",
    "data": "small data that comes with the course, each dataset with a card: source, licence, rows, how it was made",
    "docs": "pictures for this page",
    "lessons": "one folder a lesson: what it is, its prose and its questions in both languages",
    "pages": "one file a page; a lesson's page reads top to bottom like the lesson",
    "static": "fonts and styles that the app serves itself",
    "tests": "mirrors course_lib; app/ opens every page, browser/ uses a real browser",
    "tools": "what is run by hand or by make, not by the course",
}
ORDER = [name.partition("/")[2] for name in FOLDERS if name.count("/") == 1]
SHORT = {"data", "docs", "lessons", "static", "tests"}  # their folders get a line, their files none
PLAIN = {
    ".gitignore": "What git leaves alone.",
    "LICENSE": "Apache License 2.0.",
    "README.md": "This page.",
    "course_lib/text/zh.toml": "Short interface strings, Chinese.",
    "README.zh.md": "The first screen of this page in Chinese.",
    "course_lib/ui/epoch_slider.css": "Its styles.",
    "course_lib/ui/history_editor.css": "Its styles.",
    "course_lib/ui/live_figure.css": "Its styles.",
}


def files() -> list[str]:
    """The repository's files: what git knows, and new files that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({name for name in listed if (PROJECT / name).is_file()})


def sentence(path: Path) -> str:
    """The first sentence that a file says about itself, without markup; "" if it says none."""
    name = path.relative_to(PROJECT).as_posix()
    if name in PLAIN:
        return PLAIN[name]
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    else:
        comment = re.search(r"^(?:#(?!!)|//|/\*+|<!--)\s*(.+?)\s*(?:\*/|-->)?$", text, re.MULTILINE)
        text = comment[1] if comment else ""
    first = re.split(r"(?<=[.!?])\s|\n\n", text.strip() + "\n", maxsplit=1)[0]
    return re.sub(r":\w+:`[~!]?([^`]*)`", r"\1", " ".join(first.split()).replace("``", ""))


def level(folder: str, names: list[str]) -> Iterator[tuple[int, str, str]]:
    """Depth, name and sentence of everything in ``folder``: files first, then folders."""
    depth = folder.count("/") + 1 if folder else 0
    here = [name for name in names if not folder or name.startswith(f"{folder}/")]
    inside = [name[len(folder) + 1 if folder else 0 :] for name in here]
    brief = folder.split("/")[0] in SHORT
    for name in inside if not brief else []:
        path = PROJECT / folder / name
        if "/" not in name and not (name == "__init__.py" and not sentence(path)):
            yield depth, name, sentence(path)
    folders = sorted({name.split("/")[0] for name in inside if "/" in name})
    if folder == "course_lib":
        folders.sort(key=lambda name: ORDER.index(name) if name in ORDER else -1)
    for name in folders:
        path = f"{folder}/{name}" if folder else name
        if path in FOLDERS:
            yield depth, f"{name}/", FOLDERS[path]
            yield from level(path, names)
        elif not brief:
            raise SystemExit(f"{path}/ has no sentence yet: add one to FOLDERS in tools/tree.py")


def tree() -> str:
    """The tree as it stands in the README."""
    rows = list(level("", files()))
    silent = [name for _, name, said in rows if not said]
    if silent:
        raise SystemExit(f"{', '.join(silent)}: begin the file with a docstring or comment that says what it is")
    width = max(2 * depth + len(name) for depth, name, _ in rows) + 2
    lines = [f"{'  ' * depth + name:<{width}}{said}" for depth, name, said in rows]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def place(readme: str, made: str) -> str:
    """``readme`` with ``made`` between the two marks."""
    before, rest = readme.split(START)
    return before + START + made + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(place(README.read_text(encoding="utf-8"), tree()), encoding="utf-8")
