"""The map of the whole course, ``data/course.toml``: every lesson, ready or not, its group and what it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from course_lib.course.problems import Table, name_of, read_toml
from course_lib.errors import CourseError


@dataclass(frozen=True)
class Group:
    """A part of the course."""

    id: str
    names: Mapping[str, str]

    def name(self, language: str) -> str:
        """The group's name."""
        return self.names[language]


@dataclass(frozen=True)
class Entry:
    """A lesson as the map knows it."""

    id: str
    order: int  # its place in the file, from 1
    group: str
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    after: tuple[str, ...]  # lessons that come before it


@dataclass(frozen=True)
class CourseMap:
    """Groups and lessons, both in the order of the file."""

    groups: tuple[Group, ...]
    entries: tuple[Entry, ...]


def read_map(path: Path) -> CourseMap:
    """The course map; raises the first CourseError, since without its map there is no course to show."""
    found: list[CourseError] = []
    table = Table(read_toml(path, found), name_of(path), found)
    if found:
        raise found[0]
    groups = tuple(_read_group(row) for row in table.tables("group"))
    table.no_twins("group", [group.id for group in groups])
    rows = table.tables("lesson")
    ids = [str(row.content.get("id", "")) for row in rows]
    table.no_twins("lesson", ids)
    entries = tuple(
        _read_entry(row, order, [group.id for group in groups], ids[: order - 1]) for order, row in enumerate(rows, 1)
    )
    for name, content in (("group", groups), ("lesson", entries)):
        if not content:
            table.problem("lesson_field_missing", field=name)
    table.finish()
    if found:
        raise found[0]
    return CourseMap(groups, entries)


def _read_group(row: Table) -> Group:
    """One ``[[group]]``."""
    group = Group(row.identifier(), row.texts("name"))
    row.finish()
    return group


def _read_entry(row: Table, order: int, groups: list[str], before: list[str]) -> Entry:
    """One ``[[lesson]]``; it may follow only lessons that stand above it, so that the map has no circles."""
    after = row.value("after", (list,), "array", [], needed=False)
    for one in after:
        if one not in before:
            row.problem("course_after_unknown", lesson=row.path, after=str(one))
    entry = Entry(
        row.identifier(), order, row.choice("group", groups), row.texts("title"), row.texts("summary"), tuple(after)
    )
    row.finish()
    return entry
