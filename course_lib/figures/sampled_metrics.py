"""Pictures of sampled metrics: two models by number of negatives, their difference, and which places it asks about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, model_name, note, plotly_text, three
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha, style
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
SIDES = ("one", "other")
TICKS = {"tickvals": [1, 10, 100, 1000, 10_000, 100_000], "ticktext": ["1", "10", "100", "1,000", "10,000", "100,000"]}


def lines(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """HR@10 of both models by the number of negatives, at the frame on show.

    Frame columns: model, negatives, value, low, high.
    """
    title = text("sampled_metrics.lines_title", language)
    columns = ["model", "negatives", "value", "low", "high"]
    told = _moment(shown)
    if told is None:
        return empty(title, columns, language)
    rows = [
        (name, m, *(point[end] for end in ("value", "low", "high")))
        for side, name in zip(SIDES, told["names"], strict=True)
        for m, point in zip(told["negatives"], told["hr"][side], strict=True)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    cross = told.get("crossing")

    lowest = float(frame["low"].min())
    shown_range = [math.log10(min(8, told["negatives"][-1] / 2)), math.log10(1.06 * told["negatives"][-1])]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for name, part in frame.groupby("model", sort=False):
            look = style(str(name))
            data += _banded(page, part, look.colour(page), look.dash, model_name(str(name), language))
        words = "" if cross is None else text("sampled_metrics.cross", language, negatives=round(cross))
        notes = [note(page, 0.98, 0.95, words, xref="paper", yref="paper", xanchor="right")] if words else []
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(
                page, text("sampled_metrics.axis_negatives", language), type="log", range=shown_range, **TICKS
            ),
            "yaxis": axis(page, text("sampled_metrics.axis_hr", language), range=[max(0.0, lowest - 0.05), 1.01]),
            "shapes": dotted_lines(page, [] if cross is None else [cross]),
            "annotations": notes,
            "margin": {"t": 54},
        }

    ends = [told["hr"][side][-1]["value"] for side in SIDES]
    middle = [_at(told, side, 100) for side in SIDES]
    one, other = (model_name(name, language) for name in told["names"])
    alt = text(
        "sampled_metrics.lines_alt", language, one=one, other=other, full_one=three(ends[0]),
        full_other=three(ends[1]), some_one=three(middle[0]), some_other=three(middle[1]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=400 if narrow else 360, revision="sampled-lines")


def difference(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The difference of both models with its paired interval, and what is asked. Frame columns as :func:`lines`,
    ``model`` being the metric."""
    title = text("sampled_metrics.difference_title", language)
    columns = ["model", "negatives", "value", "low", "high"]
    told = _moment(shown)
    if told is None:
        return empty(title, columns, language)
    rows = [
        (metric, m, *(point[end] for end in ("value", "low", "high")))
        for metric in ("hr", "ndcg")
        for m, point in zip(told["negatives"], told[metric]["difference"], strict=True)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    asked = _asked(shown)
    one, other = (model_name(name, language) for name in told["names"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        looks = zip(("hr", "ndcg"), DEPARTMENTS, ("solid", "dash"), strict=False)
        for metric, mark, dash in looks:
            part = frame[frame["model"] == metric]
            data += _banded(page, part, mark.colour(page), dash, f"{metric.upper()}@10", ".3f")
        notes = [
            note(page, 0.01, 0.98, text("sampled_metrics.ahead", language, name=plotly_text(one)),
                 xref="paper", yref="paper", xanchor="left", yanchor="top"),
            note(page, 0.01, 0.02, text("sampled_metrics.ahead", language, name=plotly_text(other)),
                 xref="paper", yref="paper", xanchor="left", yanchor="bottom"),
        ]  # fmt: skip
        if asked:
            value, low, high = (asked["difference"][end] for end in ("value", "low", "high"))
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [asked["negatives"]], "y": [value],
                    "marker": {"size": 12, "color": page.accent, "symbol": "diamond"}, "showlegend": False,
                    "error_y": {
                        "type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
                        "color": page.accent, "thickness": 1.5,
                    },
                    "hovertemplate": "%{x}: %{y:.3f}<extra></extra>",
                }
            )  # fmt: skip
        zero: Plot = {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0,
            "line": {"color": page.muted, "width": 1.5},
        }  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("sampled_metrics.axis_negatives", language), type="log", **TICKS),
            "yaxis": axis(page, text("sampled_metrics.axis_difference", language), tickformat="+.3~f"),
            "shapes": [zero],
            "annotations": notes,
            "margin": {"t": 54, "l": 56},
        }

    said = {
        f"{metric}_{name}": f"{_at(told, 'difference', m, metric):+.3f}"
        for metric in ("hr", "ndcg")
        for name, m in (("some", 100), ("full", told["negatives"][-1]))
    }
    alt = text("sampled_metrics.difference_alt", language, one=one, other=other, **said)
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="sampled-difference")


def by_rank(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How many targets stand among the first n for both models, and how far down the sampled metric counts them.

    Frame columns: places, one, other, weight, full.
    """
    title = text("sampled_metrics.by_rank_title", language)
    columns = ["places", "one", "other", "weight", "full"]
    told = _moment(shown)
    if told is None:
        return empty(title, columns, language)
    asked = _asked(shown)
    seen: Mapping[str, Any] = asked if asked and len(asked["weight"]) == len(told["places"]) else told
    negatives = int(seen.get("negatives", 100)) if seen is asked else 100
    metric = str(seen.get("metric", "hr"))
    frame = pd.DataFrame(
        {
            "places": told["places"],
            **{side: told["reach"][side] for side in SIDES},
            "weight": seen["weight"],
            "full": [1.0 if n <= 10 else 0.0 for n in told["places"]],
        }
    )
    one, other = (model_name(name, language) for name in told["names"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": frame["places"].tolist(), "y": frame["weight"].tolist(),
                "name": text("sampled_metrics.counts", language, negatives=negatives, metric=metric.upper()),
                "line": {"color": page.accent, "width": 1.5}, "fill": "tozeroy", "fillcolor": alpha(page.accent, 0.13),
                "hovertemplate": "%{x}: %{y:.0%}<extra>%{fullData.name}</extra>",
            }
        ]  # fmt: skip
        for side, name in zip(SIDES, told["names"], strict=True):
            look = style(name)
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": frame["places"].tolist(), "y": frame[side].tolist(),
                    "name": model_name(name, language),
                    "line": {"color": look.colour(page), "width": 2.5, "dash": look.dash},
                    "hovertemplate": "%{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("sampled_metrics.axis_place", language), type="log", **TICKS),
            "yaxis": axis(page, text("sampled_metrics.axis_reach", language), tickformat=".0%", range=[-0.02, 1.04]),
            "shapes": dotted_lines(page, [10]),
            "margin": {"t": 98 if narrow else 54, "l": 58},
        }

    half = seen.get("half")
    alt = text(
        "sampled_metrics.by_rank_alt", language, one=one, other=other, negatives=negatives,
        half=told["products"] if half is None else half, top_one=_percent(told, "one", 10),
        top_other=_percent(told, "other", 10), deep_one=_percent(told, "one", 100),
        deep_other=_percent(told, "other", 100),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=440 if narrow else 380, revision="sampled-by-rank")


def _moment(shown: Shown) -> Mapping[str, Any] | None:
    """What the frame on show, else the first finished run, tells of both models; None where nothing is there yet."""
    here = (shown.frame or {}).get("sampled")
    if here and len(shown.runs) <= 1:
        return dict(here)
    return next((run.result["sampled"] for run in shown.runs if run.result and "sampled" in run.result), None)


def _asked(shown: Shown) -> Mapping[str, Any] | None:
    """The answer, where it is one of this experiment."""
    return shown.answer if shown.answer and {"negatives", "weight", "difference"} <= set(shown.answer) else None


def _at(told: Mapping[str, Any], side: str, negatives: int, metric: str = "hr") -> float:
    """The value at the number of negatives that is nearest to the one asked for."""
    near = min(range(len(told["negatives"])), key=lambda n: abs(told["negatives"][n] - negatives))
    return float(told[metric][side][near]["value"])


def _percent(told: Mapping[str, Any], side: str, place: int) -> str:
    near = min(range(len(told["places"])), key=lambda n: abs(told["places"][n] - place))
    return f"{told['reach'][side][near]:.0%}"


def _banded(page: Theme, part: pd.DataFrame, colour: str, dash: str, name: str, digits: str = ".3f") -> list[Plot]:
    """A line and the band of its interval."""
    x = part["negatives"].tolist()
    return [
        {
            "type": "scatter", "mode": "lines", "x": [*x, *reversed(x)],
            "y": [*part["high"].tolist(), *reversed(part["low"].tolist())], "fill": "toself",
            "fillcolor": alpha(colour, 0.2), "line": {"width": 0, "color": colour}, "hoverinfo": "skip",
            "showlegend": False,
        },
        {
            "type": "scatter", "mode": "lines", "x": x, "y": part["value"].tolist(), "name": plotly_text(name),
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "hovertemplate": f"%{{x}}: %{{y:{digits}}}<extra>%{{fullData.name}}</extra>",
        },
    ]  # fmt: skip
