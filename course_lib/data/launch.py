"""A launch, imitated: some products are kept out of the training histories, as if they came into the shop afterwards.

    launch = Launch.make(dataset, seed=1)      # a tenth of the products, drawn by the seed
    launch.train                               # the training histories without them
    launch.test                                # one target a shopper; the histories, again, without them
    launch.window(20)                          # purchases of the first time after it

The split is leave-one-out (data/splits.py). A new product can be the target of a test, never a part of a history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
NEW, MOST_NEW = 0.1, 500  # share of the products, and how many at most
ASKED = 20_000  # shoppers who are asked, at most
LONGEST = 25_000  # known purchases of a window, at most
FEWEST_PRODUCTS = 20  # so that two are new, and each has neighbours
FEWEST_TARGETS = 20  # of new products, and as many of known ones


@dataclass(frozen=True)
class Launch:
    """What is learned from and asked for. Flags and ids are by item id: place 0 is padding and never new."""

    new: Flags  # (V + 1,)
    train: Histories  # of known products
    test: Holdout  # histories of known products, targets of both kinds
    bought: Histories  # the training histories with the new products in them
    seed: int

    @classmethod
    def make(cls, dataset: Dataset, seed: int, shoppers: int = 0) -> Launch:
        """Draws the new products; training has the first ``shoppers`` histories, all where that is 0.

        Raises CourseError where there are too few products or targets, or no history.
        """
        if dataset.num_items < FEWEST_PRODUCTS:
            raise CourseError(
                "too_few_products", name=dataset.address.name, products=dataset.num_items, fewest=FEWEST_PRODUCTS
            )
        split = leave_one_out(dataset)
        new = np.zeros(dataset.num_items + 1, bool)
        rng = np.random.default_rng(seed)
        new[1 + rng.permutation(dataset.num_items)[: min(int(NEW * dataset.num_items), MOST_NEW)]] = True
        asked = split.test.take(np.sort(rng.permutation(len(split.test))[:ASKED]))
        test = Holdout(asked.users, without(asked.histories, new), asked.targets)
        cold = int(new[test.targets].sum())
        if min(cold, len(test) - cold) < FEWEST_TARGETS:
            raise CourseError(
                "too_few_launch_targets", name=dataset.address.name, cold=cold, warm=len(test) - cold,
                fewest=FEWEST_TARGETS,
            )  # fmt: skip
        train = split.train.take(np.arange(min(shoppers, len(split.train)))) if shoppers else split.train
        return cls(new, without(train, new), test, train, seed)

    @property
    def known(self) -> Flags:
        """(V + 1,) products that training sees; padding is neither known nor new."""
        known = ~self.new
        known[0] = False
        return known

    def window(self, longest: int) -> Window:
        """Purchases of the time in which a product is bought ``longest`` times on average, each after its history.

        Every new product is in a window of n purchases n times, or as often as it was ever bought; and there are n
        purchases of known products for each of them: what a new product was *not* chosen over meanwhile. Of very many
        known ones every second, third, ... is kept, and counts for so many.
        """
        rng = np.random.default_rng([self.seed, 1])
        items, known = self.bought.items, int(self.known.sum())
        users = np.repeat(np.arange(len(self.bought)), self.bought.lengths)
        kept = np.concatenate([[0], np.cumsum(~self.new[items])])  # known purchases before each one, all shoppers'
        before = kept[:-1] - self.train.offsets[users]  # of the same shopper
        order = rng.permutation(np.flatnonzero(before > 0))  # without a history there is nothing to learn from
        fresh = self.new[items[order]]
        late, rest = order[fresh], order[~fresh][: longest * known]
        late = late[np.argsort(items[late], kind="stable")]
        nth = np.arange(len(late)) - np.searchsorted(items[late], items[late])  # of the product's own purchases
        late, nth = late[nth < longest], nth[nth < longest]
        every = max(1, -(-len(rest) // LONGEST))
        places = np.arange(0, len(rest), every)
        rows = np.concatenate([late, rest[places]])
        starts = self.train.offsets[users[rows]]
        return Window(
            Holdout(
                users[rows].astype(np.int32), _pieces(self.train.items, starts, starts + before[rows]), items[rows]
            ),
            since=1 + np.concatenate([nth, places // known]),
            counts=np.concatenate([np.ones(len(late)), np.full(len(places), every)]).astype(np.float32),
        )


@dataclass(frozen=True)
class Window:
    """T purchases after a launch, their histories of known products only."""

    purchases: Holdout
    since: Ids  # (T,) from which length on a window holds it: ``since <= 5`` is the window of five
    counts: NDArray[np.float32]  # (T,) for how many purchases it stands


def without(histories: Histories, left_out: Flags) -> Histories:
    """The same histories without the products that are flagged, (V + 1,); a history may become empty.

    >>> without(Histories.from_lists([[1, 2, 1], [2]]), np.array([False, False, True])).items.tolist()
    [1, 1]
    """
    stays = ~left_out[histories.items]
    kept = np.concatenate([[0], np.cumsum(stays)])
    return Histories(histories.items[stays], kept[histories.offsets])


def _pieces(items: NDArray[np.int32], low: Ids, high: Ids) -> Histories:
    """Pieces low[i]:high[i] as history i."""
    lengths = high - low
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Histories(items[np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], lengths)], offsets)
