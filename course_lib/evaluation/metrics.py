"""Metrics of a ranked list, from the ranks of the relevant products. Full ranking: every product competes.

    ranks = rank_of_target(scores, targets)        # scores (N, V + 1), targets (N,) -> ranks (N,)
    values = all_metrics(ranks, k=10)["ndcg@10"]   # (N,) one number a row; the mean is the metric

Ranks count from 0: the product at the top of the list has rank 0. Two forms, everywhere:

- one relevant product a row: ``ranks`` is (N,);
- several: ``ranks`` is (N, R), -1 fills rows with fewer than R known ranks, and ``relevant`` (N,) says how many
  relevant products a row has (the number of known ranks unless given: give it where some were never ranked).

Where scores are equal, the target is placed last among its equals: a model that cannot tell products apart gets no
credit for luck, and a model that gives everything one score gets nothing.

Every function returns (N,) float64. Legend: N rows, R relevant products, V products, K list length.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.errors import CourseError

Ranks = NDArray[np.int64]
Values = NDArray[np.float64]
CHUNK = 256  # rows compared at once: the mask stays in cache


def _comparable(scores: NDArray[np.floating], rows: slice) -> NDArray[np.floating]:
    """Rows of scores without the padding column; raises CourseError for a score that is not a number."""
    block = scores[rows, 1:]
    if np.isnan(block.max(axis=1, initial=-np.inf)).any():  # the maximum of a row with a NaN is NaN
        raise CourseError("scores_not_numbers")
    return block


def rank_of_target(scores: NDArray[np.floating], targets: ArrayLike) -> Ranks:
    """(N,) rank of ``targets[n]`` (item ids 1..V) among the V products of ``scores`` (N, V + 1); column 0 is ignored.

    Equal scores count against the target. Raises CourseError where a score is NaN, ValueError for wrong shapes or ids.

    >>> rank_of_target(np.array([[9.0, 0.1, 0.7, 0.2]]), [3])  # product 2 is ahead; padding's 9.0 is not a product
    array([1])
    >>> rank_of_target(np.zeros((1, 4)), [1])  # all equal: last of the three
    array([2])
    """
    wanted = np.asarray(targets)
    if scores.ndim != 2 or wanted.shape != scores.shape[:1]:
        raise ValueError(f"scores {scores.shape} and targets {wanted.shape}; expected (N, V + 1) and (N,)")
    if len(wanted) and (wanted.min() < 1 or wanted.max() >= scores.shape[1]):
        raise ValueError(f"targets lie in {wanted.min()}..{wanted.max()}; expected 1..{scores.shape[1] - 1}")
    ranks = np.empty(len(wanted), np.int64)
    for start in range(0, len(wanted), CHUNK):
        rows = slice(start, start + CHUNK)
        block = _comparable(scores, rows)
        own = np.take_along_axis(block, wanted[rows, None] - 1, axis=1)  # (n, 1)
        ranks[rows] = np.count_nonzero(block >= own, axis=1) - 1  # the target itself is one of them
    return ranks


def ranks_of_targets(scores: NDArray[np.floating], targets: ArrayLike) -> Ranks:
    """(N, R) ranks of several relevant products a row; ``targets`` is (N, R), 0 where a row has fewer, answered by -1.

    Relevant products with equal scores keep their order in ``targets``; other equals come before them.

    >>> ranks_of_targets(np.array([[0.0, 0.1, 0.7, 0.2], [0.0, 0.5, 0.5, 0.5]]), [[3, 2], [3, 0]])
    array([[ 1,  0],
           [ 2, -1]])
    """
    wanted = np.asarray(targets)
    if scores.ndim != 2 or wanted.ndim != 2 or len(wanted) != len(scores):
        raise ValueError(f"scores {scores.shape} and targets {wanted.shape}; expected (N, V + 1) and (N, R)")
    if wanted.size and (wanted.min() < 0 or wanted.max() >= scores.shape[1]):
        raise ValueError(f"targets lie in {wanted.min()}..{wanted.max()}; expected 0..{scores.shape[1] - 1}")
    ordered = np.sort(wanted, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)).any():
        raise ValueError("a row names a relevant product twice")
    ranks = np.full(wanted.shape, -1, np.int64)
    for start in range(0, len(wanted), CHUNK):
        rows = slice(start, start + CHUNK)
        block, want = _comparable(scores, rows), wanted[rows]
        real = want > 0
        own = np.take_along_axis(block, np.maximum(want - 1, 0), axis=1)  # (n, R)
        for column in range(wanted.shape[1]):
            mine = own[:, column, None]
            ahead = np.count_nonzero(block >= mine, axis=1)
            behind = real & (own == mine) & (np.arange(wanted.shape[1]) >= column)  # equals listed after it, and itself
            ranks[rows, column] = np.where(real[:, column], ahead - behind.sum(axis=1), -1)
    return ranks


def _hits(ranks: ArrayLike, relevant: ArrayLike | None, k: int) -> tuple[Ranks, NDArray[np.bool_], NDArray[np.int64]]:
    """Ranks as (N, R), which of them are in the first k, and the number of relevant products (N,)."""
    if k < 1:
        raise ValueError(f"k is {k}; a list has at least one place")
    table = np.asarray(ranks, np.int64)
    table = table[:, None] if table.ndim == 1 else table
    known = np.count_nonzero(table >= 0, axis=1)
    total = known if relevant is None else np.asarray(relevant, np.int64)
    if total.shape != known.shape:
        raise ValueError(f"relevant is {total.shape}; expected {known.shape}, one number a row")
    if len(total) and ((total < 1) | (total < known)).any():
        raise ValueError("every row needs at least one relevant product, and no fewer than it has ranks")
    return table, (table >= 0) & (table < k), total


def hit_rate(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> Values:
    """HR@k: 1 if any relevant product is among the first k, else 0. Source: Deshpande & Karypis, TOIS 2004.

    >>> hit_rate([0, 9, 10])
    array([1., 1., 0.])
    """
    _, hits, _ = _hits(ranks, relevant, k)
    return np.asarray(hits.any(axis=1), np.float64)


def ndcg(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> Values:
    r"""NDCG@k = DCG / IDCG, DCG = sum over hits of 1 / log2(rank + 2), IDCG the same with all relevant products on top.

    Source: Järvelin & Kekäläinen, Cumulated gain-based evaluation of IR techniques, TOIS 2002; binary gains.

    >>> ndcg([0, 2, 10])  # 1 / log2(2), 1 / log2(4), not in the list
    array([1. , 0.5, 0. ])
    """
    table, hits, total = _hits(ranks, relevant, k)
    gains = np.where(hits, 1 / np.log2(np.maximum(table, 0) + 2.0), 0.0).sum(axis=1)
    ideal = np.cumsum(1 / np.log2(np.arange(k) + 2.0))  # (k,) IDCG for 1..k relevant products
    return np.asarray(np.divide(gains, ideal[np.minimum(total, k) - 1]))


def mrr(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> Values:
    """MRR@k: 1 / (1 + the best rank of a relevant product), 0 if that is beyond k. Source: Voorhees, TREC-8, 1999.

    >>> mrr([0, 3, 10])
    array([1.  , 0.25, 0.  ])
    """
    table, hits, _ = _hits(ranks, relevant, k)
    return np.asarray(np.where(hits, 1 / (np.maximum(table, 0) + 1.0), 0.0).max(axis=1))


def recall(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> Values:
    """Recall@k: the share of relevant products that are in the list; HR@k where there is only one. Source: as HR@k.

    >>> recall([[0, 4, 12, 30]], k=5)  # 2 of 4
    array([0.5])
    """
    _, hits, total = _hits(ranks, relevant, k)
    return np.asarray(hits.sum(axis=1) / total)


def precision(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> Values:
    """Precision@k: the share of the k places that hold a relevant product. With one relevant product at most 1 / k.

    Source: Herlocker et al., Evaluating collaborative filtering recommender systems, TOIS 2004.

    >>> precision([[0, 4, 12, 30]], k=5)  # 2 of 5 places
    array([0.4])
    """
    _, hits, _ = _hits(ranks, relevant, k)
    return np.asarray(hits.sum(axis=1) / k)


def average_precision(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> Values:
    """MAP@k: the precision at each hit's place, summed and divided by the number of relevant products.

    With one relevant product it is MRR@k. The divisor is all relevant products, also where they are more than k.
    Source: Buckley & Voorhees, Evaluating evaluation measure stability, SIGIR 2000.

    >>> average_precision([[0, 3]])  # (1 / 1 + 2 / 4) / 2
    array([0.75])
    """
    table, hits, total = _hits(ranks, relevant, k)
    places = np.sort(np.where(hits, table, np.iinfo(np.int64).max - 1), axis=1)  # hits first, best first
    counted = np.arange(1, table.shape[1] + 1) / (places + 1.0)  # (N, R) precision at the place of each hit
    return np.asarray(np.where(places < k, counted, 0.0).sum(axis=1) / total)


METRICS: dict[str, Callable[..., Values]] = {
    "hr": hit_rate,
    "ndcg": ndcg,
    "mrr": mrr,
    "recall": recall,
    "precision": precision,
    "map": average_precision,
}


def all_metrics(ranks: ArrayLike, relevant: ArrayLike | None = None, k: int = 10) -> dict[str, Values]:
    """Every metric's value for each row, (N,) each, under the names "hr@10", "ndcg@10", ...

    >>> sorted(all_metrics([0, 3], k=5))
    ['hr@5', 'map@5', 'mrr@5', 'ndcg@5', 'precision@5', 'recall@5']
    """
    return {f"{name}@{k}": metric(ranks, relevant, k) for name, metric in METRICS.items()}
