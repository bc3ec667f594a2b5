"""The law of a scaling lab's runs, as its picture draws it: fitted to the four smallest, with the oracle's floor.

Where the runs differ in ``shoppers`` they scale the data, else the size of the model. Each function raises CourseError
where the runs allow no such law.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.course.measures import Estimate
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.evaluation.intervals import Interval
    from course_lib.evaluation.scaling import PowerLaw
    from course_lib.runs.view import RunView


def exponent(runs: Sequence[RunView]) -> Estimate:
    """a in E + A x^-a."""
    return _estimate(_law(runs).exponent)


def r2(runs: Sequence[RunView]) -> float:
    """R^2 of the law."""
    return _law(runs).r2


def expected(runs: Sequence[RunView]) -> Estimate:
    """The loss that the law expects of the largest run, nats."""
    return _estimate(_law(runs).predict(_points(runs)[-1][0]))


def promise(runs: Sequence[RunView]) -> float:
    """By how much the law lets the loss fall from the largest run that it was fitted to down to the largest run, nats.

    From the loss that this run had, so that it stands beside the loss that was really gained.
    """
    from course_lib.evaluation.scaling import FIRST

    return _points(runs)[FIRST - 1][1] - expected(runs).value


def factor(runs: Sequence[RunView]) -> float:
    """How many times as large the largest run is as the largest one that the law was fitted to."""
    from course_lib.evaluation.scaling import FIRST

    points = _points(runs)
    return points[-1][0] / points[FIRST - 1][0]


def straight_r2(runs: Sequence[RunView]) -> float:
    """R^2 of the law of the same runs without a floor, a straight line on logarithmic scales."""
    from course_lib.evaluation.scaling import FIRST, fit_power_law

    sizes, losses = zip(*_points(runs)[:FIRST], strict=True)
    return fit_power_law(sizes, losses, 0.0).r2


def free_floor(runs: Sequence[RunView]) -> Estimate:
    """The floor that a law of all runs chooses for itself, nats."""
    return _estimate(_free(runs).floor)


def free_r2(runs: Sequence[RunView]) -> float:
    """R^2 of the law that chooses its floor."""
    return _free(runs).r2


def _kind(runs: Sequence[RunView]) -> str:
    """ "data" or "size", as the pictures are called."""
    shoppers = {run.config.settings.get("shoppers") for run in runs if run.config is not None}
    return "data" if len(shoppers) > 1 else "size"


def _points(runs: Sequence[RunView]) -> list[tuple[float, float]]:
    """(size, loss) of each run, the smallest first, as the picture has them."""
    from course_lib.figures import scaling
    from course_lib.figures.shown import Shown

    frame = getattr(scaling, _kind(runs))(Shown(runs=runs), "en").frame
    rows = frame[frame["kind"] == "run"]
    if len(rows) < len(runs):
        raise CourseError("measure_missing", name="loss")
    return list(zip(rows["x"].astype(float), rows["loss"].astype(float), strict=True))


def _law(runs: Sequence[RunView]) -> PowerLaw:
    from course_lib.evaluation.scaling import FIRST
    from course_lib.figures.scaling import law_of
    from course_lib.figures.shown import Shown

    law, _ = law_of(_kind(runs), Shown(runs=runs))
    if law is None:
        raise CourseError("scaling_points", points=len(runs), needed=FIRST)
    return law


def _free(runs: Sequence[RunView]) -> PowerLaw:
    from course_lib.evaluation.scaling import fit_power_law

    sizes, losses = zip(*_points(runs), strict=True)
    return fit_power_law(sizes, losses, None)


def _estimate(interval: Interval) -> Estimate:
    return Estimate(interval.value, interval.low, interval.high)
