"""Personal frequency: what a shopper has bought most often. The line to pass where people buy the same things again.

    score(j) = times the shopper has bought j + place(j),   place(j) between 0 and 1, the higher the more j sells

The place of a product among all products orders those bought equally often, and what was never bought stands behind,
most popular first; it never outweighs a purchase.

Li, Jullien, Ariannezhad, de Rijke: A Next Basket Recommendation Reality Check, ACM TOIS 2023, found such counting
(there GP-TopFreq) hard to beat on grocery baskets.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from course_lib.data.histories import Histories
from course_lib.models.base import CountedModel, Scores
from course_lib.models.interactions import times_bought

TASK = "next_item"
SETTINGS: dict[str, tuple[Any, ...]] = {}


class PersonalFrequencyModel(CountedModel):
    """Scores are the shopper's own purchase counts; popularity decides among equals."""

    name = "personal-frequency"

    @classmethod
    def fit(cls, train: Histories, num_items: int, settings: dict[str, Any], seed: int = 0) -> Self:
        """Counts each item and orders the counts; equally popular products share a place."""
        counts = np.bincount(train.items, minlength=num_items + 1)
        _, place = np.unique(counts, return_inverse=True)  # 0, 1, 2, ... from the least popular up
        return cls(num_items, settings, {"place": (place / (num_items + 2)).astype(np.float32)})

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) how often each shopper bought each product, plus the product's place."""
        scores = times_bought(histories, self.num_items).toarray()
        scores += self.arrays["place"]
        scores[:, 0] = -np.inf
        return np.asarray(scores, np.float32)
