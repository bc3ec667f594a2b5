"""The datasets that the course knows, by name and size: those that come with it, and those that somebody added.

load(resolve("shop"))                         # events and items: what a model is trained on
load_table(resolve("shop"), "slates")         # one of tables("shop")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from course_lib.data import cache
from course_lib.data.dataset import Address, Dataset, Source, Table
from course_lib.errors import CourseError
from course_lib.settings import load_settings

EVENTS, ITEMS = "events", "items"  # the tables of load(); a source's further ones have other names


def built_in() -> dict[str, Source]:
    """The datasets that come with the course; adding one is one entry here."""
    from course_lib.data import complete_journey, open_bandit
    from course_lib.shop import baskets, trends
    from course_lib.shop import source as shop

    return {
        "shop": shop.SOURCE,
        "shop-trends": trends.SOURCE,
        "shop-baskets": baskets.SOURCE,
        "complete-journey": complete_journey.SOURCE,
        open_bandit.NAME: open_bandit.source(),
    }


def sources(owner: str | None = None) -> Mapping[str, Source]:
    """The datasets that ``owner`` may choose from: the course's, the shared ones, and the owner's own."""
    from course_lib.data.intake import store

    return built_in() | store.sources(owner)


def source(name: str) -> Source:
    """One dataset's source, whoever owns it: only its owner knows the name. Raises CourseError with the known names."""
    from course_lib.data.intake import store

    if name in (known := built_in()):
        return known[name]
    if card := store.find(name):
        return store.as_source(card)
    raise CourseError("unknown_dataset", name=name, known=", ".join(sources()))


def currency(name: str) -> str:
    """The sign before a dataset's prices; empty where it is not known, or the dataset is not there any more."""
    try:
        return source(name).currency
    except CourseError:
        return ""


def resolve(name: str, size: str | None = None) -> Address:
    """The address of a dataset as it is now; raises CourseError for an unknown name or size."""
    found = source(name)
    size = size or found.sizes[0]
    if size not in found.sizes:
        raise CourseError("unknown_size", name=name, size=size, known=", ".join(found.sizes))
    return Address(name, size, found.version(size))


def trainable(owner: str | None = None) -> dict[str, Source]:
    """Those of :func:`sources` that have histories: what a lab and a training may choose from."""
    return {name: found for name, found in sources(owner).items() if found.load is not None}


def need_histories(name: str) -> Source:
    """The source of a dataset to train on; raises CourseError for one that has tables only."""
    found = source(name)
    if found.load is None:
        raise CourseError("no_histories", name=name, tables=", ".join(tables(name)), known=", ".join(trainable()))
    return found


def load(address: Address) -> Dataset:
    """The dataset at ``address``; raises CourseError where it has no histories."""
    found = need_histories(address.name)
    assert found.load is not None
    events, items = found.load(address.size)
    return Dataset(address, events, items)


def load_items(address: Address) -> pd.DataFrame:
    """The catalogue alone, quick enough for a page; what a caller changes in it nobody else sees.

    Raises CourseError where the dataset has none.
    """
    found = source(address.name)
    if found.items is None:
        raise CourseError("unknown_table", name=address.name, table=ITEMS, known=", ".join(tables(address.name)))
    return found.items(address.size)


def tables(name: str) -> tuple[str, ...]:
    """The names of a dataset's tables: events and items where it has them, then its further ones."""
    found = source(name)
    first = [table for table, there in ((EVENTS, found.load), (ITEMS, found.items)) if there is not None]
    return (*first, *found.tables)


def load_table(address: Address, table: str) -> pd.DataFrame:
    """One of a dataset's :func:`tables`; raises CourseError with the known names.

    The first who asks for a further table writes it to ``Settings.datasets``, a piece at a time; a home that cannot be
    written only costs the time of making it again.
    """
    if table == ITEMS:
        return load_items(address)
    if table == EVENTS and source(address.name).load is not None:
        return load(address).events
    made = _table(address, table)
    folder = table_folder(address, table)
    found = cache.read(folder, (table,))
    if found is None:
        cache.stream(folder, table, made.pieces(address.size))
        found = cache.read(folder, (table,)) or [pd.concat(made.pieces(address.size), ignore_index=True)]
    return found[0].sort_values(list(made.order), kind="stable", ignore_index=True) if made.order else found[0]


def table_shape(address: Address, table: str) -> tuple[int, tuple[str, ...]]:
    """Rows and columns of one of :func:`tables`, without holding a further table in memory once it is on disk."""
    if table not in (EVENTS, ITEMS):
        folder, made = table_folder(address, table), _table(address, table)
        if not cache.sound(folder, (table,)):
            cache.stream(folder, table, made.pieces(address.size))
        if cache.sound(folder, (table,)):
            file = pq.read_metadata(folder / f"{table}.parquet")
            return file.num_rows, tuple(file.schema.to_arrow_schema().names)
    frame = load_table(address, table)
    return len(frame), tuple(frame.columns)


def table_folder(address: Address, table: str) -> Path:
    """Where a further table is kept: a folder of its own, named by the table's own version."""
    version = _table(address, table).version(address.size)
    return load_settings().datasets / f"{address.name}-{address.size}-{table}-{version}"


def _table(address: Address, table: str) -> Table:
    found = source(address.name).tables.get(table)
    if found is None:
        raise CourseError("unknown_table", name=address.name, table=table, known=", ".join(tables(address.name)))
    return found
