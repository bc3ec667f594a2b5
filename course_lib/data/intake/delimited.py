"""Delimited text, CSV and its kin, by Arrow's streaming reader: a block of bytes at a time, broken rows set aside."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from course_lib.data.intake.batch import Batch
from course_lib.data.intake.encodings import as_utf8
from course_lib.data.intake.guards import Part, Tick
from course_lib.data.intake.layout import SWALLOWED, Layout
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.report import shown
from course_lib.errors import CourseError

BLOCK = 4 * 2**20  # bytes that Arrow parses at once; more than the longest line


class _Stream(io.RawIOBase):
    """A text's UTF-8 bytes as the file that Arrow wants; "::" becomes one character on the way.

    Arrow reads ahead in a thread of its own, so closing waits for it.
    """

    def __init__(self, part: Part, layout: Layout, limits: Limits) -> None:
        super().__init__()
        self.share, self.handed = 0.0, 0  # of the file that is read, and the bytes of text that Arrow has taken
        self._chunks = as_utf8(part, layout.encoding, limits, self._advance)
        self._long = layout.delimiter.encode() if len(layout.delimiter) > 1 else b""
        self._left = b""
        self._busy, self._over = threading.Lock(), False
        self._ends, self._last = 0, b"\n"  # line ends of what is handed over, and its last byte

    def _advance(self, share: float) -> None:
        self.share = share

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer; 0 at the end."""
        with self._busy:
            while not self._left:
                chunk = None if self._over else next(self._chunks, None)
                if chunk is None:
                    return 0
                self._left = self._single(chunk)
            size = min(len(buffer), len(self._left))
            buffer[:size] = self._left[:size]
            self._left = self._left[size:]
            self.handed += size
            self._count(bytes(buffer[:size]))
            return size

    def _count(self, handed: bytes) -> None:
        returns = handed.count(b"\r")
        pairs = (handed.count(b"\r\n") if returns else 0) + (self._last == b"\r" and handed[:1] == b"\n")
        self._ends += handed.count(b"\n") + returns - pairs
        self._last = handed[-1:]

    @property
    def lines(self) -> int:
        """Lines that have been handed over, the last one even where nothing ends it."""
        return self._ends + (self._last not in (b"\r", b"\n"))

    def _single(self, chunk: bytes) -> bytes:
        """The chunk with a delimiter of one character; it may go on in the next chunk."""
        while self._long and chunk.endswith(self._long[:1]) and (more := next(self._chunks, None)) is not None:
            chunk += more
        return chunk.replace(self._long, b"\x1f") if self._long else chunk

    def close(self) -> None:
        """Lets go of the file."""
        with self._busy:
            self._over = True
            self._left = b""
            self._chunks.close()
        super().close()


def delimited(
    part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None
) -> Iterator[Batch]:
    """The rows of a delimited text; raises CourseError where a quote stays open."""
    invalid: list[tuple[int, str]] = []
    left_open: list[int] = []

    def refuse(row: Any) -> str:
        if row.text.count("\n") > SWALLOWED:
            left_open.append(row.number)
            return "error"
        invalid.append((row.number, row.text))
        return "skip"

    delimiter = "\x1f" if len(layout.delimiter) > 1 else layout.delimiter
    read = pa.csv.ReadOptions(
        use_threads=False, block_size=BLOCK, column_names=list(layout.names), skip_rows_after_names=layout.first - 1
    )
    parse = pa.csv.ParseOptions(
        delimiter=delimiter,
        quote_char=layout.quote if layout.quoted and len(layout.delimiter) == 1 else False,
        escape_char="\\" if layout.escape else False,
        newlines_in_values=layout.quoted,
        ignore_empty_lines=False,
        invalid_row_handler=refuse,
    )
    convert = pa.csv.ConvertOptions(
        include_columns=list(wanted), column_types=dict.fromkeys(layout.names, pa.string()), strings_can_be_null=False
    )
    following, used, parsed = layout.first, 0, 0
    quoted = bool(parse.quote_char)
    with closing(_Stream(part, layout, limits)) as stream:
        try:
            reader = pa.csv.open_csv(io.BufferedReader(stream, BLOCK), read, parse, convert)
            for batch in reader:
                rows, taken = _numbers(following, batch.num_rows, invalid[used:])
                broken, used = invalid[used : used + taken], used + taken
                following = following + batch.num_rows + taken
                parsed += BLOCK
                if tick:  # Arrow reads far ahead of the batch that comes out
                    tick(stream.share * min(1.0, parsed / max(1, stream.handed)))
                yield Batch(rows, dict(zip(wanted, batch.columns, strict=True)), broken)
        except pa.ArrowInvalid as error:
            if left_open or "straddl" in str(error):
                row = left_open[0] if left_open else following
                raise CourseError("intake_quote_open", file=shown(part.name), row=f"{row:,}") from error
            raise CourseError(
                "intake_unreadable", file=shown(part.name), row=f"{following:,}", reason=shown(error)
            ) from error
    if quoted and stream.lines >= following + len(invalid) - used:  # some row takes several lines
        _refuse_swallowed(part, layout, limits)
    if len(invalid) > used:
        yield Batch(np.zeros(0, np.int64), {name: pa.array([], pa.string()) for name in wanted}, invalid[used:])


def _refuse_swallowed(part: Part, layout: Layout, limits: Limits) -> None:
    """Raises CourseError where a quotation mark that is never closed, or closed far below, has made one row of many.

    Arrow takes all that follows an open mark for one value and says nothing where the columns still add up. A value of
    several lines is sound where its closing mark is followed by a delimiter or the end of the line.
    """
    with closing(_Stream(part, layout, limits)) as stream:
        lines = io.TextIOWrapper(io.BufferedReader(stream, BLOCK), "utf-8", "replace", newline="")
        escape = "\\" if layout.escape else None
        rows = csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, escapechar=escape, strict=True)
        row = 0
        while True:
            row, begun = row + 1, rows.line_num
            try:
                next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                if rows.line_num > begun + 1:
                    raise CourseError("intake_quote_open", file=shown(part.name), row=f"{row:,}") from error


def _numbers(following: int, count: int, invalid: Sequence[tuple[int, str]]) -> tuple[NDArray[np.int64], int]:
    """Row numbers of ``count`` good rows from ``following`` on, and how many invalid ones lie before the last."""
    taken, end = 0, following + count
    while taken < len(invalid) and invalid[taken][0] < end:
        taken, end = taken + 1, end + 1
    rows = np.arange(following, end)
    if taken:
        rows = np.setdiff1d(rows, [number for number, _ in invalid[:taken]], assume_unique=True)
    return rows, taken
