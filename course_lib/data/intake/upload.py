"""An upload as a folder: the learner's file, what was asked of it, what was seen in it, and what became of it.

file/<name>      the file as it came
asked.json       what its columns are said to mean; a number that is new with every file
seen.json        first rows and guesses
dataset/         the dataset, staged; it becomes the learner's when it is accepted
error.json       why there is none

A process of its own (reader.py) fills it; the web process reads it. Nothing here is imported from a screen.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from course_lib.data.intake.batch import cell_text
from course_lib.data.intake.limits import PAGE
from course_lib.data.intake.mapping import SURE, Guessed, Mapping
from course_lib.data.intake.pipeline import Look
from course_lib.errors import CourseError

FILE, ASKED, SEEN, DATASET, ERROR, ASIDE = "file", "asked.json", "seen.json", "dataset", "error.json", "aside"
KINDS = 20  # different values up to which a column may be one of kinds of events


@dataclass(frozen=True)
class Asked:
    """What somebody wants a file to be read as. Without ``columns`` everything is guessed."""

    columns: dict[str, str] = field(default_factory=dict)  # role to column
    time_format: str = ""  # of times.FORMATS; empty: found out
    zone: str = "UTC"
    events: list[str] = field(default_factory=list)  # kinds that count; all where empty
    minimum: int = PAGE.minimum  # events that a user must have
    guests: str = ""  # of mapping.GUESTS; empty: it is asked
    fill: str = ""  # of mapping.FILLS; empty: it is asked
    encoding: str = ""  # of the text; empty: found out
    sheet: str = ""  # of a workbook; empty: the one that looks like orders
    plain: bool = False  # not one of the known formats, whatever it looks like
    number: str = ""  # tells one file of a learner from the next

    def mapping(self, seen: Look) -> Mapping | None:
        """What to read it with; None for the format's own or the guessed mapping. Raises the CourseError that asks."""
        if seen.guessed is None:
            return None
        if self.columns:
            formats = (self.time_format,) if self.time_format else ()
            sure = sure_guesses(seen.guessed)
            said = [role for role, column in self.columns.items() if sure.get(role) != column]
            said += ["time_format"] if formats else []
            return Mapping(
                self.columns,
                formats,
                self.zone,
                tuple(self.events),
                guests=self.guests,
                fill=self.fill,
                by_hand=tuple(said),
            )
        return replace(seen.mapping(), zone=self.zone, guests=self.guests, fill=self.fill)


@dataclass(frozen=True)
class Seen:
    """What the first rows tell, as a page shows it."""

    names: list[str]  # the columns
    rows: list[dict[str, str]]  # the first rows, column to value
    guesses: dict[str, str] = field(default_factory=dict)  # role to column
    formats: list[str] = field(default_factory=list)  # of the times, as guessed
    kinds: dict[str, list[str]] = field(default_factory=dict)  # columns with few values, and these
    sheets: list[str] = field(default_factory=list)  # of a workbook: the one that was read, then the others
    text: bool = False  # it has an encoding
    known: str = ""  # the known format that it is

    @classmethod
    def of(cls, look: Look) -> Seen:
        """What is worth showing of a look at a file."""
        if look.guessed is None:
            assert look.format is not None
            return cls(list(look.table.names), look.rows, known=look.format.name)
        kinds = {}
        for name, column in look.table.head.columns.items():
            values = sorted({one for one in cell_text(column).unique().to_pylist() if one})
            if 1 < len(values) <= KINDS:
                kinds[name] = values
        guesses = sure_guesses(look.guessed)
        layout = look.table.layout
        return cls(
            list(look.table.names),
            look.rows,
            guesses,
            list(look.guessed.mapping.time_formats),
            kinds,
            [*layout.sheets[:1], *layout.others],
            bool(layout.encoding),
        )


def sure_guesses(guessed: Guessed) -> dict[str, str]:
    """Role to column, where a page may fill it in for somebody; what is not sure stays open, so that it is asked."""
    return {role: guess.column for role, guess in guessed.guesses.items() if guess.confidence >= SURE}


def put(path: Path, record: dict[str, Any]) -> None:
    """Writes a JSON object whole or not at all; raises OSError."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    os.replace(part, path)


def get(path: Path) -> dict[str, Any] | None:
    """A JSON object; None where there is none or it is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def asked(folder: Path) -> Asked | None:
    """What was asked of the upload in ``folder``; None where there is no upload."""
    try:
        return Asked(**(get(folder / ASKED) or {})) if (folder / ASKED).is_file() else None
    except TypeError:  # written by another version
        return None


def seen(folder: Path) -> Seen | None:
    """What was seen in it; None where nobody has looked yet."""
    record = get(folder / SEEN)
    try:
        return None if record is None else Seen(**record)
    except TypeError:
        return None


def error(folder: Path) -> CourseError | None:
    """Why it could not be read; None where no reason is known."""
    record = get(folder / ERROR)
    try:
        return None if record is None else CourseError.from_dict(record)
    except KeyError:
        return None


def ask(folder: Path, what: Asked) -> None:
    """Notes what is asked; raises OSError."""
    put(folder / ASKED, asdict(what))


def fail(folder: Path, why: CourseError) -> None:
    """Notes why there is no dataset; raises OSError."""
    put(folder / ERROR, why.to_dict())


def file_of(folder: Path) -> Path | None:
    """The learner's file."""
    place = folder / FILE
    return next((one for one in sorted(place.iterdir()) if one.is_file()), None) if place.is_dir() else None
