"""Pictures of real time and channels: what they say, on both pages, narrow and wide, and before there is anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from course_lib.data import registry
from course_lib.experiments.config import RunConfig
from course_lib.experiments.light import answer_light
from course_lib.figures import channels, real_time, refresh_interval
from course_lib.figures.shown import Shown

ITEMS = registry.load_items(registry.resolve("shop", "tiny"))
LISTS: dict[str, Any] = {
    "nightly": list(range(1, 11)), "batch": list(range(2, 12)), "live": [20, *range(2, 11)],
}  # fmt: skip
WHO: dict[str, Any] = {
    "number": 1, "hour": 9.5, "user": 7, "bought": [[9.0, 5]], "target": 20, "history": [3, 5], "lists": LISTS,
    "ranks": {"nightly": None, "batch": None, "live": 1},
}  # fmt: skip
VIEW: dict[str, Any] = {
    "hour": 9.5, "every": 60, "stream": [[8.0, 4], [9.0, 5]], "next": 1,
    "shoppers": [{**WHO, "user": 6, "bought": [], "target": 0}, WHO],
}  # fmt: skip


def score(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


class Run:
    """A finished run as a picture reads it."""

    def __init__(self, config: RunConfig, measures: dict[str, float], **more: Any) -> None:
        self.config, self.name, self.run_id, self.finished = config, "", "0" * 16, True
        self.result = {"measures": {name: score(value) for name, value in measures.items()}, **more}


def valid(figure: Any) -> None:
    for dark in (False, True):
        go.Figure(figure.plot(dark))
    assert figure.alt


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_stream_shades_what_the_refreshed_list_has_not_read(language: str, narrow: bool) -> None:
    figure = real_time.stream(Shown(frame=VIEW, items=ITEMS), language, narrow)
    valid(figure)
    shaded = figure.plot()["layout"]["shapes"][0]
    assert (shaded["x0"], shaded["x1"]) == (9, 9.5), "refreshed at nine, now half past"
    assert len(figure.frame) == 2
    assert "9.5" in figure.alt


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_bought_next_is_marked_in_every_list_or_below_it(language: str, narrow: bool) -> None:
    figure = real_time.lists(Shown(frame=VIEW, answer=WHO, items=ITEMS), language, narrow)
    valid(figure)
    aims = figure.frame[figure.frame["target"]].set_index("list")["rank"]
    assert aims["live"] == 1
    assert aims[["nightly", "batch"]].isna().all()
    assert ">10" in figure.alt


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_shopper_who_buys_nothing_more_is_shown_too(language: str) -> None:
    nothing = {**WHO, "target": 0, "ranks": dict.fromkeys(LISTS)}
    figure = real_time.lists(Shown(frame=VIEW, answer=nothing, items=ITEMS), language)
    valid(figure)
    assert not figure.frame["target"].any()


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_gain_stands_beside_cost(language: str, narrow: bool) -> None:
    told = {
        "ndcg_nightly": 0.27, "ndcg_batch": 0.29, "ndcg_live": 0.38, "lists_nightly": 3585.0, "lists_batch": 86146.0,
        "lists_live": 116.0, "list_single": 0.01, "list_many": 0.001, "again_live": 0.4,
    }  # fmt: skip
    lags = [{"lag": 0, "all": 0.38, "again": 0.43}, {"lag": 300, "all": 0.33, "again": None}]
    shown = Shown(runs=(Run(RunConfig.tiny("real_time"), told, lags=lags),))
    figure = real_time.gain_and_cost(shown, language, narrow)
    valid(figure)
    busy = figure.frame.set_index("list")["busy"]
    assert busy["live"] == pytest.approx(116 * 0.01), "one at a time"
    assert busy["nightly"] == pytest.approx(3585 * 0.001), "many at once"
    older = real_time.by_lag(shown, language, narrow)
    valid(older)
    assert older.frame["lag"].tolist() == [0, 300]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_ways_and_wrong_matches(language: str, narrow: bool) -> None:
    config = RunConfig.tiny("channels")
    runs = []
    for way, wrong, value in (("stitched", 0.5, 0.29), ("stitched", 0.0, 0.32), ("known", 0.1, 0.25)):
        settings = {**config.settings, "identity": way, "wrong_matches": wrong}
        measures = {"ndcg@10": value, "ndcg_known": value, "ndcg_guests": value, "strangers": 0.1, "unread": 0.2}
        runs.append(Run(replace(config, settings=settings), measures))
    shown = Shown(runs=tuple(runs))
    for picture in (channels.ways, channels.mixed_up, channels.by_wrong):
        valid(picture(shown, language, narrow))
    line, level = channels.by_wrong(shown, language, narrow).plot()["data"][:2]
    assert line["x"] == [0.0, 0.5], "in the order of the share, not of the runs"
    assert level["y"] == [0.25, 0.25], "another way is a level"


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_shoppers_visits_and_the_strangers_among_them(language: str, narrow: bool) -> None:
    visits = [
        {"ago": 9.0, "channel": "store", "known": False, "read": False},
        {"ago": 2.0, "channel": "app", "known": True, "read": True},
    ]
    answer = {
        "number": 1, "user": 7, "ndcg": 0.4, "channel": "web", "known": False, "visits": visits,
        "strangers": [{"ago": 1.0, "channel": "app"}],
    }  # fmt: skip
    figure = channels.visits(Shown(answer=answer), language, narrow)
    valid(figure)
    assert len(figure.frame) == 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_curve_of_refreshes_marks_the_chosen_one(language: str) -> None:
    figure = refresh_interval.unread(Shown(answer=answer_light("refresh_interval", {"every": 60})), language)
    valid(figure)
    assert list(figure.frame.columns) == ["every", "visit", "all", "later"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_before_the_first_run_they_say_so(language: str) -> None:
    pictures = [
        real_time.stream, real_time.lists, real_time.by_lag, real_time.gain_and_cost, channels.ways,
        channels.mixed_up, channels.by_wrong, channels.visits, refresh_interval.unread,
    ]  # fmt: skip
    for picture in pictures:
        figure = picture(Shown(), language)
        valid(figure)
        assert figure.frame.empty
