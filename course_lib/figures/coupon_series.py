"""What the pictures of coupon campaigns share: a mark and a name for each policy, lines by a share, dots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Plot, axis, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.text import text

MARKS: Mapping[str, Mark] = {  # in the order of the pictures
    "response": DEPARTMENTS[1], "s": DEPARTMENTS[3], "t": DEPARTMENTS[0], "x": DEPARTMENTS[2],
    "transformed": DEPARTMENTS[5], "money": DEPARTMENTS[4], "everyone": DEPARTMENTS[8], "nobody": DEPARTMENTS[11],
    "best": DEPARTMENTS[7],
}  # fmt: skip
DASHES: Mapping[str, str] = {
    "response": "dash", "s": "dot", "t": "solid", "x": "longdash", "transformed": "dashdot", "money": "solid",
    "everyone": "dot", "nobody": "dot", "best": "longdashdot",
}  # fmt: skip
KINDS: Mapping[str, Mark] = {
    "persuadable": DEPARTMENTS[2], "sure_thing": DEPARTMENTS[4], "sleeping_dog": DEPARTMENTS[7],
    "lost_cause": DEPARTMENTS[11],
}  # fmt: skip
LEGEND: Plot = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
HALVES: Plot = LEGEND | {"entrywidthmode": "fraction", "entrywidth": 0.48}  # two columns, on a phone too


def policy_name(name: str, language: str) -> str:
    """A policy as the pictures call it."""
    return text(f"coupon_series.policy_{name}", language)


def kind_name(name: str, language: str) -> str:
    """One of the four kinds of shoppers."""
    return text(f"coupon_series.kind_{name}", language)


def yuan(value: float) -> str:
    """Money as pictures write it: whole yuan."""
    return f"{value:,.0f}"


def line(
    page: Theme, name: str, x: Sequence[float], y: Sequence[float], language: str, hover: str, width: float = 2.2
) -> Plot:
    """One policy's curve."""
    return {
        "type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "name": policy_name(name, language),
        "line": {"color": MARKS[name].colour(page), "width": width, "dash": DASHES[name]},
        "hovertemplate": f"{hover}<extra>%{{fullData.name}}</extra>",
    }  # fmt: skip


def dots(
    frame: pd.DataFrame, kinds: Sequence[tuple[str, str, bool]], title: str, language: str, margins: Plot
) -> Callable[[Theme], tuple[list[Plot], Plot]]:
    """A row a policy with a dot and its interval for each kind of estimate.

    Args:
        frame: columns policy, kind, value, low, high.
        kinds: (kind, what the legend calls it, whether it is drawn hollow), in the legend's order.
        title: of the axis.
        language: of the reader.
        margins: of the layout.
    """
    order = list(dict.fromkeys(frame["policy"]))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (kind, words, hollow) in enumerate(kinds):
            part = frame[frame["kind"] == kind]
            if part.empty:
                continue
            colours = [MARKS[name].colour(page) for name in part["policy"]]
            shift = 0.16 * (number - (len(kinds) - 1) / 2)
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": words, "x": part["value"].tolist(),
                    "y": [order.index(name) + shift for name in part["policy"]],
                    "marker": {
                        "size": 11, "color": colours, "symbol": "diamond-open" if hollow else "circle",
                        "line": {"width": 2, "color": colours},
                    },
                    "error_x": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(),
                        "color": page.muted if hollow else page.ink, "thickness": 1.3, "width": 3,
                    },
                    "customdata": [
                        [plotly_text(policy_name(str(row.policy), language)), row.low, row.high]
                        for row in part.itertuples()
                    ],
                    "hovertemplate": "%{customdata[0]}: %{x:,.0f} (%{customdata[1]:,.0f} – %{customdata[2]:,.0f})"
                    "<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": len(data) > 1,
            "legend": LEGEND,
            "xaxis": axis(page, title, zeroline=True, zerolinecolor=page.muted),
            "yaxis": axis(
                page, automargin=True, range=[len(order) - 0.5, -0.5], tickvals=list(range(len(order))),
                ticktext=[plotly_text(policy_name(name, language)) for name in order], fixedrange=True,
            ),
            "margin": margins,
        }  # fmt: skip

    return draw


def budget_line(page: Theme, budget: float) -> Plot:
    """Where the slider stands."""
    return {
        "type": "line", "x0": budget, "x1": budget, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": page.muted, "width": 1, "dash": "dot"},
    }  # fmt: skip


def ranged(one: Mapping[str, Any]) -> str:
    """``120 (80 – 160)``."""
    return f"{yuan(one['value'])} ({yuan(one['low'])} – {yuan(one['high'])})"
