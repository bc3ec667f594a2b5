"""The simulated shop as a dataset: what the registry knows of it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from course_lib.data.cache import read
from course_lib.data.dataset import Address, Source, Table
from course_lib.errors import CourseError
from course_lib.settings import load_settings
from course_lib.shop.disk import write_shop
from course_lib.shop.logs import PARTS, Part
from course_lib.shop.parameters import load_parameters
from course_lib.shop.published import shop
from course_lib.shop.simulate import events_frame
from course_lib.shop.world import World

CODE = ("catalogue", "world", "simulate")  # the files that decide what happens in the shop


def sizes() -> dict[str, int]:
    """Shoppers by size; the first is the default."""
    found: dict[str, int] = load_parameters()["sizes"]
    return found


@functools.cache
def version(size: str) -> str:
    """12 hexadecimal digits over every parameter, the code that reads them, and the size."""
    digest = hashlib.sha256(f"{load_parameters().digest()} {size} {sizes()[size]}".encode())
    for name in CODE:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def load(size: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and items of one size, written to disk by the first who asks."""
    folder = load_settings().datasets / Address("shop", size, version(size)).folder
    found = read(folder, ("events",))
    if found is None:
        with contextlib.suppress(OSError, CourseError):  # a home that cannot be written only costs time
            for _ in write_shop(folder, shop(), sizes()[size], replace=True):
                pass
        found = read(folder, ("events",)) or [events_frame(shop(), sizes()[size])]
    return found[0], load_items(size)


def load_items(size: str) -> pd.DataFrame:
    """The catalogue, the same at every size; a frame of the caller's own."""
    # The world keeps the frame for the whole process. Under pandas' copy-on-write a copy costs no rows until
    # somebody writes to it, and whoever does changes nothing for the others.
    return shop().catalogue.items.copy(deep=False)


def part_version(part: Part, size: str) -> str:
    """As :func:`version`, over the part's own files too; the purchases' version knows nothing of them."""
    digest = hashlib.sha256(version(size).encode())
    for name in ("logs", *part.code):
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def _tables(part: Part) -> dict[str, Table]:
    """The part's tables as the registry offers them."""

    def of_shop(make: Callable[[World], pd.DataFrame]) -> Table:
        return Table(version_of, lambda size: [make(shop())])

    def of_shoppers(table: str) -> Table:
        def pieces(size: str) -> Iterator[pd.DataFrame]:
            return (found[table] for found in part.blocks(shop(), sizes()[size], None))

        return Table(version_of, pieces, part.order)

    version_of = functools.partial(part_version, part)
    once = {table: of_shop(make) for table, make in part.once.items()}
    return once | {table: of_shoppers(table) for table in part.tables}


SOURCE = Source(
    tuple(sizes()),
    version,
    load_items,
    load,
    tables={name: table for part in PARTS.values() for name, table in _tables(part).items()},
)
