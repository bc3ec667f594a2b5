"""One way to evaluate for every model: score all products after each history, rank the target among them, count.

    evaluation = evaluate(model.score, split.test)
    evaluation.metrics["ndcg@10"]   # {"value": 0.31, "low": 0.29, "high": 0.33}

Full ranking: the target competes with every product of the shop, also those already bought (people buy milk again).
Where nothing comes twice, as with films, ``evaluate(unseen(model.score), ...)`` leaves out the history's own products.
Whoever wants to exclude others gives them -inf in ``score``. No sampled candidates: they reorder models
(Krichene & Rendle, On Sampled Metrics for Item Recommendation, KDD 2020).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Holdout, Score
from course_lib.evaluation.intervals import bootstrap_counts
from course_lib.evaluation.metrics import all_metrics, rank_of_target

CELLS = 2**24  # scores that exist at any time, 64 MiB: fewer rows at once where there are more than 32,000 products


@dataclass(frozen=True)
class Evaluation:
    """What a model scored on a holdout of N targets."""

    metrics: dict[str, dict[str, float]]  # "ndcg@10" -> {"value", "low", "high"}: mean and 95% interval over shoppers
    ranks: NDArray[np.int64]  # (N,) rank of each target, 0 is the top; in the holdout's order
    scores: NDArray[np.float64]  # (N,) what the model gave each target: a log-probability where it is one
    seconds: float  # scoring and ranking
    k: int

    def per_row(self) -> dict[str, NDArray[np.float64]]:
        """Every metric's value for each target, (N,) each; for paired differences between models."""
        return all_metrics(self.ranks, k=self.k)


def evaluate(score: Score, holdout: Holdout, batch: int = 512, k: int = 10, seed: int = 0) -> Evaluation:
    """Rank every target of ``holdout`` among all products.

    At most ``batch`` rows of scores exist at any time, fewer where a row is so long that they would be over CELLS.
    Histories are scored in order of length, so that a model that pads to the longest of a batch pads little.
    ``seed`` draws the bootstrap's resamples. Raises ValueError for an empty holdout or scores of a wrong shape,
    CourseError for scores that are not numbers.
    """
    if not len(holdout):
        raise ValueError("the holdout has no targets")
    began = time.perf_counter()
    order = np.argsort(holdout.histories.lengths, kind="stable")
    ranks, of_targets = np.empty(len(holdout), np.int64), np.empty(len(holdout))
    products = int(holdout.targets.max())  # as far as is known before the first scores
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, min(batch, CELLS // (products + 1)))]
        start += len(rows)
        scores = score(holdout.histories.take(rows))
        if scores.ndim != 2 or len(scores) != len(rows):
            raise ValueError(f"score returned {scores.shape} for {len(rows)} histories; expected ({len(rows)}, V + 1)")
        ranks[rows] = rank_of_target(scores, holdout.targets[rows])
        of_targets[rows] = scores[np.arange(len(rows)), holdout.targets[rows]]
        products = scores.shape[1] - 1
        del scores  # before the next batch is made, or two exist at once
    seconds = time.perf_counter() - began
    return Evaluation(summarise(ranks, k, seed), ranks, of_targets, seconds, k)


def unseen(score: Score) -> Score:
    """``score`` with -inf for every product of the history: the protocol "seen items removed" of film benchmarks.

    A target that the shopper has bought before can then not be found: it takes the last place.
    """

    def scores_of_the_rest(histories: Histories) -> NDArray[np.floating]:
        scores = np.array(score(histories))  # a copy: what the model returned is its own
        scores[np.repeat(np.arange(len(histories)), histories.lengths), histories.items] = -np.inf
        return scores

    return scores_of_the_rest


def summarise(ranks: NDArray[np.int64], k: int = 10, seed: int = 0) -> dict[str, dict[str, float]]:
    """Mean and interval of every metric from single-target ranks (N,): ``{"ndcg@10": {"value", "low", "high"}, ...}``.

    Ranks from k on are all the same to every metric, so there are k + 1 outcomes to resample.

    >>> summarise(np.array([0, 0, 0]))["hr@10"]
    {'value': 1.0, 'low': 1.0, 'high': 1.0}
    """
    counts = np.bincount(np.minimum(ranks, k), minlength=k + 1)
    outcomes = all_metrics(np.arange(k + 1), k=k)
    return {name: interval.to_dict() for name, interval in bootstrap_counts(outcomes, counts, seed=seed).items()}
