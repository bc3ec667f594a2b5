"""The best products of many shoppers from vectors, block by block: no more scores exist at once than one block has.

    best = top_products(shoppers, products, k=10, seen=histories)
    best.items   # (N, K) item ids, best first

For 100,000 shoppers and 10,000 products all scores together would be 4 GB; a block of them stays in the processor's
cache. What a shopper has seen is set to -inf before the best are chosen (the histories are a sparse matrix by rows).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories
from course_lib.errors import CourseError

CELLS = 2**22  # scores of a block, 16 MiB


@dataclass(frozen=True)
class Best:
    """A list of K products for each of N shoppers, best first."""

    items: NDArray[np.int64]  # (N, K) item ids 1..V; 0 where a shopper has seen nearly everything
    scores: NDArray[np.float32]  # (N, K) inner products; -inf where there is no item


def top_products(
    shoppers: NDArray[np.float32],
    products: NDArray[np.float32],
    k: int = 10,
    seen: Histories | None = None,
    cells: int = CELLS,
) -> Best:
    """The ``k`` products with the highest inner product with each shopper's vector, among all V.

    Args:
        shoppers: (N, D) vectors.
        products: (V + 1, D) vectors; row i is item i, row 0 is padding and never recommended.
        k: products in a list, at most V.
        seen: N histories of item ids that are left out; a product may be named twice. None leaves out nothing.
        cells: scores that exist at once, at the most (at least one shopper's).

    Which of two products with equal scores comes first is not promised. Raises CourseError ``scores_not_numbers`` where
    a score is NaN, ValueError for shapes, ids or a ``k`` that do not fit.
    """
    import torch  # the web process never ranks everybody, and never loads it

    if shoppers.ndim != 2 or products.ndim != 2 or shoppers.shape[1] != products.shape[1] or len(products) < 2:
        raise ValueError(f"shoppers {shoppers.shape} and products {products.shape}; expected (N, D) and (V + 1, D)")
    N, V = len(shoppers), len(products) - 1
    if not 1 <= k <= V:
        raise ValueError(f"k is {k}; expected 1..{V}, for there are {V} products")
    if seen is not None and len(seen) != N:
        raise ValueError(f"{len(seen)} histories for {N} shoppers")
    if seen is not None and len(seen.items) and not 1 <= seen.items.min() <= seen.items.max() <= V:
        raise ValueError(f"seen items lie in {seen.items.min()}..{seen.items.max()}; expected 1..{V}")
    rows = max(1, min(N, cells // V))
    left = torch.from_numpy(np.ascontiguousarray(shoppers, np.float32))
    right = torch.from_numpy(np.ascontiguousarray(products[1:], np.float32)).T
    block = torch.empty(rows, V)
    items, scores = torch.empty(N, k, dtype=torch.int64), torch.empty(N, k)
    with torch.no_grad():
        for start in range(0, N, rows):
            end = min(start + rows, N)
            now = block[: end - start]
            torch.mm(left[start:end], right, out=now)
            if seen is not None:
                now.view(-1)[_cells_seen(seen, start, end, V)] = -torch.inf
            torch.topk(now, k, dim=1, out=(scores[start:end], items[start:end]))
    if bool(torch.isnan(scores).any()):  # a NaN counts as the highest score, so none hides outside the lists
        raise CourseError("scores_not_numbers")
    items += 1
    if seen is not None:
        items[scores == -torch.inf] = 0
    return Best(items.numpy(), scores.numpy())


def _cells_seen(seen: Histories, start: int, end: int, products: int) -> NDArray[np.int64]:
    """Where the products that shoppers ``start`` to ``end`` have seen stand in their block of scores, row by row."""
    ends = seen.offsets[start : end + 1]
    shift = np.repeat(np.arange(end - start, dtype=np.int64) * products - 1, np.diff(ends))
    return shift + seen.items[ends[0] : ends[-1]]
