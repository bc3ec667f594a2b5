"""What only a simulator can show: a shopper's hidden traits, the true next product, the truth of the other parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.figures.base import Figure, Plot, axis, plotly_text, shorten
from course_lib.figures.cells import shaded_cells
from course_lib.figures.palette import Theme, alpha, style
from course_lib.figures.products import product, shelf
from course_lib.text import text

TOP = 8  # products of the true distribution that are drawn
ROW = 34  # pixels of one row
REACH = 3.0  # standard deviations on the axis of traits
LABEL, SHORT = 24, 14  # display width of a product's name beside the axis, on a wide page and on a phone
LEGEND: Plot = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 12}}
LEGEND_BELOW: Plot = {"y": 0, "yref": "container", "yanchor": "bottom"}  # on a phone it needs two lines


def traits(taste: Sequence[float], limit: float, language: str) -> Figure:
    """A shopper's taste and price limit, beside where most shoppers are.

    Args:
        taste: the dimensions of taste, each about N(0, 1) over all shoppers.
        limit: the price limit on the same scale.
        language: "zh" or "en".

    Frame columns: trait, value (standard deviations from the average shopper).
    """
    names = [text("figures.trait_taste", language, number=n) for n in range(1, len(taste) + 1)]
    names.append(text("figures.trait_limit", language))
    values = [float(value) for value in (*taste, limit)]
    frame = pd.DataFrame({"trait": names, "value": values})

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(len(values)))[::-1]
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "markers", "x": [max(-REACH, min(REACH, value)) for value in values],
                "y": places, "marker": {"color": page.accent, "size": 13, "symbol": "diamond"},
                "customdata": [[name, f"{value:+.2f}"] for name, value in zip(names, values, strict=True)],
                "hovertemplate": "%{customdata[0]}: %{customdata[1]}<extra></extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(
                page, text("figures.axis_traits", language), range=[-REACH - 0.2, REACH + 0.2], dtick=1,
                tickformat="+d", fixedrange=True,
            ),
            "yaxis": axis(
                page, range=[-0.6, len(values) - 0.4], tickvals=places, fixedrange=True, showgrid=False,
                ticktext=[f"{name} <b>{value:+.1f}</b>" for name, value in zip(names, values, strict=True)],
            ),
            "shapes": [
                {
                    "type": "rect", "xref": "x", "yref": "paper", "x0": -1, "x1": 1, "y0": 0, "y1": 1, "layer": "below",
                    "fillcolor": alpha(page.muted, 0.15), "line": {"width": 0},
                }
            ],
            "margin": {"l": 118, "r": 12, "t": 8, "b": 44},
            "dragmode": False,
        }  # fmt: skip

    join = text("figures.list_comma", language)
    told = join.join(f"{name} {value:+.1f}" for name, value in zip(names, values, strict=True))
    alt = text("figures.traits_alt", language, traits=told)
    return Figure(frame, text("figures.traits_title", language), alt, draw, ROW * len(values) + 90, "traits")


def next_chances(
    items: pd.DataFrame,
    known: NDArray[np.floating[Any]],
    filtered: NDArray[np.floating[Any]],
    bought: int,
    language: str,
    narrow: bool = False,
) -> Figure:
    """The true chances of the next product, the best guess from the history alone, and what was bought.

    Args:
        items: items frame, V rows.
        known: (V,) true chance of each product; column i is item i + 1.
        filtered: (V,) the chance that the history alone allows to give it.
        bought: item id that was really bought; drawn below where it is not among the TOP.
        language: "zh" or "en".
        narrow: for a phone: shorter names.

    Frame columns: rank (by known, 1 is the likeliest), item_id, title, known, filtered, bought.
    """
    order = np.argsort(-known, kind="stable")
    rank_of = np.empty(len(known), np.int64)
    rank_of[order] = np.arange(1, len(known) + 1)
    chosen = [int(row) for row in order[:TOP]]
    if bought - 1 not in chosen:
        chosen.append(bought - 1)
    rows: list[dict[str, Any]] = [
        {
            "rank": int(rank_of[row]), "item_id": row + 1, "title": product(items, row + 1, language).title,
            "known": float(known[row]), "filtered": float(filtered[row]), "bought": row + 1 == bought,
        }
        for row in chosen
    ]  # fmt: skip
    frame = pd.DataFrame(rows)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(len(rows)))[::-1]
        data = [_dumbbells(page, rows, places)]
        for name, symbol in (("filtered", "diamond-open"), ("known", "circle")):
            data.append(_chance_marks(page, rows, places, name, symbol, language))
        top = max(max(row["known"], row["filtered"]) for row in rows)
        return data, {
            "xaxis": axis(
                page, text("figures.axis_chance", language), range=[-0.02 * top, 1.08 * top], tickformat=".0%",
                nticks=4 if narrow else 6, fixedrange=True,
            ),
            "yaxis": axis(
                page, range=[-0.6, len(rows) - 0.4], tickvals=places, fixedrange=True, showgrid=False,
                ticktext=[_label(page, items, row, language, SHORT if narrow else LABEL) for row in rows],
            ),
            "margin": {"l": 126 if narrow else 208, "r": 12, "t": 8 if narrow else 32, "b": 92 if narrow else 44},
            "showlegend": True,
            "legend": LEGEND | {"xref": "container", "x": 0.01} | (LEGEND_BELOW if narrow else {}),
            "dragmode": False,
        }  # fmt: skip

    join = text("figures.list_comma", language)
    told = join.join(f"{row['title']} {row['known']:.1%}" for row in rows[:3])
    right = next(row for row in rows if row["bought"])
    alt = text(
        "figures.chances_alt", language, products=told, bought=right["title"], rank=right["rank"],
        known=f"{right['known']:.1%}", filtered=f"{right['filtered']:.1%}",
    )  # fmt: skip
    return Figure(frame, text("figures.chances_title", language), alt, draw, ROW * len(rows) + 120, "next_chances")


def _label(page: Theme, items: pd.DataFrame, row: Mapping[str, Any], language: str, width: int) -> str:
    one = product(items, row["item_id"], language)
    words = f"{one.emoji} {plotly_text(shorten(one.title, width))}"
    return f'<b><span style="color:{page.accent}">★ {words}</span></b>' if row["bought"] else words


def _dumbbells(page: Theme, rows: Sequence[Mapping[str, Any]], places: Sequence[int]) -> Plot:
    """A line between the two chances of each product."""
    x = [value for row in rows for value in (row["known"], row["filtered"], None)]
    y = [value for place in places for value in (place, place, None)]
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", "showlegend": False,
        "line": {"color": page.grid, "width": 4},
    }  # fmt: skip


def _chance_marks(
    page: Theme, rows: Sequence[Mapping[str, Any]], places: Sequence[int], name: str, symbol: str, language: str
) -> Plot:
    colour = style("oracle.known").colour(page) if name == "known" else page.ink
    label = text(f"figures.chances_{name}", language)
    return {
        "type": "scatter", "mode": "markers", "name": label, "x": [row[name] for row in rows], "y": list(places),
        "marker": {"color": colour, "size": 11, "symbol": symbol, "line": {"width": 2, "color": colour}},
        "customdata": [[plotly_text(row["title"]), row["rank"]] for row in rows],
        "hovertemplate": text("figures.hover_chance", language, name=label),
    }  # fmt: skip


def position_effect(positions: pd.DataFrame, language: str) -> Figure:
    """How often what stands at each position of the front page is clicked: as logged, and in truth.

    Args:
        positions: :func:`course_lib.shop.truth.glance.positions`.
        language: "zh" or "en".

    Frame columns: position, rate, low, high (logged, with its 95% interval), truth.
    """
    frame = positions[[Columns.POSITION, "rate", "low", "high", "truth"]].reset_index(drop=True)
    rows = frame.to_dict("records")

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        x = [row[Columns.POSITION] for row in rows]
        blue, red = style("sasrec").colour(page), style("oracle.known").colour(page)
        data: list[Plot] = [
            {
                "type": "bar", "name": text("figures.position_logged", language), "x": x, "width": 0.5,
                "y": [row["rate"] for row in rows], "marker": {"color": alpha(blue, 0.55)},
                "error_y": {
                    "type": "data", "symmetric": False, "array": [row["high"] - row["rate"] for row in rows],
                    "arrayminus": [row["rate"] - row["low"] for row in rows], "color": page.ink, "thickness": 1.5,
                },
                "hovertemplate": "%{x}: %{y:.2%}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines+markers", "name": text("figures.truth", language), "x": x,
                "y": [row["truth"] for row in rows], "line": {"color": red, "dash": "dash", "width": 2},
                "marker": {"color": red, "size": 9, "symbol": "diamond"},
                "hovertemplate": "%{x}: %{y:.2%}<extra></extra>",
            },
        ]  # fmt: skip
        return data, {
            "xaxis": axis(
                page, text("figures.axis_position", language), dtick=1, showgrid=False, fixedrange=True,
                range=[0.4, len(rows) + 0.6],
            ),
            "yaxis": axis(
                page, text("figures.axis_click_rate", language), tickformat=".0%", rangemode="tozero", fixedrange=True
            ),
            "margin": {"l": 58, "r": 12, "t": 30, "b": 44},
            "showlegend": True,
            "legend": LEGEND,
            "dragmode": False,
        }  # fmt: skip

    join = text("figures.list_semicolon", language)
    told = join.join(
        text("figures.position_alt_one", language, position=row[Columns.POSITION], rate=f"{row['rate']:.1%}",
             truth=f"{row['truth']:.1%}")
        for row in rows
    )  # fmt: skip
    alt = text("figures.position_alt", language, positions=told) if rows else text("figures.nothing_yet", language)
    return Figure(frame, text("figures.position_title", language), alt, draw, 300, "position_effect")


def policy_values(policies: pd.DataFrame, language: str) -> Figure:
    """What each policy of the front page is truly worth, and the most that any could be.

    Args:
        policies: :func:`course_lib.shop.truth.glance.policy_values`.
        language: "zh" or "en".

    Frame columns: policy, value (expected clicks a slate).
    """
    frame = policies.reset_index(drop=True)
    rows = frame.to_dict("records")
    names = [text(f"figures.policy_{row[Columns.POLICY]}", language) for row in rows]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(len(rows)))[::-1]
        blue, red = style("sasrec").colour(page), style("oracle.known").colour(page)
        best = [row[Columns.POLICY] == "best" for row in rows]
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "x": [row["value"] for row in rows], "y": places, "width": 0.5,
                "marker": {
                    "color": [alpha(red, 0.16) if top else blue for top in best],
                    "line": {"color": [red if top else blue for top in best], "width": 1.5},
                },
                "text": [f"<b>{row['value']:.2f}</b>" for row in rows], "textposition": "outside", "cliponaxis": False,
                "hovertemplate": "%{x:.3f}<extra></extra>",
            }
        ]  # fmt: skip
        return data, {
            "xaxis": axis(
                page, text("figures.axis_clicks_a_slate", language), rangemode="tozero", fixedrange=True, nticks=6,
                range=[0, 1.15 * max((row["value"] for row in rows), default=1.0)],
            ),
            "yaxis": axis(
                page, tickvals=places, ticktext=names, showgrid=False, fixedrange=True, range=[-0.6, len(rows) - 0.4]
            ),
            "margin": {"l": 118, "r": 12, "t": 8, "b": 44},
            "dragmode": False,
        }  # fmt: skip

    join = text("figures.list_comma", language)
    told = join.join(f"{name} {row['value']:.2f}" for name, row in zip(names, rows, strict=True))
    alt = text("figures.policy_alt", language, policies=told) if rows else text("figures.nothing_yet", language)
    return Figure(frame, text("figures.policy_title", language), alt, draw, 300, "policy_values")


def coupon_classes(coupons: pd.DataFrame, campaigns: Mapping[str, str], language: str) -> Figure:
    """The four kinds of shoppers in each campaign: what a coupon does to them, if anything.

    Args:
        coupons: :func:`course_lib.shop.truth.glance.coupon_classes`.
        campaigns: what each campaign's coupon is for, by campaign id.
        language: "zh" or "en".

    Frame columns: campaign, shopper_class, shoppers, share.
    """
    frame = coupons.astype({Columns.CAMPAIGN: str, "shopper_class": str}).reset_index(drop=True)
    kinds = ["persuadable", "sure thing", "sleeping dog", "lost cause"]
    labels = [text(f"figures.coupon_{kind.replace(' ', '_')}", language) for kind in kinds]
    table = frame.pivot(index=Columns.CAMPAIGN, columns="shopper_class", values="share").reindex(columns=kinds)
    names = [campaigns.get(str(campaign), str(campaign)) for campaign in table.index]
    shares = table.to_numpy(float)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        columns = [label.replace(" ", "<br>") for label in labels]
        # The square root, so that one in twenty can still be told from none beside nine in ten.
        strength, words = np.sqrt(shares).tolist(), [[f"{share:.1%}" for share in row] for row in shares.tolist()]
        return shaded_cells(page, columns, names, strength, words, "%{y}<br>%{x}: %{text}", top=40)

    join, half = text("figures.list_semicolon", language), text("figures.list_comma", language)
    told = join.join(
        f"{name}{text('figures.colon', language)}"
        + half.join(f"{label} {share:.1%}" for label, share in zip(labels, row, strict=True))
        for name, row in zip(names, shares.tolist(), strict=True)
    )
    alt = text("figures.coupon_alt", language, campaigns=told) if names else text("figures.nothing_yet", language)
    return Figure(frame, text("figures.coupon_title", language), alt, draw, 300, "coupon_classes")


def clicks_and_utility(liking: pd.DataFrame, items: pd.DataFrame, correlation: float, language: str) -> Figure:
    """Each product of the front page: how often it is clicked, and how glad its buyers truly are.

    Args:
        liking: :func:`course_lib.shop.truth.glance.clicks_and_utility`.
        items: items frame.
        correlation: of the two.
        language: "zh" or "en".

    Frame columns: item_id, click, utility, clickbait.
    """
    frame = liking.reset_index(drop=True)
    titles = shelf(items).titles(language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for bait, colour, symbol, key in (
            (False, style("sasrec").colour(page), "circle", "figures.liking_others"),
            (True, style("oracle.known").colour(page), "x", "figures.liking_clickbait"),
        ):
            rows = frame[frame["clickbait"] == bait]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": text(key, language),
                    "x": rows["click"].round(4).tolist(), "y": rows["utility"].round(3).tolist(),
                    "marker": {"color": colour, "size": 9, "symbol": symbol, "opacity": 0.8},
                    "customdata": titles[rows[Columns.ITEM].to_numpy() - 1].tolist(),
                    "hovertemplate": text("figures.hover_liking", language, name=""),
                }
            )  # fmt: skip
        return data, {
            "xaxis": axis(page, text("figures.axis_click", language), tickformat=".0%", nticks=6, rangemode="tozero"),
            "yaxis": axis(
                page, text("figures.axis_utility", language), nticks=6, zeroline=True, zerolinecolor=page.muted
            ),
            "margin": {"l": 54, "r": 12, "t": 30, "b": 44},
            "showlegend": True,
            "legend": LEGEND,
        }

    bait = int(frame["clickbait"].sum())
    alt = text("figures.liking_alt", language, products=len(frame), correlation=f"{correlation:.2f}", clickbait=bait)
    if frame.empty:
        alt = text("figures.nothing_yet", language)
    return Figure(frame, text("figures.liking_title", language), alt, draw, 300, "clicks_and_utility")
