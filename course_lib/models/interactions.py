"""Histories as a sparse matrix: one row a shopper, one column a product. What the counted models count in."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from course_lib.data.histories import Histories


def bought(histories: Histories, num_items: int, recency: float = 1.0) -> sparse.csr_matrix:
    """(N, V + 1) float32, 1 where a shopper has bought the item; a product bought twice counts once.

    With ``recency`` r below 1 it is r^age: age 0 for the last purchase, 1 for the one before, and so on; of a product
    bought twice the later purchase counts.
    """
    lengths, size = histories.lengths, num_items + 1
    rows = np.repeat(np.arange(len(histories)), lengths)
    cells = rows * size + histories.items
    order = np.argsort(cells, kind="stable")  # stable: of equal cells the latest purchase comes last
    latest = np.ones(len(order), bool)
    latest[:-1] = cells[order[1:]] != cells[order[:-1]]
    kept = order[latest]
    age = np.repeat(histories.offsets[1:], lengths)[kept] - 1 - kept
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=len(histories)))])
    weight = np.power(recency, age, dtype=np.float64).astype(np.float32)
    return sparse.csr_matrix((weight, histories.items[kept], starts), shape=(len(histories), size))


def times_bought(histories: Histories, num_items: int) -> sparse.csr_matrix:
    """(N, V + 1) float32, how often a shopper has bought the item."""
    ones = np.ones(len(histories.items), np.float32)
    parts = (ones, histories.items.copy(), histories.offsets.copy())  # sum_duplicates works in place
    matrix = sparse.csr_matrix(parts, shape=(len(histories), num_items + 1))
    matrix.sum_duplicates()
    return matrix
