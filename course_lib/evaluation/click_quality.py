r"""How good predicted chances of a click are: accuracy, log loss, AUC, and whether a chance of 10% means one in ten.

With y a click (0 or 1) and p its predicted chance, over N rows:

    accuracy   share of rows with (p > 1/2) = y;   of the constant predictor "never": 1 - mean of y
    log loss   -1/N \sum y \log p + (1 - y) \log(1 - p)
    slope      b of  logit P(y = 1) = a + b logit(p):  below 1 the chances are too bold, above 1 too timid
               (Cox, Two further applications of a model for binary regression, Biometrika 1958)
    scaled     the log loss after a and b have been put right, each half of the shoppers by the other half
               (Platt, Probabilistic outputs for support vector machines, 1999)

The interval of the AUC is that of DeLong, DeLong & Clarke-Pearson (Biometrics 1988); those of accuracy and log loss
resample shoppers, because a shopper's rows are not independent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import Interval

Array = NDArray[np.float64]
TINY_CHANCE = 1e-7  # chances nearer to 0 or 1 than this are taken for it: one row must not make the loss infinite
NORMAL_95 = 1.959964
STEPS = 50  # of Newton's method, which needs about eight


def chances(logits: NDArray[np.floating[Any]]) -> Array:
    """(N,) sigmoid of log odds, kept away from 0 and 1."""
    found: Array = 1.0 / (1.0 + np.exp(-np.clip(np.asarray(logits, np.float64), -30.0, 30.0)))
    return np.clip(found, TINY_CHANCE, 1.0 - TINY_CHANCE)


def log_losses(p: Array, y: Array) -> Array:
    """(N,) the loss of each row."""
    found: Array = -np.log(np.where(y == 1, p, 1.0 - p))
    return found


def right(p: Array, y: Array, threshold: float = 0.5) -> Array:
    """(N,) 1 where "more likely than ``threshold``" is what happened."""
    return np.asarray((p > threshold) == (y == 1), np.float64)


def by_shopper(values: Array, shopper: NDArray[np.int64]) -> Array:
    """(S,) mean of each shopper's rows, by their sorted numbers."""
    _, row = np.unique(shopper, return_inverse=True)
    means: Array = np.bincount(row, values) / np.bincount(row)
    return means


def need_both(y: Array) -> None:
    """Raises CourseError where every row is a click, or none is."""
    if not len(y) or y.all() or not y.any():
        raise CourseError("clicks_all" if len(y) and y.all() else "clicks_none", rows=len(y))


def auc_interval(scores: Array, y: Array) -> Interval:
    """The AUC with its 95% interval; raises CourseError as :func:`need_both`.

    A click's placement is the share of the other rows below it, ties half; the AUC is the mean placement, and its
    variance the sum of the placements' variances of either side.
    """
    need_both(y)
    one, other = np.asarray(scores[y == 1], np.float64), np.asarray(scores[y == 0], np.float64)
    placed = (_below(one, other) + _upto(one, other)) / 2 / len(other)
    placed_other = 1.0 - (_below(other, one) + _upto(other, one)) / 2 / len(one)
    value = float(placed.mean())
    parts = [part.var(ddof=1) / len(part) if len(part) > 1 else 0.25 for part in (placed, placed_other)]
    half = NORMAL_95 * float(np.sqrt(sum(parts)))
    return Interval(value, value - half, value + half)


def _below(ours: Array, theirs: Array) -> Array:
    return np.searchsorted(np.sort(theirs), ours, "left").astype(np.float64)


def _upto(ours: Array, theirs: Array) -> Array:
    return np.searchsorted(np.sort(theirs), ours, "right").astype(np.float64)


def calibrated(p: Array, y: Array) -> tuple[float, float, float]:
    """a and b of the docstring's logistic regression, and the standard error of b; raises as :func:`need_both`.

    Newton's method on standardised log odds. Chances that are all equal have a slope of 0.
    """
    need_both(y)
    odds, rate = np.log(p / (1.0 - p)), float(y.mean())
    middle, spread = float(odds.mean()), float(odds.std())
    if spread < 1e-9:
        return float(np.log(rate / (1.0 - rate))), 0.0, 0.0
    X = np.stack([np.ones_like(p), (odds - middle) / spread], axis=1)
    found, loss = np.array([np.log(rate / (1.0 - rate)), 0.0]), np.inf
    for _ in range(STEPS):
        mean = chances(X @ found)
        curvature = (X * (mean * (1.0 - mean))[:, None]).T @ X + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, X.T @ (y - mean))
        now = float(log_losses(chances(X @ (found + step)), y).sum())
        while now > loss and np.abs(step).max() > 1e-10:  # too far: half of it
            step = step / 2
            now = float(log_losses(chances(X @ (found + step)), y).sum())
        found, loss = found + step, now
        if np.abs(step).max() < 1e-10:
            break
    error = float(np.sqrt(np.linalg.inv(curvature)[1, 1]))
    return float(found[0] - found[1] * middle / spread), float(found[1] / spread), error / spread


def slope(p: Array, y: Array) -> Interval:
    """The calibration slope b with its 95% interval."""
    _, found, error = calibrated(p, y)
    return Interval(found, found - NORMAL_95 * error, found + NORMAL_95 * error)


def scaled_losses(p: Array, y: Array, shopper: NDArray[np.int64]) -> Array:
    """(N,) the loss of each row after its chance has been put right by the shoppers of the other half."""
    half, odds = shopper % 2 == 0, np.log(p / (1.0 - p))
    found = np.empty_like(p)
    for mine in (half, ~half):
        a, b, _ = calibrated(p[~mine], y[~mine])
        found[mine] = log_losses(chances(a + b * odds[mine]), y[mine])
    return found


def bins(p: Array, y: Array, count: int = 10) -> list[dict[str, float]]:
    """Rows from the lowest to the highest chance in ``count`` parts of equal size: predicted and real share of clicks.

    Each with the 95% interval of the real share (Wilson, JASA 1927); fewer parts where there are fewer rows.
    """
    found = []
    for part in np.array_split(np.argsort(p, kind="stable"), min(count, len(p))):
        n, rate, z = len(part), float(y[part].mean()), NORMAL_95
        middle, spread = rate + z * z / (2 * n), z * float(np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)))
        low, high = (float(np.clip((middle + side * spread) / (1 + z * z / n), 0.0, 1.0)) for side in (-1, 1))
        found.append({"predicted": float(p[part].mean()), "real": rate, "low": min(low, rate), "high": max(high, rate)})
    return found


def slate_ndcg(scores: Array, y: Array) -> Array:
    """(S,) NDCG of each slate's products in the order of ``scores`` (S, K), where a click is worth 1; NaN without one.

    Equal scores are all in the order as shown.
    """
    K = scores.shape[1]
    order = np.argsort(-scores, axis=1, kind="stable")
    gain = 1.0 / np.log2(np.arange(2, K + 2))
    reached = np.take_along_axis(y, order, 1) @ gain
    best = -np.sort(-y, axis=1) @ gain
    found: Array = np.divide(reached, best, out=np.full(len(y), np.nan), where=best > 0)
    return found
