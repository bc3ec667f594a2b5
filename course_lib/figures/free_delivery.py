"""Pictures of what brings a cart to free delivery: single products against pairs, by how far they may go beyond."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty
from course_lib.figures.dots import COLUMNS, LEGEND, dots, height
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

WAYS: Mapping[str, Mark] = {"one": DEPARTMENTS[1], "pair": DEPARTMENTS[0]}
DASHES = {"one": "dash", "pair": "solid"}
ENDS = ("value", "low", "high")
SERIES: Mapping[str, Mark] = {"held": DEPARTMENTS[0], "complements": DEPARTMENTS[2]}


def by_slack(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The carts whose hidden product is offered, by the yuan that an addition may go beyond. Frame columns: slack, one,
    pair."""
    title, columns = text("free_delivery.by_slack_title", language), ["slack", *WAYS]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "held_pair" in one]
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame([(one["slack"], *(one[f"held_{way}"] for way in WAYS)) for one in told], columns=columns)
    frame = frame.sort_values("slack", ignore_index=True)
    now = [one["slack"] for one in told if one["at"] == (told[-1]["at"] if shown.at is None else shown.at)]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["slack"].tolist(), "y": frame[way].tolist(),
                "name": text(f"setting.most_{way}", language),
                "line": {"color": mark.colour(page), "dash": DASHES[way], "width": 2.5},
                "marker": {"symbol": mark.symbol, "size": 8},
                "hovertemplate": "¥%{x:,}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for way, mark in WAYS.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("free_delivery.axis_slack", language), rangemode="tozero"),
            "yaxis": axis(page, text("free_delivery.axis_held", language), tickformat=".0%", rangemode="tozero"),
            "shapes": dotted_lines(page, now),
            "margin": {"t": 54},
        }

    said = text("figures.list_comma", language).join(
        f"¥{row.slack:,.0f}: {row.one:.0%} / {row.pair:.0%}" for row in frame.itertuples()
    )
    alt = text("free_delivery.by_slack_alt", language, slacks=said)
    return Figure(frame, title, alt, draw, height=360, revision="free-delivery-slack")


def ways(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Single products, pairs, and single products however dear: hidden products found, and true complements.

    Frame columns: row, series, value, low, high.
    """
    title = text("free_delivery.ways_title", language)
    found: Mapping[str, Any] = next((run.result["measures"] for run in shown.runs if run.result), {})
    rows = [
        (text(f"free_delivery.way_{way}", language), series, *(found[f"{series}_{way}"][end] for end in ENDS))
        for way in ("one", "pair", "open")
        for series in SERIES
        if f"{series}_{way}" in found
    ]
    if not rows:
        return empty(title, COLUMNS, language)
    frame, top = pd.DataFrame(rows, columns=COLUMNS), 96 if narrow else 54
    names = {series: text(f"free_delivery.{series}", language) for series in SERIES}
    draw = dots(frame, SERIES, names, text("free_delivery.axis_share", language), ".0%", top)
    said = text("figures.list_comma", language).join(
        f"{row}: " + " / ".join(f"{value:.0%}" for value in part["value"])
        for row, part in frame.groupby("row", sort=False)
    )
    alt = text("free_delivery.ways_alt", language, ways=said)
    return Figure(frame, title, alt, draw, height=height(frame, top) + 30, revision="free-delivery-ways")
