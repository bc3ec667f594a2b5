"""What the runs cost, as the picture ``race.cost`` has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.course.measures import Estimate
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.evaluation.cost import Cost
    from course_lib.runs.view import RunView

TO = 5  # seconds that the time of all runs is rounded to: it differs from machine to machine


def total_seconds(runs: Sequence[RunView]) -> float:
    """From the first to the last run, one after the other, evaluation and pictures included; to five seconds."""
    seconds = sum(float((run.result or {})["seconds"]["total"]) for run in runs)
    return max(TO, TO * round(seconds / TO))


def operations(runs: Sequence[RunView]) -> float:
    """Floating-point operations of the first run's training. Raises CourseError for a model that only counts."""
    flops = _cost(runs).flops
    if flops is None:
        raise CourseError("cost_unknown")
    return flops


def joules(runs: Sequence[RunView]) -> Estimate:
    """Energy of the first run's training."""
    joules = _cost(runs).joules
    return Estimate(joules.value, joules.low, joules.high)


def _cost(runs: Sequence[RunView]) -> Cost:
    from course_lib.figures.race import cost_of_run

    cost = cost_of_run(runs[0])
    if cost is None:
        raise CourseError("cost_unknown")
    return cost
