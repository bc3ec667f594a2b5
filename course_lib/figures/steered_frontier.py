"""What steering a list costs: two measures against NDCG@10, a line a way of steering, the slider's point ringed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Plot
from course_lib.figures.palette import Mark, Theme
from course_lib.runs.view import RunView
from course_lib.text import text


def weight_rows(runs: Sequence[RunView], setting: str) -> Sequence[Mapping[str, Any]]:
    """The weights of the first run that has some, each with its choice of ``setting`` and its measures; else none."""
    for run in runs:
        rows = (run.result or {}).get("weights") or []
        if rows and setting in rows[0]:
            return rows
    return []


def frontier_traces(
    frame: pd.DataFrame,
    setting: str,
    panels: Sequence[str],
    marks: Mapping[str, Mark],
    dashes: Mapping[str, str],
    page: Theme,
    language: str,
) -> list[Plot]:
    """The lines and rings of both panels; ``frame`` has the columns ``setting``, weight, ndcg, asked and the panels."""
    data: list[Plot] = []
    for number, panel in enumerate(panels):
        end = "" if number == 0 else "2"
        axes = {"xaxis": f"x{end}", "yaxis": f"y{end}", "showlegend": number == 0}
        for way, part in frame.groupby(setting, sort=False):
            mark = marks[str(way)]
            hover = [text("beyond.hover_weight", language, weight=f"{one:.2f}") for one in part["weight"]]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", **_points(part, panel), **axes,
                    "name": text(f"setting.{setting}_{way}", language), "legendgroup": str(way),
                    "line": {"color": mark.colour(page), "width": 2, "dash": dashes[str(way)]},
                    "marker": {"symbol": mark.symbol, "size": 6, "color": mark.colour(page)},
                    "customdata": hover,
                    "hovertemplate": "%{customdata}<br>NDCG@10 %{x:.3f}, %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        spot = frame[frame["asked"]]
        if len(spot):
            data.append(
                {
                    "type": "scatter", "mode": "markers", **_points(spot, panel), **axes,
                    "name": text("beyond.asked", language), "legendgroup": "asked",
                    "marker": {"symbol": "circle-open", "size": 17, "color": page.accent, "line": {"width": 3}},
                    "hovertemplate": "NDCG@10 %{x:.3f}, %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
    return data


def _points(part: pd.DataFrame, panel: str) -> Plot:
    """Where they lie; what was not measured, such as the calibration of a shop without categories, is a gap."""
    return {"x": part["ndcg"].tolist(), "y": [None if pd.isna(one) else float(one) for one in part[panel]]}
