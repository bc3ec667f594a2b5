"""What holds for every picture, in every state: empty, one epoch, NaN, hostile titles; both languages, both pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import plotly
import plotly.graph_objects as go
import pytest

from course_lib.figures.base import TITLE_WIDTH, width_of
from course_lib.settings import PROJECT

HAN = re.compile(r"[\u4e00-\u9fff]")

# What the build of Plotly in static/vendor/ draws, by its README; anything else needs another one (tools/charts.py).
SERVED = {
    "bar", "box", "contour", "heatmap", "histogram", "histogram2d", "histogram2dcontour", "image", "pie", "scatter",
    "scatterternary", "violin",
}  # fmt: skip


def test_the_served_plotly_is_the_version_whose_schema_checks_the_figures() -> None:
    (served,) = (PROJECT / "static" / "vendor").glob("plotly-cartesian-*.min.js")
    whole = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    versions = [re.search(r"plotly\.js\D*? v([\d.]+)", path.read_text("utf-8")[:300]) for path in (served, whole)]
    assert versions[0] is not None
    assert versions[1] is not None
    assert versions[0][1] == versions[1][1] == served.name.removeprefix("plotly-cartesian-").removesuffix(".min.js")
    assert "MIT" in served.with_name("LICENSE-plotly.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_is_a_valid_plot(case: Any, items: pd.DataFrame, language: str, dark: bool) -> None:
    figure = case(items, language)
    plot = figure.plot(dark)
    go.Figure(plot)  # raises on any name or value that Plotly does not know
    assert {trace["type"] for trace in plot["data"]} <= SERVED
    source = json.dumps(plot, allow_nan=False)
    assert "<script" not in source
    assert plot["layout"]["paper_bgcolor"] == plot["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert plot["layout"]["height"] == figure.height
    assert plot["layout"]["uirevision"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_speaks_one_language(case: Any, items: pd.DataFrame, language: str) -> None:
    figure = case(items, language)
    words = json.dumps(figure.plot(), ensure_ascii=False)
    assert figure.alt.strip()
    assert bool(HAN.search(figure.alt)) == (language == "zh")
    assert bool(HAN.search(figure.title)) == (language == "zh")
    assert bool(HAN.search(words)) == (language == "zh")
    assert figure.title.endswith("？" if language == "zh" else "?")
    assert width_of(figure.title) <= TITLE_WIDTH  # else a phone would cut it
    assert "{" not in figure.alt
    assert "nan" not in figure.alt.lower().split()


def test_numbers_in_text_do_not_depend_on_the_page(case: Any, items: pd.DataFrame) -> None:
    light, dark = case(items, "en").plot(False), case(items, "en").plot(True)
    assert [trace.get("y") for trace in light["data"]] == [trace.get("y") for trace in dark["data"]]
    assert light["layout"]["font"]["color"] != dark["layout"]["font"]["color"]


def test_traces_stay_in_place_while_a_run_goes_on(make: Any, items: pd.DataFrame) -> None:
    """Plotly.react matches traces by position and keeps the zoom while uirevision stays."""
    from course_lib import figures

    early, late = (figures.learning_curve(make.run(n), "en").plot() for n in (0, 7))
    assert [trace["mode"] for trace in early["data"]] == [trace["mode"] for trace in late["data"]]
    assert early["layout"]["uirevision"] == late["layout"]["uirevision"]
    assert early["layout"]["xaxis"]["range"] == late["layout"]["xaxis"]["range"]
    assert early["layout"]["yaxis"]["range"] == late["layout"]["yaxis"]["range"]
