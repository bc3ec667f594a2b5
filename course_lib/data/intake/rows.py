"""One batch of rows on its way through the checks: what is dropped and why, and what is left in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from course_lib.data.intake.batch import Batch, cell_text
from course_lib.data.intake.ids import scientific, without_point
from course_lib.data.intake.lists import path_text
from course_lib.data.intake.numbers import POINT, numbers_of
from course_lib.data.intake.report import EXAMPLES, Example
from course_lib.data.intake.times import OK, OUT_OF_RANGE, parse

if TYPE_CHECKING:
    from course_lib.data.intake.cleaning import Cleaner

Mask = NDArray[np.bool_]
FACTS = ("title", "category", "brand")  # what a row may tell about its product
LONGEST = 1_000  # characters of a fact that are kept


@dataclass
class Rows:
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
        filled, rows = self.cleaner.fill_down.filled(self.text)
        self.cleaner.see_gaps(int((rows & np.asarray(pc.not_equal(self.text["item"], ""))).sum()))
        if self.cleaner.mapping.fill == "yes":
            self.text = filled
        if "clock" in self.text:
            clock = self.text.pop("clock")
            joined = pc.binary_join_element_wise(self.text["time"], clock, " ")
            known = pc.and_(pc.not_equal(clock, ""), pc.not_equal(self.text["time"], ""))
            self.text["time"] = pc.if_else(known, joined, self.text["time"])
        for role in ("user", "item", "basket"):
            if role in self.text:
                self.text[role], changed = without_point(self.text[role])
                shortened = scientific(self.text[role])
                if changed.any() or shortened.any():
                    self.cleaner.see_ids(self.batch, role, changed, shortened, self.alive)
                self.drop(shortened, "id_shortened", role)

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
        cleaner.see_moments(self.batch, self.text["time"], times, self.alive)
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
            quantity = self._number("quantity")
            self.drop(np.isnan(quantity) & (lengths["quantity"] > 0), "quantity_not_number", "quantity")
            self.drop(quantity <= 0, "quantity_not_positive", "quantity")
        if "rating" in self.text and mapping.min_rating is not None:
            rating = self._number("rating")
            self.drop(np.isnan(rating), "rating_not_number", "rating")
            self.drop(rating < mapping.min_rating, "rating_low", "rating", limit=mapping.min_rating)
        self.price = np.full(self.size, np.nan)
        if "price" in self.text:
            self.price = self._number("price")
            self.drop(np.isnan(self.price) & (lengths["price"] > 0), "price_not_number", "price", dropped=False)
            self.drop(self.price <= 0, "price_not_positive", "price", dropped=False)
            self.price = np.where(self.price > 0, self.price, np.nan)

    def _number(self, role: str) -> NDArray[np.float64]:
        """(n,) the numbers of a role."""
        self.cleaner.see_decimals(role, self.text[role])
        return numbers_of(self.text[role], self.cleaner.decimals.get(role, POINT))

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
            known.setdefault(code, path_text(text))
