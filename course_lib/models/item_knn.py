"""Item-kNN: products bought by the same people are similar; recommend what is similar to the history.

    similarity(i, j) = people who bought both / (sqrt(people who bought i) sqrt(people who bought j) + shrinkage)
    score(j)         = sum over i in the history of recency^age(i) * similarity(i, j),
                       the `neighbours` most similar j of each i; age(i) = purchases made after i

Sarwar, Karypis, Konstan, Riedl: Item-Based Collaborative Filtering Recommendation Algorithms, WWW 2001.
At recency 1, the default, the order of the history does not matter: that is what the lesson compares. Below 1, older
purchases count for less, as in Ding & Li: Time Weight Collaborative Filtering, CIKM 2005, who weigh by days.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from course_lib.data.histories import Histories
from course_lib.models.base import CountedModel, Scores
from course_lib.models.interactions import bought

TASK = "next_item"
SETTINGS = {
    "neighbours": (100, 1, 1000),  # most similar items kept for each item
    "shrinkage": (10.0, 0.0, 1000.0),  # damps similarities that rest on few people
    "recency": (1.0, 0.01, 1.0),  # weight of a purchase against the one after it
}


class ItemKNNModel(CountedModel):
    """Cosine similarity of items over shoppers, summed over the history."""

    name = "item-knn"

    @classmethod
    def fit(cls, train: Histories, num_items: int, settings: dict[str, Any], seed: int = 0) -> Self:
        """Counts pairs with one sparse product; similarities below the largest ``neighbours`` of a row are dropped."""
        history = bought(train, num_items)  # (N, V + 1) 0/1
        together = (history.T @ history).tocsr()  # (V + 1, V + 1)
        norm = np.sqrt(together.diagonal())
        together.setdiag(0)
        together.eliminate_zeros()
        pairs = together.tocoo()
        weight = pairs.data / (norm[pairs.row] * norm[pairs.col] + settings["shrinkage"])
        # Keep the largest of each row: sort by row, then by falling weight, and cut.
        order = np.lexsort((pairs.col, -weight, pairs.row))
        row, column, weight = pairs.row[order], pairs.col[order], weight[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        kept = place < settings["neighbours"]
        similarity = sparse.csr_matrix((weight[kept], (row[kept], column[kept])), shape=together.shape)
        similarity.sort_indices()
        return cls(
            num_items,
            settings,
            {
                "data": similarity.data.astype(np.float32),
                "indices": similarity.indices.astype(np.int32),
                "indptr": similarity.indptr.astype(np.int32),
            },
        )

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) similarities summed over the products of each history, the older the less."""
        size = self.num_items + 1
        parts = (self.arrays["data"], self.arrays["indices"], self.arrays["indptr"])
        history = bought(histories, self.num_items, self.settings["recency"])
        scores = (history @ sparse.csr_matrix(parts, shape=(size, size))).toarray()
        scores[:, 0] = -np.inf
        return np.asarray(scores, np.float32)
