"""Baskets: what was bought in one visit, as sets, and the questions that a last basket makes.

    baskets = Baskets.of(dataset)
    asked = last_baskets(baskets, "shop")     # half of each household's last basket is hidden
    asked.test.shown, asked.test.hidden, asked.test.earlier

A basket is a set: inside one each product stands once, by its number, and nothing may be read from that order. Where
every purchase is a basket of its own, as in the simulated shop, purchases within an hour of the one before are one.

Three promises, as in splits.py: training ends before the household's validation basket; what a household bought
earlier ends before the basket that is asked about; which half is hidden is drawn by a hash, the same for every model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories
from course_lib.data.splits import mixed
from course_lib.errors import CourseError

Ids = NDArray[np.int64]
HOUR = 3600  # seconds between two purchases of one visit, at most
FEWEST = 50  # baskets of two products or more without which nothing can be said of what goes together
FEWEST_ASKED = 20  # households with two such baskets


@dataclass(frozen=True)
class Baskets:
    """``B`` baskets of ``N`` households, by household and time. Basket b holds ``items[starts[b]:starts[b + 1]]``."""

    items: Ids  # (E,) 1..V, each once a basket, rising inside a basket
    starts: Ids  # (B + 1,)
    users: Ids  # (B,)
    times: Ids  # (B,) when it began
    first: Ids  # (N + 1,) household n has the baskets first[n]:first[n + 1]
    num_items: int  # V

    @classmethod
    def of(cls, dataset: Dataset) -> Baskets:
        """Raises CourseError where fewer than FEWEST baskets hold two products."""
        columns = (Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET)
        users, items, times, named = (dataset.events[name].to_numpy(np.int64) for name in columns)
        found = cls.grouped(users, items, times, named, dataset.num_users, dataset.num_items)
        several = int((found.sizes >= 2).sum())
        if several < FEWEST:
            raise CourseError("no_baskets", name=dataset.address.name, baskets=several, fewest=FEWEST)
        return found

    @classmethod
    def grouped(cls, users: Ids, items: Ids, times: Ids, named: Ids, num_users: int, num_items: int) -> Baskets:
        """From events sorted by user and time; ``named`` are the data's own basket numbers.

        >>> n = np.array
        >>> Baskets.grouped(n([0, 0, 0]), n([7, 5, 7]), n([0, 60, 90]), n([1, 1, 1]), 1, 9).items.tolist()
        [5, 7]
        """
        same = users[1:] == users[:-1]
        if (same & (named[1:] == named[:-1])).any():
            _, number = np.unique(np.stack([users, named]), axis=1, return_inverse=True)
            began = np.full(int(number.max()) + 1, len(users))
            np.minimum.at(began, number.ravel(), np.arange(len(users)))  # a basket stands where its first line stands
            place = np.empty(len(began), np.int64)
            place[np.argsort(began, kind="stable")] = np.arange(len(began))
            visit = place[number.ravel()]
        else:
            visit = np.cumsum(np.concatenate([[0], ~(same & (times[1:] - times[:-1] <= HOUR))]))[: len(users)]
        owner = np.zeros(int(visit.max()) + 1 if len(users) else 0, np.int64)
        owner[visit] = users
        began_at = np.full(len(owner), np.iinfo(np.int64).max)
        np.minimum.at(began_at, visit, times)
        basket, product = np.divmod(np.unique(visit * (num_items + 1) + items), num_items + 1)
        starts = np.searchsorted(basket, np.arange(len(owner) + 1))
        first = np.searchsorted(owner, np.arange(num_users + 1))
        return cls(product, starts, owner, began_at, first, num_items)

    def __len__(self) -> int:
        return len(self.users)

    @property
    def sizes(self) -> Ids:
        """(B,) different products of each basket."""
        return np.diff(self.starts)

    def take(self, rows: Ids) -> Histories:
        """The baskets named by ``rows``, as histories whose order means nothing."""
        return Histories(self.items.astype(np.int32), self.starts).take(rows)

    def matrix(self, rows: Ids) -> sparse.csr_matrix:
        """(n, V + 1) 1 where a basket of ``rows`` holds the product."""
        return as_matrix(self.take(rows), self.num_items)

    def visits_before(self, rows: Ids) -> Ids:
        """(n,) how many baskets the same household had before each of ``rows``."""
        visits: Ids = rows - self.first[self.users[rows]]
        return visits

    def shares_before(self, rows: Ids) -> NDArray[np.float32]:
        """(n, V + 1) the share of the household's earlier baskets that held each product; 0 where there are none."""
        low, high = self.starts[self.first[self.users[rows]]], self.starts[rows]
        lengths, width = high - low, self.num_items + 1
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(low - (ends - lengths), lengths)
        cells = np.repeat(np.arange(len(rows)), lengths) * width + self.items[places]
        counts = np.bincount(cells, minlength=len(rows) * width).reshape(len(rows), width)
        return (counts / np.maximum(self.visits_before(rows), 1)[:, None]).astype(np.float32)


@dataclass(frozen=True)
class HalfBaskets:
    """``n`` baskets of which one half is shown and the other hidden, and what the household bought before."""

    rows: Ids  # (n,) of the baskets
    users: Ids  # (n,)
    shown: Histories
    hidden: Histories
    earlier: NDArray[np.float32]  # (n, V + 1) share of the household's earlier baskets with each product


@dataclass(frozen=True)
class LastBaskets:
    """Baskets to learn from, and those of which half is hidden."""

    train: Ids  # rows of the baskets with two products or more
    validation: HalfBaskets
    test: HalfBaskets


def last_baskets(baskets: Baskets, name: str, seed: int = 0) -> LastBaskets:
    """Test: each household's last basket of two products or more. Validation: the one before. Training: all earlier.

    Households with fewer than two such baskets are learned from with all they have. ``seed`` draws the halves.
    Raises CourseError for a dataset, called ``name``, that has fewer than FEWEST_ASKED households to ask.
    """
    rows = np.flatnonzero(baskets.sizes >= 2)
    last = np.flatnonzero(np.append(baskets.users[rows][1:] != baskets.users[rows][:-1], True))
    asked = last[(last > 0) & (baskets.users[rows[last - 1]] == baskets.users[rows[last]])]
    if len(asked) < FEWEST_ASKED:
        raise CourseError("no_last_baskets", name=name, households=len(asked), fewest=FEWEST_ASKED)
    test, validation = rows[asked], rows[asked - 1]
    ends = baskets.first[1:].copy()
    ends[baskets.users[test]] = validation
    learned = rows[rows < ends[baskets.users[rows]]]
    return LastBaskets(learned, _halves(baskets, validation, seed), _halves(baskets, test, seed))


def _halves(baskets: Baskets, rows: Ids, seed: int) -> HalfBaskets:
    whole = baskets.take(rows)
    owner = np.repeat(np.arange(len(rows)), whole.lengths)
    order = np.lexsort((mixed(seed, rows[owner], whole.items.astype(np.int64)), owner))
    mixed_up = Histories(whole.items[order], whole.offsets)
    place = np.arange(len(owner)) - whole.offsets[owner]
    first_half = place < (whole.lengths // 2)[owner]

    def half(kept: NDArray[np.bool_]) -> Histories:
        lengths = np.bincount(owner[kept], minlength=len(rows))
        return Histories(mixed_up.items[kept], np.concatenate([[0], np.cumsum(lengths)]))

    return HalfBaskets(rows, baskets.users[rows], half(first_half), half(~first_half), baskets.shares_before(rows))


def as_matrix(histories: Histories, num_items: int) -> sparse.csr_matrix:
    """(N, V + 1) 1 where a history holds the product, however often."""
    parts = (np.ones(len(histories.items), np.float32), histories.items.astype(np.int64), histories.offsets)
    matrix = sparse.csr_matrix(parts, shape=(len(histories), num_items + 1), copy=True)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
