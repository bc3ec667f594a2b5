"""Some rows of a table as text columns, and how a value becomes text."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LOOKED_AT = 5_000  # rows at the head of a table that guesses and a preview look at
ROWS = 50_000  # of one batch, where the format lets us choose
MISSING = pa.array(["", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "\\n", "undefined", "-", "--"])  # lower case


@dataclass(frozen=True)
class Batch:
    """Some rows. Every column is a ``pa.StringArray``, None where a format has real gaps."""

    rows: NDArray[np.int64]  # (n,) row numbers as a spreadsheet shows them, from 1
    columns: dict[str, pa.Array]
    broken: list[tuple[int, str]] = field(default_factory=list)  # rows that are no rows of this table, and their text
    part: str = ""  # the sheet, where there are several


def value_text(value: Any) -> str | None:
    """A value of a workbook or of JSON as text; whole numbers without ".0", lists as JSON."""
    if value is None or isinstance(value, str):
        return value if value is None else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def cell_text(column: pa.Array) -> pa.Array:
    """A column trimmed and without control characters, "" for every way of saying that nothing is there."""
    visible = pc.replace_substring_regex(pc.fill_null(column, ""), r"[\x00-\x1f\x7f]+", " ")
    trimmed = pc.utf8_trim_whitespace(visible)
    return pc.if_else(pc.is_in(pc.utf8_lower(trimmed), value_set=MISSING), "", trimmed)
