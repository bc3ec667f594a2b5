"""Re-ranking: a list in which the next product is not just like those above it. MMR and a determinantal point process.

    mmr(relevance, similar, k, diversity)     # (B, M), (B, M, M) -> (B, k) places in the pool, first one first
    dpp(relevance, similar, k, diversity)

Both build the list one place at a time. S is what is chosen so far, r a product's relevance, d the diversity in 0..1:

    MMR   next = argmax over i of (1 - d) r_i - d max over j in S of s_ij
          Carbonell & Goldstein, The Use of MMR, Diversity-Based Reranking, SIGIR 1998
    DPP   next = argmax over i of (1 - d) r_i + d (log det L_(S + i) - log det L_S)
          Chen, Zhang & Zhou, Fast Greedy MAP Inference for Determinantal Point Process, NeurIPS 2018

MMR looks at the one most similar product, the determinant at all of them at once: it is the squared volume that their
vectors span. The difference of the log-determinants is log d_i^2, the part of i's vector that none of S explains; it
follows from the place before by one step of a Cholesky decomposition, so no determinant is ever computed. With d = 0
both keep the order that they are given, in which relevance must not rise.

Shapes: B lists, M products in the pool, k places.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Rerank = Callable[[Floats, Floats, int, float], Places]
LEAST = 1e-6  # of a squared volume: products with equal vectors have none, and its logarithm must stay a number


def mmr(relevance: Floats, similar: Floats, k: int, diversity: float) -> Places:
    """(B, k) places of the pool by maximal marginal relevance; see the module's docstring."""
    rows = np.arange(len(relevance))
    own = (1 - diversity) * relevance
    chosen = np.empty((len(rows), min(k, relevance.shape[1])), np.int64)
    closest = np.zeros_like(relevance)  # nothing is chosen, so nothing is close
    for place in range(chosen.shape[1]):
        gain = own - diversity * closest
        if place:
            np.put_along_axis(gain, chosen[:, :place], -np.inf, 1)
        chosen[:, place] = gain.argmax(1)
        near = similar[rows, chosen[:, place]]
        closest = np.maximum(closest, near) if place else near.copy()
    return chosen


def dpp(relevance: Floats, similar: Floats, k: int, diversity: float) -> Places:
    """(B, k) places of the pool by greedy MAP; ``similar`` must be positive semi-definite with ones on its diagonal."""
    B, M = relevance.shape
    rows = np.arange(B)
    own = (1 - diversity) * relevance
    chosen = np.empty((B, min(k, M)), np.int64)
    columns = np.empty((B, chosen.shape[1], M), np.float32)  # of the Cholesky factor, one a place
    left = np.ones((B, M), np.float32)  # d_i^2
    for place in range(chosen.shape[1]):
        gain = own + diversity * np.log(np.maximum(left, LEAST))
        if place:
            np.put_along_axis(gain, chosen[:, :place], -np.inf, 1)
        best = gain.argmax(1)
        chosen[:, place] = best
        before = columns[:, :place]
        known = (before[rows, :, best][:, None] @ before)[:, 0]  # (B, M)
        columns[:, place] = (similar[rows, best] - known) / np.sqrt(np.maximum(left[rows, best], LEAST))[:, None]
        left = left - columns[:, place] ** 2
    return chosen


METHODS: dict[str, Rerank] = {"mmr": mmr, "dpp": dpp}


def relevance_of(scores: NDArray[np.floating]) -> Floats:
    """(B, M) scores, best first, brought to 1..0: they are weighed against cosines, which have no unit."""
    top, bottom = scores[:, :1], scores[:, -1:]
    return np.asarray((scores - bottom) / np.maximum(top - bottom, 1e-9), np.float32)


def similarity(vectors: Floats, pool: Places) -> Floats:
    """(B, M, M) of the pool's products (B, M), rows of unit ``vectors``: (1 + cosine) / 2, never negative."""
    of = vectors[pool]
    return np.asarray((1 + of @ of.transpose(0, 2, 1)) / 2, np.float32)
