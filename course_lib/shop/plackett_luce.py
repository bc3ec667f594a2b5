"""Slates drawn product by product without replacement, and the exact chances of each.

Plackett-Luce: with weights w_i = e^(log weight of i), the first position gets product i with chance w_i / sum of all
weights, each later position by the same rule among what is left (Luce 1959; Plackett, Applied Statistics 1975).

    chance of an ordered slate     a product of K fractions, for any K
    chance of i at position k      its sum over all beginnings; exact here for up to three positions

With weights that sum to 1:

    P(i at 1) = w_i
    P(i at 2) = w_i * sum over j != i of w_j / (1 - w_j)
    P(i at 3) = w_i * sum over j != l, neither i, of w_j / (1 - w_j) * w_l / (1 - w_j - w_l)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_POSITIONS = 3
ROWS = 250  # rows whose (n, n) sums over pairs exist at once
LEFT = 1e-6  # smallest weight that must be left for the last position, so that 1 - w_j - w_l keeps ten digits

Chances = NDArray[np.float64]
Slates = NDArray[np.int64]


def weights(logits: NDArray[np.floating[Any]]) -> Chances:
    """(N, n) weights that sum to 1, of log weights (N, n)."""
    raw = np.exp(logits - logits.max(1, keepdims=True), dtype=np.float64)
    whole: Chances = raw / raw.sum(1, keepdims=True)
    return whole


def draw_slates(logits: NDArray[np.floating[Any]], positions: int, uniform: Chances) -> Slates:
    """(N, positions) columns of ``logits`` (N, n), drawn without replacement with ``uniform`` (N, n) from [0, 1).

    The largest of log weight + Gumbel noise are such a draw (Kool, van Hoof & Welling, ICML 2019).
    """
    keys = logits - np.log(-np.log(np.maximum(uniform, 1e-300)))
    return np.argsort(-keys, axis=1, kind="stable")[:, :positions]


def slate_chances(logits: NDArray[np.floating[Any]], slates: Slates) -> Chances:
    """(N,) the chance that exactly ``slates`` (N, K), in this order, are drawn."""
    shown = np.take_along_axis(weights(logits), slates, 1)
    before = np.cumsum(shown, axis=1) - shown
    chances: Chances = (shown / (1.0 - before)).prod(1)
    return chances


def position_chances(logits: NDArray[np.floating[Any]], positions: int) -> Chances:
    """(N, positions, n) the chance of each product at each position; each position's chances sum to 1.

    Raises ValueError for more than three positions, for fewer products than positions, and for weights so uneven that
    two products take all but a millionth: such a policy all but never explores, so rank by it instead of drawing.
    """
    N, n = logits.shape
    if not 1 <= positions <= min(MOST_POSITIONS, n):
        raise ValueError(f"positions is {positions}; it must lie between 1 and {min(MOST_POSITIONS, n)}")
    if N > 1 and (logits == logits[:1]).all():  # a policy that treats everybody alike
        return np.tile(position_chances(logits[:1], positions), (N, 1, 1))
    found = np.empty((N, positions, n))
    for start in range(0, N, ROWS):
        part = weights(logits[start : start + ROWS])
        if positions > 1 and np.sort(part, axis=1)[:, 1 - positions :].sum(1).max() > 1 - LEFT:
            raise ValueError("the log weights leave next to nothing for the last position; make them less steep")
        found[start : start + ROWS] = _position_chances(part, positions)
    return found


def _position_chances(w: Chances, positions: int) -> Chances:
    found = [w]
    if positions > 1:
        odds = w / (1.0 - w)
        found.append(w * (odds.sum(1, keepdims=True) - odds))
    if positions > 2:
        left = (1.0 - w)[:, :, None] - w[:, None, :]
        diagonal = np.arange(w.shape[1])
        left[:, diagonal, diagonal] = np.inf  # no product follows itself
        then = w[:, None, :] / left  # (N, n, n) l after j, over 1 - w_j - w_l
        i_first = odds * then.sum(2)  # (N, n) the part of the sum in which i would stand first
        i_second = (odds[:, None, :] @ then)[:, 0]
        found.append(w * (i_first.sum(1, keepdims=True) - i_first - i_second))
    return np.stack(found, axis=1)
