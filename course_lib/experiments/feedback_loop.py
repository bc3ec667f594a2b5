"""Feedback loop: a recommender learns from sales that it has caused itself, week after week.

    python -m course_lib run feedback_loop --recommender markov --explore 0.3 --json

Shoppers of the simulated shop live some weeks without a recommender, and then twice: once more without one, and once
under the chosen one, which is refitted on all sales before each week (shop/weeks.py). Those whom purchases disappoint
leave for good, and prices hurt later (shop/truth/patience.py). Concentration is compared at equal sales, because the
Gini coefficient falls as more is counted.

    greedy    ranks by expected revenue: Markov's chance times the price
    explore   share of visits at which the slate is drawn at random instead
    fairness  f: score_i + f (merit - exposure) of its seller, both as logarithms of shares, score_i brought to 0..1

A seller is a brand. Its merit is its share of the sales without a recommender; its exposure is its share of what was
shown so far, counted by the chance to be looked at. A controller of this kind: Morik, Singh, Hong & Joachims,
Controlling Fairness and Bias in Dynamic Learning-to-Rank, SIGIR 2020. The loop: Chaney, Stewart & Engelhardt, How
Algorithmic Confounding in Recommendation Systems Increases Homogeneity and Decreases Utility, RecSys 2018.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.beyond_accuracy import thinned
from course_lib.evaluation.intervals import bootstrap, bootstrap_ratio
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.markov import MarkovModel
from course_lib.shop import recommenders, weeks
from course_lib.shop.exposure import gini
from course_lib.shop.published import shop
from course_lib.shop.recommenders import Log, Recommender, Refit
from course_lib.shop.truth.life import Life
from course_lib.shop.truth.patience import Patience
from course_lib.shop.world import World

DATA = {"dataset": "histories"}  # always the shop: nobody else knows how people would have answered
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "recommender": ("markov", "nothing", "random", "by_sales", "popularity", "markov", "greedy", "oracle"),
    "explore": (0.0, 0.0, 1.0),
    "fairness": (0.0, 0.0, 1.0),
    "impatience": (1.0, 0.0, 10.0),  # scales how readily shoppers leave; 0: nobody does
    "weeks": (12, 1, 40),
    "people": (1500, 20, 20_000),
}
MEASURES = {
    "gini": "score",  # of all sales of the weeks: 0 all products alike, 1 one product
    "gini_over_plain": "difference",  # less that without a recommender, at equal sales
    "coverage": "share",  # of the catalogue that was shown to anybody in the last week
    "buying": "share",  # visits that end in a purchase
    "revenue": "currency",  # of the weeks, for each shopper there was in the beginning
    "revenue_first": "currency",  # of the first week alone
    "revenue_last": "currency",  # and of the last one
    "stayed": "share",  # shoppers who have not left
    "purchase_utility": "number",  # mean of the purchases; 0 is indifference
    "unfairness": "share",  # of exposure that sellers have beyond their merit
    "alike": "share",  # by how much tastes differ less between shoppers than at the start
    "gap_niche": "difference",  # purchases a visit, of shoppers with the commonest taste less those with the rarest
}
ASKS = {"lorenz": ("sold", "sold", "shown"), "top": (10, 1, 50)}
TINY = {"weeks": 2, "people": 60, "recommender": "markov", "explore": 0.2}

TRUTH = "shop"
BLEND = 10.0  # Markov's smoothing
HALVES = 1e-4  # added to shares before their logarithm


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Lives the weeks twice. Raises CourseError for another dataset than the shop.

    It takes seconds, so a run that was interrupted begins again.
    """
    began = time.perf_counter()
    settings, count = config.settings, int(config.settings["weeks"])
    yield plan(week=count, frame=count)
    name = config.data["dataset"].name
    if name != TRUTH:
        raise CourseError("ab_needs_shop", name=name)
    world = shop()
    start = weeks.begin(world, int(settings["people"]), config.seed)
    scale = float(settings["impatience"])
    plain = Shop(world, copy.deepcopy(start), scale)
    ours = Shop(world, start, scale)
    sellers = Sellers.make(world)
    refit = recommender(str(settings["recommender"]), world, float(settings["explore"]), config.seed)
    for week in range(count):
        plain.live(recommenders.nothing)
        sellers.merit = sellers.shares(plain.sold)
        ours.live(fair(refit, sellers, ours, float(settings["fairness"])))
        told = {
            "sales": int(ours.sales[-1]),
            "revenue": round(ours.revenue[-1], 2),
            "plain_revenue": round(plain.revenue[-1], 2),
            "stayed": round(ours.stayed, 5),
            "plain_stayed": round(plain.stayed, 5),
            "gini": _gini(ours.sold_weeks[-1]),
            "plain_gini": _gini(plain.sold_weeks[-1]),
        }
        yield {"kind": "week", "at": week + 1, **told}
        view = {
            "sold": ours.sold.tolist(), "shown": ours.shown.round(2).tolist(), "plain": plain.sold.tolist(),
            "sellers": sellers.table(ours), "week": week + 1,
        }  # fmt: skip
        yield folder.frame(week, view, None, week=week + 1)
    yield result(
        measures(ours, plain, sellers), weeks=count, people=len(ours.life),
        seconds={"total": round(time.perf_counter() - began, 3)},
    )  # fmt: skip


@dataclass
class Shop:
    """A life, and what is counted of it week by week."""

    world: World
    life: Life
    scale: float
    sold: NDArray[np.int64] = field(init=False)  # (V,)
    shown: NDArray[np.float64] = field(init=False)  # (V,) by the chance to be looked at
    patience: Patience = field(init=False)
    visits: NDArray[np.int64] = field(init=False)  # (N,)
    bought: NDArray[np.int64] = field(init=False)  # (N,)
    spent: NDArray[np.float64] = field(init=False)  # (N,)
    sales: list[int] = field(default_factory=list)
    revenue: list[float] = field(default_factory=list)
    sold_weeks: list[NDArray[np.int64]] = field(default_factory=list)
    covered: float = 0.0

    def __post_init__(self) -> None:
        V, N = len(self.world.catalogue.type), len(self.life)
        self.sold, self.shown = np.zeros(V, np.int64), np.zeros(V)
        self.patience = Patience.begin(N, self.scale)
        self.visits, self.bought, self.spent = np.zeros(N, np.int64), np.zeros(N, np.int64), np.zeros(N)
        self.start = self.life.taste.var(axis=0).mean()
        self.prices = self.world.catalogue.items[Columns.PRICE].to_numpy(np.float64)

    @property
    def stayed(self) -> float:
        """Share of shoppers who have not left."""
        return float(1 - self.patience.left.mean())

    def live(self, refit: Refit) -> None:
        """One week under the recommender that ``refit`` makes; then some leave."""
        life, V, N = self.life, len(self.sold), len(self.life)
        week = weeks.advance(self.world, life, refit(weeks.log(self.world, life)))
        last = life.last
        assert last is not None
        items, users = (week.events[name].to_numpy(np.int64) for name in (Columns.ITEM, Columns.USER))
        own = np.bincount(items - 1, minlength=V)
        self.sold += own
        self.sold_weeks.append(own)
        seen = week.shown[Columns.POSITION].to_numpy(np.float64) ** -self.world.parameters["weeks.attention"]
        self.shown += np.bincount(week.shown[Columns.ITEM].to_numpy(np.int64) - 1, seen, V)
        self.covered = week.shown[Columns.ITEM].nunique() / V
        self.visits += np.bincount(last.users, minlength=N)
        self.bought += np.bincount(users, minlength=N)
        self.spent += np.bincount(users, self.prices[items - 1], N)
        self.sales.append(len(items))
        self.revenue.append(float(self.prices[items - 1].sum()))
        self.patience.week(self.world, life)


@dataclass
class Sellers:
    """The shop's brands; nobody's products belong to nobody."""

    names: list[str]
    of: NDArray[np.int64]  # (V,) seller of each product
    merit: NDArray[np.float64]  # (B,) shares

    @classmethod
    def make(cls, world: World) -> Sellers:
        """From the catalogue; merit is not known yet."""
        brands = world.catalogue.items[Columns.BRAND].astype("string").fillna("").astype("category")
        names = [str(one) for one in brands.cat.categories]
        return cls(names, np.asarray(brands.cat.codes, np.int64), np.full(len(names), 1 / len(names)))

    def shares(self, counts: NDArray[Any]) -> NDArray[np.float64]:
        """(B,) of (V,) counts."""
        found: NDArray[np.float64] = np.bincount(self.of, counts, len(self.names)).astype(np.float64)
        return np.asarray(found / max(found.sum(), 1.0))

    def table(self, ours: Shop) -> list[dict[str, Any]]:
        """``[{"seller", "merit", "exposure"}]``, most merit first."""
        exposure = self.shares(ours.shown)
        order = np.argsort(-self.merit, kind="stable")
        return [
            {"seller": self.names[n], "merit": round(float(self.merit[n]), 5), "exposure": round(float(exposure[n]), 5)}
            for n in order
        ]


def recommender(name: str, world: World, explore: float, seed: int) -> Refit:
    """A recommender by its name, which shows a share ``explore`` of visits something random."""
    prices = world.catalogue.items[Columns.PRICE].to_numpy(np.float64)

    def markov(log: Log) -> Recommender:
        return MarkovModel.fit(log.histories, log.num_items, {"blend": BLEND}).score

    def greedy(log: Log) -> Recommender:
        score = MarkovModel.fit(log.histories, log.num_items, {"blend": BLEND}).score
        return lambda histories: score(histories) * np.concatenate([[1.0], prices])

    known: dict[str, Refit] = {**recommenders.BASELINES, "markov": markov, "greedy": greedy}
    chosen = known[name]
    if not explore or name in ("nothing", "oracle"):
        return chosen

    def exploring(log: Log) -> Recommender:
        own, rng = chosen(log), np.random.default_rng([seed, 29, log.week])
        assert callable(own)

        def score(histories: Histories) -> NDArray[np.floating[Any]]:
            scores = np.array(own(histories), np.float64)
            some = rng.random(len(scores)) < explore
            scores[some] = rng.random((int(some.sum()), scores.shape[1]))
            return scores

        return score

    return exploring


def fair(refit: Refit, sellers: Sellers, ours: Shop, weight: float) -> Refit:
    """``refit`` with sellers below their merit moved up; the oracle and nothing stay as they are."""
    if not weight:
        return refit

    def balanced(log: Log) -> Recommender:
        own = refit(log)
        if not callable(own):
            return own
        lacking = np.log(sellers.merit + HALVES) - np.log(sellers.shares(ours.shown) + HALVES)
        bonus = np.concatenate([[0.0], lacking[sellers.of]]) if ours.shown.any() else 0.0

        def score(histories: Histories) -> NDArray[np.floating[Any]]:
            scores = np.array(own(histories), np.float64)
            products = scores[:, 1:]
            low, high = products.min(1, keepdims=True), products.max(1, keepdims=True)
            return np.asarray((scores - low) / np.maximum(high - low, 1e-12) + weight * bonus)

        return score

    return balanced


def measures(ours: Shop, plain: Shop, sellers: Sellers) -> dict[str, dict[str, float]]:
    """All measures at the end of the weeks; intervals over shoppers where they are means."""
    equal = int(min(ours.sold.sum(), plain.sold.sum()))
    came = ours.visits > 0
    visited = np.maximum(ours.visits, 1)
    found = {
        "gini": exact(_gini(ours.sold)),
        "gini_over_plain": exact(round(_gini(thinned(ours.sold, equal)) - _gini(thinned(plain.sold, equal)), 6)),
        "coverage": exact(round(ours.covered, 6)),
        "revenue": bootstrap(ours.spent.round(2)).to_dict(),
        "revenue_first": exact(round(ours.revenue[0] / len(ours.life), 4)),
        "revenue_last": exact(round(ours.revenue[-1] / len(ours.life), 4)),
        "stayed": bootstrap((~ours.patience.left).astype(float)).to_dict(),
        "purchase_utility": exact(
            round(float(np.average(ours.patience.utility, weights=np.maximum(ours.sales, 1))), 5)
        ),
        "alike": exact(round(float(1 - ours.life.taste.var(axis=0).mean() / ours.start), 6)),
    }
    if came.any():
        found["buying"] = bootstrap_ratio(ours.bought[came, None], ours.visits[came, None]).to_dict()
    exposure = sellers.shares(ours.shown)
    if ours.shown.any():
        found["unfairness"] = exact(round(float(np.abs(exposure - sellers.merit).sum() / 2), 6))
    common = np.argsort(np.linalg.norm(ours.life.first_taste - ours.life.first_taste.mean(0), axis=1), kind="stable")
    third = max(len(common) // 3, 1)
    rates = (ours.bought / visited)[common]
    gap, spread = rates[:third].mean() - rates[-third:].mean(), 0.0
    if third > 1:
        spread = 1.96 * float(np.sqrt((rates[:third].var(ddof=1) + rates[-third:].var(ddof=1)) / third))
    found["gap_niche"] = {"value": float(gap), "low": float(gap - spread), "high": float(gap + spread)}
    return found


def _gini(counts: NDArray[Any]) -> float:
    return round(gini(counts), 6) if counts.sum() else 0.0


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """The weeks up to frame ``at``, or to the end."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """How unequal products are, up to that week, in what was sold or shown.

    ``{"lorenz", "ours": [share], "plain": [share], "share": share that the top products have, "plain_share", "top":
    ...}``: at 0, 5, ..., 100% of the products, those that sell least first, which share they have of all; ``plain`` is
    always of sales. Empty where there is nothing to count.
    """
    counts = np.array(artefact.view[str(asked["lorenz"])], np.float64)
    plain = np.array(artefact.view["plain"], np.float64)
    most = int(asked["top"])
    return {
        "lorenz": str(asked["lorenz"]),
        "top": most,
        "ours": _lorenz(counts),
        "plain": _lorenz(plain),
        "share": _top(counts, most),
        "plain_share": _top(plain, most),
    }


def _lorenz(counts: NDArray[np.float64]) -> list[float]:
    if not counts.sum():
        return []
    part = np.concatenate([[0.0], np.cumsum(np.sort(counts))]) / counts.sum()
    places = np.linspace(0, len(counts), 21)
    return [round(float(one), 5) for one in np.interp(places, np.arange(len(part)), part)]


def _top(counts: NDArray[np.float64], percent: int) -> float:
    """The share of all that the ``percent`` best-selling products of a hundred have."""
    best = -np.sort(-counts)[: int(np.ceil(len(counts) * percent / 100))]
    return round(float(best.sum() / max(counts.sum(), 1e-12)), 5)
