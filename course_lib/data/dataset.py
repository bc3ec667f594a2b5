"""A dataset: who bought what when, and what the products are. Addressed by name, size and version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories


@dataclass(frozen=True)
class Address:
    """Names one exact dataset; a run's hash covers it. ``version`` changes whenever a byte of the data would."""

    name: str  # "shop", "complete-journey"
    size: str  # "tiny", "small", ...
    version: str  # 12 hexadecimal digits

    @property
    def folder(self) -> str:
        """The folder name under ``Settings.datasets``."""
        return f"{self.name}-{self.size}-{self.version}"


@dataclass(frozen=True)
class Dataset:
    """Events sorted by user and time (stable), and items indexed by position (item ``i`` in row ``i - 1``)."""

    address: Address
    events: pd.DataFrame  # EVENT_COLUMNS
    items: pd.DataFrame  # ITEM_COLUMNS, V rows, item_id 1..V in order

    @property
    def num_items(self) -> int:
        """V, the number of products (padding not counted)."""
        return len(self.items)

    @property
    def num_users(self) -> int:
        """N, the number of shoppers."""
        return int(self.events[Columns.USER].iloc[-1]) + 1 if len(self.events) else 0

    def histories(self) -> Histories:
        """All histories, one a user, in user order."""
        counts = np.bincount(self.events[Columns.USER], minlength=self.num_users)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Histories(self.events[Columns.ITEM].to_numpy(np.int32), offsets)


@dataclass(frozen=True)
class Table:
    """A further table of a dataset: searches, slates, coupons, households. Observable columns only (columns.py).

    The registry writes the pieces to disk one after another, so that the memory of one is enough, and reads them back
    as one frame. All pieces have the same columns and types.
    """

    version: Callable[[str], str]  # by size, 12 hexadecimal digits: changes with whatever makes this table, only then
    pieces: Callable[[str], Iterable[pd.DataFrame]]  # by size, at least one
    order: tuple[str, ...] = ()  # columns by which the whole is sorted (stable) when it is read; as it is where none


@dataclass(frozen=True)
class Source:
    """How one dataset gets here. ``version``, ``items`` and ``load`` take the size.

    A dataset without histories (who bought what when) has no ``load``: nothing can be trained on it, and it is offered
    for its tables alone. It may have no ``items`` either.
    """

    sizes: tuple[str, ...]  # the first is the default
    version: Callable[[str], str]
    items: Callable[[str], pd.DataFrame] | None = None  # the catalogue alone: quick, no behaviour generated
    load: Callable[[str], tuple[pd.DataFrame, pd.DataFrame]] | None = None  # events, items
    tables: Mapping[str, Table] = field(default_factory=dict)  # by name: small letters and _, not "events" or "items"
    currency: str = "¥"  # the sign before its prices; empty where that is not known
