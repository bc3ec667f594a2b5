"""CONTRIBUTING.md followed to the letter, in a copy of the tree: its lesson opens and its model passes the contract."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PAGE = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# `path/of/the/file`: on a line of its own, an empty line, and the file in a fence
STEP = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEPS = dict(STEP.findall(PAGE))
COPIED = (
    "course_lib", "lessons", "pages", "data", "tests/contracts", "tests/models", "tests/conftest.py",
    "tests/databases.py", "app.py",
    "pyproject.toml",
)  # fmt: skip
LESSON = "repeat_purchase"
MODEL = "two_back"
EXPERIMENT = "first_sale"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree with everything that the page says to write."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source, target = PROJECT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for name, content in STEPS.items():
        assert not (folder / name).exists(), f"the example {name} is in the tree already: choose another name for it"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, with nothing of the real tree on its path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_page_writes_every_file() -> None:
    lesson = {f"lessons/{LESSON}/{name}" for name in ("lesson.toml", "quiz.toml", "en.md", "zh.md")}
    assert set(STEPS) == {
        *lesson,
        f"pages/{LESSON}.py",
        f"course_lib/models/{MODEL}.py",
        f"course_lib/experiments/{EXPERIMENT}.py",
    }


def test_the_lesson_passes_the_check(copy: Path) -> None:
    """The very command that the page gives."""
    assert "python -m course_lib lessons --check\n" in PAGE
    done = run(copy, "-m", "course_lib", "lessons", "--check", "--lang", "en")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_lesson_is_open(copy: Path) -> None:
    done = run(copy, "-m", "course_lib", "lessons", "--lang", "en")
    assert done.returncode == 0, done.stderr
    rows = [re.split(r"\s{2,}", line) for line in done.stdout.splitlines()]
    assert ["16", LESSON, "Buying again", "ready"] in rows


def test_the_check_sees_what_is_left_out(copy: Path) -> None:
    """Without its Chinese prose the lesson is refused by name, so the check above can fail."""
    prose = copy / "lessons" / LESSON / "zh.md"
    kept = prose.read_text(encoding="utf-8")
    prose.unlink()
    try:
        done = run(copy, "-m", "course_lib", "lessons", "--check", "--lang", "en")
    finally:
        prose.write_text(kept, encoding="utf-8")
    assert done.returncode == 2
    assert f"lessons/{LESSON}/zh.md" in done.stderr


def test_the_experiment_answers_from_the_command_line(copy: Path) -> None:
    """The very command that the page gives."""
    assert f"python -m course_lib run {EXPERIMENT} --chance 0.05 --json\n" in PAGE
    done = run(copy, "-m", "course_lib", "run", EXPERIMENT, "--chance", "0.05", "--json")
    assert done.returncode == 0, done.stderr
    measures = json.loads(done.stdout)["measures"]
    assert measures["mean_views"]["value"] == pytest.approx(20)
    assert measures["sold"]["value"] == pytest.approx(1 - 0.95**50)
    listed = run(copy, "-m", "course_lib", "experiments", "--json")
    assert EXPERIMENT in [one["name"] for one in json.loads(listed.stdout)]


def test_the_experiment_passes_the_contract(copy: Path) -> None:
    """Only the new experiment's tests: the others run in the tree itself."""
    assert "python -m pytest tests/contracts\n" in PAGE
    passes(copy, "tests/contracts", EXPERIMENT)


def passes(copy: Path, folder: str, name: str) -> None:
    done = run(copy, "-m", "pytest", folder, "-k", name, "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 4


def test_the_model_is_found_without_being_listed(copy: Path) -> None:
    code = "from course_lib.models.catalogue import model_card; print(*model_card('two-back').settings)"
    done = run(copy, "-c", code)
    assert done.stdout.split() == ["reach"], done.stderr


def test_the_model_passes_the_contract(copy: Path) -> None:
    """Only the new model's tests: the others run in the tree itself."""
    assert "python -m pytest tests/models\n" in PAGE
    passes(copy, "tests/models", "two-back")


def test_the_examples_keep_the_style(copy: Path) -> None:
    files = [name for name in STEPS if name.endswith(".py")]
    for check in (["check"], ["format", "--check"]):
        done = run(copy, "-m", "ruff", *check, *files)
        assert done.returncode == 0, done.stdout + done.stderr
