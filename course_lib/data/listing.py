"""Every dataset that the course can use, from ``data/datasets.toml``: size, licence, how to get it, for which lessons.

The table in data/README.md, the page "Data" and the licences of added datasets are made of it.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.settings import PROJECT
from course_lib.text import LANGUAGES, text

FILE = PROJECT / "data" / "datasets.toml"
ALL = "all"  # in place of the ids of all lessons
COLUMNS = ("dataset", "size", "licence", "get", "lessons")


@dataclass(frozen=True)
class Entry:
    """One row. The texts by language may hold `code` marks of Markdown."""

    names: tuple[str, ...]  # of built-in datasets or published formats; none for the learner's own
    url: str  # where it is published; "" for the learner's own
    titles: Mapping[str, str]
    sizes: Mapping[str, str]
    licences: Mapping[str, str]
    gets: Mapping[str, str]
    lessons: tuple[str, ...]  # lesson ids, or ALL


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All rows in the order of the file."""
    return tuple(_entry(row) for row in tomllib.loads(FILE.read_text(encoding="utf-8"))["dataset"])


def _entry(row: Mapping[str, Any]) -> Entry:
    names = tuple(row["names"])
    gets = {
        language: row.get(f"get_{language}") or text("datasets.get_published", language, url=row["url"], name=names[0])
        for language in LANGUAGES
    }
    titles, sizes, licences = (
        {language: row[f"{field}_{language}"] for language in LANGUAGES} for field in ("title", "size", "licence")
    )
    return Entry(names, row["url"], titles, sizes, licences, gets, tuple(row["lessons"]))


def entry_of(name: str) -> Entry:
    """The row of a built-in dataset or a published format; raises KeyError for another name."""
    for entry in entries():
        if name in entry.names:
            return entry
    raise KeyError(name)


def row(entry: Entry, language: str, lessons: Mapping[str, str]) -> tuple[str, ...]:
    """The cells of one row as Markdown, in the order of COLUMNS; ``lessons`` names every lesson by id."""
    title = f"[{entry.titles[language]}]({entry.url})" if entry.url else entry.titles[language]
    called = " · ".join(f"`{name}`" for name in entry.names)
    served = text("datasets.all_lessons", language)
    if ALL not in entry.lessons:
        served = text("datasets.join", language).join(lessons[lesson] for lesson in entry.lessons)
    cells = (entry.sizes[language], entry.licences[language], entry.gets[language], served)
    return (" · ".join(part for part in (called, title) if part), *cells)


def markdown(language: str, lessons: Mapping[str, str]) -> str:
    """The whole table as Markdown, a row a line."""
    head = [text(f"datasets.{column}", language) for column in COLUMNS]
    lines: list[Sequence[str]] = [head, ["---"] * len(COLUMNS), *(row(entry, language, lessons) for entry in entries())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
