"""Satisfaction: how content the ten best leave the shoppers, and the list that trades a little NDCG for much of it.

    python -m course_lib run satisfaction --model sasrec --by ridge --weight 0.4 --json

The model is trained or counted as in next_item on what was bought. What a purchase was worth no log shows: a few
shoppers give stars, and of those a model of contentment is learned (training/contentment.py), by the means of the
products ("stars"), those and what buying a durable again costs ("owned"), or one regression with prices besides
("ridge").
With the weight w, a product's relevance r from 1 to 0 within the model's best hundred, and the stars to expect s:

    list = the ten highest (1 - w) r_i + w (s_i - 1) / 4

The simulated shop knows the truth behind it, which no model reads (evaluation/true_content.py): the utility that each
product would have had for each shopper, and the chance of a click. It is a shop's average over ten recommendations,
not over what is then bought.

That clicks and satisfaction part, and what to learn from a few ratings: Wen, Yang & Estrin, Leveraging Post-click
Feedback for Content Recommendations, RecSys 2019; Garcia-Gathright et al., Understanding and Evaluating User
Satisfaction with Music Discovery, SIGIR 2018.
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
from course_lib.data.dataset import Dataset
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.steered import blended
from course_lib.evaluation.true_content import Worth, expected_clicks, true_worth
from course_lib.experiments import steering
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.experiments.steering import WEIGHTS, Course, Look
from course_lib.training.checkpoint import one_thread
from course_lib.training.contentment import WAYS, Contentment, learn, ratings_of
from course_lib.training.top_lists import K, Pool

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "by": ("ridge", "stars", "owned", "ridge"),  # what the stars to expect are learned from
    "weight": (0.0, 0.0, 1.0),  # w: 0 is the model's own list
}
MEASURES = {
    "ndcg@10": "score",
    "hr@10": "score",  # how often the next purchase is in the list
    "clicks": "number",  # to expect on the list, in truth
    "utility": "difference",  # mean of the ten products', in truth; 0 leaves a shopper indifferent
    "best_utility": "difference",  # of the ten most satisfying of the same hundred: what perfect knowledge would give
    "expected_stars": "number",  # mean of the ten products', as learned
    "correlation": "score",  # of stars to expect with the true utility, within a shopper's hundred
    "owned_again": "share",  # of the places: durables of a type that the shopper has
    "ratings": "count",  # learned from
    "parameters": "count",
    "seconds": "seconds",  # of training
}
ASKS = {
    "by": ("ridge", "stars", "owned", "ridge"),
    "weight": (0.0, 0.0, 1.0),
    "shopper": (1, 1, 5),  # one of the five who are followed
}
TINY = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2}

TRUTH = "shop"  # the dataset that has one


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains or counts the chosen model, judges its lists by the truth, and then those of every weight.

    Raises CourseError where the data cannot be had, has no truth or no ratings, the scores are not numbers or the
    training diverges. It takes seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    by, weight = str(config.settings["by"]), float(config.settings["weight"])
    yield plan(frame=steering.looks(config.settings))
    dataset = registry.load(config.data["dataset"])
    models, ratings = contentment(dataset)
    course = Course.make(config, dataset)
    measures: dict[str, dict[str, float]] = {}
    frontier: list[dict[str, Any]] = []
    told_apart: dict[str, dict[str, float]] = {}
    for look in course.go():
        if not isinstance(look, Look):
            yield look
            continue
        judge = Judge.make(models, look)
        told = {name: round(float(values.mean()), 5) for name, values in judge.per_shopper(by, weight).items()}
        if look.last:
            frontier = judge.frontier()
            measures, told_apart = judge.measures(by, weight), judge.correlations()
        view = {"shoppers": _followed(judge), "weights": frontier}
        yield folder.frame(look.at, view, None, epoch=float(look.epoch), **told)
    trained = round(course.learning.seconds, 3)
    measures |= {"ratings": exact(ratings), "seconds": exact(trained)}
    measures["parameters"] = exact(course.learning.parameters)
    seconds = {"total": round(time.perf_counter() - began, 3), "train": trained}
    yield result(measures, weights=frontier, correlations=told_apart, asked=len(course.test), seconds=seconds)


def contentment(dataset: Dataset) -> tuple[dict[str, Contentment], int]:
    """The three models of the stars, and how many ratings they have seen.

    Raises CourseError ``no_truth`` for a dataset other than the shop, ``no_ratings`` for one with too few ratings.
    """
    if dataset.address.name != TRUTH:
        raise CourseError("no_truth", name=dataset.address.name)
    ratings = ratings_of(dataset, leave_one_out(dataset))
    return {way: learn(way, ratings, dataset) for way in WAYS}, len(ratings.stars)


@dataclass(frozen=True)
class Judge:
    """The pools of some shoppers, the stars to expect of each product in them, and the truth."""

    look: Look
    stars: dict[str, NDArray[np.float64]]  # (N, M) by the way they are learned
    truth: Worth

    @classmethod
    def make(cls, models: Mapping[str, Contentment], look: Look) -> Judge:
        """At one look."""
        histories, items = look.test.histories, look.pool.items
        stars = {way: one.expected(histories, items) for way, one in models.items()}
        return cls(look, stars, true_worth(look.test, items))

    def chosen(self, by: str, weight: float) -> NDArray[np.int64]:
        """(N, K) places in the pool of the list at a weight."""
        return chosen(self.look.pool, self.stars[by], weight)

    def per_shopper(self, by: str, weight: float) -> dict[str, NDArray[np.float64]]:
        """(N,) of each measure of a list."""
        places = self.chosen(by, weight)

        def of(table: NDArray[Any]) -> NDArray[Any]:
            return np.take_along_axis(table, places, 1)

        lists = of(self.look.pool.items)
        return {
            "ndcg@10": steering.ndcg_of(lists, self.look.test.targets),
            "hr@10": (lists == self.look.test.targets[:, None]).any(1).astype(np.float64),
            "clicks": expected_clicks(of(self.truth.clicks)),
            "utility": of(self.truth.utility).mean(1),
            "expected_stars": of(self.stars[by]).mean(1),
            "owned_again": of(self.truth.owned).mean(1),
        }

    def frontier(self) -> list[dict[str, Any]]:
        """``[{"by", "weight", "measures"}]`` at every weight."""
        found = []
        for by in WAYS:
            for weight in WEIGHTS:
                told = {name: steering.estimate(values) for name, values in self.per_shopper(by, weight).items()}
                found.append({"by": by, "weight": weight, "measures": told})
        return found

    def measures(self, by: str, weight: float) -> dict[str, dict[str, float]]:
        """All measures, with bootstrap intervals over shoppers."""
        found = {name: bootstrap(values).to_dict() for name, values in self.per_shopper(by, weight).items()}
        best = -np.sort(-self.truth.utility, axis=1)[:, :K].mean(1)
        found["best_utility"] = bootstrap(best).to_dict()
        found["correlation"] = bootstrap(self._correlation(by)).to_dict()
        return found

    def correlations(self) -> dict[str, dict[str, float]]:
        """By way: the correlation of the stars to expect with the truth, mean over shoppers."""
        return {by: steering.estimate(self._correlation(by)) for by in WAYS}

    def _correlation(self, by: str) -> NDArray[np.float64]:
        return row_correlation(self.stars[by], self.truth.utility)


def chosen(pool: Pool, stars: NDArray[np.float64], weight: float) -> NDArray[np.int64]:
    """(N, K) places in ``pool`` of the ten with the most relevance and stars together."""
    order = np.broadcast_to(np.arange(1, pool.items.shape[1] + 1), pool.items.shape)
    places = np.where(pool.items > 0, order, 0)
    picked = blended(pool.relevance, (stars - 1) / 4, places, K, weight)
    return np.maximum(picked - 1, 0)


def row_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) Pearson's correlation of each row of two (N, M); 0 where a row does not vary.

    >>> row_correlation(np.array([[1.0, 2.0], [1.0, 1.0]]), np.array([[2.0, 6.0], [1.0, 2.0]])).round(6).tolist()
    [1.0, 0.0]
    """
    a, b = one - one.mean(1, keepdims=True), other - other.mean(1, keepdims=True)
    lengths = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.asarray(np.where(lengths > 1e-12, (a * b).sum(1) / np.maximum(lengths, 1e-12), 0.0), np.float64)


def _followed(judge: Judge) -> list[dict[str, Any]]:
    """The followed shoppers with their pools, what is expected of each product, and its truth."""
    found = steering.followed_pools(judge.look.test, judge.look.pool)
    rows = [int(np.flatnonzero(judge.look.test.users == one["user"])[0]) for one in found]
    for one, row in zip(found, rows, strict=True):
        one["stars"] = {by: np.round(stars[row], 4).tolist() for by, stars in judge.stars.items()}
        one["utility"] = np.round(judge.truth.utility[row], 4).tolist()
        one["owned"] = judge.truth.owned[row].tolist()
    return found


# Questions


@dataclass(frozen=True)
class Artefact:
    """The shoppers who are followed, and the frontier where it is known."""

    shoppers: list[dict[str, Any]]
    frontier: list[dict[str, Any]]


def open(folder: Path, at: int | None) -> Artefact:
    """The lists at frame ``at``, or at the end; the frontier is known at the last frame only."""
    view = view_at(folder, at)
    return Artefact(view["shoppers"], view["weights"])


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One shopper's list at a weight, the truth about each of its products, and all measures there.

    ``{"by", "weight", "user", "history", "list": [{"item", "score", "was", "stars", "utility", "owned"}], "before":
    [{"item", "utility", "owned"}], "measures": {...}}``: ``score`` is the relevance, ``was`` the place in the model's
    own list ``before`` (None beyond it), ``stars`` those to expect. The weight is the nearest of the frontier's.
    """
    weight, by = steering.nearest(float(asked["weight"])), str(asked["by"])
    one = artefact.shoppers[min(int(asked["shopper"]), len(artefact.shoppers)) - 1]
    pool = Pool(np.array([one["pool"]], np.int64), np.array([one["relevance"]], np.float32))
    after = chosen(pool, np.array([one["stars"][by]], np.float64), weight)[0].tolist()
    items = [one["pool"][place] for place in after]
    was = steering.places(items, one["pool"][:K])
    return {
        "by": by,
        "weight": weight,
        "user": one["user"],
        "history": one["history"],
        "before": [_truth(one, place) for place in range(K)],
        "list": [
            {**_truth(one, place), "score": one["relevance"][place], "was": old, "stars": one["stars"][by][place]}
            for place, old in zip(after, was, strict=True)
            if one["pool"][place]
        ],
        "measures": steering.on_frontier(artefact.frontier, weight, by=by),
    }


def _truth(one: Mapping[str, Any], place: int) -> dict[str, Any]:
    return {"item": one["pool"][place], "utility": one["utility"][place], "owned": one["owned"][place]}
