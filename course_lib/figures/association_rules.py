"""Pictures of association rules: a graph of the best, what shuffled baskets show, and how much of a lift lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, note, plotly_text, shorten
from course_lib.figures.dots import COLUMNS, LEGEND, dots, height
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.products import department_marks, product
from course_lib.figures.shown import Shown
from course_lib.text import text

RULE = ["if", "then", "baskets", "support", "confidence", "lift", "adjusted"]
DRAWN, NARROW_DRAWN = 36, 24  # rules of the graph
MARKS = {"lift": DEPARTMENTS[1], "adjusted": DEPARTMENTS[0]}
LASTING = {  # by column: its mark and dash
    "lift_learned": (DEPARTMENTS[1], "solid"), "lift_later": (DEPARTMENTS[1], "dash"),
    "adjusted_learned": (DEPARTMENTS[0], "solid"), "adjusted_later": (DEPARTMENTS[0], "dash"),
}  # fmt: skip


def graph(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The best rules above both thresholds as arrows, the thicker the higher by what they are ordered by.

    Frame columns: if, then, baskets, support, confidence, lift, adjusted.
    """
    title, items = text("association_rules.graph_title", language), shown.items
    answer = shown.answer or {}
    if "rules" not in answer or items is None:
        return empty(title, RULE, language)
    rules = answer["rules"][: NARROW_DRAWN if narrow else DRAWN]
    rows = [(one["if"], one["item"], *(one[name] for name in RULE[2:])) for one in rules]
    frame = pd.DataFrame(rows, columns=RULE)
    nodes = list(dict.fromkeys([*frame["if"].tolist(), *frame["then"].tolist()]))
    if not nodes:
        return empty(title, RULE, language)
    place = dict(zip(nodes, layout(len(nodes), [(nodes.index(a), nodes.index(b)) for a, b, *_ in rows]), strict=True))
    goods = {node: product(items, int(node), language) for node in nodes}
    marks, by = department_marks(items), str(answer["by"])
    most = max(float(frame[by].max()), 1e-9)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        arrows = [
            {
                "x": place[one][0], "y": place[one][1], "ax": place[two][0], "ay": place[two][1], "xref": "x",
                "yref": "y", "axref": "x", "ayref": "y", "showarrow": True, "arrowhead": 2, "arrowsize": 0.8,
                "arrowwidth": 1 + 3 * strength / most, "arrowcolor": alpha(page.muted, 0.75), "standoff": 13,
                "startstandoff": 13, "text": "",
            }
            for two, one, strength in zip(frame["if"], frame["then"], frame[by], strict=True)
        ]  # fmt: skip
        names = [
            note(page, place[node][0], place[node][1], plotly_text(shorten(goods[node].title, 14 if narrow else 20)),
                 yshift=-17, font={"size": 10 if narrow else 11, "color": page.ink})
            for node in nodes
        ]  # fmt: skip
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "markers+text",
                "x": [place[node][0] for node in nodes], "y": [place[node][1] for node in nodes],
                "text": [goods[node].emoji for node in nodes], "textfont": {"size": 14},
                "marker": {
                    "size": 24, "color": page.surface,
                    "line": {"width": 2, "color": [marks[goods[node].department].colour(page) for node in nodes]},
                },
                "customdata": [_said(frame, node, goods, by, language) for node in nodes],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ]  # fmt: skip
        bare = {"visible": False, "fixedrange": True}
        return data, {
            "annotations": [*arrows, *names],
            "xaxis": bare | {"range": [-1.15, 1.15]},
            "yaxis": bare | {"range": [-1.18, 1.1]},
            "margin": {"l": 6, "r": 6, "b": 10},
        }

    best = frame.iloc[0]
    alt = text(
        "association_rules.graph_alt", language, count=f"{answer['count']:,}", one=goods[best["if"]].title,
        other=goods[best["then"]].title, lift=f"{best['lift']:.1f}", confidence=f"{best['confidence']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=430 if narrow else 460, revision="rules-graph")


def layout(count: int, edges: Sequence[tuple[int, int]], steps: int = 120) -> list[tuple[float, float]]:
    """Places in -1..1 for nodes: linked ones attract, all repel (Fruchterman & Reingold, 1991); always the same."""
    angle = np.arange(count) * 2.399963  # the golden angle: a start without two nodes at one place
    at = np.sqrt((np.arange(count) + 0.5) / count)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    linked = np.zeros((count, count))
    for one, other in edges:
        linked[one, other] = linked[other, one] = 1
    near = 2.2 / np.sqrt(max(count, 1))
    for step in range(steps):
        apart = at[:, None] - at[None]
        far = np.maximum(np.linalg.norm(apart, axis=2), 0.01)
        force = near**2 / far**2 - 0.05 * linked * far / near
        moved = (apart * force[:, :, None]).sum(1) - 0.35 * at
        length = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
        at = at + moved / length * np.minimum(length, 0.12 * (1 - step / steps))
    return _within(at)


def _within(at: NDArray[np.floating[Any]]) -> list[tuple[float, float]]:
    """Stretched to -1..1 both ways."""
    low, high = at.min(0), at.max(0)
    return [(float(x), float(y)) for x, y in 2 * (at - low) / np.maximum(high - low, 1e-9) - 1]


def _said(frame: pd.DataFrame, node: int, goods: Mapping[int, Any], by: str, language: str) -> str:
    """The rules from a product, for the mouse."""
    own = frame[frame["if"] == node]
    lines = [f"<b>{plotly_text(goods[node].title)}</b>"]
    lines += [
        text(
            "association_rules.hover", language, name=plotly_text(goods[int(row["then"])].title),
            confidence=f"{row['confidence']:.0%}", lift=f"{row['lift']:.1f}", adjusted=f"{row['adjusted']:.1f}",
        )
        for _, row in own.head(6).iterrows()
    ]  # fmt: skip
    return "<br>".join(lines)


def shuffled(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The share of pairs with a lift above 1, in real and in shuffled baskets. Frame columns: row, series, value, low,
    high."""
    title = text("association_rules.shuffled_title", language)
    found = next((run.result for run in shown.runs if run.result and "above_one" in run.result["measures"]), None)
    if found is None:
        return empty(title, COLUMNS, language)
    rows = [
        (text(f"setting.world_{world}", language), series, *(found["measures"][name][end] for end in ends))
        for world, start in (("real", ""), ("shuffled", "shuffled_"))
        for series, name in (("lift", f"{start}above_one"), ("adjusted", f"{start}above_one_adjusted"))
        for ends in [("value", "low", "high")]
        if name in found["measures"]
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    top = 76 if narrow else 54
    names = {series: text(f"setting.rules_by_{series}", language) for series in MARKS}
    draw = dots(frame, MARKS, names, text("association_rules.axis_above", language), ".0%", top, level=0.5)
    said = text("figures.list_comma", language).join(
        f"{row}: " + " / ".join(f"{value:.0%}" for value in part["value"])
        for row, part in frame.groupby("row", sort=False)
    )
    alt = text("association_rules.shuffled_alt", language, worlds=said)
    return Figure(frame, title, alt, draw, height=height(frame, top) + 40, revision="rules-shuffled")


def lasting(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Pooled lift of the fifty best pairs, where they were chosen and later, by how many baskets chose them.

    Frame columns: at, baskets, lift_learned, lift_later, adjusted_learned, adjusted_later.
    """
    title, columns = text("association_rules.lasting_title", language), ["at", "baskets", *LASTING]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "lift_learned" in one]
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame([(one["at"], one["baskets"], *(one.get(name) for name in LASTING)) for one in told])
    frame.columns = pd.Index(columns)
    now = moments_shown(frame, frame["baskets"], shown.at)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["baskets"].tolist(),
                "y": [None if pd.isna(one) else float(one) for one in frame[name]],
                "name": text(f"association_rules.{name}", language),
                "line": {"color": mark.colour(page), "dash": dash, "width": 2.5}, "marker": {"symbol": mark.symbol},
                "hovertemplate": "%{x:,}: %{y:.1f}<extra>%{fullData.name}</extra>",
            }
            for name, (mark, dash) in LASTING.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("association_rules.axis_baskets", language), type="log", dtick=1),
            "yaxis": axis(page, text("association_rules.axis_lift", language), rangemode="tozero"),
            "shapes": dotted_lines(page, now),
            "margin": {"t": 140 if narrow else 76},
        }

    last = frame.iloc[-1]
    alt = text(
        "association_rules.lasting_alt", language, learned=_one(last["lift_learned"]), later=_one(last["lift_later"]),
        adjusted=_one(last["adjusted_learned"]), adjusted_later=_one(last["adjusted_later"]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="rules-lasting")


def _one(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else f"{float(value):.1f}"
