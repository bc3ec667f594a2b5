"""Pictures of the trained query encoder: by epoch, by kind of query, and several side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, three
from course_lib.figures.measure_bars import COLUMNS as BAR_COLUMNS
from course_lib.figures.measure_bars import in_words, measure_bars, measure_rows
from course_lib.figures.palette import Theme
from course_lib.figures.search_dots import COLUMNS, ENGINES, ROW, dots, engine_name, said, table_rows
from course_lib.figures.shown import Shown
from course_lib.text import text

CURVES = (("words", "dash"), ("both_before", "dashdot"), ("trained", "solid"), ("both", "longdash"))
BARS = {name: ENGINES[name] for name in ("words", "before", "both_before", "trained", "both")}


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 on held-out queries by epoch; epoch 0 is before training.

    Frame columns: at, epoch, words, both_before, trained, both.
    """
    title = text("query_encoder.curve_title", language)
    columns = ["at", "epoch", *(name for name, _ in CURVES)]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "both_before" in one]
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [(one["at"], one["epoch"], *(one[name] for name, _ in CURVES)) for one in told], columns=columns
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["epoch"].tolist(), "y": frame[name].tolist(),
                "name": engine_name(name, language),
                "line": {"color": ENGINES[name].colour(page), "width": 2.5, "dash": dash},
                "marker": {"size": 7, "symbol": ENGINES[name].symbol, "color": ENGINES[name].colour(page)},
                "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
            for name, dash in CURVES
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("query_encoder.axis_epoch", language), dtick=1 if len(frame) < 12 else 5),
            "yaxis": axis(page, text("search_box.axis_ndcg", language)),
            "shapes": dotted_lines(page, moments_shown(frame, frame["epoch"], shown.at)),
            "margin": {"t": 104 if narrow else 58},
        }

    last = frame.iloc[-1]
    numbers = {name: three(float(last[name])) for name, _ in CURVES}
    alt = text("query_encoder.curve_alt", language, start=three(float(frame["trained"].iloc[0])), **numbers)
    return Figure(frame, title, alt, draw, height=400 if narrow else 350, revision="encoder-curve")


def kinds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 by kind of query before and after training, with intervals. Frame columns: search_dots.COLUMNS."""
    title = text("query_encoder.kinds_title", language)
    table: dict[str, Any] = next(
        (
            one
            for run in shown.runs
            if (one := (run.result or {}).get("table")) and "over_words" in next(iter(one.values()))
        ),
        {},
    )
    frame = table_rows(table, ("words", "before", "trained"))
    if frame.empty:
        return empty(title, COLUMNS, language)
    draw = dots(frame, language, text("search_box.axis_ndcg", language), 84 if narrow else 36)
    alt = text("query_encoder.kinds_alt", language, kinds=said(frame, language))
    height = (150 if narrow else 110) + ROW * frame["kind"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="encoder-kinds")


def compare(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each finished run's engines, with intervals. Frame columns: run, measure, value, low, high."""
    title = text("query_encoder.compare_title", language)
    frame = measure_rows(BARS, shown, "reads", "both_before", language)
    if frame.empty:
        return empty(title, BAR_COLUMNS, language)
    names = {measure: engine_name(measure, language) for measure in BARS}
    draw = measure_bars(frame, BARS, names, text("search_box.axis_ndcg", language), 116 if narrow else 58, score=True)
    alt = text("query_encoder.compare_alt", language, runs=in_words(frame, language, score=True))
    height = (200 if narrow else 150) + 104 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="encoder-compare")
