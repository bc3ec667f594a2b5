"""Two departments of a catalogue: one with many purchases, one with few, and shoppers of the latter to test on.

    two = Departments.make(rich, poor, source="department", seed=1)
    two.few(450, draw=0)    # histories of the poor department with about 450 purchases, other ones in each draw

Purchases of other departments are left out of a history, so a model knows of a shopper what that department knows. The
poor department's shoppers are halved by the seed: of one half, those with at least three purchases there are tested on
the last of them; from the other, histories are taken until they hold as many purchases as asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import as_sets
from course_lib.errors import CourseError

SOURCES = ("department", "others", "dataset")
ENOUGH = 2000  # purchases that the poor one has where it can be: fewer, and its curve has no points
LEAST = 100  # purchases that both must have in a small dataset
FEWEST_PRODUCTS = 12  # of it: a list of ten is to leave something out
FEWEST = 3  # purchases of a shopper who is tested: two to read, one to tell


@dataclass(frozen=True)
class Departments:
    """What is pre-trained on and transferred to. Item ids count from 1 within each of the two."""

    names: tuple[str, str]  # of the rich one ("" where it is several) and of the poor one
    items: pd.DataFrame  # (R + P,) the rich one's products, then the poor one's
    rich: Histories  # R products
    pool: Histories  # P products; what may be learned from
    test: Holdout  # P products
    seed: int

    @property
    def sizes(self) -> tuple[int, int]:
        """R and P, products of the rich and of the poor one."""
        poor = int(self.items["poor"].sum())
        return len(self.items) - poor, poor

    @classmethod
    def make(cls, dataset: Dataset, other: Dataset | None, source: str, seed: int) -> Departments:
        """The department of ``dataset`` with the fewest purchases, at least ENOUGH, is the poor one.

        The rich one is the department with the most ("department"), all others ("others"), or all of ``other``
        ("dataset"). Raises CourseError ``two_departments`` where there are not two departments with enough purchases.
        """
        events = as_sets(dataset.events)
        own = dataset.items.get(Columns.DEPARTMENT)
        names = np.full(dataset.num_items, "") if own is None else own.fillna("").astype(str).to_numpy()
        bought = pd.Series(names[events[Columns.ITEM].to_numpy() - 1]).value_counts()
        fit = [name for name in bought.index if name and (names == name).sum() >= FEWEST_PRODUCTS]
        large = [name for name in fit if bought[name] >= ENOUGH]
        large = large if len(large) > 1 else [name for name in fit if bought[name] >= LEAST][:2]
        if len(large) < 2:
            raise CourseError("two_departments", name=dataset.address.name, enough=LEAST, products=FEWEST_PRODUCTS)
        poor, most = str(large[-1]), str(large[0])
        if source == "dataset":
            if other is None:
                raise ValueError("the source is another dataset, and there is none")
            rich_items, rich = other.items, _histories(as_sets(other.events), np.ones(other.num_items, bool))
        else:
            chosen = names == most if source == "department" else names != poor
            rich_items, rich = dataset.items[chosen], _histories(events, chosen)
        own_items, histories = dataset.items[names == poor], _histories(events, names == poor)
        items = pd.concat([rich_items, own_items], ignore_index=True)
        items["poor"] = np.arange(len(items)) >= len(rich_items)
        order = np.random.default_rng([seed, 53]).permutation(len(histories))
        asked, pool = np.sort(order[: len(order) // 2]), order[len(order) // 2 :]
        asked = asked[histories.lengths[asked] >= FEWEST]
        if not len(asked):
            raise CourseError("two_departments", name=dataset.address.name, enough=LEAST, products=FEWEST_PRODUCTS)
        name = most if source == "department" else ""
        return cls((name, poor), items, rich, histories.take(pool), _last(histories.take(asked)), seed)

    def few(self, purchases: int, draw: int) -> Histories:
        """Histories of the pool in an order of their own for each ``draw``, until they hold ``purchases`` or all."""
        order = np.random.default_rng([self.seed, 59, draw]).permutation(len(self.pool))
        held = np.cumsum(self.pool.lengths[order])
        return self.pool.take(np.sort(order[: int(np.searchsorted(held, purchases)) + 1]))


def _histories(events: pd.DataFrame, chosen: NDArray[np.bool_]) -> Histories:
    """What each shopper bought of the products flagged (V,), renumbered from 1; shoppers without any left out."""
    number = np.concatenate([[0], np.where(chosen, np.cumsum(chosen), 0)]).astype(np.int32)
    items = number[events[Columns.ITEM].to_numpy()]
    kept = items > 0
    counts = np.bincount(events[Columns.USER].to_numpy()[kept])
    return Histories(items[kept], np.concatenate([[0], np.cumsum(counts[counts > 0])]).astype(np.int64))


def _last(histories: Histories) -> Holdout:
    """The last purchase of each as the target of what came before."""
    ends = histories.offsets[1:] - 1
    kept = np.ones(len(histories.items), bool)
    kept[ends] = False
    before = Histories(histories.items[kept], histories.offsets - np.arange(len(histories.offsets)))
    return Holdout(np.arange(len(histories), dtype=np.int32), before, histories.items[ends])
