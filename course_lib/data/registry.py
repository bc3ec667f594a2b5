"""The datasets that the course knows, by name and size. Adding one is one entry in SOURCES."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from course_lib.data.dataset import Address, Dataset, Source
from course_lib.errors import CourseError


def sources() -> Mapping[str, Source]:
    """All known datasets."""
    from course_lib.data import complete_journey
    from course_lib.shop import source as shop

    return {"shop": shop.SOURCE, "complete-journey": complete_journey.SOURCE}


def source(name: str) -> Source:
    """One dataset's source; raises CourseError with the known names."""
    known = sources()
    if name not in known:
        raise CourseError("unknown_dataset", name=name, known=", ".join(known))
    return known[name]


def resolve(name: str, size: str | None = None) -> Address:
    """The address of a dataset as it is now; raises CourseError for an unknown name or size."""
    found = source(name)
    size = size or found.sizes[0]
    if size not in found.sizes:
        raise CourseError("unknown_size", name=name, size=size, known=", ".join(found.sizes))
    return Address(name, size, found.version(size))


def load(address: Address) -> Dataset:
    """The dataset at ``address``."""
    events, items = source(address.name).load(address.size)
    return Dataset(address, events, items)


def load_items(address: Address) -> pd.DataFrame:
    """The catalogue alone, quick enough for a page."""
    return source(address.name).items(address.size)
