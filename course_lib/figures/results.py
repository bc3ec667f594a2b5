"""Where a finished run stands: the model between the baselines below and the best possible above, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, finite, metric_name, model_name, note, plotly_text, span, three
from course_lib.figures.palette import BASELINES, ORACLES, Theme, alpha, style
from course_lib.text import text

ROW = 42  # pixels of one bar with its label


def result_bars(result: Mapping[str, Any], model: str, language: str, metric: str = "ndcg@10") -> Figure:
    """One bar a model, weakest kind first: baselines, the run's model, the oracles; whiskers are 95% intervals.

    Args:
        result: the content of ``result.json``; parts that are missing are left out.
        model: whose result it is.
        language: "zh" or "en".
        metric: any key of ``result["metrics"]``.

    Frame columns: kind (baseline, run, oracle), series, metric, value, low, high, share (of the filtered oracle, else
    of the known one; NaN without an oracle).
    """
    groups = [("baseline", name, (result.get("baselines") or {}).get(name)) for name in BASELINES]
    groups.append(("run", model, result.get("metrics")))
    groups += [("oracle", f"oracle.{name}", (result.get("oracle") or {}).get(name)) for name in ORACLES]
    rows: list[dict[str, Any]] = []
    for kind, name, scores in groups:
        score = (scores or {}).get(metric) or {}
        value = finite(score.get("value"))
        if value is not None:
            low, high = finite(score.get("low")), finite(score.get("high"))
            rows.append({"kind": kind, "series": name, "metric": metric, "value": value, "low": low, "high": high})
    best = next((row["value"] for row in rows if row["kind"] == "oracle" and row["value"] > 0), None)
    for row in rows:
        row["share"] = row["value"] / best if best else None
    frame = pd.DataFrame(rows, columns=["kind", "series", "metric", "value", "low", "high", "share"])
    measure = metric_name(metric)
    top = 1.05 * max((row["high"] or row["value"] for row in rows), default=1.0) or 1.0

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        places = list(range(len(rows)))[::-1]
        data = [score_bar(page, row, place, language, measure) for row, place in zip(rows, places, strict=True)]
        notes = []
        for row, place in zip(rows, places, strict=True):
            name = plotly_text(model_name(row["series"], language))
            inside = span(row["low"], row["high"])
            words = f"{name} <b>{row['value']:.3f}</b>" + (f" [{inside}]" if inside else "")
            colour = {"size": 12, "color": style(row["series"]).colour(page)}
            notes.append(note(page, 0, place, words, xanchor="left", yshift=17, font=colour))
        if not rows:
            notes.append(note(page, 0.5, 0.5, text("figures.nothing_yet", language), xref="paper", yref="paper"))
        return data, {
            "xaxis": axis(page, measure, range=[0, top], nticks=6, fixedrange=True, rangemode="tozero"),
            "yaxis": axis(page, range=[-0.45, len(rows) - 0.3], showticklabels=False, showgrid=False, fixedrange=True),
            "margin": {"l": 8, "r": 12, "t": 8, "b": 44},
            "annotations": notes,
            "bargap": 0,
            "dragmode": False,
        }

    join = text("figures.list_comma", language)
    scores = join.join(
        f"{model_name(row['series'], language)} {three(row['value'])}"
        + (f" [{span(row['low'], row['high'])}]" if span(row["low"], row["high"]) else "")
        for row in rows
    )
    alt = text("figures.result_bars_alt", language, measure=measure, scores=scores)
    return Figure(
        frame=frame,
        title=text("figures.result_bars_title", language, model=model_name(model, language)),
        alt=alt if rows else text("figures.nothing_yet", language),
        draw=draw,
        height=ROW * max(len(rows), 2) + 90,
        revision=f"result_bars {metric}",
    )


def score_bar(page: Theme, row: Mapping[str, Any], place: int, language: str, measure: str) -> Plot:
    """A model's score with its interval: ``row`` has series, kind ("oracle" is hollow), value, low and high."""
    look = style(row["series"])
    colour = look.colour(page)
    hollow = row["kind"] == "oracle"  # nobody reaches an oracle's bar by training: it is a limit, not a model
    bar: Plot = {
        "type": "bar", "orientation": "h", "x": [row["value"]], "y": [place], "width": 0.34,
        "name": model_name(row["series"], language),
        "marker": {
            "color": alpha(colour, 0.16) if hollow else colour,
            "line": {"color": colour, "width": 1.5 if hollow else 0},
        },
        "customdata": [[three(row["low"]), three(row["high"])]],
        "hovertemplate": text(
            "figures.hover_bar", language, name=model_name(row["series"], language), measure=measure
        ),
    }  # fmt: skip
    if row["low"] is not None and row["high"] is not None:
        bar["error_x"] = {
            "type": "data", "symmetric": False, "array": [row["high"] - row["value"]],
            "arrayminus": [row["value"] - row["low"]], "color": page.ink, "thickness": 1.5, "width": 5,
        }  # fmt: skip
    return bar
