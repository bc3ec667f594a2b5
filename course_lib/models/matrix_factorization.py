"""Matrix factorisation: shopper and product are vectors, and their product says how much the one wants the other.

    minimise  sum over purchases (u, i) of (1 - w_u . h_i)^2  +  unobserved_weight * sum over all u, i of (w_u . h_i)^2
              + regularisation * (sum of c_u |w_u|^2 + sum of c_i |h_i|^2)
    w_u = (sum of h_i h_i^T over u's products + unobserved_weight H^T H + regularisation c_u I)^-1  sum of h_i
    score(u, j) = w_u . h_j

c_u is the number of u's products + unobserved_weight V, c_i the number of i's shoppers + unobserved_weight N: who has
more terms in the sum is held back as much more. With the products fixed, every shopper's vector is a least-squares
solution, and the other way round: the two take turns ("alternating least squares"). H^T H is one small matrix for
everybody, so the V - c products that a shopper did not buy cost nothing.

Only H is kept. A shopper's vector is solved anew from the history when scores are asked for, so a shopper never seen
in training is served like all others. Order does not matter here.

Shapes: N shoppers, V products, F factors; W (N, F), H (V + 1, F), row 0 of H is padding and stays 0.

Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008; the regularisation's c as in
Rendle, Krichene, Zhang, Koren: Revisiting the Performance of iALS on Item Recommendation Benchmarks, RecSys 2022.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from course_lib.data.histories import Histories
from course_lib.models.base import CountedModel, Scores
from course_lib.models.interactions import bought

TASK = "next_item"
SETTINGS = {
    "factors": (64, 2, 512),  # F
    "regularisation": (0.01, 0.000001, 10.0),
    "unobserved_weight": (0.3, 0.00001, 10.0),  # of a product not bought, against 1 for one that was
    "iterations": (16, 1, 100),  # turns of shoppers and products
}
BLOCK = 4_000_000  # numbers in one block of gathered vectors: 32 MB

Vectors = NDArray[np.float64]


class MatrixFactorizationModel(CountedModel):
    """Product vectors, learned by alternating least squares; shoppers are folded in."""

    name = "matrix-factorization"

    @classmethod
    def fit(cls, train: Histories, num_items: int, settings: dict[str, Any], seed: int = 0) -> Self:
        """Begins with small random product vectors, drawn by ``seed``, and takes turns."""
        of_shopper = bought(train, num_items)  # (N, V + 1) which products a shopper has
        of_product = of_shopper.T.tocsr()  # (V + 1, N) which shoppers a product has
        factors = int(settings["factors"])
        items = np.random.default_rng(seed).normal(0, 0.1 / factors**0.5, (num_items + 1, factors))
        items[0] = 0
        for _ in range(int(settings["iterations"])):
            users = solve(of_shopper, items, num_items, settings)
            items = solve(of_product, users, len(users), settings)
        return cls(num_items, settings, {"items": items.astype(np.float32)})

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) inner products; 0 for everything where the history is empty."""
        items = self.arrays["items"]
        users = solve(bought(histories, self.num_items), items.astype(np.float64), self.num_items, self.settings)
        scores = np.asarray(users.astype(np.float32) @ items.T, np.float32)
        scores[:, 0] = -np.inf
        return scores


def solve(rows: sparse.csr_matrix, others: Vectors, count: int, settings: dict[str, Any]) -> Vectors:
    """One side's vectors (R, F), each by least squares from the other side's (C, F); ``rows`` is (R, C).

    ``count`` is how many there are on the other side, padding left out. A row without entries gets the zero vector.
    """
    weight, factors = settings["unobserved_weight"], others.shape[1]
    lengths = np.diff(rows.indptr)
    everyone = weight * others.T @ others  # (F, F) the term that all rows share
    identity = np.eye(factors)
    solved = np.zeros((rows.shape[0], factors))
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    while len(order):  # rows of similar length together, as many as fit into a block
        width = np.maximum.accumulate(lengths[order[: BLOCK // factors**2 + 1]])
        fit = np.arange(1, len(width) + 1) * np.maximum(width, factors) * factors <= BLOCK
        some, order = np.split(order, [max(1, int(fit.sum()))])
        place = np.arange(lengths[some].max())
        inside = place < lengths[some, None]  # (B, L) where a row has an entry
        entries = rows.indices[np.where(inside, rows.indptr[some, None] + place, 0)]
        own = others[entries] * inside[:, :, None]  # (B, L, F)
        scale = settings["regularisation"] * (lengths[some] + weight * count)
        left = own.transpose(0, 2, 1) @ own + everyone + scale[:, None, None] * identity  # (B, F, F)
        solved[some] = np.linalg.solve(left, own.sum(1)[:, :, None])[:, :, 0]
    return solved
