"""The item map: every product as a point where the model puts it, with one shopper's way through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.figures.base import Figure, Plot, axis, finite, note, plotly_text, width_of
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, alpha
from course_lib.figures.products import Shelf, name_lines, product, shelf
from course_lib.text import text

MOST_POINTS = 3000  # beyond that SVG gets slow; a stated sample is drawn, highlighted products always
MIDDLE = (1, 99)  # percentiles between which the axes lie
TYPE_NAME = 16  # display width of a line of a type's name on the map
EDGE = 0.025  # of the map's side: how far inside a mark stands whose product lies beyond
LETTER, LINE = 6.5, 14.0  # pixels of a letter and of a line of those names
TOGETHER = 0.5  # a type has a middle to name when its products lie half as far from it as all lie from theirs
MOST_STOPS = 12  # of the shopper's history; older ones would only clutter
HEIGHT = 520  # pixels, on a phone too, so that the page holds its place before the picture arrives
WIDTH, NARROW_WIDTH = 980, 330  # of the map on a common screen and on a phone; names keep clear of each other there
Extent = tuple[float, float, float, float]


def map_extent(views: Iterable[Mapping[str, Any]]) -> Extent | None:
    """Axis ranges (x low, x high, y low, y high) for the maps of all epochs; None without any point.

    From the 1st to the 99th percentile: a few products that the model has put far away would squeeze all others.
    """
    x = [value for view in views for value in view["map"]["x"]]
    y = [value for view in views for value in view["map"]["y"]]
    bounds = [_bounds(values) for values in (x, y)]
    return None if bounds[0] is None or bounds[1] is None else (*bounds[0], *bounds[1])


def _bounds(values: Sequence[float]) -> tuple[float, float] | None:
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None
    low, high = (float(edge) for edge in np.percentile(numbers, MIDDLE))
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def item_map(
    items: pd.DataFrame,
    view: Mapping[str, Any] | None,
    highlight: Mapping[str, Any] | None,
    language: str,
    extent: Extent | None = None,
    narrow: bool = False,
) -> Figure:
    """All products in two dimensions by type, a shopper's history as a numbered path, the top list in squares.

    Each type has a colour and a marker of its own, and its name where its products lie together: before training, and
    of types that the model has not gathered, no name is written. What lies beyond the axes can be reached by dragging;
    the history and the list stand at the edge then.

    Args:
        items: items frame, V rows.
        view: a run's view.json of one epoch (``epoch`` and ``map``), or None before the first.
        highlight: one entry of ``view["shoppers"]`` (``history``, ``top``, ``target``), or None.
        language: "zh" or "en".
        extent: from :func:`map_extent` over all epochs, so that the axes stay while epochs are scrubbed.
        narrow: for a phone: fewer names.

    Frame columns: item_id, x, y, type (its number), drawn (False only beyond 3,000 products), stop (1 = oldest product
    shown of the history), rank (1 = top of the list), target.
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
    types = stock.types[:size]
    stop_of, rank_of = {item: n + 1 for n, item in enumerate(stops)}, {item: n + 1 for n, item in enumerate(ranked)}
    ids = np.arange(1, size + 1)
    frame = pd.DataFrame(
        {
            "item_id": ids, "x": x, "y": y, "type": types, "drawn": drawn,
            "stop": _places(size, stop_of), "rank": _places(size, rank_of),
            "target": ids == target,
        }
    )  # fmt: skip
    box = extent or (map_extent([view]) if view else None) or (-1.0, 1.0, -1.0, 1.0)
    titles = stock.titles(language)
    edge = tuple(
        np.clip(values, low + EDGE * (high - low), high - EDGE * (high - low))
        for values, low, high in ((x, *box[:2]), (y, *box[2:]))
    )
    middles = _middles(x, y, types, drawn)

    def place(item: int) -> tuple[float | None, float | None]:
        return (finite(edge[0][item - 1]), finite(edge[1][item - 1])) if 1 <= item <= size else (None, None)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        faint = bool(stops or ranked)  # the shopper in front, the shop behind
        for group in range(int(stock.types.max(initial=0)) // len(DEPARTMENTS) + 1):  # the types of one marker
            chosen = np.flatnonzero(drawn & (types // len(DEPARTMENTS) == group))
            data.append(_cloud(page, stock, x, y, titles, chosen, group, language, faint))
        data += _path(page, items, [(item, *place(item)) for item in stops], language)
        data += _list(page, items, [(item, *place(item)) for item in ranked], target, place, language)
        layout: Plot = {
            "xaxis": axis(
                page, text("figures.item_map_axis", language), range=list(box[:2]), showticklabels=False, showline=False
            ),
            "yaxis": axis(page, range=list(box[2:]), showticklabels=False, showline=False),
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": -0.09, "yanchor": "top", "font": {"size": 12}},
            "dragmode": "pan",
        }  # fmt: skip
        layout["margin"]["b"] = 66
        layout["annotations"] = _names(page, stock, middles, box, language, narrow)
        if not drawn.any():
            waiting = text("figures.item_map_waiting", language)
            layout["annotations"] = [note(page, 0.5, 0.5, waiting, xref="paper", yref="paper")]
        return data, layout

    return Figure(
        frame=frame,
        title=text("figures.item_map_title", language),
        alt=_alt(items, frame, stops, ranked, (view or {}).get("epoch"), language),
        draw=draw,
        height=HEIGHT,
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


def _mark(kind: int) -> tuple[Mark, str]:
    """Colour and marker of a type; twelve types share a marker, and neighbours differ in colour."""
    return DEPARTMENTS[kind % len(DEPARTMENTS)], DEPARTMENTS[kind // len(DEPARTMENTS) % len(DEPARTMENTS)].symbol


def _cloud(
    page: Theme, stock: Shelf, x: Any, y: Any, titles: Any, chosen: Any, group: int, language: str, faint: bool
) -> Plot:  # fmt: skip
    """The products of the types that share a marker."""
    kinds = stock.types[chosen].tolist()
    return {
        "type": "scatter", "mode": "markers", "showlegend": False,
        "x": x[chosen].round(4).tolist(), "y": y[chosen].round(4).tolist(),
        "text": titles[chosen].tolist(),
        "customdata": [plotly_text(stock.product(int(row) + 1, language).kind) for row in chosen],
        "marker": {
            "color": [_mark(kind)[0].colour(page) for kind in kinds], "size": 6, "opacity": 0.65 if faint else 0.85,
            "symbol": _mark(group * len(DEPARTMENTS))[1],
        },
        "hovertemplate": "%{text}<extra>%{customdata}</extra>",
    }  # fmt: skip


def _middles(x: Any, y: Any, types: Any, drawn: Any) -> list[tuple[int, float, float]]:
    """Type number and middle of each type whose products lie together, the closest first."""
    if not drawn.any():
        return []

    def spread(rows: Any) -> tuple[float, float, float]:
        middle = float(np.median(x[rows])), float(np.median(y[rows]))
        return (*middle, float(np.median(np.hypot(x[rows] - middle[0], y[rows] - middle[1]))))

    most = TOGETHER * spread(drawn)[2]
    found = []
    for kind in np.unique(types[drawn]):
        rows = drawn & (types == kind)
        across, up, distance = spread(rows)
        if rows.sum() > 1 and distance < most:
            found.append((distance, int(kind), across, up))
    return [(kind, across, up) for _, kind, across, up in sorted(found)]


def _names(
    page: Theme, stock: Shelf, middles: list[tuple[int, float, float]], box: Extent, language: str, narrow: bool
) -> list[Plot]:  # fmt: skip
    """The names of the types at their middles, as many as keep clear of each other."""
    across, up = (NARROW_WIDTH if narrow else WIDTH) / (box[1] - box[0]), (HEIGHT - 100) / (box[3] - box[2])
    taken: list[tuple[float, float, float, float]] = []
    notes = []
    for kind, x, y in middles:
        if not (box[0] < x < box[1] and box[2] < y < box[3]):
            continue
        words = name_lines(stock.product(int(np.argmax(stock.types == kind)) + 1, language).kind, TYPE_NAME)
        lines = words.split("<br>")
        half, tall = LETTER * max(width_of(line) for line in lines) / 2, LINE * len(lines) / 2
        spot = ((x - box[0]) * across - half, (y - box[2]) * up - tall)
        own = (*spot, spot[0] + 2 * half, spot[1] + 2 * tall)
        if any(own[0] < b[2] and b[0] < own[2] and own[1] < b[3] and b[1] < own[3] for b in taken):
            continue
        taken.append(own)
        look = {"bgcolor": alpha(page.background, 0.72), "borderpad": 0, "captureevents": False}
        notes.append(note(page, x, y, f"<b>{words}</b>", font={"size": 11, "color": page.ink}, **look))
    return notes


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

    return text(
        "figures.item_map_alt", language, items=int(frame["drawn"].sum()), types=frame["type"].nunique(), epoch=epoch,
        history=titles(stops), top=titles(ranked[:3]),
    )  # fmt: skip
