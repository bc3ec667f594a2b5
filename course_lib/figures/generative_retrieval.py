"""Pictures of generative retrieval: what training changes, how many beams are enough, and the beam as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from course_lib.figures.base import (
    Figure,
    Plot,
    axis,
    bare_axis,
    dotted_lines,
    empty,
    metric_name,
    moments_shown,
    note,
    plotly_text,
    shorten,
)
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, alpha
from course_lib.figures.products import Product, department_marks, product
from course_lib.figures.shown import Shown
from course_lib.text import text

BARS = {"ndcg@10": DEPARTMENTS[0], "hr@10": DEPARTMENTS[2]}
DASHES = ("solid", "dash", "dot", "dashdot")
WIDE, NARROW = 20, 12  # words in the tree
THICK = 12  # pixels, of a line with probability 1
LABEL = {False: (700, 330, 44), True: (378, 200, 23)}  # pixels of the picture and of its titles, a title's letters


@dataclass(frozen=True)
class _Line:
    """One line: numbers, the name in the legend, and with ``ends`` an interval at each point."""

    values: Sequence[float]
    name: str
    number: int  # decides colour and dash
    ends: tuple[Sequence[float], Sequence[float]] | None = None

    def trace(self, page: Theme, x: Sequence[float]) -> Plot:
        mark: Mark = DEPARTMENTS[self.number % len(DEPARTMENTS)]
        colour = mark.colour(page)
        trace: Plot = {
            "type": "scatter", "mode": "lines+markers", "x": list(x), "y": list(self.values), "name": self.name,
            "line": {"color": colour, "width": 2.5, "dash": DASHES[self.number % len(DASHES)]},
            "marker": {"symbol": mark.symbol, "size": 7},
            "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        }  # fmt: skip
        if self.ends is not None:
            low, high = self.ends
            trace["error_y"] = {
                "type": "data", "symmetric": False, "color": colour, "thickness": 1.5,
                "array": [end - value for value, end in zip(self.values, high, strict=True)],
                "arrayminus": [value - end for value, end in zip(self.values, low, strict=True)],
            }  # fmt: skip
        return trace


def _told(shown: Shown, name: str) -> list[Mapping[str, Any]]:
    """The events of a run's frames that tell ``name``."""
    run = shown.runs[0] if shown.runs else None
    return [one for one in run.of("frame") if name in one] if run is not None else []


def _legend(top: int) -> Plot:
    return {
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "margin": {"t": top},
    }


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 on validation targets and the share of invalid IDs without the trie, by epoch.

    Frame columns: at, epoch, ndcg, invalid.
    """
    title, columns = text("generative_retrieval.curve_title", language), ["at", "epoch", "ndcg", "invalid"]
    told = _told(shown, "losses")
    if not told:
        return empty(title, columns, language)
    rows = [(one["at"], one["epoch"], one["ndcg@10"], one["invalid"]) for one in told]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        lines = [
            _Line(frame[name].tolist(), text(f"generative_retrieval.{name}", language), number)
            for number, name in enumerate(("ndcg", "invalid"))
        ]
        return [line.trace(page, frame["epoch"].tolist()) for line in lines], {
            **_legend(54 if narrow else 34),
            "xaxis": axis(page, text("generative_retrieval.axis_epoch", language)),
            "yaxis": axis(page, text("generative_retrieval.axis_share", language), range=[-0.02, 1.02]),
            "shapes": dotted_lines(page, moments_shown(frame, frame["epoch"], shown.at)[:1]),
        }

    first, last = frame.iloc[0], frame.iloc[-1]
    alt = text(
        "generative_retrieval.curve_alt", language, first=f"{first['ndcg']:.3f}", last=f"{last['ndcg']:.3f}",
        invalid=f"{last['invalid']:.1%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, revision="generative-curve")


def loss(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The mean of -log p of the true code on validation targets, a line a level, by epoch.

    Frame columns: at, epoch, and level_1, level_2, ...
    """
    title = text("generative_retrieval.loss_title", language)
    told = _told(shown, "losses")
    if not told:
        return empty(title, ["at", "epoch", "level_1"], language)
    sizes = told[-1]["sizes"]
    names = [f"level_{level}" for level in range(1, len(sizes) + 1)]
    frame = pd.DataFrame([(one["at"], one["epoch"], *one["losses"]) for one in told], columns=["at", "epoch", *names])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        lines = [
            _Line(
                frame[name].tolist(),
                text(
                    "generative_retrieval.loss_level", language, level=number + 1, codes=sizes[number],
                    loss=f"{frame[name].iloc[-1]:.2f}",
                ),
                number,
            )
            for number, name in enumerate(names)
        ]  # fmt: skip
        return [line.trace(page, frame["epoch"].tolist()) for line in lines], {
            **_legend(100 if narrow else 54),
            "xaxis": axis(page, text("generative_retrieval.axis_epoch", language)),
            "yaxis": axis(page, text("generative_retrieval.axis_loss", language), rangemode="tozero"),
            "shapes": dotted_lines(page, moments_shown(frame, frame["epoch"], shown.at)[:1]),
        }

    listed = text("figures.list_comma", language).join(f"{frame[name].iloc[-1]:.2f}" for name in names)
    alt = text("generative_retrieval.loss_alt", language, losses=listed)
    return Figure(frame, title, alt, draw, height=400 if narrow else 360, revision="generative-loss")


def beams(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 with the trie and the share of invalid IDs without it, by the width of the beam, with intervals.

    Measured on the finished model. Frame columns: beam, measure ("ndcg" or "invalid"), value, low, high.
    """
    title = text("generative_retrieval.beams_title", language)
    columns = ["beam", "measure", "value", "low", "high"]
    run = shown.runs[0] if shown.runs else None
    found = ((run.result if run is not None else None) or {}).get("beams") or (shown.frame or {}).get("beams")
    if not found:
        return empty(title, columns, language)
    rows = []
    for one in found:
        for measure, told in (("ndcg", one.get("ndcg@10")), ("invalid", one.get("invalid"))):
            if told is not None:
                rows.append((one["beam"], measure, *(told[end] for end in ("value", "low", "high"))))
    frame = pd.DataFrame(rows, columns=columns)
    widths = sorted(set(frame["beam"].tolist()))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        for number, (measure, word) in enumerate((("ndcg", "beams_ndcg"), ("invalid", "invalid"))):
            part = frame[frame["measure"] == measure]
            line = _Line(
                part["value"].tolist(), text(f"generative_retrieval.{word}", language), number,
                (part["low"].tolist(), part["high"].tolist()),
            )  # fmt: skip
            data.append(line.trace(page, part["beam"].tolist()))
        return data, {
            **_legend(54 if narrow else 34),
            "xaxis": axis(
                page, text("generative_retrieval.axis_beams", language), type="log", tickvals=widths,
                ticktext=[str(wide) for wide in widths],
            ),
            "yaxis": axis(page, text("generative_retrieval.axis_share", language), rangemode="tozero"),
        }  # fmt: skip

    def listed(measure: str, form: str) -> str:
        part = frame[frame["measure"] == measure]
        return text("figures.list_comma", language).join(f"{row.beam}: {row.value:{form}}" for row in _rows(part))

    alt = text(
        "generative_retrieval.beams_alt", language, ndcg=listed("ndcg", ".3f"), invalid=listed("invalid", ".1%"),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, revision="generative-beams")


def dictionaries(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 and HR@10 of each finished run, with intervals: what it matters that codes mean something.

    Frame columns: run, measure, value, low, high.
    """
    title = text("generative_retrieval.dictionaries_title", language)
    frame = measure_rows(BARS, shown, "ids", "invalid", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: metric_name(measure) for measure in BARS}
    axis_title = text("generative_retrieval.axis_score", language)
    draw = measure_bars(frame, BARS, names, axis_title, 54, score=True)
    alt = text("generative_retrieval.dictionaries_alt", language, runs=in_words(frame, language, score=True))
    return Figure(frame, title, alt, draw, height=130 + 60 * frame["run"].nunique(), revision="dictionaries")


def tree(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The beam as a tree that grows to the right: a node a code, lines as wide as probable, products at the leaves.

    Drawn are the best words of ``shown.answer["tree"]``, 20 of them, on a phone 12. Frame columns: node, level, place
    (from the top), code, p, parent (-1 at the first level), word, item (0 before the leaves, or where there is no
    product), name.
    """
    title = text("generative_retrieval.tree_title", language)
    columns = ["node", "level", "place", "code", "p", "parent", "word", "item", "name"]
    nodes = list((shown.answer or {}).get("tree") or [])
    if not nodes or shown.items is None or any((one.get("item") or 0) > len(shown.items) for one in nodes):
        return empty(title, columns, language)
    depth = max(len(one["prefix"]) for one in nodes)
    ends = sorted((n for n, one in enumerate(nodes) if len(one["prefix"]) == depth), key=lambda n: -nodes[n]["score"])
    kept, hidden = ends[: NARROW if narrow else WIDE], len(ends) - len(ends[: NARROW if narrow else WIDE])
    places = _places(nodes, kept)
    products = {n: product(shown.items, nodes[n]["item"], language) for n in kept if nodes[n].get("item")}
    rows = [
        (
            n, len(nodes[n]["prefix"]), place, nodes[n]["code"], nodes[n]["p"],
            -1 if nodes[n]["parent"] is None else nodes[n]["parent"], "-".join(map(str, nodes[n]["prefix"])),
            nodes[n].get("item") or 0, _name(nodes[n], products.get(n), depth, language),
        )
        for n, place in sorted(places.items())
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    marks, invalid = department_marks(shown.items), {n for n in places if not nodes[n]["valid"]}
    pixels, room, letters = LABEL[narrow]
    small = 10 if narrow else 11
    right = depth + room * (depth + 0.3) / (pixels - room)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        leaf = {n: marks[one.department].colour(page) for n, one in products.items()}
        colours = [page.accent if row.node in invalid else leaf.get(row.node, page.muted) for row in _rows(frame)]
        symbols = ["x" if row.node in invalid else "circle" for row in _rows(frame)]
        told = [
            text("generative_retrieval.tree_hover", language, prefix=row.word, p=_percent(row.p))
            + (f"<br>{plotly_text(row.name)}" if row.name else "")
            for row in _rows(frame)
        ]
        points: Plot = {
            "type": "scatter", "mode": "markers", "x": frame["level"].tolist(), "y": frame["place"].tolist(),
            "marker": {"color": colours, "symbol": symbols, "size": 8, "line": {"width": 0}},
            "customdata": told, "hovertemplate": "%{customdata}<extra></extra>",
        }  # fmt: skip
        notes = [
            note(
                page, row.level, row.place, str(row.code), xanchor="right", xshift=-6, yshift=7,
                font={"size": 10, "color": page.accent if row.node in invalid else page.ink},
            )
            for row in _rows(frame)
        ]  # fmt: skip
        for row in _rows(frame[frame["level"] == depth]):
            face = f"{products[row.node].emoji} " if row.node in products else ""
            words = f"{_percent(row.p)} {face}{plotly_text(shorten(row.name, letters))}"
            colour = page.accent if row.node in invalid else page.ink
            notes.append(
                note(page, depth, row.place, words, xanchor="left", xshift=8, font={"size": small + 1, "color": colour})
            )
        heads = [text("generative_retrieval.tree_level", language, level=level) for level in range(1, depth + 1)]
        notes += [
            note(page, level, -0.95, head, xanchor="center", font={"size": small, "color": page.muted})
            for level, head in enumerate(heads, 1)
        ]
        if hidden:
            words = text("generative_retrieval.more", language, count=hidden)
            quiet = {"size": small, "color": page.muted}
            notes.append(note(page, depth, len(kept), words, xanchor="left", xshift=8, font=quiet))
        return [points], {
            "xaxis": bare_axis(page, -0.15, right),
            "yaxis": bare_axis(page, len(kept) + 0.4, -1.4),
            "shapes": _branches(page, frame, invalid),
            "annotations": notes,
            "margin": {"l": 6, "r": 6, "t": 6, "b": 6},
        }

    best = _rows(frame[frame["node"] == ends[0]])[0]
    alt = text(
        "generative_retrieval.tree_alt", language, words=len(ends), word=best.word, product=best.name,
        p=_percent(best.p),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=90 + 24 * len(kept), revision="generative-tree")


def _places(nodes: Sequence[Mapping[str, Any]], kept: Sequence[int]) -> dict[int, float]:
    """From the top, the place of each kept leaf and of the nodes above it, which stand in the middle of their own.

    Leaves of one parent stand together, the likeliest branch first, so that no lines cross.
    """
    children: dict[int | None, list[int]] = {}
    wanted: set[int] = set()
    for n in kept:
        at: int | None = n
        while at is not None and at not in wanted:
            wanted.add(at)
            at = nodes[at]["parent"]
    for n in sorted(wanted, key=lambda n: -nodes[n]["score"]):
        children.setdefault(nodes[n]["parent"], []).append(n)
    places: dict[int, float] = {}
    taken = 0

    def put(n: int) -> float:
        nonlocal taken
        own = [put(child) for child in children.get(n, [])]
        if not own:
            taken += 1
        places[n] = (own[0] + own[-1]) / 2 if own else taken - 1.0
        return places[n]

    for first in children.get(None, []):
        put(first)
    return places


def _branches(page: Theme, frame: pd.DataFrame, invalid: set[int]) -> list[Plot]:
    """A curve from each node's parent to it, as wide as it is probable; the first ones come from one root."""
    at = {row.node: (row.level, row.place) for row in _rows(frame)}
    first = frame[frame["level"] == 1]["place"]
    root = (0, (first.min() + first.max()) / 2)
    shapes = []
    for row in _rows(frame):
        x0, y0 = at.get(row.parent, root)
        middle = (x0 + row.level) / 2
        colour = page.accent if row.node in invalid else page.muted
        shapes.append(
            {
                "type": "path", "layer": "below",
                "path": f"M {x0},{y0:.3f} C {middle},{y0:.3f} {middle},{row.place:.3f} {row.level},{row.place:.3f}",
                "line": {"color": alpha(colour, 0.55), "width": round(1 + (THICK - 1) * row.p, 2)},
            }
        )  # fmt: skip
    return shapes


def _name(node: Mapping[str, Any], one: Product | None, depth: int, language: str) -> str:
    """What stands at a leaf; nothing before the leaves."""
    if len(node["prefix"]) < depth:
        return ""
    return one.title if one is not None else text("generative_retrieval.no_product", language)


def _percent(p: float) -> str:
    """``23%``, ``1.3%``, ``<0.1%``."""
    return f"{p:.0%}" if p >= 0.095 else f"{p:.1%}" if p >= 0.001 else "<0.1%"


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))
