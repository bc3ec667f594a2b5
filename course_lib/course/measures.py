"""Named measures of a run, each an estimate with its interval, computed from the run's ``result.json``.

A lesson names a measure as the truth of a guess or as the goal of a challenge: ``ndcg@10``, ``sasrec_over_markov``,
``share_of_filtered_oracle``. Two estimates combine by the method of variance estimates recovery (Zou & Donner,
Statistics in Medicine 27, 2008; for ratios Donner & Zou, Statistical Methods in Medical Research 21, 2012), which needs
only the two intervals. It takes them as independent; scores on the same targets rise and fall together, so the
interval of a difference between models comes out too wide rather than too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.models.catalogue import model_cards

METRICS = ("ndcg@10", "hr@10", "mrr@10", "recall@10", "precision@10", "map@10")
BASELINES = {"popularity": "popularity", "item_knn": "item-knn", "markov": "markov"}  # in a measure: in the result
ORACLES = ("known", "filtered")
HEADLINE = "ndcg@10"  # the metric that comparisons are made in
EXPERIMENTS = ("shuffle_cost",)  # an experiment writes these itself, under "measures" in its result
_NAMES = (*METRICS, *(f"share_of_{oracle}_oracle" for oracle in ORACLES), "parameters", "seconds", *EXPERIMENTS)
KNOWN = ", ".join((*_NAMES, "<model>_over_<baseline>"))  # for messages


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

    def __truediv__(self, other: Estimate) -> Estimate:
        """The ratio of two estimates that are not negative; its upper bound is infinite where the divisor may be 0."""
        a, b = self, other
        product = a.value * b.value
        below, under = b.high * (2 * b.value - b.high), a.low * (2 * a.value - a.low)
        reach = product + math.sqrt(max(0.0, product**2 - below * under))
        low = under / reach if reach > 0 else 0.0  # the root written so that ``below`` may be 0 or negative
        above, over = b.low * (2 * b.value - b.low), a.high * (2 * a.value - a.high)
        high = (product + math.sqrt(max(0.0, product**2 - above * over))) / above if above > 0 else math.inf
        value = a.value / b.value
        return Estimate(value, min(value, max(0.0, low)), max(value, high))


def is_known(name: str) -> bool:
    """Whether a lesson may use this name."""
    one, _, other = name.partition("_over_")
    scorers = {*BASELINES, *(model.replace("-", "_") for model in model_cards())}
    return name in _NAMES or (one != other and other in BASELINES and one in scorers)


def measure(name: str, result: Mapping[str, Any]) -> Estimate:
    """The measure ``name`` of a run.

    - a metric's own name: the model's score on the test targets;
    - ``<one>_over_<other>``: NDCG@10 of one model minus another's, as in ``sasrec_over_markov``;
    - ``share_of_<oracle>_oracle``: the model's NDCG@10 divided by the oracle's;
    - ``parameters``, ``seconds`` (in all): as counted.

    Raises CourseError for an unknown name, or where the result does not hold what the measure needs.
    """
    if not is_known(name):
        raise CourseError("unknown_measure", name=name, known=KNOWN)
    try:
        own = result.get("measures") or {}
        if name in own:
            return _estimate(own[name])
        if name in METRICS:
            return _estimate(result["metrics"][name])
        if name == "parameters":
            return _exact(result["parameters"])
        if name == "seconds":
            return _exact(result["seconds"]["total"])
        if name.startswith("share_of_"):
            oracle = name.removeprefix("share_of_").removesuffix("_oracle")
            return _estimate(result["metrics"][HEADLINE]) / _estimate(result["oracle"][oracle][HEADLINE])
        one, _, other = name.partition("_over_")
        return _score(one, result) - _score(other, result)
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        # the result is of another kind than the measure needs, or damaged; the reader is told which measure
        raise CourseError("measure_missing", name=name) from None


def _score(scorer: str, result: Mapping[str, Any]) -> Estimate:
    """NDCG@10 of the run's own model or of one of its baselines."""
    if scorer == str(result["model"]).replace("-", "_"):
        return _estimate(result["metrics"][HEADLINE])
    return _estimate(result["baselines"][BASELINES[scorer]][HEADLINE])


def _estimate(record: Mapping[str, Any]) -> Estimate:
    """From ``{"value", "low", "high"}``; raises ValueError where they are no finite numbers in order."""
    value, low, high = (float(record[part]) for part in ("value", "low", "high"))
    if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
        raise ValueError(record)
    return Estimate(value, low, high)


def _exact(value: Any) -> Estimate:
    """A counted number."""
    return _estimate({"value": value, "low": value, "high": value})
