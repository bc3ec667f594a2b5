"""The datasets that the course knows, by name and size: those that come with it, and those that somebody added."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from course_lib.data.dataset import Address, Dataset, Source
from course_lib.errors import CourseError


def built_in() -> dict[str, Source]:
    """The datasets that come with the course; adding one is one entry here."""
    from course_lib.data import complete_journey
    from course_lib.shop import source as shop

    return {"shop": shop.SOURCE, "complete-journey": complete_journey.SOURCE}


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
    """The catalogue alone, quick enough for a page; what a caller changes in it nobody else sees."""
    return source(address.name).items(address.size)
