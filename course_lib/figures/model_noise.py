"""Pictures of noise between models: every training as a dot, how wide intervals are, how often one run is right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, note, plotly_text, three
from course_lib.figures.palette import DEPARTMENTS, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.text import text

LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
MODELS = ("base", "changed")
WIDTHS = ("unpaired", "paired", "whole")
DASHES = ("solid", "dash", "dot")
SHOPPERS = {
    "tickvals": [20, 100, 1000, 10_000, 100_000, 1_000_000],
    "ticktext": ["20", "100", "1,000", "10,000", "100,000", "1M"],
}


def dots(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each training with its interval over shoppers, and the means over seeds with theirs.

    Frame columns: model, number (0: the mean), value, low, high.
    """
    title, columns = text("model_noise.dots_title", language), ["model", "number", "value", "low", "high"]
    told = _moment(shown)
    if told is None:
        return empty(title, columns, language)
    ends = ("value", "low", "high")
    rows = [(one["model"], one["number"], *(one[end] for end in ends)) for one in told["dots"]]
    rows += [(model, 0, *(mean[end] for end in ends)) for model, mean in told["means"].items()]
    frame = pd.DataFrame(rows, columns=columns)
    names = _names(shown, language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for model, mark in zip(MODELS, DEPARTMENTS, strict=False):
            part = frame[(frame["model"] == model) & (frame["number"] > 0)]
            shift = -0.12 if model == "base" else 0.12  # beside each other: both have a run of each number
            data.append(
                _points(part["number"] + shift, part, names[model], mark.colour(page), mark.symbol, 9)
                | {"text": [f"{value:.3f}" for value in part["value"]]}
            )
            mean = frame[(frame["model"] == model) & (frame["number"] == 0)]
            place = pd.Series([2 * shift] * len(mean), mean.index, dtype=float)
            called = text("model_noise.mean_of", language, name=names[model])
            data.append(
                _points(place, mean, called, mark.colour(page), f"{mark.symbol}-open", 14) | {"showlegend": False}
            )
        runs = [1, *range(2, max(int(frame["number"].max()), 1) + 1)]
        step = 1 if len(runs) <= (6 if narrow else 12) else 5
        some = [n for n in runs if n == 1 or n % step == 0]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(
                page, text("model_noise.axis_run", language), range=[-1, len(runs) + 0.6], showgrid=False,
                tickvals=[0, *some], ticktext=[text("model_noise.mean", language), *map(str, some)],
            ),
            "yaxis": axis(page, text("model_noise.axis_ndcg", language), tickformat=".3f"),
            "shapes": dotted_lines(page, [0.5]) if told["means"] else [],
            "margin": {"t": 54, "l": 56},
        }  # fmt: skip

    def said(model: str) -> str:
        values = frame[(frame["model"] == model) & (frame["number"] > 0)]["value"]
        return "–" if values.empty else f"{three(values.min())}–{three(values.max())}"

    alt = text(
        "model_noise.dots_alt", language, base=names["base"], changed=names["changed"], count=len(told["dots"]),
        base_range=said("base"), changed_range=said("changed"),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=400 if narrow else 380, revision="noise-dots")


def widths(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Half an interval of the difference by the number of test shoppers: unpaired, paired, with seeds; and the
    difference itself. Frame columns: shoppers, unpaired, paired, whole."""
    title, columns = text("model_noise.widths_title", language), ["shoppers", *WIDTHS]
    told = _moment(shown)
    if told is None or not told["sizes"]:
        return empty(title, columns, language)
    frame = pd.DataFrame({"shoppers": told["sizes"], **{name: told["widths"][name] for name in WIDTHS}})
    asked, difference = _asked(shown), float(told["difference"])

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "x": frame["shoppers"].tolist(), "y": frame[name].tolist(),
                "name": text(f"model_noise.{name}", language),
                "line": {"color": mark.colour(page), "width": 2.5, "dash": dash},
                "marker": {"symbol": mark.symbol, "size": 7, "color": mark.colour(page)},
                "hovertemplate": "%{x}: ± %{y:.4f}<extra>%{fullData.name}</extra>",
            }
            for name, mark, dash in zip(WIDTHS, (DEPARTMENTS[1], DEPARTMENTS[0], DEPARTMENTS[2]), DASHES, strict=True)
        ]  # fmt: skip
        level: Plot = {
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": difference, "y1": difference,
            "line": {"color": page.accent, "width": 1.5, "dash": "dash"},
        }  # fmt: skip
        words = text("model_noise.level", language, difference=f"{difference:.4f}")
        notes = [
            note(page, 0.01, _log(difference), words, xref="paper", xanchor="left", yanchor="bottom",
                 font={"size": 12, "color": page.accent})
        ] if difference > 0 else []  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("model_noise.axis_shoppers", language), type="log", **SHOPPERS),
            "yaxis": axis(page, text("model_noise.axis_half", language), type="log", tickformat="~g"),
            "shapes": [*([level] if difference > 0 else []), *dotted_lines(page, [asked["shoppers"]] if asked else [])],
            "annotations": notes,
            "margin": {"t": 76 if narrow else 54, "l": 62},
        }

    at = _nearest(told["sizes"], asked["shoppers"] if asked else told["asked"])
    alt = text(
        "model_noise.widths_alt", language, shoppers=told["sizes"][at], difference=f"{difference:.4f}",
        **{name: f"{told['widths'][name][at]:.4f}" for name in WIDTHS},
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="noise-widths")


def wrong(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The share of comparisons that pick the worse model, by test shoppers, a line for each number of seeds.

    Frame columns: seeds, shoppers, wrong.
    """
    title, columns = text("model_noise.wrong_title", language), ["seeds", "shoppers", "wrong"]
    told = _moment(shown)
    if told is None or not told["sizes"]:
        return empty(title, columns, language)
    rows = [
        (int(seeds), shoppers, share)
        for seeds, shares in told["wrong"].items()
        for shoppers, share in zip(told["sizes"], shares, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    asked = _asked(shown)
    asked = asked if asked and asked.get("wrong") is not None else None

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (seeds, part) in enumerate(frame.groupby("seeds", sort=False)):
            mark = DEPARTMENTS[number]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": part["shoppers"].tolist(),
                    "y": part["wrong"].tolist(), "name": text("model_noise.seeds_each", language, seeds=seeds),
                    "line": {"color": mark.colour(page), "width": 2.5, "dash": DASHES[number % 3]},
                    "marker": {"symbol": mark.symbol, "size": 7, "color": mark.colour(page)},
                    "hovertemplate": "%{x}: %{y:.0%}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        if asked:
            data.append(
                {
                    "type": "scatter", "mode": "markers+text", "x": [asked["shoppers"]], "y": [asked["wrong"]],
                    "marker": {"size": 13, "color": page.accent, "symbol": "diamond"}, "showlegend": False,
                    "text": [f"<b>{asked['wrong']:.0%}</b>"], "textposition": "top center",
                    "textfont": {"size": 13, "color": page.accent}, "cliponaxis": False,
                    "hovertemplate": "%{x}: %{y:.1%}<extra></extra>",
                }
            )  # fmt: skip
        measured = told["asked"]
        words = text("model_noise.measured", language, shoppers=f"{measured:,}")
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("model_noise.axis_shoppers", language), type="log", **SHOPPERS),
            "yaxis": axis(page, text("model_noise.axis_wrong", language), tickformat=".0%", range=[-0.01, 0.56]),
            "shapes": dotted_lines(page, [measured]),
            "annotations": [
                note(page, _log(measured), 0.55, plotly_text(words), xanchor="right" if measured > 1000 else "left")
            ],
            "margin": {"t": 98 if narrow else 54, "l": 58},
        }

    sizes, first = told["sizes"], next(iter(told["wrong"]))
    few, all_ = _nearest(sizes, 1000), _nearest(sizes, told["asked"])
    alt = text(
        "model_noise.wrong_alt", language, seeds=first, few=sizes[few], few_wrong=f"{told['wrong'][first][few]:.0%}",
        many=sizes[all_], many_wrong=f"{told['wrong'][first][all_]:.0%}", most=sizes[-1],
        most_wrong=f"{told['wrong'][first][-1]:.0%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=420 if narrow else 380, revision="noise-wrong")


def _moment(shown: Shown) -> Mapping[str, Any] | None:
    """What the frame on show, else the first finished run, tells; None where nothing is there yet."""
    here = (shown.frame or {}).get("noise")
    if here and len(shown.runs) <= 1:
        return dict(here)
    return next((run.result["noise"] for run in shown.runs if run.result and "noise" in run.result), None)


def _asked(shown: Shown) -> Mapping[str, Any] | None:
    """The answer, where it is one of this experiment."""
    return shown.answer if shown.answer and {"shoppers", "wrong", "widths"} <= set(shown.answer) else None


def _names(shown: Shown, language: str) -> dict[str, str]:
    """What the two models are called: the changed one by what was changed."""
    config = shown.runs[0].config if shown.runs else None
    change = config.settings.get("change") if config is not None else None
    changed = text(f"setting.change_{change}", language) if change else text("model_noise.changed", language)
    return {"base": text("model_noise.base", language), "changed": changed}


def _points(x: pd.Series[Any], part: pd.DataFrame, name: str, colour: str, symbol: str, size: int) -> Plot:
    """Dots with their intervals."""
    return {
        "type": "scatter", "mode": "markers", "x": x.tolist(), "y": part["value"].tolist(), "name": plotly_text(name),
        "marker": {"symbol": symbol, "size": size, "color": colour, "line": {"color": colour, "width": 2}},
        "error_y": {
            "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
            "arrayminus": (part["value"] - part["low"]).tolist(), "color": alpha(colour, 0.6), "thickness": 1.5,
        },
        "hovertemplate": "%{y:.4f}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def _nearest(sizes: list[int], wanted: int) -> int:
    return min(range(len(sizes)), key=lambda n: abs(sizes[n] - wanted))


def _log(value: float) -> float:
    """Where an annotation stands on a logarithmic axis."""
    return math.log10(value)
