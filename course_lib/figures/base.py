"""What every picture of the course is: a frame of the numbers it shows, a question as title, and a way to draw it.

A test reads ``figure.frame``; a page draws ``figure.plot(dark)``, a plain dict for ``Plotly.react``. Plain dicts, not
``plotly.graph_objects``: a live page rebuilds its pictures every second for every watcher, and dicts cost a tenth.
"""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from course_lib.figures.palette import CLEAR, FONT, Theme, theme
from course_lib.text import strings, text

Plot = dict[str, Any]
TITLE_WIDTH = 46  # what fits into one line of a phone, in Latin letters


@dataclass(frozen=True)
class Figure:
    """One picture that answers one question. ``frame`` holds every number in it."""

    frame: pd.DataFrame
    title: str  # the question, in the learner's language
    alt: str  # what a listener needs instead of the picture
    draw: Callable[[Theme], tuple[list[Plot], Plot]]  # traces, and the layout beyond what all pictures share
    height: int = 340  # pixels, for the page that places it
    revision: str = "figure"  # while it stays the same, Plotly.react keeps zoom and hidden series

    def plot(self, dark: bool = False) -> Plot:
        """A Plotly JSON dict ``{"data": [...], "layout": {...}}`` for a dark or a light page."""
        page = theme(dark)
        data, layout = self.draw(page)
        margin = {"l": 48, "r": 12, "t": 14, "b": 44, "pad": 0} | layout.get("margin", {})
        margin["t"] += 26  # the title's line
        shared: Plot = {
            "title": {
                "text": f"<b>{plotly_text(shorten(self.title, TITLE_WIDTH))}</b>",
                "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                "pad": {"l": 4, "t": 6},
                "font": {"size": 15, "color": page.ink, "family": FONT},
            },
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "font": {"family": FONT, "size": 12, "color": page.ink},
            "hoverlabel": {
                "bgcolor": page.surface, "bordercolor": page.muted, "align": "left",
                "font": {"family": FONT, "size": 13, "color": page.ink},
            },
            "hovermode": "closest",
            "showlegend": False,
            "height": self.height,
            "autosize": True,
            "uirevision": self.revision,
        }  # fmt: skip
        return {"data": data, "layout": shared | layout | {"margin": margin}}


def nothing(key: str, language: str) -> Figure:
    """An empty picture with the sentence ``key`` in it, which says what is missing."""
    words = text(key, language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        hidden = {"visible": False}
        notes = [note(page, 0.5, 0.5, plotly_text(words), xref="paper", yref="paper")]
        return [], {"annotations": notes, "xaxis": hidden, "yaxis": hidden}

    return Figure(pd.DataFrame(), "", words, draw)


def axis(theme: Theme, title: str = "", **more: Any) -> Plot:
    """An axis with the course's grid and type; ``more`` overrides."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": theme.muted}, "standoff": 6},
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "tickfont": {"size": 11, "color": theme.muted},
        "zeroline": False,
        "automargin": False,
    } | more


def bare_axis(theme: Theme, low: float, high: float, title: str = "") -> Plot:
    """An axis without ticks and without zoom, for drawings."""
    return axis(
        theme, title, range=[low, high], showgrid=False, showticklabels=False, ticks="", showline=False, fixedrange=True
    )


def note(theme: Theme, x: Any, y: Any, words: str, **more: Any) -> Plot:
    """A label without arrow; ``words`` may hold Plotly's tags, so escape data with :func:`plotly_text` first."""
    return {"x": x, "y": y, "text": words, "showarrow": False, "font": {"size": 12, "color": theme.ink}} | more


def moments_shown(frame: pd.DataFrame, places: pd.Series[Any], at: int | None) -> list[Any]:
    """Where on the x axis the slider stands: the ``places`` of frame ``at``, or of the newest; ``frame`` has ``at``."""
    return places[frame["at"] == (frame["at"].iloc[-1] if at is None else at)].tolist()


def dotted_lines(theme: Theme, places: Sequence[Any]) -> list[Plot]:
    """A dotted vertical line at each place of the x axis: the frame on show."""
    return [
        {
            "type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": theme.muted, "width": 1, "dash": "dot"},
        }
        for place in places
    ]  # fmt: skip


def empty(title: str, columns: Sequence[str], language: str, height: int = 300) -> Figure:
    """A picture whose numbers are not there yet: its question, and a sentence in the middle."""
    words = text("figures.nothing_yet", language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        hidden = {"visible": False, "fixedrange": True}
        notes = [note(page, 0.5, 0.5, words, xref="paper", yref="paper")]
        return [], {"xaxis": hidden, "yaxis": hidden, "annotations": notes}

    return Figure(pd.DataFrame(columns=list(columns)), title, words, draw, height=height, revision="empty")


def plotly_text(words: str) -> str:
    """``words`` safe inside Plotly text, which reads a few HTML tags and entities (quotes are not among them)."""
    return html.escape(words, quote=False)


def finite(value: Any) -> float | None:
    """``value`` as a float, or None (a gap in the picture, null in JSON) where it is missing, NaN or infinite."""
    if value is None or value is pd.NA:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def three(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def span(low: float | None, high: float | None) -> str:
    """An interval as text, or nothing where there is none."""
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def width_of(words: str) -> int:
    """Display width in Latin letters: Chinese characters and emoji count two."""
    return sum(
        0 if unicodedata.combining(c) or c in "\ufe0f\u200d" else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in words
    )


def shorten(words: str, width: int) -> str:
    """``words`` cut to a display width, with an ellipsis where something was cut."""
    if width_of(words) <= width:
        return words
    kept = ""
    for letter in words:
        if width_of(kept + letter) > width - 1:
            break
        kept += letter
    return kept.rstrip() + "…"


def wrap(words: str, width: int) -> list[str]:
    """``words`` in lines of at most a display width: broken at spaces, and between any two Chinese characters."""
    pieces: list[str] = []
    for letter in words:
        wide = width_of(letter) == 2
        closing = letter in "，。；：？！、）》”"
        if pieces and not closing and (pieces[-1].endswith(" ") or wide or width_of(pieces[-1][-1]) == 2):
            pieces.append(letter)
        elif pieces:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    lines = [""]
    for piece in pieces:
        if lines[-1] and width_of((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def spread(places: Sequence[float], gap: float) -> list[float]:
    """``places`` moved apart to at least ``gap``, order kept and moved as little as a simple pass can."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    clusters: list[tuple[list[int], float]] = []  # members in order, centre
    for i in order:
        members, centre = [i], places[i]
        while clusters and clusters[-1][1] + gap * (len(clusters[-1][0]) + len(members)) / 2 > centre:
            before, before_centre = clusters.pop()
            weight = len(before) + len(members)
            centre = (before_centre * len(before) + centre * len(members)) / weight
            members = before + members
        clusters.append((members, centre))
    moved = [0.0] * len(places)
    for members, centre in clusters:
        for rank, i in enumerate(members):
            moved[i] = centre + gap * (rank - (len(members) - 1) / 2)
    return moved


def whole_step(count: float) -> int:
    """A tick distance in whole numbers that gives at most about eight ticks."""
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000):
        if count / step <= 8:
            return step
    return int(10 ** math.ceil(math.log10(count / 8)))


def model_name(name: str, language: str) -> str:
    """A model's display name; a model without an entry keeps its own."""
    return strings(language).get(f"figures.model_{name.replace('-', '_').replace('.', '_')}", name)


def metric_name(metric: str) -> str:
    """``ndcg@10`` as people write it, ``NDCG@10``."""
    return metric.upper() if not metric.startswith(("recall", "precision")) else metric.capitalize()
