"""Named measures of a run, each an estimate with its interval, as its experiment declares them in MEASURES.

A lesson names a measure as the truth of a guess or as the goal of a challenge: ``ndcg@10``, ``over_markov``. Two runs
combine by the method of variance estimates recovery (Zou & Donner, Statistics in Medicine 27, 2008), which needs only
the two intervals. It takes them as independent; scores on the same targets rise and fall together, so the interval of
a difference between runs comes out too wide rather than too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_cards

HEADLINE = "ndcg@10"  # what runs of recommenders are compared in


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that it may lie in; ``low == value == high`` where it is counted, not estimated."""

    value: float
    low: float
    high: float

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference: each side's distance to its bound, added as squares."""
        value = self.value - other.value
        down = math.hypot(self.value - self.low, other.high - other.value)
        up = math.hypot(self.high - self.value, other.value - other.low)
        return Estimate(value, value - down, value + up)


def unit_of(name: str) -> str:
    """The unit of a measure, by whichever experiment declares it; "score" for one that none does."""
    return next((card.measures[name] for card in experiment_cards().values() if name in card.measures), "score")


def measure(name: str, result: Mapping[str, Any]) -> Estimate:
    """The measure ``name`` of a run's result; raises CourseError where the result does not hold it."""
    try:
        record = result["measures"][name]
        value, low, high = (float(record[part]) for part in ("value", "low", "high"))
        if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
            raise ValueError(record)
    except (KeyError, TypeError, ValueError):  # another kind of run than the measure needs, or a damaged one
        raise CourseError("measure_missing", name=name) from None
    return Estimate(value, low, high)
