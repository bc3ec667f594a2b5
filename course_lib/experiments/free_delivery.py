"""Free delivery: what would bring this cart to the order value from which delivery is free, as one product or a pair.

    python -m course_lib run free_delivery --dataset shop-baskets --slack 20 --json

Products are scored beside a cart by what is bought together, by type, as in cart_companions.py; types that are in the
cart are left out. An addition is one product or two that close the gap and go at most ``slack`` yuan beyond it, and the
best are found exactly (course_lib/evaluation/closing_pairs.py). Asked of the carts below the line, one product of each
hidden: how many carts can be offered an addition, how far beyond the line it goes, what its products truly are to the
cart, and how often the hidden product is among five additions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation import companions as lists
from course_lib.evaluation.closing_pairs import Addition, additions
from course_lib.evaluation.companions import Goods, Table
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.experiments.cart_companions import SHOPS, Page, worth
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop import baskets as basket_shop
from course_lib.shop.published import shop
from course_lib.shop.truth.relations import COMPLEMENT, RELATIONS, relations
from course_lib.shop.world import World

DATA = {"dataset": "histories"}  # the shop with baskets, or the simulated shop's visits
SETTINGS = {  # (default, lowest, highest)
    "free_from": (300, 1, 5_000),  # order value from which on delivery is free
    "slack": (20, 0, 1_000),  # yuan that an addition may go beyond it
}
MEASURES = {
    "below": "share",  # of the carts that stand below
    "reached_one": "share",  # of these: a single product that is known to go with the cart closes the gap
    "reached_pair": "share",  # a product or a pair does
    "pair_first": "share",  # of the carts that are reached by both, those whose best addition is a pair
    "beyond_one": "currency",  # of the best addition beyond the line
    "beyond_pair": "currency",
    "beyond_open": "currency",  # of the best single product that closes the gap, however dear
    "complements_one": "share",  # of the products in all additions
    "complements_pair": "share",
    "held_one": "share",  # of the carts below: the hidden product is among five single products
    "held_pair": "share",  # among five additions, which may be ten products
    "held_pair_five": "share",  # among the first five products of these
    "held_gain": "difference",  # the last less held_one
    "held_open": "share",  # among five single products that close the gap, however dear
    "search_seconds": "seconds",  # of one cart's five additions
    "seconds": "seconds",
}
ASKS = {
    "history": "items",  # the cart
    "minimum_order": (300, 0, 5_000),
    "slack": (20, 0, 1_000),
    "most": ("pair", "one", "pair"),  # products in an addition
    "k": (5, 1, 10),
}
TINY = {"free_from": 200}

SLACKS = (5, 10, 20, 50, 100, 200)  # of the frames
CARTS = 300  # below the line, at most
K = 5
KEPT = "types.safetensors"
MOST = {"one": 1, "pair": 2}
Values = NDArray[np.float64]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Counts types in baskets, then searches additions, a slack a frame; ``slack`` itself is the last.

    Raises CourseError where the data is not the shop, and where no cart stands below the line. An interrupted run
    begins again.
    """
    began = time.perf_counter()
    free_from, slack = float(config.settings["free_from"]), float(config.settings["slack"])
    slacks = [*(float(one) for one in SLACKS if one != slack), slack]
    yield plan(frame=len(slacks))
    address = config.data["dataset"]
    world = _world(address)
    dataset = registry.load(address)
    page = Page.make(dataset, world, config.seed)
    table = lists.by_types(page.train, page.goods)
    _keep(folder.path, table)
    gap = free_from - worth(page.carts, page.goods)
    rows = np.flatnonzero(gap > 0)
    if not len(rows):
        raise CourseError("free_delivery_none", line=f"{free_from:,.0f}")
    some = np.sort(np.random.default_rng([config.seed, 50]).permutation(rows)[:CARTS])
    asked = Asked.of(page, table, some, gap[some])
    by_slack, followed, ways = [], page.followed(), {}
    for at, one in enumerate(slacks):
        ways = {name: asked.offers(one, MOST[name]) for name in MOST}
        told = {f"held_{name}": round(float(asked.held(offers).mean()), 5) for name, offers in ways.items()}
        by_slack.append({"slack": one, **told})
        yield folder.frame(at, {"shoppers": followed, "slack": one}, None, slack=one, **told)
    ways["open"] = asked.offers(float("inf"), 1)
    measures = asked.measures(ways) | {"below": bootstrap((gap > 0).astype(np.float64)).to_dict()}
    since = time.perf_counter()
    for n in range(min(20, len(some))):
        additions(asked.score[n], page.goods.price, float(asked.gap[n]), slack, K)
    measures["search_seconds"] = exact(round((time.perf_counter() - since) / min(20, len(some)), 6))
    total = round(time.perf_counter() - began, 3)
    measures["seconds"] = exact(total)
    yield result(measures, seconds={"total": total}, by_slack=sorted(by_slack, key=_slack), carts=len(some))


def _slack(one: Mapping[str, float]) -> float:
    return one["slack"]


def _world(address: Address) -> World:
    if address.name not in SHOPS:
        raise CourseError("companions_shop", name=address.name)
    return basket_shop.basket_shop() if address.name == "shop-baskets" else shop()


def _keep(place: Path, table: Table) -> None:
    from safetensors.numpy import save_file

    save_file({"types": np.ascontiguousarray(table, np.float32)}, place / KEPT)


def scored(table: Table, carts: Histories, goods: Goods) -> Values:
    """(N, V + 1) by what is bought together, -inf for what is in the cart and for products of its types."""
    wanted = lists.scores(table, carts)
    return np.where(lists.in_cart(carts, goods), -np.inf, wanted).astype(np.float64)


def _there(offers: list[list[Addition]]) -> Values:
    """(N,) 1 where there is an addition."""
    return np.array([bool(one) for one in offers], np.float64)


@dataclass(frozen=True)
class Asked:
    """``N`` carts below the line."""

    goods: Goods
    score: Values  # (N, V + 1)
    gap: Values  # (N,)
    hidden: NDArray[np.int64]  # (N,)
    near: NDArray[np.int8]  # (N, V + 1) true relation of each product to the cart

    @classmethod
    def of(cls, page: Page, table: Table, rows: NDArray[np.int64], gap: Values) -> Asked:
        """Some rows of a page's carts."""
        carts, count = page.carts.take(rows), len(page.goods.price)
        every = np.tile(np.arange(count), (len(rows), 1))
        near = lists.roles(every, carts, page.goods, page.relations)
        return cls(page.goods, scored(table, carts, page.goods), gap, page.hidden[rows], near)

    def offers(self, slack: float, most: int) -> list[list[Addition]]:
        """The K best additions to each cart."""
        return [
            additions(score, self.goods.price, float(gap), slack, K, most)
            for score, gap in zip(self.score, self.gap, strict=True)
        ]

    def held(self, offers: list[list[Addition]], first: int | None = None) -> Values:
        """(N,) 1 where the hidden product is in an addition, or among the ``first`` products of all."""
        every = [[item for one in some for item in one.items][:first] for some in offers]
        return np.array([self.hidden[n] in items for n, items in enumerate(every)], np.float64)

    def measures(self, ways: Mapping[str, list[list[Addition]]]) -> dict[str, dict[str, float]]:
        """Of additions by "one", "pair" and "open"."""
        found: dict[str, dict[str, float]] = {}
        there = {name: _there(offers) for name, offers in ways.items()}
        for name in MOST:
            found[f"reached_{name}"] = bootstrap(there[name]).to_dict()
        five = self.held(ways["pair"], K)
        found["held_pair_five"] = bootstrap(five).to_dict()
        found["held_gain"] = paired_difference(five, self.held(ways["one"])).to_dict()
        both = np.flatnonzero(there["one"])
        if len(both):
            first = np.array([len(ways["pair"][n][0].items) == 2 for n in both], np.float64)
            found["pair_first"] = bootstrap(first).to_dict()
        for name, offers in ways.items():
            rows = np.flatnonzero(there[name])
            found[f"held_{name}"] = bootstrap(self.held(offers)).to_dict()
            if not len(rows):
                continue
            beyond = np.array([max(offers[n][0].price - self.gap[n], 0.0) for n in rows])
            found[f"beyond_{name}"] = bootstrap(beyond).to_dict()
            if name in MOST:
                shares = [
                    np.mean([self.near[n, item] == COMPLEMENT for one in offers[n] for item in one.items]) for n in rows
                ]
                found[f"complements_{name}"] = bootstrap(np.array(shares)).to_dict()
        return found


# Questions


@dataclass(frozen=True)
class Artefact:
    """What goes with what, whole at every frame, and the truth of the shop."""

    table: Table
    goods: Goods
    relations: NDArray[np.int8]


def open(folder: Path, at: int | None) -> Artefact:
    """Everything that an answer needs."""
    from safetensors.numpy import load_file

    view_at(folder, at)  # says where there is no such frame
    address = RunConfig.read(folder).data["dataset"]
    world, items = _world(address), registry.load_items(address)
    types = np.concatenate([[-1], world.catalogue.type]).astype(np.int64)
    price = np.concatenate([[0.0], items[Columns.PRICE].to_numpy(np.float64)])
    return Artefact(load_file(folder / KEPT)["types"], Goods(types, price), relations(world))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Additions that bring a cart to free delivery, best first; twins in the cart count each for the bill.

    ``{"list": [{"item", "score", "role", "price", "offer", "total"}], "total", "gap"}``: a product a row, a pair
    under one ``offer`` (from 1), ``total`` the bill with the whole addition. Nothing is offered to a cart that is
    there already or empty. Raises CourseError for products that the shop does not have.
    """
    cart, goods = [int(item) for item in asked["history"]], artefact.goods
    if unknown := [item for item in cart if not 1 <= item < len(goods.type)]:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    total = round(float(goods.price[cart].sum()), 2)
    gap = max(float(asked["minimum_order"]) - total, 0.0)
    one = Histories.from_lists([list(dict.fromkeys(cart))])
    found: list[Addition] = []
    if cart and gap > 0:
        score = scored(artefact.table, one, goods)[0]
        found = additions(score, goods.price, gap, float(asked["slack"]), int(asked["k"]), MOST[str(asked["most"])])
    offered = np.array([[item for addition in found for item in addition.items]], np.int64)
    role = lists.roles(offered, one, goods, artefact.relations)[0] if found else []
    places = [(n, addition, item) for n, addition in enumerate(found, 1) for item in addition.items]
    listed = [
        {
            "item": item, "score": round(addition.score, 5), "role": RELATIONS[int(kind)], "offer": n,
            "price": round(float(goods.price[item]), 2), "total": round(total + addition.price, 2),
        }
        for (n, addition, item), kind in zip(places, role, strict=True)
    ]  # fmt: skip
    return {"list": listed, "total": total, "gap": round(gap, 2)}
