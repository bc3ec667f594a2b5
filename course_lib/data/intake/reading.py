"""A path to a table: a part of any kind, its columns known, its rows in batches of text with their row numbers.

Everything is text until a later stage knows what a column means, and only a bounded number of rows is in memory at
once. CSV and Parquet are Arrow's own; workbooks come from calamine; a JSON object a line is read by the standard
library, because a broken line then costs only itself.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from course_lib.data.intake.batch import LOOKED_AT, Batch
from course_lib.data.intake.delimited import delimited
from course_lib.data.intake.guards import Part, Tick
from course_lib.data.intake.layout import Given, Layout, find_layout
from course_lib.data.intake.limits import LIMITS, Limits
from course_lib.data.intake.records import json_keys, json_lines, parquet, parquet_names
from course_lib.data.intake.report import shown
from course_lib.data.intake.sequences import SEQUENCES, sequences
from course_lib.data.intake.workbook import workbook, workbook_layout
from course_lib.errors import CourseError


@dataclass(frozen=True)
class Table:
    """A part that can be read, more than once."""

    part: Part
    layout: Layout
    limits: Limits
    seen: Batch | None = None  # the first rows, where finding the layout has read them

    @property
    def names(self) -> tuple[str, ...]:
        """The columns."""
        return self.layout.names

    @functools.cached_property
    def head(self) -> Batch:
        """The first rows, all columns: what guesses and a preview look at. Raises CourseError where there are none."""
        for batch in [self.seen] if self.seen else self.batches():
            if len(batch.rows):
                columns = {name: column.slice(0, LOOKED_AT) for name, column in batch.columns.items()}
                return Batch(batch.rows[:LOOKED_AT], columns, part=batch.part)
        raise CourseError("intake_header_only", file=shown(self.part.name), row=max(1, self.layout.first - 1))

    def batches(self, columns: Sequence[str] | None = None, tick: Tick | None = None) -> Iterator[Batch]:
        """The rows, only the columns that are asked for; raises CourseError where the file cannot be read on."""
        wanted = tuple(columns or self.names)
        for name in wanted:
            if name not in self.names:
                raise CourseError(
                    "intake_unknown_column", file=shown(self.part.name), name=shown(name), known=", ".join(self.names)
                )
        readers = {
            "delimited": delimited, "lines": json_lines, SEQUENCES: sequences, "xlsx": workbook, "parquet": parquet
        }  # fmt: skip
        yield from readers[self.layout.kind](self.part, self.layout, self.limits, wanted, tick)


def open_table(part: Part, limits: Limits = LIMITS, given: Given | None = None, tick: Tick | None = None) -> Table:
    """Guards a part's bytes and finds its columns."""
    layout = find_layout(part, limits, given, tick)
    if layout.kind == "lines":
        names, within = json_keys(part, layout, limits)
        layout = replace(layout, names=names, within=within)
    elif layout.kind == "parquet":
        names, within = parquet_names(part, limits)
        layout = replace(layout, names=names, within=within)
    elif layout.kind == "xlsx":
        layout, seen = workbook_layout(part, limits, given.sheet if given else "")
        return Table(part, layout, limits, seen)
    return Table(part, layout, limits)
