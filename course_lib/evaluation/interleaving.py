"""Interleaving: one list of two recommenders, and whose products are clicked; against an A/B test of the same two.

    lists, team = team_draft(a, b, coins, 10)         # N lists of ten, and who put each product there
    win, lose = preferences(a, b, looked, attractive) # the exact chances that b, that a gets more clicks
    interleaving_power(win, lose, 2000)               # of a sign test with so many shoppers

Team draft (Radlinski, Kurup & Joachims, How Does Clickthrough Data Reflect Retrieval Quality?, CIKM 2008): in each
round a coin says who picks first; both put the best of their own list that is not there yet. A click counts for who
put the product there. Every shopper sees both recommenders, so differences between shoppers fall out; in an A/B test
they stay.

With w and l the chances that a shopper clicks more of b's and more of a's products, n shoppers and the sign test
z = (W - L) / sqrt(W + L):

    P(|z| >= 1.96) = Phi((|w - l| sqrt(n) - 1.96 sqrt(w + l)) / sqrt(w + l - (w - l)^2)) + the other tail

(Connor, Sample Size for Testing Differences in Proportions for the Paired-Sample Design, Biometrics 1987).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from course_lib.errors import CourseError
from course_lib.evaluation.ab_tests import ALPHA, POWER

Lists = NDArray[np.int64]
Values = NDArray[np.float64]


def team_draft(a: Lists, b: Lists, coins: NDArray[np.bool_], size: int) -> tuple[Lists, Lists]:
    """(N, size) interleaved lists and (N, size) teams: 0 where ``a`` put the product there, 1 for ``b``.

    Args:
        a: (N, size or more) products of the first recommender, best first, each once, numbered from 0.
        b: as ``a``, of the second.
        coins: (N, rounds) true where ``b`` picks first; a round fills two places.
        size: products in a list.

    Raises ValueError for lists of unequal number, shorter than ``size``, or too few coins.

    >>> lists, team = team_draft(np.array([[0, 1, 2]]), np.array([[0, 2, 3]]), np.array([[True, False]]), 3)
    >>> lists.tolist(), team.tolist()
    ([[0, 1, 2]], [[1, 0, 0]])
    """
    N = len(a)
    if len(b) != N or min(a.shape[1], b.shape[1]) < size or coins.shape[0] != N or 2 * coins.shape[1] < size:
        raise ValueError(f"lists {a.shape} and {b.shape} with coins {coins.shape} cannot fill {size} places")
    row = np.arange(N)
    used = np.zeros((N, int(max(a.max(initial=0), b.max(initial=0))) + 1), bool)
    lists, team = np.empty((N, size), np.int64), np.empty((N, size), np.int64)
    for place in range(size):
        first = coins[:, place // 2]
        picks = first if place % 2 == 0 else ~first
        mine = np.where(picks[:, None], b[:, :size], a[:, :size])
        free = ~used[row[:, None], mine]
        lists[:, place] = mine[row, free.argmax(1)]  # one is free: at most size - 1 are used
        team[:, place] = picks
        used[row, lists[:, place]] = True
    return lists, team


def preferences(a: Lists, b: Lists, looked: Values, attractive: Values) -> tuple[Values, Values]:
    """(N,) exact chances that more of ``b``'s, and that more of ``a``'s products are clicked, over all coins.

    Clicks are independent, with chance ``looked[j] * attractive[n, i]`` for product i at place j.

    Args:
        a: (N, K) lists of the first recommender.
        b: (N, K) lists of the second.
        looked: (K,) chance that a place is looked at.
        attractive: (N, n) chance that a product is clicked once looked at.
    """
    size = len(looked)
    win, lose = np.zeros(len(a)), np.zeros(len(a))
    patterns = list(itertools.product((False, True), repeat=math.ceil(size / 2)))
    for coins in patterns:
        lists, team = team_draft(a, b, np.tile(np.array(coins), (len(a), 1)), size)
        chances = np.take_along_axis(attractive, lists, 1) * looked
        lead = np.zeros((len(a), 2 * size + 1))  # of b's clicks over a's: -size .. size
        lead[:, size] = 1.0
        for place in range(size):
            c = chances[:, place, None]
            up, down = np.roll(lead, 1, axis=1), np.roll(lead, -1, axis=1)  # nothing is at the ends to come round
            lead = lead * (1 - c) + np.where(team[:, place, None] == 1, up, down) * c
        win += lead[:, size + 1 :].sum(1)
        lose += lead[:, :size].sum(1)
    return win / len(patterns), lose / len(patterns)


def interleaving_power(win: float, lose: float, shoppers: float, alpha: float = ALPHA) -> float:
    """The chance that a sign test with ``shoppers`` calls a preference, either way.

    Raises CourseError where nobody ever prefers anything.

    >>> round(interleaving_power(0.1, 0.1, 1000), 3)  # no preference: false alarms
    0.05
    """
    clear, gap = _shares(win, lose)
    critical, spread = -float(ndtri(alpha / 2)) * math.sqrt(clear), math.sqrt(clear - gap * gap)
    shift = abs(gap) * math.sqrt(shoppers)
    if not spread:  # everybody prefers the same
        return float(shift >= critical)
    return float(ndtr((shift - critical) / spread) + ndtr((-shift - critical) / spread))


def interleaving_needed(win: float, lose: float, wanted: float = POWER, alpha: float = ALPHA) -> int:
    """Shoppers for whom the sign test has the power ``wanted``. Raises CourseError where there is no preference."""
    clear, gap = _shares(win, lose)
    if not gap:
        raise CourseError("ab_no_lift")
    spread = math.sqrt(clear - gap * gap)
    return math.ceil(((-float(ndtri(alpha / 2)) * math.sqrt(clear) + float(ndtri(wanted)) * spread) / gap) ** 2)


def _shares(win: float, lose: float) -> tuple[float, float]:
    if not (0 <= win <= 1 and 0 <= lose <= 1 and 0 < win + lose <= 1 + 1e-12):
        raise CourseError("ab_no_preference", win=f"{win:.3g}", lose=f"{lose:.3g}")
    return win + lose, win - lose
