"""Refresh interval: how often somebody buys again before their list has read what they bought last.

A list is refreshed every T seconds, and reads what is at least L seconds old. The purchase before lies a gap g back;
the refreshes come at any time alike, so that the list has not read it with the chance

    unread(g) = clip(1 - (g - L) / T, 0, 1)

The gaps are the simulated shop's (shop/simulate.py): with chance s the same visit, g uniform from 86 to 432 seconds;
else exponential with a mean of its own for each shopper, lognormal between shoppers. For an exponential gap of mean m
the expectation is 1 - e^(-L / m) m / T (1 - e^(-T / m)); the lognormal is summed over QUANTILES of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from course_lib.experiments.events import exact

SETTINGS = {  # (default, lowest, highest)
    "every": (1440, 1, 1440),  # T, minutes
    "lag": (0, 0, 86_400),  # L, seconds
    "same_visit": (0.35, 0.0, 1.0),  # s, share of the purchases made in the same visit as the one before
    "gap_days": (7.0, 0.1, 100.0),  # median of the shoppers' mean days between visits
}
MEASURES = {
    "unread_last": "share",  # of purchases, with the one before not yet read
    "unread_visit": "share",  # of those made in the same visit as the one before
    "unread_later": "share",  # of all others
    "refreshes": "count",  # a day
}
TINY = {"every": 60}

NEAR, FAR = 86.4, 432.0  # seconds between two purchases of a visit
SPREAD = 0.5  # log standard deviation of the mean gaps between shoppers
DAY = 86_400
GRID = 200
QUANTILES = tuple(NormalDist().inv_cdf((n + 0.5) / GRID) for n in range(GRID))
CURVE = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 120, 240, 480, 720, 1440)  # minutes


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The shares at T and along CURVE: ``{"curve": [{"every", "visit", "later", "all"}], "every", "measures"}``."""
    share, lag, gap = float(settings["same_visit"]), float(settings["lag"]), float(settings["gap_days"])

    def at(minutes: float) -> dict[str, float]:
        visit, later = in_visit(60 * minutes, lag), between_visits(60 * minutes, lag, gap)
        both = share * visit + (1 - share) * later
        return {"every": minutes, "visit": round(visit, 6), "later": round(later, 6), "all": round(both, 6)}

    here = at(int(settings["every"]))
    return {
        "curve": [at(minutes) for minutes in CURVE],
        "every": int(settings["every"]),
        "measures": {
            "unread_last": exact(here["all"]),
            "unread_visit": exact(here["visit"]),
            "unread_later": exact(here["later"]),
            "refreshes": exact(round(1440 / int(settings["every"]), 3)),
        },
    }


def in_visit(every: float, lag: float) -> float:
    """The mean of unread(g) over the gaps of a visit.

    >>> in_visit(1e9, 0.0) > 0.999
    True
    """
    gaps = (NEAR + (FAR - NEAR) * (n + 0.5) / GRID for n in range(GRID))
    return sum(min(max(1 - (gap - lag) / every, 0.0), 1.0) for gap in gaps) / GRID


def between_visits(every: float, lag: float, gap_days: float) -> float:
    """The mean of unread(g) over the gaps between visits."""
    total = 0.0
    for z in QUANTILES:
        mean = gap_days * DAY * math.exp(SPREAD * z)
        total += 1 - math.exp(-lag / mean) * mean / every * -math.expm1(-every / mean)
    return total / GRID
