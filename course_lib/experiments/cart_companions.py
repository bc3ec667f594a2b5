"""Cart companions: what to offer beside a cart, in a shop that knows what replaces and what completes a product.

    python -m course_lib run cart_companions --dataset shop-baskets --finder types --json

Four ways to find neighbours of a product (evaluation/companions.py) make lists of five beside the carts of shoppers
that nothing was learned from. One product of each cart was hidden, and a list that holds it has a hit. The shop's rules
say what each offered product truly is: a substitute (same type), a complement (a type of the same mission), or neither.

Two questions of a cart page follow. What does it cost to keep places for substitutes? And if delivery is free from some
order value on, which product brings the cart there: asked of the carts that stand below it and whose hidden product
closed the gap.
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
from course_lib.data.baskets import Baskets
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Histories
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.evaluation import companions as lists
from course_lib.evaluation.companions import FINDERS, Goods, K, Table
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop import baskets as basket_shop
from course_lib.shop.behaviour import visits
from course_lib.shop.published import shop
from course_lib.shop.truth.relations import COMPLEMENT, RELATIONS, SUBSTITUTE, relations
from course_lib.shop.world import World

DATA = {"dataset": "histories"}  # the shop with baskets, or the simulated shop's visits
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "finder": ("types", "types", "products", "views", "text"),
    "same_kind": ("out", "out", "in"),  # whether products of a type that is in the cart compete with the others
    "substitute_places": (0, 0, 5),  # of the five, kept for substitutes
    "free_from": (300, 0, 5_000),  # order value from which on delivery is free
}
MEASURES = {
    "hits": "share",  # of the lists: those with the hidden product, by the chosen settings
    "sold": "currency",  # value of the hidden products in a hundred lists
    "hits_types": "share",
    "hits_products": "share",
    "hits_views": "share",
    "hits_text": "share",
    "substitutes_types": "share",  # of the places
    "substitutes_products": "share",
    "substitutes_views": "share",
    "substitutes_text": "share",
    "complements_types": "share",
    "complements_products": "share",
    "complements_views": "share",
    "complements_text": "share",
    "hits_pure": "share",  # by types, products of a type that is in the cart left out
    "gain_of_leaving_out": "difference",  # the same less hits_types
    "cost_of_two": "difference",  # less those with two places for substitutes
    "sold_pure": "currency",
    "sold_two": "currency",
    "switched": "share",  # of the products looked at before a purchase of their type: another one was bought
    "below": "share",  # of the carts that stand below the free order value
    "closed_free": "share",  # hits of lists that know nothing of the gap, where the hidden product closed it
    "closed_bound": "share",  # of lists that offer only what closes it
    "closed_cheapest": "share",  # of the cheapest products that do
    "beyond_bound": "currency",  # beyond the free order value with an offered product, on average
    "beyond_cheapest": "currency",
    "seconds": "seconds",
}
ASKS = {
    "history": "items",  # the cart
    "finder": ("types", "types", "products", "views", "text"),
    "same_kind": ("out", "out", "in"),
    "substitute_places": (0, 0, 5),
    "minimum_order": (0, 0, 5_000),  # free delivery from; 0: whatever the cart is worth
    "k": (5, 1, 10),
}
TINY = {"free_from": 500}

SHOPS = ("shop-baskets", "shop")
LEARNED = 0.8  # of the shoppers
CARTS = 4_000  # held out, at most
LOOKERS = 2_000  # shoppers whose views are learned from, at most
SIZES = (100, 300, 1_000, 3_000, 10_000)  # baskets of the frames on the way
FOLLOWED = 5
KEPT = "tables.safetensors"


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Learns from more and more baskets, then compares the finders, the places and the lists that close the gap.

    Raises CourseError where the data is not the shop or cannot be had. An interrupted run begins again.
    """
    began = time.perf_counter()
    address = config.data["dataset"]
    world = _world(address)
    dataset = registry.load(address)
    page = Page.make(dataset, world, config.seed)
    sizes = [*(size for size in SIZES if size < len(page.train)), len(page.train)]
    yield plan(frame=len(sizes))
    tables = {"text": lists.by_cosine(text_vectors(dataset))}
    tables["views"], switched = _views(world, page.learners)
    followed = page.followed()
    still = {name: page.hits(tables[name]).mean() for name in ("text", "views")}
    learning = []
    for at, size in enumerate(sizes):
        some = page.train.take(np.arange(size))
        tables["products"] = lists.by_products(some, dataset.num_items)
        tables["types"] = lists.by_types(some, page.goods)
        hits = {name: page.hits(tables[name]).mean() for name in ("products", "types")} | still
        told = {f"hits_{name}": round(float(hits[name]), 5) for name in FINDERS}
        learning.append({"baskets": size, **told})
        yield folder.frame(at, {"shoppers": followed, "baskets": size}, None, baskets=size, **told)
    _keep(folder.path, tables)
    measures = page.measures(tables, config.settings)
    if switched is not None:
        measures["switched"] = switched
    total = round(time.perf_counter() - began, 3)
    measures["seconds"] = exact(total)
    yield result(
        measures, seconds={"total": total}, places=page.by_places(tables), carts=len(page.carts), learning=learning,
        learned=len(page.train),
    )  # fmt: skip


def _world(address: Address) -> World:
    if address.name not in SHOPS:
        raise CourseError("companions_shop", name=address.name)
    return basket_shop.basket_shop() if address.name == "shop-baskets" else shop()


def _views(world: World, learners: int) -> tuple[Table, dict[str, float] | None]:
    """Products looked at in one session online, and how often another product of the type was bought than was seen."""
    sessions, items, rates = [], [], []
    for visit in visits(world, min(learners, LOOKERS)):
        looks = visit.looks
        own = visit.sessions.shopper[looks.session] < visit.wanted
        row, place = np.nonzero(looks.seen & own[:, None])
        sessions.append(visit.sessions.id[looks.session[row]])
        items.append(world.first_item[looks.type[row]] + place + 1)
        bought = own & (looks.bought >= 0)
        rates.append(1 - 1 / np.maximum(looks.seen[bought].sum(1), 1))
    _, number = np.unique(np.concatenate(sessions), return_inverse=True)
    table = lists.by_views(number, np.concatenate(items), len(world.catalogue.type))
    rate = np.concatenate(rates)
    return table, bootstrap(rate).to_dict() if len(rate) else None


@dataclass(frozen=True)
class Page:
    """The carts that lists are made for."""

    goods: Goods
    relations: NDArray[np.int8]
    train: Histories  # baskets of the learning shoppers, mixed up
    learners: int  # the first so many shoppers
    users: NDArray[np.int64]  # (N,) of the carts
    carts: Histories  # N
    hidden: NDArray[np.int64]  # (N,)

    @classmethod
    def make(cls, dataset: Dataset, world: World, seed: int) -> Page:
        """Learners are the first shoppers, carts those of the others; one product of each is hidden by the seed."""
        baskets = Baskets.of(dataset)
        rng = np.random.default_rng(seed)
        learners = int(LEARNED * dataset.num_users)
        several = np.flatnonzero(baskets.sizes >= 2)
        train = rng.permutation(several[baskets.users[several] < learners])
        asked = np.sort(rng.permutation(several[baskets.users[several] >= learners])[:CARTS])
        whole = baskets.take(asked)
        taken = whole.offsets[:-1] + (rng.random(len(asked)) * whole.lengths).astype(np.int64)
        kept = np.ones(len(whole.items), bool)
        kept[taken] = False
        lengths = whole.lengths - 1
        carts = Histories(whole.items[kept], np.concatenate([[0], np.cumsum(lengths)]))
        types = np.concatenate([[-1], world.catalogue.type]).astype(np.int64)
        price = np.concatenate([[0.0], dataset.items[Columns.PRICE].to_numpy(np.float64)])
        hidden = whole.items[taken].astype(np.int64)
        return cls(
            Goods(types, price), relations(world), baskets.take(train), learners, baskets.users[asked], carts, hidden
        )

    def lists(self, tables: Mapping[str, Table], finder: str, places: int, same_kind: str = "out") -> NDArray[np.int64]:
        """(N, K) as they would stand beside the carts."""
        same = lists.in_cart(self.carts, self.goods)
        if same_kind == "in" and not places:  # places for substitutes part the two kinds anyway
            same = np.zeros_like(same)
        wanted, similar = (lists.scores(tables[name], self.carts) for name in (finder, "text"))
        return lists.companions(wanted, similar, same, places)

    def free(self, table: Table) -> NDArray[np.int64]:
        """(N, K) a finder's best, whatever their type."""
        return lists.best(lists.scores(table, self.carts), K)

    def hits(self, table: Table) -> NDArray[np.float64]:
        """(N,) of :meth:`free`."""
        return self.hit(self.free(table))

    def hit(self, offered: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) 1 where the hidden product is offered."""
        found: NDArray[np.float64] = (offered == self.hidden[:, None]).any(1).astype(np.float64)
        return found

    def sold(self, offered: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) value of the hits of a hundred lists."""
        return 100 * self.hit(offered) * self.goods.price[self.hidden]

    def followed(self) -> list[dict[str, Any]]:
        """The first carts of five shoppers."""
        first = np.flatnonzero(np.diff(self.users, prepend=-1))[:FOLLOWED]
        return [
            {"user": int(self.users[n]), "history": self.carts[n].tolist(), "target": int(self.hidden[n])}
            for n in first.tolist()
        ]

    def by_places(self, tables: Mapping[str, Table]) -> list[dict[str, Any]]:
        """``[{"places", "hits", "sold", "low", "high"}]`` of lists by types with so many places for substitutes."""
        rows = []
        for places in range(K + 1):
            offered = self.lists(tables, "types", places)
            hits = bootstrap(self.hit(offered))
            rows.append(
                {"places": places, "hits": hits.value, "low": hits.low, "high": hits.high,
                 "sold": float(self.sold(offered).mean())}
            )  # fmt: skip
        return rows

    def measures(self, tables: Mapping[str, Table], settings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """All measures but the time."""
        found: dict[str, dict[str, float]] = {}
        chosen = self.lists(
            tables, str(settings["finder"]), int(settings["substitute_places"]), str(settings["same_kind"])
        )
        found["hits"], found["sold"] = bootstrap(self.hit(chosen)).to_dict(), bootstrap(self.sold(chosen)).to_dict()
        for name in FINDERS:
            offered = self.free(tables[name])
            found[f"hits_{name}"] = bootstrap(self.hit(offered)).to_dict()
            role = lists.roles(offered, self.carts, self.goods, self.relations)
            some = (role >= 0).any(1)
            for kind, place in (("substitutes", SUBSTITUTE), ("complements", COMPLEMENT)):
                shares = (role == place).sum(1)[some] / (role >= 0).sum(1)[some]
                found[f"{kind}_{name}"] = bootstrap(shares).to_dict()
        pure, two = (self.lists(tables, "types", places) for places in (0, 2))
        found["hits_pure"] = bootstrap(self.hit(pure)).to_dict()
        found["gain_of_leaving_out"] = paired_difference(self.hit(pure), self.hits(tables["types"])).to_dict()
        found["cost_of_two"] = paired_difference(self.hit(pure), self.hit(two)).to_dict()
        found["sold_pure"], found["sold_two"] = (bootstrap(self.sold(one)).to_dict() for one in (pure, two))
        return found | self._closed(tables["types"], float(settings["free_from"]))

    def _closed(self, table: Table, free_from: float) -> dict[str, dict[str, float]]:
        """How well lists find what brings a cart to the free order value, and how far beyond it they go."""
        gap = free_from - worth(self.carts, self.goods)
        below, price = gap > 0, self.goods.price
        found = {"below": bootstrap(below.astype(np.float64)).to_dict()}
        rows = np.flatnonzero(below & (price[self.hidden] >= gap))
        if not len(rows):
            return found
        carts, gaps = self.carts.take(rows), gap[rows]
        wanted = lists.scores(table, carts)
        cheapest = lists.closing(
            np.where(np.isfinite(wanted), 1 / np.maximum(price, 0.01)[None, :], -np.inf), price, gaps
        )
        ways = {
            "free": lists.best(wanted, K), "bound": lists.best(lists.closing(wanted, price, gaps), K),
            "cheapest": lists.best(cheapest, K),
        }  # fmt: skip
        for name, offered in ways.items():
            hit = (offered == self.hidden[rows, None]).any(1).astype(np.float64)
            found[f"closed_{name}"] = bootstrap(hit).to_dict()
            if name != "free" and (some := (offered > 0).any(1)).any():
                beyond = np.where(offered > 0, price[offered] - gaps[:, None], 0).sum(1)[some]
                found[f"beyond_{name}"] = bootstrap(beyond / (offered > 0).sum(1)[some]).to_dict()
        return found


def worth(carts: Histories, goods: Goods) -> NDArray[np.float64]:
    """(N,) what each cart costs."""
    owner = np.repeat(np.arange(len(carts)), carts.lengths)
    return np.asarray(np.bincount(owner, weights=goods.price[carts.items], minlength=len(carts)), np.float64)


def _keep(place: Path, tables: Mapping[str, Table]) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(tables[name], np.float16) for name in FINDERS}, place / KEPT)


# Questions


@dataclass(frozen=True)
class Artefact:
    """The finders of a run, whole at every frame, and the truth of the shop."""

    tables: Mapping[str, Table]
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
    tables = {name: table.astype(np.float32) for name, table in load_file(folder / KEPT).items()}
    return Artefact(tables, Goods(types, price), relations(world))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What to offer beside a cart; twins in it count once for the list and each for the bill.

    ``{"list": [{"item", "score", "role", "price", "total"}], "total", "gap", "minimum_order"}``: ``role`` the true
    relation to the cart, ``total`` the bill with the product. With ``minimum_order`` above the bill only what closes
    the gap is offered. An empty cart has no companions. Raises CourseError for products that the shop does not have.
    """
    cart = [int(item) for item in asked["history"]]
    count = len(artefact.goods.type) - 1
    if unknown := [item for item in cart if not 1 <= item <= count]:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    goods, k, places = artefact.goods, int(asked["k"]), int(asked["substitute_places"])
    total = round(float(goods.price[cart].sum()), 2)
    gap = max(float(asked["minimum_order"]) - total, 0.0)
    one = Histories.from_lists([list(dict.fromkeys(cart))])
    wanted, similar = (
        lists.closing(lists.scores(artefact.tables[name], one), goods.price, np.array([gap]))
        for name in (str(asked["finder"]), "text")
    )
    same = lists.in_cart(one, goods)
    if asked["same_kind"] == "in" and not places:
        same = np.zeros_like(same)
    offered = lists.companions(wanted, similar, same, min(places, k), k)
    role = lists.roles(offered, one, goods, artefact.relations)
    listed = [
        {
            "item": int(item), "score": round(float(max(wanted[0, item], similar[0, item] if same[0, item] else 0)), 5),
            "role": RELATIONS[int(kind)], "price": round(float(goods.price[item]), 2),
            "total": round(total + float(goods.price[item]), 2),
        }
        for item, kind in zip(offered[0], role[0], strict=True)
        if item > 0
    ]  # fmt: skip
    return {"list": listed, "total": total, "gap": round(gap, 2), "minimum_order": float(asked["minimum_order"])}
