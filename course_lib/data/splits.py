"""Splits: which events a model may learn from, and which it is asked for afterwards.

A basket is a set. Files list its lines in some order (by product number, say) that says nothing about the shopper and
gives the answer away: whoever sees product 17 knows that a larger number follows. So every split keeps three promises:

1. inside a basket the order is random, and the same each time (:func:`as_sets`);
2. the target is one product of its basket, drawn by that order;
3. the history of a target holds earlier baskets only, nothing from the target's own.

Where each event has a basket of its own, as in the simulated shop, this is the textbook's split event by event.
A dataset whose order within a visit does mean something gives each event a basket of its own.

    >>> from course_lib.data.registry import load, resolve
    >>> split = leave_one_out(load(resolve("shop", "tiny")))  # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.errors import CourseError

Integers = NDArray[np.int64]


def mixed(*parts: Integers | int) -> NDArray[np.uint64]:
    """A well-mixed 64-bit hash of each row of integers; equal on every machine.

    The finaliser is SplitMix64's (Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
    """
    state = np.zeros(1, np.uint64)
    for part in parts:
        state = state + np.asarray(part, np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state


def basket_order(events: pd.DataFrame, seed: int = 0) -> Integers:
    """(E,) row numbers that bring ``events`` in an order where each basket is together and random inside.

    ``events`` are sorted by user and time. A basket stands where its first line stood. Inside, lines are sorted by a
    hash of basket, product and ``seed``: the order of the file has no say, and ordering twice changes nothing.
    """
    user = events[Columns.USER].to_numpy(np.int64)
    basket = events[Columns.BASKET].to_numpy(np.int64)
    rows = np.arange(len(events))
    together = (user[1:] == user[:-1]) & (basket[1:] == basket[:-1])
    first = np.maximum.accumulate(np.where(np.concatenate([[True], ~together]), rows, 0)) if len(rows) else rows
    starts = np.flatnonzero(first == rows)
    by_name = np.lexsort((basket[starts], user[starts]))  # stable: a basket's earliest piece comes first
    named = starts[by_name]
    repeated = (user[named[1:]] == user[named[:-1]]) & (basket[named[1:]] == basket[named[:-1]])
    if repeated.any():  # a basket in several pieces: another basket has the same second
        home = np.zeros(len(events), np.int64)
        head = np.maximum.accumulate(np.where(np.concatenate([[True], ~repeated]), np.arange(len(named)), 0))
        home[named] = named[head]
        first = home[first]
    elif not together.any():
        return rows
    return np.lexsort((mixed(seed, basket, events[Columns.ITEM].to_numpy(np.int64)), first))


def as_sets(events: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """``events`` with the lines inside each basket in random order (see :func:`basket_order`)."""
    return events.iloc[basket_order(events, seed)].reset_index(drop=True)


@dataclass(frozen=True)
class _Baskets:
    """Events as E lines in B baskets of N users, all in order."""

    items: NDArray[np.int32]  # (E,)
    users: Integers  # (B,) whose basket it is
    times: Integers  # (B,) when it began
    starts: Integers  # (B + 1,) basket b is lines starts[b]:starts[b + 1]
    first: Integers  # (N + 1,) user n has baskets first[n]:first[n + 1]

    def before(self, baskets: Integers) -> Histories:
        """The lines of the same users in all baskets before the given ones, one history each."""
        return self.between(self.starts[self.first[self.users[baskets]]], self.starts[baskets])

    def between(self, low: Integers, high: Integers) -> Histories:
        """Lines low[i]:high[i] as history i."""
        lengths = high - low
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Histories(self.items[np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], lengths)], offsets)


def _baskets(dataset: Dataset, seed: int) -> _Baskets:
    order = basket_order(dataset.events, seed)
    user, basket, time = (
        dataset.events[name].to_numpy(np.int64)[order] for name in (Columns.USER, Columns.BASKET, Columns.TIME)
    )
    new = (user[1:] != user[:-1]) | (basket[1:] != basket[:-1])
    starts = np.concatenate([[0], np.flatnonzero(new) + 1]) if len(user) else np.zeros(0, np.int64)
    return _Baskets(
        items=dataset.events[Columns.ITEM].to_numpy(np.int32)[order],
        users=user[starts],
        times=np.minimum.reduceat(time, starts) if len(time) else time,
        starts=np.concatenate([starts, [len(user)]]),
        first=np.searchsorted(user[starts], np.arange(dataset.num_users + 1)),
    )


def leave_one_out(dataset: Dataset, minimum: int = 3, seed: int = 0) -> Split:
    """Test: one product of each user's last basket. Validation: one of the basket before. Training: all earlier ones.

    The history of a validation target is the user's training part; that of a test target is the training part and the
    whole validation basket. Users with fewer than ``minimum`` baskets (at least 3) are in training only, with all they
    bought. Row ``n`` of ``train`` is user ``n``. ``seed`` draws which product of a basket is the target.
    Raises CourseError where no user has enough baskets.

    Source: Kang & McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, section IV; baskets as sets added here.
    """
    if minimum < 3:
        raise ValueError(f"minimum is {minimum}; one basket each for training, validation and test makes 3")
    baskets = _baskets(dataset, seed)
    asked = np.flatnonzero(np.diff(baskets.first) >= minimum)  # (N',) users
    if not len(asked):
        raise CourseError("split_too_short", name=dataset.address.name, minimum=minimum)
    last = baskets.first[asked + 1] - 1  # (N',) each user's last basket
    ends = baskets.starts[baskets.first[1:]].copy()  # (N,) the line where a user's training part ends
    ends[asked] = baskets.starts[last - 1]

    def holdout(target: Integers) -> Holdout:
        item = baskets.items[baskets.starts[target + 1] - 1]  # the last line of a random order: a random product
        return Holdout(asked.astype(np.int32), baskets.before(target), item)

    train = baskets.between(baskets.starts[baskets.first[:-1]], ends)
    return Split("leave-one-out", train, holdout(last - 1), holdout(last))


def global_time(dataset: Dataset, quantiles: tuple[float, float] = (0.8, 0.9), seed: int = 0) -> Split:
    """Two moments for everybody: learn from what is before the first, validate between the two, test after the second.

    The moments are the ``quantiles`` of all events' times. Each user is asked for one product of the first basket in
    [t1, t2) (validation) and of the first basket from t2 on (test): the first, because only there is the history as
    old as the split promises. The history is everything before that basket; users without one are not asked.
    Row ``n`` of ``train`` is user ``n``, and is empty for a user who came after t1.
    Raises CourseError where a part has no target.

    Source: Ji et al., A Critical Study on Data Leakage in Recommender System Offline Evaluation, TOIS 2023.
    """
    low, high = quantiles
    if not 0 < low < high < 1:
        raise ValueError(f"quantiles are {quantiles}; they must satisfy 0 < first < second < 1")
    baskets = _baskets(dataset, seed)
    sizes = np.diff(baskets.starts)
    t1, t2 = np.quantile(np.repeat(baskets.times, sizes), quantiles, method="higher") if len(sizes) else (0, 0)
    phase = (baskets.times >= t1).astype(np.int8) + (baskets.times >= t2)  # (B,) 0 training, 1 validation, 2 test
    before = np.concatenate([[-1], np.where(baskets.users[1:] == baskets.users[:-1], phase[:-1], -1)])  # (B,)

    def holdout(part: int) -> Holdout:
        target = np.flatnonzero((phase == part) & (before < part) & (before >= 0))
        if not len(target):
            raise CourseError("split_no_later_events", name=dataset.address.name)
        item = baskets.items[baskets.starts[target + 1] - 1]
        return Holdout(baskets.users[target].astype(np.int32), baskets.before(target), item)

    learned = baskets.first[:-1] + np.bincount(baskets.users[phase == 0], minlength=dataset.num_users)
    train = baskets.between(baskets.starts[baskets.first[:-1]], baskets.starts[learned])
    return Split("global-time", train, holdout(1), holdout(2))


def checksum(split: Split) -> str:
    """16 hexadecimal digits over every number of the split, so that a test can freeze it."""
    digest = hashlib.sha256(split.name.encode())
    arrays: list[NDArray[np.int32] | Integers] = [split.train.items, split.train.offsets]
    for part in (split.validation, split.test):
        arrays += [part.users, part.histories.items, part.histories.offsets, part.targets]
    for array in arrays:
        digest.update(f"|{len(array)}|".encode() + np.ascontiguousarray(array, "<i8").tobytes())
    return digest.hexdigest()[:16]
