"""First-order Markov chain: what is bought right after the last product.

    score(j) = (count(i then j) + blend * popularity(j)) / (count(i then anything) + blend),   i = the last product

The blend stands in for pairs never seen; it is a Dirichlet prior of that weight at the popularity distribution.
Rendle, Freudenthaler, Schmidt-Thieme: Factorizing Personalized Markov Chains, WWW 2010, starts from this chain.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from course_lib.data.histories import Histories
from course_lib.models.base import CountedModel, Scores

TASK = "next_item"
SETTINGS = {
    "blend": (10.0, 0.001, 10000.0),  # weight of popularity, in observed transitions
}


class MarkovModel(CountedModel):
    """Transition counts between consecutive products, smoothed by popularity."""

    name = "markov"

    @classmethod
    def fit(cls, train: Histories, num_items: int, settings: dict[str, Any], seed: int = 0) -> Self:
        """Counts each pair of neighbours in the histories."""
        size = num_items + 1
        inside = np.ones(max(len(train.items) - 1, 0), bool)
        ends = train.offsets[1:-1]
        inside[ends[(ends > 0) & (ends < len(train.items))] - 1] = False  # no pair across two shoppers
        pairs = (train.items[:-1][inside], train.items[1:][inside])
        counts = sparse.csr_matrix(
            (
                np.ones(len(pairs[0]), np.float32),
                pairs,
            ),
            shape=(size, size),
        )
        counts.sum_duplicates()
        popularity = np.bincount(train.items, minlength=size).astype(np.float32)
        return cls(
            num_items,
            settings,
            {
                "data": counts.data,
                "indices": counts.indices.astype(np.int32),
                "indptr": counts.indptr.astype(np.int32),
                "popularity": popularity / max(popularity.sum(), 1.0),
            },
        )

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) the smoothed probability of each next product; popularity where the history is empty."""
        size, blend = self.num_items + 1, self.settings["blend"]
        parts = (self.arrays["data"], self.arrays["indices"], self.arrays["indptr"])
        counts = sparse.csr_matrix(parts, shape=(size, size))
        last = histories.padded(1)[:, 0]  # 0, never a row with counts, where the history is empty
        rows = counts[last]
        total = np.asarray(rows.sum(1)).reshape(-1, 1)
        scores = (rows.toarray() + blend * self.arrays["popularity"]) / (total + blend)
        scores[:, 0] = -np.inf
        return np.asarray(scores, np.float32)
