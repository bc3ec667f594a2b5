"""Scaling curves of a list of next-item runs: points drop onto log-log paper, a law is drawn through them and on.

The law is fitted to the smallest runs alone (``FIRST`` in evaluation/scaling.py), so all larger ones are a test of it.
Runs may be in any state; a run counts when it has a test loss.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from course_lib.errors import CourseError
from course_lib.evaluation.scaling import FIRST, PowerLaw, fit_power_law
from course_lib.figures.base import Figure, Plot, axis, finite, model_name, note, plotly_text
from course_lib.figures.palette import Theme, alpha, style
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.text import text

HEIGHT = 400
CURVE = 60  # points of a drawn law
LIMIT = "oracle.filtered"
SPACE = 0.12  # of the paper left free on each side, in powers of ten


def size(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Test loss against parameters, the law of the smallest runs carried on, and the oracle's loss as the floor.

    Frame columns: kind (run, law, straight, floor), run (its name), x (parameters or, in :func:`data`, targets), loss
    (nats), low, high (the run's interval, or the law's for one more run), expected (the law's loss at a run that took
    no part in the fit), outside (whether the run lies outside the law's interval).
    """
    return _paper(shown, language, "size")


def data(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """As :func:`size`, against how many different purchases each run learned from."""
    return _paper(shown, language, "data")


def law_of(kind: str, shown: Shown) -> tuple[PowerLaw | None, float | None]:
    """The law of the smallest runs that have ended, and its floor: the oracle's loss, 0 where there is none.

    ``kind`` is "size" or "data". The law is None while there are too few runs, or where none can be fitted.
    """
    points = _points(shown, kind, "en")
    floor = _floor(shown)
    first = points[:FIRST]
    if len(first) < FIRST:
        return None, floor
    try:
        return fit_power_law([row["x"] for row in first], [row["loss"] for row in first], floor or 0.0), floor
    except CourseError:
        return None, floor


def _paper(shown: Shown, language: str, kind: str) -> Figure:
    points = _points(shown, kind, language)
    law, floor = law_of(kind, shown)
    straight = _straight(points)
    for number, row in enumerate(points):
        if law is not None and number >= FIRST:
            verdict = law.judge(row["x"], row["loss"])
            row |= {"expected": verdict.expected.value, "outside": verdict.outside}
    most = max((row["x"] for row in points), default=math.nan)
    least = min((row["x"] for row in points), default=math.nan)
    planned = [x for run in shown.runs if (x := _x(run, kind)) is not None]  # a live run tells its size before its loss
    right, left = max([*planned, most], default=math.nan), min([*planned, least], default=math.nan)
    rows: list[dict[str, Any]] = list(points)
    reach: list[float] = []
    if law is not None:
        reach = [float(x) for x in np.geomspace(left, right * 1.15, CURVE)]
        for x in reach:
            expected = law.predict(x)
            rows.append({"kind": "law", "x": x, "loss": expected.value, "low": expected.low, "high": expected.high})
    if law is not None and straight is not None:
        rows += [{"kind": "straight", "x": x, "loss": straight.predict(x).value} for x in (reach[0], reach[-1])]
    if floor is not None:
        rows.append({"kind": "floor", "run": model_name(LIMIT, language), "x": math.nan, "loss": floor})
    columns = ["kind", "run", "x", "loss", "low", "high", "expected", "outside"]
    frame = pd.DataFrame(rows, columns=columns)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        traces = [*_law_traces(page, rows, language), _marks(page, points, language)]
        notes = []
        if points:
            low, high = _ends([left, right])
            bottom, top = _ends([row["loss"] for row in rows], 0.02)
        else:
            low, high, bottom, top = 4.0, 6.0, 0.5, 0.8
            notes.append(note(page, 0.5, 0.5, text("figures.scaling_waiting", language), xref="paper", yref="paper"))
        if floor is not None:
            look = style(LIMIT)
            colour = look.colour(page)
            traces.append(
                {
                    "type": "scatter", "mode": "lines", "x": [10**low, 10**high], "y": [floor, floor],
                    "line": {"color": colour, "dash": look.dash, "width": look.width}, "hoverinfo": "skip",
                }
            )  # fmt: skip
            words = text("figures.scaling_floor", language, loss=f"{floor:.2f}")
            font = {"size": 11, "color": colour}
            notes.append(note(page, low, math.log10(floor), words, xanchor="left", yshift=10, font=font))
        return traces, {
            "xaxis": axis(
                page,
                text(f"figures.scaling_axis_{kind}", language),
                type="log",
                range=[low, high],
                dtick="D2",
                tickformat=".2~s",
            ),
            "yaxis": axis(
                page,
                text("figures.scaling_axis_loss", language),
                type="log",
                range=[bottom, top],
                tickvals=[3, 3.5, 4, 4.5, 5, 6, 7, 8],
            ),
            "annotations": notes + _point_notes(page, points, language),
        }

    return Figure(
        frame=frame,
        title=text(f"figures.scaling_{kind}_title", language),
        alt=_alt(points, law, floor, kind, language),
        draw=draw,
        height=HEIGHT,
        revision=f"scaling_{kind}",
    )


def _points(shown: Shown, kind: str, language: str) -> list[dict[str, Any]]:
    """Rows of the frame for the runs that have a loss, smallest first."""
    rows = []
    names = list(shown.names) + [""] * len(shown.runs)
    for run, name in zip(shown.runs, names, strict=False):
        x, measures = _x(run, kind), (run.result or {}).get("measures") or {}
        score = measures.get("loss") or {}
        loss = finite(score.get("value"))
        if x is None or loss is None or loss <= 0:
            continue
        low, high = finite(score.get("low")), finite(score.get("high"))
        rows.append({"kind": "run", "run": name or f"{x:,.0f}", "x": x, "loss": loss, "low": low, "high": high})
    return sorted(rows, key=lambda row: float(row["x"]))


def _x(run: RunView, kind: str) -> float | None:
    """A run's place on the paper: its parameters, or the targets of one epoch; None until it has said so."""
    prepared = run.last("prepared") or {}
    found = finite(prepared.get("parameters" if kind == "size" else "targets"))
    if kind == "data" and found is not None and run.config is not None:
        found /= max(1, int(run.config.settings.get("epochs", 1)))
    return found if found is not None and found > 0 else None


def _floor(shown: Shown) -> float | None:
    """The loss of the oracle that knows the rules but sees the history alone, as the first run that has it says."""
    for run in shown.runs:
        losses = (run.result or {}).get("oracle_loss") or {}
        value = finite((losses.get("filtered") or {}).get("value"))
        if value is not None:
            return value
    return None


def _straight(points: list[dict[str, Any]]) -> PowerLaw | None:
    """The same runs' law without a floor, a straight line on this paper."""
    first = points[:FIRST]
    if len(first) < FIRST:
        return None
    try:
        return fit_power_law([row["x"] for row in first], [row["loss"] for row in first], 0.0)
    except CourseError:
        return None


def _law_traces(page: Theme, rows: list[dict[str, Any]], language: str) -> list[Plot]:
    """Band, law and straight law; all three are there from the start, so that Plotly.react reorders nothing."""
    law = [row for row in rows if row["kind"] == "law"]
    straight = [row for row in rows if row["kind"] == "straight"]
    x = [row["x"] for row in law]
    return [
        {
            "type": "scatter", "mode": "lines", "fill": "toself", "hoverinfo": "skip", "line": {"width": 0},
            "x": x + x[::-1], "y": [row["high"] for row in law] + [row["low"] for row in law][::-1],
            "fillcolor": alpha(page.muted, 0.16),
        },
        {
            "type": "scatter", "mode": "lines", "x": x, "y": [row["loss"] for row in law],
            "line": {"color": page.muted, "width": 2}, "name": text("figures.scaling_law", language),
            "hovertemplate": text("figures.scaling_hover_law", language),
        },
        {
            "type": "scatter", "mode": "lines", "x": [row["x"] for row in straight],
            "y": [row["loss"] for row in straight], "line": {"color": page.muted, "width": 1, "dash": "dot"},
            "name": text("figures.scaling_straight", language), "hoverinfo": "name",
        },
    ]  # fmt: skip


def _marks(page: Theme, points: list[dict[str, Any]], language: str) -> Plot:
    """The runs: filled where the law was fitted to them, accented and square where they test it."""
    look = style("sasrec").colour(page)
    test = [number >= FIRST for number in range(len(points))]
    return {
        "type": "scatter", "mode": "markers", "x": [row["x"] for row in points], "y": [row["loss"] for row in points],
        "marker": {
            "size": 11, "color": [page.accent if one else look for one in test],
            "symbol": ["square" if one else "circle" for one in test],
        },
        "error_y": {
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 4, "color": page.muted,
            "array": [(row["high"] or row["loss"]) - row["loss"] for row in points],
            "arrayminus": [row["loss"] - (row["low"] or row["loss"]) for row in points],
        },
        "text": [plotly_text(row["run"]) for row in points],
        "hovertemplate": text("figures.scaling_hover_run", language),
    }  # fmt: skip


def _point_notes(page: Theme, points: list[dict[str, Any]], language: str) -> list[Plot]:
    """At the largest run that tests the law: what the law expected of it."""
    tested = [row for row in points if row.get("expected") is not None]
    if not tested:
        return []
    last = tested[-1]
    words = text(
        "figures.scaling_outside" if last["outside"] else "figures.scaling_inside", language,
        loss=f"{last['loss']:.2f}", expected=f"{last['expected']:.2f}",
    )  # fmt: skip
    font = {"size": 12, "color": page.accent}
    place = {"xanchor": "right", "yshift": 18 if last["loss"] > last["expected"] else -18, "font": font}
    return [note(page, math.log10(last["x"]), math.log10(last["loss"]), words, **place)]


def _ends(values: list[float], space: float = SPACE) -> tuple[float, float]:
    """The paper's ends in powers of ten, with some space."""
    logs = [math.log10(value) for value in values if math.isfinite(value) and value > 0]
    return min(logs) - space, max(logs) + space


def _alt(points: list[dict[str, Any]], law: PowerLaw | None, floor: float | None, kind: str, language: str) -> str:
    if not points:
        return text("figures.scaling_waiting", language)
    join = text("figures.list_comma", language)
    said = text(
        f"figures.scaling_{kind}_alt",
        language,
        points=join.join(f"{row['x']:,.0f}: {row['loss']:.2f}" for row in points),
    )
    if floor is not None:
        said += text("figures.scaling_alt_floor", language, loss=f"{floor:.2f}")
    if law is not None:
        exponent = law.exponent
        said += text(
            "figures.scaling_alt_law", language, count=FIRST, exponent=f"{exponent.value:.2f}",
            low=f"{exponent.low:.2f}", high=f"{exponent.high:.2f}", r2=f"{law.r2:.3f}",
        )  # fmt: skip
        outside = [f"{row['x']:,.0f}" for row in points if row.get("outside")]
        if outside:
            said += text("figures.scaling_alt_outside", language, sizes=join.join(outside))
    return said
