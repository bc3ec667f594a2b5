"""Lists that are computed now and then: what each could have read, and how many have to be computed.

A list that is refreshed at certain moments knows the purchases before the last refresh and nothing of what came since:

    read(t) = floor(t / every) * every - lag        refreshed every so many seconds, from midnight on
    read(t) = t - lag                                computed at the moment when it is shown
    seen(t) = purchases of the same shopper before read(t)

``lag`` is how long a purchase takes until it can be read at all. The model is the same for all: only ``seen`` differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories, Holdout

Integers = NDArray[np.int64]
DAY = 86_400  # seconds
FAR = 10**11  # above any time in seconds, so that one number orders shopper and time


@dataclass(frozen=True)
class Stream:
    """E purchases of N shoppers, by shopper and time."""

    users: Integers  # (E,)
    items: NDArray[np.int32]  # (E,)
    times: Integers  # (E,) seconds
    count: int  # N

    @classmethod
    def of(cls, events: pd.DataFrame, people: int) -> Stream:
        """The purchases of the first ``people`` shoppers of ``events``, sorted by user and time."""
        user = events[Columns.USER].to_numpy(np.int64)
        end = int(np.searchsorted(user, people))
        return cls(
            user[:end],
            events[Columns.ITEM].to_numpy(np.int32)[:end],
            events[Columns.TIME].to_numpy(np.int64)[:end],
            int(user[end - 1]) + 1 if end else 0,
        )

    def known(self, users: Integers, moments: Integers | int) -> Histories:
        """What ``users`` (n,) had bought before ``moments`` (n,) or before one moment for all."""
        key = self.users * FAR + self.times
        high = np.searchsorted(key, users * FAR + moments)
        low = np.searchsorted(self.users, users)
        lengths = np.maximum(high - low, 0)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Histories(self.items[np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], lengths)], offsets)

    def asked(self, rows: Integers, moments: Integers) -> Holdout:
        """The purchases ``rows`` as targets, each after what was known before its moment."""
        users = self.users[rows]
        return Holdout(users.astype(np.int32), self.known(users, moments), self.items[rows])

    def between(self, begin: int, end: int) -> Integers:
        """Rows of the purchases in [begin, end), by shopper and time."""
        return np.flatnonzero((self.times >= begin) & (self.times < end))

    def same_day(self, rows: Integers) -> NDArray[np.bool_]:
        """(n,) whether the shopper had bought something before on the day of that purchase."""
        first = np.searchsorted(
            self.users * FAR + self.times, self.users[rows] * FAR + self.times[rows] // DAY * DAY, side="left"
        )
        key = self.users[rows] * FAR + self.times[rows]
        return np.asarray(self.users[first] * FAR + self.times[first] < key)


def readable(times: Integers, every: int, lag: int = 0) -> Integers:
    """(n,) the moment before which a list shown at ``times`` has read: see above; ``every`` 0: computed when shown."""
    refreshed = times // every * every if every else times
    return np.asarray(refreshed - lag)


def lists_a_day(stream: Stream, begin: int, end: int, every: int, changed: bool) -> float:
    """How many lists have to be computed a day between ``begin`` and ``end``, both midnights.

    Args:
        stream: all purchases.
        begin: seconds.
        end: seconds.
        every: between two refreshes; 0: a list for each purchase, at its moment.
        changed: only for whom something was bought since the refresh before; else for everybody who ever bought.
    """
    days = max((end - begin) // DAY, 1)
    rows = stream.between(begin, end)
    if not every:
        return len(rows) / days
    if changed:
        slot = stream.users[rows] * FAR + stream.times[rows] // every
        return len(np.unique(slot)) / days
    first = stream.times[np.searchsorted(stream.users, np.unique(stream.users))]  # each shopper's first purchase
    refreshes = np.arange(begin, end, every)
    return float(np.searchsorted(np.sort(first), refreshes).sum()) / days
