"""The learning rate as a function: warm-up, cosine, constant, and a training too short for a warm-up."""

from __future__ import annotations

import math

import pytest

from course_lib.training.rate import WARM_UP, learning_rate


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("steps", [10, 200, 764])
def test_rises_in_a_line(steps: int, schedule: str) -> None:
    warm = int(WARM_UP * steps)
    for step in range(warm):
        assert learning_rate(step, steps, 0.3, schedule) == pytest.approx(0.3 * (step + 1) / warm)


def test_cosine_by_hand() -> None:
    """100 steps, 10 of warm-up: the quarter, the half and the end of the 90 that follow."""
    assert learning_rate(10, 100, 2.0) == 2
    assert learning_rate(32, 100, 2.0) > 1 + math.sqrt(0.5) > learning_rate(33, 100, 2.0)
    assert learning_rate(55, 100, 2.0) == pytest.approx(1)
    assert 0 < learning_rate(99, 100, 2.0) < 0.001
    assert learning_rate(100, 100, 2.0) == pytest.approx(0)


def test_constant_stays() -> None:
    assert {learning_rate(step, 100, 0.5, "constant") for step in range(9, 100)} == {0.5}


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_one_step_is_taken_at_the_peak(schedule: str) -> None:
    assert learning_rate(0, 1, 0.5, schedule) == 0.5


def test_no_other_schedule() -> None:
    with pytest.raises(ValueError, match="linear"):
        learning_rate(50, 100, 0.5, "linear")
