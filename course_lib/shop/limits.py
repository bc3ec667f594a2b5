"""Between which values each number of data/shop/parameters.toml may lie; a shop of any others would be nonsense.

Limits are wide: they keep out what has no meaning (a chance of 1.5), what divides by zero, and what would not fit (a
shopper's thousandth purchase has no basket number). How numbers must fit together is checked when the file is read;
one changed alone may wait for the next.
"""

from __future__ import annotations

import datetime
import math
from typing import Any

from course_lib.errors import CourseError

Range = tuple[float, float]
SHARE: Range = (0, 1)
CHANCE: Range = (0.0001, 0.9999)  # one whose odds are taken
WEIGHT: Range = (-100, 100)
AMOUNT: Range = (0, 1000)
ABOVE: Range = (0.001, 1000)  # divides
NUMBER: Range = (1, 999)  # of a shopper's purchases, visits or searches: their ids have three digits for it

LIMITS: dict[str, dict[str, Range]] = {
    "": {"seed": (0, 2**31 - 1)},
    "sizes": dict.fromkeys(("small", "tiny", "large"), (1, 10**8)),
    "catalogue": {
        "products_per_type": (2, 1000), "style_dimensions": (1, 100), "popularity_exponent": (0, 100),
        "brand_style": SHARE,
    },
    "shopper": {
        "events_mean": NUMBER, "events_minimum": (2, 999), "events_maximum": (2, 999), "events_shape": ABOVE,
        "persona_events": (2, 999), "visit_share": SHARE, "gap_days": ABOVE, "gap_spread": (0, 10),
        "start_days": (0, 36_500),
    },
    "choice": {"taste": WEIGHT, "price": WEIGHT, "loyalty": SHARE},
    "need": {
        "impulse": SHARE, "refill": SHARE, "mission_end": SHARE, "drift": SHARE, "order": (0, 100),
        "exhaustion": ABOVE, "replace": SHARE, "memory": AMOUNT, "completion": (0, 100),
    },
    "weeks": {
        "warmup": AMOUNT, "slate": (1, 10_000), "attention": (0, 100), "salience": (-10, 10), "leave": AMOUNT,
        "drift": AMOUNT,
    },
    "departments": {"kept": SHARE, "heldout": SHARE},
    "behaviour": {
        **dict.fromkeys(("app", "web", "store"), SHARE), "channel_habit": ABOVE,
        **dict.fromkeys(("login_app", "login_web", "card"), CHANCE), "login_habit": ABOVE,
        **dict.fromkeys(("checkout_login", "cookie_reset", "wander", "research", "cart"), SHARE),
        "views": (1, 1000), "topics": (1, 1000), "browsing": (0, 100), "research_days": AMOUNT, "dwell": (0, 10_000),
    },
    "coupons": {
        "delay_days": AMOUNT, "window_days": AMOUNT, "effect": WEIGHT, "willing": WEIGHT, "thrift": WEIGHT,
        "spread": AMOUNT, "recent": (1, 100), "aimed": SHARE, "other": SHARE,
    },
    "satisfaction": {
        **dict.fromkeys(("base", "taste", "price", "duplicate", "quality", "rating", "praise", "complaint"), WEIGHT),
        **dict.fromkeys(("star_cuts", "return", "regret"), WEIGHT),
        **dict.fromkeys(("noise", "star_noise"), (0, 10)), **dict.fromkeys(("rating_days", "return_days"), AMOUNT),
    },
    "search": {
        "searches_mean": (0, 500), "chinese": SHARE, "wander": SHARE, "exponent": (0, 100), "k1": (0, 100),
        "b": SHARE, "shown": (1, 1000), "shuffled": SHARE, "attention": (0, 100), "attraction": CHANCE,
        "purchase": CHANCE, "liking": WEIGHT,
    },
    "search.kinds": dict.fromkeys(("head", "tail", "brand", "misspelt", "need", "synonym", "mixed"), SHARE),
    "slates": {
        "visits": NUMBER, "gap_days": AMOUNT, "positions": (1, 3), "attention": (0, 100), "popularity": (-2, 2),
        "personal": (-10, 10), "attraction": WEIGHT, "need": WEIGHT, "liking": WEIGHT, "owned": SHARE,
    },
}  # fmt: skip
TEXTS = ("departments.poor",)  # names, checked by course_lib.shop.departments
DATES = ("shopper.start_date",)


def check(path: str, value: Any, published: Any) -> None:
    """Raises CourseError for a value that the number at ``path`` cannot have, where ``published`` is its own.

    A whole number may be written as 2.0. A list has as many numbers as the published one. KeyError for an unknown path.
    """
    if path in TEXTS:
        return
    if path in DATES:
        if not isinstance(value, datetime.date):
            raise CourseError("parameter_not_a_date", name=path, value=value)
        return
    table, _, name = path.rpartition(".")
    low, high = LIMITS[table][name]
    if isinstance(published, list):
        if not isinstance(value, list) or len(value) != len(published):
            raise CourseError("parameter_not_a_list", name=path, value=value, count=len(published))
        for one, like in zip(value, published, strict=True):
            _check_number(path, one, like, low, high)
    else:
        _check_number(path, value, published, low, high)


def check_all(numbers: dict[str, Any], prefix: str = "") -> None:
    """As :func:`check` for a whole parameters.toml, and whether its numbers fit together; KeyError for one unknown."""
    for name, value in numbers.items():
        if isinstance(value, dict):
            check_all(value, f"{prefix}{name}.")
        else:
            check(f"{prefix}{name}", value, value)
    if "shopper" in numbers:
        shopper = numbers["shopper"]
        low, high = shopper["events_minimum"], shopper["events_maximum"]
        for name in ("events_mean", "persona_events"):
            _check_number(f"shopper.{name}", shopper[name], float(low), low, high)


def _check_number(path: str, value: Any, published: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CourseError("setting_not_a_number", name=path, value=value, low=low, high=high)
    if not low <= value <= high or math.isnan(value):
        raise CourseError("setting_out_of_range", name=path, value=value, low=low, high=high)
    if isinstance(published, int) and value != int(value):
        raise CourseError("setting_not_whole", name=path, value=value, low=low, high=high)
