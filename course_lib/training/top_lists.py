"""The lists of whichever model was chosen: it is trained or counted, and says what it would put first for each shopper.

    learning = Learning.make(settings, num_items, train, validation, seed)
    for event in learning.go():          # step events of the loop, and {"kind": "epoch", "epoch", "last"} after each
        ...
    pool_of(learning.model.score, test.histories)        # the best hundred of each, with relevances

What is compared with NDCG's list (calibrated ones, less popular ones, more satisfying ones) is chosen from these pools.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Holdout, Score
from course_lib.evaluation.protocol import CELLS, evaluate
from course_lib.evaluation.reranking import relevance_of
from course_lib.models.base import model_class, untrained
from course_lib.models.catalogue import model_card
from course_lib.shop.recommenders import slate_of
from course_lib.training.loop import Trainer

K = 10  # places of a list
POOL = 100  # products that a list may be chosen from: what is further below is not relevant
MOST = 20_000  # shoppers that are asked, at most: the first ones
WATCHED = 1000  # validation targets that a training with patience is stopped by
BLOCK = 512


@dataclass(frozen=True)
class Pool:
    """The best products of N shoppers, best first."""

    items: NDArray[np.int64]  # (N, M), 0 where a model recommends fewer
    relevance: NDArray[np.float32]  # (N, M) scores brought to 1..0, shopper by shopper

    def take(self, rows: NDArray[np.int64]) -> Pool:
        """Some of the shoppers."""
        return Pool(self.items[rows], self.relevance[rows])


def pool_of(score: Score, histories: Histories, size: int = POOL) -> Pool:
    """The ``size`` products that ``score`` puts first after each history; all of them where there are fewer.

    Equal scores go in the order of the products; one of -inf is never recommended. Raises CourseError for scores that
    are not numbers.
    """
    items, relevance = [], []
    order = np.argsort(histories.lengths, kind="stable")  # little padding
    start, products = 0, 1
    while start < len(order):
        rows = order[start : start + max(1, min(BLOCK, CELLS // (products + 1)))]
        start += len(rows)
        scores = score(histories.take(rows))
        products = scores.shape[1] - 1
        places = slate_of(scores, size)
        own = np.take_along_axis(scores, np.maximum(places, 0) + 1, 1).astype(np.float64)
        lowest = np.where(places >= 0, own, np.inf).min(1, keepdims=True)
        own = np.where(places >= 0, own, np.where(np.isfinite(lowest), lowest, 0.0))
        items.append(places + 1)
        relevance.append(relevance_of(own))
    back = np.argsort(order, kind="stable")
    return Pool(np.concatenate(items)[back], np.concatenate(relevance)[back])


@dataclass
class Learning:
    """A model of the task next_item and how it is trained; one that counts has no trainer."""

    settings: Mapping[str, Any]
    num_items: int
    train: Histories
    validation: Holdout
    seed: int
    trainer: Trainer | None
    model: Any = None
    seconds: float = 0.0
    _best: tuple[float, Any] = field(default=(-1.0, None), repr=False)

    @classmethod
    def make(
        cls, settings: Mapping[str, Any], num_items: int, train: Histories, validation: Holdout, seed: int
    ) -> Learning:
        """``settings`` are a run's: the model's name under "model", its own and the loop's."""
        card = model_card(str(settings["model"]))
        if not card.neural:
            return cls(settings, num_items, train, validation, seed, None)
        model = untrained(card.name, num_items, {name: settings[name] for name in card.settings}, seed)
        return cls(settings, num_items, train, validation, seed, Trainer(model, train, settings, seed), model)

    @property
    def looks(self) -> int:
        """How often there is something new to look at: before training and after each epoch, or once."""
        return 1 if self.trainer is None else int(self.settings["epochs"]) + 1

    @property
    def parameters(self) -> int:
        """How many numbers the model has learned or counted."""
        return int(self.model.parameters if self.trainer is None else sum(p.numel() for p in self.model.parameters()))

    def go(self) -> Iterator[dict[str, Any]]:
        """Trains or counts; yields the loop's step events and ``{"kind": "epoch", "epoch", "last"}``, the first at 0.

        With ``patience`` it may end sooner, with the weights of its best epoch. Raises CourseError as the loop does.
        """
        if self.trainer is None:
            card = model_card(str(self.settings["model"]))
            own = {name: self.settings[name] for name in card.settings}
            began = time.perf_counter()
            self.model = model_class(card.name).fit(self.train, self.num_items, own, self.seed)
            self.seconds = time.perf_counter() - began
            yield {"kind": "epoch", "epoch": 0, "last": True}
            return
        progress, patience = self.trainer.progress, int(self.settings["patience"])
        if patience:
            self._watch()
        yield {"kind": "epoch", "epoch": 0, "last": False}
        last = False
        while not last:
            yield from (event for event in self.trainer.epoch() if event["kind"] == "step")
            self.seconds = progress.seconds
            if patience:
                self._watch()
            last = progress.epoch == int(self.settings["epochs"]) or progress.is_enough(patience)
            if last and patience:
                self.model.load_state_dict(self._best[1])
            yield {"kind": "epoch", "epoch": progress.epoch, "last": last}

    def _watch(self) -> None:
        """The validation score of the model as it is now, and its weights where none was better."""
        assert self.trainer is not None
        rows = np.sort(np.random.default_rng(0).permutation(len(self.validation))[:WATCHED])
        score = evaluate(self.model.score, self.validation.take(rows)).metrics["ndcg@10"]["value"]
        self.trainer.progress.scores.append(score)
        if score > self._best[0]:
            self._best = (score, copy.deepcopy(self.model.state_dict()))


def asked(test: Holdout) -> Holdout:
    """The test targets whose shoppers get lists: all of them, or the first MOST."""
    return test.take(np.arange(min(len(test), MOST)))
