"""Pictures of a transfer: one draw has no interval, several have; both pages, narrow and wide."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

from course_lib.figures import transfer
from course_lib.figures.shown import Shown


def told(draws: int) -> list[dict[str, Any]]:
    ends = (None, None) if draws == 1 else (0.1, 0.5)
    ways = [("unseen", 0), *((way, n) for way in transfer.WAYS for n in (150, 450, 3000))]
    return [
        {"way": way, "events": n, "value": 0.2 + n / 10_000, "low": ends[0], "high": ends[1], "repeats": draws}
        for way, n in ways
    ]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("draws", [1, 3])
def test_every_way_has_a_line_and_no_purchase_stands_first(draws: int, language: str, narrow: bool) -> None:
    figure = transfer.curve(Shown(frame={"curve": told(draws)}), language, narrow)
    for dark in (False, True):
        go.Figure(figure.plot(dark))
    plot = figure.plot()
    assert plot["layout"]["xaxis"]["categoryarray"] == ["0", "150", "450", "3,000"]
    assert len(plot["data"]) == 5
    assert all(("error_y" in line) == (draws > 1) for line in plot["data"])
    dashes = [(line["line"]["color"], line["line"]["dash"], line["marker"]["symbol"]) for line in plot["data"]]
    assert len(set(dashes)) == 5, "two lines cannot be told apart"
    assert "0.245" in figure.alt or "0.500" in figure.alt


def test_before_the_first_point_it_says_so() -> None:
    figure = transfer.curve(Shown(), "en")
    go.Figure(figure.plot())
    assert figure.frame.empty
