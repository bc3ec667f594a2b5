"""Freshness: what a list could have read at a moment, by hand, and how many lists a day have to be computed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.evaluation.freshness import DAY, Stream, lists_a_day, readable

HOUR = 3600
# Shopper 0 buys 1 on the first day at 1 h, 2 at 1 h 10 min and 3 on the next day at 5 h; shopper 1 buys 4 at 2 h.
EVENTS = [
    (0, 1, HOUR),
    (0, 2, HOUR + 600),
    (0, 3, DAY + 5 * HOUR),
    (1, 4, 2 * HOUR),
]


@pytest.fixture
def stream() -> Stream:
    frame = pd.DataFrame(EVENTS, columns=[Columns.USER, Columns.ITEM, Columns.TIME])
    return Stream.of(frame, 5)


def read(stream: Stream, every: int, lag: int = 0) -> list[list[int]]:
    rows = np.arange(len(EVENTS))
    asked = stream.asked(rows, readable(stream.times[rows], every, lag))
    return [history.tolist() for history in asked.histories]


def test_a_list_reads_what_came_before_its_refresh_and_nothing_else(stream: Stream) -> None:
    assert read(stream, DAY) == [[], [], [1, 2], []]
    assert read(stream, HOUR) == [[], [], [1, 2], []], "the purchase at the stroke of the hour is not before it"
    assert read(stream, 300) == [[], [1], [1, 2], []]
    assert read(stream, 0) == [[], [1], [1, 2], []]


def test_a_lag_takes_away_what_is_too_young(stream: Stream) -> None:
    assert read(stream, 0, 599) == [[], [1], [1, 2], []]
    assert read(stream, 0, 600) == [[], [], [1, 2], []], "a purchase exactly that old is not readable yet"
    assert read(stream, 0, 2 * DAY) == [[], [], [], []]


def test_the_same_day_ends_at_midnight(stream: Stream) -> None:
    assert stream.same_day(np.arange(len(EVENTS))).tolist() == [False, True, False, False]


def test_only_the_first_so_many_shoppers_are_taken() -> None:
    frame = pd.DataFrame(EVENTS, columns=[Columns.USER, Columns.ITEM, Columns.TIME])
    assert Stream.of(frame, 1).count == 1
    assert Stream.of(frame, 1).items.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("every", "changed", "lists"),
    [
        (0, False, 2.0),  # four purchases in two days
        (DAY, False, 1.0),  # nobody had bought at the first midnight, two at the second
        (DAY, True, 1.5),  # shopper 0 on both days, shopper 1 on the first
        (12 * HOUR, False, 3.0),  # none at first, then two shoppers at three refreshes
        (HOUR, True, 1.5),
        (300, True, 2.0),
    ],
)
def test_lists_a_day_by_hand(stream: Stream, every: int, changed: bool, lists: float) -> None:
    assert lists_a_day(stream, 0, 2 * DAY, every, changed) == lists
