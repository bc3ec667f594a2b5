"""Real time: where the stream begins, what three lists show at a moment, and shares with their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.evaluation.freshness import DAY, Stream
from course_lib.experiments import real_time

HOUR = 3600


def stream(rows: list[tuple[int, int, int]]) -> Stream:
    frame = pd.DataFrame(
        sorted(rows, key=lambda row: (row[0], row[2])), columns=[Columns.USER, Columns.ITEM, Columns.TIME]
    )
    return Stream.of(frame, 10)


@pytest.fixture
def two() -> Stream:
    """Five purchases of shopper 0 on days 0 to 4; on day 5 shopper 0 buys 1 and 2, and shopper 1 buys 3."""
    early = [(0, 4, day * DAY + HOUR) for day in range(5)]
    return stream([*early, (1, 4, HOUR), (0, 1, 5 * DAY + HOUR), (0, 2, 5 * DAY + 2 * HOUR), (1, 3, 5 * DAY + HOUR)])


def copies(histories: Any) -> np.ndarray:
    """A model that recommends the product after the one bought last."""
    scores = np.zeros((len(histories), 12))
    for n, history in enumerate(histories):
        scores[n, (int(history[-1]) if len(history) else 0) + 1] = 1
    return scores


def test_the_stream_begins_at_a_midnight_and_ends_with_the_data(two: Stream) -> None:
    begin, end = real_time.window(two, 14, "made-up")
    assert begin % DAY == 0
    assert end == 6 * DAY
    assert set(two.times[two.between(begin, end)] // DAY) == {5}


def test_where_nothing_came_before_it_says_so() -> None:
    for rows in ([], [(0, 1, HOUR), (0, 2, 2 * HOUR)]):
        with pytest.raises(CourseError) as caught:
            real_time.window(stream(rows), 14, "made-up")
        assert caught.value.key == "split_no_later_events"


def test_the_live_list_alone_knows_what_was_just_bought(two: Stream) -> None:
    day = real_time.busiest_day(two, two.between(5 * DAY, 6 * DAY))
    assert day == 5 * DAY
    view = real_time.view_of(copies, two, day, day + 2 * HOUR, DAY // 2, 0)
    who = view["shoppers"][view["next"]]
    assert (who["user"], who["target"]) == (0, 2)
    assert who["ranks"]["live"] == 1, "the product after the one bought an hour ago"
    assert who["ranks"]["nightly"] == who["ranks"]["batch"] != 1
    assert view["stream"] == [[1.0, 1], [1.0, 3]]


def test_moments_begin_at_midnight_and_end_the_day(two: Stream) -> None:
    moments = real_time.moments_of(two, 5 * DAY)
    assert moments == [5 * DAY, 5 * DAY + HOUR, 5 * DAY + 2 * HOUR, 6 * DAY - 1]


def test_whoever_is_asked_for_is_shown() -> None:
    people = [{"user": n} for n in (3, 5)]
    shown = real_time.Artefact({"hour": 4.0, "next": 1, "shoppers": people})
    assert real_time.answer(shown, {"watched": "next"})["user"] == 5
    assert real_time.answer(shown, {"watched": "first"}) == {"number": 0, "hour": 4.0, "user": 3}
    assert real_time.answer(shown, {"watched": "fifth"})["number"] == 0, "so many are not followed"
    nobody = real_time.Artefact({"hour": 23.0, "next": None, "shoppers": people})
    assert real_time.answer(nobody, {"watched": "next"})["number"] == 0


def test_a_ratio_of_means_holds_its_value_and_equal_lists_lose_nothing() -> None:
    rng = np.random.default_rng(0)
    live = rng.random(400)
    again = rng.random(400) < 0.3
    ndcg = {"live": live, "batch": 0.75 * live, "nightly": 0.5 * live}
    found = real_time.compared(ndcg, again)
    assert found["stale_loss"]["value"] == pytest.approx(0.5)
    assert found["brought_back"]["value"] == pytest.approx(0.5)
    for name in ("stale_loss", "stale_loss_again", "brought_back"):
        assert found[name]["low"] <= found[name]["value"] + 1e-9
        assert found[name]["high"] >= found[name]["value"] - 1e-9
    same = real_time.compared(dict.fromkeys(ndcg, live), np.zeros(400, bool))
    assert same["stale_loss"]["value"] == 0
    assert "brought_back" not in same, "nothing was lost that could come back"
    assert "again_live" not in same, "nobody bought twice"
