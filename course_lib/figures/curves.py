"""The two live curves of a run: NDCG@10 by epoch against what it should be compared with, and the loss by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import (
    Figure,
    Plot,
    axis,
    finite,
    metric_name,
    model_name,
    note,
    plotly_text,
    spread,
    three,
    whole_step,
)
from course_lib.figures.palette import BASELINES, ORACLES, Theme, alpha, style
from course_lib.runs.view import RunView
from course_lib.text import text

HEIGHT = 340
LABEL_GAP = 14  # pixels between two labels at the right end
LOSS_POINTS = 240  # a longer series is averaged down to at most this many points
TOP, BOTTOM = 14, 44  # margins of a curve, pixels


def _reference_rows(references: Mapping[str, Any] | None, metric: str) -> list[dict[str, Any]]:
    """Baselines and oracles that have this metric, as rows of the frame."""
    found = references or {}
    groups = [("baseline", name, (found.get("baselines") or {}).get(name)) for name in BASELINES]
    groups += [("oracle", f"oracle.{name}", (found.get("oracle") or {}).get(name)) for name in ORACLES]
    rows = []
    for kind, name, scores in groups:
        score = (scores or {}).get(metric)
        if score is not None and finite(score.get("value")) is not None:
            rows.append({"kind": kind, "series": name, "epoch": math.nan} | interval(score))
    return rows


def interval(score: Mapping[str, Any]) -> dict[str, float | None]:
    """A measure's value with the ends of its interval; None where a part is missing or no finite number."""
    return {part: finite(score.get(part)) for part in ("value", "low", "high")}


def model_of(run: RunView) -> str:
    """The model of a run."""
    return str(run.config.settings.get("model", "sasrec")) if run.config is not None else "sasrec"


def learning_curve(run: RunView, language: str, metric: str = "ndcg@10") -> Figure:
    """The model's metric by epoch with its interval band, against baselines and oracles.

    Drawn before the first epoch too: the axes and the references are there, the curve is still to come.

    Args:
        run: of the experiment next_item; read are its ``score`` events and its ``references``.
        language: "zh" or "en".
        metric: any key of the epochs' metrics.

    Frame columns: kind (run, baseline, oracle), series, epoch (NaN for references), value, low, high.
    """
    model = model_of(run)
    rows: list[dict[str, Any]] = [
        {"kind": "run", "series": model, "epoch": float(event["epoch"])} | interval(event["metrics"][metric])
        for event in run.of("score")
        if metric in (event.get("metrics") or {})
    ]
    epochs = [row for row in rows if row["value"] is not None]
    references = _reference_rows(run.last("references"), metric)
    frame = pd.DataFrame(rows + references, columns=["kind", "series", "epoch", "value", "low", "high"])
    name, measure = model_name(model, language), metric_name(metric)
    announced = float(run.config.settings.get("epochs", 0)) if run.config is not None else 0.0
    total = max(announced, *(row["epoch"] for row in rows), 1.0)
    top = 1.14 * max((row["high"] or row["value"] for row in epochs + references), default=0.35) or 1.0
    pixels = (HEIGHT - TOP - BOTTOM - 26) / top  # of one unit of the metric

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = [trace for row in references for trace in _reference_traces(page, row, total, language, measure)]
        data += _run_traces(page, epochs, model, language, measure)
        layout: Plot = {
            "xaxis": axis(
                page, text("figures.axis_epoch", language), range=[-0.02 * total, 1.03 * total], dtick=whole_step(total)
            ),
            "yaxis": axis(page, measure, range=[0, top], nticks=6, tickformat=".2~f", rangemode="tozero"),
            "margin": {"l": 48, "r": 84, "t": TOP, "b": BOTTOM},
            "annotations": _labels(page, references, epochs, model, total, pixels, language),
        }
        if not epochs:
            waiting = text("figures.learning_curve_waiting", language)
            layout["annotations"].append(note(page, 0.5, 0.42, waiting, xref="paper", yref="paper"))
        return data, layout

    return Figure(
        frame=frame,
        title=text("figures.learning_curve_title", language, model=name),
        alt=_learning_alt(epochs, references, name, measure, language),
        draw=draw,
        height=HEIGHT,
        revision=f"learning_curve {metric}",
    )


def _reference_traces(page: Theme, row: dict[str, Any], total: float, language: str, measure: str) -> list[Plot]:
    """A horizontal line, and at its right end the value with its interval as a whisker."""
    look, value = style(row["series"]), row["value"]
    colour, name = look.colour(page), model_name(row["series"], language)
    line = {"color": colour, "dash": look.dash, "width": look.width}
    end: Plot = {
        "type": "scatter", "mode": "markers", "name": name, "x": [total], "y": [value],
        "marker": {"color": colour, "size": 6},
        "customdata": [[three(row["low"]), three(row["high"])]],
        "hovertemplate": text("figures.hover_reference", language, name=name, measure=measure),
    }  # fmt: skip
    if row["low"] is not None and row["high"] is not None:
        end["error_y"] = {
            "type": "data", "symmetric": False, "array": [row["high"] - value], "arrayminus": [value - row["low"]],
            "color": colour, "thickness": 1.2, "width": 4,
        }  # fmt: skip
    return [
        {"type": "scatter", "mode": "lines", "x": [0, total], "y": [value, value], "line": line, "hoverinfo": "skip"},
        end,
    ]


def _run_traces(page: Theme, epochs: list[dict[str, Any]], model: str, language: str, measure: str) -> list[Plot]:
    """The interval band and the curve; both traces exist from the start so that Plotly.react never reorders them."""
    look = style(model)
    colour = look.colour(page)
    banded = [row for row in epochs if row["low"] is not None and row["high"] is not None]
    x = [row["epoch"] for row in banded]
    return [
        {
            "type": "scatter", "mode": "lines", "hoverinfo": "skip", "fill": "toself",
            "x": x + x[::-1], "y": [row["high"] for row in banded] + [row["low"] for row in banded][::-1],
            "fillcolor": alpha(colour, 0.22), "line": {"width": 0},
        },
        {
            "type": "scatter", "mode": "lines+markers", "name": model_name(model, language),
            "x": [row["epoch"] for row in epochs], "y": [row["value"] for row in epochs],
            "line": {"color": colour, "width": look.width, "dash": look.dash}, "marker": {"size": 6, "color": colour},
            "customdata": [[three(row["low"]), three(row["high"])] for row in epochs],
            "hovertemplate": text(
                "figures.hover_epoch", language, name=model_name(model, language), measure=measure
            ),
        },
    ]  # fmt: skip


def _labels(
    page: Theme,
    references: list[dict[str, Any]],
    epochs: list[dict[str, Any]],
    model: str,
    total: float,
    pixels: float,
    language: str,
) -> list[Plot]:
    """Direct labels: baselines at the right end, oracles on their lines at the left, the model at its last point."""
    notes = []
    ends = [row for row in references if row["kind"] == "baseline"]
    heights = [row["value"] * pixels for row in ends]
    for row, height, moved in zip(ends, heights, spread(heights, LABEL_GAP), strict=True):
        words = f"{plotly_text(model_name(row['series'], language))} {row['value']:.2f}"
        font = {"size": 11, "color": style(row["series"]).colour(page)}
        notes.append(note(page, 1, row["value"], words, xref="paper", xanchor="left", yshift=moved - height, font=font))
    oracles = sorted((row for row in references if row["kind"] == "oracle"), key=lambda row: float(row["value"]))
    crowded = len(oracles) == 2 and (oracles[1]["value"] - oracles[0]["value"]) * pixels < 18
    for place, row in enumerate(oracles):
        below = crowded and place == 0
        words = f"{plotly_text(model_name(row['series'], language))} {row['value']:.2f}"
        font = {"size": 11, "color": style(row["series"]).colour(page)}
        notes.append(note(page, 0, row["value"], words, xref="x", xanchor="left", yshift=-9 if below else 9, font=font))
    if epochs:
        last = epochs[-1]
        early = last["epoch"] < 0.75 * total  # room to the right of the curve
        words = f"<b>{plotly_text(model_name(model, language))} {last['value']:.2f}</b>"
        side: Plot = (
            {"xanchor": "left", "xshift": 8, "yshift": -11}
            if early
            else {"xanchor": "right", "xshift": -2, "yshift": -18}
        )
        font = {"size": 13, "color": style(model).colour(page)}
        side["bgcolor"] = alpha(page.background, 0.75)  # it may lie on a reference line
        notes.append(note(page, last["epoch"], last["value"], words, font=font, **side))
    return notes


def _learning_alt(
    epochs: list[dict[str, Any]], references: list[dict[str, Any]], name: str, measure: str, language: str
) -> str:
    if epochs:
        last = epochs[-1]
        head = text(
            "figures.learning_curve_alt", language, model=name, measure=measure, epoch=int(last["epoch"]),
            value=three(last["value"]), low=three(last["low"]), high=three(last["high"]),
        )  # fmt: skip
    else:
        head = text("figures.learning_curve_alt_empty", language, model=name, measure=measure)
    join = text("figures.list_comma", language)
    others = join.join(f"{model_name(row['series'], language)} {three(row['value'])}" for row in references)
    return head + (text("figures.learning_curve_alt_others", language, others=others) if others else "")


def thin_losses(steps: list[tuple[float, float]], points: int = LOSS_POINTS) -> list[dict[str, float]]:
    """Losses averaged over groups of a power of two, so that groups already drawn stay where they are.

    ``steps`` is (step, loss); the result has step (the group's last), loss (mean), low, high (extremes), events.
    """
    size = 1
    while len(steps) > size * points:
        size *= 2
    groups = [steps[i : i + size] for i in range(0, len(steps), size)]
    return [
        {
            "step": group[-1][0],
            "loss": sum(loss for _, loss in group) / len(group),
            "low": min(loss for _, loss in group),
            "high": max(loss for _, loss in group),
            "events": float(len(group)),
        }
        for group in groups
    ]


def loss_curve(run: RunView, language: str) -> Figure:
    """Training loss by step, with ln(V), the loss of guessing evenly among all V products.

    Frame columns: series (loss, guessing), step, loss (nats per target), low, high (extremes of the steps averaged
    into this point), events (how many were).
    """
    model = model_of(run)
    settings = run.config.settings if run.config is not None else {}
    seen = [(float(event["at"]), finite(event.get("loss"))) for event in run.of("step")]
    thinned = thin_losses([(step, loss) for step, loss in seen if loss is not None])
    items = (run.last("prepared") or {}).get("items") or 0
    # ln(V) is what guessing costs under a softmax over all products; other losses have other units.
    guess = math.log(items) if items > 1 and settings.get("loss", "softmax") in ("auto", "softmax") else None
    total = max(float(run.plan.get("step", 0)), thinned[-1]["step"] if thinned else 0.0, 1.0)
    rows: list[dict[str, Any]] = [{"series": "loss", **point} for point in thinned]
    if guess is not None:
        rows.append({"series": "guessing", "step": math.nan, "loss": guess})
    frame = pd.DataFrame(rows, columns=["series", "step", "loss", "low", "high", "events"])
    known = [point["loss"] for point in thinned] + ([guess] if guess is not None else [])
    # Half units, so that the axis moves rarely while the run is live.
    low, high = math.floor(2 * min(known, default=4) - 0.2) / 2, math.ceil(2 * max(known, default=8) + 0.4) / 2
    name = model_name(model, language)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        look = style(model)
        data: list[Plot] = [
            {
                "type": "scatter", "mode": "lines" if len(thinned) > 1 else "markers", "name": name,
                "x": [point["step"] for point in thinned], "y": [point["loss"] for point in thinned],
                "line": {"color": look.colour(page), "width": 2}, "marker": {"color": look.colour(page), "size": 6},
                "hovertemplate": text("figures.hover_loss", language, name=name),
            }
        ]  # fmt: skip
        notes = []
        if guess is not None:
            grey = style("popularity")
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": [0, total], "y": [guess, guess], "hoverinfo": "skip",
                    "line": {"color": grey.colour(page), "dash": "dash", "width": 2},
                }
            )  # fmt: skip
            words = text("figures.loss_guessing", language, value=f"{guess:.2f}", items=f"{items:,}")
            font = {"size": 11, "color": page.muted}
            notes.append(note(page, total, guess, words, xanchor="right", yshift=10, font=font))
        if not thinned:
            waiting = text("figures.loss_curve_waiting", language)
            notes.append(note(page, 0.5, 0.4, waiting, xref="paper", yref="paper"))
        return data, {
            "xaxis": axis(
                page,
                text("figures.axis_step", language),
                range=[0, 1.02 * total],
                dtick=whole_step(total),
                tickformat=",d",
            ),
            "yaxis": axis(page, text("figures.axis_loss", language), range=[low, high], nticks=6, tickformat=".1f"),
            "margin": {"l": 48, "r": 14, "t": TOP, "b": BOTTOM},
            "annotations": notes,
        }

    if thinned:
        first, last = thinned[0], thinned[-1]
        alt = text(
            "figures.loss_curve_alt", language, first=f"{first['loss']:.2f}", last=f"{last['loss']:.2f}",
            step=int(last["step"]),
        )  # fmt: skip
    else:
        alt = text("figures.loss_curve_alt_empty", language)
    if guess is not None:
        alt += text("figures.loss_curve_alt_guess", language, value=f"{guess:.2f}", items=f"{items:,}")
    title = text("figures.loss_curve_title", language)
    return Figure(frame, title, alt, draw, height=280, revision="loss_curve")
