"""Pictures of the basketball case: the vectors of query, history and products, and what brings a product in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.products import label_room, name_lines
from course_lib.figures.shown import Shown
from course_lib.text import text

PRODUCTS = 5  # products whose vectors are drawn
WRITTEN = 8  # numbers in a vector that can be written into the cells; more are colours only


def vectors(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The numbers of q, h and u, and of the first five products, whose inner product with u is the score.

    Frame columns: row ("q", "h", "u" or an item id), place (from 1), value.
    """
    title = text("basketball_case.vectors_title", language)
    columns = ["row", "place", "value"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    first = answer["list"][:PRODUCTS]
    lines: list[tuple[str, str, list[float]]] = [
        (name, text(f"basketball_case.vector_{name}", language), answer["vectors"][name]) for name in ("q", "h", "u")
    ]
    for row in first:
        label = _label(row, language, narrow)
        lines.append((str(row["item"]), f"{label}  <b>{row['score']:.2f}</b>", row["g"]))
    frame = pd.DataFrame(
        [(name, n + 1, value) for name, _, vector in lines for n, value in enumerate(vector)], columns=columns
    )
    width = len(answer["vectors"]["u"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        up, down = DEPARTMENTS[1].colour(page), DEPARTMENTS[0].colour(page)
        heat: Plot = {
            "type": "heatmap", "z": [vector for _, _, vector in lines], "x": list(range(1, width + 1)),
            "y": list(range(len(lines))), "zmin": -0.8, "zmax": 0.8, "showscale": False, "ygap": 3, "xgap": 1,
            "colorscale": [[0, alpha(down, 0.75)], [0.5, alpha(page.muted, 0.06)], [1, alpha(up, 0.75)]],
            "hovertemplate": "%{x}: %{z:.3f}<extra></extra>",
        }  # fmt: skip
        size = 9 if narrow else 11
        notes = [
            note(page, n + 1, y, f"{value:.2f}".replace("-", "−"), font={"size": size, "color": page.ink})
            for y, (_, _, vector) in enumerate(lines) for n, value in enumerate(vector) if width <= WRITTEN
        ]  # fmt: skip
        return [heat], {
            "xaxis": axis(
                page, text("basketball_case.axis_place", language), showgrid=False, fixedrange=True, nticks=9
            ),
            "yaxis": axis(
                page, tickvals=list(range(len(lines))), ticktext=[label for _, label, _ in lines], showgrid=False,
                range=[len(lines) - 0.5, -0.5], fixedrange=True, tickfont={"size": 12, "color": page.ink},
            ),
            "shapes": [
                {
                    "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 2.5, "y1": 2.5,
                    "line": {"color": page.muted, "width": 1},
                }
            ],
            "annotations": notes,
            "margin": {"l": label_room([re.sub("</?b>", "", label) for _, label, _ in lines]), "r": 8, "t": 8, "b": 46},
        }  # fmt: skip

    alt = text(
        "basketball_case.vectors_alt", language, width=width, query=answer["query"],
        product=first[0][f"title_{language}"],
        score=f"{first[0]['score']:.2f}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=(36 if narrow else 30) * len(lines) + 90, revision="vectors")


def ranking(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The list, best first: how much of each score comes from the query and how much from the history.

    Frame columns: place (from 1), item_id, title, from_query, from_history, score.
    """
    title = text("basketball_case.ranking_title", language)
    columns = ["place", "item_id", "title", "from_query", "from_history", "score"]
    if not (answer := shown.answer):
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [
            (n, row["item"], row[f"title_{language}"], row["from_query"], row["from_history"], row["score"])
            for n, row in enumerate(answer["list"], 1)
        ],
        columns=columns,
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        parts: tuple[tuple[str, Any], ...] = (("from_query", DEPARTMENTS[0]), ("from_history", DEPARTMENTS[1]))
        for key, mark in parts:
            data.append(
                {
                    "type": "bar", "orientation": "h", "x": frame[key].tolist(), "y": frame["place"].tolist(),
                    "name": text(f"basketball_case.{key}", language),
                    "marker": {"color": mark.colour(page), "pattern": {"shape": "/" if key == "from_history" else ""}},
                    "customdata": [plotly_text(name) for name in frame["title"]],
                    "hovertemplate": "%{customdata}<br>%{fullData.name}: %{x:.3f}<extra></extra>",
                }
            )  # fmt: skip
        labels = [_label(row, language, narrow) for row in answer["list"]]
        return data, {
            "barmode": "relative",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("basketball_case.axis_score", language), fixedrange=True),
            "yaxis": axis(
                page, tickvals=frame["place"].tolist(), ticktext=labels, autorange="reversed", showgrid=False,
                fixedrange=True, tickfont={"size": 12, "color": page.ink},
            ),
            "margin": {"l": label_room(labels), "r": 12, "t": 34, "b": 46},
        }  # fmt: skip

    join = text("figures.list_comma", language)
    alt = text(
        "basketball_case.ranking_alt", language, query=answer["query"],
        products=join.join(f"{row.title} {row.score:.2f}" for row in frame.head(3).itertuples()),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=(34 if narrow else 26) * len(frame) + 120, revision="ranking")


def _label(row: Mapping[str, Any], language: str, narrow: bool) -> str:
    """A product of the list as its emoji and its type: in one line, on a phone in two."""
    room = (12, 2) if narrow else (24, 1)
    return f"{plotly_text(row['emoji'])} {name_lines(row[f'product_type_{language}'], *room)}"
