"""Which column is the user, the item, the time: guessed from names and contents, with a confidence and a reason."""

from __future__ import annotations

from collections.abc import Mapping as Frozen
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_lib.data.intake.batch import cell_text
from course_lib.data.intake.evidence import against, clock_of, fits, tells_hours
from course_lib.data.intake.exports import export_of
from course_lib.data.intake.guards import Tick
from course_lib.data.intake.names import REQUIRED, ROLES, is_no_time, role_of_name
from course_lib.data.intake.reading import Table
from course_lib.data.intake.report import Said, shown
from course_lib.data.intake.time_formats import Found, day_of, deciding, find_formats, written
from course_lib.data.intake.times import DAYS_ALONE, FORMATS, SLASHES, UNREADABLE, check_zone, parse
from course_lib.errors import CourseError

SURE = 0.6  # a confidence from which nobody is asked
FILLS = ("yes", "no")
MOST_TOLD = 100_000  # different times that are remembered of a column whose format is in question
GUESTS = ("one", "drop")  # what may be made of rows whose customer is "Guest": one person, or left out


@dataclass(frozen=True)
class ByHand:
    """What somebody says about the columns. What is left out is guessed, and asked where the guess is not sure."""

    columns: Frozen[str, str] = field(default_factory=dict)  # role to column; to "" where no column has that role
    time_formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """What the columns mean and how their values become interactions."""

    columns: Frozen[str, str]  # role to column name
    time_formats: tuple[str, ...] = ()  # of times.FORMATS, tried in this order
    zone: str = "UTC"  # of times that name none
    events: tuple[str, ...] = ()  # event types that count as an interaction; all where empty
    min_rating: float | None = None  # the lowest rating that counts as an interaction; all where None
    not_products: tuple[str, ...] = ()  # item codes that are no goods: postage, fees
    guests: str = ""  # of GUESTS; empty: it is asked
    fill: str = ""  # of FILLS: whether an order's first line names customer and moment for all its lines; empty: asked
    by_hand: tuple[str, ...] = ()  # roles that somebody has named, and "time_format"; the others are guessed

    def checked(self, table: Table) -> Mapping:
        """Itself; raises CourseError for a missing role, an unknown one, a column that is not there or serves twice."""
        known = ", ".join(map(shown, table.names))
        for role in REQUIRED:
            if not self.columns.get(role):
                raise CourseError(f"intake_no_{role}", file=shown(table.part.name), known=known)
        for role, column in self.columns.items():
            if role not in ROLES:
                raise CourseError("intake_unknown_role", name=role, known=", ".join(ROLES))
            if column not in table.names:
                raise CourseError("intake_unknown_column", file=shown(table.part.name), name=shown(column), known=known)
        used = [self.columns[role] for role in REQUIRED]
        if twice := next((column for column in used if used.count(column) > 1), None):
            raise CourseError("intake_column_twice", column=shown(twice))
        if unknown := [name for name in self.time_formats if name not in FORMATS]:
            raise CourseError("intake_unknown_time_format", name=unknown[0], known=", ".join(FORMATS))
        if self.events and "event" not in self.columns:
            raise CourseError("intake_events_without_column", events=", ".join(self.events), known=known)
        if self.guests not in ("", *GUESTS):
            raise CourseError("intake_guests_choice", value=shown(self.guests), known=", ".join(GUESTS))
        if self.fill not in ("", *FILLS):
            raise CourseError("intake_fill_choice", value=shown(self.fill), known=", ".join(FILLS))
        check_zone(self.zone)
        return self

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        lists = {name: list(value) for name, value in vars(self).items() if isinstance(value, tuple)}
        return {**vars(self), **lists, "columns": dict(self.columns)}


@dataclass(frozen=True)
class Guess:
    """One role's column, how sure that is (0 to 1), and why."""

    role: str
    column: str
    confidence: float
    reason: Said


@dataclass(frozen=True)
class Guessed:
    """All guesses for a table. ``question`` is the CourseError to raise, or to show, where somebody must decide."""

    guesses: dict[str, Guess]
    time: Found
    question: CourseError | None = None
    samples: dict[str, list[str]] = field(default_factory=dict)  # column to its first filled values
    notices: tuple[Said, ...] = ()  # columns that have a usual name and are not used
    by_hand: ByHand = ByHand()

    @property
    def mapping(self) -> Mapping:
        """The mapping that the guesses make; formats left open where no value tells which one is meant."""
        columns = {role: guess.column for role, guess in self.guesses.items()}
        formats = self.by_hand.time_formats or (() if self.time.ambiguous else self.time.formats)
        said = (*(role for role in self.by_hand.columns), *(["time_format"] if self.by_hand.time_formats else []))
        return Mapping(columns, formats, by_hand=said)


def guess(table: Table, by_hand: ByHand | None = None, tick: Tick | None = None) -> Guessed:
    """Guesses every role that nobody has named. All rows are asked what format the times have, where it matters.

    Raises CourseError for a role, a column or a time format that is named and not there.
    """
    by_hand = by_hand or ByHand()
    _check_by_hand(table, by_hand)
    samples = _samples(table)
    times = {name: find_formats(values) for name, values in samples.items()}
    guesses = {
        role: Guess(role, column, 1.0, Said("guess_by_hand", {"column": shown(column)}))
        for role, column in by_hand.columns.items()
        if column
    }
    notices: list[Said] = []
    if export := export_of(table.names):
        if export.join:
            raise CourseError("intake_export_join", file=shown(table.part.name), title=export.title, join=export.join)
        notices.append(Said("known_export", {"title": export.title}))
        for role, column in export.columns.items():
            if column in table.names and samples[column] and role not in by_hand.columns:
                guesses[role] = Guess(
                    role, column, 0.99, Said("guess_export", {"column": shown(column), "title": export.title})
                )
    taken = {one.column for one in guesses.values()}
    has_names = table.layout.header or table.layout.kind == "lines"
    named = [(name, role_of_name(name)) for name in table.names if name not in taken] if has_names else []
    usual = sorted(
        ((name, found) for name, found in named if found),
        # Of two columns that are both called a time, the one that tells the hour is worth more.
        key=lambda pair: (
            -pair[1][1] - (0.3 if pair[1][0] == "time" and tells_hours(samples[pair[0]], times[pair[0]]) else 0)
        ),
    )
    for name, (role, confidence) in usual:
        if role in guesses or role in by_hand.columns or not fits(role, samples[name], times[name]):
            continue
        guesses[role] = Guess(role, name, round(confidence, 2), Said("guess_name", {"column": shown(name)}))
    for role in ("title", "category", "brand", "basket"):  # once more, now that user, item and time are known
        if (
            role in guesses
            and role not in by_hand.columns
            and (why := against(table, role, guesses[role].column, guesses))
        ):
            notices.append(Said(why, {"column": shown(guesses.pop(role).column)}))
    if "time" not in guesses and "time" not in by_hand.columns:
        _guess_time(table, times, guesses, by_hand)
    free = [name for name in table.names if name not in {one.column for one in guesses.values()} and samples[name]]
    for role in ("user", "item"):
        if role not in guesses and free:
            column = free.pop(0)
            guesses[role] = Guess(role, column, 0.3, Said("guess_order", {"column": shown(column)}))
    if "title" in guesses and guesses["title"].column == guesses.get("item", guesses["title"]).column:
        del guesses["title"]
    time = _whole_column(table, guesses["time"].column, times, tick) if "time" in guesses else Found((), 0.0)
    if "time" in guesses and "clock" not in by_hand.columns:
        _guess_clock(table, samples, guesses)
    called = next((name for name, (role, _) in usual if role == "time" and samples[name]), None)
    question = _question(table, guesses, time, called, by_hand)
    return Guessed(guesses, time, question, samples, tuple(notices), by_hand)


def _check_by_hand(table: Table, by_hand: ByHand) -> None:
    """Raises CourseError for what is said about the columns and cannot be."""
    named = {role: column for role, column in by_hand.columns.items() if column}
    for role, column in by_hand.columns.items():
        if role not in ROLES or (role in REQUIRED and not column):
            raise CourseError("intake_unknown_role", name=role, known=", ".join(ROLES))
    for column in named.values():
        if column not in table.names:
            known = ", ".join(map(shown, table.names))
            raise CourseError("intake_unknown_column", file=shown(table.part.name), name=shown(column), known=known)


def _samples(table: Table) -> dict[str, list[str]]:
    """The first filled values of each column."""
    return {name: [one for one in cell_text(column).to_pylist() if one] for name, column in table.head.columns.items()}


def _guess_time(table: Table, times: dict[str, Found], guesses: dict[str, Guess], by_hand: ByHand) -> None:
    """A column of days as people write them may be the time without being called so; digits may be anything."""
    taken = {one.column for one in guesses.values() if one.confidence >= SURE}
    has_names = table.layout.header or table.layout.kind == "lines"
    candidates = [
        name
        for name in table.names
        if name not in taken and times[name].share >= 0.9 and not (has_names and is_no_time(name))
    ]
    days = [name for name in candidates if written(times[name])]
    if not (days or candidates):
        return
    column = max(days or candidates, key=lambda name: times[name].share)
    for role in [role for role, one in guesses.items() if one.column == column and role not in by_hand.columns]:
        del guesses[role]
    params = {"column": shown(column), "formats": ", ".join(times[column].formats)}
    sure = len(days) == 1
    guesses["time"] = Guess("time", column, 0.7 if sure else 0.3, Said("guess_content", params))


def _guess_clock(table: Table, samples: dict[str, list[str]], guesses: dict[str, Guess]) -> None:
    """Where the days have no time of day, the first column of times of day is theirs."""
    days = samples[guesses["time"].column]
    if any(":" in one or "时" in one for one in days):
        return
    taken = {one.column for one in guesses.values()}
    for name in table.names:
        values = samples[name]
        if name not in taken and values and sum(clock_of(one) for one in values) >= 0.9 * len(values):
            guesses["clock"] = Guess("clock", name, 0.9, Said("guess_clock", {"column": shown(name)}))
            return


def _whole_column(table: Table, column: str, times: dict[str, Found], tick: Tick | None) -> Found:
    """The formats of the time column, by all rows where values of one shape can be read in several ways."""
    found = times[column]
    if not (set(found.formats) & {*SLASHES, *DAYS_ALONE}):
        return found
    kept: dict[str, None] = {}
    for batch in table.batches([column], tick):
        values = [value for value in cell_text(batch.columns[column]).unique().to_pylist() if value]
        if len(kept) < MOST_TOLD:
            kept |= dict.fromkeys(values)
        else:  # enough are remembered; of the rest those alone that decide
            kept |= dict.fromkeys(deciding(values))
    return find_formats(list(kept))


def formats_of(table: Table, column: str) -> tuple[str, ...]:
    """The formats of ``column``'s times, by its values; raises CourseError where these are no times, or ambiguous."""
    values = [one for one in cell_text(table.head.columns[column]).to_pylist() if one]
    found = _whole_column(table, column, {column: find_formats(values)}, None)
    if not found.formats:
        raise _not_times(table, column)
    if question := _time_question(table, column, found):
        raise question
    return found.formats


def _not_times(table: Table, column: str) -> CourseError:
    """The refusal of a column of times, at its first filled value."""
    values = cell_text(table.head.columns[column]).to_pylist()
    at = next((n for n, value in enumerate(values) if value), 0)
    return CourseError(
        "intake_not_times", column=shown(column), row=f"{int(table.head.rows[at]):,}", value=shown(values[at])
    )


def _question(
    table: Table, guesses: dict[str, Guess], time: Found, called: str | None, by_hand: ByHand
) -> CourseError | None:
    """What has to be asked. ``called`` is a filled column whose name promises times."""
    known = ", ".join(map(shown, table.names))
    if "time" not in guesses and called is not None:
        return _not_times(table, called)
    for role in ("time", "user", "item"):
        if role not in guesses:
            return CourseError(f"intake_no_{role}", file=shown(table.part.name), known=known)
        if guesses[role].confidence < SURE:
            return CourseError(f"intake_unsure_{role}", column=shown(guesses[role].column), known=known)
    if by_hand.time_formats:
        return None
    if not time.formats and "time" in by_hand.columns:
        return _not_times(table, guesses["time"].column)
    return _time_question(table, guesses["time"].column, time)


def _time_question(table: Table, column: str, time: Found) -> CourseError | None:
    """What has to be asked about a column that is to hold the times."""
    if not time.formats:
        known = ", ".join(map(shown, table.names))
        return CourseError("intake_no_time", file=shown(table.part.name), known=known)
    if time.half_converted:
        row, value = _first_read_by(table, column, SLASHES)
        return CourseError("intake_time_half", column=shown(column), row=f"{row:,}", value=shown(value))
    if time.ambiguous or time.contradiction:
        row, value = _first_read_by(table, column, time.ambiguous or SLASHES)
        place = {"column": shown(column), "row": f"{row:,}", "value": shown(value)}
        if time.contradiction:
            return CourseError("intake_time_contradiction", **place)
        if set(time.ambiguous) == {"dmy", "mdy"}:
            return CourseError("intake_time_ambiguous", **place)
        readings = (f"{name} ({day_of(value, name)})" for name in time.ambiguous)
        return CourseError("intake_time_readings", **place, readings=", ".join(readings))
    return None


def _first_read_by(table: Table, column: str, formats: Sequence[str]) -> tuple[int, str]:
    """The first row whose time all of ``formats`` can read, else any of them."""
    some = (0, "")
    for batch in table.batches([column]):
        text = cell_text(batch.columns[column])
        masks = [parse(text, (name,)).status != UNREADABLE for name in formats]
        for mask in (np.logical_and.reduce(masks), np.logical_or.reduce(masks)):
            if mask.any():
                first = int(np.flatnonzero(mask)[0])
                some = (int(batch.rows[first]), text[first].as_py())
                break
        if some[1]:
            return some
    return some
