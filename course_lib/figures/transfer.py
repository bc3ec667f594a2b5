"""Pictures of a transfer: by how many purchases there are in the poor department, and by what moves over."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, model_name, plotly_text, three
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Theme, style
from course_lib.figures.shown import Shown
from course_lib.text import text

WAYS = {"transferred": "solid", "scratch": "dash", "markov": "dot", "popularity": "dashdot"}
SYMBOLS = {"transferred": "circle", "scratch": "square-open", "markov": "diamond", "popularity": "x"}
CURVE = ["way", "events", "value", "low", "high"]
BARS = {
    "transferred_ndcg@10": DEPARTMENTS[0], "scratch_ndcg@10": DEPARTMENTS[1], "markov_ndcg@10": DEPARTMENTS[2],
}  # fmt: skip
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 by purchases of the poor department, a line a way, as far as the run has come.

    Frame columns: way, events (purchases), value, low, high (None after one draw alone).
    """
    title = text("transfer.curve_title", language)
    told = _told(shown)
    if not told:
        return empty(title, CURVE, language)
    frame = pd.DataFrame([[one[name] for name in CURVE] for one in told], columns=CURVE)
    # Categories, not numbers: four points and none at all are to stand apart, and 0 has no place on a logarithmic axis.
    places = [f"{int(one):,}" for one in sorted(frame["events"].unique())]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [_line(frame, way, page, language) for way in WAYS if (frame["way"] == way).any()]
        unseen = frame[frame["way"] == "unseen"]
        if len(unseen):
            data.append(_line(frame, "unseen", page, language))
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(
                page, text("transfer.axis_purchases", language), type="category", categoryorder="array",
                categoryarray=places,
            ),
            "yaxis": axis(page, text("transfer.axis_ndcg", language), rangemode="tozero", tickformat=".2f"),
            "margin": {"t": 104 if narrow else 60},
        }  # fmt: skip

    told_ways = text("figures.list_comma", language).join(
        f"{_name(str(way), language)} {three(part['value'].iloc[0])} → {three(part['value'].iloc[-1])}"
        for way, part in frame[frame["way"] != "unseen"].groupby("way", sort=False)
    )
    alt = text("transfer.curve_alt", language, few=places[1 if len(places) > 1 else 0], most=places[-1], ways=told_ways)
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="transfer-curve")


def ways(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Transferred, from scratch and Markov of each finished run. Frame columns: run, measure, value, low, high."""
    title = text("transfer.ways_title", language)
    frame = measure_rows(BARS, shown, "product", "transferred_ndcg@10", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: _name(measure.removesuffix("_ndcg@10"), language) for measure in BARS}
    top = 84 if narrow else 56
    draw = measure_bars(frame, BARS, names, text("transfer.axis_ndcg", language), top, score=True)
    alt = text("transfer.ways_alt", language, runs=in_words(frame, language, score=True))
    return Figure(frame, title, alt, draw, height=130 + 80 * frame["run"].nunique(), revision="transfer-ways")


def _told(shown: Shown) -> list[dict[str, Any]]:
    """The curve of the frame on show, or of the first run's result."""
    if shown.frame and shown.frame.get("curve"):
        return list(shown.frame["curve"])
    return next((list(run.result["curve"]) for run in shown.runs if run.result and run.result.get("curve")), [])


def _line(frame: pd.DataFrame, way: str, page: Theme, language: str) -> Plot:
    """One way with its intervals; both SASRecs have its colour and differ by dash and symbol."""
    part = frame[frame["way"] == way]
    colour = style(way if way in ("markov", "popularity") else "sasrec").colour(page)
    known = part["low"].notna().all()
    more: Plot = {}
    if known and len(part):
        more["error_y"] = {
            "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
            "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1.2, "width": 4,
        }  # fmt: skip
    return {
        "type": "scatter", "mode": "lines+markers", "name": plotly_text(_name(way, language)),
        "x": [f"{int(one):,}" for one in part["events"]], "y": part["value"].tolist(),
        "line": {"color": colour, "width": 2.5, "dash": WAYS.get(way, "solid")},
        "marker": {"symbol": SYMBOLS.get(way, "star"), "size": 9, "color": colour},
        "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
    } | more  # fmt: skip


def _name(way: str, language: str) -> str:
    return model_name(way, language) if way in ("markov", "popularity") else text(f"transfer.{way}", language)
