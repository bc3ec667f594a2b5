"""What is wrong with a lesson, and a TOML reader that finds it: file, thing and next step.

A reader collects problems instead of stopping at the first, so that one check tells an author everything:

    found: list[CourseError] = []
    table = Table(read_toml(path, found), name_of(path), found)
    minutes = table.integer("minutes", low=1, high=600)
    table.finish()  # whatever was not asked for is a misspelling
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.text import LANGUAGES, text

LONGEST = 10_000  # characters in one text of a lesson's TOML files
SHOWN = 80  # characters of a wrong value that a message repeats


class LessonError(CourseError):
    """A CourseError some of whose gaps are themselves sentences in the reader's language.

    ``said`` maps such a gap to a function from language to text. Everything else is a plain parameter.
    """

    def __init__(self, key: str, said: Mapping[str, Callable[[str], str]], **params: Any) -> None:
        self.said = said
        super().__init__(key, **params, **{name: say("en") for name, say in said.items()})

    def text(self, language: str) -> str:
        """The sentence, with its inner sentences, in ``language``."""
        inner = {name: say(language) for name, say in self.said.items()}
        return text(f"errors.{self.key}", language, **{**self.params, **inner})


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a lesson. A fatal one keeps the lesson closed, any other is for its author."""

    lesson: str  # the lesson's folder, "" for the course map
    error: CourseError
    fatal: bool = True

    def text(self, language: str) -> str:
        """What is wrong, where, and the next step."""
        return self.error.text(language)


def name_of(path: Path) -> str:
    """A file's name as an author knows it: its last folders, without the machine's own path.

    >>> name_of(Path("/home/x/lessons/cart/quiz.toml"))
    'lessons/cart/quiz.toml'
    """
    parts = path.parts
    start = max((n for n, part in enumerate(parts) if part in ("lessons", "data")), default=max(0, len(parts) - 2))
    return "/".join(parts[start:])


def read_text(path: Path, found: list[CourseError]) -> str:
    """The text of a UTF-8 file, with or without byte order mark; "" and a problem where it cannot be read."""
    file = name_of(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        found.append(CourseError("lesson_file_missing", file=file))
        return ""
    except OSError as problem:
        found.append(
            CourseError("lesson_file_unreadable", file=file, reason=problem.strerror or type(problem).__name__)
        )
        return ""
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        found.append(CourseError("lesson_not_utf8", file=file, line=line))
        return ""
    if not source.strip("\x00 \t\r\n"):
        found.append(CourseError("lesson_file_empty", file=file))
        return ""
    return source.replace("\r\n", "\n")


def read_toml(path: Path, found: list[CourseError]) -> dict[str, Any]:
    """The tables of a TOML file; {} and a problem with its line where it cannot be read."""
    source = read_text(path, found)
    try:
        return tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        place = re.search(r"at line (\d+)", str(problem))
        line = int(place[1]) if place else source.rstrip("\n").count("\n") + 1
        reason = re.sub(r" \(at .*\)$", "", str(problem).split("\n")[0])
        found.append(CourseError("lesson_toml", file=name_of(path), line=line, reason=reason[:SHOWN]))
        return {}


class Table:
    """One TOML table, read field by field; every wrong, missing or left-over field becomes a problem in ``found``."""

    def __init__(self, content: Mapping[str, Any], file: str, found: list[CourseError], path: str = "") -> None:
        self.content = content
        self.file = file
        self.found = found
        self.path = path  # "question[order].option[2]", for messages
        self.asked: list[str] = []

    def problem(self, key: str, **params: Any) -> None:
        """Adds a problem of this file."""
        self.found.append(CourseError(key, file=self.file, **params))

    def at(self, name: str) -> str:
        """The full name of a field of this table."""
        return f"{self.path}.{name}" if self.path else name

    def value(self, name: str, kinds: tuple[type, ...], kind: str, default: Any = None, needed: bool = True) -> Any:
        """A field of one of ``kinds`` (``kind`` is TOML's word for them); ``default`` and a problem where it is not."""
        self.asked.append(name)
        if name not in self.content:
            if needed:
                self.problem("lesson_field_missing", field=self.at(name))
            return default
        value = self.content[name]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.problem("lesson_field_kind", field=self.at(name), value=shortened(value), kind=kind)
            return default
        return value

    def text(self, name: str, needed: bool = True) -> str:
        """A text that is not empty, nor longer than LONGEST."""
        value = str(self.value(name, (str,), "string", "", needed)).strip()
        if name in self.content and isinstance(self.content[name], str):
            if not value:
                self.problem("lesson_field_empty", field=self.at(name))
            elif len(value) > LONGEST:
                self.problem("lesson_field_long", field=self.at(name), length=len(value), most=LONGEST)
        return value

    def texts(self, name: str, needed: bool = True) -> dict[str, str]:
        """``name_zh`` and ``name_en``, by language; formulas and placeholders must be the same in both."""
        both = {language: self.text(f"{name}_{language}", needed) for language in LANGUAGES}
        if bool(both["zh"]) != bool(both["en"]) and not needed:  # one language alone is no course in two
            absent = next(language for language in LANGUAGES if not both[language])
            self.problem("lesson_field_missing", field=self.at(f"{name}_{absent}"))
        return both

    def text_lists(self, name: str) -> dict[str, tuple[str, ...]]:
        """``name_zh`` and ``name_en``: lists of texts of equal length, by language; both may be absent."""
        both = {}
        for language in LANGUAGES:
            field = f"{name}_{language}"
            values = self.value(field, (list,), "array", [], needed=False)
            if not all(isinstance(value, str) and value.strip() for value in values):
                self.problem(
                    "lesson_field_kind", field=self.at(field), value=shortened(values), kind="array of strings"
                )
                values = []
            both[language] = tuple(values)
        if len(both["zh"]) != len(both["en"]):
            self.problem("lesson_lists_differ", field=self.at(name), zh=len(both["zh"]), en=len(both["en"]))
        return both

    def identifier(self, name: str = "id") -> str:
        """A name for links, files and the database: ASCII letters, digits, ``_`` and ``-``, at most 64."""
        value = self.text(name)
        if value and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
            self.problem("lesson_field_identifier", field=self.at(name), value=shortened(value))
            return ""
        return value

    def choice(self, name: str, known: Sequence[str], default: str | None = None) -> str:
        """A text out of ``known``."""
        value = self.text(name, needed=default is None) or (default or "")
        if value and value not in known:
            self.problem("lesson_field_choice", field=self.at(name), value=shortened(value), known=", ".join(known))
            return default or ""
        return value

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number between ``low`` and ``high``."""
        value = self.value(name, (int,), "integer", default, needed=default is None)
        if value is None:
            return low
        if not low <= value <= high:
            self.problem("lesson_field_range", field=self.at(name), value=value, low=low, high=high)
            return low
        return int(value)

    def number(self, name: str, needed: bool = True) -> float | None:
        """A finite number; None where there is none."""
        value = self.value(name, (int, float), "float", None, needed)
        if value is None:
            return None
        if not abs(value) < 1e15:  # also nan and the infinities, which TOML knows
            self.problem("lesson_field_range", field=self.at(name), value=value, low="-1e15", high="1e15")
            return None
        return float(value)

    def table(self, name: str, needed: bool = True) -> Table:
        """A table within this one; an empty one where it is absent."""
        return Table(self.value(name, (dict,), "table", {}, needed), self.file, self.found, self.at(name))

    def tables(self, name: str) -> list[Table]:
        """An array of tables within this one, each called by its id where it has one, else by its place from 1."""
        rows = self.value(name, (list,), "array of tables", [], needed=False)
        if not all(isinstance(row, dict) for row in rows):
            self.problem("lesson_field_kind", field=self.at(name), value=shortened(rows), kind="array of tables")
            return []
        return [
            Table(row, self.file, self.found, f"{self.at(name)}[{shortened(row.get('id', place))}]")
            for place, row in enumerate(rows, 1)
        ]

    def finish(self) -> None:
        """Reports every field that nobody asked for."""
        for name in self.content:
            if name not in self.asked:
                known = ", ".join(dict.fromkeys(self.asked))
                self.problem("lesson_field_unknown", field=self.at(shortened(name)), known=known)

    def no_twins(self, name: str, ids: Sequence[str]) -> None:
        """Reports ids that stand twice among the tables called ``name``."""
        for one in sorted({one for one in ids if one and ids.count(one) > 1}):
            self.problem("lesson_id_within", field=self.at(name), id=one)


def shortened(value: Any) -> str:
    """A value as a message shows it: on one line and not longer than SHOWN."""
    line = " ".join(str(value).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
