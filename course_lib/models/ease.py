"""EASE: every product is predicted from the others by one linear regression, solved exactly and in one step.

    minimise  |X - X B|^2 + regularisation |B|^2   with  B(j, j) = 0 for every j
    B(i, j) = -P(i, j) / P(j, j) for i != j,  P = (X^T X + regularisation I)^-1
    score(j) = sum over i in the history of B(i, j)

Shapes: X (N, V) is 1 where a shopper bought a product, X^T X and P and B are (V, V). The zero diagonal keeps a product
from predicting itself. Unlike item-kNN's similarities, the weights of all products are found together: what one of them
explains already, another need not explain again. A weight may be negative. Order does not matter here.

Steck: Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.linalg import lapack

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.models.base import CountedModel, Scores
from course_lib.models.interactions import bought

TASK = "next_item"
SETTINGS = {
    "regularisation": (100.0, 0.1, 100000.0),  # added to how many people bought a product
}
BYTES = 12  # a pair of products: 8 while the inverse is computed, 4 in the finished weights
MEMORY = 4 * 2**30  # most bytes that the fit may take
BLOCK = 1000  # columns of X^T X counted at once


class EASEModel(CountedModel):
    """A full matrix of weights between products, in closed form."""

    name = "ease"

    @classmethod
    def fit(cls, train: Histories, num_items: int, settings: dict[str, Any], seed: int = 0) -> Self:
        """One inverse of a (V, V) matrix: V^3 operations, V^2 numbers. Raises CourseError where they are too many."""
        if BYTES * num_items**2 > MEMORY:
            needed, limit = (f"{size / 2**30:.1f}" for size in (BYTES * num_items**2, MEMORY))
            most = int((MEMORY / BYTES) ** 0.5)
            raise CourseError("ease_too_large", items=f"{num_items:,}", needed=needed, limit=limit, most=f"{most:,}")
        history = bought(train, num_items)[:, 1:].tocsc()  # X, (N, V)
        inverse = np.empty((num_items, num_items), order="F")
        for start in range(0, num_items, BLOCK):
            columns = slice(start, start + BLOCK)
            inverse[:, columns] = (history.T @ history[:, columns]).toarray()  # X^T X
        inverse[np.diag_indices(num_items)] += settings["regularisation"]
        inverse, _ = lapack.dpotrf(inverse, lower=1, overwrite_a=1)  # symmetric and positive: Cholesky
        inverse, _ = lapack.dpotri(inverse, lower=1, overwrite_c=1)  # P in its lower triangle, in the same memory
        diagonal = inverse.diagonal().astype(np.float32)
        weights = np.zeros((num_items + 1, num_items + 1), np.float32)  # row and column 0 are padding
        for i in range(1, num_items):
            weights[i + 1, 1 : i + 1] = inverse[i, :i]
        del inverse
        weights += weights.T
        weights[1:, 1:] /= -diagonal
        return cls(num_items, settings, {"weights": weights})

    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) weights summed over the products of each history."""
        scores = np.asarray(bought(histories, self.num_items) @ self.arrays["weights"], np.float32)
        scores[:, 0] = -np.inf
        return scores
