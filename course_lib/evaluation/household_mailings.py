"""Three mailings of coupons to real households: what those who got one bought, before and during it, and the others.

    mailing = Mailings.load().of("18")
    mailing.estimates()          # {"naive", "before", "did", "placebo"}, lines a household

Complete Journey (dunnhumby) is a log, not an experiment: nobody wrote down why a household got the coupons. With the
lines y that a household bought while a mailing ran (``days`` days), in as many days before, and in as many before
those:

    naive     mean of y_during of those who got it, less that of the others
    before    the same in the days before, when there was no mailing
    did       difference in differences: mean of y_during - y_before of those who got it, less that of the others
    placebo   the same one window earlier: y_before - y_before_that, when this mailing had not been sent

Difference in differences is right where both groups would have changed by as much without the mailing (Card & Krueger,
American Economic Review 84, 1994). No number can show that; the placebo can show that it was otherwise. Smaller
mailings ran at all times, to either group. A line is a product type in a basket, as in the course's baskets.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns

NAME, SIZE = "complete-journey", "full"
MAILINGS = ("8", "13", "18")  # those that went to more than a thousand households
ESTIMATES = ("naive", "before", "did", "placebo")
DAY, WEEK = 86_400, 7
NORMAL = 1.959963985
WEEKS_BEFORE = 14
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Mailing:
    """One mailing: ``N`` households, all of those who bought anything in the year."""

    name: str
    days: int  # that it ran
    sent: NDArray[np.bool_]  # (N,)
    redeemed: int  # coupons handed in
    during: Values  # (N,) lines bought while it ran
    before: Values  # (N,) in as many days before
    earlier: Values  # (N,) in as many days before those
    weeks: NDArray[np.int64]  # (W,) from its first day, the first day of each
    weekly: Values  # (2, W) mean lines a household and week, of the others and of those who got it

    def estimates(self) -> dict[str, dict[str, float]]:
        """ESTIMATES with 95% intervals over households (Welch)."""
        return {
            "naive": self._difference(self.during),
            "before": self._difference(self.before),
            "did": self._difference(self.during - self.before),
            "placebo": self._difference(self.before - self.earlier),
        }

    def _difference(self, values: Values) -> dict[str, float]:
        one, other = values[self.sent], values[~self.sent]
        gap = float(one.mean() - other.mean())
        half = NORMAL * math.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
        return {"value": round(gap, 6), "low": round(gap - half, 6), "high": round(gap + half, 6)}


@dataclass(frozen=True)
class Mailings:
    """All of them."""

    each: Mapping[str, Mailing]

    @classmethod
    def load(cls) -> Mailings:
        """From the course's data; kept for the process. Raises CourseError where the package is missing."""
        return _load()

    def of(self, name: str) -> Mailing:
        """One of MAILINGS."""
        return self.each[name]


@functools.lru_cache(maxsize=1)
def _load() -> Mailings:
    address = registry.resolve(NAME, SIZE)
    dataset = registry.load(address)
    events, households = dataset.events, dataset.num_users
    day, user = events[Columns.TIME].to_numpy() // DAY, events[Columns.USER].to_numpy()
    tables = {name: registry.load_table(address, name) for name in ("campaigns", "campaign_households", "redemptions")}

    def lines(first: int, last: int) -> Values:
        return np.bincount(user[(day >= first) & (day <= last)], minlength=households).astype(np.float64)

    found = {}
    for row in tables["campaigns"].itertuples(index=False):
        name = str(getattr(row, Columns.CAMPAIGN))
        if name not in MAILINGS:
            continue
        first, last = (int(getattr(row, column)) // DAY for column in (Columns.STARTS, Columns.ENDS))
        days = last - first + 1
        users = _of_campaign(tables["campaign_households"], name)[Columns.USER].to_numpy()
        sent = np.zeros(households, bool)
        sent[users[users >= 0]] = True
        weeks = np.arange(-WEEKS_BEFORE, days // WEEK) * WEEK
        each = np.stack([lines(first + start, first + start + WEEK - 1) for start in weeks.tolist()], 1)
        found[name] = Mailing(
            name, days, sent, len(_of_campaign(tables["redemptions"], name)), lines(first, last),
            lines(first - days, first - 1), lines(first - 2 * days, first - days - 1), weeks,
            np.stack([each[~sent].mean(0), each[sent].mean(0)]),
        )  # fmt: skip
    return Mailings(found)


def _of_campaign(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table[Columns.CAMPAIGN] == name]
