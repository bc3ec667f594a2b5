"""Find a product by a few words in either language. Plain string work on a catalogue of a few thousand rows."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address
from course_lib.data.registry import load_items

_SEARCHED = (
    Columns.TITLE_ZH, Columns.TITLE_EN, Columns.BRAND, Columns.TYPE_ZH, Columns.TYPE_EN,
    Columns.DEPARTMENT_ZH, Columns.DEPARTMENT_EN,
)  # fmt: skip


@functools.lru_cache(maxsize=8)
def items_of(address: Address) -> pd.DataFrame:
    """The catalogue at ``address``, read once for all learners, who share the frame: nobody may change it.

    Always the same object: scenes and shelves are kept for this very frame, and are made anew for a copy.
    """
    return load_items(address)


def forget() -> None:
    """Lets go of all catalogues: somebody has deleted a dataset, and nothing of it is kept."""
    items_of.cache_clear()
    _texts.cache_clear()


@functools.lru_cache(maxsize=8)
def _texts(address: Address) -> tuple[list[str], list[str]]:
    """For each product everything that is searched, and its titles and types alone; case folded."""
    items = items_of(address)
    everything = items[list(_SEARCHED)].fillna("").astype(str).agg(" ".join, axis=1).str.casefold()
    titles = items[[Columns.TYPE_ZH, Columns.TYPE_EN]].fillna("").astype(str).agg(" ".join, axis=1).str.casefold()
    return everything.tolist(), titles.tolist()


def search(address: Address, query: str, limit: int = 8) -> list[int]:
    """Ids of at most ``limit`` products that contain every word of ``query``, those whose type does first.

    When no product has all the words, the products that share most letter pairs with the query come instead
    (at least a third of them), so that 红色篮球 finds a ball whose title has the two words apart.
    """
    words = query.casefold().split()
    if not words:
        return []
    everything, types = _texts(address)
    hits = [row for row, text in enumerate(everything) if all(word in text for word in words)]
    if not hits:
        pairs = {word[n : n + 2] for word in words for n in range(max(1, len(word) - 1))}
        shared = np.array([sum(pair in text for pair in pairs) for text in everything])
        best = np.argsort(-shared, kind="stable")[:limit]
        return [int(row) + 1 for row in best if 3 * shared[row] >= len(pairs) and shared[row] > 0]
    hits.sort(key=lambda row: (not all(word in types[row] for word in words), len(everything[row]), row))
    return [row + 1 for row in hits[:limit]]
