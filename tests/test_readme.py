"""What the READMEs say is so: their commands run, their links lead somewhere, their folders are the real ones."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from course_lib.data.intake.formats import formats
from course_lib.data.registry import sources
from course_lib.settings import load_settings
from tools import datasets

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted([*PROJECT.glob("*.md"), datasets.PAGE])
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")


def commands(page: Path) -> list[str]:
    """Every line of the page's shell blocks, and every command that the prose sets in code."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    prose = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`((?:make|pip|python|python3|streamlit|pytest) [^`]*)`", prose)
    return [line for line in [*lines, *inline] if line]


COMMANDS = sorted({line for page in PAGES for line in commands(page)})


def run(*command: str) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def requirements(name: str) -> set[str]:
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


def try_out(line: str) -> None:
    """Runs a command, or as much of it as can be run without installing or serving anything."""
    words = shlex.split(line)
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        assert name.startswith("PIP_")
        assert value.startswith("https://")
    elif words[0] == "make":
        assert run("make", "--dry-run", *words[1:])
    elif words[0] == ".":
        assert words[1] == ".venv/bin/activate"
    elif words[0] == "pip":
        assert words[1] == "install"
        for flag, value in pairwise(words):
            if flag == "-r":
                assert (PROJECT / value).is_file()
            if value.startswith("torch"):
                assert value in requirements("requirements.txt")
    elif words[0] == "streamlit":
        assert words[1] == "run"
        assert (PROJECT / words[2]).is_file()
        assert "streamlit run" in run(sys.executable, "-m", "streamlit", "run", "--help")
    elif words[0] == "pytest":
        assert "usage: " in run(sys.executable, "-m", "pytest", *words[1:], "--help")
    elif words[:3] == ["python3", "-m", "venv"]:
        assert "usage: " in run(sys.executable, "-m", "venv", "--help")
    elif words[:3] == ["python", "-m", "course_lib"]:
        try_out_course(words[3:])
    elif words[:3] == ["python", "-m", "benchmarks"]:
        from benchmarks.__main__ import parse

        parse(words[3:])
    elif words[:3] == ["python", "-m", "playwright"]:
        assert "--with-deps" in run(sys.executable, "-m", "playwright", "install", "--help")
    elif words[:3] == ["python", "-m", "pytest"]:
        assert all((PROJECT / word).exists() for word in words[3:])
    elif words[0] == "python":
        assert (PROJECT / words[1]).is_file()
    else:
        pytest.fail(f"no way to try out: {line}")


def try_out_course(words: list[str]) -> None:
    """The course's own command line; a training is only configured here, tests/cli trains for real."""
    if words[0] == "train" and not {"--help", "NAME"} & set(words):
        run(sys.executable, "-m", "course_lib", *words, "--plan")
    elif words[:2] == ["run", "first_sale"]:  # the reader's own experiment; test_contributing writes and runs it
        assert "course_lib/experiments/first_sale.py" in (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    elif {"FOLDER", "PATH"} & set(words) or words[0] in ("record", "measure"):  # tests/cli and tests/course do it
        from course_lib.cli.main import build_parser

        build_parser().parse_args(words)
    elif "NAME" in words or words[0] == "...":
        assert run(sys.executable, "-m", "course_lib", "train", "--help")
    else:
        run(sys.executable, "-m", "course_lib", *words)


def test_there_are_commands() -> None:
    assert {"make run", "make test", "streamlit run app.py", "pytest"} <= set(COMMANDS)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_works(line: str) -> None:
    if line.startswith("make") and not shutil.which("make"):
        pytest.skip("there is no make on this machine")
    try_out(line)


def test_a_command_that_does_not_exist_is_found() -> None:
    for line in ("make lunch", "python -m course_lib dance", "pip install -r nothing.txt", "python tools/nothing.py"):
        with pytest.raises(AssertionError):
            try_out(line)


def test_the_first_screen_has_the_picture_and_the_two_commands() -> None:
    """In both languages, before anything else is told."""
    for name in ("README.md", "README.zh.md"):
        screen = (PROJECT / name).read_text(encoding="utf-8").split("\n## ")[0]
        assert re.search(r"!\[[^\]]{20,}\]\(docs/lesson\.png\)", screen)
        assert screen.index("make run") < screen.index("make test") < screen.index("streamlit run app.py")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^(`{3,}).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        if address.startswith("https://"):
            continue
        name, _, anchor = address.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(address)
    assert lost == []


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="the list of folders comes from git")
def test_the_folders_and_rooms_are_the_real_ones() -> None:
    """Each is there once, says something, and leads to where it says; none is missing or left over."""
    files = [Path(name).parts for name in run("git", "ls-files").splitlines() if (PROJECT / name).is_file()]
    listed = (PROJECT / "README.md").read_text(encoding="utf-8").split("\n## Files\n")[1]
    folders, rooms = listed.split("| room |")
    row = re.compile(r"^\| \[`([^`]+)/`\]\(([^)]+)\) \| \S.{10,} \|$", re.MULTILINE)
    assert sorted(row.findall(folders)) == sorted({(parts[0], parts[0]) for parts in files if len(parts) > 1})
    house = {parts[1] for parts in files if parts[0] == "course_lib" and len(parts) > 2}
    assert sorted(row.findall(rooms)) == sorted((room, f"course_lib/{room}/__init__.py") for room in house)


def test_a_room_says_what_it_is_and_where_to_begin() -> None:
    for page in (PROJECT / "course_lib").glob("*/__init__.py"):
        said = ast.get_docstring(ast.parse(page.read_text(encoding="utf-8"))) or ""
        assert len(said.split()) >= 20, page.parent.name
        lost = [name for name in re.findall(r"``([\w/]+\.\w+)``", said) if not (page.parent / name).exists()]
        assert lost == [], page.parent.name


def test_the_readme_is_short() -> None:
    assert (PROJECT / "README.md").stat().st_size < 15_000


def test_the_settings_are_the_real_ones() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(LIVEREC_\w+)`", readme, re.MULTILINE))
    assert told == set(re.findall(r"LIVEREC_\w+", (PROJECT / "course_lib" / "settings.py").read_text(encoding="utf-8")))
    assert load_settings().home == Path(os.environ["LIVEREC_HOME"])


def test_the_table_of_datasets_is_made_of_the_file() -> None:
    """If this fails: python tools/datasets.py."""
    page = datasets.PAGE.read_text(encoding="utf-8")
    assert page == datasets.place(page, datasets.table())


def test_the_datasets_are_the_real_ones() -> None:
    rows = re.findall(r"^\| (`.*)$", datasets.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    of_name = {name: row for row in rows for name in re.findall(r"`([\w-]+)`", row.split(" | ")[0])}
    assert set(of_name) == {*sources(), *formats()}
    for name, source in sources().items():
        assert all(f"`{size}`" in of_name[name] for size in source.sizes)
        assert re.search(rf"`{source.sizes[0]}` [^`]*\(default\)", of_name[name])


def test_every_target_of_the_makefile_is_declared() -> None:
    """A file called ``test`` or ``run`` must not keep make from doing its work."""
    targets = set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == targets
    assert {"run", "test", "bench", "lint", "format", "clean"} <= targets


def test_every_requirement_has_its_reason() -> None:
    for name in ("requirements.txt", "requirements-cluster.txt", "requirements-dev.txt"):
        for line in (PROJECT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[\w.-]+(\[\w+\])?[=<>!~][^#]* # \S.{10,}", line), line
    assert "torch==2.13.0" in requirements("requirements.txt")


def test_integration_calls_make_test() -> None:
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make test\b", script, re.MULTILINE)
    assert run("bash", "-n", ".ci/run") == ""
