"""Uplift measures: what a campaign says of a targeting score, as other packages reckon it.

    qini(bought, score, treated)          # Qini coefficient, as scikit-uplift's qini_auc_score
    auuc(bought, score, treated)          # area under the uplift curve, as its uplift_auc_score

Shoppers go by ``score``, the highest first; equal scores are one step of a curve. After the first n of them, of whom
n_t had a coupon and n_c had none, and y_t and y_c of these bought:

    uplift curve   (y_t / n_t - y_c / n_c) n          Qini curve   y_t - y_c n_t / n_c

Both coefficients are areas above the straight line to the curve's end, as a share of the same area under the best curve
that any score could have drawn with these outcomes. That best curve knows each shopper's luck, which no model can: a
coefficient of .1 may be close to all that can be known. (Radcliffe, Using Control Groups to Target on Predicted Lift,
2007; Devriendt, Guns & Verbeke, Learning to Rank for Uplift Modeling, 2020.)

What the simulated shop knows beside (true curves, the best possible targeting) is in course_lib/shop/truth/coupons.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.errors import CourseError

Values = NDArray[np.float64]
Curve = tuple[Values, Values]  # how many shoppers, and the gain: both from 0


def arms(bought: ArrayLike, treated: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both as truth values (N,); raises CourseError for a campaign of which nothing can be learned."""
    said, given = np.asarray(bought).astype(bool), np.asarray(treated).astype(bool)
    if said.ndim != 1 or said.shape != given.shape:
        raise ValueError(f"bought {said.shape} and treated {given.shape}: expected (N,) both")
    if not len(said):
        raise CourseError("campaign_empty")
    if given.all():
        raise CourseError("campaign_all_treated", shoppers=len(said))
    if not given.any():
        raise CourseError("campaign_none_treated", shoppers=len(said))
    if not said.any():
        raise CourseError("campaign_nobody_bought", shoppers=len(said))
    return said, given


def _sums(bought: ArrayLike, score: ArrayLike, treated: ArrayLike) -> tuple[Values, ...]:
    """n, n_t, y_t and n_c, y_c after each group of equal scores."""
    said, given = arms(bought, treated)
    scores = np.asarray(score, np.float64)
    if scores.shape != said.shape or np.isnan(scores).any():
        raise CourseError("uplift_scores")
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    columns = (given, said & given, ~given, said & ~given)
    found = [np.cumsum(column[order])[ends].astype(np.float64) for column in columns]
    return ((ends + 1).astype(np.float64), *found)


def _share(above: Values, below: Values) -> Values:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def uplift_curve(bought: ArrayLike, score: ArrayLike, treated: ArrayLike) -> Curve:
    """Difference of the shares that bought among the first n, times n."""
    n, treated_n, treated_y, control_n, control_y = _sums(bought, score, treated)
    return _from_nothing(n, (_share(treated_y, treated_n) - _share(control_y, control_n)) * n)


def qini_curve(bought: ArrayLike, score: ArrayLike, treated: ArrayLike) -> Curve:
    """Buyers with a coupon among the first n, less those that as many shoppers without one would have been."""
    n, treated_n, treated_y, control_n, control_y = _sums(bought, score, treated)
    return _from_nothing(n, treated_y - control_y * _share(treated_n, control_n))


def _from_nothing(n: Values, gain: Values) -> Curve:
    return np.append(0.0, n), np.append(0.0, gain)


def _above_chance(curve: Curve) -> float:
    n, gain = curve
    return float(np.trapezoid(gain, n) - gain[-1] * n[-1] / 2)


def qini(bought: ArrayLike, score: ArrayLike, treated: ArrayLike) -> float:
    """Qini coefficient; 0 is random, 1 what only the outcomes themselves could tell.

    >>> round(qini([1, 0, 0, 1], [4, 3, 2, 1], [1, 0, 1, 0]), 6)
    1.0
    """
    said, given = arms(bought, treated)
    best = np.where(given, 1.0, -1.0) * said
    return _of_best(qini_curve(said, score, given), qini_curve(said, best, given))


def auuc(bought: ArrayLike, score: ArrayLike, treated: ArrayLike) -> float:
    """Area under the uplift curve as a share of the best curve's."""
    said, given = arms(bought, treated)
    more_control = (said & ~given).sum() > (~said & given).sum()
    best = 2.0 * (said == given) + (said if more_control else given)
    return _of_best(uplift_curve(said, score, given), uplift_curve(said, best, given))


def _of_best(curve: Curve, best: Curve) -> float:
    area = _above_chance(best)
    return _above_chance(curve) / area if area else 0.0


def gains_by_share(curve: Curve, shares: ArrayLike) -> Values:
    """A curve's gain per shopper where these shares (K,) of all are reached, straight between its points."""
    n, gain = curve
    found: Values = np.interp(np.asarray(shares, np.float64) * n[-1], n, gain) / n[-1]
    return found


def inverse_propensity(bought: ArrayLike, treated: ArrayLike, propensity: Any) -> Values:
    """(N,) the effect that each row of a randomised campaign stands for: its mean is the mean effect.

    Horvitz & Thompson 1952: y / e with a coupon, -y / (1 - e) without, e the chance of a coupon.
    """
    said, given = np.asarray(bought, np.float64), np.asarray(treated).astype(bool)
    chance = np.broadcast_to(np.asarray(propensity, np.float64), said.shape)
    found: Values = np.where(given, said / chance, -said / (1 - chance))
    return found
