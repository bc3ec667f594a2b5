"""``instructor --new-secret``: another secret, and nobody keeps the role by the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.cli.main import main
from course_lib.course import instructor_secret, roles
from course_lib.course.store import open_store
from course_lib.settings import load_settings


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_new_secret_is_printed_alone_and_ends_the_old_role(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = instructor_secret.first_secret()
    assert first is not None
    store = open_store(load_settings().database_url)
    roles.become_instructor(store, "a" * 32, first)
    assert main(["--lang", language, "instructor", "--new-secret"]) == 0
    out, err = capsys.readouterr()
    assert instructor_secret.is_secret(out.strip())  # so that it can be piped into a safe
    assert "1" in err
    assert not instructor_secret.is_secret(first)
    assert not roles.is_instructor(store, "a" * 32)
    store.close()


def test_it_has_to_be_said_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    first = instructor_secret.first_secret()
    assert first is not None
    assert main(["instructor"]) == 2
    assert "--new-secret" in capsys.readouterr().err
    assert instructor_secret.is_secret(first)


def test_a_database_that_cannot_be_used_leaves_the_secret_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = instructor_secret.first_secret()
    assert first is not None
    (home / "course.sqlite").write_text("this is no database, but long enough to be taken for a damaged one" * 20)
    assert main(["instructor", "--new-secret"]) == 2
    assert capsys.readouterr().out == ""
    assert instructor_secret.is_secret(first)
