"""A shop of one's own: the simulated shop with some of its parameters chosen, by name, link or file.

    made = MadeShop.of({"plan_order": 0, "customers": 4000}, seed=7)
    events = events_frame(made.world(), made.shoppers, made.seed)

Fifteen parameters, each one number of data/shop/parameters.toml but for the history's length (which moves mean, least
and most together) and the season (which is the power that the catalogue's months are raised to). With all of them at
their defaults it is the simulated shop itself, of fewer shoppers. What has no effect beside another choice is told by
:meth:`MadeShop.idle`; what cannot be raises CourseError.
"""

from __future__ import annotations

import copy
import functools
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.shop.catalogue import make_catalogue
from course_lib.shop.parameters import Parameters, load_parameters
from course_lib.shop.simulate import BLOCK, simulate
from course_lib.shop.world import World, make_world

FILE = PROJECT / "data" / "shop_made" / "ready.toml"
MOST = 1_000_000  # shoppers, from the command line; the intake's own cap on shoppers does not hold for made data
PAGE_MOST = 100_000  # shoppers that a page makes: the computer is shared with others
SEEDS = (0, 2**31 - 1)
FEWEST_PURCHASES = 4  # on average: three are needed for training, validation and test
# Measured on one core of the machine that benchmarks/README.md names: simulating and writing.
SECONDS_A_PURCHASE, SECONDS_AT_LEAST, BYTES_A_PURCHASE = 2e-5, 0.7, 9.0


@dataclass(frozen=True)
class Knob:
    """One parameter that may be chosen: its default, its range and the step of a slider."""

    name: str
    default: int | float
    low: int | float
    high: int | float
    step: int | float
    path: str = ""  # in parameters.toml, where it is one number there

    def check(self, value: Any) -> int | float:
        """``value`` as a number of the default's kind; raises CourseError naming the parameter and its range."""
        kind = int if isinstance(self.default, int) else float
        try:
            number = kind(value)
            if isinstance(value, bool) or (isinstance(value, float) and number != value):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            key = "setting_not_whole" if kind is int else "setting_not_a_number"
            raise CourseError(key, name=self.name, value=str(value), low=self.low, high=self.high) from None
        if not self.low <= number <= self.high:  # also refuses nan
            raise CourseError("setting_out_of_range", name=self.name, value=number, low=self.low, high=self.high)
        return number


KNOBS: Mapping[str, Knob] = {
    knob.name: knob
    for knob in (
        Knob("customers", 4000, 100, MOST, 100),
        Knob("variety", 15, 2, 40, 1, "catalogue.products_per_type"),
        Knob("purchases_each", 12, FEWEST_PURCHASES, 60, 1),
        Knob("plan_order", 5.0, 0.0, 10.0, 0.5, "need.order"),
        Knob("interruptions", 0.015, 0.0, 1.0, 0.005, "need.impulse"),
        Knob("plan_memory", 2, 0, 20, 1, "need.memory"),
        Knob("broken_off", 0.02, 0.0, 1.0, 0.01, "need.mission_end"),
        Knob("interest_drift", 0.1, 0.0, 1.0, 0.05, "need.drift"),
        Knob("done_once", 4, 0, 8, 1, "need.completion"),
        Knob("taste_spread", 0.4, 0.0, 4.0, 0.1, "choice.taste"),
        Knob("price_limits", 0.3, 0.0, 3.0, 0.1, "choice.price"),
        Knob("sales_skew", 1.6, 0.0, 6.0, 0.1, "catalogue.popularity_exponent"),
        Knob("restocking", 0.03, 0.0, 1.0, 0.01, "need.refill"),
        Knob("same_again", 0.2, 0.0, 1.0, 0.05, "choice.loyalty"),
        Knob("seasons", 1.0, 0.0, 3.0, 0.1),
    )
}
# What has no effect where another choice leaves it nothing to act on: (without effect, because of, at this value).
GROUPS: Mapping[str, tuple[str, ...]] = {  # as a form shows them
    "size": ("customers", "variety", "purchases_each", "seasons"),
    "plans": ("plan_order", "interruptions", "plan_memory", "broken_off", "done_once", "interest_drift"),
    "choice": ("sales_skew", "taste_spread", "price_limits", "restocking", "same_again"),
}
IDLE: tuple[tuple[str, str, float], ...] = (
    ("plan_order", "interruptions", 1.0),
    ("plan_memory", "interruptions", 1.0),
    ("broken_off", "interruptions", 1.0),
    ("interest_drift", "interruptions", 1.0),
    ("restocking", "interruptions", 1.0),
    ("done_once", "interruptions", 1.0),
)


@dataclass(frozen=True)
class MadeShop:
    """The parameters of a shop of one's own, checked, and the seed of its shoppers."""

    values: Mapping[str, int | float]  # every knob
    seed: int

    @classmethod
    def of(cls, given: Mapping[str, Any], seed: Any = 1) -> MadeShop:
        """``given`` completed with defaults; raises CourseError for an unknown parameter or a bad value."""
        for name in given:
            if name not in KNOBS:
                raise CourseError("unknown_setting", model="shop make", name=str(name), known=", ".join(KNOBS))
        values = {name: knob.check(given.get(name, knob.default)) for name, knob in KNOBS.items()}
        return cls(values, checked_seed(seed))

    @property
    def shoppers(self) -> int:
        """How many there are."""
        return int(self.values["customers"])

    @property
    def products(self) -> int:
        """V, of all kinds together."""
        return int(self.values["variety"]) * len(load_parameters().content["type"])

    @property
    def changed(self) -> dict[str, int | float]:
        """What differs from the defaults."""
        return {name: value for name, value in self.values.items() if value != KNOBS[name].default}

    def idle(self) -> list[tuple[str, str]]:
        """Parameters that were moved and have no effect, each with the one that takes it away."""
        moved = self.changed
        found: dict[str, str] = {}
        for name, because, value in IDLE:
            if name in moved and self.values[because] == value:
                found.setdefault(name, because)
        return list(found.items())

    def parameters(self) -> Parameters:
        """The simulated shop's parameters with these in their places."""
        found = load_parameters()
        for name, value in self.values.items():
            if path := KNOBS[name].path:
                found = found.replaced(path, value)
        mean = int(self.values["purchases_each"])
        least, most = max(3, mean // 2), math.ceil(mean * 10 / 3)
        for name, value in (
            ("events_minimum", least),
            ("events_maximum", most),
            ("events_mean", float(mean)),
            ("persona_events", min(max(16, least), most)),
        ):
            found = found.replaced(f"shopper.{name}", value)
        power = float(self.values["seasons"])
        return found if power == 1.0 else Parameters(found.numbers, _seasons(found.content, power))

    def world(self) -> World:
        """The rules of the shop as arrays."""
        return make_world(self.parameters())

    def blocks(self, world: World) -> Iterator[pd.DataFrame]:
        """The events of some shoppers after the other, as frames of EVENT_COLUMNS."""
        return (block.frame(world) for block in simulate(world, self.shoppers, self.seed))

    @property
    def steps(self) -> int:
        """How many frames :meth:`blocks` gives."""
        return -(-self.shoppers // BLOCK)

    def expected(self) -> tuple[float, int]:
        """About how many seconds it takes to make, and how many bytes on the disk."""
        purchases = self.shoppers * float(self.values["purchases_each"])
        whole = max(purchases, BLOCK * float(self.values["purchases_each"]))  # a block is made as a whole
        return SECONDS_AT_LEAST + whole * SECONDS_A_PURCHASE, round(purchases * BYTES_A_PURCHASE + 60_000)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form."""
        return {"values": dict(self.values), "seed": self.seed}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> MadeShop:
        """The inverse of :meth:`to_dict`; raises CourseError for values that cannot be."""
        return cls.of(record["values"], record["seed"])

    def key(self) -> str:
        """A text that is the same for the same shop."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def query(self) -> dict[str, str]:
        """What a link carries: whatever differs from the defaults, and the seed."""
        return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in self.changed.items()}


def checked_seed(value: Any) -> int:
    """``value`` as the seed of a shop; raises CourseError."""
    return int(Knob("seed", 1, *SEEDS, 1).check(value))


def from_query(query: Mapping[str, str]) -> tuple[MadeShop, list[CourseError]]:
    """The shop that a link describes, and what in it could not be read: there the default holds."""
    given, troubles = {}, []
    for name, knob in KNOBS.items():
        if name in query:
            try:
                given[name] = knob.check(query[name])
            except CourseError as error:
                troubles.append(error)
    seed = 1
    if "seed" in query:
        try:
            seed = checked_seed(query["seed"])
        except CourseError as error:
            troubles.append(error)
    return MadeShop.of(given, seed), troubles


def _seasons(content: dict[str, Any], power: float) -> dict[str, Any]:
    """The content with each month's weight raised to ``power``: 0 is no season, 2 a marked one."""
    changed = copy.deepcopy(content)
    for part in ("type", "mission"):
        for row in changed[part]:
            if "season" in row:
                row["season"] = [month**power for month in row["season"]]
    return changed


@functools.lru_cache(maxsize=4)
def products_of(variety: int) -> pd.DataFrame:
    """The catalogue of a shop with so many products of each kind, without the rest of its world. Read-only."""
    return make_catalogue(load_parameters().replaced("catalogue.products_per_type", variety)).items


@dataclass(frozen=True)
class Ready:
    """A shop to open: its name, what it shows, and its parameters."""

    id: str
    names: Mapping[str, str]
    lessons: Mapping[str, str]  # what is to be seen in it, by language
    shop: MadeShop


@functools.cache
def ready(file: Path = FILE) -> tuple[Ready, ...]:
    """The ready-made shops, in the order of their file."""
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["shop"]
    return tuple(
        Ready(
            row["id"],
            {"zh": row["name_zh"], "en": row["name_en"]},
            {"zh": row["shows_zh"], "en": row["shows_en"]},
            MadeShop.of(row.get("values", {}), row.get("seed", 1)),
        )
        for row in rows
    )
