"""What a coupon policy is worth: true profit and Qini of rankings, with intervals, and what a log can tell of them.

A policy is a ranking of ``n`` shoppers and a share of them, the budget: the first ones get the coupon. The truth about
each shopper is known (course_lib/evaluation/coupon_trials.py), so that intervals are about which shoppers come, not
about luck; what a log of a randomised campaign says of the same policy is estimated from it alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.shop.truth.coupons import qini as true_qini

NORMAL = 1.959963985  # of a 95% interval
PER = 1000.0  # shoppers that money is told of
RESAMPLES = 200
Values = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def chosen(score: Values, budget: float, floor: float | None = None) -> Flags:
    """(n,) who gets the coupon: the first ``budget`` share by ``score``, and nobody at or below ``floor``.

    Equal scores go in the order of the shoppers, which is by lot.

    >>> chosen(np.array([0.1, 0.3, -0.2, 0.2]), 0.5).tolist()
    [False, True, False, True]
    """
    count = round(budget * len(score))
    picked = np.zeros(len(score), bool)
    picked[np.argsort(-score, kind="stable")[:count]] = True
    return picked if floor is None else picked & (score > floor)


def mean_of(values: Values, per: float = PER) -> dict[str, float]:
    """Mean of (n,) per ``per`` shoppers with its 95% interval by the normal distribution."""
    mean = float(values.mean())
    half = NORMAL * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return {"value": round(mean * per, 6), "low": round((mean - half) * per, 6), "high": round((mean + half) * per, 6)}


def logged_profit(
    picked: Flags, treated: Flags, bought: Flags, chance: float, price: float, discount: float, margin: float
) -> dict[str, float]:
    """What a campaign by lot says that a coupon to exactly the ``picked`` brings, per PER shoppers.

    Horvitz & Thompson 1952: shoppers with the coupon tell what it brings, those without what they bring anyway.
    """
    with_ = price * (margin - discount) * bought * treated / chance
    without = price * margin * bought * ~treated / (1 - chance)
    return mean_of(np.where(picked, with_ - without, 0.0))


def curve(values: Values, score: Values, shares: Values) -> Values:
    """(K,) sum of ``values`` over the first shares (K,) by ``score``, per PER shoppers."""
    total = np.append(0.0, np.cumsum(values[np.argsort(-score, kind="stable")]))
    found: Values = np.interp(shares * len(values), np.arange(len(values) + 1), total) / len(values) * PER
    return found


def qini_shares(
    uplift: Values, scores: Mapping[str, Values], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[dict[str, dict[str, float]], dict[str, Values]]:
    """Each score's true Qini coefficient as a share of the best possible's, with a bootstrap over shoppers.

    Returns the estimates, and (resamples,) values of each, drawn of the same shoppers, for differences.
    """
    random = np.random.default_rng(seed)
    n = len(uplift)
    weight = np.stack([np.bincount(random.integers(0, n, n), minlength=n) for _ in range(resamples)]).astype(np.float64)
    best = true_qini(uplift, uplift)
    best_drawn = _areas(uplift, uplift, weight)
    found, drawn = {}, {}
    for name, score in scores.items():
        value = true_qini(uplift, score) / best
        drawn[name] = _areas(uplift, score, weight) / best_drawn
        found[name] = _interval(value, drawn[name])
    return found, drawn


def _areas(uplift: Values, score: Values, weight: Values) -> Values:
    """(R,) area of the gain curve above chance, where shopper i stands there ``weight[r, i]`` times."""
    order = np.argsort(-score, kind="stable")
    times = weight[:, order]
    n, gain = np.cumsum(times, 1), np.cumsum(times * uplift[order], 1)
    zero = np.zeros((len(weight), 1))
    area = np.trapezoid(np.hstack([zero, gain]), np.hstack([zero, n]), axis=1)
    found: Values = area - gain[:, -1] * n[:, -1] / 2
    return found


def _interval(value: float, drawn: Values) -> dict[str, float]:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": round(value, 6),
        "low": round(min(float(low), value), 6),
        "high": round(max(float(high), value), 6),
    }


def difference(one: dict[str, float], other: dict[str, float], drawn: Values) -> dict[str, float]:
    """The difference of two estimates by the differences drawn of the same shoppers."""
    return _interval(one["value"] - other["value"], drawn)


def decomposed(picked: Flags, kinds: Ints, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """By kind of shopper: the share of all who are of it, and the share of them who get the coupon."""
    found: dict[str, Any] = {}
    for number, name in enumerate(names):
        of_kind = kinds == number
        found[name] = {
            "all": float(of_kind.mean()), "reached": float(picked[of_kind].mean()) if of_kind.any() else 0.0,
        }  # fmt: skip
    return found
