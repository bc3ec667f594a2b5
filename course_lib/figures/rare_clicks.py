"""Pictures of rare clicks: a thousand rows by what is said and what happens, and accuracy by threshold."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

PARTS = {"rest": DEPARTMENTS[11], "missed": DEPARTMENTS[1], "false": DEPARTMENTS[4], "hit": DEPARTMENTS[0]}
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}


def rows(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Of a thousand rows, how many of each kind. Frame columns: part, rows."""
    title = text("rare_clicks.rows_title", language)
    if not shown.answer:
        return empty(title, ["part", "rows"], language)
    frame = pd.DataFrame([(name, shown.answer["parts"][name]) for name in PARTS], columns=["part", "rows"])
    names = [text(f"rare_clicks.part_{name}", language) for name in frame["part"]]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [
            {
                "type": "bar", "orientation": "h", "y": names, "x": frame["rows"].tolist(),
                "marker": {"color": [mark.colour(page) for mark in PARTS.values()]},
                "text": [f"{count:,.0f}" for count in frame["rows"]], "textposition": "outside", "cliponaxis": False,
                "hovertemplate": "%{y}: %{x:,.1f}<extra></extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, text("rare_clicks.axis_rows", language), range=[0, 1100]),
            "yaxis": axis(page, automargin=True, autorange="reversed"),
            "margin": {"t": 14, "r": 24},
        }

    said = text("figures.list_comma", language).join(
        f"{name} {count:,.0f}" for name, count in zip(names, frame["rows"], strict=True)
    )
    alt = text("rare_clicks.rows_alt", language, parts=said)
    return Figure(frame, title, alt, draw, height=240, revision="rare-clicks-rows")


def by_threshold(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Accuracy, that of "never", and the clicks found, by threshold. Frame columns: threshold, accuracy, found."""
    title = text("rare_clicks.by_threshold_title", language)
    columns = ["threshold", "accuracy", "found"]
    if not shown.answer:
        return empty(title, columns, language)
    frame = pd.DataFrame(shown.answer["curve"], columns=columns)
    never, now = shown.answer["measures"]["never"]["value"], shown.answer["threshold"]
    curves = (("accuracy", DEPARTMENTS[0], "solid"), ("found", DEPARTMENTS[1], "dash"))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": frame["threshold"].tolist(), "y": frame[column].tolist(),
                "name": text(f"rare_clicks.curve_{column}", language),
                "line": {"color": mark.colour(page), "dash": dash, "width": 2.5},
                "hovertemplate": "%{x:.2f}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for column, mark, dash in curves
        ]  # fmt: skip
        ends = [frame["threshold"].min(), frame["threshold"].max()]
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": ends, "y": [never, never], "hoverinfo": "skip",
                "name": text("rare_clicks.curve_never", language),
                "line": {"color": page.accent, "width": 2, "dash": "dot"},
            }
        )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("rare_clicks.axis_threshold", language), range=[0, 1]),
            "yaxis": axis(page, text("rare_clicks.axis_share", language), tickformat=".0%", range=[-0.02, 1.03]),
            "shapes": dotted_lines(page, [now]),
            "margin": {"t": 64 if narrow else 30},
        }

    best = frame.iloc[int(frame["accuracy"].to_numpy().argmax())]
    alt = text(
        "rare_clicks.by_threshold_alt", language, best=f"{best['accuracy']:.1%}", never=f"{never:.1%}",
        threshold=f"{best['threshold']:.2f}", found=f"{best['found']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=240, revision="rare-clicks-threshold")
