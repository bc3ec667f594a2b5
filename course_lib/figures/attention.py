"""Attention as pictures: which products of a history the model looks at, and who may look at whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, finite, note, plotly_text
from course_lib.figures.palette import Theme
from course_lib.figures.products import Product, product, short_label
from course_lib.text import text

MOST_ROWS = 15  # the newest products of a longer history
MOST_ORDER = 8  # products in the drawing of the causal mask
ROW = 27  # pixels of one product


def _scale(page: Theme) -> list[list[Any]]:
    """From the page to SASRec's blue, one hue: more attention, more ink."""
    ends = ("#16202c", "#2b6a94", "#8ad0ff") if page.dark else ("#eef5fa", "#7db8dc", "#00507d")
    return [[0, ends[0]], [0.5, ends[1]], [1, ends[2]]]


def _ink(page: Theme, share: float) -> str:
    """A text colour that can be read on the cell at that share of the scale."""
    return ("#0e1117" if page.dark else "#ffffff") if share > 0.62 else page.ink


def attention_on_history(
    items: pd.DataFrame, history: Sequence[int], attention: Sequence[Sequence[Sequence[float]]], language: str
) -> Figure:
    """Share of attention that each product of the history gets when the next one is predicted, by layer and head.

    Args:
        items: items frame.
        history: item ids, oldest first.
        attention: ``[layer][head][position]``; may cover only the newest positions when the model's history is
            shorter than the shopper's.
        language: "zh" or "en".

    Frame columns: position (1 = oldest), item_id, title, layer, head (both from 1), weight (0..1), even (the weight
    if all positions were equal), drawn (the newest 15 are). Raises ValueError for more weights than products.
    """
    rows: list[dict[str, Any]] = []
    for layer, heads in enumerate(attention, 1):
        for head, weights in enumerate(heads, 1):
            if len(weights) > len(history):
                raise ValueError(f"layer {layer}, head {head} has {len(weights)} weights for {len(history)} products")
            first = len(history) - len(weights)
            for place, weight in enumerate(weights):
                position = first + place
                rows.append(
                    {
                        "position": position + 1, "item_id": int(history[position]), "layer": layer, "head": head,
                        "weight": finite(weight), "even": 1 / len(weights),
                        "drawn": len(history) - position <= MOST_ROWS,
                    }
                )  # fmt: skip
    shown = list(enumerate(history, 1))[-MOST_ROWS:]
    known = {item: product(items, int(item), language) for item in {int(item) for item in history}}
    frame = pd.DataFrame(rows, columns=["position", "item_id", "layer", "head", "weight", "even", "drawn"])
    frame.insert(2, "title", [known[item].title for item in frame["item_id"]])
    columns = list(dict.fromkeys((row["layer"], row["head"]) for row in rows))
    found = {(row["position"], row["layer"], row["head"]): row["weight"] for row in rows}
    grid = [[found.get((position, *column)) for column in columns] for position, _ in shown]
    peak = max((value for line in grid for value in line if value is not None), default=0) or 1.0

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        labels = [short_label(known[int(item)], 14) for _, item in shown]
        names = [plotly_text(known[int(item)].title) for _, item in shown]
        heads = [text("figures.layer_head", language, layer=layer, head=head) for layer, head in columns]
        heat: Plot = {
            "type": "heatmap", "z": grid, "x": list(range(len(columns))), "y": list(range(len(shown))),
            "zmin": 0, "zmax": peak, "colorscale": _scale(page), "showscale": False, "xgap": 3, "ygap": 3,
            "customdata": [[[name, head.replace("<br>", " ")] for head in heads] for name in names],
            "hovertemplate": text("figures.hover_attention", language, name=""),
            "hoverongaps": False,
        }  # fmt: skip
        notes = _percents(page, grid, peak) if len(columns) <= 6 else []
        if not columns:
            notes = [note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper")]
        return [heat], {
            "xaxis": axis(
                page, text("figures.attention_axis", language), tickvals=list(range(len(columns))), ticktext=heads,
                side="bottom", showgrid=False, fixedrange=True, range=[-0.5, max(len(columns), 1) - 0.5],
            ),
            "yaxis": axis(
                page, tickvals=list(range(len(shown))), ticktext=[plotly_text(label) for label in labels],
                showgrid=False, fixedrange=True, range=[max(len(shown), 1) - 0.5, -0.5],
                tickfont={"size": 12, "color": page.ink},
            ),
            "margin": {"l": 138, "r": 8, "t": 8, "b": 62},
            "annotations": notes,
            "dragmode": False,
        }  # fmt: skip

    return Figure(
        frame=frame,
        title=text("figures.attention_title", language),
        alt=_attention_alt(frame, known, language),
        draw=draw,
        height=ROW * max(len(shown), 3) + 106,
        revision="attention",
    )


def _percents(page: Theme, grid: list[list[float | None]], peak: float) -> list[Plot]:
    """The share in per cent inside each cell, where it is at least one."""
    return [
        note(page, x, y, f"{value:.0%}", font={"size": 11, "color": _ink(page, value / peak)})
        for y, line in enumerate(grid)
        for x, value in enumerate(line)
        if value is not None and value >= 0.01
    ]


def _attention_alt(frame: pd.DataFrame, known: dict[int, Product], language: str) -> str:
    if frame.empty or frame["weight"].isna().all():
        return text("figures.attention_alt_empty", language)
    mean = frame.groupby("position")["weight"].mean().sort_values(ascending=False).head(3)
    item_at = dict(zip(frame["position"], frame["item_id"], strict=True))
    join = text("figures.list_comma", language)
    most = join.join(f"{known[item_at[place]].title} {share:.0%}" for place, share in mean.items())
    return text("figures.attention_alt", language, products=len(item_at), most=most)


def order_matters(
    items: pd.DataFrame, history: Sequence[int], matrix: Sequence[Sequence[float]], language: str
) -> Figure:
    """The attention of every position to every position of one real history; what is masked is drawn as masked.

    Args:
        items: items frame.
        history: item ids, oldest first.
        matrix: ``matrix[i][j]`` is how much position ``i`` looks at position ``j`` (one head of a run, each row
            sums to 1), for the newest ``len(matrix)`` products.
        language: "zh" or "en".

    Frame columns: row, column (1 = oldest drawn), row_item, column_item, weight (of the whole row, 0..1),
    allowed (column is not later than row). Only the newest 8 products are drawn; the frame holds what is drawn.
    Raises ValueError when the matrix is not square or has more rows than the history.
    """
    size = len(matrix)
    if any(len(line) != size for line in matrix) or size > len(history):
        raise ValueError(f"a {size}-row matrix with {len(history)} products; it must be square and not larger")
    keep = min(size, MOST_ORDER)
    shown = [int(item) for item in history[len(history) - keep :]]
    values = np.asarray(matrix, dtype=float).reshape(size, size)[size - keep :, size - keep :]
    rows = [
        {
            "row": i + 1, "column": j + 1, "row_item": shown[i], "column_item": shown[j],
            "weight": finite(values[i, j]), "allowed": j <= i,
        }
        for i in range(keep) for j in range(keep)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["row", "column", "row_item", "column_item", "weight", "allowed"])
    known = {item: product(items, item, language) for item in set(shown)}
    grid = [[finite(values[i, j]) if j <= i else None for j in range(keep)] for i in range(keep)]
    peak = max((value for line in grid for value in line if value is not None), default=0) or 1.0

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(keep))
        names = [plotly_text(known[item].title) for item in shown]
        mask: Plot = {
            "type": "heatmap", "x": places, "y": places, "showscale": False, "xgap": 2, "ygap": 2,
            "z": [[1 if j > i else None for j in places] for i in places],
            "colorscale": [[0, page.surface], [1, page.surface]], "hoverongaps": False,
            "customdata": [[[names[i], names[j]] for j in places] for i in places],
            "hovertemplate": text("figures.hover_masked", language, name=""),
        }  # fmt: skip
        heat: Plot = {
            "type": "heatmap", "x": places, "y": places, "z": grid, "zmin": 0, "zmax": peak, "xgap": 2, "ygap": 2,
            "colorscale": _scale(page), "showscale": False, "hoverongaps": False,
            "customdata": [[[names[i], names[j]] for j in places] for i in places],
            "hovertemplate": text("figures.hover_order", language, name=""),
        }  # fmt: skip
        notes = _percents(page, grid, peak)
        if keep > 2:
            words = text("figures.order_mask", language)
            spot = {"xanchor": "right", "yanchor": "top", "align": "right", "bgcolor": page.surface}
            notes.append(note(page, keep - 0.6, -0.4, words, font={"size": 12, "color": page.muted}, **spot))
        if not keep:
            notes.append(note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper"))
        faces = [plotly_text(known[item].emoji) for item in shown]
        return [mask, heat], {
            "xaxis": axis(
                page, text("figures.order_x", language), tickvals=places, ticktext=faces, showgrid=False,
                fixedrange=True, range=[-0.5, max(keep, 1) - 0.5], tickfont={"size": 16, "color": page.ink},
            ),
            "yaxis": axis(
                page, tickvals=places, showgrid=False, fixedrange=True, range=[max(keep, 1) - 0.5, -0.5],
                ticktext=[plotly_text(short_label(known[item], 14)) for item in shown],
                tickfont={"size": 12, "color": page.ink},
            ),
            "margin": {"l": 138, "r": 8, "t": 8, "b": 58},
            "annotations": notes,
            "dragmode": False,
        }  # fmt: skip

    return Figure(
        frame=frame,
        title=text("figures.order_title", language),
        alt=text("figures.order_alt" if keep else "figures.attention_alt_empty", language, products=keep),
        draw=draw,
        height=34 * max(keep, 3) + 100,
        revision="order_matters",
    )
