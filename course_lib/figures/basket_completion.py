"""Pictures of baskets that are completed: the transformer as it learns, all methods, and runs that read differently."""

from __future__ import annotations

from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, moments_shown, note, spread, three
from course_lib.figures.dots import COLUMNS, dots, height
from course_lib.figures.measure_bars import COLUMNS as BAR_COLUMNS
from course_lib.figures.measure_bars import in_words, measure_bars, measure_rows
from course_lib.figures.palette import DEPARTMENTS, Theme, style
from course_lib.figures.shown import Shown
from course_lib.text import text

PROTOCOLS = ("all", "new")
METHODS = (
    "transformer", "ease-personal", "personal", "ease", "item-knn", "confidence", "popularity", "lift",
)  # fmt: skip
LINES = {  # what stands beside the curve: by protocol, and the dash of each
    "all": {"ease-personal": "solid", "personal": "longdash", "ease": "dash", "popularity": "dot"},
    "new": {"ease": "dash", "item-knn": "dashdot", "confidence": "longdash", "popularity": "dot"},
}
MARKS = {"all": DEPARTMENTS[0], "new": DEPARTMENTS[1]}
BARS = {
    "transformer": DEPARTMENTS[0], "ease_personal": DEPARTMENTS[2], "transformer_new": DEPARTMENTS[1],
    "ease_new": DEPARTMENTS[4],
}  # fmt: skip
AXES = {"all": ("x", "y"), "new": ("x2", "y2")}


def method_name(method: str, language: str) -> str:
    """What a method is called."""
    return text(f"setting.method_{method}", language)


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of the transformer by epoch under both protocols, counted methods as level lines.

    Frame columns: at, epoch, all, new, and each counted method as ``all:ease``.
    """
    title = text("basket_completion.curve_title", language)
    levels = [f"{protocol}:{name}" for protocol in PROTOCOLS for name in LINES[protocol]]
    columns = ["at", "epoch", *PROTOCOLS, *levels]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "methods" in one]
    if not told:
        return empty(title, columns, language)
    rows = [
        (
            one["at"], one["epoch"], *(one.get(protocol) for protocol in PROTOCOLS),
            *(one["methods"][name.partition(":")[2]].get(name.partition(":")[0]) for name in levels),
        )
        for one in told
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    now = moments_shown(frame, frame["epoch"], shown.at)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        notes: list[Plot] = []
        for protocol in PROTOCOLS:
            axes = dict(zip(("xaxis", "yaxis"), AXES[protocol], strict=True))
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", **axes, "x": frame["epoch"].tolist(),
                    "y": _numbers(frame[protocol]), "name": method_name("transformer", language),
                    "line": {"color": style("sasrec").colour(page), "width": 3},
                    "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
            named: list[tuple[str, float, str]] = []
            for name, dash in LINES[protocol].items():
                level = frame[f"{protocol}:{name}"].iloc[-1]
                if pd.isna(level):
                    continue
                data.append(
                    {
                        "type": "scatter", "mode": "lines", **axes, "x": frame["epoch"].iloc[[0, -1]].tolist(),
                        "y": [float(level)] * 2, "name": method_name(name, language),
                        "line": {"color": page.muted, "width": 1.5, "dash": dash},
                        "hovertemplate": "%{y:.3f}<extra>%{fullData.name}</extra>",
                    }
                )  # fmt: skip
                named.append((method_name(name, language), float(level), page.muted))
            last = _numbers(frame[protocol])[-1]
            if last is not None:
                named.append((method_name("transformer", language), last, style("sasrec").colour(page)))
            top = max((level for _, level, _ in named), default=1.0)
            places = spread([level for _, level, _ in named], 0.13 * max(top, 0.01))
            notes += [
                note(page, 1, place, words, xref="paper", yref=AXES[protocol][1], xanchor="left", xshift=4,
                     font={"size": 11, "color": colour})
                for (words, _, colour), place in zip(named, places, strict=True)
            ]  # fmt: skip
            notes.append(
                note(page, 0, 1, text(f"setting.among_{protocol}", language), xref="paper",
                     yref=f"{AXES[protocol][1]} domain", xanchor="left", yanchor="bottom",
                     font={"size": 12, "color": page.ink})
            )  # fmt: skip
        return data, {
            "xaxis": axis(page, "", domain=[0, 1], anchor="y", matches="x2", showticklabels=False),
            "xaxis2": axis(page, text("basket_completion.axis_epoch", language), domain=[0, 1], anchor="y2", dtick=1),
            "yaxis": axis(page, "NDCG@10", domain=[0.55, 0.95], rangemode="tozero"),
            "yaxis2": axis(page, "NDCG@10", domain=[0, 0.4], anchor="x2", rangemode="tozero"),
            "annotations": notes,
            "shapes": dotted_lines(page, now),
            "margin": {"l": 52, "r": 118 if narrow else 140},
        }

    alt = text(
        "basket_completion.curve_alt", language, all=three(_numbers(frame["all"])[-1]),
        personal=three(_numbers(frame["all:ease-personal"])[-1]), new=three(_numbers(frame["new"])[-1]),
        ease=three(_numbers(frame["new:ease"])[-1]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=430, revision="basket-curve")


def methods(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of every method under both protocols, with intervals. Frame columns: row, series, value, low, high."""
    title = text("basket_completion.methods_title", language)
    found = next((run.result for run in shown.runs if run.result and "transformer" in run.result["measures"]), None)
    if found is None:
        return empty(title, COLUMNS, language)
    rows: list[tuple[Any, ...]] = []
    for method in METHODS:
        for protocol in PROTOCOLS:
            one = found["measures"].get(method.replace("-", "_") + ("" if protocol == "all" else "_new"))
            if one is not None:
                rows.append((method_name(method, language), protocol, one["value"], one["low"], one["high"]))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    top = 76 if narrow else 54
    names = {protocol: text(f"setting.among_{protocol}", language) for protocol in PROTOCOLS}
    draw = dots(frame, MARKS, names, "NDCG@10", ".2f", top)
    said = text("figures.list_comma", language).join(
        f"{row}: " + " / ".join(three(float(value)) for value in part["value"])
        for row, part in frame.groupby("row", sort=False)
    )
    alt = text("basket_completion.methods_alt", language, methods=said)
    return Figure(frame, title, alt, draw, height=height(frame, top), revision="basket-methods")


def readers(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """The transformer of each finished run beside counting. Frame columns: run, measure, value, low, high."""
    title = text("basket_completion.readers_title", language)
    frame = measure_rows(BARS, shown, "reads", "transformer", language)
    if frame.empty:
        return empty(title, BAR_COLUMNS, language)
    names = {measure: text(f"measure.{measure}", language) for measure in BARS}
    draw = measure_bars(frame, BARS, names, "NDCG@10", 130 if narrow else 76, score=True)
    alt = text("basket_completion.readers_alt", language, runs=in_words(frame, language, score=True))
    return Figure(frame, title, alt, draw, height=180 + 84 * frame["run"].nunique(), revision="basket-readers")


def _numbers(values: pd.Series[Any]) -> list[float | None]:
    return [None if pd.isna(one) else float(one) for one in values]
