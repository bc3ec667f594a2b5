"""Products as vectors by who is bought near whom, for a catalogue without words: counts, then a truncated SVD.

    N_ij = sum over training histories and places s != t, |s - t| <= REACH, of 1 / |s - t|, item i at s and j at t
    M_ij = max(0, log(N_ij * N / (N_i * N_j)))          positive pointwise mutual information
    M ~ U S U^T,  vector of item i = U_i S^(1/2)         the DIMENSIONS largest singular values

After Levy & Goldberg, Neural Word Embedding as Implicit Matrix Factorization, NIPS 2014. Only training histories count:
a held-out purchase beside its history would give the answer away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import eigsh
from threadpoolctl import threadpool_limits

from course_lib.data.histories import Histories

REACH = 5  # places
DIMENSIONS = 64


def behaviour_vectors(train: Histories, num_items: int) -> NDArray[np.float32]:
    """(V, at most DIMENSIONS) vectors of length 1, row ``i - 1`` for item ``i``; zeros where training has no pair."""
    counts = neighbours(train, num_items)
    of_item = np.asarray(counts.sum(axis=1)).ravel()
    counts.data = np.log(counts.data * of_item.sum() / (of_item[counts.row] * of_item[counts.col]))
    counts.data = np.maximum(counts.data, 0.0)
    axes = min(DIMENSIONS, num_items - 1)
    with threadpool_limits(1):  # sums of another number of threads differ in the last digit, and runs then in more
        begin = np.random.default_rng(0).standard_normal(num_items)  # ARPACK's own would differ each time
        values, vectors = eigsh(counts.tocsr(), k=axes, which="LA", v0=begin)
    found = vectors * np.sqrt(np.maximum(values, 0.0))
    found[of_item == 0] = 0.0  # what is left of rounding there has no direction
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def neighbours(train: Histories, num_items: int) -> sparse.coo_array:
    """(V, V) symmetric counts N of products within REACH places of each other, item ``i`` in row ``i - 1``."""
    shopper = np.repeat(np.arange(len(train)), train.lengths)
    left, right, weight = [], [], []
    for gap in range(1, REACH + 1):
        same = shopper[:-gap] == shopper[gap:]
        one, other = train.items[:-gap][same], train.items[gap:][same]
        left += [one, other]
        right += [other, one]
        weight.append(np.full(2 * len(one), 1.0 / gap))
    pairs = (np.concatenate(left).astype(np.int64) - 1, np.concatenate(right).astype(np.int64) - 1)
    counts = sparse.coo_array((np.concatenate(weight), pairs), shape=(num_items, num_items))
    counts.sum_duplicates()
    return counts
