"""Exports that shops write, known by their header; the file ``exports.toml`` says what their columns are."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "exports.toml"


@dataclass(frozen=True)
class Export:
    """One export."""

    name: str
    title: str
    facts: str  # where its columns are documented
    header: tuple[str, ...]  # columns that all must be there
    columns: Mapping[str, str]  # role to column
    join: str = ""  # another file of it, without which customer and time are not known


@functools.cache
def exports() -> tuple[Export, ...]:
    """All of them, in the order of the file."""
    records = tomllib.loads(FILE.read_text(encoding="utf-8"))["export"]
    return tuple(Export(**{**record, "header": tuple(record["header"])}) for record in records)


def export_of(names: Sequence[str]) -> Export | None:
    """The export whose header these columns are; the first that fits."""
    there = set(names)
    return next((one for one in exports() if set(one.header) <= there), None)
