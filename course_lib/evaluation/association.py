"""Association rules between two products: support, confidence, lift, and lift among baskets of like size.

With n baskets, c_i of them with product i, and c_ij with both i and j:

    support(i, j)     = c_ij / n
    confidence(i, j)  = c_ij / c_i                the share of the baskets with i that hold j too
    lift(i, j)        = n c_ij / (c_i c_j)        how much more often than if i and j were unrelated
    adjusted(i, j)    = c_ij / E_ij

Agrawal, Imielinski & Swami, Mining Association Rules between Sets of Items in Large Databases, SIGMOD 1993; lift as
"interest": Brin, Motwani, Ullman & Tsur, Dynamic Itemset Counting, SIGMOD 1997.

Lift takes baskets for equal. A basket of sixty products holds nearly everything, so any two products meet in it more
often than c_i c_j / n says. Put baskets of like size into strata s. If the places of a stratum's baskets, n_b in
basket b, were filled by nothing but how often each product is bought in it, one would expect

    E_ij = sum over s of c_i^s c_j^s sum_b n_b (n_b - 1) / (sum_b n_b)^2
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.baskets import Baskets, Ids, as_matrix
from course_lib.data.histories import Histories
from course_lib.errors import CourseError

EDGES = (2, 3, 4, 5, 7, 10, 15, 23, 36, 60)  # the smallest basket of each stratum but the first
MOST_PRODUCTS = 6_000  # tables of all pairs: 144 MB each
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class PairCounts:
    """Counts of some baskets. Row and column 0 are padding."""

    n: int
    together: Matrix  # (V + 1, V + 1) c_ij, c_i on the diagonal
    by_size: Matrix  # (S, V + 1) c_i^s
    meeting: Matrix  # (S,) sum n_b (n_b - 1) / (sum n_b)^2 of each stratum

    @classmethod
    def of(cls, baskets: Histories, num_items: int) -> PairCounts:
        """Raises CourseError for a catalogue of more than MOST_PRODUCTS."""
        if num_items > MOST_PRODUCTS:
            raise CourseError("too_many_pairs", products=f"{num_items:,}", most=f"{MOST_PRODUCTS:,}")
        held = as_matrix(baskets, num_items)
        sizes = np.asarray(held.sum(1)).ravel()
        stratum = np.searchsorted(EDGES, sizes, side="right")
        by_size, meeting = [], []
        for number in range(len(EDGES) + 1):
            own = np.flatnonzero(stratum == number)
            by_size.append(np.asarray(held[own].sum(0)).ravel())
            meeting.append((sizes[own] * (sizes[own] - 1)).sum() / max(float(sizes[own].sum()), 1.0) ** 2)
        together = np.asarray((held.T @ held).toarray(), np.float32)
        return cls(len(baskets), together, np.array(by_size, np.float32), np.array(meeting, np.float32))

    @property
    def single(self) -> Matrix:
        """(V + 1,) c_i."""
        return np.asarray(np.diagonal(self.together), np.float32)

    def support(self) -> Matrix:
        """(V + 1, V + 1), 0 on the diagonal as in all tables here."""
        return _off_diagonal(self.together / np.float32(max(self.n, 1)))

    def confidence(self) -> Matrix:
        """(V + 1, V + 1) row i holds the rules from i."""
        return _off_diagonal(self.together / np.maximum(self.single, 1)[:, None])

    def lift(self) -> Matrix:
        """(V + 1, V + 1)"""
        return _off_diagonal(self.together / np.maximum(self.expected_of_equals(), 1e-12))

    def adjusted(self) -> Matrix:
        """(V + 1, V + 1)"""
        return _off_diagonal(self.together / np.maximum(self.expected(), 1e-12))

    def expected_of_equals(self) -> Matrix:
        """(V + 1, V + 1) c_i c_j / n, what lift divides by."""
        return np.asarray(self.single[:, None] * (self.single / np.float32(max(self.n, 1)))[None, :], np.float32)

    def expected(self) -> Matrix:
        """(V + 1, V + 1) E_ij."""
        return np.asarray((self.by_size * self.meeting[:, None]).T @ self.by_size, np.float32)

    def of_unrelated(self) -> float:
        """The lift of two unrelated products in baskets of these sizes: n sum n_b (n_b - 1) / (sum n_b)^2."""
        places = self.by_size.sum(1, dtype=np.float64)
        pairs = (self.meeting * places**2).sum()
        return float(self.n * pairs / max(places.sum() ** 2, 1.0))


def shuffled(baskets: Histories, rng: np.random.Generator) -> Histories:
    """Baskets of the same sizes, filled with the same lines in another order, so that nothing goes with anything.

    What comes into a basket twice counts once there.
    """
    return Histories(rng.permutation(baskets.items), baskets.offsets)


def frequent_pairs(counts: PairCounts, least: float) -> tuple[Ids, Ids]:
    """Pairs i < j of which a count of ``least`` would be expected: those of which enough is known to judge them."""
    one, other = np.nonzero(np.triu(counts.expected() >= least, 1))
    return one.astype(np.int64), other.astype(np.int64)


def by_time(baskets: Baskets, times: Ids, share: float) -> tuple[Ids, Ids]:
    """Rows of the baskets with two products or more before and from the moment when ``share`` of them are over."""
    rows = np.flatnonzero(baskets.sizes >= 2)
    order = rows[np.argsort(times[rows], kind="stable")]
    cut = int(len(order) * share)
    return order[:cut], order[cut:]


def _off_diagonal(table: NDArray[np.floating]) -> Matrix:
    free = np.array(table, np.float32)
    np.fill_diagonal(free, 0)
    free[0], free[:, 0] = 0, 0
    return free
