"""Several shares by epoch, or by whatever a run's frames count, with the frame on show marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from course_lib.figures.base import Plot, axis, dotted_lines, moments_shown
from course_lib.figures.palette import Mark, Theme


@dataclass(frozen=True)
class ShareCurve:
    """One curve: a column of the frame, its name in the reader's language, and how it is drawn."""

    column: str
    name: str
    mark: Mark
    dash: str  # plotly line.dash
    level: bool = False  # the same at every moment, so that no point of it needs a mark


def share_curves(
    frame: pd.DataFrame,
    moment: str,
    at: int | None,
    curves: Sequence[ShareCurve],
    titles: tuple[str, str],
    top: int,
    named: bool = False,
) -> Callable[[Theme], tuple[list[Plot], Plot]]:
    """Draws ``curves`` against the column ``moment``.

    Args:
        frame: a row for each of a run's frames, with the column ``at``, the frame's number.
        moment: the column on the x axis.
        at: the frame that a dotted line marks; None means the newest.
        curves: in the legend's order; columns of shares, 0 to 1.
        titles: of the x axis and of the y axis.
        top: pixels above the picture, where the legend stands.
        named: whether the moments are names at equal distances, not numbers on a scale.
    """
    places = frame[moment] if not named else pd.Series(range(len(frame)), frame.index)
    now = moments_shown(frame, places, at)
    ticks: Plot = {"tickvals": places.tolist(), "ticktext": frame[moment].astype(str).tolist()} if named else {}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines" if curve.level else "lines+markers", "x": places.tolist(),
                "y": frame[curve.column].tolist(), "name": curve.name,
                "line": {"color": curve.mark.colour(page), "width": 2.5, "dash": curve.dash},
                "text": frame[moment].astype(str).tolist(),
                "hovertemplate": "%{text}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for curve in curves
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, titles[0], **ticks),
            "yaxis": axis(page, titles[1], tickformat=".0%", range=[-0.02, 1.02]),
            "shapes": dotted_lines(page, now),
            "margin": {"t": top},
        }

    return draw
