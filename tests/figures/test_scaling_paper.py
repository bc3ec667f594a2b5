"""The log-log paper: points, the law of the smallest, its floor, and what a larger run did to it."""

from __future__ import annotations

import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest

from course_lib.figures import scaling
from course_lib.figures.base import TITLE_WIDTH, width_of
from tests.figures.list_of_runs import LAW, PAPER, SIZES, a_run, shown

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("state", PAPER)
@pytest.mark.parametrize("kind", ["size", "data"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_draws_every_state(kind: str, state: str, language: str) -> None:
    for narrow in (False, True):
        figure = getattr(scaling, kind)(PAPER[state], language, narrow)
        for dark in (False, True):
            plot = figure.plot(dark)
            go.Figure(plot)
            json.dumps(plot, allow_nan=False)
        assert figure.title.endswith("？" if language == "zh" else "?")
        assert width_of(figure.title) <= TITLE_WIDTH
        assert bool(HAN.search(figure.alt)) == (language == "zh")
        assert "{" not in figure.alt
        assert "nan" not in figure.alt.lower().replace("nanos", "")


def test_points_stand_at_their_size_and_at_their_data() -> None:
    runs = scaling.size(PAPER["tested"], "en").frame.query("kind == 'run'")
    assert list(runs["x"]) == [12_277, 18_341, 24_789, 38_837, 234_389]
    assert runs["loss"].iloc[-1] == 3.96
    runs = scaling.data(PAPER["tested"], "en").frame.query("kind == 'run'")
    assert list(runs["x"]) == [12_277, 18_341, 24_789, 38_837, 234_389], "targets of one epoch, not of four"


def test_a_law_needs_four_and_larger_runs_test_it() -> None:
    assert scaling.law_of("size", shown(*SIZES[:3]))[0] is None
    law, floor = scaling.law_of("size", PAPER["tested"])
    assert law is not None
    assert floor == 3.33
    assert law.points == 4
    assert law.exponent.value == pytest.approx(0.44, abs=1e-6)
    last = scaling.size(PAPER["tested"], "en").frame.query("kind == 'run'").iloc[-1]
    assert last["expected"] == pytest.approx(3.33 + 90.0 * 234_389**-0.44)
    assert bool(last["outside"])


def test_the_law_is_carried_to_a_run_that_is_still_training() -> None:
    """Its size is known before its loss: the bet is on paper before the answer."""
    waiting = shown(*SIZES[:4], a_run("sasrec", "running", parameters=512_661))
    law = scaling.size(waiting, "en").frame.query("kind == 'law'")
    assert law["x"].max() > 512_661
    assert (law["low"] <= law["loss"]).all()
    assert (law["loss"] <= law["high"]).all()


def test_without_a_floor_the_law_is_straight_on_this_paper() -> None:
    frame = scaling.size(PAPER["no floor"], "en").frame
    assert "floor" not in set(frame["kind"])
    law = frame.query("kind == 'law'")
    slopes = np.diff(np.log(law["loss"].to_numpy())) / np.diff(np.log(law["x"].to_numpy()))
    assert max(slopes) - min(slopes) < 1e-9


def test_losses_below_the_floor_have_no_law_and_no_traceback() -> None:
    frame = scaling.size(PAPER["below the floor"], "en").frame
    assert "law" not in set(frame["kind"])
    assert len(frame.query("kind == 'run'")) == len(LAW)


def test_traces_stay_in_place_as_points_drop() -> None:
    plots = [scaling.size(PAPER[state], "en").plot() for state in ("first", "law", "tested")]
    names = [[trace["mode"] for trace in plot["data"]] for plot in plots]
    assert names[0] == names[1] == names[2]
