"""Numbers as shops write them: whether a comma or a point stands before the decimals is told by the whole column.

"2,500" is two and a half in Berlin and two thousand five hundred in London. "9,90", "0,500" or "1.299,00" elsewhere in
the column says which; where nothing does, a point is taken for the decimals' sign, and a group of three after a comma
for thousands.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

POINT, COMMA = ".", ","
CODES = (
    "cny|rmb|usd|eur|gbp|hkd|twd|nt|us|hk|jpy|krw|inr|rub|chf|sek|nok|dkk|pln|czk|huf|ron|aud|nzd|cad|sgd|brl|try|"
    "thb|vnd|idr|myr|php|zar|mxn|aed|ils|ars|clp|cop"
)
BEFORE = rf"(?i)^([-+]?)\s*(?:(?:{CODES}|rs\.?|r)?\s?\p{{Sc}}|￥|(?:{CODES}|rs\.?|kr\.?|fr\.?)\s?)\s*([-+]?)"
AFTER = rf"(?i)\s*(?:\p{{Sc}}|￥|元|円|원|块|руб\.?|р\.?|kr\.?|zł|kč|ft|lei|тг|{CODES})$"
MARKS = "['’\u00a0\u202f\u2009 ]"  # between thousands; a blank, too
KNOWN = r"^[-+]?(?:\d{1,15}(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,2})?$"
# What can only be one of the two, and what can be both
ONLY_COMMA = r"^[-+]?(?:\d*,\d{1,2}|\d+,\d{4,}|0,\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})$"
ONLY_POINT = r"^[-+]?(?:\d*\.\d{1,2}|\d+\.\d{4,}|0\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})$"


def bare(column: pa.Array) -> pa.Array:
    """Trimmed text without currencies and without marks between thousands."""
    text = pc.replace_substring_regex(pc.replace_substring_regex(column, BEFORE, r"\1\2"), AFTER, "")
    return pc.replace_substring_regex(text, r"(\d)" + MARKS + r"(\d{3})\b", r"\1\2")


def evidence(column: pa.Array) -> tuple[int, int]:
    """How many values can only have a comma before their decimals, and how many only a point."""
    text = bare(column)
    found = (pc.sum(pc.match_substring_regex(text, shape)).as_py() or 0 for shape in (ONLY_COMMA, ONLY_POINT))
    comma, point = found
    return int(comma), int(point)


def numbers_of(column: pa.Array, decimal: str = "") -> NDArray[np.float64]:
    """Trimmed text as numbers, NaN for what is none; ``decimal`` is "," or ".", or empty to go by this column.

    >>> numbers_of(pa.array(["¥1,234.50", "12.5", "3 元", "free"])).tolist()
    [1234.5, 12.5, 3.0, nan]
    >>> numbers_of(pa.array(["9,90", "2,500", "1.299,00"])).tolist()
    [9.9, 2.5, 1299.0]
    """
    if not decimal:
        comma, point = evidence(column)
        decimal = COMMA if comma > point else POINT
    text = bare(column)
    if decimal == COMMA:
        grouped = pc.match_substring_regex(text, r"^[-+]?\d{1,3}(?:\.\d{3})+(?:,\d*)?$")
        text = pc.if_else(grouped, pc.replace_substring(text, ".", ""), text)
        text = pc.if_else(pc.match_substring_regex(text, r"^[-+]?\d*,\d*$"), pc.replace_substring(text, ",", "."), text)
    else:
        grouped = pc.match_substring_regex(text, r"^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$")
        text = pc.if_else(grouped, pc.replace_substring(text, ",", ""), text)
    known = pc.match_substring_regex(text, KNOWN)
    return np.asarray(pc.cast(pc.if_else(known, text, None), pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def numeric(values: list[str]) -> int:
    """How many values are numbers, with whichever sign before their decimals."""
    column = pa.array(values, pa.string())
    return int((np.isfinite(numbers_of(column, POINT)) | np.isfinite(numbers_of(column, COMMA))).sum())
