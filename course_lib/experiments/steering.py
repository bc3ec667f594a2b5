"""What experiments share that steer a model's lists by a weight: learn it, look after each epoch, answer at any weight.

The frontier is computed for the weights 0, 0.05, ..., 1 when the run ends, on all shoppers who are asked; a question is
answered at the nearest of them, at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.dataset import Dataset
from course_lib.data.histories import Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.metrics import ndcg
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, plan
from course_lib.explain.followed import shoppers_to_follow
from course_lib.models.catalogue import model_card
from course_lib.training.cascade import ranks_in
from course_lib.training.top_lists import K, Learning, Pool, asked, pool_of

WEIGHTS = tuple(n / 20 for n in range(21))
LOOKED = 2000  # shoppers that a frame on the way is measured on; the last one is measured on all
HISTORY = 20  # purchases of a followed shopper that are shown
NORMAL = 1.959963985  # of a 95% interval


def nearest(weight: float) -> float:
    """The weight of the frontier that is nearest.

    >>> nearest(0.31)
    0.3
    """
    return min(WEIGHTS, key=lambda one: abs(one - weight))


def looks(settings: Mapping[str, Any]) -> int:
    """How many frames a run of these settings has, known before anything is loaded."""
    return int(settings["epochs"]) + 1 if model_card(str(settings["model"])).neural else 1


@dataclass(frozen=True)
class Look:
    """A model at one moment, and the shoppers who are asked then."""

    at: int  # the frame's number
    epoch: int
    last: bool
    test: Holdout
    pool: Pool
    rows: NDArray[np.int64]  # (N,) of the shoppers among all who are asked


@dataclass(frozen=True)
class Course:
    """A run's data and its model."""

    dataset: Dataset
    test: Holdout  # all who are asked
    learning: Learning

    @classmethod
    def make(cls, config: RunConfig, dataset: Dataset) -> Course:
        """Raises CourseError where the dataset cannot be split, or has fewer products than a list has places."""
        if dataset.num_items < K:
            raise CourseError("too_few_products", name=dataset.address.name, products=dataset.num_items, fewest=K)
        split = leave_one_out(dataset)
        learning = Learning.make(config.settings, dataset.num_items, split.train, split.validation, config.seed)
        return cls(dataset, asked(split.test), learning)

    def go(self) -> Iterator[Event | Look]:
        """The model's training: events to tell, and a :class:`Look` for each frame."""
        learning, frames = self.learning, self.learning.looks
        some = np.arange(min(len(self.test), LOOKED))  # the first ones: those that are followed are among them
        everybody = np.arange(len(self.test))
        if learning.trainer is not None:
            yield plan(step=learning.trainer.steps, frame=frames)
        at = 0
        for event in learning.go():
            if event["kind"] == "step":
                yield event
                continue
            if event["last"] and at + 1 < frames and learning.trainer is not None:  # enough: patience was over
                yield plan(step=learning.trainer.progress.step, frame=at + 1)
            rows = everybody if event["last"] else some
            test = self.test.take(rows)
            pool = pool_of(learning.model.score, test.histories)
            yield Look(at, int(event["epoch"]), bool(event["last"]), test, pool, rows)
            at += 1


def ndcg_of(lists: NDArray[np.int64], targets: NDArray[np.integer]) -> NDArray[np.float64]:
    """(N,) NDCG of each list, (N, K), with one product to be found.

    A list has an order, also where a model gave equal scores: then the products' own. next_item counts equal scores
    against the target instead, so that a model with many of them scores a little lower there.
    """
    return ndcg(ranks_in(lists, targets.astype(np.int64)), k=lists.shape[1])


def estimate(values: NDArray[np.floating]) -> dict[str, float]:
    """The mean of (N,) with its 95% interval by the normal distribution, for frontiers: many shoppers, many weights."""
    numbers = np.asarray(values, np.float64)
    mean = float(numbers.mean())
    half = NORMAL * float(numbers.std(ddof=1)) / math.sqrt(len(numbers)) if len(numbers) > 1 else 0.0
    return {"value": round(mean, 6), "low": round(mean - half, 6), "high": round(mean + half, 6)}


def followed_pools(test: Holdout, pool: Pool) -> list[dict[str, Any]]:
    """``[{"user", "history", "target", "pool", "relevance"}]`` of the five shoppers that are followed.

    ``test`` and ``pool`` are of the same shoppers; ``history`` is its last HISTORY purchases.
    """
    return [
        {
            "user": int(test.users[n]),
            "history": test.histories[n][-HISTORY:].tolist(),
            "target": int(test.targets[n]),
            "pool": pool.items[n].tolist(),
            "relevance": [round(float(one), 5) for one in pool.relevance[n]],
        }
        for n in shoppers_to_follow(test)
    ]


def on_frontier(frontier: Sequence[Mapping[str, Any]], weight: float, **chosen: str) -> dict[str, Any]:
    """The measures of the frontier's row at ``weight`` with the ``chosen`` way; none before the frontier is known."""
    for row in frontier:
        if row["weight"] == weight and all(row[name] == value for name, value in chosen.items()):
            return dict(row["measures"])
    return {}


def places(lists: Sequence[int], before: Sequence[int]) -> list[int | None]:
    """From which place (from 1) each product of a list has come; None from beyond the list before."""
    was = {item: place for place, item in enumerate(before, 1)}
    return [was.get(item) for item in lists]
