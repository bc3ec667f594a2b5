"""Rows become events: what is kept, what is dropped and why, every reason counted and its first places remembered.

Rows go by in batches and leave numbers only, about 40 bytes each, so a million of them need little memory. Rows of one
basket, or of one user at one moment where the file knows no baskets, have no order: they are a set, as in
:mod:`course_lib.data.splits`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.data.intake.batch import Batch, cell_text
from course_lib.data.intake.limits import Limits
from course_lib.data.intake.mapping import Mapping
from course_lib.data.intake.report import EXAMPLES, Example, Report
from course_lib.data.intake.times import OK, OUT_OF_RANGE, parse
from course_lib.data.splits import as_sets, mixed
from course_lib.errors import CourseError

Mask = NDArray[np.bool_]
FACTS = ("title", "category", "brand")  # what a row may tell about its product
LONGEST = 1_000  # characters of a fact that are kept
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


def numbers_of(column: pa.Array) -> NDArray[np.float64]:
    """Trimmed text as numbers, NaN for what is none. Reads "¥1,234.50", "12,5" and "3 元".

    >>> numbers_of(pa.array(["¥1,234.50", "12,5", "3 元", "free"])).tolist()
    [1234.5, 12.5, 3.0, nan]
    """
    bare = pc.replace_substring_regex(
        column, r"(?i)^(?:[¥￥$€£]|cny|rmb|usd|eur|gbp)\s*|\s*(?:元|[¥￥$€£]|cny|rmb|usd)$", ""
    )
    grouped = pc.match_substring_regex(bare, r"^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
    comma = pc.match_substring_regex(bare, r"^[-+]?\d+,\d+$")
    bare = pc.if_else(grouped, pc.replace_substring(bare, ",", ""), bare)
    bare = pc.if_else(pc.and_not(comma, grouped), pc.replace_substring(bare, ",", "."), bare)
    known = pc.match_substring_regex(bare, r"^[-+]?(?:\d{1,15}(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,2})?$")
    return np.asarray(pc.cast(pc.if_else(known, bare, None), pa.float64()).to_numpy(zero_copy_only=False), np.float64)


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

    def __init__(self, mapping: Mapping, limits: Limits, report: Report) -> None:
        self.mapping, self.limits, self.report = mapping, limits, report
        self.users, self.items, self.baskets = Codes(), Codes(), Codes()
        self.facts: dict[str, dict[str, str]] = {name: {} for name in FACTS}
        self._kept: list[dict[str, NDArray[Any]]] = []
        self._parts: list[str] = []
        self._zones: set[str] = set()  # "with" and "without" a time zone of their own
        self._clocked = False  # some time has a time of day
        self._way = -1  # how the first time is written, of times.FORMATS

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
            _Rows(self, batch, size).clean()

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

    def see_clocks(self, clocked: Mask) -> None:
        """Remembers whether any time has a time of day."""
        self._clocked |= bool(clocked.any())

    def finish(self) -> Cleaned:
        """Duplicates, caps and small users go; raises CourseError where nothing is left to learn from."""
        if not self._kept:
            raise nothing_left(self.report)
        rows = {name: np.concatenate([one[name] for one in self._kept]) for name in self._kept[0]}
        self._kept.clear()
        if not self._clocked:
            self.report.notice("no_clock", column=self.mapping.columns["time"])
        refuse_only_one(rows, self.mapping, self.users, self.items)
        order = np.lexsort((rows["row"], rows["part"], rows["basket"], rows["time"], rows["user"]))
        rows = {name: values[order] for name, values in rows.items()}
        limits = self.limits
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


@dataclass
class _Rows:
    """One batch on its way through the checks; ``alive`` says which rows are still in."""

    cleaner: Cleaner
    batch: Batch
    size: int
    alive: Mask = field(init=False)
    text: dict[str, pa.Array] = field(init=False)  # by role

    def __post_init__(self) -> None:
        columns = self.cleaner.mapping.columns
        self.alive = np.ones(self.size, bool)
        self.text = {role: cell_text(self.batch.columns[name].slice(0, self.size)) for role, name in columns.items()}

    def drop(self, bad: Mask, key: str, role: str, dropped: bool = True, limit: float | None = None) -> None:
        """Counts the rows that are bad and still in; they go, unless only their value does."""
        at = np.flatnonzero(bad & self.alive)
        if len(at):
            column = self.cleaner.mapping.columns[role]
            raw = self.batch.columns[column]
            examples = [
                Example(int(self.batch.rows[n]), column, raw[int(n)].as_py() or "", self.batch.part)
                for n in at[:EXAMPLES]
            ]
            self.cleaner.report.count(key, len(at), examples, dropped, limit)
            if dropped:
                self.alive[at] = False

    def clean(self) -> None:
        """All checks, cheapest first; what is left is coded and kept."""
        cleaner, mapping = self.cleaner, self.cleaner.mapping
        lengths = {role: np.asarray(pc.utf8_length(column)) for role, column in self.text.items()}
        self.drop(np.logical_and.reduce([length == 0 for length in lengths.values()]), "row_empty", "user")
        for role in ("user", "item"):
            self.drop(lengths[role] == 0, f"{role}_missing", role)
        for role in ("user", "item", "basket"):
            if role in lengths:
                most = cleaner.limits.id_characters
                self.drop(lengths[role] > most, "id_long", role, limit=most)
        if mapping.not_products:
            fees = pc.is_in(self.text["item"], value_set=pa.array(mapping.not_products, pa.string()))
            self.drop(np.asarray(fees), "not_product", "item")
        if mapping.events and "event" in self.text:
            counted = pc.is_in(self.text["event"], value_set=pa.array(mapping.events, pa.string()))
            self.drop(~np.asarray(counted), "event_other", "event")
        self._numbers(lengths)
        self.drop(lengths["time"] == 0, "time_missing", "time")
        times = parse(self.text["time"], mapping.time_formats, mapping.zone)
        self.drop(times.status == OUT_OF_RANGE, "time_out_of_range", "time")
        self.drop(times.status != OK, "time_unreadable", "time")
        cleaner.see_ways(self.batch, self.text["time"], times.way, self.alive)
        cleaner.see_zones(self.batch.rows, times.zoned, self.alive)
        cleaner.see_clocks(times.clocked[self.alive])
        at = np.flatnonzero(self.alive)
        if not len(at):
            return
        take: Callable[[str], pa.Array] = lambda role: self.text[role].take(pa.array(at))  # noqa: E731
        user, item = cleaner.users.of(take("user")), cleaner.items.of(take("item"))
        seconds = times.seconds[at]
        known = lengths["basket"][at] > 0 if "basket" in lengths else np.zeros(len(at), bool)
        # One user's events of one second are a set; so are those of one named basket. The two never share a number.
        moment = (user << 33) | seconds
        basket = (
            np.where(known, (user << 33) | (1 << 62) | cleaner.baskets.of(take("basket")), moment)
            if known.any()
            else moment
        )
        price = self.price[at]
        for name in FACTS:
            if name in self.text:
                self._facts(name, at, lengths[name])
        values = {
            "user": user,
            "item": item,
            "time": seconds,
            "basket": basket,
            "price": price,
            "row": self.batch.rows[at],
        }
        cleaner.keep(values, self.batch.part)

    def _numbers(self, lengths: dict[str, NDArray[Any]]) -> None:
        """Quantities and ratings decide whether a row stays; a bad price only costs the price."""
        mapping = self.cleaner.mapping
        if "quantity" in self.text:
            quantity = numbers_of(self.text["quantity"])
            self.drop(np.isnan(quantity) & (lengths["quantity"] > 0), "quantity_not_number", "quantity")
            self.drop(quantity <= 0, "quantity_not_positive", "quantity")
        if "rating" in self.text and mapping.min_rating is not None:
            rating = numbers_of(self.text["rating"])
            self.drop(np.isnan(rating), "rating_not_number", "rating")
            self.drop(rating < mapping.min_rating, "rating_low", "rating", limit=mapping.min_rating)
        self.price = np.full(self.size, np.nan)
        if "price" in self.text:
            self.price = numbers_of(self.text["price"])
            self.drop(np.isnan(self.price) & (lengths["price"] > 0), "price_not_number", "price", dropped=False)
            self.drop(self.price <= 0, "price_not_positive", "price", dropped=False)
            self.price = np.where(self.price > 0, self.price, np.nan)

    def _facts(self, name: str, at: NDArray[np.int64], lengths: NDArray[Any]) -> None:
        """The first text that the file gives for each item."""
        filled = at[lengths[at] > 0]
        if not len(filled):
            return
        rows = pa.table({"code": self.text["item"].take(pa.array(filled)), "row": pa.array(filled)})
        first = rows.group_by("code", use_threads=False).aggregate([("row", "min")])
        texts = self.text[name].take(first["row_min"].combine_chunks())
        known = self.cleaner.facts[name]
        for code, text in zip(
            first["code"].to_pylist(), pc.utf8_slice_codeunits(texts, 0, LONGEST).to_pylist(), strict=True
        ):
            known.setdefault(code, text)


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
