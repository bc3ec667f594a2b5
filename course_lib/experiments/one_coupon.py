"""One coupon: what it brings at shoppers of one kind, and how much more likely it must make a purchase to pay.

    python -m course_lib run one_coupon --without 0.05 --with_coupon 0.2 --json

A thousand shoppers buy with chance p without a coupon and with chance q with one. The price is v, m of it margin, and
the coupon takes d off it:

    added     1000 v ((m - d) q - m p)          what the coupons bring, in yuan
    gift      1000 v d min(p, q)                discount for those who would have bought anyway
    pays      from q = p m / (m - d) on         never where d >= m

The four kinds (Radcliffe & Surry, Differential Response Analysis, 1999) are the corners: persuadable (p low, q high),
sure thing (both high), lost cause (both low) and sleeping dog (p high, q low).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_lib.experiments.events import exact

SETTINGS = {  # (default, lowest, highest)
    "without": (0.05, 0.0, 1.0),  # p
    "with_coupon": (0.2, 0.0, 1.0),  # q
    "price": (100.0, 1.0, 1000.0),  # v
    "margin": (0.5, 0.05, 0.95),  # m, share of the price
    "discount": (0.2, 0.0, 0.9),  # d, share of the price
}
MEASURES = {
    "uplift": "share",  # q - p
    "added": "currency",  # yuan a thousand shoppers
    "gift": "currency",
    "pays_from": "share",  # q from which on the coupon pays; left out where it never does
}
ASKS: dict[str, Any] = {}
TINY = {"price": 50.0}

SHOPPERS = 1000
GRID = 41  # points of the border


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """All measures, and the border above which a coupon pays: ``border`` = [{"without", "pays_from"}], up to q = 1."""
    p, q, v, m, d = (float(settings[name]) for name in SETTINGS)
    measures = {
        "uplift": exact(q - p),
        "added": exact(SHOPPERS * v * ((m - d) * q - m * p)),
        "gift": exact(SHOPPERS * v * d * min(p, q)),
    }
    if (border := pays_from(p, m, d)) is not None and border <= 1:
        measures["pays_from"] = exact(border)
    points = []
    for step in range(GRID):
        without = step / (GRID - 1)
        needed = pays_from(without, m, d)
        if needed is not None and needed <= 1:
            points.append({"without": without, "pays_from": needed})
    return {"measures": measures, "border": points, "without": p, "with": q}


def pays_from(without: float, margin: float, discount: float) -> float | None:
    """The chance with a coupon from which on it pays; None where the discount takes all the margin.

    >>> pays_from(0.3, 0.5, 0.2), pays_from(0.3, 0.2, 0.2)
    (0.5, None)
    """
    return without * margin / (margin - discount) if margin > discount else None
