"""Rows become events: what is kept, what is dropped and why, every reason counted and its first places remembered.

Rows go by in batches and leave numbers only, about 40 bytes each, so a million of them need little memory. Rows of one
basket, or of one user at one moment where the file knows no baskets, have no order: they are a set, as in
:mod:`course_lib.data.splits`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping as Frozen
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.data.intake.batch import Batch
from course_lib.data.intake.fill_down import FillDown
from course_lib.data.intake.ids import guest
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.mapping import Mapping
from course_lib.data.intake.numbers import COMMA, POINT, evidence
from course_lib.data.intake.report import EXAMPLES, Example, Report, shown
from course_lib.data.intake.rows import FACTS, Rows
from course_lib.data.intake.time_formats import EARLIEST
from course_lib.data.intake.times import DAY, EXCEL, FORMATS, Times
from course_lib.data.splits import as_sets, mixed
from course_lib.errors import CourseError

Mask = NDArray[np.bool_]
FEW_GAPS = 3  # rows
QUANTITIES = ("quantity_not_number", "quantity_not_positive")  # reasons
UNUSUAL = (EXCEL, "yymmdd", "ddmmyy", "mmddyy", "ddmmyyyy", "mmddyyyy", "dotnet_ticks", "filetime")  # formats to tell
ORDER_SEED = 0  # draws the order inside baskets


class Codes:
    """Numbers for names, 0, 1, 2, ... in the order in which they are first seen."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, names: pa.Array) -> NDArray[np.int64]:
        """(n,) the number of each name."""
        encoded = names.dictionary_encode()
        numbers = self.numbers
        known = [numbers.setdefault(name, len(numbers)) for name in encoded.dictionary.to_pylist()]
        numbered: NDArray[np.int64] = np.array(known, np.int64)[encoded.indices.to_numpy()]
        return numbered


@dataclass
class Cleaned:
    """What is left: events with codes for users and items, and what the rows told about the items."""

    events: pd.DataFrame  # EVENT_COLUMNS, items numbered 1..V in the order of ``codes``
    codes: list[str]  # (V,) the items' names in the file
    users: list[str]  # (N,) the users' names in the file
    facts: dict[str, dict[str, str]]  # title, category, brand: code to text
    prices: NDArray[np.float64]  # (V,) the median price of each item; NaN where none is known


class Cleaner:
    """Takes batches, then gives what is left of them."""

    def __init__(
        self, mapping: Mapping, limits: Limits, report: Report, decimals: Frozen[str, str] | None = None
    ) -> None:
        self.mapping, self.limits, self.report = mapping, limits, report
        self.decimals = decimals or {}  # by role: the sign before decimals, as the first rows tell
        self._told: dict[str, list[int]] = {}  # by role: values that can only have a comma, and only a point
        self.users, self.items, self.baskets = Codes(), Codes(), Codes()
        self.facts: dict[str, dict[str, str]] = {name: {} for name in FACTS}
        self._kept: list[dict[str, NDArray[Any]]] = []
        self._parts: list[str] = []
        self._zones: set[str] = set()  # "with" and "without" a time zone of their own
        self._clocked = False  # some time has a time of day
        self._way = -1  # how the first time is written, of times.FORMATS
        self.fill_down, self._fillable = FillDown(), 0  # rows that leave the customer to their order's first line
        self._shortened = 0  # rows whose id a spreadsheet has shortened

    @property
    def full(self) -> bool:
        """Are as many rows read as may be?"""
        return self.report.rows_read >= self.limits.rows

    def take(self, batch: Batch) -> None:
        """Cleans some rows."""
        left = self.limits.rows - self.report.rows_read
        broken = batch.broken[:left]
        self.report.count(
            "row_broken", len(broken), [Example(row, "…", text, batch.part) for row, text in broken[:EXAMPLES]]
        )
        self.report.rows_read += len(broken)
        size = min(len(batch.rows), left - len(broken))
        self.report.rows_read += size
        if size:
            Rows(self, batch, size).clean()

    def keep(self, values: dict[str, NDArray[Any]], part: str) -> None:
        """Remembers the good rows of a batch."""
        if part not in self._parts:
            self._parts.append(part)
        values["part"] = np.full(len(values["row"]), self._parts.index(part), np.int16)
        self._kept.append(values)

    def see_zones(self, rows: NDArray[np.int64], zoned: Mask, alive: Mask) -> None:
        """Says so where some times name their zone and others do not, at the first row that differs."""
        if len(self._zones) == 2:
            return
        kinds = {"with": zoned & alive, "without": ~zoned & alive}
        known = self._zones | {kind for kind, found in kinds.items() if found.any()}
        if len(known) == 2:
            new = "with" if "without" in self._zones or not kinds["without"].any() else "without"
            column, row = self.mapping.columns["time"], f"{int(rows[np.flatnonzero(kinds[new])[0]]):,}"
            self.report.notice("zones_mixed", column=column, row=row, zone=self.mapping.zone)
        self._zones = known

    def see_ways(self, batch: Batch, text: pa.Array, way: NDArray[np.int8], alive: Mask) -> None:
        """Says so where times are written in more than one way, at the first row that differs from the first."""
        at = np.flatnonzero(alive)
        if self._way < 0 and len(at):
            self._way = int(way[at[0]])
        other = at[way[at] != self._way]
        if len(other):
            example = Example(
                int(batch.rows[other[0]]), self.mapping.columns["time"], text[int(other[0])].as_py(), batch.part
            )
            self.report.notice("times_mixed", **example.place())

    def see_moments(self, batch: Batch, text: pa.Array, times: Times, alive: Mask) -> None:
        """Says so where times lie ahead or before any shop's data, and where digits were read as a date."""
        column = self.mapping.columns["time"]

        def tell(key: str, rows: Mask, **more: str) -> None:
            at = np.flatnonzero(rows & alive)
            if len(at):
                example = Example(int(batch.rows[at[0]]), column, text[int(at[0])].as_py(), batch.part)
                day = str(np.datetime64(int(times.seconds[at[0]]), "s"))[:10]
                self.report.notice(key, **example.place(), day=day, **more)

        tell("times_ahead", times.seconds > time.time() + DAY)
        tell("times_early", times.seconds < EARLIEST)
        for name in UNUSUAL:
            tell("times_read_as", times.way == FORMATS.index(name), format=name)

    def see_ids(self, batch: Batch, role: str, changed: Mask, shortened: Mask, alive: Mask) -> None:
        """Says so where ids were written as numbers with a point; remembers those that have lost their digits."""
        raw, column = batch.columns[self.mapping.columns[role]], self.mapping.columns[role]
        at = np.flatnonzero(changed & alive)
        if len(at):
            example = Example(int(batch.rows[at[0]]), column, raw[int(at[0])].as_py(), batch.part)
            self.report.notice("ids_point", **example.place())
        at = np.flatnonzero(shortened & alive)
        self._shortened += len(at)
        if self._shortened > max(10, self.report.rows_read // 100):
            example = Example(int(batch.rows[at[0]]), column, raw[int(at[0])].as_py(), batch.part)
            raise CourseError("intake_ids_shortened", **example.place())

    def see_gaps(self, count: int) -> None:
        """Counts rows that leave the customer to their order's first line."""
        self._fillable += count

    def _ask_about_gaps(self) -> None:
        """Raises CourseError where many rows leave the customer out and nobody has said what that means."""
        if self._fillable < max(FEW_GAPS, self.report.rows_read // 100) or self.mapping.fill == "no":
            return
        count, column = f"{self._fillable:,}", shown(self.mapping.columns["user"])
        if not self.mapping.fill:
            raise CourseError("intake_fill_down", column=column, count=count)
        self.report.notice("filled_down", column=column, count=count)

    def see_decimals(self, role: str, column: pa.Array) -> None:
        """Counts what the numbers of a role can only be."""
        comma, point = evidence(column)
        told = self._told.setdefault(role, [0, 0])
        told[0], told[1] = told[0] + comma, told[1] + point

    def told_decimals(self) -> dict[str, str]:
        """The sign before decimals, as all rows that were read tell; says so where they contradict each other."""
        for role, (comma, point) in self._told.items():
            if comma and point:
                column = shown(self.mapping.columns[role])
                self.report.notice("decimals_mixed", column=column, comma=f"{comma:,}", point=f"{point:,}")
        return {role: COMMA if comma > point else POINT for role, (comma, point) in self._told.items()}

    def see_clocks(self, clocked: Mask) -> None:
        """Remembers whether any time has a time of day."""
        self._clocked |= bool(clocked.any())

    def finish(self) -> Cleaned:
        """Duplicates, caps and small users go; raises CourseError where nothing is left to learn from."""
        self._ask_about_gaps()
        if not self._kept:
            raise nothing_left(self.report)
        rows = {name: np.concatenate([one[name] for one in self._kept]) for name in self._kept[0]}
        self._kept.clear()
        if not self._clocked:
            self.report.notice("no_clock", column=self.mapping.columns["time"])
        self._say_what_was_guessed()
        refuse_only_one(rows, self.mapping, self.users, self.items)
        order = np.lexsort((rows["row"], rows["part"], rows["basket"], rows["time"], rows["user"]))
        rows = {name: values[order] for name, values in rows.items()}
        limits = self.limits
        rows = self._without_guests(rows)
        rows = self._without(rows, _repeated(rows), "duplicate", "item")
        rows = self._without(rows, self._rare_items(rows), "item_over_cap", "item", limits.items)
        small = np.bincount(rows["user"])[rows["user"]] < limits.minimum
        rows = self._without(rows, small, "few_events", "user", limits.minimum)
        rows = self._without(rows, self._many_users(rows), "user_over_cap", "user", limits.users)
        if not len(rows["user"]):
            raise nothing_left(self.report)
        refuse_only_one(rows, self.mapping, self.users, self.items)
        self.report.rows_kept = len(rows["user"])
        return self._cleaned(rows)

    def _without_guests(self, rows: dict[str, Any]) -> dict[str, Any]:
        """Rows of nobody in particular are asked about: one person who buys everything would mislead every model."""
        names = list(self.users.numbers)
        while self.mapping.guests != "one":
            place = guest(names, np.bincount(rows["user"], minlength=len(names)))
            if place is None:
                break
            bad = rows["user"] == place
            if not self.mapping.guests:
                count = f"{int(bad.sum()):,}"
                column = shown(self.mapping.columns["user"])
                raise CourseError("intake_guests", column=column, value=shown(names[place]), count=count)
            rows = self._without(rows, bad, "guest", "user")
            if not len(rows["user"]):
                raise nothing_left(self.report)
        return rows

    def _say_what_was_guessed(self) -> None:
        """A quantity that nobody has named and that costs rows is said."""
        if "quantity" in self.mapping.columns and "quantity" not in self.mapping.by_hand:
            count = sum(self.report.reasons[key].count for key in QUANTITIES if key in self.report.reasons)
            if count:
                column = shown(self.mapping.columns["quantity"])
                self.report.notice("quantity_guessed", column=column, count=f"{count:,}")

    def _without(
        self, rows: dict[str, Any], bad: Mask, key: str, role: str, limit: float | None = None
    ) -> dict[str, Any]:
        """``rows`` without the bad ones, which are counted; the examples are the first in the file."""
        if not bad.any():
            return rows
        at = np.flatnonzero(bad)
        first = at[np.lexsort((rows["row"][at], rows["part"][at]))[:EXAMPLES]]
        names = list((self.users if role == "user" else self.items).numbers)
        column = self.mapping.columns[role]
        examples = [
            Example(int(rows["row"][n]), column, names[rows[role][n]], self._parts[rows["part"][n]]) for n in first
        ]
        self.report.count(key, len(at), examples, limit=limit)
        return {name: values[~bad] for name, values in rows.items()}

    def _rare_items(self, rows: dict[str, Any]) -> Mask:
        counts = np.bincount(rows["item"])
        if (counts > 0).sum() <= self.limits.items:
            return np.zeros(len(rows["item"]), bool)
        kept = np.zeros(len(counts), bool)
        kept[np.argsort(-counts, kind="stable")[: self.limits.items]] = True
        return np.asarray(~kept[rows["item"]])

    def _many_users(self, rows: dict[str, Any]) -> Mask:
        """Those beyond the cap, drawn by a hash of their number so that no part of the file is preferred."""
        users = np.unique(rows["user"])
        kept = users[np.argsort(mixed(0, users), kind="stable")[: self.limits.users]]
        return ~np.isin(rows["user"], kept)

    def _cleaned(self, rows: dict[str, Any]) -> Cleaned:
        users, user = np.unique(rows["user"], return_inverse=True)
        items, item = np.unique(rows["item"], return_inverse=True)
        basket = np.unique(rows["basket"], return_inverse=True)[1]
        begun = np.full(basket.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(begun, basket, rows["time"])  # a basket has one moment, its first line's
        events = pd.DataFrame(
            {
                Columns.USER: user.astype(np.int32),
                Columns.ITEM: (item + 1).astype(np.int32),
                Columns.TIME: begun[basket],
                Columns.BASKET: basket.astype(np.int64),
            }
        )
        events = events.sort_values([Columns.USER, Columns.TIME, Columns.BASKET], kind="stable", ignore_index=True)
        listed = list(self.items.numbers)
        prices = pd.Series(rows["price"]).groupby(item).median().to_numpy(np.float64)
        names = list(self.users.numbers)
        sets = as_sets(events[list(EVENT_COLUMNS)], ORDER_SEED)
        return Cleaned(sets, [listed[n] for n in items], [names[n] for n in users], self.facts, prices)


def _repeated(rows: dict[str, Any]) -> Mask:
    """Rows whose product is in the basket already; ``rows`` are sorted, so the earliest stays."""
    order = np.lexsort((rows["item"], rows["basket"]))
    basket, item = rows["basket"][order], rows["item"][order]
    again = np.concatenate([[False], (basket[1:] == basket[:-1]) & (item[1:] == item[:-1])])
    bad = np.zeros(len(order), bool)
    bad[order[again]] = True  # lexsort is stable: among equals the earlier comes first
    return bad


def refuse_only_one(rows: dict[str, Any], mapping: Mapping, users: Codes, items: Codes) -> None:
    """Raises CourseError where there is one user or one item only."""
    for role, codes in (("user", users), ("item", items)):
        found = np.unique(rows[role])
        if len(found) == 1:
            value = next(name for name, number in codes.numbers.items() if number == found[0])
            example = Example(int(rows["row"].min()), mapping.columns[role], value)
            raise CourseError(f"intake_one_{role}", **example.place())


def nothing_left(report: Report) -> CourseError:
    """The refusal where no row is left, with the commonest reason and its first place."""
    reasons = sorted((one for one in report.reasons.values() if one.dropped), key=lambda one: -one.count)
    if not reasons:
        return CourseError("intake_no_rows")
    place = reasons[0].examples[0].place() if reasons[0].examples else {"row": "-", "column": "-", "value": "-"}
    count = f"{reasons[0].count:,}"
    return CourseError(f"intake_all_{_remedy(reasons[0].key)}", rows=f"{report.rows_read:,}", count=count, **place)


def _remedy(key: str) -> str:
    """Which refusal answers for a reason: by what there is to do about it."""
    if key.startswith("time_"):
        return "times"
    return "few" if key == "few_events" else "dropped"
