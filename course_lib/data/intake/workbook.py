"""Excel workbooks: values only, by calamine, sheet by sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from course_lib.data.intake.batch import LOOKED_AT, ROWS, Batch, value_text
from course_lib.data.intake.guards import Part, Tick, check_workbook
from course_lib.data.intake.layout import ABOVE, Layout, column_names, head_place, is_header
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.names import REQUIRED, role_of_name
from course_lib.data.intake.report import Said, shown
from course_lib.errors import CourseError


def _calamine(path: Path, name: str) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError, ValueError) as error:
        raise CourseError("intake_workbook_broken", file=shown(name), reason=shown(error)) from error
    except BaseException as error:
        raise _panic(error, name) from error


def _panic(error: BaseException, name: str) -> BaseException:
    """A panic of the Rust reader is a broken workbook; anything else stays what it is."""
    is_ours = isinstance(error, CourseError) or not isinstance(error, Exception)
    if type(error).__name__ == "PanicException" or not is_ours:
        return CourseError("intake_workbook_broken", file=shown(name), reason=shown(error))
    return error


def _sheets(book: Any, name: str, limits: Limits) -> Iterator[tuple[str, Any]]:
    """Each sheet with cells; one at a time, because each is held whole."""
    for sheet in book.sheet_names:
        try:
            found = book.get_sheet_by_name(sheet)
        except BaseException as error:
            raise _panic(error, name) from error
        if found.total_height * max(1, found.width) > limits.cells:
            raise CourseError("intake_workbook_large", file=shown(name), limit=f"{limits.cells:,}")
        if found.height:
            yield sheet, found


@dataclass
class _Head:
    """A sheet's head."""

    names: list[str]  # of the columns, as written
    row: int  # where they stand, from 0
    rows: list[list[str | None]]  # the first ones
    said: tuple[Said, ...]

    @property
    def roles(self) -> int:
        """How many of user, item and time have a column with a usual name."""
        found = {role[0] for name in self.names if (role := role_of_name(name))}
        return len(found & set(REQUIRED))


def workbook_layout(part: Part, limits: Limits, wanted: str = "") -> tuple[Layout, Batch]:
    """The header and the first rows of the sheet ``wanted``, else of the one that looks most like rows of orders.

    Sheets with the same columns, in whatever order, are read with it; others are not, and said.
    Raises CourseError ``intake_unknown_sheet``.
    """
    with part.on_disk(limits) as path:
        notices = check_workbook(path, part.name, limits)
        heads: dict[str, _Head] = {}
        for sheet, cells in _sheets(_calamine(path, part.name), part.name, limits):
            rows = [
                [value_text(cell) for cell in row] for _, row in zip(range(LOOKED_AT), cells.iter_rows(), strict=False)
            ]
            filled = [[(cell or "").strip() for cell in row] for row in rows[:200]]
            if any(map(any, filled)):
                place, said = head_place(filled)
                heads[sheet] = _Head(filled[place], place, rows, said)
    if not heads:
        raise CourseError("intake_empty", file=shown(part.name))
    if wanted and wanted not in heads:
        known = ", ".join(map(shown, heads))
        raise CourseError("intake_unknown_sheet", file=shown(part.name), name=shown(wanted), known=known)
    chosen = wanted or max(heads, key=lambda sheet: heads[sheet].roles)  # the first of equals
    head = heads[chosen]
    header = is_header(head.names, [[cell or "" for cell in row] for row in head.rows[head.row + 1 : 200]])
    names = column_names(head.names, header, head.row + 1, part.name, limits)
    first = head.row + 1 + header
    if not head.rows[first - 1 :]:
        raise CourseError("intake_header_only", file=shown(part.name), row=head.row + 1)
    same = [sheet for sheet, one in heads.items() if header and sorted(one.names) == sorted(head.names)]
    together = (chosen, *(sheet for sheet in same if sheet != chosen))
    notices += head.said
    if left := [sheet for sheet in heads if sheet not in together]:
        params = {"sheets": shown(", ".join(left)), "sheet": shown(chosen)}
        notices.append(Said("sheets_left", params))
    below = head.rows[first - 1 :]
    columns = {name: [row[n] if n < len(row) else None for row in below] for n, name in enumerate(names)}
    texts = {name: pa.array(column, pa.string()) for name, column in columns.items()}
    numbers = np.arange(first, first + len(head.rows) - first + 1)
    layout = Layout("xlsx", names, header=header, first=first, notices=tuple(notices), sheets=together)
    return replace(layout, others=tuple(left)), Batch(numbers, texts, part=chosen)


def workbook(part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None) -> Iterator[Batch]:
    """The rows of the sheets that the layout names, their columns found by name."""
    with part.on_disk(limits) as path:
        book = _calamine(path, part.name)
        several = len(book.sheet_names) > 1
        for sheet, cells in _sheets(book, part.name, limits):
            if sheet not in layout.sheets:
                continue
            rows = cells.iter_rows()
            number, places = layout.first, [layout.names.index(name) for name in wanted]
            if layout.header:
                number, head = _find_head(rows, layout.names)
                if not head:
                    continue
                places = [head.index(name) for name in wanted]
            else:
                for _ in range(layout.first - 1):
                    next(rows, None)
            total = max(1, cells.total_height)
            while taken := [row for _, row in zip(range(ROWS), rows, strict=False)]:
                columns = {
                    name: pa.array([value_text(row[at]) if at < len(row) else None for row in taken], pa.string())
                    for name, at in zip(wanted, places, strict=True)
                }
                yield Batch(np.arange(number, number + len(taken)), columns, part=sheet if several else "")
                number += len(taken)
                if tick:
                    tick(number / total)


def _find_head(rows: Iterator[Sequence[Any]], names: Sequence[str]) -> tuple[int, list[str]]:
    """The row below the one that names the columns, and their names in this sheet's order; no names where none does."""
    for number, row in enumerate(rows, start=1):
        found = [(value_text(cell) or "").strip() or f"column {n}" for n, cell in enumerate(row, start=1)]
        if sorted(found) == sorted(names):
            return number + 1, found
        if number > ABOVE:
            break
    return 0, []
