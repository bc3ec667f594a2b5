"""Metrics on sampled candidates, without sampling: what they are on average, from the ranks in the full catalogue.

    weights = expected_metric("hr", negatives=100, products=1260)    # (V,) by the target's full rank
    weights[ranks].mean()                                            # expected HR@10 against 100 negatives

Many papers rank the target among itself and ``m`` products drawn at random instead of among all V. If r products of
the other V - 1 score as high as the target, and m of the V - 1 are drawn without replacement, each equally likely,
then X, how many of the r are among them, is hypergeometric:

    P(X = x | r) = C(r, x) C(V - 1 - r, m - x) / C(V - 1, m)

and X is the target's rank in the sampled list. So the metric's expectation is a weighted look at the full ranks:

    E[metric@k | r] = sum over x < k of P(X = x | r) gain(x),    gain(x) = 1 for HR, 1 / log2(x + 2) for NDCG

With all m = V - 1 nothing is left to chance, and it is the metric itself. Source: Krichene & Rendle, On Sampled Metrics
for Item Recommendation, KDD 2020, section 4, who draw with replacement; Li et al., On Sampling Top-K Recommendation
Evaluation, KDD 2020, draw without.

Legend: N targets, V products, k list length, ranks from 0 as in metrics.py (equal scores count against the target in
either list).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.intervals import Interval
from course_lib.evaluation.metrics import hit_rate, ndcg

Ranks = NDArray[np.int64]
Values = NDArray[np.float64]
METRICS: dict[str, Callable[..., Values]] = {"hr": hit_rate, "ndcg": ndcg}
Z = 1.959964  # of a normal interval at 95%


def log_factorials(most: int) -> Values:
    """(most + 1,) log n! for n = 0 ... most."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def sampled_ranks(negatives: int, products: int, k: int = 10) -> Values:
    """(V, k) P(X = x) for a target of full rank r = 0 ... V - 1 and sampled rank x = 0 ... k - 1.

    Raises ValueError where so many negatives cannot be drawn.

    >>> sampled_ranks(1, 3, k=2).tolist()  # of two others one is drawn: ahead with chance 0, 1/2, 1
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    others, m = products - 1, negatives
    if not 1 <= m <= others:
        raise ValueError(f"{m} negatives of {others} other products; expected 1..{others}")
    r, x = np.arange(products)[:, None], np.arange(k)[None, :]
    least, most = np.maximum(0, m - (others - r)), np.minimum(r, m)
    possible = (least <= x) & (x <= most)
    x = np.clip(x, least, most)  # where it is not possible, any place that has logarithms
    log = log_factorials(others)
    drawn = log[r] - log[x] - log[r - x]
    spared = log[others - r] - log[m - x] - log[others - r - m + x]
    every = log[others] - log[m] - log[others - m]
    return np.where(possible, np.exp(drawn + spared - every), 0.0)


def expected_metric(metric: str, negatives: int, products: int, k: int = 10) -> Values:
    """(V,) the expected ``metric`` ("hr" or "ndcg") at k of a target of full rank 0 ... V - 1.

    More negatives than there are other products are all of them. Raises ValueError for fewer than one.

    >>> expected_metric("hr", 2, 4, k=1).round(3).tolist()  # a hit only if both drawn are behind: 1, 1/3, 0, 0
    [1.0, 0.333, 0.0, 0.0]
    """
    gains = METRICS[metric](np.arange(k), k=k)
    found: Values = sampled_ranks(min(negatives, products - 1), products, k) @ gains
    return found


def normal_mean(values: ArrayLike) -> Interval:
    """The mean of (N,) values with mean ± 1.96 s / √N, at once: for curves of many points on thousands of shoppers.

    On such numbers it is the bootstrap's interval to the third digit. One value has no width. Raises ValueError for
    none.

    >>> normal_mean([0.5, 0.5])
    Interval(value=0.5, low=0.5, high=0.5)
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"values {numbers.shape} must be one number a shopper, at least one")
    mean = float(numbers.mean())
    half = Z * float(numbers.std()) / len(numbers) ** 0.5
    return Interval(mean, mean - half, mean + half)


def compare(metric: str, negatives: int, products: int, ours: Ranks, theirs: Ranks, k: int = 10) -> dict[str, Any]:
    """Two models' expected metric and their paired difference, from full ranks (N,) of the same targets.

    ``{"one", "other", "difference"}``, each with value, low and high. The intervals say how the numbers would vary with
    other shoppers; the draw of negatives adds nothing, for it is averaged out. Raises ValueError for unequal lists.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"ours {ours.shape} and theirs {theirs.shape}: both models need the same targets")
    weight = expected_metric(metric, negatives, products, k)
    a, b = weight[ours], weight[theirs]
    found = {"one": normal_mean(a), "other": normal_mean(b), "difference": normal_mean(a - b)}
    return {name: interval.to_dict() for name, interval in found.items()}


def numbers_of_negatives(products: int, points: int = 28) -> list[int]:
    """About so many numbers of negatives from 1 to all others, at equal distances on a logarithmic axis.

    >>> numbers_of_negatives(101, 5)
    [1, 3, 10, 20, 32, 50, 100]
    """
    others = products - 1
    usual = [one for one in (10, 20, 50, 100) if one <= others]  # those of papers
    return sorted({*np.geomspace(1, others, points).round().astype(int).tolist(), *usual})


def crossing(negatives: list[int], differences: list[float]) -> float | None:
    """Where a difference last changes its sign, between two numbers of negatives; None where it never does.

    Interpolated on the logarithmic axis. 0 is of neither sign.

    >>> round(crossing([10, 1000], [-1.0, 1.0]), 6)
    100.0
    """
    signed = [(m, d) for m, d in zip(negatives, differences, strict=True) if d != 0]
    for (low, before), (high, after) in reversed(list(itertools.pairwise(signed))):
        if before * after < 0:
            share = before / (before - after)
            return float(low * (high / low) ** share)
    return None
