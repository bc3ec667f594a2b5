"""Several products in one cell, and records within records: they become a row a product, all of one basket."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from course_lib.data.intake.batch import Batch, cell_text, value_text
from course_lib.data.intake.names import role_of_name

LITERAL = "[]"  # a list as JSON or Python writes it
SIGNS = (",", ";", "|", " ")
IDS = {
    sign: re.compile(rf"[\w.-]+(?:\s*{re.escape(sign)}\s*[\w.-]+)*" if sign != " " else r"\d+(?: +\d+)*")
    for sign in SIGNS
}
DEEPEST = 4  # records within records


def list_kind(values: Sequence[str]) -> str:
    """How a column's cells list several ids: ``LITERAL`` or one of ``SIGNS``; empty where a cell holds one.

    Args:
        values: filled cells. Half must hold several ids, and nearly all must look like a list of ids: "Cup, red" is a
            title, and "1,234" may be a number.
    """
    if not values:
        return ""
    if sum(one.startswith("[") and one.endswith("]") for one in values) >= 0.9 * len(values):
        return LITERAL
    for sign in SIGNS:
        fitting = sum(IDS[sign].fullmatch(one) is not None for one in values)
        several = [one for one in values if sign in one]
        numbers = sign == "," and all(re.fullmatch(r"\d{1,3}(,\d{3})+", one) for one in several)
        if fitting >= 0.98 * len(values) and len(several) >= 0.5 * len(values) and not numbers:
            return sign
    return ""


def items_of(value: str, kind: str) -> list[str]:
    """What a cell lists; itself where it is no list of that kind.

    >>> items_of("['s0', 's1']", LITERAL), items_of("1 2 3", " "), items_of("s0", LITERAL)
    (['s0', 's1'], ['1', '2', '3'], ['s0'])
    """
    if kind != LITERAL:
        return [one.strip() for one in value.split(kind) if one.strip()]
    found: Any = value
    if value.startswith("["):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            try:
                found = ast.literal_eval(value)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                bare = value.strip("[]").replace(",", " ").split()  # numpy writes no commas
                found = [one.strip("'\"") for one in bare]
    return [value_text(one) or "" for one in found] if isinstance(found, list | tuple) else [value]


def split_rows(batch: Batch, item: str, kind: str) -> Batch:
    """A row for each product that a cell lists; columns whose cell lists as many values go along."""
    listed = [items_of(value, kind) for value in cell_text(batch.columns[item]).to_pylist()]
    sizes = np.array([max(1, len(one)) for one in listed])
    at = np.repeat(np.arange(len(listed)), sizes)
    columns: dict[str, pa.Array] = {}
    for name, column in batch.columns.items():
        if name == item:
            columns[name] = pa.array([one for some in listed for one in (some or [""])], pa.string())
            continue
        values = column.to_pylist()
        beside = [
            items_of(value, kind) if value and kind == LITERAL and value.startswith("[") else None for value in values
        ]
        texts: list[str | None] = []
        for value, own, size in zip(values, beside, sizes.tolist(), strict=True):
            texts += own if own is not None and len(own) == size else [value] * size
        columns[name] = pa.array(texts, pa.string())
    return replace(batch, rows=batch.rows[at], columns=columns)


def path_text(text: str) -> str:
    """A fact about a product, with a list of categories as the path "A > B"."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    return " > ".join(one for one in items_of(text, LITERAL) if one)


def flat(record: Mapping[str, Any], within: str | None) -> list[dict[str, Any]]:
    """A record's rows: records within it by dotted names, and a row for each record of the list called ``within``.

    >>> flat({"user": {"id": 7}, "items": [{"sku": "a"}, {"sku": "b"}]}, "items")
    [{'user.id': 7, 'items.sku': 'a'}, {'user.id': 7, 'items.sku': 'b'}]
    """
    plain = _flat(record, "", 0)
    listed = plain.pop(within, None) if within else None
    if not isinstance(listed, list) or not listed:
        return [plain]
    rows = [one for one in listed if isinstance(one, dict)]
    return [{**plain, **_flat(one, f"{within}.", 1)} for one in rows] or [plain]


def _flat(record: Mapping[str, Any], before: str, depth: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and depth < DEEPEST:
            values |= _flat(value, f"{before}{name}.", depth + 1)
        else:
            values[f"{before}{name}"] = value
    return values


def list_within(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The list of records that holds an order's products: one whose records have a column called like an item's."""
    found: dict[str, set[str]] = {}
    for record in records:
        for name, value in _flat(record, "", 0).items():
            if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
                found.setdefault(name, set()).update(*(one.keys() for one in value))
    for name, keys in found.items():
        roles = [role_of_name(f"{name}.{key}") for key in keys]
        if any(role is not None and role[0] == "item" for role in roles):
            return name
    return next(iter(found)) if len(found) == 1 else None
