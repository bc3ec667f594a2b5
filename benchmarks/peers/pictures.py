"""Bars, ranges and lines as SVG by hand: a benchmark's picture needs no browser to be drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from benchmarks.table import number

INK, PALE, OURS, OTHERS = "#1f2937", "#d1d5db", "#2563eb", "#9ca3af"
COLOURS = (OURS, "#d97706", "#059669", "#7c3aed")
Points = Sequence[tuple[float, float]]


def svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """A whole picture with a white ground, so that it can be read on a dark page too."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="13" fill="{INK}"><title>{escape(title)}</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{text(16, 24, title, size=15)}{"".join(parts)}</svg>\n'
    )


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 13) -> str:
    """Words that begin, end or have their middle at (x, y)."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line of the frame."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{PALE}"/>'


def bars(title: str, groups: Mapping[str, Mapping[str, float]], first: str) -> str:
    """Groups of horizontal bars from zero, each with its value; the bar called ``first`` stands out."""
    top = max((value for group in groups.values() for value in group.values()), default=1.0)
    parts, y = [], 40.0
    for name, group in groups.items():
        parts.append(text(16, y + 14, name))
        y += 22
        for label, value in group.items():
            width = 420 * value / top
            colour = OURS if label == first else OTHERS
            parts += [
                text(196, y + 14, label, "end"),
                f'<rect x="204" y="{y:.0f}" width="{max(width, 1):.1f}" height="18" fill="{colour}"/>',
                text(210 + width, y + 14, number(value)),
            ]
            y += 23
        y += 10
    return svg(720, int(y) + 8, title, parts)


def ranges(title: str, groups: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> str:
    """Groups of points with their intervals, each (value, low, high); every group has an axis of its own from zero."""
    parts, y = [], 40.0
    for name, group in groups.items():
        top = max((high for _, _, high in group.values()), default=1.0)
        parts += [text(16, y + 14, name), text(224, y + 14, "0"), text(624, y + 14, number(top), "end")]
        y += 22
        for label, (value, low, high) in sorted(group.items(), key=lambda one: -one[1][0]):
            at, left, right = (224 + 400 * x / top for x in (value, low, high))
            parts += [
                text(212, y + 14, label, "end"),
                line(224, y + 9, 624, y + 9),
                f'<rect x="{left:.1f}" y="{y + 7:.0f}" width="{max(right - left, 1):.1f}" height="4" fill="{OTHERS}"/>',
                f'<circle cx="{at:.1f}" cy="{y + 9:.0f}" r="4.5" fill="{OURS}"/>',
                text(636, y + 14, number(value)),
            ]
            y += 21
        y += 10
    return svg(720, int(y) + 8, title, parts)


def lines(title: str, x_name: str, y_name: str, series: Mapping[str, Points], base: float = 0.0) -> str:
    """Lines over a logarithmic x, y from ``base``; each point with its value, above or below."""
    points = [point for one in series.values() for point in one]
    low, high = (math.log(edge(x for x, _ in points)) for edge in (min, max))
    top = max(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        return 60 + 600 * (math.log(x) - low) / max(high - low, 1e-9), 300 - 220 * (y - base) / (top - base)

    parts = [line(60, 300, 660, 300), text(660, 340, x_name, "end"), text(16, 52, y_name)]
    parts += [text(place(x, base)[0], 318, number(x), "middle") for x in sorted({x for x, _ in points})]
    for index, (name, one) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in one))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for point in one:
            x, y = place(*point)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
            parts.append(text(x, y + (17 if index % 2 else -8), number(point[1]), "middle", 11))
        parts.append(f'<rect x="{60 + 200 * index}" y="352" width="12" height="12" fill="{colour}"/>')
        parts.append(text(78 + 200 * index, 363, name))
    return svg(720, 380, title, parts)
