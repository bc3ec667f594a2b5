"""Pictures of the click project: five judges by epoch, calibration, one shopper's slate, and runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, dotted_lines, empty, finite, note, plotly_text, shorten, three
from course_lib.figures.names import measure_name
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme
from course_lib.figures.products import product
from course_lib.figures.shown import Shown
from course_lib.figures.strips import Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

OURS, TRAINING, OTHER, LEVEL = DEPARTMENTS[0], DEPARTMENTS[11], DEPARTMENTS[1], DEPARTMENTS[4]
# A panel each: its name, what it likes, and its curves: column of the frame's event, mark, dash.
PANELS: Mapping[str, tuple[str, Sequence[tuple[str, Mark, str]]]] = {
    "loss": ("down", (("test_loss", OURS, "solid"), ("loss", TRAINING, "dot"))),
    "accuracy": ("up", (("accuracy", OURS, "solid"), ("never", LEVEL, "dashdot"))),
    "auc": ("up", (("auc", OURS, "solid"), ("logistic_auc", OTHER, "dash"))),
    "clicks": ("up", (("clicks", OURS, "solid"), ("logistic_clicks", OTHER, "dash"))),
}
COLUMNS = ["at", "epoch", "panel", "curve", "value"]
JUDGES = (
    Strip("over_never", "", "up"), Strip("log_loss", "", "down"), Strip("row_auc", "", "up"),
    Strip("slate_ndcg", "", "up"), Strip("slope", "", ""), Strip("slate_clicks", "", "up"),
)  # fmt: skip
TOP = 60
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def by_epoch(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Loss, accuracy, AUC and true clicks after each epoch, a panel each, with each one's best epoch; the first run.

    Frame columns: at, epoch, panel, curve, value. The untrained network is left out: it would set the scale.
    """
    title = text("click_mlp.by_epoch_title", language)
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "test_loss" in one and one["epoch"] > 0]
    rows = [
        (one["at"], one["epoch"], panel, column, one[column])
        for panel, (_, curves) in PANELS.items()
        for column, _, _ in curves
        for one in told
        if finite(one.get(column)) is not None
    ]
    if not rows:
        return empty(title, COLUMNS, language, height=470)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    stops = {panel: _best(frame, panel) for panel in PANELS}
    now = [one["epoch"] for one in told if one["at"] == (told[-1]["at"] if shown.at is None else shown.at)]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        layout: Plot = {
            "showlegend": False,
            "margin": {"l": 52, "r": 14, "t": 8, "b": 42},
            "annotations": [],
            "shapes": dotted_lines(page, now),
        }
        for number, (panel, (better, curves)) in enumerate(PANELS.items()):
            end = "" if number == 0 else str(number + 1)
            high = 1 - number / len(PANELS)
            for column, mark, dash in curves:
                part = frame[frame["curve"] == column]
                data.append(
                    {
                        "type": "scatter", "mode": "lines", "x": part["epoch"].tolist(), "y": part["value"].tolist(),
                        "xaxis": "x", "yaxis": f"y{end}", "name": text(f"click_mlp.curve_{column}", language),
                        "line": {"color": mark.colour(page), "dash": dash, "width": 2.5},
                        "hovertemplate": "%{x}: %{y:.4f}<extra>%{fullData.name}</extra>",
                    }
                )  # fmt: skip
            epoch, value = stops[panel]
            data.append(
                {
                    "type": "scatter", "mode": "markers", "x": [epoch], "y": [value], "xaxis": "x", "yaxis": f"y{end}",
                    "marker": {"size": 11, "symbol": "star", "color": page.accent},
                    "name": text("click_mlp.best_epoch", language),
                    "hovertemplate": "%{x}: %{y:.4f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
            layout[f"yaxis{end}"] = axis(
                page, domain=[high - 0.19, high - 0.06], anchor="x", nticks=3, tickformat=".3f", fixedrange=True,
                range=_scale(frame, curves),
            )  # fmt: skip
            words = _said(page, panel, better, curves, language, narrow)
            place: Plot = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top"}
            layout["annotations"].append(note(page, 0, high, words, **place))
        layout["xaxis"] = axis(page, text("click_mlp.axis_epoch", language), anchor="y4", dtick=_tick(told))
        return data, layout

    alt = text(
        "click_mlp.by_epoch_alt", language, epochs=told[-1]["epoch"],
        **{panel: f"{value:.3f}" for panel, (_, value) in stops.items()},
        **{f"{panel}_at": epoch for panel, (epoch, _) in stops.items()},
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=470, revision="click-mlp-epochs")


def _scale(frame: pd.DataFrame, curves: Sequence[tuple[str, Mark, str]]) -> list[float]:
    """Room for the first curve and for where the other ends; where the other begins is of no interest."""
    first, *others = (frame.loc[frame["curve"] == column, "value"].to_numpy() for column, _, _ in curves)
    known = [float(first.min()), float(first.max()), *(float(one[-1]) for one in others if len(one))]
    room = 0.12 * (max(known) - min(known)) or 0.01
    return [min(known) - room, max(known) + room]


def _best(frame: pd.DataFrame, panel: str) -> tuple[int, float]:
    """The first epoch that a judge likes best, and its value there; the judge is the panel's first curve."""
    better, curves = PANELS[panel]
    part = frame[frame["curve"] == curves[0][0]]
    values = part["value"].to_numpy()
    row = part.iloc[int(values.argmax() if better == "up" else values.argmin())]
    return int(row["epoch"]), float(row["value"])


def _said(
    page: Theme, panel: str, better: str, curves: Sequence[tuple[str, Mark, str]], language: str, narrow: bool
) -> str:
    """A panel's heading, which is its legend as well."""
    lines = {"solid": "━", "dot": "┄", "dashdot": "╌", "dash": "╍"}
    named = [(mark, dash, text(f"click_mlp.curve_{column}", language)) for column, mark, dash in curves]
    names = "  ".join(
        f'<span style="color:{mark.colour(page)}">{lines[dash]} {plotly_text(name)}</span>'
        for mark, dash, name in named
    )
    head = f"<b>{plotly_text(text(f'click_mlp.panel_{panel}', language))}</b>"
    return f"{head}  {names}" if narrow else f"{head} ({text('strips.' + better, language)})  {names}"


def _tick(told: Sequence[Mapping[str, Any]]) -> int:
    return 1 if told[-1]["epoch"] <= 12 else 5


def calibration(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Of rows with like predicted chances, how many were clicked, at the frame on show.

    Frame columns: predicted, real, low, high.
    """
    title = text("click_mlp.calibration_title", language)
    columns = ["predicted", "real", "low", "high"]
    bins = (shown.frame or {}).get("bins")
    if not bins:
        return empty(title, columns, language)
    frame = pd.DataFrame(bins, columns=columns)
    most = float(max(frame["predicted"].max(), frame["high"].max())) * 1.05
    slope = finite((shown.frame or {}).get("slope"))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines", "x": [0, most], "y": [0, most], "hoverinfo": "skip",
                "name": text("click_mlp.true_chances", language), "line": {"color": page.accent, "dash": "dot"},
            },
            {
                "type": "scatter", "mode": "lines+markers", "name": text("click_mlp.tenths", language),
                "x": frame["predicted"].tolist(), "y": frame["real"].tolist(),
                "line": {"color": OURS.colour(page), "width": 2}, "marker": {"size": 9, "color": OURS.colour(page)},
                "error_y": {
                    "type": "data", "symmetric": False, "array": (frame["high"] - frame["real"]).tolist(),
                    "arrayminus": (frame["real"] - frame["low"]).tolist(), "color": page.ink, "thickness": 1.2,
                },
                "hovertemplate": "%{x:.1%} → %{y:.1%}<extra></extra>",
            },
        ]  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("click_mlp.axis_predicted", language), tickformat=".0%", range=[0, most]),
            "yaxis": axis(page, text("click_mlp.axis_real", language), tickformat=".0%", range=[0, most]),
            "margin": {"t": 56},
        }

    last = frame.iloc[-1]
    alt = text(
        "click_mlp.calibration_alt", language, slope="–" if slope is None else f"{slope:.2f}",
        predicted=f"{last['predicted']:.1%}", real=f"{last['real']:.1%}",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380, revision="click-mlp-calibration")


def slate(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What a shopper would be shown, and their best slate: each product's predicted and true chance of a click.

    Frame columns: slate, place, item, title, said, true.
    """
    title = text("click_mlp.slate_title", language)
    columns = ["slate", "place", "item", "title", "said", "true"]
    answer = shown.answer or {}
    if "best_slate" not in answer:
        return empty(title, columns, language)
    rows = []
    for which in ("slate", "best_slate"):
        for place, one in enumerate(answer[which], 1):
            rows.append((which, place, one["item"], _title(shown, one["item"], language), one["said"], one["true"]))
    frame = pd.DataFrame(rows, columns=columns)
    width = 13 if narrow else 24
    names = [
        f"{text(f'click_mlp.{which}', language)} {place} · {plotly_text(shorten(title, width))}"
        for which, place, _, title, *_ in rows
    ]

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = [
            {
                "type": "bar", "orientation": "h", "y": names, "x": frame[column].tolist(),
                "name": text(f"click_mlp.chance_{column}", language),
                "marker": {"color": mark.colour(page), "pattern": {"shape": shape}},
                "hovertemplate": "%{y}: %{x:.1%}<extra>%{fullData.name}</extra>",
            }
            for column, mark, shape in (("said", OURS, ""), ("true", OTHER, "/"))
        ]  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("click_mlp.axis_chance", language), tickformat=".0%", rangemode="tozero"),
            "yaxis": axis(page, automargin=True, autorange="reversed"),
            "margin": {"t": 56},
        }

    bought = [_title(shown, item, language) for item in answer.get("latest", [])]
    alt = text(
        "click_mlp.slate_alt", language, shopper=answer["shopper"], worth=three(answer["worth"]),
        best=three(answer["best_worth"]), bought=text("figures.list_comma", language).join(bought) or "–",
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=400, revision="click-mlp-slate")


def _title(shown: Shown, item: int, language: str) -> str:
    named = None if shown.items is None else product(shown.items, item, language)
    return f"#{item}" if named is None else named.title


def judges(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Finished runs by six measures, a strip each. Frame columns: run, model, measure, value, low, high."""
    title = text("click_mlp.judges_title", language)
    frame = strip_rows([one.measure for one in JUDGES], shown, "over_never", language)
    if frame.empty:
        return empty(title, list(frame.columns), language)
    kinds = [Strip(one.measure, measure_name(one.measure, language), one.better) for one in JUDGES]
    names = {one.measure: one.name for one in kinds}
    top = TOP + (40 if narrow else 20)
    alt = text("click_mlp.judges_alt", language, measures=in_words(frame, names, language))
    height = strips_height(frame, top)
    return Figure(frame, title, alt, strips(frame, kinds, language, top), height=height, revision="click-mlp-judges")


def clicks_of_runs(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """True clicks a slate by epoch, a line a run. Frame columns: run, epoch, clicks."""
    title = text("click_mlp.clicks_of_runs_title", language)
    rows = []
    for number, run in enumerate(shown.runs):
        name = (shown.names[number] if number < len(shown.names) else "") or str(number + 1)
        rows += [
            (name, one["epoch"], one["clicks"]) for one in run.of("frame") if "test_loss" in one and one["epoch"] > 0
        ]
    frame = pd.DataFrame(rows, columns=["run", "epoch", "clicks"])
    if frame.empty:
        return empty(title, list(frame.columns), language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for number, (name, part) in enumerate(frame.groupby("run", sort=False)):
            mark = DEPARTMENTS[number % len(DEPARTMENTS)]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": part["epoch"].tolist(),
                    "y": part["clicks"].tolist(), "name": plotly_text(str(name)),
                    "line": {"color": mark.colour(page), "width": 2, "dash": DASHES[number % len(DASHES)]},
                    "marker": {"size": 7, "symbol": mark.symbol},
                    "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, text("click_mlp.axis_epoch", language)),
            "yaxis": axis(page, text("click_mlp.axis_clicks", language), tickformat=".2f"),
            "margin": {"t": 110 if narrow else 76},
        }

    ends = text("figures.list_comma", language).join(
        f"{name} {three(part['clicks'].iloc[-1])}" for name, part in frame.groupby("run", sort=False)
    )
    alt = text("click_mlp.clicks_of_runs_alt", language, runs=ends)
    return Figure(frame, title, alt, draw, height=440 if narrow else 400, revision="click-mlp-runs")
