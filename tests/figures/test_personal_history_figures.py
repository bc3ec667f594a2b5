"""Pictures of cut histories and of wishes: both pages, narrow and wide, with and without an end of the run."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

from course_lib.figures import personal_history
from course_lib.figures.shown import Shown


def ends(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


VIEW: dict[str, Any] = {
    "cuts": [
        *({"way": "sasrec", "known": known, **ends(0.1 + known / 50)} for known in (0, 1, 2, 5)),
        {"way": "popularity", "known": 0, **ends(0.05)},
        {"way": "markov", "known": 1, **ends(0.3)},
    ],
    "wishes": [
        {"truth": truth, "weight": weight, **ends(top * weight + 0.05)}
        for truth, top in (("bought", 0.5), ("meant", 0.8), ("next", -0.03))
        for weight in (0.0, 0.5, 1.0)
    ],
    "kinds": [
        {"kind": kind, "searches": 9, "way": way, **ends(0.4)}
        for kind in ("head", "need")
        for way in ("words", "history", "both")
    ],
}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pictures_say_their_numbers(language: str, narrow: bool) -> None:
    shown = Shown(frame=VIEW, settings={"words_weight": 0.7})
    for picture, said in (
        (personal_history.by_length, "0.300"),
        (personal_history.wishes, "0.850"),
        (personal_history.kinds, "0.400"),
    ):
        figure = picture(shown, language, narrow)
        for dark in (False, True):
            go.Figure(figure.plot(dark))
        assert said in figure.alt


def test_markov_begins_where_one_purchase_is_known() -> None:
    plot = personal_history.by_length(Shown(frame=VIEW), "en").plot()
    assert plot["data"][0]["x"] == [0, 5]
    assert plot["data"][1]["x"] == [1, 5]


def test_the_learners_own_weight_is_marked() -> None:
    shapes = personal_history.wishes(Shown(frame=VIEW, settings={"words_weight": 0.3}), "en").plot()["layout"]["shapes"]
    assert [one["x0"] for one in shapes] == [0.3]
    assert personal_history.wishes(Shown(frame=VIEW), "en").plot()["layout"]["shapes"] == []


def test_wishes_wait_for_the_end_of_training() -> None:
    on_the_way = Shown(frame={"cuts": VIEW["cuts"], "wishes": []})
    assert personal_history.wishes(on_the_way, "en").frame.empty
    assert personal_history.kinds(on_the_way, "en").frame.empty
