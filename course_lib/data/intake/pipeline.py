"""From a path to events and a catalogue: look at a file, settle what its columns mean, clean it.

seen = look(path)                       # guards, layout, guesses, first rows: for a preview
made = prepare(seen, seen.mapping())    # everything read and cleaned, nothing stored yet: for a report
store.save(made, "my-shop", owner)      # what was accepted
"""

from __future__ import annotations

from collections.abc import Mapping as Frozen
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from course_lib.data.intake.batch import Batch, cell_text
from course_lib.data.intake.cleaning import Cleaner
from course_lib.data.intake.formats import FileFormat, Format, format_called, recognise
from course_lib.data.intake.guards import Part, Tick, contents, digest
from course_lib.data.intake.items import catalogue
from course_lib.data.intake.layout import Given
from course_lib.data.intake.limits import LIMITS, Limits
from course_lib.data.intake.lists import list_kind, path_text, split_rows
from course_lib.data.intake.mapping import ByHand, Guessed, Mapping, formats_of, guess
from course_lib.data.intake.numbers import COMMA, POINT, evidence, numbers_of
from course_lib.data.intake.reading import Table, open_table
from course_lib.data.intake.report import Report, shown
from course_lib.data.intake.rows import FACTS, LONGEST
from course_lib.data.intake.sequences import SEQUENCES
from course_lib.errors import CourseError

PREVIEW = 20  # rows
NUMBERS = frozenset({"price", "quantity", "rating"})  # roles
# Files that lie beside the data and hold none
ASIDE = (".md", ".pdf", ".html", ".htm", ".py", ".pl", ".sh", ".r", ".doc", ".docx", ".png", ".jpg", ".css", ".js")
ASIDE_NAMES = ("readme", "license", "licence", "copying", "changelog", "citation")


@dataclass(frozen=True)
class Look:
    """A file, looked at but not taken in."""

    path: Path
    table: Table
    details: tuple[Part, ...]  # parts about the items, of a known format
    format: Format | None
    guessed: Guessed | None  # None where a known format says what the columns mean
    rows: list[dict[str, str]]  # the first rows, column to value

    def mapping(self) -> Mapping:
        """What the columns mean: by the format, else by the guesses; raises the CourseError that asks the question."""
        if self.guessed is None:
            assert self.format is not None
            return self.format.events.mapping
        if self.guessed.question is not None:
            raise self.guessed.question
        return self.guessed.mapping


@dataclass(frozen=True)
class Prepared:
    """A dataset in the course's schema, not yet stored."""

    events: pd.DataFrame  # EVENT_COLUMNS
    items: pd.DataFrame  # ITEM_COLUMNS
    report: Report
    mapping: Mapping
    format: Format | None
    file: str  # the input's name, and what it weighed
    bytes: int
    sha256: str


def scaled(tick: Tick | None, low: float, high: float) -> Tick | None:
    """A tick for one stage of several, from ``low`` to ``high`` of the whole."""
    if tick is None:
        return None
    outer = tick
    return lambda share: outer(low + (high - low) * share)


def look(
    path: Path,
    format_name: str = "",
    limits: Limits = LIMITS,
    given: Given | None = None,
    tick: Tick | None = None,
    by_hand: ByHand | None = None,
) -> Look:
    """Guards a file's bytes, finds its layout and guesses what its columns mean.

    ``by_hand`` is what somebody says about the columns; what it leaves out is guessed, and asked where not sure.
    ``format_name`` is a name of formats.toml, "" to recognise one, "none" for no known format, "sequences" for one line
    a user. Raises CourseError for every file that is no table, naming what is wrong, where, and what to do.
    """
    path = Path(path)
    parts = contents(path, limits)
    opened: dict[Part, Table] = {}

    def table_of(part: Part) -> Table:
        if part not in opened:
            opened[part] = open_table(part, limits, given, scaled(tick, 0.0, 0.07))
        return opened[part]

    if format_name == SEQUENCES:
        given = Given(kind=SEQUENCES)
    known = format_called(format_name) if format_name not in ("", "none", SEQUENCES) else None
    if known is None and format_name != "none" and given is None:
        known = recognise(parts, lambda part: table_of(part).names)
    if known is None:
        table = table_of(_only(parts, path))
        guessed = guess(table, by_hand, scaled(tick, 0.07, 0.1))
        return Look(path, table, (), None, guessed, _preview(table))
    main, details = known.parts(parts)
    table = open_table(main, limits, known.events.given, scaled(tick, 0.07, 0.1))
    if missing := [name for name in known.events.header if name not in table.names]:
        there = ", ".join(map(shown, table.names))
        raise CourseError("intake_format_columns", format=known.title, file=main.name, name=missing[0], found=there)
    return Look(path, table, tuple(details), known, None, _preview(table))


def _only(parts: Sequence[Part], path: Path) -> Part:
    """The one file of data; raises CourseError where it is not clear which one is meant."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise CourseError("intake_empty_folder", file=shown(path.name))
    data = [
        part
        for part in parts
        if not part.name.lower().endswith(ASIDE) and not part.name.lower().startswith(ASIDE_NAMES)
    ]
    if len(data) != 1:
        names = ", ".join(part.name for part in (data or parts)[:10])
        raise CourseError("intake_several_files", file=shown(path.name), names=names)
    return data[0]


def _preview(table: Table) -> list[dict[str, str]]:
    head = {name: column.slice(0, PREVIEW).to_pylist() for name, column in table.head.columns.items()}
    return [
        {name: shown(values[n] or "") for name, values in head.items()}
        for n in range(min(PREVIEW, len(table.head.rows)))
    ]


def prepare(seen: Look, mapping: Mapping | None = None, limits: Limits = LIMITS, tick: Tick | None = None) -> Prepared:
    """Reads and cleans the whole file; raises CourseError where the mapping does not fit or nothing useful is left."""
    mapping = (mapping or seen.mapping()).checked(seen.table)
    if not mapping.time_formats:
        mapping = replace(mapping, time_formats=formats_of(seen.table, mapping.columns["time"]))
    decimals = _decimals(seen.table.head, mapping)
    cleaner = _read(seen, mapping, decimals, limits, scaled(tick, 0.1, 0.7))
    told = cleaner.told_decimals()
    if any(told[role] != decimals[role] for role in told):  # the first rows did not tell, or told otherwise
        cleaner = _read(seen, mapping, told, limits, scaled(tick, 0.1, 0.7))
        cleaner.told_decimals()
    report = cleaner.report
    prices: dict[str, float] = {}
    for part in seen.details:
        assert seen.format is not None
        assert seen.format.details is not None
        _read_details(part, seen.format.details, cleaner, prices, limits)
    if tick:
        tick(0.7)
    cleaned = cleaner.finish()
    known = np.array([prices.get(code, np.nan) for code in cleaned.codes], np.float64)
    items = catalogue(cleaned.codes, cleaned.facts, np.where(np.isnan(cleaned.prices), known, cleaned.prices))
    size, sha = digest([seen.table.part, *seen.details])
    if not _comes_back(cleaned.events):
        report.notice("nobody_returns")
    if tick:
        tick(1.0)
    return Prepared(cleaned.events, items, report, mapping, seen.format, seen.path.name, size, sha)


def _read(seen: Look, mapping: Mapping, decimals: Frozen[str, str], limits: Limits, tick: Tick | None) -> Cleaner:
    """All rows, cleaned."""
    report = Report(notices=[*seen.table.layout.notices, *(seen.guessed.notices if seen.guessed else ())])
    cleaner = Cleaner(mapping, limits, report, decimals)
    item = mapping.columns["item"]
    kind = list_kind([one for one in cell_text(seen.table.head.columns[item]).to_pylist() if one])
    if kind or seen.table.layout.within:
        report.notice("lists_split", column=shown(item))
    for batch in seen.table.batches(list(dict.fromkeys(mapping.columns.values())), tick):
        cleaner.take(split_rows(batch, item, kind) if kind else batch)
        if cleaner.full:
            report.notice("rows_capped", limit=f"{limits.rows:,}")
            break
    return cleaner


def _decimals(head: Batch, mapping: Mapping) -> dict[str, str]:
    """By role: the sign before decimals, as the first rows tell."""
    found = {}
    for role in NUMBERS & mapping.columns.keys():
        comma, point = evidence(cell_text(head.columns[mapping.columns[role]]))
        found[role] = COMMA if comma > point else POINT
    return found


def _read_details(part: Part, form: FileFormat, cleaner: Cleaner, prices: dict[str, float], limits: Limits) -> None:
    """What a second file tells about the items that the events know; the first word on each counts."""
    table = open_table(part, limits, form.given)
    roles = {role: name for role, name in form.mapping.columns.items() if name in table.names}
    if "item" not in roles:
        there = ", ".join(map(shown, table.names))
        raise CourseError("intake_unknown_column", file=part.name, name=form.mapping.columns["item"], known=there)
    wanted = list(dict.fromkeys([*roles.values(), *form.where, *form.flags]))
    known = pa.array(list(cleaner.items.numbers), pa.string())
    for batch in table.batches(wanted):
        text = {name: cell_text(column) for name, column in batch.columns.items()}
        keep = pc.is_in(text[roles["item"]], value_set=known)
        for name, values in form.where.items():
            keep = pc.and_(keep, pc.is_in(text[name], value_set=pa.array(values)))
        text = {name: column.filter(keep) for name, column in text.items()}
        codes = text[roles["item"]].to_pylist()
        for role in FACTS:
            if role in roles:
                _tell(cleaner.facts[role], codes, text[roles[role]].to_pylist())
        for flag in form.flags:
            _tell(cleaner.facts["category"], codes, [flag if one == "1" else "" for one in text[flag].to_pylist()])
        if "price" in roles:
            for code, price in zip(codes, numbers_of(text[roles["price"]]).tolist(), strict=True):
                if price > 0:
                    prices.setdefault(code, price)


def _tell(facts: dict[str, str], codes: Sequence[str], texts: Sequence[Any]) -> None:
    for code, text in zip(codes, texts, strict=True):
        if text:
            facts.setdefault(code, path_text(text)[:LONGEST])


def _comes_back(events: pd.DataFrame) -> bool:
    """Has anybody three baskets, as the split of training, validation and test needs them?"""
    baskets = events[["user_id", "basket_id"]].drop_duplicates()
    return bool(np.bincount(baskets["user_id"]).max() >= 3)
