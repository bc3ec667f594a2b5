"""Pictures of clicks and places: who is looked at, what rankers learn of it, and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, three
from course_lib.figures.measure_bars import COLUMNS as BAR_COLUMNS
from course_lib.figures.measure_bars import in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

RANKERS: dict[str, Mark] = {  # the order of the legend
    "naive": DEPARTMENTS[1], "corrected": DEPARTMENTS[0], "from_truth": DEPARTMENTS[2], "as_shown": DEPARTMENTS[11],
}  # fmt: skip
DASHES = {"naive": "dash", "corrected": "solid", "from_truth": "dot", "as_shown": "longdash"}


def places(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How often each place is looked at against the first: from shuffled searches, from the others, and in truth.

    Frame columns: place, value, low, high, ranked, truth.
    """
    title, columns = text("click_bias.places_title", language), ["place", "value", "low", "high", "ranked", "truth"]
    view = _view(shown)
    if not view:
        return empty(title, columns, language)
    found = view["places"]
    rows = list(zip(*(found[name] for name in columns[1:]), strict=True))
    frame = pd.DataFrame([(place, *row) for place, row in enumerate(rows, 1)], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        blue, red, green = (RANKERS[name].colour(page) for name in ("corrected", "naive", "from_truth"))
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": frame["place"].tolist(), "y": frame["truth"].tolist(),
                "name": text("click_bias.place_truth", language), "line": {"color": green, "width": 3, "dash": "dot"},
                "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            },
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["place"].tolist(), "y": frame["ranked"].tolist(),
                "name": text("click_bias.place_ranked", language), "line": {"color": red, "width": 2, "dash": "dash"},
                "marker": {"size": 7, "symbol": RANKERS["naive"].symbol, "color": red},
                "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            },
            {
                "type": "scatter", "mode": "markers", "x": frame["place"].tolist(), "y": frame["value"].tolist(),
                "name": text("click_bias.place_shuffled", language),
                "marker": {"size": 9, "symbol": RANKERS["corrected"].symbol, "color": blue},
                "error_y": {
                    "type": "data", "symmetric": False, "array": (frame["high"] - frame["value"]).tolist(),
                    "arrayminus": (frame["value"] - frame["low"]).tolist(), "color": blue, "thickness": 1.5,
                },
                "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            },
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("click_bias.axis_place", language), dtick=1),
            "yaxis": axis(page, text("click_bias.axis_looked", language), rangemode="tozero"),
            "margin": {"t": 104 if narrow else 58},
        }

    fifth = frame.iloc[min(4, len(frame) - 1)]
    alt = text(
        "click_bias.places_alt", language, searches=f"{view['shuffled']:,}", value=three(float(fifth["value"])),
        ranked=three(float(fifth["ranked"])), truth=three(float(fifth["truth"])),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=400 if narrow else 350, revision="click-places")


def rankers(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each ranker as the log grows, the frame on show marked.

    Frame columns: at, searches, naive, corrected, from_truth, as_shown.
    """
    title, columns = text("click_bias.rankers_title", language), ["at", "searches", *RANKERS]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "naive" in one]
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [(one["at"], one["searches"], *(one[name] for name in RANKERS)) for one in told], columns=columns
    )
    here = told[-1] if shown.at is None else next((one for one in told if one["at"] == shown.at), told[-1])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["searches"].tolist(), "y": frame[name].tolist(),
                "name": text(f"search_box.column_{name}", language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": DASHES[name]},
                "marker": {"size": 8, "symbol": mark.symbol, "color": mark.colour(page)},
                "hovertemplate": "%{x:,}: %{y:.3f}<extra>%{fullData.name}</extra>",
            }
            for name, mark in RANKERS.items()
        ]  # fmt: skip
        sizes = frame["searches"].tolist()
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("click_bias.axis_searches", language), type="log", tickvals=sizes,
                          ticktext=[f"{one:,}" for one in sizes]),
            "yaxis": axis(page, text("search_box.axis_ndcg", language)),
            "shapes": dotted_lines(page, [here["searches"]]),
            "margin": {"t": 104 if narrow else 58},
        }  # fmt: skip

    numbers = {name: three(float(here[name])) for name in RANKERS}
    alt = text("click_bias.rankers_alt", language, searches=f"{here['searches']:,}", **numbers)
    return Figure(frame, title, alt, draw, height=400 if narrow else 350, revision="click-rankers")


def features(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each ranker's weights are. Frame columns: feature, naive, corrected, from_truth."""
    title, names = text("click_bias.features_title", language), ("naive", "corrected", "from_truth")
    view = _view(shown)
    if not view:
        return empty(title, ["feature", *names], language)
    rows = list(zip(view["features"], *(view["rankers"][name] for name in names), strict=True))
    frame = pd.DataFrame(rows, columns=["feature", *names])
    labels = [text(f"click_bias.feature_{one}", language) for one in frame["feature"]]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "x": labels, "y": frame[name].tolist(),
                "name": text(f"search_box.column_{name}", language),
                "marker": {"color": RANKERS[name].colour(page), "pattern": {"shape": shape}},
                "hovertemplate": "%{x}: %{y:.2f}<extra>%{fullData.name}</extra>",
            }
            for name, shape in zip(names, ("/", "", "."), strict=True)
        ]  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page),
            "yaxis": axis(page, text("click_bias.axis_weight", language)),
            "margin": {"t": 84 if narrow else 58},
        }

    said = text("figures.list_comma", language).join(
        f"{label} {row.naive:.2f} / {row.corrected:.2f} / {row.from_truth:.2f}".replace("-", "−")
        for label, row in zip(labels, frame.itertuples(), strict=True)
    )
    alt = text("click_bias.features_alt", language, weights=said)
    return Figure(frame, title, alt, draw, height=360, revision="click-features")


def compare(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each finished run's rankers, with intervals. Frame columns: run, measure, value, low, high."""
    title = text("click_bias.compare_title", language)
    frame = measure_rows(RANKERS, shown, "result_order", "as_shown", language)
    frame = frame[frame["measure"].isin(RANKERS)]
    if frame.empty:
        return empty(title, BAR_COLUMNS, language)
    names = {measure: text(f"search_box.column_{measure}", language) for measure in RANKERS}
    draw = measure_bars(frame, RANKERS, names, text("search_box.axis_ndcg", language), 96 if narrow else 58, score=True)
    alt = text("click_bias.compare_alt", language, runs=in_words(frame, language, score=True))
    height = (190 if narrow else 150) + 96 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="click-compare")


def _view(shown: Shown) -> Mapping[str, Any]:
    """The frame on show, else the end of the first run that has one; or nothing."""
    for one in (shown.frame, *((run.result or {}).get("view") for run in shown.runs)):
        if one and "rankers" in one and "places" in one:
            return dict(one)
    return {}
