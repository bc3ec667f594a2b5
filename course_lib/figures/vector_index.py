"""Pictures of exact search against an index: time a query, what is found, and what finding more costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.text import text

DASHES = ("solid", "8px,4px", "2px,3px", "10px,3px,2px,3px", "5px,2px", "1px,4px")
HEIGHT = 380
EXACT = "exact"  # the line of exact search among those of the runs, which are numbered


def latency(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Milliseconds a query by catalogue size, on log-log paper: exact search of the first run, and each run's index.

    Frame columns: line ("exact", or the run's number from 0), name, products, ms.
    """
    title, columns = text("vector_index.latency_title", language), ["line", "name", "products", "ms"]
    rows: list[tuple[str, str, int, float]] = []
    for number, name, told in _told(shown, language):
        if not rows:
            by_exact = text("vector_index.exact", language)
            rows += [(EXACT, by_exact, one["products"], 1000 * one["exact_seconds"]) for one in told]
        rows += [(str(number), name, one["products"], 1000 * one["index_seconds"]) for one in told]
    frame = pd.DataFrame(rows, columns=columns)
    if frame.empty:
        return empty(title, columns, language, HEIGHT)
    hover = text("vector_index.latency_hover", language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        return _lines(page, frame, ("products", "ms"), hover), {
            **_legend(frame, narrow),
            "xaxis": _sizes(page, language),
            "yaxis": axis(page, text("vector_index.axis_ms", language), type="log", dtick="D2", tickformat="~g"),
            "shapes": _now(page, shown),
        }

    said = text("figures.list_comma", language).join(f"{name} {ms:.2g} ms" for name, ms in _ends(frame, "ms"))
    alt = text("vector_index.latency_alt", language, products=f"{frame['products'].max():,}", lines=said)
    return Figure(frame, title, alt, draw, HEIGHT, "latency")


def recall(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Recall@10 against exact search by catalogue size, a line a run.

    Frame columns: line (the run's number from 0), name, products, recall.
    """
    title, columns = text("vector_index.recall_title", language), ["line", "name", "products", "recall"]
    rows = [
        (str(number), name, one["products"], one["recall"])
        for number, name, told in _told(shown, language)
        for one in told
    ]
    frame = pd.DataFrame(rows, columns=columns)
    if frame.empty:
        return empty(title, columns, language, HEIGHT)
    hover = text("vector_index.recall_hover", language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        return _lines(page, frame, ("products", "recall"), hover), {
            **_legend(frame, narrow),
            "xaxis": _sizes(page, language),
            "yaxis": axis(page, text("vector_index.axis_recall", language), tickformat=".0%", range=[-0.02, 1.04]),
            "shapes": _now(page, shown),
        }

    said = text("figures.list_comma", language).join(f"{name} {found:.0%}" for name, found in _ends(frame, "recall"))
    alt = text("vector_index.recall_alt", language, products=f"{frame['products'].max():,}", lines=said)
    return Figure(frame, title, alt, draw, HEIGHT, "recall")


def tradeoff(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Recall@10 by milliseconds a query in the largest catalogue, a line a run, a mark for each ``searched``.

    Frame columns: line (the run's number from 0), name, searched, ms, recall; runs that have ended.
    """
    title, columns = text("vector_index.tradeoff_title", language), ["line", "name", "searched", "ms", "recall"]
    rows = [
        (str(number), _name(run, name, language), int(searched), 1000 * one["seconds"], one["recall"])
        for number, (run, name) in enumerate(_named(shown))
        for searched, one in (run.result or {}).get("tradeoff", {}).items()
    ]
    frame = pd.DataFrame(rows, columns=columns).sort_values(["line", "searched"])
    if frame.empty:
        return empty(title, columns, language, HEIGHT)
    hover = text("vector_index.tradeoff_hover", language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        return _lines(page, frame, ("ms", "recall"), hover, "searched"), {
            **_legend(frame, narrow),
            "xaxis": axis(page, text("vector_index.axis_ms", language), type="log", dtick="D2", tickformat="~g"),
            "yaxis": axis(page, text("vector_index.axis_recall", language), tickformat=".0%", range=[-0.02, 1.1]),
        }

    said = text("figures.list_comma", language).join(
        text("vector_index.tradeoff_range", language, name=name, low=f"{part['recall'].iloc[0]:.0%}",
             high=f"{part['recall'].iloc[-1]:.0%}", fast=f"{part['ms'].iloc[0]:.2g}", slow=f"{part['ms'].iloc[-1]:.2g}")
        for (_, name), part in frame.groupby(["line", "name"], sort=False)
    )  # fmt: skip
    return Figure(frame, title, text("vector_index.tradeoff_alt", language, lines=said), draw, HEIGHT, "tradeoff")


def _named(shown: Shown) -> list[tuple[RunView, str]]:
    names = [*shown.names, *[""] * len(shown.runs)]
    return list(zip(shown.runs, names, strict=False))


def _name(run: RunView, name: str, language: str) -> str:
    """A run without a name is called by its index."""
    chosen = run.config.settings.get("index") if run.config is not None else None
    return name or text(f"setting.index_{chosen or 'hnsw'}", language)


def _told(shown: Shown, language: str) -> Sequence[tuple[int, str, Sequence[Mapping[str, Any]]]]:
    """Number and name of each run that has looked at a catalogue, and what it told of each."""
    found = []
    for number, (run, name) in enumerate(_named(shown)):
        if told := [one for one in run.of("frame") if "index_seconds" in one]:
            found.append((number, _name(run, name, language), told))
    return found


def _ends(frame: pd.DataFrame, column: str) -> list[tuple[str, float]]:
    """Each line's name and its value for the largest catalogue."""
    last = frame.groupby("line", sort=False).last()
    return [(str(name), float(value)) for name, value in zip(last["name"], last[column], strict=True)]


def _lines(
    page: Theme, frame: pd.DataFrame, columns: tuple[str, str], hover: str, label: str | None = None
) -> list[Plot]:
    """A line for each value of the column ``line``; ``label`` is a column that is written at each mark."""
    data: list[Plot] = []
    for (line, name), part in frame.groupby(["line", "name"], sort=False):
        place = 0 if line == EXACT else int(str(line))
        mark = DEPARTMENTS[place % len(DEPARTMENTS)]
        colour = page.muted if line == EXACT else mark.colour(page)
        words = {"text": part[label].tolist(), "textposition": "top center"} if label else {}
        data.append(
            {
                "type": "scatter", "mode": "lines+markers+text" if label else "lines+markers",
                "x": part[columns[0]].tolist(), "y": part[columns[1]].tolist(), "name": plotly_text(str(name)),
                "line": {
                    "color": colour, "width": 2.5, "dash": "dot" if line == EXACT else DASHES[place % len(DASHES)],
                },
                "marker": {"size": 8, "color": colour, "symbol": "circle-open" if line == EXACT else mark.symbol},
                "textfont": {"size": 11, "color": colour},
                "hovertemplate": hover + "<extra>%{fullData.name}</extra>", **words,
            }
        )  # fmt: skip
    return data


def _legend(frame: pd.DataFrame, narrow: bool) -> Plot:
    """Above the picture, with room for all names: two in a line on a phone, else four."""
    lines = -(-frame["line"].nunique() // (2 if narrow else 4))
    place = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
    return {"showlegend": True, "legend": place, "margin": {"t": 14 + 22 * lines}}


def _sizes(page: Theme, language: str) -> Plot:
    return axis(page, text("vector_index.axis_products", language), type="log", dtick=1, tickformat=",.0f")


def _now(page: Theme, shown: Shown) -> list[Plot]:
    """A dotted line at the catalogue where the slider stands."""
    told = [one["products"] for one in (shown.runs[0].of("frame") if shown.runs else ()) if one.get("at") == shown.at]
    return dotted_lines(page, told)
