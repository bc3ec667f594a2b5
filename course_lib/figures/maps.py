"""The item map: every product as a point where the model puts it, with one shopper's way through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.figures.base import Figure, Plot, axis, finite, note, plotly_text
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.products import Shelf, product, shelf
from course_lib.text import text

MOST_POINTS = 3000  # beyond that SVG gets slow; a stated sample is drawn, highlighted products always
MOST_STOPS = 12  # of the shopper's history; older ones would only clutter
Extent = tuple[float, float, float, float]


def map_extent(views: Iterable[Mapping[str, Any]]) -> Extent | None:
    """Axis ranges (x low, x high, y low, y high) that hold the maps of all epochs; None without any point."""
    x = [value for view in views for value in view["map"]["x"]]
    y = [value for view in views for value in view["map"]["y"]]
    bounds = [_bounds(values) for values in (x, y)]
    return None if bounds[0] is None or bounds[1] is None else (*bounds[0], *bounds[1])


def _bounds(values: Sequence[float]) -> tuple[float, float] | None:
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None
    low, high = float(numbers.min()), float(numbers.max())
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def item_map(
    items: pd.DataFrame,
    view: Mapping[str, Any] | None,
    highlight: Mapping[str, Any] | None,
    language: str,
    extent: Extent | None = None,
) -> Figure:
    """All products in two dimensions by department, a shopper's history as a numbered path, the top list in squares.

    Args:
        items: items frame, V rows.
        view: a run's view.json of one epoch (``epoch`` and ``map``), or None before the first.
        highlight: one entry of ``view["shoppers"]`` (``history``, ``top``, ``target``), or None.
        language: "zh" or "en".
        extent: from :func:`map_extent` over all epochs, so that the axes stay while epochs are scrubbed.

    Frame columns: item_id, x, y, department, drawn (False only beyond 3,000 products), stop (1 = oldest product shown
    of the history), rank (1 = top of the list), target.
    """
    stock = shelf(items)
    places = (view or {}).get("map") or {"x": [], "y": []}
    size = min(len(items), len(places["x"]))
    x, y = np.asarray(places["x"][:size], dtype=float), np.asarray(places["y"][:size], dtype=float)
    shopper = highlight or {}
    stops = [int(item) for item in shopper.get("history", [])][-MOST_STOPS:]
    ranked = [int(entry["item"] if isinstance(entry, Mapping) else entry) for entry in shopper.get("top", [])]
    target = shopper.get("target")
    seen = np.isfinite(x) & np.isfinite(y)
    drawn = seen & _sample(size, {*stops, *ranked, *([target] if target else [])})
    departments = stock.departments[:size]
    stop_of, rank_of = {item: n + 1 for n, item in enumerate(stops)}, {item: n + 1 for n, item in enumerate(ranked)}
    ids = np.arange(1, size + 1)
    frame = pd.DataFrame(
        {
            "item_id": ids, "x": x, "y": y, "department": departments, "drawn": drawn,
            "stop": _places(size, stop_of), "rank": _places(size, rank_of),
            "target": ids == target,
        }
    )  # fmt: skip
    box = extent or (map_extent([view]) if view else None) or (-1.0, 1.0, -1.0, 1.0)
    titles = stock.titles(language)

    def place(item: int) -> tuple[float | None, float | None]:
        return (finite(x[item - 1]), finite(y[item - 1])) if 1 <= item <= size else (None, None)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        faint = bool(stops or ranked)  # the shopper in front, the shop behind
        for mark, members in stock.members.items():
            chosen = members[members < size]
            chosen = chosen[drawn[chosen]]
            name = _department_name(stock, mark, members, language)
            data.append(_cloud(page, x, y, titles, chosen, mark.colour(page), mark.symbol, name, faint))
        data += _path(page, items, [(item, *place(item)) for item in stops], language)
        data += _list(page, items, [(item, *place(item)) for item in ranked], target, place, language)
        layout: Plot = {
            "xaxis": axis(
                page, text("figures.item_map_axis", language), range=list(box[:2]), showticklabels=False, showline=False
            ),
            "yaxis": axis(page, range=list(box[2:]), showticklabels=False, showline=False),
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "showlegend": True,
            "legend": {
                "orientation": "h", "x": 0, "xanchor": "left", "y": -0.09, "yanchor": "top", "font": {"size": 11},
                "itemsizing": "constant", "tracegroupgap": 0, "entrywidthmode": "pixels", "entrywidth": 106,
            },
            "dragmode": "pan",
        }  # fmt: skip
        layout["margin"]["b"] = 124
        if not drawn.any():
            waiting = text("figures.item_map_waiting", language)
            layout["annotations"] = [note(page, 0.5, 0.5, waiting, xref="paper", yref="paper")]
        return data, layout

    return Figure(
        frame=frame,
        title=text("figures.item_map_title", language),
        alt=_alt(items, frame, stops, ranked, (view or {}).get("epoch"), language),
        draw=draw,
        height=520,
        revision="item_map",
    )


def _places(size: int, of: Mapping[int, int]) -> NDArray[np.float64]:
    """(V,) the place of each item, NaN for those without one."""
    places = np.full(size, np.nan)
    for item, n in of.items():
        if 1 <= item <= size:
            places[item - 1] = n
    return places


def _sample(size: int, keep: set[int]) -> NDArray[np.bool_]:
    """Which points to draw: all, or beyond MOST_POINTS an even sample that holds ``keep`` (item ids)."""
    if size <= MOST_POINTS:
        return np.ones(size, dtype=bool)
    chosen = np.zeros(size, dtype=bool)
    chosen[np.linspace(0, size - 1, MOST_POINTS).astype(int)] = True
    chosen[[item - 1 for item in keep if 1 <= item <= size]] = True
    return chosen


def _department_name(stock: Shelf, mark: Mark, members: Any, language: str) -> str:
    if mark == stock.shared:
        return text("figures.other_departments", language)
    return stock.product(int(members[0]) + 1, language).department_name or text("figures.other_departments", language)


def _cloud(
    page: Theme, x: Any, y: Any, titles: Any, chosen: Any, colour: str, symbol: str, name: str, faint: bool
) -> Plot:  # fmt: skip
    return {
        "type": "scatter", "mode": "markers", "name": plotly_text(name),
        "x": x[chosen].round(4).tolist(), "y": y[chosen].round(4).tolist(),
        "text": titles[chosen].tolist(),
        "marker": {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.65 if faint else 0.85},
        "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def _path(page: Theme, items: pd.DataFrame, stops: list[tuple[int, Any, Any]], language: str) -> list[Plot]:
    """The history as a line through numbered discs, oldest first."""
    known = [(n, item, x, y) for n, (item, x, y) in enumerate(stops, 1) if x is not None and y is not None]
    return [
        {
            "type": "scatter", "mode": "lines+markers+text", "name": text("figures.history", language),
            "x": [x for _, _, x, _ in known], "y": [y for *_, y in known],
            "text": [str(n) for n, *_ in known], "textposition": "middle center",
            "textfont": {"size": 10, "color": page.background},
            "line": {"color": page.ink, "width": 1.2}, "marker": {
                "color": page.ink, "size": 17, "symbol": "circle", "line": {"color": page.background, "width": 1},
            },
            "customdata": [plotly_text(product(items, item, language).title) for _, item, *_ in known],
            "hovertemplate": text("figures.hover_stop", language, name=text("figures.history", language)),
        }
    ]  # fmt: skip


def _list(
    page: Theme, items: pd.DataFrame, ranked: list[tuple[int, Any, Any]], target: Any, place: Any, language: str
) -> list[Plot]:
    """The current top list as numbered squares, and a ring around the true next product."""
    known = [(n, item, x, y) for n, (item, x, y) in enumerate(ranked, 1) if x is not None and y is not None]
    name = text("figures.top_list", language)
    traces: list[Plot] = [
        {
            "type": "scatter", "mode": "markers+text", "name": name,
            "x": [x for _, _, x, _ in known], "y": [y for *_, y in known],
            "text": [str(n) for n, *_ in known], "textposition": "middle center",
            "textfont": {"size": 10, "color": page.background},
            "marker": {
                "color": page.accent, "size": 16, "symbol": "square", "line": {"color": page.background, "width": 1},
            },
            "customdata": [plotly_text(product(items, item, language).title) for _, item, *_ in known],
            "hovertemplate": text("figures.hover_stop", language, name=name),
        }
    ]  # fmt: skip
    x, y = place(int(target)) if target else (None, None)
    name = text("figures.true_next", language)
    found = x is not None and y is not None
    traces.append(
        {
            "type": "scatter", "mode": "markers", "name": name,
            "x": [x] if found else [], "y": [y] if found else [],
            "text": [plotly_text(product(items, int(target), language).title)] if found else [],
            "marker": {
                "color": page.accent, "size": 28, "symbol": "circle-open", "line": {"width": 3.5},
            },
            "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
        }
    )  # fmt: skip
    return traces


def _alt(
    items: pd.DataFrame, frame: pd.DataFrame, stops: list[int], ranked: list[int], epoch: Any, language: str
) -> str:
    if frame.empty:
        return text("figures.item_map_waiting", language)
    join = text("figures.list_comma", language)

    def titles(some: list[int]) -> str:
        return join.join(product(items, item, language).title for item in some if 1 <= item <= len(items)) or "–"

    shown = min(len(DEPARTMENTS), frame["department"].nunique())
    return text(
        "figures.item_map_alt", language, items=int(frame["drawn"].sum()), departments=shown, epoch=epoch,
        history=titles(stops), top=titles(ranked[:3]),
    )  # fmt: skip
