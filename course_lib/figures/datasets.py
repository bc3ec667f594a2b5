"""What a dataset looks like: how many purchases a shopper makes, and how purchases are spread over the products."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.figures.base import Figure, Plot, axis, note
from course_lib.figures.palette import Theme, alpha, style
from course_lib.text import text

BINS = 36  # of the histogram, at most, and one for everybody beyond
TAIL = 99  # percentile up to which the bins reach
TOP = 0.1  # part of the products whose share is told
ROOM = 1.15  # of the tallest bar, so that the note above the bars stands on none
POINTS = 400  # of the popularity curve, evenly on its logarithmic axis


def activity_histogram(per_shopper: NDArray[np.int64], language: str) -> Figure:
    """How many shoppers have how many purchases.

    Args:
        per_shopper: (N,) number of events of each shopper.
        language: "zh" or "en".

    Frame columns: low, high (numbers of purchases, both included; the last bin's high is the maximum), shoppers,
    share (of all shoppers).
    """
    counts = np.asarray(per_shopper, np.int64)
    frame = _bins(counts)
    rows = frame.to_dict("records")
    width = rows[0]["high"] - rows[0]["low"] + 1 if rows else 1
    median = float(np.median(counts)) if len(counts) else math.nan

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        labels = [_range(row, row["high"] - row["low"] >= width) for row in rows]
        colour = style("sasrec").colour(page)
        data: list[Plot] = [
            {
                "type": "bar", "x": list(range(len(rows))), "y": [row["shoppers"] for row in rows], "width": 0.9,
                "marker": {"color": colour},
                "customdata": [[label, row["share"]] for label, row in zip(labels, rows, strict=True)],
                "hovertemplate": text("figures.hover_activity", language, name=""),
            }
        ]  # fmt: skip
        step = max(1, math.ceil(len(rows) / 8))
        shown = list(range(0, len(rows), step))
        if rows and shown[-1] != len(rows) - 1:  # the last bin is no number like the others: it always has its label
            shown = [place for place in shown if place < len(rows) - max(2, step)] + [len(rows) - 1]
        layout: Plot = {
            "xaxis": axis(
                page, text("figures.axis_purchases_each", language), tickmode="array", tickvals=shown,
                ticktext=[labels[place] for place in shown], showgrid=False, fixedrange=True,
            ),
            "yaxis": axis(page, text("figures.axis_shoppers", language), rangemode="tozero", nticks=6, tickformat=",d"),
            "margin": {"l": 64, "r": 12, "t": 8, "b": 48}, "bargap": 0.1, "dragmode": False,
        }  # fmt: skip
        if rows:
            layout["yaxis"] |= {"range": [0, ROOM * max(row["shoppers"] for row in rows)]}
            words = text("figures.activity_median", language, median=f"{median:g}")
            layout["annotations"] = [note(page, 1, 1, words, xref="paper", yref="paper", xanchor="right")]
        else:
            layout["annotations"] = [_nothing(page, language)]
        return data, layout

    alt = text("figures.nothing_yet", language)
    if rows:
        alt = text(
            "figures.activity_alt", language, shoppers=f"{len(counts):,}", median=f"{median:g}",
            least=f"{counts.min():,}", most=f"{counts.max():,}", low=f"{np.percentile(counts, 10):g}",
            high=f"{np.percentile(counts, 90):g}",
        )  # fmt: skip
    return Figure(frame, text("figures.activity_title", language), alt, draw, 320, "activity_histogram")


def _bins(counts: NDArray[np.int64]) -> pd.DataFrame:
    """Equal bins of whole numbers from the least to the TAIL percentile, and one more for everybody beyond."""
    if not len(counts):
        return pd.DataFrame({"low": [], "high": [], "shoppers": [], "share": []})
    low, reach = int(counts.min()), int(np.percentile(counts, TAIL))
    width = next(width for width in _widths() if (reach - low + 1) / width <= BINS)
    number = math.ceil((reach - low + 1) / width)
    number += int(counts.max()) >= low + width * number  # everybody beyond
    bin_of = np.minimum((counts - low) // width, number - 1)
    lows = low + width * np.arange(number)
    highs = lows + width - 1
    highs[-1] = max(int(counts.max()), int(highs[-1]))
    shoppers = np.bincount(bin_of, minlength=number)
    return pd.DataFrame({"low": lows, "high": highs, "shoppers": shoppers, "share": shoppers / len(counts)})


def _widths() -> Iterator[int]:
    """1, 2, 5, 10, 20, 50 and so on."""
    return (digit * 10**power for power in range(18) for digit in (1, 2, 5))


def _range(row: Mapping[Any, Any], last: bool) -> str:
    low, high = int(row["low"]), int(row["high"])
    if low == high:
        return f"{low:,}"
    return f"≥ {low:,}" if last else f"{low:,}–{high:,}"


def popularity_curve(per_product: NDArray[np.int64], titles: NDArray[np.object_], language: str) -> Figure:
    """Purchases of each product by its rank, both axes logarithmic, and what the top tenth has.

    Args:
        per_product: (V,) number of events of each product.
        titles: (V,) titles, safe for Plotly (``figures.products.shelf(items).titles(language)``).
        language: "zh" or "en".

    Frame columns: rank (1 is the most bought), item_id, purchases, share (of all purchases that this rank and those
    before it have), drawn (False for products never bought, which have no place on the axis, and where points would
    lie on each other).
    """
    counts = np.asarray(per_product, np.int64)
    order = np.argsort(-counts, kind="stable")
    total = int(counts.sum())
    falling = counts[order]
    share = np.cumsum(falling) / total if total else np.full(len(counts), np.nan)
    ranks = np.arange(1, len(counts) + 1)
    sold = int((counts > 0).sum())
    drawn = np.zeros(len(counts), bool)
    if sold:
        drawn[np.unique(np.geomspace(1, sold, POINTS).round().astype(int)) - 1] = True
    frame = pd.DataFrame({"rank": ranks, "item_id": order + 1, "purchases": falling, "share": share, "drawn": drawn})
    tenth = math.ceil(TOP * len(counts))
    top = float(share[tenth - 1]) if total else math.nan

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        x, y = ranks[drawn], falling[drawn]
        colour = style("sasrec").colour(page)
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": x.tolist(), "y": y.tolist(),
                "line": {"color": colour, "width": 2}, "marker": {"color": colour, "size": 5},
                "customdata": [[str(titles[item - 1]), part] for item, part in
                               zip((order + 1)[drawn].tolist(), share[drawn].tolist(), strict=True)],
                "hovertemplate": text("figures.hover_popularity", language, name=""),
            }
        ]  # fmt: skip
        layout: Plot = {
            "xaxis": axis(
                page, text("figures.axis_rank_products", language), type="log", dtick=1, tickformat=",d",
                range=[-0.05, math.log10(max(sold, 10)) + 0.05],
            ),
            "yaxis": axis(
                page, text("figures.axis_purchases", language), type="log", dtick=1, tickformat=",d",
                range=[-0.1, math.log10(max(int(falling[0]) if sold else 1, 10)) + 0.2],
            ),
            "margin": {"l": 64, "r": 12, "t": 8, "b": 48},
        }  # fmt: skip
        if sold:
            layout["shapes"] = [
                {
                    "type": "rect", "xref": "x", "yref": "paper", "x0": 0.85, "x1": tenth, "y0": 0, "y1": 1,
                    "fillcolor": alpha(page.muted, 0.13), "line": {"width": 0}, "layer": "below",
                }
            ]  # fmt: skip
            words = text("figures.popularity_top", language, products=f"{tenth:,}", share=f"{top:.0%}")
            layout["annotations"] = [note(page, 0.02, 0.04, words, xref="paper", yref="paper", xanchor="left")]
        else:
            layout["annotations"] = [_nothing(page, language)]
        return data, layout

    alt = text("figures.nothing_yet", language)
    if sold:
        alt = text(
            "figures.popularity_alt", language, products=f"{len(counts):,}", never=f"{len(counts) - sold:,}",
            best=f"{falling[0]:,}", middle=f"{falling[(len(counts) - 1) // 2]:,}", tenth=f"{tenth:,}",
            share=f"{top:.0%}",
        )  # fmt: skip
    return Figure(frame, text("figures.popularity_title", language), alt, draw, 320, "popularity_curve")


def top_share(per_product: NDArray[np.int64]) -> float:
    """Share of all purchases that the top tenth of the products has, rounded up to whole products; NaN without any."""
    falling = np.sort(np.asarray(per_product, np.int64))[::-1]
    total = falling.sum()
    return float(falling[: math.ceil(TOP * len(falling))].sum() / total) if total else math.nan


def _nothing(page: Theme, language: str) -> Plot:
    return note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper")
