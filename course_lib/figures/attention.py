"""Attention as pictures: which products of a history the model looks at, and who may look at whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, finite, note, plotly_text
from course_lib.figures.palette import Theme
from course_lib.figures.products import Product, label_room, name_lines, product
from course_lib.text import text

MOST_ROWS = 15  # the newest products of a longer history
NAME, NARROW_NAME = 30, 16  # display width of a line of a product's name
ROW, LOW_ROW = 27, 23  # pixels of one product
MOST_LABELS = 8  # heads side by side whose whole names fit below them
MOST_COLUMNS = 24  # heads side by side whose numbers fit
LEAST = 0.05  # of a place's attention that is worth a number in the matrix


def _scale(page: Theme) -> list[list[Any]]:
    """From the page to SASRec's blue, one hue: more attention, more ink."""
    ends = ("#16202c", "#2b6a94", "#8ad0ff") if page.dark else ("#eef5fa", "#7db8dc", "#00507d")
    return [[0, ends[0]], [0.5, ends[1]], [1, ends[2]]]


def _ink(page: Theme, share: float) -> str:
    """A text colour that can be read on the cell at that share of the scale."""
    return ("#0e1117" if page.dark else "#ffffff") if share > 0.62 else page.ink


def attention_on_history(
    items: pd.DataFrame,
    history: Sequence[int],
    attention: Sequence[Sequence[Sequence[float]]],
    language: str,
    narrow: bool = False,
) -> Figure:
    """Share of attention that each product of the history gets when the next one is predicted, by layer and head.

    Args:
        items: items frame.
        history: item ids, oldest first.
        attention: ``[layer][head][position]``; may cover only the newest positions when the model's history is
            shorter than the shopper's.
        language: "zh" or "en".
        narrow: for a phone: shorter titles, and each layer named once below its heads.

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
        labels = _labels([known[int(item)] for _, item in shown], narrow)
        names = [plotly_text(known[int(item)].title) for _, item in shown]
        heads = [text("figures.layer_head", language, layer=layer, head=head) for layer, head in columns]
        gap = 3 if len(columns) <= MOST_COLUMNS else 1
        heat: Plot = {
            "type": "heatmap", "z": grid, "x": list(range(len(columns))), "y": list(range(len(shown))),
            "zmin": 0, "zmax": peak, "colorscale": _scale(page), "showscale": False, "xgap": gap, "ygap": 3,
            "customdata": [[[name, head.replace("<br>", " ")] for head in heads] for name in names],
            "hovertemplate": text("figures.hover_attention", language, name=""),
            "hoverongaps": False,
        }  # fmt: skip
        notes = _percents(page, grid, peak, 0.01) if len(columns) <= 6 else []
        ticks, under = heads, text("figures.attention_axis", language)
        numbered = narrow or len(columns) > MOST_LABELS
        if numbered:
            ticks = ["\u00a0"] * len(columns)
            if len(columns) <= MOST_COLUMNS:
                ticks, under = [str(head) for _, head in columns], text("figures.attention_axis_numbers", language)
            notes += _layer_names(page, columns, language)
        if not columns:
            notes = [note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper")]
        layout: Plot = {
            "xaxis": axis(
                page, under, tickvals=list(range(len(columns))), ticktext=ticks,
                tickangle=0, side="bottom", showgrid=False, fixedrange=True, range=[-0.5, max(len(columns), 1) - 0.5],
            ),
            "yaxis": axis(
                page, tickvals=list(range(len(shown))), ticktext=labels,
                showgrid=False, fixedrange=True, range=[max(len(shown), 1) - 0.5, -0.5],
                tickfont={"size": 12, "color": page.ink},
            ),
            "margin": {"l": label_room(labels), "r": 8, "t": 8, "b": 62},
            "annotations": notes,
            "dragmode": False,
        }  # fmt: skip
        if numbered:
            layout["xaxis"]["title"]["standoff"] = 24  # the layers' names stand between
        return [heat], layout

    return Figure(
        frame=frame,
        title=text("figures.attention_title", language),
        alt=_attention_alt(frame, known, language),
        draw=draw,
        height=ROW * max(len(shown), 3) + 106,
        revision="attention",
    )


def _labels(shown: Sequence[Product], narrow: bool) -> list[str]:
    """Whole names beside the rows: in one line, on a phone in two."""
    room = (NARROW_NAME, 2) if narrow else (NAME, 1)
    return [f"{plotly_text(one.emoji)} {name_lines(one.short, *room)}" for one in shown]


def _layer_names(page: Theme, columns: Sequence[tuple[int, int]], language: str) -> list[Plot]:
    """Each layer's name once, in the middle below its heads, whose numbers stand at the ticks."""
    notes = []
    layers = [layer for layer, _ in columns]
    for layer in dict.fromkeys(layers):
        middle = layers.index(layer) + (layers.count(layer) - 1) / 2
        words = text("figures.layer_short" if len(set(layers)) > 3 else "figures.layer", language, layer=layer)
        place = {"yref": "paper", "yanchor": "top", "yshift": -19}
        notes.append(note(page, middle, 0, words, font={"size": 11, "color": page.muted}, **place))
    return notes


def _percents(page: Theme, grid: list[list[float | None]], peak: float, least: float) -> list[Plot]:
    """The share in per cent inside each cell, where it is at least ``least``."""
    return [
        note(page, x, y, f"{value:.0%}", font={"size": 11, "color": _ink(page, value / peak)})
        for y, line in enumerate(grid)
        for x, value in enumerate(line)
        if value is not None and value >= least
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
    items: pd.DataFrame,
    history: Sequence[int],
    rows: Sequence[Sequence[float]] | None,
    language: str,
    narrow: bool = False,
) -> Figure:
    """Which place of one history looks at which; what is masked is drawn as masked.

    Args:
        items: items frame.
        history: item ids, oldest first.
        rows: one head's attention between the newest ``len(rows)`` products: ``rows[i]`` has ``i + 1`` weights, of
            place ``i`` on the places up to itself. None: no model, only which places may be looked at.
        language: "zh" or "en".
        narrow: for a phone: shorter titles, no numbers in the squares.

    Frame columns: row, column (1 = oldest drawn), row_item, column_item, weight (of the whole row, 0..1; missing
    without a model), allowed (column is not later than row). The newest 15 products are drawn; the frame holds what
    is drawn. Raises ValueError when a row has another length or there are more rows than products.
    """
    size = len(history) if rows is None else len(rows)
    if size > len(history) or any(len(line) != i + 1 for i, line in enumerate(rows or ())):
        raise ValueError(f"{size} rows with {len(history)} products; row i needs i + 1 weights")
    keep = min(size, MOST_ROWS)
    shown = [int(item) for item in history[len(history) - keep :]]
    grid: list[list[float | None]] = [[None] * keep for _ in range(keep)]
    for i, row in enumerate((rows or ())[size - keep :]):
        grid[i][: i + 1] = [finite(value) for value in row[size - keep :]]
    cells = [
        {
            "row": i + 1, "column": j + 1, "row_item": shown[i], "column_item": shown[j],
            "weight": grid[i][j], "allowed": j <= i,
        }
        for i in range(keep) for j in range(keep)
    ]  # fmt: skip
    frame = pd.DataFrame(cells, columns=["row", "column", "row_item", "column_item", "weight", "allowed"])
    known = {item: product(items, item, language) for item in set(shown)}
    peak = max((value for line in grid for value in line if value is not None), default=0) or 1.0

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(keep))
        names = [plotly_text(known[item].title) for item in shown]
        gap = 1 if narrow else 2
        shared: Plot = {
            "type": "heatmap", "x": places, "y": places, "showscale": False, "xgap": gap, "ygap": gap,
            "hoverongaps": False, "customdata": [[[names[i], names[j]] for j in places] for i in places],
        }  # fmt: skip
        mask: Plot = {
            **shared,
            "z": [[1 if j > i else None for j in places] for i in places],
            "colorscale": [[0, page.surface], [1, page.surface]],
            "hovertemplate": text("figures.hover_masked", language, name=""),
        }
        heat: Plot = {
            **shared,
            "z": grid if rows is not None else [[0.3 if j <= i else None for j in places] for i in places],
            "zmin": 0,
            "zmax": peak,
            "colorscale": _scale(page),
            "hovertemplate": text(
                "figures.hover_order" if rows is not None else "figures.hover_may", language, name=""
            ),
        }
        notes = [] if narrow else _percents(page, grid, peak, LEAST)
        if keep > 2:
            words = text("figures.order_mask", language)
            spot = {"xanchor": "right", "yanchor": "top", "align": "right", "bgcolor": page.surface}
            notes.append(note(page, keep - 0.6, -0.4, words, font={"size": 12, "color": page.muted}, **spot))
        if not keep:
            notes.append(note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper"))
        faces = [plotly_text(known[item].emoji) for item in shown]
        labels = _labels([known[item] for item in shown], narrow)
        return [mask, heat], {
            "xaxis": axis(
                page, text("figures.order_x", language), tickvals=places, ticktext=faces, showgrid=False, tickangle=0,
                fixedrange=True, range=[-0.5, max(keep, 1) - 0.5],
                tickfont={"size": 10 if narrow else 16, "color": page.ink},
            ),
            "yaxis": axis(
                page, tickvals=places, showgrid=False, fixedrange=True, range=[max(keep, 1) - 0.5, -0.5],
                ticktext=labels,
                tickfont={"size": 12, "color": page.ink},
            ),
            "margin": {"l": label_room(labels), "r": 8, "t": 8, "b": 58},
            "annotations": notes,
            "dragmode": False,
        }  # fmt: skip

    return Figure(
        frame=frame,
        title=text("figures.order_title" if rows is None else "figures.order_title_run", language),
        alt=_order_alt(shown, grid, known, rows is None, language),
        draw=draw,
        height=LOW_ROW * max(keep, 3) + 100,
        revision="order_matters",
    )


def _order_alt(
    shown: Sequence[int],
    grid: Sequence[Sequence[float | None]],
    known: dict[int, Product],
    bare: bool,
    language: str,
) -> str:
    if bare and shown:
        return text("figures.order_alt_bare", language, products=len(shown))
    newest = [(share, place) for place, share in enumerate(grid[-1] if grid else ()) if share is not None]
    if not newest:
        return text("figures.attention_alt_empty", language)
    share, place = max(newest)
    return text(
        "figures.order_alt", language, products=len(shown), newest=known[shown[-1]].title,
        most=known[shown[place]].title, share=f"{share:.0%}",
    )  # fmt: skip
