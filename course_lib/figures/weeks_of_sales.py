"""Pictures of weeks of sales: NDCG against purchases and against money, week by week, and what a month would bring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text
from course_lib.figures.beyond_accuracy import LEGEND, measure_name
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

BETTER = {"ndcg@10": "up", "purchase_rate": "up", "order_value": "up", "visit_revenue": "up"}
GAINS = ("purchases_gain", "revenue_gain")
MARKS = dict(zip(GAINS, DEPARTMENTS, strict=False))
NORMAL = 1.959963985  # of a 95% interval
POINTS = 161  # of the curve of chances


def lists(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG, purchase rate, order value and revenue of each finished run: a strip a measure, a mark a run.

    Frame columns: run, model, measure, value, low, high.
    """
    title = text("weeks_of_sales.lists_title", language)
    frame = strip_rows(tuple(BETTER), shown, "visit_revenue", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {measure: measure_name(measure, language) for measure in BETTER}
    kinds = [Strip(measure, names[measure], better) for measure, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (2 if narrow else 4))
    alt = text("weeks_of_sales.lists_alt", language, measures=in_words(frame, names, language))
    draw = strips(frame, kinds, language, top)
    return Figure(frame, title, alt, draw, strips_height(frame, top), revision="sales-lists")


def apart(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Gains over the bestsellers against NDCG@10, a point a run: purchases above, revenue below.

    Frame columns: run, ndcg, measure, value, low, high.
    """
    title, columns = text("weeks_of_sales.apart_title", language), ["run", "ndcg", "measure", "value", "low", "high"]
    rows = strip_rows(("ndcg@10", *GAINS), shown, "visit_revenue", language)
    if rows.empty:
        return empty(title, columns, language)
    ndcg = rows[rows["measure"] == "ndcg@10"].set_index("run")["value"]
    frame = rows[rows["measure"].isin(GAINS)].assign(ndcg=lambda part: part["run"].map(ndcg))[columns]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, gain in enumerate(GAINS):
            part, end = frame[frame["measure"] == gain], "" if number == 0 else "2"
            colour = MARKS[gain].colour(page)
            data.append(
                {
                    "type": "scatter", "mode": "markers" if narrow else "markers+text", "x": part["ndcg"].tolist(),
                    "y": part["value"].tolist(), "xaxis": f"x{end}", "yaxis": f"y{end}", "showlegend": False,
                    "text": [plotly_text(str(run)) for run in part["run"]], "textposition": "top center",
                    "textfont": {"size": 11, "color": page.ink}, "cliponaxis": False,
                    "marker": {"symbol": MARKS[gain].symbol, "size": 10, "color": colour},
                    "error_y": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1.2,
                    },
                    "hovertemplate": "%{text}<br>NDCG@10 %{x:.3f}, %{y:+.1%}<extra></extra>",
                }
            )  # fmt: skip
        return data, {
            "xaxis": axis(page, "", anchor="y", matches="x2", showticklabels=False),
            "xaxis2": axis(page, "NDCG@10", anchor="y2"),
            "yaxis": axis(page, measure_name(GAINS[0], language), domain=[0.55, 1], tickformat="+.0%", zeroline=True,
                          zerolinecolor=page.muted),
            "yaxis2": axis(page, measure_name(GAINS[1], language), domain=[0, 0.45], anchor="x2", tickformat="+.0%",
                           zeroline=True, zerolinecolor=page.muted),
            "margin": {"l": 64, "t": 24},
        }  # fmt: skip

    told = "; ".join(
        f"{run}: NDCG@10 {ndcg[run]:.3f}, "
        + ", ".join(f"{measure_name(str(one.measure), language)} {one.value:+.1%}" for one in part.itertuples())
        for run, part in frame.groupby("run", sort=False)
    )
    alt = text("weeks_of_sales.apart_alt", language, runs=told)
    return Figure(frame, title, alt, draw, height=480 if narrow else 460, revision="sales-apart")


def weekly(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Gains over the bestsellers up to each week. Frame columns: week, purchases_gain, revenue_gain."""
    title, columns = text("weeks_of_sales.weekly_title", language), ["week", *GAINS]
    rows = (shown.frame or {}).get("weeks") or []
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in rows], columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["week"].tolist(), "y": frame[gain].tolist(),
                "name": measure_name(gain, language), "line": {"color": MARKS[gain].colour(page), "width": 2},
                "marker": {"symbol": MARKS[gain].symbol, "size": 8, "color": MARKS[gain].colour(page)},
                "hovertemplate": "%{y:+.1%}<extra>%{fullData.name}</extra>",
            }
            for gain in GAINS
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("weeks_of_sales.axis_week", language), dtick=max(1, len(frame) // 8)),
            "yaxis": axis(page, text("weeks_of_sales.axis_gain", language), tickformat="+.0%", rangemode="tozero",
                          zeroline=True, zerolinecolor=page.muted),
            "margin": {"l": 64, "t": 76 if narrow else 54},
        }  # fmt: skip

    last = frame.iloc[-1]
    alt = text(
        "weeks_of_sales.weekly_alt", language, weeks=len(frame), purchases=f"{last['purchases_gain']:+.1%}",
        revenue=f"{last['revenue_gain']:+.1%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=360, revision="sales-weekly")


def month(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The chances of each profit of a month, at the sliders' visits, margin and cost; losses shaded.

    Frame columns: profit, chance (its density, brought to 1 at the most likely).
    """
    title, columns = text("weeks_of_sales.month_title", language), ["profit", "chance"]
    profit = (shown.answer or {}).get("profit")
    if not profit:
        return empty(title, columns, language)
    assert shown.answer is not None
    spread = max((profit["high"] - profit["low"]) / (2 * NORMAL), 1.0)
    places = profit["value"] + spread * np.linspace(-4, 4, POINTS)
    frame = pd.DataFrame({"profit": places, "chance": np.exp(-(((places - profit["value"]) / spread) ** 2) / 2)})

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for name, some, mark in (
            ("loss", frame["profit"] <= 0, DEPARTMENTS[7]),
            ("win", frame["profit"] >= 0, DEPARTMENTS[2]),
        ):
            part = frame[some]
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": part["profit"].tolist(), "y": part["chance"].tolist(),
                    "fill": "tozeroy", "fillcolor": alpha(mark.colour(page), 0.3), "hoverinfo": "x",
                    "line": {"color": mark.colour(page), "width": 2},
                    "name": text(f"weeks_of_sales.{name}", language),
                }
            )  # fmt: skip
        ends = [
            note(page, profit["value"], 1.02, f"¥{profit['value']:,.0f}", yanchor="bottom"),
            note(page, profit["low"], 0.16, f"¥{profit['low']:,.0f}", yanchor="bottom", xanchor="right"),
            note(page, profit["high"], 0.16, f"¥{profit['high']:,.0f}", yanchor="bottom", xanchor="left"),
        ]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "annotations": ends,
            "xaxis": axis(page, text("weeks_of_sales.axis_profit", language), tickprefix="¥", nticks=5 if narrow else 9,
                          zeroline=True, zerolinecolor=page.ink),
            "yaxis": axis(page, "", showticklabels=False, range=[0, 1.2], showgrid=False),
            "margin": {"t": 76 if narrow else 54},
        }  # fmt: skip

    said: dict[str, Any] = {end: f"{profit[end]:,.0f}" for end in ("value", "low", "high")}
    alt = text("weeks_of_sales.month_alt", language, **said, chance=f"{shown.answer['chance']:.0%}")
    return Figure(frame, title, alt, draw, height=360, revision="sales-month")
