"""The kills of ``python -m benchmarks.faults`` in their shortest form, and that a loss would be noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import faults
from course_lib.course.store import open_store


def test_answers_outlive_the_process_that_took_them(tmp_path: Path) -> None:
    assert "all there" in faults.kill_during_answers(tmp_path, kills=2)


def test_an_answer_that_is_gone_is_noticed(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'course.sqlite'}")
    store.learner("ann").record_answer(faults.LESSON, "1", [0], correct=True)
    store.close()
    assert faults.check_answers(tmp_path, [1]) == 1
    with pytest.raises(faults.LostError, match=r"answers \[2\]"):
        faults.check_answers(tmp_path, [1, 2])


def test_a_run_whose_web_process_was_killed_ends_in_the_same_weights(tmp_path: Path) -> None:
    of = faults.config()
    faults.finish(tmp_path / "straight", of)
    reference = faults.digest(tmp_path / "straight", of)
    assert "the same weights" in faults.kill_web(tmp_path / "killed", 1, of, reference)
    with pytest.raises(faults.LostError, match="differ"):
        faults.compare(tmp_path / "killed", of, "0" * 64)
