"""The picture of refreshes: how often the purchase before is not yet in the list, by how often lists are refreshed."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
LINES = {"visit": (DEPARTMENTS[1], "dash"), "all": (DEPARTMENTS[0], "solid"), "later": (DEPARTMENTS[2], "dot")}
TICKS = (1, 5, 15, 60, 240, 1440)  # minutes


def unread(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Shares of purchases whose predecessor is unread, by the minutes between two refreshes.

    Frame columns: every, visit, all, later.
    """
    title, columns = text("refresh_interval.unread_title", language), ["every", *LINES]
    answer = shown.answer or {}
    if not answer.get("curve"):
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in answer["curve"]], columns=columns)
    told = answer["measures"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": frame["every"].tolist(), "y": frame[name].tolist(),
                "name": text(f"refresh_interval.{name}", language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "hovertemplate": "%{x} min: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for name, (mark, dash) in LINES.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(
                page, text("refresh_interval.axis_every", language), type="log", tickvals=list(TICKS),
                ticktext=[text(f"refresh_interval.tick_{value}", language) for value in TICKS],
            ),
            "yaxis": axis(page, text("refresh_interval.axis_unread", language), tickformat=".0%", range=[-0.02, 1.02]),
            "shapes": dotted_lines(page, [answer["every"]]),
            "margin": {"t": 96 if narrow else 54, "l": 58},
        }  # fmt: skip

    alt = text(
        "refresh_interval.unread_alt", language, every=answer["every"], all=f"{told['unread_last']['value']:.0%}",
        visit=f"{told['unread_visit']['value']:.0%}", later=f"{told['unread_later']['value']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=300, revision="refresh-unread")
