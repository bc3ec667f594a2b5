"""tools/environment.sh: makes .venv once, installs only what changed, and says in a sentence what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / "tools" / "environment.sh"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="a script for sh")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements are a small package of its own, so that nothing is fetched."""
    (tmp_path / "tools").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("# nothing yet\n")
    return tmp_path


def run(checkout: Path, *files: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(checkout / "tools" / "environment.sh"), *files],
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_first_second_and_changed(checkout: Path) -> None:
    first = run(checkout, "requirements.txt")
    assert first.returncode == 0, first.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()
    assert "Making .venv" in first.stderr
    assert "Installing requirements.txt" in first.stderr

    second = run(checkout, "requirements.txt")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    (checkout / "requirements.txt").write_text("./no-such-package\n")
    broken = run(checkout, "requirements.txt")
    assert broken.returncode == 2
    assert broken.stderr.splitlines()[-1].startswith("Installing requirements.txt did not work (see above)")

    (checkout / "requirements.txt").write_text("# nothing again\n")
    mended = run(checkout, "requirements.txt")
    assert (mended.returncode, mended.stderr) == (0, "Installing requirements.txt ...\n")


def test_a_half_made_environment_is_made_anew(checkout: Path) -> None:
    """As left by a first run that was interrupted."""
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "installed-requirements.txt").write_text("# nothing yet\n")
    done = run(checkout, "requirements.txt")
    assert done.returncode == 0, done.stderr
    assert "Making .venv" in done.stderr
    assert "Installing requirements.txt" in done.stderr


def fake(folder: Path, body: str) -> str:
    """A program that stands for a Python."""
    program = folder / "fake-python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("python", ["/no/such/python", "false"])
def test_an_old_or_missing_python_is_told(checkout: Path, python: str) -> None:
    done = run(checkout, "requirements.txt", PYTHON=python)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("The course needs Python 3.11 or newer, and ")
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_told(checkout: Path, tmp_path: Path) -> None:
    python = fake(tmp_path, 'case "$2" in *venv*) exit 1;; esac')
    done = run(checkout, "requirements.txt", PYTHON=python)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "has no venv module: install it" in done.stderr
