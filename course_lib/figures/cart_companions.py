"""Pictures of lists beside a cart: hits by how much was learned, what is offered, substitutes, free delivery."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown
from course_lib.figures.dots import COLUMNS, LEGEND, dots, height
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

FINDERS = {
    "types": (DEPARTMENTS[0], "solid"), "products": (DEPARTMENTS[1], "dash"), "views": (DEPARTMENTS[2], "dashdot"),
    "text": (DEPARTMENTS[3], "dot"),
}  # fmt: skip
SERIES = {"hits": DEPARTMENTS[0], "complements": DEPARTMENTS[2], "substitutes": DEPARTMENTS[1]}
WAYS = ("free", "bound", "cheapest")


def learned(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The share of lists with the hidden product, by finder and by how many baskets were learned from.

    Frame columns: at, baskets, types, products, views, text.
    """
    title, columns = text("cart_companions.learned_title", language), ["at", "baskets", *FINDERS]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "hits_types" in one]
    if not told:
        return empty(title, columns, language)
    rows = [(one["at"], one["baskets"], *(one[f"hits_{name}"] for name in FINDERS)) for one in told]
    frame = pd.DataFrame(rows, columns=columns)
    now = moments_shown(frame, frame["baskets"], shown.at)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["baskets"].tolist(), "y": frame[name].tolist(),
                "name": text(f"setting.finder_{name}", language),
                "line": {"color": mark.colour(page), "dash": dash, "width": 2.5}, "marker": {"symbol": mark.symbol},
                "hovertemplate": "%{x:,}: %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for name, (mark, dash) in FINDERS.items()
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("cart_companions.axis_baskets", language), type="log", dtick=1),
            "yaxis": axis(page, text("cart_companions.axis_hits", language), tickformat=".0%", rangemode="tozero"),
            "shapes": dotted_lines(page, now),
            "margin": {"t": 110 if narrow else 54},
        }

    last = frame.iloc[-1]
    said = text("figures.list_comma", language).join(
        f"{text(f'setting.finder_{name}', language)} {last[name]:.1%}" for name in FINDERS
    )
    alt = text("cart_companions.learned_alt", language, finders=said)
    return Figure(frame, title, alt, draw, height=390 if narrow else 360, revision="companions-learned")


def kinds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each finder offers and what of it is bought: hits, complements, substitutes. Frame columns: row, series,
    value, low, high."""
    title = text("cart_companions.kinds_title", language)
    found = _measures(shown, "hits_types")
    rows = [
        (text(f"setting.finder_{name}", language), series, *_ends(found[f"{series}_{name}"]))
        for name in FINDERS
        for series in SERIES
        if f"{series}_{name}" in found
    ]
    if not rows:
        return empty(title, COLUMNS, language)
    frame, top = pd.DataFrame(rows, columns=COLUMNS), 96 if narrow else 54
    names = {series: text(f"cart_companions.{series}", language) for series in SERIES}
    draw = dots(frame, SERIES, names, text("cart_companions.axis_share", language), ".0%", top)
    alt = text("cart_companions.kinds_alt", language, finders=_in_words(frame, language))
    return Figure(frame, title, alt, draw, height=height(frame, top) + 30, revision="companions-kinds")


def places(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Hits by how many of the five places are kept for substitutes. Frame columns: places, hits, low, high, sold."""
    title, columns = text("cart_companions.places_title", language), ["places", "hits", "low", "high", "sold"]
    told = next((run.result["places"] for run in shown.runs if run.result and "places" in run.result), None)
    if not told:
        return empty(title, columns, language)
    frame = pd.DataFrame([tuple(one[name] for name in columns) for one in told], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        mark = DEPARTMENTS[0]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["places"].tolist(), "y": frame["hits"].tolist(),
                "error_y": {
                    "type": "data", "symmetric": False, "array": (frame["high"] - frame["hits"]).tolist(),
                    "arrayminus": (frame["hits"] - frame["low"]).tolist(), "color": mark.colour(page), "thickness": 1.5,
                },
                "customdata": [f"¥{one:,.0f}" for one in frame["sold"]],
                "line": {"color": mark.colour(page), "width": 3},
                "hovertemplate": "%{x}: %{y:.1%} · %{customdata}<extra></extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, text("cart_companions.axis_places", language), dtick=1),
            "yaxis": axis(page, text("cart_companions.axis_hits", language), tickformat=".0%", rangemode="tozero"),
        }

    said = text("figures.list_comma", language).join(f"{one['places']}: {one['hits']:.1%}" for one in told)
    alt = text("cart_companions.places_alt", language, places=said)
    return Figure(frame, title, alt, draw, height=320, revision="companions-places")


def closing(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Of the carts that a product brought to the free order value: lists that hold it. Frame columns: row, series,
    value, low, high."""
    title = text("cart_companions.closing_title", language)
    found = _measures(shown, "closed_free")
    rows = [
        (text(f"cart_companions.closed_{way}", language), "hits", *_ends(found[f"closed_{way}"]))
        for way in WAYS
        if f"closed_{way}" in found
    ]
    if not rows:
        return empty(title, COLUMNS, language)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    names = {"hits": text("cart_companions.hits", language)}
    draw = dots(frame, SERIES, names, text("cart_companions.axis_hits", language), ".0%", 54)
    alt = text("cart_companions.closing_alt", language, ways=_in_words(frame, language))
    return Figure(frame, title, alt, draw, height=height(frame, 54) + 20, revision="companions-closing")


def _measures(shown: Shown, needed: str) -> dict[str, Any]:
    found = (run.result["measures"] for run in shown.runs if run.result and needed in run.result["measures"])
    return next(found, {})


def _ends(one: dict[str, float]) -> tuple[float, float, float]:
    return one["value"], one["low"], one["high"]


def _in_words(frame: pd.DataFrame, language: str) -> str:
    return text("figures.list_comma", language).join(
        f"{row}: " + " / ".join(f"{value:.0%}" for value in part["value"])
        for row, part in frame.groupby("row", sort=False)
    )
