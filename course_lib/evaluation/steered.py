"""Lists steered away from relevance alone: towards a shopper's own proportions, or towards any second value.

    blended(relevance, bonus, pool, k, weight)               # (N, M) each -> (N, k) item ids
    calibrated(relevance, kind, wanted, pool, k, weight)

With the weight w in 0..1, a pool of M products for each of N shoppers, best first, and relevance r from 1 to 0:

    blended      the k highest (1 - w) r_i + w b_i
    calibrated   one place after another, the product with the highest (1 - w) r_i - w KL(p || q'(S + i))

where S is what the list holds so far, p the proportions of categories in the history and q' those of the list
(beyond_accuracy.miscalibration). The sum of the relevances less the divergence is what Steck maximises greedily
(Calibrated Recommendations, RecSys 2018); p does not change what is added up before, so the step above is his. With
w = 0 both keep the pool's order. Item 0 is an empty place of the pool and comes last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.beyond_accuracy import ALPHA

Ids = NDArray[np.int64]
Values = NDArray[np.floating]
EMPTY = -1e9  # below whatever a product can have


def blended(relevance: Values, bonus: Values, pool: Ids, k: int, weight: float) -> Ids:
    """(N, k) item ids of ``pool`` (N, M) by (1 - w) relevance + w bonus; equals keep their order."""
    worth = np.where(pool > 0, (1 - weight) * relevance + weight * bonus, EMPTY)
    return np.take_along_axis(pool, np.argsort(-worth, axis=1, kind="stable")[:, :k], 1)


def calibrated(
    relevance: Values, kind: NDArray[np.integer], wanted: Values, pool: Ids, k: int, weight: float, alpha: float = ALPHA
) -> Ids:
    """(N, k) item ids of ``pool`` (N, M), chosen greedily; equals keep their order.

    ``kind`` (V + 1,) is the category of each product, ``wanted`` (N, G) the history's proportions.

    Adding a product changes q' in its own category and scales the rest, so the divergence after it depends on its
    category alone: G numbers a shopper, whatever M is.
    """
    N, M = pool.shape
    rows = np.arange(N)
    p = np.asarray(wanted, np.float64)
    logs = p * np.log(np.where(p > 0, p, 1.0))
    own = np.where(pool > 0, (1 - weight) * relevance, EMPTY).astype(np.float64)
    of_pool = np.where(pool > 0, kind[pool], 0)
    counts = np.zeros_like(p)
    chosen = np.empty((N, min(k, M)), np.int64)
    for place in range(chosen.shape[1]):
        parts = [logs - p * _log((1 - alpha) * (counts + one) / (place + 1) + alpha * p) for one in (0, 1)]
        divergence = parts[0].sum(1, keepdims=True) - parts[0] + parts[1]  # (N, G) after one more of category g
        gain = own - weight * np.take_along_axis(divergence, of_pool, 1)
        chosen[:, place] = best = gain.argmax(1)
        own[rows, best] = -np.inf
        counts[rows, of_pool[rows, best]] += pool[rows, best] > 0
    return np.take_along_axis(pool, chosen, 1)


def _log(mixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm, 0 where there is nothing: p is 0 there too."""
    return np.log(np.where(mixed > 0, mixed, 1.0))
