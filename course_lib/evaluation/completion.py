"""How well baskets are completed: NDCG@10 of what is hidden, against all products or those new to the household.

all    every product that is not shown competes, and every hidden one counts
new    products that the household has bought before neither compete nor count; households without a hidden new
       product are not asked (Li et al., A Next Basket Recommendation Reality Check, TOIS 2023: repetition is easy,
       and a mean over both hides what a model knows of the rest)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.baskets import HalfBaskets, as_matrix
from course_lib.evaluation.metrics import ndcg

K = 10
PROTOCOLS = ("all", "new")


@dataclass(frozen=True)
class Judge:
    """Hidden halves, ready to be compared with scores."""

    asked: HalfBaskets
    hidden: NDArray[np.bool_]  # (N, V + 1)
    known: NDArray[np.bool_]  # (N, V + 1) bought before

    @classmethod
    def make(cls, asked: HalfBaskets) -> Judge:
        """Of some baskets."""
        known = asked.earlier > 0
        hidden = as_matrix(asked.hidden, known.shape[1] - 1).toarray() > 0
        return cls(asked, hidden, known)

    def wanted(self, protocol: str) -> NDArray[np.bool_]:
        """(N, V + 1) what counts."""
        return self.hidden if protocol == "all" else self.hidden & ~self.known

    def rows(self, protocol: str) -> NDArray[np.int64]:
        """Who is asked."""
        return np.flatnonzero(self.wanted(protocol).any(1))

    def ndcg(self, scores: NDArray[np.floating], protocol: str) -> NDArray[np.float64]:
        """(n,) NDCG@10 of each of :meth:`rows`; ``scores`` (N, V + 1) are -inf for what is shown."""
        rows = self.rows(protocol)
        wanted = self.wanted(protocol)[rows]
        return completion_ndcg(allowed(scores[rows], self.known[rows], protocol), wanted)


def allowed(scores: NDArray[np.floating], known: NDArray[np.bool_], protocol: str) -> NDArray[np.floating]:
    """``scores`` without those that do not compete."""
    return scores if protocol == "all" else np.where(known, -np.inf, scores)


def completion_ndcg(scores: NDArray[np.floating], wanted: NDArray[np.bool_], k: int = K) -> NDArray[np.float64]:
    """(N,) NDCG@k of rows with several products to be found; equal scores in the order of the catalogue.

    >>> completion_ndcg(np.array([[-np.inf, 3.0, 2.0, 1.0]]), np.array([[False, True, False, True]]), 2).round(3)
    array([0.613])
    """
    top = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(wanted, top, 1) & np.isfinite(np.take_along_axis(scores, top, 1))
    places = np.where(hits, np.arange(top.shape[1]), -1)
    return ndcg(places, np.maximum(wanted.sum(1), 1), k)
