"""Pictures of uplift learned from chosen shoppers: each learner's order, T's promises and earnings, told effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty
from course_lib.figures.coupon_series import policy_name, yuan
from course_lib.figures.dots import COLUMNS, LEGEND, dots, height
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

LOGS: Mapping[str, Mark] = {
    "lot": DEPARTMENTS[0], "targeted": DEPARTMENTS[1], "straightened": DEPARTMENTS[2],
}  # fmt: skip
DASHES = {"lot": "solid", "targeted": "dash", "straightened": "dot"}
MONEY: Mapping[str, Mark] = {"promised": DEPARTMENTS[3], "earned": DEPARTMENTS[4]}
ENDS = ("value", "low", "high")
TOP = 54


def order(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Each learner's share of the best possible Qini, by the log that it learned from. Frame columns: row, series,
    value, low, high."""
    title = text("targeted_uplift.order_title", language)
    rows = _table(shown).get("rows", {})
    frame = pd.DataFrame(
        [
            (policy_name(learner, language), name, *(one[end] for end in ENDS))
            for name, row in rows.items()
            for learner, one in row["qini"].items()
        ],
        columns=COLUMNS,
    )
    if frame.empty:
        return empty(title, COLUMNS, language)
    top = TOP + (42 if narrow else 0)
    draw = dots(frame, LOGS, _names(language), text("uplift.axis_best", language), ".0%", top, 0.0)
    said = text("figures.list_comma", language).join(
        f"{row}: " + " / ".join(f"{value:.0%}" for value in part["value"])
        for row, part in frame.groupby("row", sort=False)
    )
    logs = text("figures.list_comma", language).join(_names(language).values())
    alt = text("targeted_uplift.order_alt", language, learners=said, logs=logs)
    return Figure(frame, title, alt, draw, height=height(frame, top) + 30, revision="targeted-order")


def promises(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What T promises of the coupons that it sends, and what they earn, by log: over all, or as answered of the last.

    Frame columns: row, series, value, low, high: yuan a thousand shoppers."""
    title = text("targeted_uplift.promises_title", language)
    answer = (shown.answer or {}).get("rows")
    told = (
        {row["log"]: {one: dict.fromkeys(ENDS, row[one]) for one in MONEY} for row in answer}
        if answer
        else _table(shown).get("rows", {})
    )
    frame = pd.DataFrame(
        [
            (_names(language)[name], one, *(row[one][end] for end in ENDS))
            for name, row in told.items()
            for one in MONEY
        ],
        columns=COLUMNS,
    )
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {one: text(f"targeted_uplift.{one}", language) for one in MONEY}
    draw = dots(frame, MONEY, names, text("uplift.axis_profit", language), ",.0f", TOP, 0.0)
    said = text("figures.list_comma", language).join(
        f"{row}: " + " / ".join(yuan(value) for value in part["value"])
        for row, part in frame.groupby("row", sort=False)
    )
    alt = text("targeted_uplift.promises_alt", language, logs=said)
    return Figure(frame, title, alt, draw, height=height(frame, TOP) + 30, revision="targeted-promises")


def effects(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Shoppers by tenths of the effect that T tells: told against true, a line a log. Frame columns: log, tenth, told,
    true."""
    title, columns = text("targeted_uplift.effects_title", language), ["log", "tenth", "told", "true"]
    tenths = (shown.answer or {}).get("tenths") or {}
    frame = pd.DataFrame(
        [(name, n, one["told"], one["true"]) for name, groups in tenths.items() for n, one in enumerate(groups, 1)],
        columns=columns,
    )
    if frame.empty:
        return empty(title, columns, language)
    both = [float(frame[["told", "true"]].min().min()), float(frame[["told", "true"]].max().max())]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines+markers", "name": _names(language)[name],
                "x": part["told"].tolist(), "y": part["true"].tolist(),
                "line": {"color": LOGS[name].colour(page), "width": 2.2, "dash": DASHES[name]},
                "marker": {"size": 8, "symbol": LOGS[name].symbol, "color": LOGS[name].colour(page)},
                "hovertemplate": "%{x:.1%} → %{y:.1%}<extra>%{fullData.name}</extra>",
            }
            for name, part in ((str(one), part) for one, part in frame.groupby("log", sort=False))
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("targeted_uplift.axis_told", language), tickformat=".0%", zeroline=True,
                          zerolinecolor=page.muted),
            "yaxis": axis(page, text("targeted_uplift.axis_true", language), tickformat=".0%", zeroline=True,
                          zerolinecolor=page.muted),
            "shapes": [
                {"type": "line", "x0": both[0], "y0": both[0], "x1": both[1], "y1": both[1],
                 "line": {"color": page.muted, "width": 1.5, "dash": "dot"}}
            ],
            "margin": {"l": 56, "t": 84 if narrow else TOP},
        }  # fmt: skip

    means = text("figures.list_comma", language).join(
        f"{_names(language)[str(name)]} {part['told'].mean():.1%} / {part['true'].mean():.1%}"
        for name, part in frame.groupby("log", sort=False)
    )
    alt = text("targeted_uplift.effects_alt", language, logs=means)
    return Figure(frame, title, alt, draw, height=420 if narrow else 390, revision="targeted-effects")


def _table(shown: Shown) -> Mapping[str, Any]:
    """The first run's end, else its newest frame up to the one on show; or nothing."""
    run = shown.runs[0] if shown.runs else None
    if run is None:
        return {}
    told = [one["table"] for one in run.of("frame") if "table" in one and (shown.at is None or one["at"] <= shown.at)]
    found: Mapping[str, Any] = told[-1] if told else (run.result or {}).get("table", {})
    return found


def _names(language: str) -> dict[str, str]:
    return {name: text(f"targeted_uplift.log_{name}", language) for name in LOGS}
