"""Pictures of semantic IDs: how many products take each code, what the codes keep, and who shares a beginning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, bare_axis, empty, note, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.products import department_marks, product
from course_lib.figures.share_curves import ShareCurve, share_curves
from course_lib.figures.shown import Shown
from course_lib.text import text


def usage(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How many products take each code, the most taken first, a line a level.

    Frame columns: level (from 1), rank (from 1), products.
    """
    title, columns = text("semantic_ids.usage_title", language), ["level", "rank", "products"]
    found = (shown.frame or {}).get("usage") or []
    if not found:
        return empty(title, columns, language)
    rows = [
        (level, rank, times)
        for level, usages in enumerate(found, 1)
        for rank, times in enumerate(sorted(usages, reverse=True), 1)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    used = [sum(times > 0 for times in usages) for usages in found]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for level, part in frame.groupby("level"):
            mark = DEPARTMENTS[(int(str(level)) - 1) % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": part["rank"].tolist(), "y": part["products"].tolist(),
                    "name": text(
                        "semantic_ids.level_used", language, level=level, used=used[int(str(level)) - 1],
                        codes=len(part),
                    ),
                    "line": {
                        "color": mark.colour(page), "shape": "hv", "width": 2.5,
                        "dash": ("solid", "dash", "dot", "dashdot")[(int(str(level)) - 1) % 4],
                    },
                    "hovertemplate": "%{x}: %{y}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"x": 1, "xanchor": "right", "y": 1, "font": {"size": 12}},
            "xaxis": axis(page, text("semantic_ids.axis_rank", language)),
            "yaxis": axis(page, text("semantic_ids.axis_products", language), rangemode="tozero"),
        }

    listed = text("figures.list_comma", language).join(f"{level}: {n}" for level, n in enumerate(used, 1))
    alt = text("semantic_ids.usage_alt", language, used=listed, codes=len(found[0]))
    return Figure(frame, title, alt, draw, revision="usage")


def kept(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What the codes keep of the vectors, and how many products have a word of their own, by frame.

    Frame columns: at, moment (epoch or level), r2, unique_share.
    """
    title, columns = text("semantic_ids.kept_title", language), ["at", "moment", "r2", "unique_share"]
    run = shown.runs[0] if shown.runs else None
    told = [one for one in run.of("frame") if "r2" in one] if run is not None else []
    if not told:
        return empty(title, columns, language)
    rows = [(int(one["at"]), one.get("epoch", one.get("level")), one["r2"], one["unique_share"]) for one in told]
    frame = pd.DataFrame(rows, columns=columns)
    curves = [
        ShareCurve("r2", text("semantic_ids.r2", language), DEPARTMENTS[0], "solid"),
        ShareCurve("unique_share", text("semantic_ids.unique_share", language), DEPARTMENTS[1], "dash"),
    ]
    by = "axis_level" if "level" in told[0] else "axis_epoch"
    titles = (text(f"semantic_ids.{by}", language), text("semantic_ids.axis_share", language))
    draw = share_curves(frame, "moment", shown.at, curves, titles, 34)
    last = frame.iloc[-1]
    alt = text(
        "semantic_ids.kept_alt", language, r2=f"{last['r2']:.0%}", unique=f"{last['unique_share']:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, revision="kept")


def tree(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The way of one product through the tree: each row is the branch chosen in the row above, cut by the next code.

    A tile is as wide as its share of the row's products and named after the commonest product type in it.
    Frame columns: level (from 1), code, products, kind, share (of that type), chosen.
    """
    title, columns = text("semantic_ids.tree_title", language), ["level", "code", "products", "kind", "share", "chosen"]
    words = (shown.frame or {}).get("words") or []
    history = (shown.answer or {}).get("history") or [1]
    item = int(history[-1])
    if not words or shown.items is None or not item <= len(words):
        return empty(title, columns, language)
    one, levels = product(shown.items, item, language), len(words[0]) - 1
    rows, tiles = [], []
    for level in range(levels):
        inside = [n for n, word in enumerate(words) if word[:level] == words[item - 1][:level]]
        begun = 0.0
        for code, members in _branches(words, inside, level, shown.items, language):
            names = Counter(product(shown.items, n + 1, language).kind for n in members)
            kind, times = names.most_common(1)[0]
            chosen = code == words[item - 1][level]
            rows.append((level + 1, code, len(members), kind, times / len(members), chosen))
            tiles.append((begun, len(members) / len(inside), product(shown.items, members[0] + 1, language).department))
            begun += len(members) / len(inside)
    frame = pd.DataFrame(rows, columns=columns)
    marks = department_marks(shown.items)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        colours = [
            alpha(marks[department].colour(page), 0.75 if row.chosen else 0.3)
            for (*_, department), row in zip(tiles, _rows(frame), strict=True)
        ]
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "y": frame["level"].tolist(),
                "base": [begun for begun, *_ in tiles], "x": [wide for _, wide, _ in tiles], "width": 0.5,
                "marker": {
                    "color": colours,
                    "line": {
                        "color": [page.ink if row.chosen else page.background for row in _rows(frame)],
                        "width": [2.5 if row.chosen else 1 for row in _rows(frame)],
                    },
                },
                "text": [plotly_text(row.kind) for row in _rows(frame)], "textposition": "inside",
                "insidetextanchor": "middle", "textangle": 0, "textfont": {"color": page.ink, "size": 11},
                "customdata": [
                    [row.code, plotly_text(row.kind), row.products, f"{row.share:.0%}"] for row in _rows(frame)
                ],
                "hovertemplate": text(
                    "semantic_ids.tree_hover", language, code="%{customdata[0]}", kind="%{customdata[1]}",
                    products="%{customdata[2]}", share="%{customdata[3]}",
                ) + "<extra></extra>",
            }
        ]  # fmt: skip
        notes = [
            note(page, 0, level, _row_name(frame, level, language), xanchor="left", yshift=34, bgcolor=page.background)
            for level in range(1, levels + 1)
        ]
        return data, {
            "xaxis": bare_axis(page, 0, 1),
            "yaxis": bare_axis(page, levels + 0.45, 0.3),
            "shapes": _openings(page, frame, tiles),
            "annotations": notes,
            "uniformtext": {"minsize": 10, "mode": "hide"},
            "margin": {"l": 6, "r": 6, "t": 6, "b": 6},
        }

    last = frame[(frame["level"] == levels) & frame["chosen"]].iloc[0]
    word = "-".join(map(str, words[item - 1][:levels]))
    alt = text("semantic_ids.tree_alt", language, title=one.title, word=word, products=int(last["products"]))
    return Figure(frame, title, alt, draw, height=80 + 95 * levels, revision="tree")


def _branches(
    words: Sequence[Sequence[int]], inside: Sequence[int], level: int, items: pd.DataFrame, language: str
) -> list[tuple[int, list[int]]]:
    """The codes of a level within a branch with their products, departments side by side, the largest code first."""
    found: dict[int, list[int]] = {}
    for n in inside:
        found.setdefault(int(words[n][level]), []).append(n)

    def place(code: int) -> tuple[str, int, int]:
        return product(items, found[code][0] + 1, language).department, -len(found[code]), code

    return [(code, found[code]) for code in sorted(found, key=place)]


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))


def _row_name(frame: pd.DataFrame, level: int, language: str) -> str:
    """``Level 2 · products 17 · codes 9``."""
    row = frame[frame["level"] == level]
    return text("semantic_ids.tree_row", language, level=level, products=f"{row['products'].sum():,}", codes=len(row))


def _openings(page: Theme, frame: pd.DataFrame, tiles: Sequence[tuple[float, float, str]]) -> list[Plot]:
    """Two lines from each chosen tile to the ends of the row that it opens into."""
    lines: list[Plot] = []
    for (begun, wide, _), row in zip(tiles, _rows(frame), strict=True):
        if row.chosen and row.level < frame["level"].max():
            for x0, x1 in ((begun, 0), (begun + wide, 1)):
                lines.append(
                    {
                        "type": "line", "x0": x0, "y0": row.level + 0.25, "x1": x1, "y1": row.level + 0.75,
                        "line": {"color": page.muted, "width": 1, "dash": "dot"},
                    }
                )  # fmt: skip
    return lines
