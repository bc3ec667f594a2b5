"""The published formats of well-known datasets, from ``formats.toml``: found by their files, each with its licence."""

from __future__ import annotations

import fnmatch
import functools
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_lib.data.intake.guards import Part
from course_lib.data.intake.layout import Given
from course_lib.data.intake.mapping import Mapping
from course_lib.data.intake.sequences import SEQUENCES
from course_lib.data.listing import entry_of
from course_lib.errors import CourseError

FILE = Path(__file__).parent / "formats.toml"


@dataclass(frozen=True)
class FileFormat:
    """One of a format's files: its name, how it lies, what its columns are."""

    files: tuple[str, ...]  # patterns of its name, the surest first
    given: Given
    mapping: Mapping
    header: tuple[str, ...] = ()  # columns that the first row must name
    where: dict[str, list[str]] = field(default_factory=dict)  # only rows whose column has one of these values
    flags: tuple[str, ...] = ()  # columns with 1 where the item is of that category

    def matching(self, parts: Sequence[Part]) -> list[Part]:
        """The parts with such a name, in the order of the patterns."""
        found = {
            part: None
            for pattern in self.files
            for part in parts
            if fnmatch.fnmatch(part.name.lower(), pattern.lower())
        }
        return list(found)


@dataclass(frozen=True)
class Format:
    """A dataset as it is published."""

    name: str
    title: str
    url: str
    facts: str  # where the columns are documented, and what it says
    licences: dict[str, str]  # by language
    how: dict[str, str]  # how rows become interactions, by language
    events: FileFormat
    details: FileFormat | None = None  # what a second file tells about the items
    published: dict[str, int] = field(default_factory=dict)
    currency: str = ""

    def events_in(self, parts: Sequence[Part]) -> list[Part]:
        """The parts that may hold the events, by their names."""
        about_items = self.details.matching(parts) if self.details else []
        return [part for part in self.events.matching(parts) if part not in about_items]

    def parts(self, parts: Sequence[Part]) -> tuple[Part, list[Part]]:
        """The part with the events and those about the items; raises CourseError where the first is not there."""
        found = self.events_in(parts)
        if not found and len(parts) == 1:
            found = list(parts)  # somebody has renamed it
        if not found:
            there = ", ".join(part.name for part in parts[:10])
            raise CourseError("intake_format_file", format=self.title, file=self.events.files[0], found=there)
        return found[0], self.details.matching(parts) if self.details else []


def _file(record: dict[str, Any]) -> FileFormat:
    given = Given(
        record.get("encoding", ""),
        record.get("delimiter", ""),
        record.get("quoted", True),
        tuple(record.get("names", ())),
    )
    mapping = Mapping(
        record["columns"],
        tuple(record.get("time_formats", ())),
        record.get("zone", "UTC"),
        not_products=tuple(record.get("not_products", ())),
    )
    lists = {name: tuple(record.get(name, ())) for name in ("header", "flags")}
    return FileFormat(tuple(record["files"]), given, mapping, where=record.get("where", {}), **lists)


@functools.cache
def formats() -> dict[str, Format]:
    """All formats by name, in the order of the file."""
    found = {}
    for record in tomllib.loads(FILE.read_text(encoding="utf-8"))["format"]:
        found[record["name"]] = Format(
            record["name"],
            record["title"],
            record["page"],
            record["facts"],
            dict(entry_of(record["name"]).licences),
            {language: record[f"how_{language}"] for language in ("zh", "en")},
            _file(record["events"]),
            _file(record["details"]) if "details" in record else None,
            record.get("published", {}),
            record.get("currency", ""),
        )
    return found


def format_called(name: str) -> Format:
    """One format; raises CourseError with the known names."""
    if name not in formats():
        raise CourseError("intake_unknown_format", name=name, known=", ".join([*formats(), SEQUENCES]))
    return formats()[name]


def recognise(parts: Sequence[Part], columns: Callable[[Part], Sequence[str]]) -> Format | None:
    """The format whose events these are: by the file's name and the columns that it names; None for any other file."""
    for one in formats().values():
        found = one.events_in(parts)
        if not found:
            continue
        try:
            if not one.events.header or set(one.events.header) <= set(columns(found[0])):
                return one
        except CourseError:  # no table at all: whoever reads it says why
            continue
    return None
