"""A cascade as a whole: retrieve candidates, rank them, re-rank the best; and what each stage did to each shopper.

cascade = Cascade(retriever, ranker, candidates=100)
found = cascade.retrieve(histories)            # Listed: (N, C) products, best first, with scores
ranked = cascade.rank(histories, found)        # the same products in another order
cascade.rerank(ranked, "mmr", 0.3, k=10)       # (N, 10) products
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Holdout
from course_lib.evaluation.metrics import ndcg
from course_lib.evaluation.reranking import METHODS, relevance_of, similarity
from course_lib.models.matrix_factorization import MatrixFactorizationModel
from course_lib.models.rankers import Ranker
from course_lib.models.two_tower import TwoTowerModel
from course_lib.training.stages import rank_scores

BLOCK = 512  # shoppers at once
POOL = 50  # best ranked that re-ranking may choose from: what is far below is not relevant, however different
K = 10
TIMED = 60  # shoppers that are served one by one with a clock

Ids = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Listed:
    """Products of N shoppers, best first, with scores that never rise."""

    items: Ids  # (N, C)
    scores: NDArray[np.float32]  # (N, C)


@dataclass(frozen=True)
class Cascade:
    """The stages; ``ranker`` None leaves the order of the first."""

    retriever: TwoTowerModel
    ranker: Ranker | MatrixFactorizationModel | None
    candidates: int  # C

    def retrieve(self, histories: Histories) -> Listed:
        """The C products nearest to each history, with their log-probabilities as the next one."""
        items, scores = [], []
        for start in range(0, len(histories), BLOCK):
            block = histories.take(np.arange(start, min(start + BLOCK, len(histories))))
            best = torch.from_numpy(self.retriever.score(block)[:, 1:]).topk(self.candidates)
            items.append(best.indices.numpy() + 1)
            scores.append(best.values.numpy())
        return Listed(np.concatenate(items), np.concatenate(scores))

    def rank(self, histories: Histories, found: Listed) -> Listed:
        """The candidates in the ranker's order; equal scores keep the order that they had."""
        if self.ranker is None:
            return found
        if isinstance(self.ranker, Ranker):
            scores = rank_scores(self.ranker, histories, found.items, int(self.retriever.config.history_length))
        else:
            scores = np.empty(found.items.shape, np.float32)
            for start in range(0, len(histories), BLOCK):
                rows = np.arange(start, min(start + BLOCK, len(histories)))
                scores[rows] = np.take_along_axis(self.ranker.score(histories.take(rows)), found.items[rows], 1)
        order = np.argsort(-scores, axis=1, kind="stable")
        return Listed(np.take_along_axis(found.items, order, 1), np.take_along_axis(scores, order, 1))

    def rerank(self, ranked: Listed, method: str, diversity: float, k: int = K) -> Ids:
        """(N, k) products for each shopper, of the best ``POOL``, or k where that is more."""
        return self.rerank_all(ranked, [(method, diversity)], k)[0]

    def rerank_all(self, ranked: Listed, ways: list[tuple[str, float]], k: int = K) -> list[Ids]:
        """As :meth:`rerank` for several methods and diversities, which share the products' similarities."""
        k = min(k, self.candidates)
        vectors = self.vectors()
        lists: list[list[Ids]] = [[] for _ in ways]
        for start in range(0, len(ranked.items), BLOCK):
            rows = slice(start, start + BLOCK)
            pool = ranked.items[rows, : max(POOL, k)]
            relevance = relevance_of(ranked.scores[rows, : max(POOL, k)])
            similar = similarity(vectors, pool) if any(method in METHODS for method, _ in ways) else None
            for one, (method, diversity) in zip(lists, ways, strict=True):
                if similar is None or method not in METHODS:
                    one.append(pool[:, :k])
                else:
                    places = METHODS[method](relevance, similar, k, diversity)
                    one.append(np.take_along_axis(pool, places, 1))
        return [np.concatenate(one) for one in lists]

    def vectors(self) -> NDArray[np.float32]:
        """(V + 1, D) the retriever's product vectors at length 1: by their angle products are alike or not."""
        weights: NDArray[np.float32] = self.retriever.item.weight.detach().numpy()
        unit: NDArray[np.float32] = weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-9)
        return unit


@dataclass(frozen=True)
class Outcome:
    """What became of N held-out targets."""

    found: Listed
    ranked: Listed
    final: Ids  # (N, 10)
    targets: Ids  # (N,)

    @property
    def recalled(self) -> Values:
        """(N,) 1 where the target is a candidate."""
        return np.asarray((self.found.items == self.targets[:, None]).any(1), np.float64)

    def scores(self) -> dict[str, Values]:
        """(N,) NDCG@10 after each stage."""
        lists = {"retrieve": self.found.items, "rank": self.ranked.items, "rerank": self.final}
        return {stage: ndcg(ranks_in(one, self.targets), k=K) for stage, one in lists.items()}


def go_through(cascade: Cascade, holdout: Holdout, method: str, diversity: float) -> Outcome:
    """All stages for every target of a holdout."""
    found = cascade.retrieve(holdout.histories)
    ranked = cascade.rank(holdout.histories, found)
    return Outcome(found, ranked, cascade.rerank(ranked, method, diversity), holdout.targets.astype(np.int64))


def ranks_in(lists: Ids, targets: Ids) -> Ids:
    """(N,) rank from 0 of each target in its list (N, C), C + 10 where it is not in it: beyond any list of ten."""
    hit = lists == targets[:, None]
    return np.asarray(np.where(hit.any(1), hit.argmax(1), lists.shape[1] + K), np.int64)


def types_in(lists: Ids, kinds: NDArray[np.integer]) -> Values:
    """(N,) different product types in the first ten of each list; ``kinds`` (V,) a number for each product's type."""
    own = np.sort(kinds[lists[:, :K] - 1], axis=1)
    return np.asarray(1.0 + (own[:, 1:] != own[:, :-1]).sum(1), np.float64)


def seconds_a_shopper(cascade: Cascade, histories: Histories, method: str, diversity: float) -> dict[str, float]:
    """The median time of each stage for one shopper at a time, on this machine."""
    times: dict[str, list[float]] = {"retrieve": [], "rank": [], "rerank": []}

    def timed(stage: str, does: Callable[[], object]) -> None:
        began = time.perf_counter()
        does()
        times[stage].append(time.perf_counter() - began)

    for n in range(min(TIMED, len(histories))):
        one = histories.take(np.array([n]))
        found = cascade.retrieve(one)
        ranked = cascade.rank(one, found)
        timed("retrieve", lambda one=one: cascade.retrieve(one))  # type: ignore[misc]
        timed("rank", lambda one=one, found=found: cascade.rank(one, found))  # type: ignore[misc]
        timed("rerank", lambda ranked=ranked: cascade.rerank(ranked, method, diversity))  # type: ignore[misc]
    return {stage: round(float(np.median(some)), 7) for stage, some in times.items()}
