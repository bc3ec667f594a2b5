"""Popularity: everyone is shown what sells most. The line that any personal model has to pass.

score(i) = number of times item i was bought
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from course_lib.data.histories import Histories
from course_lib.models.base import CountedModel, Scores

TASK = "next_item"
SETTINGS: dict[str, tuple[Any, ...]] = {}


class PopularityModel(CountedModel):
    """Scores are purchase counts, the same for every shopper."""

    name = "popularity"

    @classmethod
    def fit(cls, train: Histories, num_items: int, settings: dict[str, Any], seed: int = 0) -> Self:
        """Counts each item."""
        counts = np.bincount(train.items, minlength=num_items + 1).astype(np.float32)
        return cls(num_items, settings, {"counts": counts})

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) the counts, repeated for each history."""
        scores = np.tile(self.arrays["counts"], (len(histories), 1))
        scores[:, 0] = -np.inf
        return scores
