"""Tables on the way out: CSV that a spreadsheet shows as text and never runs as a formula."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pandas as pd

from course_lib.errors import CourseError

ROWS = 100_000  # as text at any time
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what begins a formula in some spreadsheet


def harmless(value: object) -> object:
    """A text that would begin a formula, with an apostrophe before it; anything else as it is.

    >>> harmless("=1+1"), harmless("mug"), harmless(-3)
    ("'=1+1", 'mug', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(STARTS) else value


def to_csv(frame: pd.DataFrame, header: bool = True) -> str:
    """The frame as CSV with a header and no index, lines end as RFC 4180 says; texts and column names are harmless."""
    safe = {
        harmless(name): column if pd.api.types.is_numeric_dtype(column) else column.map(harmless)
        for name, column in frame.items()
    }
    return pd.DataFrame(safe).to_csv(index=False, lineterminator="\r\n", header=header)


def check_file(path: Path) -> str:
    """The kind of a file to write, ".csv" or ".parquet"; raises CourseError for another, and where one is already."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise CourseError("table_file_kind", file=path.name)
    if path.exists():
        raise CourseError("table_file_taken", path=path)
    return kind


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Writes ``frame`` as a new file, CSV or Parquet as its name says, whole or not at all.

    Raises CourseError as :func:`check_file` does, and where the system refuses.
    """
    kind = check_file(path)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        if kind == ".parquet":
            frame.to_parquet(draft, index=False)
        else:
            with draft.open("w", encoding="utf-8", newline="") as file:
                for start in range(0, max(len(frame), 1), ROWS):
                    file.write(to_csv(frame.iloc[start : start + ROWS], header=start == 0))
        os.replace(draft, path)
    except OSError as error:
        raise CourseError("table_file_refused", path=path, reason=error.strerror or error) from error
    finally:
        draft.unlink(missing_ok=True)
