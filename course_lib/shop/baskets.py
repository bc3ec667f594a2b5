"""The shop with baskets: the same needs, products and rules, but a visit brings home several things in one basket.

In the simulated shop each purchase is an order of its own. Here four numbers are others (data/shop_baskets): shoppers
buy more often in the same visit than not, and all purchases of a visit are one basket, a set. Everything
that the shop's rules say is true here too: a mission's steps are bought together, a durable that is owned is not bought
again, a product is chosen within its type by taste and price.
What products truly are to each other is in ``truth/relations.py``.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from course_lib.data.cache import cached
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Source
from course_lib.data.splits import as_sets
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings
from course_lib.shop import source as shop_source
from course_lib.shop.parameters import load_parameters
from course_lib.shop.simulate import events_frame
from course_lib.shop.world import World, make_world

NAME = "shop-baskets"
FILE = PROJECT / "data" / "shop_baskets" / "baskets.toml"
SHOPPER = ("visit_share", "events_mean", "events_minimum", "events_maximum")
SIZES = ("small", "tiny", "large")
MOST = 1_000_000  # shoppers of a size
SAME_VISIT = 480  # seconds; the simulator puts the purchases of one visit 86 to 432 seconds apart


@functools.cache
def published() -> Mapping[str, Mapping[str, Any]]:
    """The tables of baskets.toml."""
    return numbers(FILE.read_text(encoding="utf-8"))


def numbers(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The tables in the text of a baskets.toml; raises CourseError for a number that is missing or cannot be."""
    told = tomllib.loads(text)
    wanted = {f"shopper.{name}" for name in SHOPPER} | {f"sizes.{name}" for name in SIZES}
    given = {
        f"{part}.{name}" for part, table in told.items() for name in (table if isinstance(table, dict) else (part,))
    }
    if odd := sorted(wanted ^ given):
        raise CourseError("unknown_setting", model=FILE.name, name=", ".join(odd), known=", ".join(sorted(wanted)))
    for name, count in told["sizes"].items():
        if type(count) is not int or not 1 <= count <= MOST:
            raise CourseError("setting_out_of_range", name=f"sizes.{name}", value=count, low=1, high=MOST)
    _parameters(told)
    return told


def _parameters(told: Mapping[str, Mapping[str, Any]]) -> Any:
    """The shop's parameters with the numbers of ``told``; raises CourseError for one that it cannot have."""
    parameters = load_parameters()
    for name, value in told["shopper"].items():
        parameters = parameters.replaced(f"shopper.{name}", value)
    return parameters


@functools.cache
def basket_shop() -> World:
    """Made once a process. Its catalogue is the simulated shop's."""
    return make_world(_parameters(published()))


def baskets_frame(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """All events: a visit's lines have one basket number, a product stands in a basket once, order means nothing."""
    events = events_frame(world, shoppers, seed)
    users, times = events[Columns.USER].to_numpy(), events[Columns.TIME].to_numpy()
    goes_on = (users[1:] == users[:-1]) & (times[1:] - times[:-1] < SAME_VISIT)
    first = np.maximum.accumulate(np.where(np.concatenate([[True], ~goes_on]), np.arange(len(events)), 0))
    events[Columns.BASKET] = events[Columns.BASKET].to_numpy()[first]
    events[Columns.TIME] = times[first]
    return as_sets(events.drop_duplicates([Columns.BASKET, Columns.ITEM], ignore_index=True))


@functools.cache
def version(size: str) -> str:
    """12 hexadecimal digits over the shop's own version, the numbers of baskets.toml and this file."""
    digest = hashlib.sha256(f"{shop_source.version(shop_source.SOURCE.sizes[0])} {size}".encode())
    digest.update(repr(sorted((part, sorted(table.items())) for part, table in published().items())).encode())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()[:12]


def load(size: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and items of one size, written to disk by the first who asks."""
    folder = load_settings().datasets / Address(NAME, size, version(size)).folder
    shoppers = published()["sizes"][size]
    (events,) = cached(folder, ("events",), lambda: {"events": baskets_frame(basket_shop(), shoppers)})
    return events, shop_source.load_items(size)


SOURCE = Source(SIZES, version, shop_source.load_items, load)
