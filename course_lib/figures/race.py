"""A list of next-item runs as a race: scores that rise together, where each ended, and what each of them cost.

Every picture takes the runs of a lab in the lesson's order, whatever state they are in: queued, live, failed, missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.evaluation.cost import Cost, cost_of
from course_lib.figures.base import (
    Figure,
    Plot,
    axis,
    finite,
    metric_name,
    model_name,
    note,
    plotly_text,
    shorten,
    span,
    spread,
    three,
    width_of,
)
from course_lib.figures.curves import interval
from course_lib.figures.palette import Style, Theme, alpha, style
from course_lib.figures.shown import Shown
from course_lib.models.catalogue import model_cards
from course_lib.runs.view import RunView
from course_lib.text import text

METRIC = "ndcg@10"
HEIGHT = 360
ROW = 40  # pixels of one bar with its label
LABEL_GAP = 14  # pixels between two labels at the right end
DASHES = ("solid", "4px,3px", "1px,3px", "10px,4px")  # of runs that share a model, and so a colour
LIMIT = "oracle.filtered"
UNKNOWN = Style("#5f6672", "#a3abb8")  # a run of which not even the model is known


def seconds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Validation NDCG@10 of each run against the seconds that it has trained, with the history-only oracle above.

    Frame columns: run (its name), model, x (seconds), value, low, high. The oracle, and a model that counts, have one
    row with x NaN: a level.
    """
    return _lines(shown, language, narrow, "seconds")


def targets(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """As :func:`seconds`, against the purchases learned from: the same race on a computer that costs nothing."""
    return _lines(shown, language, narrow, "targets")


def table(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Test NDCG@10 of each run as a bar with its interval, the oracle last; a run without a result says how it stands.

    Frame columns: run, model, state, value, low, high, share (of the oracle's).
    """
    rows: list[dict[str, Any]] = []
    for run, name in _named(shown, language):
        score = ((run.result or {}).get("measures") or {}).get(METRIC) or {}
        rows.append({"run": name, "model": _model(run), "state": run.state} | interval(score))
    limit = next((found for run in shown.runs if (found := _limit(run.result, METRIC)) is not None), None)
    if limit is not None:
        rows.append({"run": model_name(LIMIT, language), "model": LIMIT, "state": "finished"} | limit)
    for row in rows:
        row["share"] = row["value"] / limit["value"] if limit and row["value"] is not None and limit["value"] else None
    frame = pd.DataFrame(rows, columns=["run", "model", "state", "value", "low", "high", "share"])
    top = 1.05 * max((row["high"] or row["value"] or 0.0 for row in rows), default=0.0) or 0.5
    looks = _looks(rows)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, notes = [], []
        for place, (row, look) in enumerate(zip(reversed(rows), reversed(looks), strict=True)):
            colour = look.colour(page)
            data.append(_bar(page, row, place, colour, language))
            words = f"{plotly_text(row['run'])} {_standing(row, language)}"
            font = {"size": 12, "color": colour}
            notes.append(note(page, 0, place, words, xanchor="left", yshift=16, font=font))
        if not rows:
            notes.append(_nothing(page, language))
        return data, {
            "xaxis": axis(page, text("figures.race_axis_test", language), range=[0, top], nticks=6, fixedrange=True),
            "yaxis": axis(page, range=[-0.45, len(rows) - 0.3], showticklabels=False, showgrid=False, fixedrange=True),
            "margin": {"l": 8, "r": 12, "t": 8, "b": 44},
            "annotations": notes,
            "bargap": 0,
            "dragmode": False,
        }

    said = text("figures.list_comma", language).join(f"{row['run']} {_standing(row, language, False)}" for row in rows)
    return Figure(
        frame=frame,
        title=text("figures.race_table_title", language),
        alt=text("figures.race_table_alt", language, scores=said) if rows else text("figures.nothing_yet", language),
        draw=draw,
        height=ROW * max(len(rows), 2) + 90,
        revision="race_table",
    )


def cost(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Test NDCG@10 of each finished run against its seconds of training, on a log scale; hovering tells parameters,
    arithmetic and energy.

    Frame columns: run, model, value, low, high, seconds, parameters, targets, flops (NaN for a model that counts),
    joules, joules_low, joules_high.
    """
    rows: list[dict[str, Any]] = []
    for run, name in _named(shown, language):
        found = cost_of_run(run)
        score = interval(((run.result or {}).get("measures") or {}).get(METRIC) or {})
        if found is None or score["value"] is None:
            continue
        rows.append(
            {"run": name, "model": _model(run)} | score | {
                "seconds": found.seconds, "parameters": found.parameters, "targets": found.targets,
                "flops": found.flops if found.flops is not None else math.nan,
                "joules": found.joules.value, "joules_low": found.joules.low, "joules_high": found.joules.high,
            }
        )  # fmt: skip
    columns = ["run", "model", "value", "low", "high", "seconds", "parameters", "targets", "flops"]
    frame = pd.DataFrame(rows, columns=[*columns, "joules", "joules_low", "joules_high"])
    places = [math.log10(max(row["seconds"], 0.001)) for row in rows]
    low, high = (min(places, default=-2) - 0.3, max(places, default=1.5) + 0.3)
    top = 1.15 * max((row["high"] or row["value"] for row in rows), default=0.0) or 0.5
    looks = _looks(rows)
    longest = max((width_of(row["run"]) for row in rows), default=0)
    # A label may not lie on another: those at about the same place move apart.
    heights = spread([row["value"] / top * (HEIGHT - 84) for row in rows], LABEL_GAP)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data, notes = [], []
        for row, look, place, height in zip(rows, looks, places, heights, strict=True):
            colour = look.colour(page)
            data.append(_cost_mark(row, 10**place, colour, language))
            # On the right, where the networks crowd, names stand in a column beside the paper.
            right = place > (low + high) / 2
            side: Plot = {"x": 1.0, "xref": "paper"} if right else {"x": place, "xshift": 9}
            side |= {"xanchor": "left", "yshift": height - row["value"] / top * (HEIGHT - 84)}
            words = plotly_text(shorten(row["run"], 14 if narrow else 24))
            notes.append(note(page, place, row["value"], words, font={"size": 12, "color": colour}) | side)
        if not rows:
            notes.append(_nothing(page, language))
        return data, {
            "xaxis": axis(
                page, text("figures.race_axis_cost", language), type="log", range=[low, high], dtick=1, tickformat="~g"
            ),
            "yaxis": axis(page, text("figures.race_axis_test", language), range=[0, top], nticks=6),
            "margin": {"r": 12 + round(6.8 * min(longest, 14 if narrow else 24))},
            "annotations": notes,
        }

    said = text("figures.list_comma", language).join(
        text("figures.race_cost_alt_one", language, run=row["run"], value=three(row["value"]), **_costs(row, language))
        for row in rows
    )
    return Figure(
        frame=frame,
        title=text("figures.race_cost_title", language),
        alt=text("figures.race_cost_alt", language, costs=said) if rows else text("figures.nothing_yet", language),
        draw=draw,
        height=HEIGHT,
        revision="race_cost",
    )


def cost_of_run(run: RunView) -> Cost | None:
    """What a finished run cost; None where it does not say."""
    prepared = run.last("prepared")
    if prepared is None or run.result is None:
        return None
    try:
        return cost_of(prepared, run.result, _epochs(run))
    except CourseError:
        return None


def _lines(shown: Shown, language: str, narrow: bool, kind: str) -> Figure:
    rows: list[dict[str, Any]] = []
    named = _named(shown, language)
    for run, name in named:
        rows += [{"run": name, "model": _model(run)} | point for point in _points(run, kind)]
    heard = next((found for run, _ in named if (found := run.last("references")) is not None), None)
    limit = _limit(heard, METRIC)
    if limit is not None:
        rows.append({"run": model_name(LIMIT, language), "model": LIMIT, "x": math.nan} | limit)
    rows = [row for row in rows if row["value"] is not None]
    frame = pd.DataFrame(rows, columns=["run", "model", "x", "value", "low", "high"])
    lines = {name: [row for row in rows if row["run"] == name and not math.isnan(row["x"])] for _, name in named}
    levels = [row for row in rows if math.isnan(row["x"])]
    total = max((row["x"] for row in rows if not math.isnan(row["x"])), default=0.0)
    total = max(total, 1.0) * 1.02
    top = 1.14 * max((row["high"] or row["value"] for row in rows), default=0.0) or 0.5
    looks = dict(zip((name for _, name in named), _looks([{"model": _model(run)} for run, _ in named]), strict=True))
    pixels = (HEIGHT - 84) / top
    ends = [row for row in levels if row["model"] != LIMIT] + [line[-1] for line in lines.values() if line]
    heights = [row["value"] * pixels for row in ends]
    labels = [f"{shorten(row['run'], 14 if narrow else 24)} {row['value']:.2f}" for row in ends]
    room = 10 + round(6.3 * max((width_of(label) for label in labels), default=6))  # pixels right of the lines

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        for name, line in lines.items():
            data += _line(page, line, name, looks[name], language)
        notes = []
        for row, label, height, moved in zip(ends, labels, heights, spread(heights, LABEL_GAP), strict=True):
            font = {"size": 11, "color": looks[row["run"]].colour(page)}
            place: Plot = {"xref": "paper", "xanchor": "left", "yshift": moved - height, "font": font}
            notes.append(note(page, 1.0, row["value"], plotly_text(label), **place))
        for row in levels:
            look = looks[row["run"]] if row["run"] in looks else style(LIMIT)
            colour, name = look.colour(page), plotly_text(row["run"])
            if row["model"] == LIMIT:  # on its line: nothing rises so high
                font = {"size": 11, "color": colour}
                words = f"{name} {row['value']:.2f}"
                notes.append(note(page, 0, row["value"], words, xanchor="left", yshift=9, font=font))
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": name, "hoverinfo": "skip", "x": [0, total],
                    "y": [row["value"]] * 2, "line": {"color": colour, "dash": look.dash, "width": look.width},
                }
            )  # fmt: skip
        if not any(lines.values()):
            notes.append(note(page, 0.5, 0.42, text("figures.race_waiting", language), xref="paper", yref="paper"))
        return data, {
            "xaxis": axis(page, text(f"figures.race_axis_{kind}", language), range=[0, total], nticks=6),
            "yaxis": axis(page, text("figures.race_axis_validation", language), range=[0, top], nticks=6),
            "margin": {"l": 48, "r": room, "t": 14, "b": 44},
            "annotations": notes,
        }

    told = ends + [row for row in levels if row["model"] == LIMIT]
    said = text("figures.list_comma", language).join(f"{row['run']} {three(row['value'])}" for row in told)
    return Figure(
        frame=frame,
        title=text(f"figures.race_{kind}_title", language),
        alt=text(f"figures.race_{kind}_alt", language, scores=said) if told else text("figures.nothing_yet", language),
        draw=draw,
        height=HEIGHT,
        revision=f"race_{kind}",
    )


def _points(run: RunView, kind: str) -> list[dict[str, Any]]:
    """A run's validation scores with the place on the x axis."""
    learned = finite((run.last("prepared") or {}).get("targets")) or 0.0
    points: list[dict[str, Any]] = []
    for event in run.of("score"):
        done = finite(event.get("seconds")) or 0.0
        if kind == "targets":
            done = (finite(event.get("epoch")) or 0.0) / _epochs(run) * learned
        if _counts(run):  # it has one score, and no way to it
            done = math.nan
        points.append({"x": done, **interval((event.get("metrics") or {}).get(METRIC) or {})})
    return points


def _epochs(run: RunView) -> int:
    """How many epochs a run was to train."""
    return max(1, int(run.config.settings.get("epochs", 1))) if run.config is not None else 1


def _counts(run: RunView) -> bool:
    """Whether a run's model is counted, not trained."""
    card = model_cards().get(_model(run))
    return card is not None and not card.neural


def _line(page: Theme, line: list[dict[str, Any]], name: str, look: Style, language: str) -> list[Plot]:
    """The interval band and the curve; both are there from the start, so that Plotly.react reorders nothing."""
    colour = look.colour(page)
    banded = [row for row in line if row["low"] is not None and row["high"] is not None]
    x = [row["x"] for row in banded]
    return [
        {
            "type": "scatter", "mode": "lines", "hoverinfo": "skip", "fill": "toself", "line": {"width": 0},
            "x": x + x[::-1], "y": [row["high"] for row in banded] + [row["low"] for row in banded][::-1],
            "fillcolor": alpha(colour, 0.12),
        },
        {
            "type": "scatter", "mode": "lines+markers", "name": plotly_text(name),
            "x": [row["x"] for row in line], "y": [row["value"] for row in line],
            "line": {"color": colour, "width": look.width, "dash": look.dash}, "marker": {"size": 5, "color": colour},
            "customdata": [[three(row["low"]), three(row["high"])] for row in line],
            "hovertemplate": text(
                "figures.race_hover_line", language, run=plotly_text(name), measure=metric_name(METRIC)
            ),
        },
    ]  # fmt: skip


def _bar(page: Theme, row: Mapping[str, Any], place: int, colour: str, language: str) -> Plot:
    hollow = row["model"] == LIMIT  # a limit, not a model
    bar: Plot = {
        "type": "bar", "orientation": "h", "x": [row["value"] or 0.0], "y": [place], "width": 0.32,
        "name": plotly_text(row["run"]),
        "marker": {
            "color": alpha(colour, 0.16) if hollow else colour, "line": {"color": colour, "width": 1.5 * hollow}
        },
        "customdata": [[three(row["low"]), three(row["high"])]],
        "hovertemplate": text(
            "figures.hover_bar", language, name=plotly_text(row["run"]), measure=metric_name(METRIC)
        ),
    }  # fmt: skip
    if row["value"] is None:
        bar["hoverinfo"], bar["hovertemplate"] = "skip", None
    elif row["low"] is not None and row["high"] is not None:
        bar["error_x"] = {
            "type": "data", "symmetric": False, "array": [row["high"] - row["value"]],
            "arrayminus": [row["value"] - row["low"]], "color": page.ink, "thickness": 1.5, "width": 5,
        }  # fmt: skip
    return bar


def _cost_mark(row: Mapping[str, Any], x: float, colour: str, language: str) -> Plot:
    known = row["low"] is not None and row["high"] is not None
    costs = _costs(row, language)
    return {
        "type": "scatter", "mode": "markers", "name": plotly_text(row["run"]), "x": [x], "y": [row["value"]],
        "marker": {"size": 11, "color": colour},
        "error_y": {
            "type": "data", "symmetric": False, "array": [row["high"] - row["value"] if known else 0],
            "arrayminus": [row["value"] - row["low"] if known else 0], "color": colour, "thickness": 1.5, "width": 4,
        },
        "hovertemplate": text(
            "figures.race_hover_cost", language, run=plotly_text(row["run"]), value=three(row["value"]), **costs
        ),
    }  # fmt: skip


def _costs(row: Mapping[str, Any], language: str) -> dict[str, str]:
    """A row's costs as words."""
    flops = text("figures.race_no_flops", language) if math.isnan(row["flops"]) else f"{row['flops'] / 1e9:,.3g}"
    return {
        "seconds": f"{row['seconds']:.3g}",
        "parameters": f"{row['parameters']:,}",
        "flops": flops,
        "joules": f"{row['joules']:.3g}",
        "low": f"{row['joules_low']:.3g}",
        "high": f"{row['joules_high']:.3g}",
    }


def _standing(row: Mapping[str, Any], language: str, bold: bool = True) -> str:
    """A score with its interval, or how a run without one stands."""
    if row["value"] is None:
        return text(f"figures.race_state_{'ended' if row['state'] == 'finished' else row['state']}", language)
    inside = span(row["low"], row["high"])
    value = f"<b>{row['value']:.3f}</b>" if bold else f"{row['value']:.3f}"
    return value + (f" [{inside}]" if inside else "")


def _named(shown: Shown, language: str) -> list[tuple[RunView, str]]:
    """Runs with their names; a run without one has its model's."""
    names = list(shown.names) + [""] * len(shown.runs)
    return [(run, name or model_name(_model(run), language)) for run, name in zip(shown.runs, names, strict=False)]


def _model(run: RunView) -> str:
    """A run's model by name; "" where its configuration is not known."""
    return str(run.config.settings.get("model", "")) if run.config is not None else ""


def _looks(rows: list[dict[str, Any]]) -> list[Style]:
    """Each row's style: its model's colour, and a dash of its own where several runs share the model."""
    seen: dict[str, int] = {}
    looks = []
    for row in rows:
        look = style(row["model"]) if row["model"] else UNKNOWN
        number = seen.get(row["model"], 0)
        seen[row["model"]] = number + 1
        dash = look.dash if number == 0 else DASHES[number % len(DASHES)]
        looks.append(Style(look.light, look.dark, dash, look.width))
    return looks


def _limit(scores: Mapping[str, Any] | None, metric: str) -> dict[str, float | None] | None:
    """The history-only oracle's score in a result or a "references" event."""
    score = (((scores or {}).get("oracle") or {}).get("filtered") or {}).get(metric)
    return interval(score) if score and finite(score.get("value")) is not None else None


def _nothing(page: Theme, language: str) -> Plot:
    return note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper")
