"""The mean effect of a coupon from a log in which it was not given by lot: what each estimator makes of it.

    judged = effects(treated, bought, propensity, rule, counts)      # {"naive": {"value", "low", "high"}, ...}

With T for a coupon, Y for a purchase, e(x) for the chance of a coupon and m_t(x) for a model of Y in either arm:

    naive        mean of Y with a coupon less mean of Y without: right where coupons are given by lot
    wrong        the same, but straightened by a regression on what did not decide about coupons (how many purchases a
                 shopper made, and how quickly)
    ipw          Horvitz & Thompson 1952, weights normalised (Hajek): each shopper counts 1 / chance of what happened,
                 by the chances that the shop wrote down
    ipw_learned  the same by chances learned from the counts of purchases (Rosenbaum & Rubin 1983)
    dr           m_1 - m_0, and what the models missed, weighted (Robins, Rotnitzky & Zhao 1994), by the chances
                 written down

Intervals are 95% by the normal distribution, from each shopper's influence on the estimate; they know of luck, and of
no bias. Nothing here can help where a kind of shopper always or never gets a coupon.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.uplift import arms

ESTIMATORS = ("naive", "wrong", "ipw", "ipw_learned", "dr")
NORMAL = 1.959963985
CLIP = 0.01  # a learned chance is kept this far from 0 and 1
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def effects(
    treated: Flags, bought: Flags, propensity: Values, beside: Values, counts: Values
) -> dict[str, dict[str, float]]:
    """Every estimate of ESTIMATORS with its interval.

    Args:
        treated: (n,) who got a coupon.
        bought: (n,) who bought.
        propensity: (n,) chance of a coupon as the shop wrote it down.
        beside: (n, B) what did not decide about coupons.
        counts: (n, F) what is known of the shoppers' purchases, standardised.

    Raises CourseError where an arm is empty, nobody bought, or a chance is 0 or 1.
    """
    said, given = arms(bought, treated)
    if ((propensity <= 0) | (propensity >= 1)).any():
        raise CourseError("campaign_no_overlap", share=f"{((propensity <= 0) | (propensity >= 1)).mean():.0%}")
    y = said.astype(np.float64)
    learned = np.clip(_chance(counts, given), CLIP, 1 - CLIP)
    return {
        "naive": weighted(y, given, np.full(len(y), given.mean())),
        "wrong": _regression(y, given, beside),
        "ipw": weighted(y, given, propensity),
        "ipw_learned": weighted(y, given, learned),
        "dr": _doubly_robust(y, given, propensity, counts),
    }


def weighted(y: Values, given: Flags, chance: Values) -> dict[str, float]:
    """The difference of two weighted means; with one chance for all it is the plain difference.

    >>> weighted(np.array([1.0, 0.0, 0.0, 0.0]), np.array([True, True, False, False]), np.full(4, 0.5))["value"]
    0.5
    """
    up, down = given / chance, ~given / (1 - chance)
    with_, without = float((up * y).sum() / up.sum()), float((down * y).sum() / down.sum())
    influence = up / up.mean() * (y - with_) - down / down.mean() * (y - without)
    return _interval(with_ - without, influence)


def _doubly_robust(y: Values, given: Flags, chance: Values, counts: Values) -> dict[str, float]:
    with_, without = _outcome(counts, y, given), _outcome(counts, y, ~given)
    each = with_ - without + given * (y - with_) / chance - ~given * (y - without) / (1 - chance)
    return _interval(float(each.mean()), each - each.mean())


def _regression(y: Values, given: Flags, beside: Values) -> dict[str, float]:
    """The coefficient of the coupon in a least-squares regression, with White's standard error."""
    x = np.column_stack([np.ones(len(y)), given, beside])
    inverse = np.linalg.pinv(x.T @ x)
    beta = inverse @ x.T @ y
    influence = (x @ inverse)[:, 1] * (y - x @ beta) * len(y)
    return _interval(float(beta[1]), influence)


def _interval(value: float, influence: Values) -> dict[str, float]:
    half = NORMAL * math.sqrt(float((influence**2).sum())) / len(influence)
    return {"value": round(value, 8), "low": round(value - half, 8), "high": round(value + half, 8)}


def _chance(x: Values, given: Flags) -> Values:
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(C=1.0, max_iter=1000)
    return np.asarray(model.fit(x, given).predict_proba(x)[:, 1], np.float64)


def _outcome(x: Values, y: Values, arm: Flags) -> Values:
    """(n,) P(buy) of everyone by the shoppers of one arm; their mean where they all did the same."""
    if y[arm].min() == y[arm].max():
        return np.full(len(y), y[arm].mean())
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(C=0.1, max_iter=1000)
    return np.asarray(model.fit(x[arm], y[arm] > 0).predict_proba(x)[:, 1], np.float64)
