"""Pictures of false raters: how many bring a poor product onto a list, the list itself, and what a defence costs."""

from __future__ import annotations

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, plotly_text, shorten
from course_lib.figures.names import measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme
from course_lib.figures.products import product
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
DASHES = ("solid", "dash", "dot", "dashdot")
BETTER = {"listed": "down", "accounts_half": "up", "ratings_dropped": "down", "quality_cost": "down"}
STARS = 5.0


def reach(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The share of the pushed products on their list, by false raters, a line a run. Frame columns: run, accounts,
    listed."""
    title, columns = text("fake_stars.reach_title", language), ["run", "accounts", "listed"]
    rows = []
    names = [*shown.names, *[""] * len(shown.runs)]
    for number, (run, name) in enumerate(zip(shown.runs, names, strict=False), 1):
        curve = (run.result or {}).get("curve") or [one for one in run.of("frame") if "listed" in one]
        rows += [(name or str(number), int(one["accounts"]), float(one["listed"])) for one in curve]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows, columns=columns)
    runs = frame["run"].nunique()

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (label, part) in enumerate(frame.groupby("run", sort=False)):
            mark = DEPARTMENTS[number % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": part["accounts"].tolist(), "y": part["listed"].tolist(),
                    "name": plotly_text(str(label)), "showlegend": runs > 1,
                    "line": {"color": mark.colour(page), "width": 2.5, "dash": DASHES[number % len(DASHES)]},
                    "hovertemplate": "%{x}: %{y:.0%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": runs > 1,
            "legend": LEGEND,
            "xaxis": axis(page, text("fake_stars.axis_accounts", language), rangemode="tozero"),
            "yaxis": axis(page, text("fake_stars.axis_listed", language), tickformat=".0%", range=[-0.02, 1.03]),
            "margin": {"t": 34 + (22 * -(-runs // (1 if narrow else 3)) if runs > 1 else 0), "l": 58},
        }

    best = frame.loc[frame.groupby("run", sort=False)["listed"].idxmax()]
    said = "; ".join(f"{row.run}: {row.listed:.0%}, {row.accounts}" for row in best.itertuples())
    alt = text("fake_stars.reach_alt", language, runs=said)
    height = 360 + (22 * runs if narrow else 0)
    return Figure(frame, title, alt, draw, height=height, revision="fake-stars-reach")


def listing(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """A department's list after some false raters, the pushed product in colour. Frame columns: product, score,
    ratings, quality, pushed."""
    title, columns = (
        text("fake_stars.listing_title", language), ["product", "score", "ratings", "quality", "pushed"],
    )  # fmt: skip
    answer = shown.answer or {}
    ranked = [one for one in answer.get("list") or [] if "ratings" in one]
    if not ranked or shown.items is None:
        return empty(title, columns, language)
    items = shown.items
    rows = [(product(items, int(one["item"]), language).title, *(one[name] for name in columns[1:])) for one in ranked]
    frame = pd.DataFrame(rows, columns=columns)
    facts = [
        text("fake_stars.listing_row", language, stars="–" if one["score"] is None else f"{one['score']:.2f}",
             ratings=f"{one['ratings']}", quality=f"{one['quality']:+.1f}")
        for one in ranked
    ]  # fmt: skip
    labels = [
        ("<b>{}</b>" if pushed else "{}").format(plotly_text(shorten(str(name), 22 if narrow else 44)))
        for name, pushed in zip(frame["product"], frame["pushed"], strict=True)
    ]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        colours = [page.accent if pushed else page.muted for pushed in frame["pushed"]]
        places = list(range(len(frame)))
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "y": places, "x": frame["score"].fillna(0).tolist(),
                "marker": {"color": colours}, "text": facts, "textposition": "inside", "insidetextanchor": "start",
                "textfont": {"size": 11 if narrow else 12}, "showlegend": False, "hoverinfo": "skip",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(page, text("fake_stars.axis_score", language), range=[0, STARS]),
            "yaxis": axis(page, tickvals=places, ticktext=labels, autorange="reversed", automargin=True),
            "margin": {"t": 20},
        }

    comma = text("figures.list_comma", language)
    place = answer["place"] if answer["place"] is not None else text("fake_stars.listing_none", language)
    alt = text(
        "fake_stars.listing_alt", language, accounts=answer["accounts"], place=place,
        product=product(items, int(answer["item"]), language).title,
        products=comma.join(f"{row.product} ({fact})" for row, fact in zip(frame.itertuples(), facts, strict=True)),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=80 + 30 * len(frame), revision="fake-stars-listing")


def cost(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each finished run lets through, and what its defence takes from honest ratings and lists, a strip a measure.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("fake_stars.cost_title", language)
    frame = strip_rows(tuple(BETTER), shown, "listed", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {name: measure_name(name, language) for name in BETTER}
    kinds = [Strip(name, names[name], better) for name, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (1 if narrow else 3))
    alt = text("fake_stars.cost_alt", language, measures=in_words(frame, names, language))
    draw = strips(frame, kinds, language, top)
    return Figure(frame, title, alt, draw, strips_height(frame, top), revision="fake-stars-cost")
