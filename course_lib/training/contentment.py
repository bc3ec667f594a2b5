"""How content a product will leave a shopper, learned from the stars that some shoppers gave.

    ratings = ratings_of(dataset, split)           # those of purchases that training may see
    contentment = learn("ridge", ratings, dataset)
    contentment.expected(histories, items)         # (N, M) stars to expect

Three models, each with all that the one before it knows:

    stars   the product's mean, drawn to the mean of its type, and that to the mean of all:
            s_i = (sum of its stars + SHRINK s_type) / (number + SHRINK)
    owned   besides, what it costs to buy a type again that the shopper has bought before: for each type the mean of
            (stars - s_i) over such purchases, drawn to the mean over all types in the same way
    ridge   one ridge regression of the stars on product, type, type bought before, and by how much the product's price
            within its type lies above what the shopper is used to:
            minimise sum (stars - x . w)^2 + PENALTY |w|^2

What is learned so is how content those were who answered, and those who are very glad or very sorry answer more: the
ratings are not missing at random (Marlin & Zemel, Collaborative Prediction and Ranking with Non-Random Missing Data,
RecSys 2009). Their mean is not that of the purchases; the order of the products can still be right. No model here sees
the shop's truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Split
from course_lib.errors import CourseError

TABLE = "feedback"  # with ratings, of the datasets that have any
WAYS = ("stars", "owned", "ridge")
# Of 1, 2, 3, 4, 5, 7, 10 and 20 both have the least squared error on ratings held back in five folds. No truth was
# asked for that.
SHRINK = 1.0  # ratings that the mean of a type, or of all, counts for
PENALTY = 1.0  # of the ridge
FEWEST = 100  # ratings without which nothing can be learned
HELD_BACK = 2  # baskets of each shopper that training may not see: the last is asked for, the one before validates

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Ratings:
    """R ratings of purchases, and what was known when they were made."""

    item: NDArray[np.int64]  # (R,) ids
    stars: Values  # (R,) 1..5
    again: NDArray[np.bool_]  # (R,) a type that the shopper had bought before
    dear: Values  # (R,) see Prices.above


@dataclass(frozen=True)
class Prices:
    """How dear each product is within its type: its place among the type's prices, 0 the cheapest, 1 the dearest."""

    level: Values  # (V + 1,) 0.5 where no price is known

    @classmethod
    def of(cls, items: pd.DataFrame, kind: NDArray[np.int64]) -> Prices:
        """``kind`` (V + 1,) numbers of types."""
        level = np.full(len(items) + 1, 0.5)
        if Columns.PRICE in items:
            level[1:] = items[Columns.PRICE].groupby(kind[1:]).rank(pct=True).fillna(0.5)
        return cls(level)

    def usual(self, histories: Histories) -> Values:
        """(N,) mean level of what each shopper has bought; 0.5 for who has bought nothing."""
        owner = np.repeat(np.arange(len(histories)), histories.lengths)
        total = np.bincount(owner, weights=self.level[histories.items], minlength=len(histories))
        return np.asarray(np.where(histories.lengths > 0, total / np.maximum(histories.lengths, 1), 0.5), np.float64)

    def above(self, usual: Values, items: NDArray[np.integer]) -> Values:
        """How far the level of ``items`` lies above what a shopper is used to; 0 where it does not."""
        return np.asarray(np.maximum(self.level[items] - usual, 0.0), np.float64)


def type_of(items: pd.DataFrame) -> NDArray[np.int64]:
    """(V + 1,) a number from 0 for the type of each product; without types every product is one of its own."""
    if Columns.TYPE not in items or items[Columns.TYPE].isna().all():
        return np.arange(len(items) + 1) - 1
    codes = items[Columns.TYPE].astype("category").cat.codes.to_numpy(np.int64)
    return np.concatenate([[0], np.where(codes < 0, codes.max() + 1, codes)])


def ratings_of(dataset: Dataset, split: Split) -> Ratings:
    """The ratings of purchases in the training part of a leave-one-out split.

    Raises CourseError ``no_ratings`` for a dataset without ratings, or with too few to learn from.
    """
    name = dataset.address.name
    if TABLE not in registry.tables(name):
        raise CourseError("no_ratings", name=name, ratings=0, fewest=FEWEST)
    feedback = registry.load_table(dataset.address, TABLE)
    feedback = feedback.loc[feedback[Columns.STARS] > 0, [Columns.USER, Columns.BASKET, Columns.ITEM, Columns.STARS]]
    events = dataset.events[[Columns.USER, Columns.BASKET, Columns.ITEM]].copy()
    kind = type_of(dataset.items)
    events["kind"] = kind[events[Columns.ITEM]]
    events["again"] = events.duplicated([Columns.USER, "kind"])
    baskets = events.drop_duplicates([Columns.USER, Columns.BASKET])
    left = baskets.groupby(Columns.USER).cumcount(ascending=False)
    asked = np.isin(baskets[Columns.USER], split.test.users)
    allowed = baskets.loc[(left >= HELD_BACK) | ~asked, [Columns.USER, Columns.BASKET]]
    known = feedback.merge(allowed, on=[Columns.USER, Columns.BASKET])
    known = known.merge(
        events.drop_duplicates([Columns.USER, Columns.BASKET, Columns.ITEM]),
        on=[Columns.USER, Columns.BASKET, Columns.ITEM],
    )
    if len(known) < FEWEST:
        raise CourseError("no_ratings", name=name, ratings=len(known), fewest=FEWEST)
    prices = Prices.of(dataset.items, kind)
    item = known[Columns.ITEM].to_numpy(np.int64)
    usual = prices.usual(split.train)[known[Columns.USER].to_numpy()]
    stars = known[Columns.STARS].to_numpy(np.float64)
    return Ratings(item, stars, known["again"].to_numpy(bool), prices.above(usual, item))


@dataclass(frozen=True)
class Contentment:
    """Stars to expect: a product's own, what its type bought before takes away, and what a high price does."""

    product: Values  # (V + 1,)
    again: Values  # (C,) added where the shopper has bought the type before
    dear: float  # added for each unit of Prices.above
    kind: NDArray[np.int64]  # (V + 1,)
    prices: Prices

    def expected(self, histories: Histories, items: NDArray[np.integer]) -> Values:
        """(N, M) stars to expect for ``items`` (N, M), ids or 0, of shoppers with these histories."""
        owner = np.repeat(np.arange(len(histories)), histories.lengths)
        bought = np.zeros((len(histories), len(self.again)), bool)
        bought[owner, self.kind[histories.items]] = True
        kinds = self.kind[items]
        before = np.take_along_axis(bought, kinds, 1)
        usual = self.prices.usual(histories)[:, None]
        found: Values = self.product[items] + before * self.again[kinds] + self.dear * self.prices.above(usual, items)
        return found


def learn(way: str, ratings: Ratings, dataset: Dataset) -> Contentment:
    """One of WAYS; raises ValueError for another."""
    kind = type_of(dataset.items)
    if way in ("stars", "owned"):
        product = _product_stars(ratings, kind)
        again = _again(ratings, product, kind) if way == "owned" else np.zeros(int(kind.max()) + 1)
        return Contentment(product, again, 0.0, kind, Prices.of(dataset.items, kind))
    if way != "ridge":
        raise ValueError(f"{way} is none of {', '.join(WAYS)}")
    return _ridge(ratings, dataset, kind)


def _shrunk(values: Values, group: NDArray[np.int64], groups: int, towards: Values | float) -> Values:
    """(groups,) the mean of each group's values, with SHRINK more of the value that it is drawn to."""
    total = np.bincount(group, weights=values, minlength=groups)
    times = np.bincount(group, minlength=groups)
    return np.asarray((total + SHRINK * towards) / (times + SHRINK), np.float64)


def _product_stars(ratings: Ratings, kind: NDArray[np.int64]) -> Values:
    of_type = _shrunk(ratings.stars, kind[ratings.item], int(kind.max()) + 1, float(ratings.stars.mean()))
    return _shrunk(ratings.stars, ratings.item, len(kind), of_type[kind])


def _again(ratings: Ratings, product: Values, kind: NDArray[np.int64]) -> Values:
    """(C,) what a type bought before changes."""
    rows = ratings.again
    change = (ratings.stars - product[ratings.item])[rows]
    everywhere = float(change.mean()) if rows.any() else 0.0
    return _shrunk(change, kind[ratings.item[rows]], int(kind.max()) + 1, everywhere)


def _ridge(ratings: Ratings, dataset: Dataset, kind: NDArray[np.int64]) -> Contentment:
    V, C, R = len(kind) - 1, int(kind.max()) + 1, len(ratings.stars)
    mean = float(ratings.stars.mean())
    rows = np.arange(R)
    of_type, again = kind[ratings.item], np.flatnonzero(ratings.again)
    parts = (
        (rows, ratings.item - 1, np.ones(R)),
        (rows, V + of_type, np.ones(R)),
        (again, V + C + of_type[again], np.ones(len(again))),
        (again, np.full(len(again), V + 2 * C), np.ones(len(again))),  # again, whatever the type
        (rows, np.full(R, V + 2 * C + 1), ratings.dear),
    )
    where, column, value = (np.concatenate(some) for some in zip(*parts, strict=True))
    X = sparse.csr_array((value, (where, column)), shape=(R, V + 2 * C + 2))
    normal = (X.T @ X).toarray() + PENALTY * np.eye(X.shape[1])
    w = np.linalg.solve(normal, X.T @ (ratings.stars - mean))
    product = np.concatenate([[0.0], mean + w[:V] + w[V + kind[1:]]])
    prices = Prices.of(dataset.items, kind)
    return Contentment(product, w[V + C : V + 2 * C] + w[V + 2 * C], float(w[-1]), kind, prices)
