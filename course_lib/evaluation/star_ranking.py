"""Lists ranked by stars, the fake ratings that lift a product in them, and defences that drop ratings.

With n_i ratings of product i, whose stars add up to S_i, and the mean mu of all ratings:

    mean        S_i / n_i
    Bayesian    (S_i + C mu) / (n_i + C)        as if C ratings of the mean mu came first

The second is the mean of a normal prior and normal ratings, C the variance of a rating by that of the products' means
(Gelman et al., Bayesian Data Analysis, 2013, chapter 2). Products without a rating stand last. ``a`` ratings of five
stars carry a product over T, the score of the tenth, as soon as

    a > ((n + C) T - S - C mu) / (5 - T)

A defence drops ratings, of honest shoppers too:

    regulars    those of accounts that rated less than two products
    surge       those of a product's week (7 days) that are far too many for it: SURGE_FEWEST or more, and more than
                m + SURGE sqrt(m) where m is what a week of this product has on average, all ratings counted

Fake reviews that buy a better rank: Luca & Zervas, Fake It Till You Make It: Reputation, Competition, and Yelp Review
Fraud, Management Science 2016; bursts give them away: Fei et al., Exploiting Burstiness in Reviews for Review Spammer
Detection, ICWSM 2013.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WEEK = 7.0  # days
SURGE, SURGE_FEWEST = 3.0, 3
REGULAR = 2  # products that a regular has rated
BEST = 5.0  # stars
Ints = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Reviews:
    """R honest ratings of V products in ``days`` days."""

    user: Ints  # (R,)
    item: Ints  # (R,) 0-based
    stars: Values  # (R,) 1..5
    day: Values  # (R,) from 0
    products: int
    days: float

    def counted(self, defence: str) -> Flags:
        """(R,) which a defence lets through where nobody attacks."""
        if defence == "regulars":
            pairs = np.unique(np.stack([self.user, self.item]), axis=1)
            return np.asarray(np.bincount(pairs[0], minlength=self.user.max(initial=0) + 1)[self.user] >= REGULAR)
        kept = np.ones(len(self.stars), bool)
        if defence == "surge":
            for product in np.unique(self.item):
                rows = np.flatnonzero(self.item == product)
                kept[rows] = ~surges(self.day[rows], self.days)
        return kept

    def totals(self, kept: Flags) -> tuple[Values, Values]:
        """(V,) sums S and numbers n of the ratings that are kept."""
        rows = self.item[kept]
        sums: Values = np.bincount(rows, weights=self.stars[kept], minlength=self.products).astype(np.float64)
        return sums, np.bincount(rows, minlength=self.products).astype(np.float64)


def surges(day: Values, days: float) -> Flags:
    """(r,) which of one product's ratings lie in a week with far too many of them.

    >>> surges(np.array([1.0, 2.0, 3.0, 80.0]), 364.0).tolist()
    [True, True, True, False]
    """
    weeks = max(int(np.ceil(days / WEEK)), 1)
    week = np.clip((day // WEEK).astype(np.int64), 0, weeks - 1)
    counts, usual = np.bincount(week, minlength=weeks), len(day) / weeks
    found: Flags = ((counts >= SURGE_FEWEST) & (counts > usual + SURGE * np.sqrt(usual)))[week]
    return found


def scores(sums: Values, numbers: Values, prior: float, mean: float) -> Values:
    """(V,) by the formula above, C = ``prior``; minus infinity without a rating.

    >>> scores(np.array([5.0, 40.0, 0.0]), np.array([1.0, 10.0, 0.0]), 10.0, 3.5).round(3).tolist()
    [3.636, 3.75, -inf]
    """
    found = (sums + prior * mean) / np.maximum(numbers + prior, 1e-12)
    return np.asarray(np.where(numbers > 0, found, -np.inf), np.float64)


def needed(total: float, number: float, prior: float, mean: float, tenth: float) -> float:
    """The fewest ratings of five stars that carry a product over ``tenth``; infinite where none do, 0 where it is over.

    >>> needed(6.0, 3.0, 10.0, 3.5, 4.5)
    36.0
    """
    if number > 0 and (total + prior * mean) / (number + prior) > tenth:
        return 0.0
    if tenth == -np.inf:
        return 1.0
    if tenth >= BEST:
        return float("inf")
    return float(max(np.floor(((number + prior) * tenth - total - prior * mean) / (BEST - tenth) + 1e-9), 0.0) + 1)
