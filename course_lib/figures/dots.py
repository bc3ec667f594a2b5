"""A row a thing, a mark a series, each with its interval: for numbers that are compared and have no order in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from course_lib.figures.base import Plot, axis, plotly_text
from course_lib.figures.palette import Mark, Theme

COLUMNS = ["row", "series", "value", "low", "high"]
ROW = 34  # pixels
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}


def dots(
    frame: pd.DataFrame,
    marks: Mapping[str, Mark],
    names: Mapping[str, str],
    title: str,
    form: str,
    top: int,
    level: float | None = None,
) -> Callable[[Theme], tuple[list[Plot], Plot]]:
    """Draws ``frame`` with COLUMNS; a series without rows is left out.

    Args:
        frame: rows in the order in which they stand, the first on top.
        marks: of each series, in the legend's order.
        names: of each series, in the reader's language.
        title: of the x axis.
        form: of the numbers on it and beside the mouse, such as ".0%".
        top: pixels above the picture, where the legend stands.
        level: where a dotted line stands for "nothing to see".
    """
    rows = [plotly_text(str(row)) for row in dict.fromkeys(frame["row"])]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for series, mark in marks.items():
            part = frame[frame["series"] == series]
            if part.empty:
                continue
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": names[series],
                    "x": part["value"].tolist(), "y": [plotly_text(str(row)) for row in part["row"]],
                    "marker": {"symbol": mark.symbol, "size": 10, "color": mark.colour(page)},
                    "error_x": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": mark.colour(page),
                        "thickness": 1.5, "width": 3,
                    },
                    "hovertemplate": f"%{{y}}: %{{x:{form}}}<extra>%{{fullData.name}}</extra>",
                }
            )  # fmt: skip
        shapes = [] if level is None else [
            {"type": "line", "x0": level, "x1": level, "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": page.muted, "width": 1.5, "dash": "dot"}}
        ]  # fmt: skip
        return data, {
            "showlegend": len(data) > 1,
            "legend": LEGEND,
            "xaxis": axis(page, title, tickformat=form, rangemode="tozero"),
            "yaxis": axis(
                page, categoryorder="array", categoryarray=rows[::-1], range=[-0.6, len(rows) - 0.4], automargin=True
            ),
            "shapes": shapes,
            "margin": {"t": top if len(data) > 1 else 14},
        }

    return draw


def height(frame: pd.DataFrame, top: int) -> int:
    """Pixels for the rows of ``frame``."""
    return top + 92 + ROW * int(frame["row"].nunique())
