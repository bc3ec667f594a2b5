"""What is in a dataset, what each use case of the course needs, and what is missing: the audit before any training.

found = audit(resolve("orders~12345678", "full"))
found.users, found.prices                # shoppers; the share of products that have a price
[use.id for use in USES if not found.missing(use)]

Everything is counted; nothing is trained. A need is met where the share in NEEDS is reached; what no file of purchases
can tell (what was shown, what was typed, who got a coupon by lot) is missing in each dataset that somebody adds.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.data.counts import counts_of
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake import store
from course_lib.data.registry import load, tables
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig

ASKED = 30  # test shoppers below whom an interval says nothing
RARE = 5  # purchases in the training part up to which a product is new or rare
SECONDS_A_DAY = 86_400
NEEDS = {  # the share that each has to reach; a count for "returning"
    "returning": ASKED,
    "order": 0.5,
    "titles": 0.5,
    "categories": 0.5,
    "prices": 0.5,
    "baskets": 0.05,
}
TABLES = {"queries": "searches", "shown": "slates", "coupons": "coupons"}  # needs that are tables of their own


@dataclass(frozen=True)
class Use:
    """One use case, in the lesson that teaches it."""

    id: str
    lesson: str
    needs: tuple[str, ...]  # names in NEEDS or TABLES


USES = (
    Use("next", "user_understanding", ("returning", "order")),
    Use("similar", "item_understanding", ("titles", "categories")),
    Use("search", "search", ("titles", "queries")),
    Use("offline", "evaluation", ("returning", "order")),
    Use("online", "evaluation_online", ("shown",)),
    Use("cart", "cart", ("baskets",)),
    Use("campaign", "marketing", ("coupons",)),
    Use("texts", "generation", ("titles", "prices")),
    Use("clicks", "practice", ("shown",)),
    Use("money", "business", ("prices",)),
)


@dataclass(frozen=True)
class Audit:
    """What was counted. Shares are between 0 and 1."""

    address: Address
    events: int
    users: int
    items: int
    baskets: int
    first: str  # ISO dates
    last: str
    days: int
    median: float  # purchases of a shopper
    longest: int
    asked: int  # shoppers with a last purchase to ask for: three baskets or more
    train: int  # purchases to learn from
    pairs: int  # of them, those with another one of the same shopper before: what a transformer learns to expect
    rare_targets: int  # of those asked for, bought RARE times or less in the training part
    again: float  # purchases of what the shopper had bought before
    several: float  # baskets with two products or more
    ordered: float  # of two baskets of a shopper, one after the other: they have different times
    titles: float  # products with a title that is not their code
    categories: float
    brands: float
    prices: float
    roles: Mapping[str, str]  # role to the column of the file; empty where the data come with the course
    tables: tuple[str, ...]

    def has(self, need: str) -> bool:
        """Whether one need is met."""
        if need in TABLES:
            return TABLES[need] in self.tables
        found = {"returning": self.asked, "order": self.ordered, "baskets": self.several}
        return bool(found.get(need, getattr(self, need, 0.0)) >= NEEDS[need])

    def missing(self, use: Use) -> tuple[str, ...]:
        """The needs of a use case that are not met."""
        return tuple(need for need in use.needs if not self.has(need))

    def check(self) -> None:
        """Raises CourseError where nobody comes back, or nothing is left to learn from; the intake refuses the rest."""
        name = self.address.name
        if not self.asked:
            raise CourseError("capstone_nobody_returns", name=name, users=f"{self.users:,}", events=f"{self.events:,}")
        if not self.pairs:
            raise CourseError("nothing_to_learn", name=name)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def check_learnable(config: RunConfig) -> None:
    """Raises CourseError where a model is to be trained on added histories in which nobody has two purchases to learn.

    Only few baskets each can bring that about, so most datasets need not be read for it; counting needs no pairs.
    """
    if "epochs" not in config.settings:
        return
    for place, address in config.data.items():
        if config.card.data[place] == "histories" and store.find(address.name) is not None:
            found = counts_of(address)
            if found.baskets <= 3 * found.users and not audit(address).pairs:
                raise CourseError("nothing_to_learn", name=address.name.partition("~")[0])


@functools.lru_cache(maxsize=16)
def audit(address: Address) -> Audit:
    """The audit of a dataset, made once a process. Raises CourseError where it cannot be read."""
    dataset = load(address)
    asked, train, pairs, rare = _split(dataset)
    events, items = dataset.events, dataset.items
    times = events[Columns.TIME]
    lengths = dataset.histories().lengths
    baskets = events.drop_duplicates([Columns.USER, Columns.BASKET])
    first, last = (str(np.datetime64(int(moment), "s"))[:10] for moment in (times.min(), times.max()))
    card = store.find(address.name)
    return Audit(
        address, len(events), dataset.num_users, dataset.num_items, int(events[Columns.BASKET].nunique()), first, last,
        int((times.max() - times.min()) // SECONDS_A_DAY) + 1, float(np.median(lengths)), int(lengths.max()), asked,
        train, pairs, rare, float(events.duplicated([Columns.USER, Columns.ITEM]).mean()), _several(events),
        _ordered(baskets),
        float((items[Columns.TITLE_EN] != items[Columns.CODE]).mean()),
        float((items[Columns.DEPARTMENT] != "other").mean()), float((items[Columns.BRAND] != "").mean()),
        float(items[Columns.PRICE].notna().mean()), dict(card.roles["columns"]) if card is not None else {},
        tables(address.name),
    )  # fmt: skip


def _split(dataset: Dataset) -> tuple[int, int, int, int]:
    """Shoppers asked, purchases to learn from, those with one before, rare targets; nobody where there is no split."""
    try:
        split = leave_one_out(dataset)
    except CourseError:
        return 0, len(dataset.events), 0, 0
    bought = np.bincount(split.train.items, minlength=dataset.num_items + 1)
    pairs = int(np.maximum(split.train.lengths - 1, 0).sum())
    return len(split.test), len(split.train.items), pairs, int((bought[split.test.targets] <= RARE).sum())


def _several(events: pd.DataFrame) -> float:
    """The share of baskets with two different products or more."""
    return float((events.groupby([Columns.USER, Columns.BASKET], sort=False)[Columns.ITEM].nunique() > 1).mean())


def _ordered(baskets: pd.DataFrame) -> float:
    """The share of a shopper's neighbouring baskets that have different times; 1 where nobody has two."""
    user, time = baskets[Columns.USER].to_numpy(), baskets[Columns.TIME].to_numpy()
    pairs = user[1:] == user[:-1]
    return float((time[1:] != time[:-1])[pairs].mean()) if pairs.any() else 1.0
