"""Excel workbooks: values only, by calamine, sheet by sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from course_lib.data.intake.batch import LOOKED_AT, ROWS, Batch, value_text
from course_lib.data.intake.guards import Part, Tick, check_workbook
from course_lib.data.intake.layout import Layout, column_names, head_place, is_header
from course_lib.data.intake.limits import Limits
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


def workbook_layout(part: Part, limits: Limits) -> tuple[Layout, Batch]:
    """The header of the first filled sheet and its first rows; a sheet with another header is not read, and said."""
    with part.on_disk(limits) as path:
        notices = check_workbook(path, part.name, limits)
        heads: dict[str, list[str]] = {}
        found: tuple[Layout, Batch] | None = None
        for sheet, cells in _sheets(_calamine(path, part.name), part.name, limits):
            rows = [
                [value_text(cell) for cell in row] for _, row in zip(range(LOOKED_AT), cells.iter_rows(), strict=False)
            ]
            filled = [[(cell or "").strip() for cell in row] for row in rows[:200]]
            if not any(map(any, filled)):
                continue
            place, said = head_place(filled)
            heads[sheet] = filled[place]
            if found is None:
                notices += said
                header = is_header(filled[place], filled[place + 1 :])
                names = column_names(filled[place], header, place + 1, part.name, limits)
                first = place + 1 + header
                if not rows[first - 1 :]:
                    raise CourseError("intake_header_only", file=shown(part.name), row=place + 1)
                columns = {name: [row[n] for row in rows[first - 1 :]] for n, name in enumerate(names)}
                texts = {name: pa.array(column, pa.string()) for name, column in columns.items()}
                numbers = np.arange(first, first + len(rows) - first + 1)
                found = Layout("xlsx", names, header=header, first=first), Batch(numbers, texts, part=sheet)
    if found is None:
        raise CourseError("intake_empty", file=shown(part.name))
    first_head = next(iter(heads.values()))
    if left := [sheet for sheet, head in heads.items() if head != first_head]:
        notices.append(Said("sheets_left", {"sheets": shown(", ".join(left))}))
    return replace(found[0], notices=tuple(notices)), found[1]


def workbook(part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None) -> Iterator[Batch]:
    """The rows of every sheet that has the first one's header."""
    places = [layout.names.index(name) for name in wanted]
    head = list(layout.names) if layout.header else None
    with part.on_disk(limits) as path:
        book = _calamine(path, part.name)
        several = len(book.sheet_names) > 1
        for n, (sheet, cells) in enumerate(_sheets(book, part.name, limits)):
            rows = cells.iter_rows()
            begin = layout.first if n == 0 or head else 1
            skipped = [next(rows, None) for _ in range(begin - 1)]
            if n and head and (not skipped or skipped[-1] is None or not _same_head(skipped[-1], head)):
                continue
            number, total = begin, max(1, cells.total_height)
            while taken := [row for _, row in zip(range(ROWS), rows, strict=False)]:
                columns = {
                    name: pa.array([value_text(row[at]) if at < len(row) else None for row in taken], pa.string())
                    for name, at in zip(wanted, places, strict=True)
                }
                yield Batch(np.arange(number, number + len(taken)), columns, part=sheet if several else "")
                number += len(taken)
                if tick:
                    tick(number / total)


def _same_head(row: Sequence[Any], head: Sequence[str]) -> bool:
    return [(value_text(cell) or "").strip() or f"column {n}" for n, cell in enumerate(row, start=1)] == list(head)
