"""Files of records: a JSON object a line, and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from course_lib.data.intake.batch import ROWS, Batch, value_text
from course_lib.data.intake.encodings import as_utf8
from course_lib.data.intake.guards import Part, Tick, guard_growth
from course_lib.data.intake.layout import Layout, column_names
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.report import shown
from course_lib.errors import CourseError

HEAD_LINES = 1_000  # of a JSON file, whose keys are its columns


def _objects(part: Part, layout: Layout, limits: Limits, tick: Tick | None) -> Iterator[tuple[int, str, Any]]:
    """Row number, text and value of each filled line; the value is None where the line is no JSON object."""
    row, rest = 0, b""
    chunks = as_utf8(part, layout.encoding, limits, tick)
    with closing(chunks):
        for chunk in _with_end(chunks):
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for line in lines:
                row += 1
                if line.strip():
                    try:
                        value = json.loads(line)
                    except (ValueError, RecursionError):
                        value = None
                    yield row, line[:200].decode("utf-8", "replace"), value if isinstance(value, dict) else None


def _with_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks and a last line end, so that a file without one loses nothing."""
    yield from chunks
    yield b"\n"


def json_keys(part: Part, layout: Layout, limits: Limits) -> tuple[str, ...]:
    """The keys of the first lines, in order; raises CourseError where the first line is no object."""
    keys: dict[str, None] = {}
    for n, (row, line, value) in enumerate(_objects(part, layout, limits, None)):
        if value is None and n == 0:
            raise CourseError("intake_json_broken", file=shown(part.name), row=row, value=shown(line))
        keys |= dict.fromkeys(value or {})
        if len(keys) > limits.columns:
            raise CourseError("intake_many_columns", file=shown(part.name), count=len(keys), limit=limits.columns)
        if n >= HEAD_LINES:
            break
    return tuple(keys)


def json_lines(
    part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None
) -> Iterator[Batch]:
    """The rows of a file with a JSON object a line."""
    cells: list[list[str | None]] = [[] for _ in wanted]
    rows: list[int] = []
    broken: list[tuple[int, str]] = []

    def batch() -> Batch:
        columns = {name: pa.array(column, pa.string()) for name, column in zip(wanted, cells, strict=True)}
        return Batch(np.array(rows, np.int64), columns, list(broken))

    for row, line, value in _objects(part, layout, limits, tick):
        if value is None:
            broken.append((row, line))
            continue
        rows.append(row)
        for name, column in zip(wanted, cells, strict=True):
            column.append(value_text(value.get(name)))
        if len(rows) >= ROWS:
            yield batch()
            rows, broken, cells = [], [], [[] for _ in wanted]
    if rows or broken:
        yield batch()


def _parquet_file(path: Path, name: str, limits: Limits) -> Any:
    try:
        file = pa.parquet.ParquetFile(path)
    except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CourseError("intake_parquet_broken", file=shown(name), reason=shown(error)) from error
    groups = (file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups))
    guard_growth(name, path.stat().st_size, sum(groups), limits)
    return file


def parquet_names(part: Part, limits: Limits) -> tuple[str, ...]:
    """The columns of a Parquet file that hold single values or lists."""
    with part.on_disk(limits) as path, closing(_parquet_file(path, part.name, limits)) as file:
        simple = [
            one.name for one in file.schema_arrow if not pa.types.is_nested(one.type) or pa.types.is_list(one.type)
        ]
        if file.metadata.num_rows == 0 or not simple:
            raise CourseError("intake_header_only", file=shown(part.name), row=1)
        return column_names(simple, True, 1, part.name, limits)


def parquet(part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None) -> Iterator[Batch]:
    """The rows of a Parquet file."""
    with (
        part.on_disk(limits) as path,
        closing(_parquet_file(path, part.name, limits)) as file,
    ):
        done, total = 0, max(1, file.metadata.num_rows)
        try:
            for batch in file.iter_batches(ROWS, columns=list(wanted), use_threads=False):
                columns = {name: _as_text(batch.column(name)) for name in wanted}
                yield Batch(np.arange(done, done + batch.num_rows) + 1, columns)
                done += batch.num_rows
                if tick:
                    tick(done / total)
        except MemoryError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise CourseError("intake_parquet_broken", file=shown(part.name), reason=shown(error)) from error


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if pa.types.is_list(kind) or pa.types.is_floating(kind) or pa.types.is_binary(kind):
        values = (one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in column.to_pylist())
        return pa.array([value_text(one) for one in values], pa.string())
    text = column.cast(pa.string())
    text.validate(full=True)  # a damaged page may hold bytes that are no UTF-8, which Arrow does not look at by itself
    return text
