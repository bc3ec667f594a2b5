"""What completes a basket, by counting: popularity, habit, rules, item-kNN, EASE, and EASE with habit.

For a basket S, a household that had product j in a share s_j of its earlier baskets, and counts over n baskets,
c_i of those with i and c_ij of those with both:

    popularity      c_j
    personal        s_j
    confidence      max over i in S of c_ij / c_i              the best rule i -> j (Agrawal, Imielinski & Swami, 1993)
    lift            max over i in S of n c_ij / (c_i c_j)      of pairs that LEAST baskets hold
    item-knn        sum over i in S of c_ij / (sqrt(c_i c_j) + SHRINKAGE)     (Sarwar et al., WWW 2001)
    ease            sum over i in S of B_ij                    (models/ease.py; Steck, WWW 2019)
    ease-personal   ease + weight s_j                          the weight is chosen on validation baskets

Among equals the more popular product comes first; that outweighs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from course_lib.data.baskets import as_matrix
from course_lib.data.histories import Histories
from course_lib.models.ease import EASEModel

METHODS = ("popularity", "personal", "confidence", "lift", "item-knn", "ease", "ease-personal")
WEIGHTS = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)  # of the household's habit, tried on validation baskets
LEAST = 20  # baskets with both, from which on a lift is believed
SHRINKAGE = 10.0
EASE = {"regularisation": 300.0}
TINY = 1e-7  # of popularity, among equals
FILE = "counts.safetensors"
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class BasketCounts:
    """The counts of ``n`` baskets, and EASE's weights."""

    n: int
    together: Matrix  # (V + 1, V + 1) c_ij, c_i on the diagonal
    weights: Matrix  # (V + 1, V + 1) B
    habit: float = 1.0  # weight of s_j in ease-personal

    @classmethod
    def fit(cls, baskets: Histories, num_items: int) -> BasketCounts:
        """Counts in baskets. Raises CourseError for a catalogue that is too large for EASE."""
        weights = EASEModel.fit(baskets, num_items, dict(EASE)).arrays["weights"]
        held = as_matrix(baskets, num_items)
        together = np.asarray((held.T @ held).toarray(), np.float32)
        return cls(len(baskets), together, np.asarray(weights, np.float32))

    @property
    def popularity(self) -> Matrix:
        """(V + 1,) share of the baskets that hold each product."""
        shares: Matrix = np.diagonal(self.together) / np.float32(max(self.n, 1))
        return shares

    def confidence(self) -> Matrix:
        """(V + 1, V + 1) c_ij / c_i: row i the rules from i; 0 from a product to itself."""
        return _free(self.together / np.maximum(np.diagonal(self.together), 1)[:, None])

    def lift(self) -> Matrix:
        """(V + 1, V + 1) how much likelier j is beside i than anywhere; 0 where too few baskets hold both."""
        single = np.maximum(np.diagonal(self.together), 1)
        raw = self.together / single[:, None] * (self.n / single[None, :])
        return _free(np.where(self.together >= LEAST, raw, 0))

    def cosine(self) -> Matrix:
        """(V + 1, V + 1)"""
        root = np.sqrt(np.diagonal(self.together))
        return _free(self.together / (root[:, None] * root[None, :] + np.float32(SHRINKAGE)))

    def complete(self, method: str, shown: Histories, earlier: Matrix) -> Matrix:
        """(N, V + 1) scores by one of METHODS; -inf for padding and for what is shown."""
        N, width = len(shown), len(self.together)
        base = np.float32(TINY) * self.popularity
        if method == "popularity":
            scores = np.tile(self.popularity, (N, 1))
        elif method == "personal":
            scores = earlier + base
        elif method in ("confidence", "lift"):
            table = self.confidence() if method == "confidence" else self.lift()
            scores = np.stack([table[items].max(0, initial=0) for items in shown] or [base]) + base
        else:
            held = as_matrix(shown, width - 1)
            scores = np.asarray(held @ (self.cosine() if method == "item-knn" else self.weights), np.float32) + base
            if method == "ease-personal":
                scores = scores + np.float32(self.habit) * earlier
        scores = np.array(scores, np.float32)
        scores[:, 0] = -np.inf
        scores[np.repeat(np.arange(N), shown.lengths), shown.items] = -np.inf
        return scores

    def save(self, folder: Path) -> None:
        """Writes FILE."""
        folder.mkdir(parents=True, exist_ok=True)
        more = np.array([self.n, self.habit], np.float64)
        save_file({"together": self.together, "weights": self.weights, "more": more}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> BasketCounts:
        """Reads what :meth:`save` wrote."""
        kept = load_file(folder / FILE)
        return cls(int(kept["more"][0]), kept["together"], kept["weights"], float(kept["more"][1]))


def _free(table: NDArray[np.floating]) -> Matrix:
    """Without what a product says of itself."""
    free = np.array(table, np.float32)
    np.fill_diagonal(free, 0)
    return free
