"""Scores of new products beside those of known ones, quickly for many ways of scoring the new ones.

    standing = Standing.make(score, targets, new)            # once: what does not change
    standing.told(new_scores)                                # each time: NDCGs and the new products' share of places

Ranks are those of metrics.py: equal scores count against the target, and against a new product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.metrics import ndcg

Scores = NDArray[np.float32]
Values = NDArray[np.float64]
Score = Callable[[slice], Scores]
K = 10
BLOCK = 1024  # shoppers at once


@dataclass(frozen=True)
class Standing:
    """N shoppers' scores of known products, as far as they are needed, and which rows ask for which kind of target."""

    best: Scores  # (N, K) the highest of the known products, highest first
    warm: NDArray[np.int64]  # (W,) rows whose target is known
    own: Scores  # (W,) its score
    ahead: NDArray[np.int64]  # (W,) other known products that score at least as much
    cold: NDArray[np.int64]  # (C,) rows whose target is new
    column: NDArray[np.int64]  # (C,) which of the new ones

    @classmethod
    def make(cls, score: Score, targets: NDArray[np.integer], new: NDArray[np.bool_]) -> Standing:
        """``score`` gives (n, V') scores of the known products, in the catalogue's order, for a slice of the N rows.

        ``targets`` (N,) are item ids, ``new`` (V + 1,) says which are new.
        """
        known = ~new
        known[0] = False
        place, number = np.cumsum(known) - 1, np.cumsum(new) - 1  # columns among the known and among the new ones
        fresh = new[targets]
        best, own, ahead = [], [], []
        for start in range(0, len(targets), BLOCK):
            rows = slice(start, start + BLOCK)
            block, is_warm = score(rows), ~fresh[rows]
            best.append(-np.sort(np.partition(-block, min(K, block.shape[1]) - 1, axis=1)[:, :K], axis=1))
            mine = block[is_warm, place[targets[rows][is_warm]]]
            own.append(mine)
            ahead.append(np.count_nonzero(block[is_warm] >= mine[:, None], axis=1) - 1)
        warm, cold = np.flatnonzero(~fresh), np.flatnonzero(fresh)
        return cls(
            np.concatenate(best), warm, np.concatenate(own), np.concatenate(ahead), cold, number[targets[cold]]
        )  # fmt: skip

    def per_row(self, new: Scores) -> dict[str, Values]:
        """Each measure for each row that it is taken from; ``new`` (N, M) are the scores of the new products."""
        rank = self.ahead + np.count_nonzero(new[self.warm] >= self.own[:, None], axis=1)
        rows = new[self.cold]
        own = rows[np.arange(len(rows)), self.column]
        among = np.count_nonzero(rows >= own[:, None], axis=1) - 1
        ahead = np.count_nonzero(self.best[self.cold] >= own[:, None], axis=1)  # K at most: beyond, nothing counts
        return {
            "warm_ndcg@10": ndcg(rank, k=K),
            "cold_ndcg@10": ndcg(among + ahead, k=K),
            "cold_among_new@10": ndcg(among, k=K),
            "new_share": self.places(new) / K,
        }

    def places(self, new: Scores) -> Values:
        """(N,) how many of the first K places new products take."""
        first = -np.sort(-new, axis=1)[:, :K]
        ahead = np.count_nonzero(self.best[:, :, None] >= first[:, None, :], axis=1) + np.arange(first.shape[1])
        return np.asarray(np.count_nonzero(ahead < K, axis=1), np.float64)

    def told(self, new: Scores) -> dict[str, float]:
        """The means, for curves."""
        return {name: round(float(values.mean()), 5) for name, values in self.per_row(new).items()}

    def measures(self, new: Scores) -> dict[str, dict[str, float]]:
        """The means with their intervals by shopper."""
        return {name: bootstrap(values).to_dict() for name, values in self.per_row(new).items()}
