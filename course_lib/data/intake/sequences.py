"""Files with one line a user: the user's id, then the ids of what that user chose, oldest first, blanks between them.

    1 17 204 5
    2 204 9 17 88

The form in which the S3-Rec authors give Amazon's Beauty, Sports and Toys (github.com/RUCAIBox/CIKM2020-S3Rec), and
many papers after them, TIGER's among them. It has no times: the place in the line is the order. The course keeps times,
so an event gets a minute for each place, and whoever adds such a file is told that these are no moments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from course_lib.data.intake.batch import ROWS, Batch
from course_lib.data.intake.encodings import as_utf8
from course_lib.data.intake.guards import Part, Tick
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.report import shown
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.data.intake.layout import Layout

SEQUENCES = "sequences"  # kind of layout, and what --format calls it
NAMES = ("user", "item", "time")  # the columns that a line becomes
BEGUN = np.datetime64("2000-01-01T00:00:00")  # stands for the first place of every line
WORD = re.compile(r"\d{1,18}", re.ASCII)
LINE = re.compile(r" *\d{1,18}(?: +\d{1,18})+ *", re.ASCII)
GOOD = 0.9  # of the sample's lines must look like it; the reader then refuses the others one by one
WIDTHS = 3  # different numbers of items: a table has one


def looks_like(lines: Sequence[str]) -> bool:
    """Are these, which no delimiter cuts into columns, surely lines of one user each?

    Whole numbers and spaces only, hardly a first number twice, and lines of several lengths, the longest twice the
    shortest. Thousands apart, as in "12 345 678", are one number and no line of it.

    >>> looks_like(["1 17 204 5", "2 204 9", "3 5 17 204 9 88 1"]), looks_like(["1 17 5", "1 204 5", "2 9 4"])
    (True, False)
    """
    filled = [line for line in lines if line.strip()]
    found = [line.split() for line in filled if LINE.fullmatch(line)]
    if len(found) < max(2, GOOD * len(filled)):
        return False
    if all(len(word) == 3 for words in found for word in words[1:]):
        return False
    lengths = {len(words) - 1 for words in found}
    users = {words[0] for words in found}
    return len(users) >= GOOD * len(found) and len(lengths) >= WIDTHS and max(lengths) >= 2 * min(lengths)


def _lines(part: Part, layout: Layout, limits: Limits, tick: Tick | None) -> Iterator[tuple[int, str]]:
    """Number and text of each filled line, whatever ends it."""
    number, rest = 0, b""
    chunks = as_utf8(part, layout.encoding, limits, tick)
    with closing(chunks):
        for chunk in (*chunks, b"\n"):
            ended = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
            rest = ended.pop()  # a \r at its end waits for the \n that may follow
            for piece in ended:
                for line in piece.split(b"\r"):
                    number += 1
                    if line.strip():
                        yield number, line.decode("utf-8", "replace").removeprefix("\ufeff")


def sequences(
    part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None
) -> Iterator[Batch]:
    """An event for each item of each line; ``rows`` are the numbers of the lines.

    Raises CourseError at the first line that is not one user's: in a line too many or too few every later event would
    be somebody else's, so nothing is left out in silence.
    """
    users: dict[str, int] = {}
    rows: list[int] = []
    cells: tuple[list[str], list[str], list[int]] = ([], [], [])  # of NAMES, times as places

    def batch() -> Batch:
        times = np.datetime_as_string(BEGUN + np.array(cells[2], "timedelta64[m]"))
        columns = dict(zip(NAMES, (cells[0], cells[1], times.tolist()), strict=True))
        return Batch(np.array(rows, np.int64), {name: pa.array(columns[name], pa.string()) for name in wanted})

    for number, line in _lines(part, layout, limits, tick):
        words = line.split()
        place = {"file": shown(part.name), "row": f"{number:,}"}
        if wrong := next((word for word in words if not WORD.fullmatch(word)), ""):
            raise CourseError("intake_sequence_word", **place, value=shown(wrong))
        user, *items = words
        if not items:
            raise CourseError("intake_sequence_short", **place, value=user)
        if user in users:
            raise CourseError("intake_sequence_again", **place, value=user, first=f"{users[user]:,}")
        users[user] = number
        rows += [number] * len(items)
        cells[0].extend([user] * len(items))
        cells[1].extend(items)
        cells[2].extend(range(len(items)))
        if len(rows) >= ROWS:
            yield batch()
            for column in (rows, *cells):
                column.clear()
    yield batch()
