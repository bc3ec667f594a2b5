"""What no single log can tell: an estimator's bias and spread over many logs, and how often its interval holds.

    repeats = Repeats(sizes=(300, 3000), most=10.0)
    for _ in range(200):
        repeats.add(lambda size: ...)       # the case of this log's first so many slates
    repeats.estimators()["snips"]           # {"bias", "sd", "error", "held"} at the largest size

``error`` is the root of the mean squared difference to the truth, bias^2 + sd^2; ``held`` the share of 95% intervals
that hold it. Where nobody knows the truth there is only ``sd``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.intervals import Interval
from course_lib.evaluation.off_policy import clipped_ips, normal_estimates, switch_dr
from course_lib.evaluation.policy_trials import Case

CLIPS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0)
Z = 1.959964  # of a 95% interval


@dataclass
class Repeats:
    """Estimates of logs that are added one by one."""

    sizes: Sequence[int]  # of the log, rising
    most: float  # the clip
    _found: dict[tuple[int, str], list[tuple[float, float, float]]] = field(default_factory=dict)  # value, low, high
    _clipped: dict[tuple[float, str], list[float]] = field(default_factory=dict)
    _truth: float | None = None

    def add(self, case_of: Callable[[int], Case]) -> None:
        """One more log; ``case_of`` gives the case of its first so many slates."""
        for size in self.sizes:
            case = case_of(size)
            for name, one in normal_estimates(case.log, case.predictions, self.most).items():
                self._found.setdefault((size, name), []).append((one.value, one.low, one.high))
        self._truth = case.truth.value if case.truth is not None else None
        for clip in CLIPS:
            for name, values in (
                ("clipped_ips", clipped_ips(case.log, clip)),
                ("switch_dr", switch_dr(case.log, case.predictions, clip)),
            ):
                self._clipped.setdefault((clip, name), []).append(float(values.mean()))

    def estimators(self, size: int | None = None) -> dict[str, dict[str, float]]:
        """By estimator, at the largest size or the one that is asked for."""
        size = self.sizes[-1] if size is None else size
        return {name: self._told(np.array(rows)) for (of, name), rows in self._found.items() if of == size}

    def by_size(self) -> list[dict[str, object]]:
        """``[{"slates", "estimators": {name: {...}}}]``, in order of size."""
        return [{"slates": size, "estimators": self.estimators(size)} for size in self.sizes]

    def by_clip(self) -> list[dict[str, object]]:
        """``[{"clip", "estimators": {name: {...}}}]`` of the estimators that have a clip, at the largest size."""
        return [
            {
                "clip": clip,
                "estimators": {
                    name: self._told(np.array(values)[:, None])
                    for (of, name), values in self._clipped.items()
                    if of == clip
                },
            }
            for clip in CLIPS
        ]

    def errors(self) -> dict[str, Interval]:
        """By estimator, the error with its own interval over the logs; empty where nobody knows the truth."""
        found = {}
        for (size, name), rows in self._found.items():
            if size == self.sizes[-1] and self._truth is not None:
                squared = (np.array(rows)[:, 0] - self._truth) ** 2
                mean, half = squared.mean(), Z * squared.std(ddof=1) / np.sqrt(len(squared))
                found[name] = Interval(*(float(np.sqrt(max(one, 0.0))) for one in (mean, mean - half, mean + half)))
        return found

    def held(self) -> dict[str, Interval]:
        """By estimator, the share of intervals that hold the truth, with Wilson's interval over the logs."""
        return {
            name: wilson(round(one["held"] * self.logs), self.logs)
            for name, one in self.estimators().items()
            if "held" in one
        }

    @property
    def logs(self) -> int:
        """How many have been added."""
        return max((len(rows) for rows in self._found.values()), default=0)

    def _told(self, rows: NDArray[np.float64]) -> dict[str, float]:
        value = rows[:, 0]
        told = {"mean": float(value.mean()), "sd": float(value.std(ddof=1)) if len(value) > 1 else 0.0}
        if self._truth is not None:
            wrong = value - self._truth
            told |= {"bias": float(wrong.mean()), "error": float(np.sqrt((wrong**2).mean()))}
            if rows.shape[1] == 3:
                told["held"] = float(((rows[:, 1] <= self._truth) & (rows[:, 2] >= self._truth)).mean())
        return told


def wilson(held: int, of: int) -> Interval:
    """A share with its 95% interval, good near 0 and 1 too. Source: Wilson, JASA 1927. Raises ValueError for of < 1.

    >>> wilson(0, 200).high < 0.02
    True
    """
    if not 0 <= held <= of or of < 1:
        raise ValueError(f"{held} of {of} is no share")
    share, square = held / of, Z**2 / of
    middle = (share + square / 2) / (1 + square)
    half = Z * float(np.sqrt(share * (1 - share) / of + square / (4 * of))) / (1 + square)
    return Interval(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))
