"""The race: every number of the runs is in the pictures, in whatever state the runs are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from course_lib.figures import race
from course_lib.figures.base import TITLE_WIDTH, Figure, width_of
from course_lib.figures.shown import Shown
from tests.figures.list_of_runs import RACE, a_run, shown

HAN = re.compile(r"[\u4e00-\u9fff]")
PICTURES: list[Callable[[Shown, str, bool], Figure]] = [race.seconds, race.targets, race.table, race.cost]


@pytest.mark.parametrize("state", RACE)
@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_draws_every_state(picture: Callable[..., Figure], state: str, language: str) -> None:
    for narrow in (False, True):
        figure = picture(RACE[state], language, narrow)
        for dark in (False, True):
            plot = figure.plot(dark)
            go.Figure(plot)
            assert "<script" not in json.dumps(plot, allow_nan=False)
        assert figure.title.endswith("？" if language == "zh" else "?")
        assert width_of(figure.title) <= TITLE_WIDTH
        assert bool(HAN.search(figure.alt)) == (language == "zh")
        assert "{" not in figure.alt
        assert "nan" not in figure.alt.lower()


def test_lines_stand_at_their_seconds_and_at_their_purchases() -> None:
    runs = shown(a_run("sasrec", targets=400_000), a_run("gru4rec", "running", score=0.43), names=("One", "Two"))
    frame = race.seconds(runs, "en").frame
    one = frame[(frame["run"] == "One") & frame["x"].notna()]
    assert list(one["x"]) == pytest.approx([0.6 * n for n in range(17)])
    assert one["value"].iloc[-1] == pytest.approx(0.4)
    assert len(frame[(frame["run"] == "Two") & frame["x"].notna()]) == 7
    frame = race.targets(runs, "en").frame
    assert frame[frame["run"] == "One"]["x"].max() == pytest.approx(400_000)
    assert frame[frame["run"] == "Two"]["x"].max() == pytest.approx(150_000), "six of sixteen quarters"


def test_counted_models_and_the_oracle_are_levels() -> None:
    frame = race.seconds(RACE["done"], "en").frame
    levels = frame[frame["x"].isna()].set_index("model")["value"]
    assert levels["oracle.filtered"] == 0.47
    assert levels["popularity"] == 0.04
    assert "gru4rec" not in levels


def test_the_table_has_scores_shares_and_states() -> None:
    frame = race.table(RACE["failed"], "en").frame.set_index("model")
    assert frame["value"].to_dict()["popularity"] == 0.04
    assert frame["share"].to_dict()["popularity"] == pytest.approx(0.04 / 0.47)
    assert math.isnan(frame["value"].to_dict()["sasrec"])
    figure = race.table(RACE["failed"], "en")
    assert "SASRec failed" in figure.alt
    assert "GRU4Rec stopped" in figure.alt
    assert "0.470" in figure.alt


def test_costs_are_those_of_the_run() -> None:
    frame = race.cost(RACE["done"], "en").frame.set_index("model")
    trained, counted = (frame.loc[[name]].to_dict("records")[0] for name in ("gru4rec", "popularity"))
    assert trained["flops"] == 6 * 118_000 * 400_000
    assert trained["joules"] == pytest.approx(120)
    assert trained["joules_low"] < 120 < trained["joules_high"]
    assert math.isnan(counted["flops"])
    assert "not counted" in race.cost(RACE["done"], "en").alt
    assert race.cost(RACE["queued"], "en").frame["run"].tolist() == ["Popularity"], "who has not ended has no cost"


def test_runs_of_one_model_differ_by_dash() -> None:
    traces = [t for t in race.seconds(RACE["twice"], "en").plot()["data"] if t["mode"] == "lines+markers"]
    assert traces[0]["line"]["color"] == traces[1]["line"]["color"]
    assert traces[0]["line"]["dash"] != traces[1]["line"]["dash"]


def test_traces_stay_in_place_while_the_race_goes_on() -> None:
    """Plotly.react matches traces by position."""
    early = shown(a_run("sasrec", "queued"), a_run("gru4rec", "running"))
    late = shown(a_run("sasrec"), a_run("gru4rec"))
    for picture in (race.seconds, race.targets):
        plots = [picture(some, "en").plot() for some in (early, late)]
        assert [t["mode"] for t in plots[0]["data"]] == [t["mode"] for t in plots[1]["data"]]
        assert plots[0]["layout"]["uirevision"] == plots[1]["layout"]["uirevision"]
