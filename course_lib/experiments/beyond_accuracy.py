"""Beyond accuracy: what else a model's lists are, and what it costs to make them calibrated or less popular.

    python -m course_lib run beyond_accuracy --model sasrec --rerank calibration --weight 0.3 --json

The model is trained or counted as in next_item, and each test shopper gets its ten best products. Every measure is
defined, with its paper, in evaluation/beyond_accuracy.py. Categories are departments, or product types where there are
no departments.

The lists are chosen from the model's best hundred of each shopper. With the weight w and relevance r from 1 to 0:

    calibration   greedily the highest (1 - w) r_i - w KL(p || q), p the categories of the history, q those of the list
                  (Steck, Calibrated Recommendations, RecSys 2018)
    popularity    the ten highest (1 - w) r_i + w (1 - log(1 + b_i) / log(1 + max b)), b_i who has bought i

``gini`` falls as more is counted, so it is compared at equal sales. Two models fill equally many places; for the shop's
own purchases, as many are drawn at random from the places as from the purchases (``gini_over_sales``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout
from course_lib.errors import CourseError
from course_lib.evaluation import beyond_accuracy as beyond
from course_lib.evaluation.intervals import bootstrap, bootstrap_ratio
from course_lib.evaluation.steered import blended, calibrated
from course_lib.experiments import steering
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.experiments.steering import WEIGHTS, Course, Look
from course_lib.training.checkpoint import one_thread
from course_lib.training.top_lists import K, Pool

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "rerank": ("calibration", "calibration", "popularity"),  # what the list is steered to
    "weight": (0.0, 0.0, 1.0),  # w: 0 is the model's own list
}
MEASURES = {
    "ndcg@10": "score",
    "coverage": "share",  # of the catalogue that stands in anybody's ten
    "gini": "score",  # of how often each product is recommended: 0 all alike, 1 one product
    "gini_over_sales": "difference",  # less that of the purchases learned from, at an equal number of both
    "novelty": "bits",
    "diversity": "share",  # mean distance of two products of a list
    "serendipity": "score",
    "miscalibration": "nats",
    "lift_niche": "difference",  # by how much more popular lists are than histories, for whom few bestsellers please
    "lift_diverse": "difference",
    "lift_blockbuster": "difference",  # and for whom most do
    "parameters": "count",
    "seconds": "seconds",  # of training
}
ASKS = {
    "rerank": ("calibration", "calibration", "popularity"),
    "weight": (0.0, 0.0, 1.0),
    "shopper": (1, 1, 5),  # one of the five who are followed
}
TINY = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2}

WAYS = ("calibration", "popularity")
CATEGORIES = (Columns.DEPARTMENT, Columns.TYPE)  # the first that a dataset has is what is calibrated
CURVE = (300, 1000, 3000, 10_000, 30_000, 100_000)  # places, and purchases, that the Gini is taken of


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains or counts the chosen model, measures its lists after each epoch and then at every weight.

    Raises CourseError where the data cannot be had or has too few products, there are no categories to calibrate, the
    scores are not numbers or the training diverges. It takes seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    rerank, weight = str(config.settings["rerank"]), float(config.settings["weight"])
    yield plan(frame=steering.looks(config.settings))
    course = Course.make(config, registry.load(config.data["dataset"]))
    shop = Shop.make(course.dataset, course.learning.train)
    shop.need(rerank, weight)
    measures: dict[str, dict[str, float]] = {}
    frontier: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    for look in course.go():
        if not isinstance(look, Look):
            yield look
            continue
        judge = Judge.make(shop, look.test)
        lists = judge.steered(look.pool, rerank, weight)
        told = {name: round(one["value"], 5) for name, one in judge.at_once(lists).items()}
        if look.last:
            frontier = judge.frontier(look.pool)
            measures = judge.measures(lists)
            curve = shop.gini_curve(lists)
            measures["gini_over_sales"] = exact(round(curve[-1]["gini"] - curve[-1]["purchases"], 6))
        view = {"shoppers": steering.followed_pools(look.test, look.pool), "weights": frontier}
        yield folder.frame(look.at, view, None, epoch=float(look.epoch), **told)
    trained = round(course.learning.seconds, 3)
    measures |= {"parameters": exact(course.learning.parameters), "seconds": exact(trained)}
    seconds = {"total": round(time.perf_counter() - began, 3), "train": trained}
    yield result(
        measures, weights=frontier, gini_curve=curve, asked=len(course.test), products=course.dataset.num_items,
        seconds=seconds,
    )  # fmt: skip


# What lists are judged by


@dataclass(frozen=True)
class Shop:
    """The catalogue and what training knows of its products."""

    name: str
    num_items: int
    shoppers: int  # who have bought anything
    sold: NDArray[np.int64]  # (V + 1,) purchases
    bought_by: NDArray[np.int64]  # (V + 1,) different shoppers
    kind: NDArray[np.int64] | None  # (V + 1,) category, None where there are none
    kinds: list[str]  # G
    features: NDArray[np.int64] | None  # (V + 1, F) what products may differ in

    @classmethod
    def make(cls, dataset: Dataset, train: Histories) -> Shop:
        """From the training histories."""
        kind, kinds = categories(dataset.items)
        columns = [numbers(dataset.items[one])[0] for one in CATEGORIES if present(dataset.items, one)]
        return cls(
            dataset.address.name, dataset.num_items, int((train.lengths > 0).sum()),
            np.bincount(train.items, minlength=dataset.num_items + 1), beyond.buyers(train, dataset.num_items),
            kind, kinds, np.stack(columns, axis=1) if columns else None,
        )  # fmt: skip

    def need(self, rerank: str, weight: float) -> None:
        """Raises CourseError where lists are to be calibrated and products have no category."""
        if rerank == "calibration" and weight > 0 and self.kind is None:
            raise CourseError("no_categories", name=self.name)

    @property
    def rare(self) -> NDArray[np.float64]:
        """(V + 1,) 1 for what nobody has bought, 0 for what most have, by the logarithm."""
        return 1 - np.log1p(self.bought_by) / max(float(np.log1p(self.bought_by.max())), 1e-9)

    def gini_curve(self, lists: NDArray[np.int64]) -> list[dict[str, Any]]:
        """``[{"sales", "gini", "purchases"}]``: the Gini of so many places of the lists, and of as many purchases.

        Both are drawn at random, the same ones each time; the last row has as many as there are of both.
        """
        counts, sold = beyond.appearances(lists, self.num_items), self.sold[1:]
        most = int(min(counts.sum(), sold.sum()))
        return [
            {
                "sales": total,
                "gini": round(beyond.gini(beyond.thinned(counts, total)), 6),
                "purchases": round(beyond.gini(beyond.thinned(sold, total)), 6),
            }
            for total in [*(one for one in CURVE if one < most), most]
        ]


def present(items: pd.DataFrame, column: str) -> bool:
    """Whether any product has something in ``column``."""
    return column in items and bool(items[column].notna().any())


def numbers(values: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """(V + 1,) a number for each value and what the numbers mean; products without one are a category of their own."""
    words = values.astype("string").fillna("").astype("category")
    return np.concatenate([[0], words.cat.codes.to_numpy(np.int64)]), [str(one) for one in words.cat.categories]


def categories(items: pd.DataFrame) -> tuple[NDArray[np.int64] | None, list[str]]:
    """What is calibrated: departments, else types; None where products have neither."""
    for column in CATEGORIES:
        if present(items, column):
            return numbers(items[column])
    return None, []


@dataclass(frozen=True)
class Judge:
    """Measures the lists of some shoppers."""

    shop: Shop
    test: Holdout
    wanted: NDArray[np.float64] | None  # (N, G) proportions of each history
    groups: NDArray[np.int64]  # (N,) by how popular their taste is
    had: NDArray[np.float64]  # (N,) mean popularity of their histories

    @classmethod
    def make(cls, shop: Shop, test: Holdout) -> Judge:
        """Of the shoppers of ``test``."""
        kind = shop.kind
        wanted = None if kind is None else beyond.history_proportions(test.histories, kind, len(shop.kinds))
        groups = beyond.taste_groups(test.histories, shop.bought_by)
        had = beyond.profile_means(test.histories, shop.bought_by / max(shop.shoppers, 1))
        return cls(shop, test, wanted, groups, had)

    def steered(self, pool: Pool, rerank: str, weight: float) -> NDArray[np.int64]:
        """(N, K) lists."""
        return steer(self.shop, pool, self.wanted, rerank, weight)

    def per_shopper(self, lists: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """(N,) of each measure that is a mean over shoppers."""
        shop = self.shop
        found = {
            "ndcg@10": steering.ndcg_of(lists, self.test.targets),
            "novelty": beyond.novelty(lists, shop.bought_by, shop.shoppers),
            "serendipity": beyond.serendipity(lists, self.test.targets, shop.sold),
        }
        if shop.features is not None:
            found["diversity"] = beyond.intra_list_distance(lists, shop.features)
        if self.wanted is not None and shop.kind is not None:
            given = beyond.proportions(lists, shop.kind, len(shop.kinds))
            found["miscalibration"] = beyond.miscalibration(self.wanted, given)
        return found

    def of_all(self, lists: NDArray[np.int64]) -> dict[str, dict[str, float]]:
        """The measures of all lists together: counted, not estimated."""
        V = self.shop.num_items
        counts = beyond.appearances(lists, V)
        return {"coverage": exact(float((counts > 0).mean())), "gini": exact(beyond.gini(counts))}

    def given(self, lists: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) mean popularity of each list."""
        return beyond.list_means(lists, self.shop.bought_by / max(self.shop.shoppers, 1))

    def at_once(self, lists: NDArray[np.int64]) -> dict[str, dict[str, float]]:
        """All measures with quick intervals, the lifts without."""
        lifts = beyond.popularity_lift(self.given(lists), self.had, self.groups)
        means = {name: steering.estimate(values) for name, values in self.per_shopper(lists).items()}
        return {**means, **self.of_all(lists), **{f"lift_{name}": exact(round(one, 6)) for name, one in lifts.items()}}

    def measures(self, lists: NDArray[np.int64]) -> dict[str, dict[str, float]]:
        """All measures, with bootstrap intervals over shoppers where they are means."""
        found = {name: bootstrap(values).to_dict() for name, values in self.per_shopper(lists).items()}
        given = self.given(lists)
        for number, name in enumerate(beyond.GROUPS):
            own = self.groups == number
            if own.any() and self.had[own].mean() > 0:
                ratio = bootstrap_ratio(given[own, None], self.had[own, None]).to_dict()
                found[f"lift_{name}"] = {end: value - 1 for end, value in ratio.items()}
        return found | self.of_all(lists)

    def frontier(self, pool: Pool) -> list[dict[str, Any]]:
        """``[{"rerank", "weight", "measures"}]`` at every weight, of the ways that the data allows."""
        ways = WAYS if self.wanted is not None else WAYS[1:]
        return [
            {"rerank": way, "weight": weight, "measures": self.at_once(self.steered(pool, way, weight))}
            for way in ways
            for weight in WEIGHTS
        ]


def steer(shop: Shop, pool: Pool, wanted: NDArray[np.float64] | None, rerank: str, weight: float) -> NDArray[np.int64]:
    """(N, K) lists of ``pool``, for shoppers whose histories have the proportions ``wanted`` (N, G)."""
    shop.need(rerank, weight)
    if weight == 0:
        return pool.items[:, :K]
    if rerank == "popularity":
        return blended(pool.relevance, shop.rare[pool.items], pool.items, K, weight)
    assert wanted is not None
    assert shop.kind is not None
    return calibrated(pool.relevance, shop.kind, wanted, pool.items, K, weight)


# Questions


@dataclass(frozen=True)
class Artefact:
    """A finished or half-finished run: the catalogue, the shoppers who are followed, and the frontier where known."""

    shop: Shop
    histories: Histories  # whole ones, of the shoppers that are followed
    shoppers: list[dict[str, Any]]
    frontier: list[dict[str, Any]]


def open(folder: Path, at: int | None) -> Artefact:
    """The lists at frame ``at``, or at the end; the frontier is known at the last frame only."""
    config = RunConfig.read(folder)
    dataset = registry.load(config.data["dataset"])
    course = Course.make(config, dataset)
    view = view_at(folder, at)
    users = [one["user"] for one in view["shoppers"]]
    rows = np.array([int(np.flatnonzero(course.test.users == user)[0]) for user in users], np.int64)
    shop = Shop.make(dataset, course.learning.train)
    return Artefact(shop, course.test.histories.take(rows), view["shoppers"], view["weights"])


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One shopper's list at a weight, and all measures there.

    ``{"rerank", "weight", "user", "history", "list": [{"item", "score", "was"}], "before": [item, ...], "categories":
    [{"category", "history", "before", "after"}], "measures": {...}}``: ``score`` is the relevance, ``was`` the place in
    the model's own list ``before`` (None beyond it), ``categories`` the shares of each, without those that are nowhere.
    The weight is the nearest of the frontier's. Raises CourseError where there are no categories to calibrate.
    """
    shop, weight, rerank = artefact.shop, steering.nearest(float(asked["weight"])), str(asked["rerank"])
    number = min(int(asked["shopper"]), len(artefact.shoppers)) - 1
    one, histories = artefact.shoppers[number], artefact.histories.take(np.array([number]))
    pool = Pool(np.array([one["pool"]], np.int64), np.array([one["relevance"]], np.float32))
    wanted = None if shop.kind is None else beyond.history_proportions(histories, shop.kind, len(shop.kinds))
    after = steer(shop, pool, wanted, rerank, weight)[0].tolist()
    before = pool.items[0, :K].tolist()
    relevance = dict(zip(one["pool"], one["relevance"], strict=True))
    return {
        "rerank": rerank,
        "weight": weight,
        "user": one["user"],
        "history": one["history"],
        "before": before,
        "list": [
            {"item": item, "score": relevance[item], "was": was}
            for item, was in zip(after, steering.places(after, before), strict=True)
            if item
        ],
        "categories": _shares(shop, wanted, before, after),
        "measures": steering.on_frontier(artefact.frontier, weight, rerank=rerank),
    }


def _shares(
    shop: Shop, wanted: NDArray[np.float64] | None, before: list[int], after: list[int]
) -> list[dict[str, Any]]:
    if wanted is None or shop.kind is None:
        return []
    given = beyond.proportions([before, after], shop.kind, len(shop.kinds))
    rows = zip(shop.kinds, wanted[0].tolist(), *given.tolist(), strict=True)
    found = [
        {"category": name, "history": round(own, 5), "before": round(old, 5), "after": round(new, 5)}
        for name, own, old, new in rows
        if own or old or new
    ]
    return sorted(found, key=lambda row: (-row["history"], row["category"]))
