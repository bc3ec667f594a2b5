"""The shop with trends and launches: the same shoppers and needs, but which products sell changes with time.

What a shopper buys is decided in two steps, first the product type, then the product, and which product it was has no
influence on the types that follow. So the simulated shop's types and times are kept and only the products are drawn
again, with data/shop_trends/trends.toml:

    log weight of product i on day t = the shop's own + fashion_i(t) + novelty_i(t),   no weight before launch_i
    fashion_i(t) = strength e^(-(t - peak_i)^2 / (2 width^2))
    novelty_i(t) = novelty e^(-(t - launch_i) / fades)            for products that are launched, 0 for the others

A consumable bought before is, with the shop's own ``loyalty``, the same product again. A draw by these weights is the
largest of log weight + Gumbel noise (Gumbel 1954; Maddison, Tarlow & Minka, A* Sampling, NIPS 2014).

The first shoppers of a large shop are those of a small one, as in simulate.py.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.cache import cached
from course_lib.data.dataset import Address, Source
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings
from course_lib.shop import simulate as simulator
from course_lib.shop import source as shop_source
from course_lib.shop import world as rules
from course_lib.shop.published import shop
from course_lib.shop.simulate import Block, simulate
from course_lib.shop.world import Ints, World

NAME = "shop-trends"
FILE = PROJECT / "data" / "shop_trends" / "trends.toml"
LIMITS: dict[str, tuple[float, float]] = {  # between which values each number may lie
    "seed": (0, 2**31 - 1),
    "fashion.strength": (0, 20), "fashion.width": (0.1, 10_000),
    "fashion.first_day": (-10_000, 10_000), "fashion.last_day": (-10_000, 10_000),
    "launch.share": (0, 0.9), "launch.novelty": (0, 20), "launch.fades": (0.1, 10_000),
    "launch.first_day": (0, 10_000), "launch.last_day": (0, 10_000),
}  # fmt: skip
Days = NDArray[np.float64]


@functools.cache
def published() -> Mapping[str, float]:
    """The numbers of trends.toml by their paths, as in ``"fashion.width"``."""
    return numbers(FILE.read_text(encoding="utf-8"))


def numbers(source: str) -> Mapping[str, float]:
    """The numbers in the text of a trends.toml; raises CourseError for one that is missing or cannot be."""
    told: dict[str, Any] = {}
    for key, value in tomllib.loads(source).items():
        told |= {f"{key}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {key: value}
    if odd := sorted(set(told) ^ set(LIMITS)):
        raise CourseError("unknown_setting", model="trends.toml", name=", ".join(odd), known=", ".join(LIMITS))
    for name, (low, high) in LIMITS.items():
        value = told[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CourseError("setting_not_a_number", name=name, value=value, low=low, high=high)
        if not low <= value <= high:  # NaN lies nowhere
            raise CourseError("setting_out_of_range", name=name, value=value, low=low, high=high)
    for part in ("fashion", "launch"):
        first, last = told[f"{part}.first_day"], told[f"{part}.last_day"]
        if last < first:
            raise CourseError("setting_out_of_range", name=f"{part}.last_day", value=last, low=first, high=10_000)
    return told


@dataclass(frozen=True)
class Trends:
    """The life of each of V products."""

    numbers: Mapping[str, float]
    peak: Days  # (V,) day on which it is most in fashion
    launch: Days  # (V,) first day on which it is for sale, -inf for one that was always there

    @classmethod
    def make(cls, world: World, told: Mapping[str, float] | None = None) -> Trends:
        """The lives of the shop's products; ``told`` are other numbers than the published ones."""
        told = published() if told is None else told
        random = np.random.default_rng([int(told["seed"]), 0])
        products = len(world.catalogue.type)
        peak = random.uniform(told["fashion.first_day"], told["fashion.last_day"], products)
        launch = np.full(products, -np.inf)
        for start, stop in zip(world.first_item[:-1], world.first_item[1:], strict=True):
            count = round(told["launch.share"] * (stop - start))
            late = start + random.permutation(stop - start)[: min(count, stop - start - 1)]  # one is always there
            launch[late] = random.uniform(told["launch.first_day"], told["launch.last_day"], len(late))
        return cls(told, peak, launch)

    def added(self, items: NDArray[np.int64], days: Days) -> Days:
        """What products ``items`` (0-based, any shape) gain on ``days``, which broadcast; -inf before their launch."""
        told = self.numbers
        since = days - self.launch[items]  # infinite for products that were always there: e^-inf = 0, no novelty
        fashion = told["fashion.strength"] * np.exp(
            -((days - self.peak[items]) ** 2) / (2 * told["fashion.width"] ** 2)
        )
        novelty = told["launch.novelty"] * np.exp(-np.maximum(since, 0) / told["launch.fades"])
        return np.asarray(np.where(since >= 0, fashion + novelty, -np.inf))


def trending(world: World, shoppers: int, trends: Trends | None = None) -> Iterator[Block]:
    """The blocks of :func:`course_lib.shop.simulate.simulate` with their products drawn again."""
    trends = Trends.make(world) if trends is None else trends
    for number, block in enumerate(simulate(world, shoppers)):
        random = np.random.default_rng([int(trends.numbers["seed"]), 1, number])
        yield replace(block, items=_drawn(world, trends, block, random))


def _drawn(world: World, trends: Trends, block: Block, random: np.random.Generator) -> NDArray[np.int32]:
    """(N, T) products of the block's types; what is drawn for a shopper does not depend on how many there are."""
    goods, loyalty = world.catalogue.type, world.parameters["choice.loyalty"]
    own = rules.item_logits(block.truth.taste, block.truth.budget, world)
    places = np.arange(int(np.diff(world.first_item).max()))
    last: Ints = np.full((len(block.length), len(world.durable)), -1)  # the product of each type bought last
    items = np.zeros_like(block.items)
    for t in range(block.items.shape[1]):
        noise = random.gumbel(size=(simulator.BLOCK, len(places)))
        again = random.random(simulator.BLOCK) < loyalty
        rows = np.flatnonzero(block.length > t)
        types = goods[block.items[rows, t]]
        first, stop = world.first_item[types][:, None], world.first_item[types + 1][:, None]
        offered = np.minimum(first + places, stop - 1)  # (n, W)
        days = np.round(block.days[rows, t, None].astype(np.float64) * simulator.DAY) / simulator.DAY  # as it is sold
        weight = own[rows[:, None], offered] + trends.added(offered, days) + noise[rows]
        weight[first + places >= stop] = -np.inf
        chosen = offered[np.arange(len(rows)), weight.argmax(1)]
        before = last[rows, types]
        chosen = np.where((before >= 0) & ~world.durable[types] & again[rows], before, chosen)
        items[rows, t], last[rows, types] = chosen, chosen
    return items


def trending_frame(world: World, shoppers: int, trends: Trends | None = None) -> pd.DataFrame:
    """All events as one frame of EVENT_COLUMNS, in user and time order."""
    return pd.concat([block.frame(world) for block in trending(world, shoppers, trends)], ignore_index=True)


@functools.cache
def version(size: str) -> str:
    """12 hexadecimal digits over the shop's own version, the numbers of trends.toml and this file."""
    digest = hashlib.sha256(shop_source.version(size).encode())
    digest.update(repr(sorted(published().items())).encode())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()[:12]


def load(size: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and items of one size, written to disk by the first who asks."""
    folder = load_settings().datasets / Address(NAME, size, version(size)).folder
    shoppers = shop_source.sizes()[size]
    (events,) = cached(folder, ("events",), lambda: {"events": trending_frame(shop(), shoppers)})
    return events, shop_source.load_items(size)


SOURCE = Source(tuple(shop_source.sizes()), version, shop_source.load_items, load)
