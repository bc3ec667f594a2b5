"""How sure a number is: bootstrap intervals over shoppers, of one model or of a difference, and intervals over seeds.

    bootstrap(values)                       # one number a shopper -> Interval(value=mean, low, high)
    paired_difference(ours, theirs)         # the same shoppers, two models
    bootstrap_ratio(above, below)           # a mean only after dividing: unequal units, normalised weights
    over_seeds([0.31, 0.29, 0.33])          # one number a training seed

The first three say how the score would vary with other shoppers; the last, with another random start of the training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]
RESAMPLES = 1_000
LEVEL = 0.95
BLOCK = 2_000_000  # random numbers drawn at once: 16 MB


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """The form in which runs keep it: ``{"value", "low", "high"}``."""
        return {"value": self.value, "low": self.low, "high": self.high}


def resampled_means(
    outcomes: ArrayLike, counts: ArrayLike, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """(resamples, M) means of samples drawn with replacement from rows in which outcome u occurs ``counts[u]`` times.

    ``outcomes`` is (U, M): the M metrics of each of U different outcomes; ``counts`` is (U,).

    Drawing N rows with replacement and counting outcomes is one multinomial draw over the U outcomes, so the cost
    does not grow with N where outcomes repeat: NDCG@10 of one target has eleven values.
    """
    table = np.asarray(outcomes, np.float64)
    times = np.asarray(counts, np.int64)
    total = int(times.sum())
    if table.ndim != 2 or times.shape != table.shape[:1] or total < 1 or (times < 0).any():
        raise ValueError(f"outcomes {table.shape} and counts {times.shape}; expected (U, M) and (U,), counts above 0")
    random = np.random.default_rng(seed)
    means = np.empty((resamples, table.shape[1]))
    step = max(1, BLOCK // len(table))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        if len(table) * 8 <= total or (times != 1).any():  # outcomes repeat, or some never happened
            weights = random.multinomial(total, times / total, size)  # (size, U)
        else:  # each happened once: counting random row numbers is quicker than as many binomial draws
            weights = np.stack([np.bincount(random.integers(0, total, total), minlength=total) for _ in range(size)])
        means[start : start + size] = weights @ table / total
    return means


def _intervals(outcomes: Values, counts: NDArray[np.int64], resamples: int, seed: int, level: float) -> list[Interval]:
    means = resampled_means(outcomes, counts, resamples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    value = counts @ outcomes / counts.sum()
    return [Interval(float(v), float(a), float(b)) for v, a, b in zip(value, low, high, strict=True)]


def bootstrap(values: ArrayLike, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL) -> Interval:
    """The mean of ``values`` (N,), one a shopper, with its percentile bootstrap interval.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13. Raises ValueError for no values
    or a NaN. Memory stays under about 32 MB at any N.

    >>> bootstrap([0.5, 0.5, 0.5])
    Interval(value=0.5, low=0.5, high=0.5)
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise ValueError(f"values {numbers.shape} must be one finite number a shopper, at least one")
    outcomes, counts = np.unique(numbers, return_counts=True)
    return _intervals(outcomes[:, None], counts, resamples, seed, level)[0]


def bootstrap_counts(
    outcomes: dict[str, Values], counts: NDArray[np.int64], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Intervals of several metrics at once, from each outcome's metrics (U,) and how many shoppers had it (U,).

    All metrics are resampled together, so their intervals speak of the same imagined shoppers.
    """
    table = np.stack(list(outcomes.values()), axis=1)  # (U, M)
    return dict(zip(outcomes, _intervals(table, counts, resamples, seed, LEVEL), strict=True))


def paired_difference(
    ours: ArrayLike, theirs: ArrayLike, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Interval:
    """The mean of ``ours - theirs``, two models' values (N,) for the same shoppers in the same order.

    Shoppers are resampled in pairs: what makes a shopper hard for both models cancels out.
    Source: as :func:`bootstrap`.

    >>> paired_difference([0.5, 1.0], [0.25, 0.75])
    Interval(value=0.25, low=0.25, high=0.25)
    """
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"ours {a.shape} and theirs {b.shape}: a paired difference needs the same shoppers")
    return bootstrap(a - b, resamples, seed, level)


def bootstrap_ratio(
    above: ArrayLike, below: ArrayLike, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Interval:
    """The sum over m of (mean of ``above`` / mean of ``below``), (G, M) each, a row for each unit that is resampled.

    For what is a mean only after dividing: units of unequal size, or weights that are normalised. Both means are taken
    anew in each resample, where 0 / 0 counts as 0. Source: as :func:`bootstrap`. Raises ValueError for wrong shapes, a
    NaN, or a mean of ``below`` that is not above 0.

    >>> bootstrap_ratio([[1.0], [3.0]], [[2.0], [6.0]])  # every unit's ratio is the same
    Interval(value=0.5, low=0.5, high=0.5)
    """
    tops, bottoms = np.asarray(above, np.float64), np.asarray(below, np.float64)
    if tops.ndim != 2 or not len(tops) or tops.shape != bottoms.shape or not np.isfinite(tops + bottoms).all():
        raise ValueError(f"above {tops.shape} and below {bottoms.shape} must be finite numbers (G, M), one row or more")
    if not (bottoms.mean(0) > 0).all() or (bottoms < 0).any():
        raise ValueError("below must not be negative, nor 0 in a whole column")
    outcomes, counts = np.unique(np.concatenate([tops, bottoms], axis=1), axis=0, return_counts=True)
    means = resampled_means(outcomes, counts, resamples, seed)
    over, under = np.split(means, 2, axis=1)
    drawn = np.divide(over, under, out=np.zeros_like(over), where=under > 0).sum(1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float((tops.mean(0) / bottoms.mean(0)).sum()), float(low), float(high))


def over_seeds(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The mean over training seeds with Student's t interval: mean ± t(n - 1) s / √n, s the sample deviation.

    Raises ValueError for fewer than two seeds: one run says nothing about how runs differ.

    >>> over_seeds([1.0, 3.0], level=0.5)  # mean 2, s = √2, s / √2 = 1, and t(1) at 75% is 1
    Interval(value=2.0, low=1.0, high=3.0)
    """
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    numbers = np.asarray(values, np.float64)
    if len(numbers) < 2:
        raise ValueError(f"{len(numbers)} value(s): an interval over seeds needs at least two runs")
    half = round(float(stdtrit(len(numbers) - 1, (1 + level) / 2) * numbers.std(ddof=1) / np.sqrt(len(numbers))), 12)
    mean = float(numbers.mean())
    return Interval(mean, mean - half, mean + half)
