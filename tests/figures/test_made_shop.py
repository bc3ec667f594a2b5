"""What can be known in a made shop, as bars."""

from __future__ import annotations

import pytest

from course_lib.figures.made_shop import ORDER, known_bars
from course_lib.text import LANGUAGES

SCORES = {
    "markov": {"value": 0.3, "low": 0.28, "high": 0.32},
    "popularity": {"value": 0.04, "low": 0.03, "high": 0.05},
    "oracle.filtered": {"value": 0.5, "low": 0.48, "high": 0.52},
    "ease": {"value": None},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("dark", [False, True])
def test_a_bar_a_model_in_a_fixed_order_with_its_interval(language: str, dark: bool) -> None:
    figure = known_bars(SCORES, language)
    assert figure.frame["series"].tolist() == ["popularity", "markov", "oracle.filtered"]
    plot = figure.plot(dark)
    assert [bar["x"] for bar in plot["data"]] == [[0.04], [0.3], [0.5]]
    assert plot["data"][1]["error_x"]["array"] == pytest.approx([0.02])
    colours = [bar["marker"]["color"] for bar in plot["data"]]
    assert colours[2] != plot["data"][2]["marker"]["line"]["color"]  # a bound is hollow
    assert "0.300 [0.280–0.320]" in figure.alt


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_scores_it_says_so(language: str) -> None:
    figure = known_bars({}, language)
    assert figure.frame.empty
    assert figure.alt
    assert figure.plot(False)["data"] == []


def test_every_model_of_a_preview_has_its_place() -> None:
    from course_lib.training.references import BOUNDS, COUNTED, ELSEWHERE

    assert sorted(ORDER) == sorted([*COUNTED, *ELSEWHERE, *(f"oracle.{name}" for name in BOUNDS)])
