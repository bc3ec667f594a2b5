"""Pictures of uplift: Qini and profit curves, what each policy is worth, and which of the four kinds it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, note, plotly_text
from course_lib.figures.coupon_series import (
    HALVES,
    KINDS,
    LEGEND,
    MARKS,
    budget_line,
    dots,
    kind_name,
    line,
    policy_name,
    ranged,
)
from course_lib.figures.measure_bars import COLUMNS, in_words, measure_bars, measure_rows
from course_lib.figures.palette import Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

REACHING = ("response", "t", "money", "best")  # whose reach is drawn: four kinds of six policies would hide each other
SCORED = ("response", "s", "t", "x", "transformed", "money")


def qini(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Extra buyers by the share that gets a coupon, of each learner so far, against the best possible and chance.

    Frame columns: policy, share, gain (extra buyers a thousand shoppers).
    """
    title, columns = text("uplift.qini_title", language), ["policy", "share", "gain"]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "gains" in one]
    told = [one for one in told if shown.at is None or one["at"] <= shown.at]
    if not told:
        return empty(title, columns, language)
    gains = {name: curve for one in told for name, curve in one["gains"].items()}
    points = len(gains["best"])
    shares = [n / (points - 1) for n in range(points)]
    frame = pd.DataFrame(
        [
            (name, share, gain)
            for name in MARKS
            if name in gains
            for share, gain in zip(shares, gains[name], strict=True)
        ],
        columns=columns,
    )
    newest = told[-1]["learner"]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        hover = text("uplift.qini_hover", language)
        data = [
            line(page, str(name), part["share"].tolist(), part["gain"].tolist(), language, hover,
                 width=4 if name == newest else 2)
            for name, part in frame.groupby("policy", sort=False)
        ]  # fmt: skip
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, gains["best"][-1]], "hoverinfo": "skip",
                "name": text("uplift.by_lot", language), "line": {"color": page.muted, "width": 1.5, "dash": "dot"},
            }
        )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": HALVES if narrow else LEGEND,
            "xaxis": axis(page, text("uplift.axis_share", language), tickformat=".0%", range=[-0.01, 1.01]),
            "yaxis": axis(page, text("uplift.axis_gain", language), zeroline=True, zerolinecolor=page.muted),
            "margin": {"l": 56, "t": 104 if narrow else 66},
        }

    middle = min(range(len(shares)), key=lambda n: abs(shares[n] - 0.3))
    said = text("figures.list_comma", language).join(
        f"{policy_name(name, language)} {gains[name][middle]:.1f}" for name in MARKS if name in gains
    )
    alt = text("uplift.qini_alt", language, gains=said, by_lot=f"{0.3 * gains['best'][-1]:.1f}")
    return Figure(frame, title, alt, draw, height=420 if narrow else 400, revision="uplift-qini")


def profit(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Profit by the share that gets a coupon, of each policy, at the margin asked about; the budget marked.

    Frame columns: policy, share, profit (yuan a thousand shoppers).
    """
    title, columns = text("uplift.profit_title", language), ["policy", "share", "profit"]
    answer = shown.answer or {}
    if not answer.get("profits"):
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [
            (name, share, money)
            for name in MARKS
            if name in answer["profits"]
            for share, money in zip(answer["shares"], answer["profits"][name], strict=True)
        ],
        columns=columns,
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        hover = text("uplift.profit_hover", language)
        data = [
            line(page, str(name), part["share"].tolist(), part["profit"].tolist(), language, hover,
                 width=3.5 if name == answer["policy"] else 2)
            for name, part in frame.groupby("policy", sort=False)
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": HALVES if narrow else LEGEND,
            "xaxis": axis(page, text("uplift.axis_share", language), tickformat=".0%", range=[-0.01, 1.01]),
            "yaxis": axis(page, text("uplift.axis_profit", language), zeroline=True, zerolinecolor=page.ink),
            "shapes": [budget_line(page, answer["budget"])],
            "margin": {"l": 62, "t": 104 if narrow else 66},
        }

    said = _profits(answer, language)
    alt = text("uplift.profit_alt", language, budget=f"{answer['budget']:.0%}", profits=said)
    return Figure(frame, title, alt, draw, height=400, revision="uplift-profit")


def worth(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each policy truly brings at the budget, and what a log of a campaign by lot would say of it.

    Frame columns: policy, kind (true, log), value, low, high: yuan a thousand shoppers.
    """
    title, columns = text("uplift.worth_title", language), ["policy", "kind", "value", "low", "high"]
    rows = (shown.answer or {}).get("rows") or []
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [
            (row["policy"], kind, *(row[key][end] for end in ("value", "low", "high")))
            for row in rows
            for kind, key in (("true", "profit"), ("log", "log"))
        ],
        columns=columns,
    )
    kinds = [("true", text("uplift.true", language), False), ("log", text("uplift.log", language), True)]
    draw = dots(frame, kinds, text("uplift.axis_profit", language), language, {"t": 62 if narrow else 44, "b": 48})
    alt = text("uplift.worth_alt", language, budget=f"{(shown.answer or {})['budget']:.0%}",
               profits=_profits(shown.answer or {}, language))  # fmt: skip
    return Figure(frame, title, alt, draw, height=110 + 35 * len(rows), revision="uplift-worth")


def kinds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Of each kind of shopper, how many a policy reaches at the budget. Frame columns: policy, kind, reached, all."""
    title, columns = text("uplift.kinds_title", language), ["policy", "kind", "reached", "all"]
    rows = [row for row in (shown.answer or {}).get("rows") or [] if row["policy"] in REACHING]
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(
        [
            (row["policy"], kind, row["kinds"][kind]["reached"], row["kinds"][kind]["all"])
            for row in rows
            for kind in KINDS
        ],
        columns=columns,
    )

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "name": _of_all(str(kind), part, language),
                "y": [plotly_text(policy_name(name, language)) for name in part["policy"]],
                "x": part["reached"].tolist(), "marker": {"color": KINDS[str(kind)].colour(page)},
                "hovertemplate": "%{y}: %{x:.0%}<extra>%{fullData.name}</extra>",
            }
            for kind, part in frame.groupby("kind", sort=False)
        ]  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": (HALVES if narrow else LEGEND) | {"traceorder": "normal"},
            "xaxis": axis(page, text("uplift.axis_reached", language), tickformat=".0%", range=[0, 1.02]),
            "yaxis": axis(page, automargin=True, autorange="reversed"),
            "margin": {"t": 84 if narrow else 48, "b": 48},
        }

    said = "; ".join(
        f"{policy_name(str(name), language)}: "
        + text("figures.list_comma", language).join(
            f"{kind_name(str(row.kind), language)} {row.reached:.0%}" for row in part.itertuples()
        )
        for name, part in frame.groupby("policy", sort=False)
    )
    alt = text("uplift.kinds_alt", language, budget=f"{(shown.answer or {})['budget']:.0%}", reached=said)
    return Figure(frame, title, alt, draw, height=130 + 66 * len(rows), revision="uplift-kinds")


def map(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Shoppers of each kind by their true chances without and with the coupon; filled where the policy sends one.

    As many of each kind as there are, up to a hundred or so. Frame columns: without, with, kind, sent.
    """
    title, columns = text("uplift.map_title", language), ["without", "with", "kind", "sent"]
    answer = shown.answer or {}
    if not answer.get("map"):
        return empty(title, columns, language)
    frame = pd.DataFrame([[one[name] for name in columns] for one in answer["map"]], columns=columns)
    low = 0.001

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": [low, 1], "y": [low, 1], "hoverinfo": "skip",
                "showlegend": False, "line": {"color": page.muted, "width": 1, "dash": "dash"},
            }
        ]  # fmt: skip
        for kind, mark in KINDS.items():
            for sent in (False, True):
                part = frame[(frame["kind"] == kind) & (frame["sent"] == sent)]
                colour = mark.colour(page)
                data.append(
                    {
                        "type": "scatter", "mode": "markers", "name": kind_name(kind, language),
                        "legendgroup": kind, "showlegend": sent, "x": part["without"].clip(low).tolist(),
                        "y": part["with"].clip(low).tolist(),
                        "marker": {
                            "size": 8, "color": colour, "symbol": mark.symbol if sent else f"{mark.symbol}-open",
                            "opacity": 0.9 if sent else 0.55, "line": {"width": 1, "color": colour},
                        },
                        "hovertemplate": text("uplift.map_hover", language) + "<extra>%{fullData.name}</extra>",
                    }
                )  # fmt: skip
        ticks: Plot = {
            "type": "log", "tickvals": [0.001, 0.01, 0.1, 1], "ticktext": ["0.1%", "1%", "10%", "100%"],
            "range": [-3.08, 0.06],
        }  # fmt: skip
        words = text("uplift.map_line", language)
        return data, {
            "showlegend": True,
            "legend": HALVES if narrow else LEGEND,
            "xaxis": axis(page, text("uplift.axis_without", language), **ticks),
            "yaxis": axis(page, text("uplift.axis_with", language), **ticks),
            "annotations": [
                note(page, -1.55, -2.5, words, textangle=0, font={"size": 11, "color": page.muted}, xanchor="left")
            ],
            "margin": {"l": 58, "t": 84 if narrow else 52},
        }

    said = text("figures.list_comma", language).join(
        f"{kind_name(str(kind), language)} {part['sent'].mean():.0%}"
        for kind, part in frame.groupby("kind", sort=False)
    )  # fmt: skip
    alt = text("uplift.map_alt", language, policy=policy_name(answer["policy"], language),
               budget=f"{answer['budget']:.0%}", kinds=said)  # fmt: skip
    return Figure(frame, title, alt, draw, height=400, revision="uplift-map")


def scores(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each learner's share of the best possible Qini, by run. Frame columns: run, measure, value, low, high."""
    title = text("uplift.scores_title", language)
    marks = {f"{name}_qini": MARKS[name] for name in SCORED}
    frame = measure_rows(marks, shown, "campaign", "t_qini", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {f"{name}_qini": policy_name(name, language) for name in SCORED}
    bars = measure_bars(frame, marks, names, text("uplift.axis_best", language), 128 if narrow else 76)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, layout = bars(page)
        low = min(0.0, float(frame["low"].min()))
        layout["xaxis"] |= {"range": [low * 1.05, max(0.5, float(frame["high"].max()) * 1.05)], "zeroline": True}
        return data, layout

    alt = text("uplift.scores_alt", language, runs=in_words(frame, language),
               names=text("figures.list_comma", language).join(names.values()))  # fmt: skip
    height = (200 if narrow else 140) + 132 * frame["run"].nunique()
    return Figure(frame, title, alt, draw, height=height, revision="uplift-scores")


def _profits(answer: Mapping[str, Any], language: str) -> str:
    return text("figures.list_comma", language).join(
        f"{policy_name(row['policy'], language)} {ranged(row['profit'])}" for row in answer["rows"]
    )


def _of_all(kind: str, part: pd.DataFrame, language: str) -> str:
    return text("uplift.of_all", language, kind=kind_name(kind, language), share=f"{part['all'].iloc[0]:.1%}")
