"""Runs of semantic IDs side by side: codes in use, and whether words that say more also tell more products apart."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text, spread
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

DASHES = ("solid", "8px,4px", "2px,3px", "10px,3px,2px,3px", "5px,2px", "1px,4px")
GAP = 0.055  # of the height between two labels
HEIGHT = 380


def in_use(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Codes of the first level that at least one product takes, by epoch, a line a run.

    Frame columns: run, epoch, used. Runs without epochs (k-means level by level) are not drawn.
    """
    title, columns = text("code_usage.in_use_title", language), ["run", "epoch", "used"]
    rows = [
        (name, float(one["epoch"]), int(one["used"][0]))
        for run, name in zip(shown.runs, shown.names, strict=False)
        for one in run.of("frame")
        if one.get("used") and "epoch" in one
    ]
    frame = pd.DataFrame(rows, columns=columns)
    if frame.empty:
        return empty(title, columns, language, HEIGHT)
    names = list(shown.names)
    ends = frame.groupby("run", sort=False).last()
    top, last = float(frame["used"].max()), float(frame["epoch"].max())

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": part["epoch"].tolist(), "y": part["used"].tolist(),
                "name": plotly_text(str(name)), "line": _line(page, names.index(str(name))),
                "hovertemplate": "%{x}: %{y}<extra>%{fullData.name}</extra>",
            }
            for name, part in frame.groupby("run", sort=False)
        ]  # fmt: skip
        places = spread([float(used) for used in ends["used"]], 1.1 * top * GAP)
        notes = [_label(page, str(name), names, last, place) for name, place in zip(ends.index, places, strict=True)]
        return data, {
            "xaxis": axis(page, text("semantic_ids.axis_epoch", language), range=[0, last * (1.9 if narrow else 1.55)]),
            "yaxis": axis(page, text("code_usage.axis_used", language), range=[-0.08 * top, 1.1 * top]),
            "annotations": notes,
        }

    said = text("figures.list_comma", language).join(f"{name} {int(used)}" for name, used in ends["used"].items())
    return Figure(frame, title, text("code_usage.in_use_alt", language, runs=said), draw, HEIGHT, "in_use")


def words(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each run's words keep of the titles' vectors against how many different words there are.

    Frame columns: run, r2, unique; runs that have ended.
    """
    title, columns = text("code_usage.words_title", language), ["run", "r2", "unique"]
    rows: list[tuple[str, float, float]] = []
    for run, name in zip(shown.runs, shown.names, strict=False):
        one = (run.result or {}).get("measures", {})
        if {"r2", "unique"} <= set(one):
            rows.append((name, float(one["r2"]["value"]), float(one["unique"]["value"])))
    frame = pd.DataFrame(rows, columns=columns)
    if not rows:
        return empty(title, columns, language, HEIGHT)
    names = list(shown.names)
    low, high, top = min(row[1] for row in rows), max(row[1] for row in rows), max(row[2] for row in rows)
    room = max(high - low, 0.1)
    places = spread([row[2] for row in rows], 1.15 * top * GAP)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, notes = [], []
        for (name, r2, unique), place in zip(rows, places, strict=True):
            mark, right = _mark(names.index(name)), r2 > low + room / 2
            colour = mark.colour(page)
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [r2], "y": [unique], "name": plotly_text(name),
                    "marker": {
                        "size": 13, "color": colour, "symbol": mark.symbol,
                        "line": {"color": page.background, "width": 1},
                    },
                    "hovertemplate": text("code_usage.words_hover", language, r2="%{x:.0%}", unique="%{y:,.0f}")
                    + "<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
            side = {"xanchor": "right" if right else "left", "xshift": -11 if right else 11}
            notes.append(note(page, r2, place, plotly_text(name), **side, font={"size": 12, "color": colour}))
        ends = [low - 0.08 * room, high + 0.12 * room]
        return data, {
            "xaxis": axis(page, text("measure.r2", language), tickformat=".0%", range=ends),
            "yaxis": axis(page, text("code_usage.axis_words", language), range=[-0.06 * top, 1.12 * top]),
            "annotations": notes,
        }

    said = text("figures.list_comma", language).join(f"{name} {r2:.0%}, {unique:.0f}" for name, r2, unique in rows)
    return Figure(frame, title, text("code_usage.words_alt", language, runs=said), draw, HEIGHT, "words")


def _mark(place: int) -> Mark:
    return DEPARTMENTS[place % len(DEPARTMENTS)]


def _line(page: Theme, place: int) -> Plot:
    return {"color": _mark(place).colour(page), "width": 2.5, "dash": DASHES[place % len(DASHES)]}


def _label(page: Theme, name: str, names: Sequence[str], last: float, place: float) -> Plot:
    font = {"size": 12, "color": _mark(names.index(name)).colour(page)}
    return note(page, last, place, plotly_text(name), xanchor="left", xshift=6, font=font)
