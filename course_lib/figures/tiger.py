"""What is shown of TIGER's encoder-decoder: how far it has come by epoch."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, three
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

COLUMNS = ["at", "epoch", "ndcg"]


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 on a few validation targets, by epoch. Frame columns: at, epoch, ndcg."""
    title = text("tiger.curve_title", language)
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "ndcg@10" in one]
    if not told:
        return empty(title, COLUMNS, language)
    frame = pd.DataFrame([(one["at"], one["epoch"], one["ndcg@10"]) for one in told], columns=COLUMNS)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        line: Plot = {
            "type": "scatter", "mode": "lines+markers", "x": frame["epoch"].tolist(), "y": frame["ndcg"].tolist(),
            "line": {"color": DEPARTMENTS[0].colour(page), "width": 2.5},
            "hovertemplate": "%{x}: %{y:.3f}<extra></extra>",
        }  # fmt: skip
        return [line], {
            "xaxis": axis(page, text("generative_retrieval.axis_epoch", language)),
            "yaxis": axis(page, "NDCG@10", rangemode="tozero"),
            "shapes": dotted_lines(page, moments_shown(frame, frame["epoch"], shown.at)[:1]),
        }

    last = frame.iloc[-1]
    alt = text("tiger.curve_alt", language, epoch=f"{last['epoch']:g}", last=three(last["ndcg"]))
    return Figure(frame, title, alt, draw, revision="tiger-curve")
