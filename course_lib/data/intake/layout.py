"""How a table lies in its file: encoding, delimiter, and whether the first row names the columns."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from course_lib.data.intake.encodings import CERTAIN, as_utf8, find_encoding, guessed_text
from course_lib.data.intake.guards import Part, Tick, identify
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.names import plain, role_of_name
from course_lib.data.intake.report import Said, shown
from course_lib.data.intake.sequences import NAMES, SEQUENCES, looks_like
from course_lib.data.intake.times import FORMATS, OK, parse
from course_lib.errors import CourseError

SAMPLE = 2**18  # bytes at the head of a text that its layout is judged by
SWALLOWED = 50  # line ends in a value from which an open quotation mark is to blame
ABOVE = 60  # rows among which the columns' names are looked for
DELIMITERS = (",", "\t", ";", "|", "::")
ESCAPED = re.compile(r'\\"(?![,;|\t\r\n]|$)')  # at the end of a value a backslash may be the value's own
NUMBER = re.compile(r"[-+]?[\d,. ]*\d%?")


@dataclass(frozen=True)
class Layout:
    """What is needed to read a part as a table. ``names`` are the columns in order."""

    kind: str  # "delimited", "lines" (a JSON object a line), "sequences" (one line a user), "xlsx", "parquet"
    names: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    quoted: bool = True  # marks around a value may hold delimiters and line ends
    quote: str = '"'
    escape: bool = False  # a backslash before a quotation mark makes it part of the value, as MySQL writes it
    header: bool = True
    first: int = 1  # the row that data begins in, counted from 1
    notices: tuple[Said, ...] = ()
    sheets: tuple[str, ...] = ()  # of a workbook: those that are read, the chosen one and others with its columns
    others: tuple[str, ...] = ()  # its other filled sheets
    within: str | None = None  # of records: the list that holds an order's products, a row each


@dataclass(frozen=True)
class Given:
    """What somebody who knows the file says about it; what is left empty is found out."""

    encoding: str = ""
    delimiter: str = ""
    quoted: bool = True
    names: tuple[str, ...] = ()  # of a file without a header
    sheet: str = ""  # of a workbook
    kind: str = ""  # SEQUENCES where each line is one user's


def find_layout(part: Part, limits: Limits, given: Given | None = None, tick: Tick | None = None) -> Layout:
    """The layout of a part, its bytes guarded first; xlsx and parquet tell their columns when they are opened."""
    given = given or Given()
    kind = identify(part)
    if kind != "text":
        if given.kind:
            raise CourseError("intake_sequence_text", file=shown(part.name))
        return Layout(kind)
    encoding = find_encoding(part, limits, tick, given.encoding)
    notices: tuple[Said, ...] = ()
    if encoding not in CERTAIN and not given.encoding:
        sample = shown(guessed_text(part, encoding, limits))
        notices = (Said("encoding_guessed", {"encoding": encoding.upper(), "sample": sample}),)
    sample = _sample(part, encoding, limits)
    start = sample.lstrip()[:1]
    if not start:
        raise CourseError("intake_empty", file=shown(part.name))
    in_lines = Layout(SEQUENCES, NAMES, encoding, notices=(*notices, Said("one_line_a_user")))
    if given.kind == SEQUENCES:
        return in_lines
    if start == "{":
        return Layout("lines", encoding=encoding, header=False, notices=notices)
    if start == "[" and re.match(r"\s*\[\s*[{\]]", sample):
        raise CourseError("intake_json_array", file=shown(part.name))
    try:
        delimiter = given.delimiter or _delimiter(sample, part.name)
    except CourseError:  # no table: only then may it be something else
        if looks_like(re.split(r"\r\n|\n|\r", sample)):
            return in_lines
        raise
    quote = _quote(sample)
    escape = ESCAPED.search(sample) is not None
    rows = _rows(sample, delimiter, given.quoted, part.name, quote, escape)
    place, said = head_place(rows)
    head = [cell.strip() for cell in rows[place]]
    if given.names:
        place = next((n for n, row in enumerate(rows) if any(cell.strip() for cell in row)), 0)
        head = [cell.strip() for cell in rows[place]]
        if len(head) != len(given.names):
            raise CourseError(
                "intake_other_columns", file=shown(part.name), found=len(head), expected=len(given.names), row=place + 1
            )
        return Layout(
            "delimited", given.names, encoding, delimiter, given.quoted, quote, escape, False, place + 1, notices
        )
    head = _as_wide_as(rows[place + 1 :], head, part.name, place + 1)
    header = is_header(head, rows[place + 1 :])
    names = column_names(head, header, place + 1, part.name, limits)
    if header and not any(any(cell.strip() for cell in row) for row in rows[place + 1 :]):
        raise CourseError("intake_header_only", file=shown(part.name), row=place + 1)
    first = place + 1 + header
    return Layout(
        "delimited", names, encoding, delimiter, given.quoted, quote, escape, header, first, (*notices, *said)
    )


def _as_wide_as(rows: Sequence[Sequence[str]], head: list[str], name: str, row: int) -> list[str]:
    """The first row with as many cells as the others: a delimiter too much at the ends of lines makes an empty one.

    Raises CourseError where the others have more cells, or fewer, and it is not that.
    """
    filled = [one for one in rows[:1000] if any(cell.strip() for cell in one)]
    if not filled:
        return head
    width, count = Counter(map(len, filled)).most_common(1)[0]
    if width == len(head) or count < 0.6 * len(filled):
        return head
    if width < len(head) and not any(head[width:]):
        return head[:width]
    usual = [one for one in filled if len(one) == width]
    if width == len(head) + 1 and not any(one[-1].strip() for one in usual):
        return [*head, ""]
    swallowed = [n for n, one in enumerate(rows, start=row + 1) if any(cell.count("\n") > SWALLOWED for cell in one)]
    if swallowed:
        raise CourseError("intake_quote_open", file=shown(name), row=f"{swallowed[0]:,}")
    raise CourseError("intake_widths", file=shown(name), rows=width, header=len(head), row=row, value=shown(usual[0]))


def _quote(sample: str) -> str:
    """The mark that stands around values: most files have ", some '."""
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", sample)[:200] if line.strip()]
    single = sum(len(line) > 1 and line[0] == line[-1] == "'" for line in lines)
    return "'" if single >= 0.8 * len(lines) else '"'


def _sample(part: Part, encoding: str, limits: Limits) -> str:
    """The head of the text, whole lines only where there is more."""
    taken = b""
    for chunk in as_utf8(part, encoding, limits):
        taken += chunk
        if len(taken) > SAMPLE:
            end = max(taken.rfind(b"\n"), taken.rfind(b"\r"))
            taken = taken[: end + 1] if end > 0 else taken
            break
    return taken.decode("utf-8", "replace").removeprefix("\ufeff")


def _delimiter(sample: str, name: str) -> str:
    """The delimiter that cuts most rows of the sample into the same number of columns, more than one."""
    lines = [line for line in re.split(r"\r\n|\n|\r", sample)[:200] if line.strip()]
    for quoted in (True, False):  # an open quotation mark hides every delimiter behind it
        best, most = "", (False, 0.0)
        for delimiter in DELIMITERS:
            rows = _rows("\n".join(lines), delimiter, quoted, name)
            width, count = Counter(len(row) for row in rows).most_common(1)[0]
            score = count / len(rows) * min(width, 20) if width > 1 else 0.0
            ahead = (_head_fits(rows, width), score)
            if count >= 0.6 * len(rows) and score and ahead > (most[0], most[1] + (0.5 if best else 0.0)):
                best, most = delimiter, ahead
        if best:
            return best
    raise CourseError("intake_one_column", file=shown(name), row=1, value=shown(lines[0]))


def _head_fits(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the row that names the columns has as many cells as most rows, but for an empty one at an end."""
    head = rows[head_place(rows)[0]]
    return len(head) == width or (
        len(head) in (width - 1, width + 1) and not (max(head, rows[-1], key=len)[-1].strip())
    )


def _rows(
    sample: str, delimiter: str, quoted: bool, name: str, quote: str = '"', escape: bool = False
) -> list[list[str]]:
    single = "\x1f" if len(delimiter) > 1 else delimiter
    text = sample.replace(delimiter, single) if len(delimiter) > 1 else sample
    rows = []
    source = io.StringIO(text, newline="")
    if quoted and len(delimiter) == 1:
        reader = csv.reader(source, delimiter=single, quotechar=quote, escapechar="\\" if escape else None)
    else:
        reader = csv.reader(source, delimiter=single, quoting=csv.QUOTE_NONE)
    try:
        for row in reader:
            rows.append(row)
            if len(rows) >= 1000:
                break
    except csv.Error as error:
        raise CourseError("intake_quote_open", file=shown(name), row=len(rows) + 1) from error
    return rows


def head_place(rows: Sequence[Sequence[str | None]]) -> tuple[int, tuple[Said, ...]]:
    """Where the columns' names stand, from 0, and what has to be said about it.

    That is the first row with anything in it; but a report's title, or Excel's "sep=;", may stand above a wider row
    that has several usual names where the first has at most one.
    """
    filled = [[cell.strip() for cell in row if cell and cell.strip()] for row in rows[:ABOVE]]
    first = next((n for n, cells in enumerate(filled) if cells), 0)

    def names(cells: Sequence[str]) -> int:
        return sum(role_of_name(cell) is not None for cell in cells)

    if filled and names(filled[first]) < 2:
        for n, cells in enumerate(filled[first + 1 :], start=first + 1):
            if names(cells) >= 2 and len(cells) > max(2, len(filled[first])):
                return n, (Said("lines_above", {"row": n + 1}),)
    return first, ()


def is_header(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Does the first row name the columns? A usual name says so; numbers and times among its cells say not."""
    if any(role_of_name(cell) for cell in head):
        return True
    if any(_are_values(head)):
        return False
    columns = zip(*(row for row in rows if len(row) == len(head)), strict=False)
    below = [list(column) for column in columns]
    return not below or any(_mostly_values(column) for column in below) or not _repeats(head, below)


def _are_values(cells: Sequence[str]) -> list[bool]:
    """Which of the cells are a number or a time; all are read at once, because a table may have hundreds of columns."""
    stripped = [cell.strip() for cell in cells]
    times = parse(pa.array(stripped, pa.string()), FORMATS).status == OK
    return [bool(time or NUMBER.fullmatch(cell)) for cell, time in zip(stripped, times, strict=True)]


def _mostly_values(column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell.strip()][:100]
    return bool(filled) and sum(_are_values(filled)) >= 0.8 * len(filled)


def _repeats(head: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    return any(name in column for name, column in zip(head, below, strict=False))


def column_names(head: Sequence[str], header: bool, row: int, name: str, limits: Limits) -> tuple[str, ...]:
    """The columns' names; raises CourseError for two of the same name, and for more columns than a table has."""
    if len(head) > limits.columns:
        raise CourseError("intake_many_columns", file=shown(name), count=len(head), limit=limits.columns)
    names = [cell if header and cell else f"column {n}" for n, cell in enumerate(head, start=1)]
    seen: dict[str, int] = {}
    for n, one in enumerate(names, start=1):
        if plain(one) in seen and (one in names[: n - 1]):
            raise CourseError(
                "intake_duplicate_header",
                file=shown(name),
                row=row,
                column=shown(one),
                first=seen[plain(one)],
                second=n,
            )
        seen.setdefault(plain(one), n)
    return tuple(names)
