"""Pictures of the metric tree: the nodes before and after, the same lift at every node, and the gains that may come."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

RATES = ("click", "conversion")
MONEY = ("order_value", "profit")


def tree(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The nodes from visits to profit as boxes, each before and after the change; the changed ones stand out.

    Frame columns: node, before, after.
    """
    title, columns = text("metric_tree.tree_title", language), ["node", "before", "after"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    frame = pd.DataFrame(answer["tree"], columns=columns)
    rows: list[dict[str, Any]] = answer["tree"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        shapes, notes = [], []
        for place, row in enumerate(rows):
            x, y = (0.5, len(rows) - 1 - place) if narrow else (place + 0.5, 0.5)
            changed = abs(row["after"] / row["before"] - 1) > 1e-9
            colour = DEPARTMENTS[2 if row["after"] > row["before"] else 7].colour(page) if changed else page.muted
            half = (0.5, 0.36) if narrow else (0.42, 0.4)
            shapes.append(
                {
                    "type": "rect", "x0": x - half[0], "x1": x + half[0], "y0": y - half[1], "y1": y + half[1],
                    "line": {"color": colour, "width": 3 if changed else 1},
                }
            )  # fmt: skip
            words = f"<b>{_name(row, language)}</b><br>{written(row['node'], row['before'])}"
            if changed:
                words += f"<br>→ {written(row['node'], row['after'])}"
            notes.append(note(page, x, y, words, xanchor="center", align="center"))
            if place:
                sign = "=" if row["node"] == "profit" else "×"
                between = (0.02, y + 0.5) if narrow else (x - 0.5, 0.5)
                notes.append(note(page, *between, f"<b>{sign}</b>", xanchor="center"))
        wide = [0, 1] if narrow else [0, len(rows)]
        high = [-0.5, len(rows) - 0.5] if narrow else [0, 1]
        bare: Plot = {"visible": False, "fixedrange": True}
        return [{"type": "scatter", "x": [None], "y": [None], "showlegend": False, "hoverinfo": "skip"}], {
            "shapes": shapes, "annotations": notes, "xaxis": {**bare, "range": wide}, "yaxis": {**bare, "range": high},
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        }  # fmt: skip

    told = "; ".join(
        f"{_name(row, language)} {written(row['node'], row['before'])} → {written(row['node'], row['after'])}"
        for row in rows
    )
    alt = text("metric_tree.tree_alt", language, nodes=told)
    return Figure(frame, title, alt, draw, height=430 if narrow else 170, revision="metric-tree")


def nodes(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What the same lift brings at every node before costs. Frame columns: node, gain, chosen (the one lifted)."""
    title, columns = text("metric_tree.nodes_title", language), ["node", "gain", "chosen"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    chosen = str(shown.settings.get("node", "click"))
    frame = pd.DataFrame(
        [(one["node"], one["gain"], one["node"] == chosen) for one in answer["nodes"]], columns=columns
    )
    names = [text(f"metric_tree.node_{one}", language) for one in frame["node"]]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        colours = [page.accent if one else page.muted for one in frame["chosen"]]
        bars: Plot = {
            "type": "bar", "orientation": "h", "y": names, "x": frame["gain"].tolist(), "marker": {"color": colours},
            "text": [f"¥{one:,.0f}" for one in frame["gain"]], "textposition": "auto", "width": 0.6,
            "hovertemplate": "%{y}: ¥%{x:,.0f}<extra></extra>",
        }  # fmt: skip
        return [bars], {
            "showlegend": False,
            "xaxis": axis(page, text("metric_tree.axis_gain", language), tickprefix="¥", rangemode="tozero", nticks=5),
            "yaxis": axis(page, autorange="reversed", automargin=True),
            "margin": {"t": 16},
        }

    told = "; ".join(f"{name} ¥{gain:,.0f}" for name, gain in zip(names, frame["gain"], strict=True))
    alt = text("metric_tree.nodes_alt", language, nodes=told)
    return Figure(frame, title, alt, draw, height=300, revision="metric-nodes")


def gains(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How likely each gain a month is, after costs; what loses money in another colour. Frame: low, high, share."""
    title, columns = text("metric_tree.gains_title", language), ["low", "high", "share"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    frame = pd.DataFrame(answer["bins"], columns=columns)
    middle, width = (frame["low"] + frame["high"]) / 2, frame["high"] - frame["low"]
    found: dict[str, Any] = {name: one["value"] for name, one in answer["measures"].items()}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        loss, win = DEPARTMENTS[7].colour(page), DEPARTMENTS[2].colour(page)
        data: list[Plot] = []
        for name, some, colour in (("loss", middle < 0, loss), ("win", middle >= 0, win)):
            bars: Plot = {
                "type": "bar", "x": middle[some].tolist(), "y": frame.loc[some, "share"].tolist(),
                "marker": {"color": colour}, "name": text(f"metric_tree.{name}", language),
                "hovertemplate": "¥%{x:,.0f}: %{y:.1%}<extra></extra>",
            }  # fmt: skip
            if float(width.max()) > 0:
                bars["width"] = width[some].tolist()
            data.append(bars)
        return data, {
            "showlegend": True,
            "barmode": "overlay",
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("metric_tree.axis_month", language), tickprefix="¥", nticks=5 if narrow else 8,
                          zeroline=True, zerolinecolor=page.ink),
            "yaxis": axis(page, text("metric_tree.axis_share", language), tickformat=".0%"),
            "margin": {"l": 58, "t": 54},
        }  # fmt: skip

    alt = text(
        "metric_tree.gains_alt", language, gain=f"{found['month_gain']:,.0f}", low=f"{found['gain_low']:,.0f}",
        high=f"{found['gain_high']:,.0f}", loss=f"{found['loss_chance']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=340, revision="metric-gains")


def _name(row: dict[str, Any], language: str) -> str:
    return text(f"metric_tree.node_{row['node']}", language)


def written(node: str, value: float) -> str:
    """A node's value with its unit.

    >>> written("click", 0.2), written("order_value", 160.0), written("visits", 1000.0)
    ('20.0%', '¥160', '1,000')
    """
    if node in RATES:
        return f"{value:.1%}" if value >= 0.01 else f"{value:.2%}"
    return f"¥{value:,.0f}" if node in MONEY else f"{value:,.0f}"
