"""Tables on the way out: CSV that a spreadsheet shows as text and never runs as a formula."""

from __future__ import annotations

import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what begins a formula in some spreadsheet


def harmless(value: object) -> object:
    """A text that would begin a formula, with an apostrophe before it; anything else as it is.

    >>> harmless("=1+1"), harmless("mug"), harmless(-3)
    ("'=1+1", 'mug', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(STARTS) else value


def to_csv(frame: pd.DataFrame) -> str:
    """The frame as CSV with a header and no index, lines end as RFC 4180 says; texts and column names are harmless."""
    safe = {
        harmless(name): column if pd.api.types.is_numeric_dtype(column) else column.map(harmless)
        for name, column in frame.items()
    }
    return pd.DataFrame(safe).to_csv(index=False, lineterminator="\r\n")
