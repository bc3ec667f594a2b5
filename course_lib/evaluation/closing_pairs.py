"""What brings a cart to free delivery: the best single products and pairs that close the gap, and hardly more.

With the gap g that is left to the order value, a slack s, the price p_j and the score w_j > 0 of product j beside the
cart, an addition A of one or two different products is allowed where

    g <= sum of p_j over A <= g + s,        and is worth the sum of w_j over A

A knapsack with two constraints and at most two things: the pairs are searched exactly. Products stand in order of
their score, and the search ends where the next one with the very best partner would no longer come among the k best:
w_i + w_1 <= the k-th best so far (branch and bound: Land & Doig, An Automatic Method of Solving Discrete Programming
Problems, Econometrica 28, 1960).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CENT = 0.005  # yuan: prices are sums of floats
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Addition:
    """One or two products, by id, the better first."""

    items: tuple[int, ...]
    score: float
    price: float


def additions(score: Values, price: Values, gap: float, slack: float, k: int, most: int = 2) -> list[Addition]:
    """The ``k`` most worthy additions of at most ``most`` products (1 or 2), best first.

    ``score`` and ``price`` (V + 1,) are by item id; what is scored 0, less or -inf is not offered. Equal worth goes by
    ids. Nothing where nothing closes the gap; ``gap`` is above 0.
    """
    good = np.flatnonzero(np.isfinite(score) & (score > 0))
    order = good[np.lexsort((good, -score[good]))]
    w, p = score[order].astype(np.float64), price[order]
    low, high = gap - CENT, gap + slack + CENT
    found: list[tuple[float, tuple[int, ...], float]] = [
        (-float(w[n]), (int(order[n]),), float(p[n])) for n in np.flatnonzero((p >= low) & (p <= high))[:k]
    ]
    if most == 2:
        for n in range(len(order) - 1):
            if len(found) >= k and w[n] + w[n + 1] < -sorted(found)[k - 1][0]:
                break  # nothing further on can be better, as w falls
            both = p[n] + p[n + 1 :]
            for m in np.flatnonzero((both >= low) & (both <= high))[:k] + n + 1:
                found.append((-float(w[n] + w[m]), tuple(sorted((int(order[n]), int(order[m])))), float(p[n] + p[m])))
            found = sorted(found)[:k] if len(found) > 4 * k else found
    ranked = sorted(found)[:k]
    return [
        Addition(tuple(sorted(ids, key=lambda one: (-score[one], one))), -minus, total) for minus, ids, total in ranked
    ]
