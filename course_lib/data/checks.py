"""Is a dataset what the rest of the course expects? ``check(dataset)`` names every rule that it breaks.

    problems = check(load(resolve("shop", "tiny")))   # () where all is well

One check for every dataset, so that a new one comes under the same test by being in the registry.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from course_lib.data.columns import EVENT_COLUMNS, ITEM_COLUMNS, Columns
from course_lib.data.dataset import Dataset

EVENT_TYPES = {Columns.USER: "int32", Columns.ITEM: "int32", Columns.TIME: "int64", Columns.BASKET: "int64"}
FILLED = (Columns.CODE, Columns.TITLE_ZH, Columns.TITLE_EN, Columns.DEPARTMENT, Columns.DEPARTMENT_ZH,
          Columns.DEPARTMENT_EN, Columns.TYPE, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.EMOJI)  # fmt: skip


def check(dataset: Dataset) -> tuple[str, ...]:
    """A sentence for each rule that ``dataset`` breaks, with the first place; empty where all is well."""
    return (*check_items(dataset.items), *check_events(dataset.events, dataset.num_items))


def check_events(events: pd.DataFrame, num_items: int) -> tuple[str, ...]:
    """The rules for events: columns, integer types, known ids, sorted by user and time, a basket has one user."""
    if tuple(events.columns) != EVENT_COLUMNS:
        return (f"events have columns {list(events.columns)}; expected {list(EVENT_COLUMNS)}",)
    problems = [
        f"events.{name} is {events[name].dtype}; expected {kind}"
        for name, kind in EVENT_TYPES.items()
        if str(events[name].dtype) != kind
    ]
    if problems:
        return tuple(problems)
    if not len(events):
        return ("events are empty",)
    user, item, time, basket = (events[name].to_numpy() for name in EVENT_COLUMNS)
    steps = np.diff(user)
    if user[0] != 0 or not np.isin(steps, (0, 1)).all():
        problems.append("events.user_id must begin at 0, be sorted, and leave no number out")
    elif (np.diff(time)[steps == 0] < 0).any():
        row = int(np.flatnonzero((steps == 0) & (np.diff(time) < 0))[0]) + 1
        problems.append(f"events.timestamp goes back in row {row}, within one user")
    if item.min() < 1 or item.max() > num_items:
        problems.append(f"events.item_id lies in {item.min()}..{item.max()}; expected 1..{num_items}")
    owners = pd.DataFrame({"basket": basket, "user": user}).drop_duplicates()
    if owners["basket"].duplicated().any():
        shared = owners.loc[owners["basket"].duplicated(), "basket"].iloc[0]
        problems.append(f"events.basket_id {shared} belongs to more than one user")
    if not isinstance(events.index, pd.RangeIndex) or events.index.start != 0:
        problems.append("events must have the index 0, 1, 2, ...")
    return tuple(problems)


def check_items(items: pd.DataFrame) -> tuple[str, ...]:
    """The rules for items: columns, item i in row i - 1, texts filled and titles unlike each other, prices, colours."""
    if tuple(items.columns) != ITEM_COLUMNS:
        return (f"items have columns {list(items.columns)}; expected {list(ITEM_COLUMNS)}",)
    problems = []
    if str(items[Columns.ITEM].dtype) != "int32":
        problems.append(f"items.item_id is {items[Columns.ITEM].dtype}; expected int32")
    if not np.array_equal(items[Columns.ITEM], np.arange(1, len(items) + 1)):
        problems.append("items.item_id must be 1, 2, 3, ... in order")
    for name in (*FILLED, Columns.BRAND, Columns.COLOUR):
        if items[name].isna().any() or not items[name].map(lambda value: isinstance(value, str)).all():
            problems.append(f"items.{name} must be text everywhere")
        elif name in FILLED and (items[name].str.strip() == "").any():
            problems.append(
                f"items.{name} is empty for item {items.loc[items[name].str.strip() == '', 'item_id'].iloc[0]}"
            )
    for name in (Columns.CODE, Columns.TITLE_ZH, Columns.TITLE_EN):
        if items[name].duplicated().any():
            problems.append(f"items.{name} has “{items.loc[items[name].duplicated(), name].iloc[0]}” twice")
    price = items[Columns.PRICE]
    if str(price.dtype) != "float64" or not (price.isna() | (np.isfinite(price) & (price > 0))).all():
        problems.append("items.price must be a finite float64 above 0, or NaN where it is unknown")
    if not items[Columns.COLOUR].map(lambda value: bool(re.fullmatch(r"#[0-9a-fA-F]{6}", str(value)))).all():
        problems.append("items.colour must look like #a0b1c2")
    return tuple(problems)
