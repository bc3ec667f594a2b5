"""Which column is the user, the item, the time: guessed from names and contents, with a confidence and a reason."""

from __future__ import annotations

from collections.abc import Mapping as Frozen
from dataclasses import dataclass, field, replace
from typing import Any

from course_lib.data.intake.batch import cell_text
from course_lib.data.intake.guards import Tick
from course_lib.data.intake.names import REQUIRED, ROLES, role_of_name
from course_lib.data.intake.reading import Table
from course_lib.data.intake.report import Said, shown
from course_lib.data.intake.times import FORMATS, SLASHES, Found, check_zone, find_formats
from course_lib.errors import CourseError

SURE = 0.6  # a confidence from which nobody is asked


@dataclass(frozen=True)
class Mapping:
    """What the columns mean and how their values become interactions."""

    columns: Frozen[str, str]  # role to column name
    time_formats: tuple[str, ...] = ()  # of times.FORMATS, tried in this order
    zone: str = "UTC"  # of times that name none
    events: tuple[str, ...] = ()  # event types that count as an interaction; all where empty
    min_rating: float | None = None  # the lowest rating that counts as an interaction; all where None
    not_products: tuple[str, ...] = ()  # item codes that are no goods: postage, fees

    def checked(self, table: Table) -> Mapping:
        """Itself; raises CourseError for a missing role, an unknown one, a column that is not there or serves twice."""
        for role in REQUIRED:
            if not self.columns.get(role):
                raise CourseError(
                    f"intake_no_{role}", file=shown(table.part.name), known=", ".join(map(shown, table.names))
                )
        for role, column in self.columns.items():
            if role not in ROLES:
                raise CourseError("intake_unknown_role", name=role, known=", ".join(ROLES))
            if column not in table.names:
                known = ", ".join(map(shown, table.names))
                raise CourseError("intake_unknown_column", file=shown(table.part.name), name=shown(column), known=known)
        used = [self.columns[role] for role in REQUIRED]
        if twice := next((column for column in used if used.count(column) > 1), None):
            raise CourseError("intake_column_twice", column=shown(twice))
        if unknown := [name for name in self.time_formats if name not in FORMATS]:
            raise CourseError("intake_unknown_time_format", name=unknown[0], known=", ".join(FORMATS))
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

    @property
    def mapping(self) -> Mapping:
        """The mapping that the guesses make; formats left open where day and month cannot be told apart."""
        columns = {role: guess.column for role, guess in self.guesses.items()}
        formats = tuple(name for name in self.time.formats if not (self.time.ambiguous and name in SLASHES))
        return Mapping(columns, formats)


def guess(table: Table, tick: Tick | None = None) -> Guessed:
    """Guesses every role. The column of times is read on, as far as needed, to tell day/month from month/day."""
    samples = _samples(table)
    times = {name: find_formats(values) for name, values in samples.items()}
    guesses: dict[str, Guess] = {}
    named = (
        [(name, role_of_name(name)) for name in table.names]
        if table.layout.header or table.layout.kind == "lines"
        else []
    )
    usual = sorted(((n, f) for n, f in named if f), key=lambda pair: -pair[1][1])
    for name, (role, confidence) in usual:
        if role in guesses or not _fits(role, samples[name], times[name]):
            continue
        guesses[role] = Guess(role, name, round(confidence, 2), Said("guess_name", {"column": shown(name)}))
    if "time" not in guesses:
        _guess_time(table, times, guesses)
    free = [name for name in table.names if name not in {one.column for one in guesses.values()} and samples[name]]
    for role in ("user", "item"):
        if role not in guesses and free:
            column = free.pop(0)
            guesses[role] = Guess(role, column, 0.3, Said("guess_order", {"column": shown(column)}))
    if "title" in guesses and guesses["title"].column == guesses.get("item", guesses["title"]).column:
        del guesses["title"]
    time = _whole_column(table, guesses["time"].column, times, tick) if "time" in guesses else Found((), 0.0)
    called = next((name for name, (role, _) in usual if role == "time" and samples[name]), None)
    return Guessed(guesses, time, _question(table, guesses, time, called), samples)


def _samples(table: Table) -> dict[str, list[str]]:
    """The first filled values of each column."""
    return {name: [one for one in cell_text(column).to_pylist() if one] for name, column in table.head.columns.items()}


def _fits(role: str, values: list[str], time: Found) -> bool:
    """May a column with these values have that role? An empty column has none; a number must be one."""
    if not values:
        return False
    if role == "time":
        return time.share >= 0.5
    if role in ("price", "quantity", "rating"):
        return sum(any(sign.isdigit() for sign in value) for value in values) >= 0.5 * len(values)
    return True


def _guess_time(table: Table, times: dict[str, Found], guesses: dict[str, Guess]) -> None:
    taken = {one.column for one in guesses.values() if one.confidence >= SURE}
    open_columns = [name for name in table.names if name not in taken and times[name].share >= 0.9]
    if open_columns:
        column = max(open_columns, key=lambda name: times[name].share)
        for role in [role for role, one in guesses.items() if one.column == column]:
            del guesses[role]
        params = {"column": shown(column), "formats": ", ".join(times[column].formats)}
        guesses["time"] = Guess("time", column, 0.7, Said("guess_content", params))


def _whole_column(table: Table, column: str, times: dict[str, Found], tick: Tick | None) -> Found:
    """The formats of the time column; where the first rows leave day and month open, all rows are asked."""
    found = times[column]
    if not found.ambiguous:
        return found
    kept: dict[str, None] = {}
    for batch in table.batches([column], tick):
        values = [value for value in cell_text(batch.columns[column]).unique().to_pylist() if value]
        now = find_formats(values)
        if not now.ambiguous and set(now.formats) & set(SLASHES):
            return now
        kept |= dict.fromkeys(values[:100])
    return replace(find_formats(list(kept)), ambiguous=True)


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


def _question(table: Table, guesses: dict[str, Guess], time: Found, called: str | None = None) -> CourseError | None:
    """What has to be asked. ``called`` is a filled column whose name promises times."""
    known = ", ".join(map(shown, table.names))
    if "time" not in guesses and called is not None:
        return _not_times(table, called)
    for role in ("time", "user", "item"):
        if role not in guesses:
            return CourseError(f"intake_no_{role}", file=shown(table.part.name), known=known)
        if guesses[role].confidence < SURE:
            return CourseError(f"intake_unsure_{role}", column=shown(guesses[role].column), known=known)
    return _time_question(table, guesses["time"].column, time)


def _time_question(table: Table, column: str, time: Found) -> CourseError | None:
    """What has to be asked about a column that is to hold the times."""
    if not time.formats:
        known = ", ".join(map(shown, table.names))
        return CourseError("intake_no_time", file=shown(table.part.name), known=known)
    if time.ambiguous or time.contradiction:
        row, value = _first_slash(table, column)
        key = "intake_time_ambiguous" if time.ambiguous else "intake_time_contradiction"
        return CourseError(key, column=shown(column), row=f"{row:,}", value=shown(value))
    return None


def _first_slash(table: Table, column: str) -> tuple[int, str]:
    """The first row whose time can be day/month or month/day."""
    for batch in table.batches([column]):
        for row, value in zip(batch.rows.tolist(), cell_text(batch.columns[column]).to_pylist(), strict=True):
            if value and set(find_formats([value]).formats) & set(SLASHES):
                return row, value
    return 0, ""
