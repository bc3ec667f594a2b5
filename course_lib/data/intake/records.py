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
from course_lib.data.intake.lists import flat, list_within
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


def json_keys(part: Part, layout: Layout, limits: Limits) -> tuple[tuple[str, ...], str | None]:
    """The columns of the first lines, in order, and the list that holds an order's products, where there is one.

    Raises CourseError where the first line is no object.
    """
    records: list[dict[str, Any]] = []
    for n, (row, line, value) in enumerate(_objects(part, layout, limits, None)):
        if value is None and n == 0:
            raise CourseError("intake_json_broken", file=shown(part.name), row=row, value=shown(line))
        records.append(value or {})
        if n >= HEAD_LINES:
            break
    within = list_within(records)
    keys: dict[str, None] = {}
    for record in records:
        for one in flat(record, within):
            keys |= dict.fromkeys(one)
        if len(keys) > limits.columns:
            raise CourseError("intake_many_columns", file=shown(part.name), count=len(keys), limit=limits.columns)
    return tuple(keys), within


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
        for one in flat(value, layout.within):
            rows.append(row)
            for name, column in zip(wanted, cells, strict=True):
                column.append(value_text(one.get(name)))
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


def parquet_names(part: Part, limits: Limits) -> tuple[tuple[str, ...], str | None]:
    """The columns of a Parquet file, records within records by dotted names, and the list of an order's products."""
    with part.on_disk(limits) as path, closing(_parquet_file(path, part.name, limits)) as file:
        if file.metadata.num_rows == 0 or not len(file.schema_arrow):
            raise CourseError("intake_header_only", file=shown(part.name), row=1)
        names, within = list(file.schema_arrow.names), None
        if any(_holds_records(one.type) for one in file.schema_arrow):
            try:
                head = next(file.iter_batches(HEAD_LINES, use_threads=False)).to_pylist()
            except (pa.ArrowException, OSError, ValueError) as error:
                raise CourseError("intake_parquet_broken", file=shown(part.name), reason=shown(error)) from error
            within = list_within(head)
            names = list(dict.fromkeys(name for record in head for one in flat(record, within) for name in one))
        return column_names(names, True, 1, part.name, limits), within


def _holds_records(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(pa.types.is_struct(kind) or (lists and pa.types.is_struct(kind.value_type)))


def parquet(part: Part, layout: Layout, limits: Limits, wanted: tuple[str, ...], tick: Tick | None) -> Iterator[Batch]:
    """The rows of a Parquet file."""
    with (
        part.on_disk(limits) as path,
        closing(_parquet_file(path, part.name, limits)) as file,
    ):
        done, total = 0, max(1, file.metadata.num_rows)
        try:
            whole = any(name not in file.schema_arrow.names for name in wanted) or layout.within
            for batch in file.iter_batches(ROWS, columns=None if whole else list(wanted), use_threads=False):
                if whole:
                    yield _flat_batch(batch.to_pylist(), layout.within, wanted, done)
                else:
                    columns = {name: _as_text(batch.column(name)) for name in wanted}
                    yield Batch(np.arange(done, done + batch.num_rows) + 1, columns)
                done += batch.num_rows
                if tick:
                    tick(done / total)
        except MemoryError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise CourseError("intake_parquet_broken", file=shown(part.name), reason=shown(error)) from error


def _flat_batch(records: list[dict[str, Any]], within: str | None, wanted: tuple[str, ...], done: int) -> Batch:
    rows = [(n, one) for n, record in enumerate(records, start=done + 1) for one in flat(record, within)]
    columns = {name: pa.array([value_text(one.get(name)) for _, one in rows], pa.string()) for name in wanted}
    return Batch(np.array([n for n, _ in rows], np.int64), columns)


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.dictionary_decode())
    if pa.types.is_nested(kind) or pa.types.is_floating(kind) or pa.types.is_binary(kind):
        values = (one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in column.to_pylist())
        return pa.array([value_text(one) for one in values], pa.string())
    text = column.cast(pa.string())
    text.validate(full=True)  # a damaged page may hold bytes that are no UTF-8, which Arrow does not look at by itself
    return text
