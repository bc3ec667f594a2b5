"""Pictures of a cascade: its funnel, the price of variety, rankers side by side, and what each epoch adds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import (
    Figure,
    Plot,
    axis,
    bare_axis,
    dotted_lines,
    empty,
    moments_shown,
    note,
    plotly_text,
    three,
)
from course_lib.figures.palette import DEPARTMENTS, Mark, Theme, alpha
from course_lib.figures.shown import Shown
from course_lib.text import text

STAGES = ("retrieve", "rank", "rerank")
SCORES = dict(zip(STAGES, ("ndcg_retrieval@10", "ndcg@10", "ndcg_reranked@10"), strict=True))
LOST = dict(zip(STAGES, ("lost_retrieval", "lost_ranking", "lost_reranking"), strict=True))
MARKS = dict(zip(STAGES, (DEPARTMENTS[0], DEPARTMENTS[2], DEPARTMENTS[1]), strict=True))
DASHES = dict(zip(STAGES, ("solid", "dash", "dot"), strict=True))
METHODS = {"mmr": (DEPARTMENTS[0], "solid"), "dpp": (DEPARTMENTS[1], "dash")}
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}
LABELLED = (0.0, 0.1, 0.3, 0.5, 0.9)  # strengths with a label on a phone; on a wide page all have one


def funnel(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """How many products each stage takes and hands on, its time, the score so far and what the stage lost.

    Times and losses are of the finished run. Frame columns: stage, into, out, score, seconds, lost; empty cells where a
    stage has not begun.
    """
    title, columns = text("cascade.funnel_title", language), ["stage", "into", "out", "score", "seconds", "lost"]
    counts, told, measures = _state(shown)
    if not counts or not told:
        return empty(title, columns, language)
    rows = [
        (stage, into, out, told.get(SCORES[stage]), _value(measures, f"{stage}_seconds"), _value(measures, LOST[stage]))
        for stage, into, out in zip(STAGES, counts, counts[1:], strict=False)
    ]
    frame = pd.DataFrame(rows, columns=columns)
    widest = math.log10(max(counts[0], 11))

    def half(count: float) -> float:  # a tenth of the width is left to ten products, on a scale of tens
        return 0.1 + 0.4 * max(0.0, (math.log10(max(count, 10)) - 1) / (widest - 1))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        shapes: list[Plot] = []
        notes = []
        for at, row in enumerate(_rows(frame)):
            top, bottom = -at + 0.0, -at - 0.5
            wide, thin = half(row.into), half(row.out)
            path = f"M {0.5 - wide} {top} L {0.5 + wide} {top} L {0.5 + thin} {bottom} L {0.5 - thin} {bottom} Z"
            colour = MARKS[row.stage].colour(page)
            line = {"color": colour, "width": 2}
            shapes.append({"type": "path", "path": path, "fillcolor": alpha(colour, 0.25), "line": line})
            name = text(f"cascade.{row.stage}", language)
            words = f"<b>{name}</b><br>{row.into:,} → {row.out:,}"
            notes.append(note(page, 0.5, (top + bottom) / 2, words, align="center"))
            below = _line(row, language)
            notes.append(note(page, 0.5, bottom - 0.04, below, yanchor="top", font={"size": 12, "color": page.muted}))
        return [], {
            "xaxis": bare_axis(page, 0, 1),
            "yaxis": bare_axis(page, -2.85, 0.05),
            "shapes": shapes,
            "annotations": notes,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        }

    parts = [
        text(
            "cascade.funnel_stage", language, stage=text(f"cascade.{row.stage}", language), into=f"{row.into:,}",
            out=f"{row.out:,}", facts=_line(row, language),
        )
        for row in _rows(frame)
    ]  # fmt: skip
    alt = text("cascade.funnel_alt", language, stages=text("figures.list_comma", language).join(parts))
    return Figure(frame, title, alt, draw, height=420 if narrow else 400, revision="cascade-funnel")


def frontier(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 against different types in ten, for MMR and DPP, a point for each strength.

    Frame columns: method, strength, types, ndcg.
    """
    title, columns = text("cascade.frontier_title", language), ["method", "strength", "types", "ndcg"]
    result = next((run.result for run in shown.runs if (run.result or {}).get("frontier")), None) or {}
    rows = (shown.frame or {}).get("frontier") or result.get("frontier") or []
    if not rows:
        return empty(title, columns, language)
    frame = pd.DataFrame(rows)[columns]
    low, high = float(frame["types"].min()), float(frame["types"].max())
    room = max(0.12 * (high - low), 0.1)  # for the labels at both ends

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for method, (mark, dash) in METHODS.items():
            part = frame[frame["method"] == method]
            labels = [f"{one:.1f}" if not narrow or one in LABELLED else "" for one in part["strength"]]
            if method == "dpp" and len(labels):
                labels[0] = ""  # both begin at the ranker's own list
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers+text", "x": part["types"].tolist(),
                    "y": part["ndcg"].tolist(), "name": text(f"cascade.{method}", language), "text": labels,
                    "textposition": "top right" if method == "mmr" else "bottom left",
                    "textfont": {"size": 11, "color": mark.colour(page)},
                    "line": {"color": mark.colour(page), "width": 2, "dash": dash},
                    "marker": {"symbol": mark.symbol, "size": 8},
                    "customdata": part["strength"].tolist(),
                    "hovertemplate": "d = %{customdata:.1f}: %{x:.1f}, %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("cascade.axis_types", language), range=[low - room, high + room]),
            "yaxis": axis(page, "NDCG@10", tickformat=".2f", automargin=True),
            "margin": {"t": 76 if narrow else 54, "r": 24},
        }

    whole = frame[frame["strength"] == 0].iloc[0]
    half = {method: frame[frame["method"] == method].iloc[-1] for method in METHODS}
    alt = text(
        "cascade.frontier_alt", language, score=three(whole["ndcg"]), types=f"{whole['types']:.1f}",
        mmr=_point(half["mmr"]), dpp=_point(half["dpp"]),
    )  # fmt: skip
    return Figure(frame, title, alt, draw, height=380 if narrow else 360, revision="cascade-frontier")


def rankers(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 of each finished run as retrieved and as ranked, with intervals, and the best that its candidates allow.

    Frame columns: run, stage, value, low, high; the stage "best" has no interval and is there where there is a truth.
    """
    title, columns = text("cascade.rankers_title", language), ["run", "stage", "value", "low", "high"]
    frame = pd.DataFrame(_rows_of_runs(shown, language), columns=columns)
    if frame.empty:
        return empty(title, columns, language)
    names = list(dict.fromkeys(frame["run"]))

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for stage in ("retrieve", "rank", "best"):
            part = frame[frame["stage"] == stage]
            if part.empty:
                continue
            mark: Mark = MARKS.get(stage, DEPARTMENTS[11])
            trace: Plot = {
                "type": "bar", "orientation": "h", "name": text(f"cascade.after_{stage}", language),
                "y": [plotly_text(name) for name in part["run"]], "x": part["value"].tolist(),
                "marker": {"color": mark.colour(page)},
                "hovertemplate": "%{y}: %{x:.3f}<extra>%{fullData.name}</extra>",
            }  # fmt: skip
            if stage == "best":
                trace = {key: value for key, value in trace.items() if key != "orientation"} | {
                    "type": "scatter", "mode": "markers",
                    "marker": {"symbol": "line-ns-open", "size": 26, "color": page.ink, "line": {"width": 3}},
                }  # fmt: skip
            else:
                trace["error_x"] = {
                    "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                    "arrayminus": (part["value"] - part["low"]).tolist(), "color": page.ink, "thickness": 1.5,
                }  # fmt: skip
            data.append(trace)
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, "NDCG@10", tickformat=".1f", rangemode="tozero"),
            "yaxis": axis(page, autorange="reversed", automargin=True),
            "margin": {"t": 96 if narrow else 54},
        }

    told = text("figures.list_comma", language).join(
        f"{name}: " + " → ".join(three(value) for value in frame["value"][(frame["run"] == name) & (
            frame["stage"] != "best")])
        for name in names
    )  # fmt: skip
    alt = text("cascade.rankers_alt", language, runs=told)
    return Figure(frame, title, alt, draw, height=140 + 58 * len(names), revision="cascade-rankers")


def curve(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """Recall of the candidates and NDCG@10 after each stage by epoch: the retriever's epochs, then the ranker's.

    Frame columns: at, epoch, recall, retrieve, rank, rerank.
    """
    title, columns = text("cascade.curve_title", language), ["at", "epoch", "recall", *STAGES]
    told = [one for one in (shown.runs[0].of("frame") if shown.runs else ()) if "recall_candidates" in one]
    if not told:
        return empty(title, columns, language)
    rows = [
        (one["at"], one["epoch"], one["recall_candidates"], *(one.get(SCORES[stage]) for stage in STAGES))
        for one in told
    ]
    frame = pd.DataFrame(rows, columns=columns)
    now = moments_shown(frame, frame["epoch"], shown.at)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        drawn = [("recall", DEPARTMENTS[11], "dashdot"), *((one, MARKS[one], DASHES[one]) for one in STAGES)]
        data: list[Plot] = []
        for column, mark, dash in drawn:
            part = frame[frame[column].notna()]
            if part.empty:
                continue
            key = "recall" if column == "recall" else f"after_{column}"
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "x": part["epoch"].tolist(),
                    "y": part[column].tolist(), "name": text(f"cascade.{key}", language),
                    "line": {"color": mark.colour(page), "width": 2.5, "dash": dash}, "marker": {"symbol": mark.symbol},
                    "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("cascade.axis_epoch", language)),
            "yaxis": axis(page, text("cascade.axis_score", language), tickformat=".1f", rangemode="tozero"),
            "shapes": dotted_lines(page, now),
            "margin": {"t": 118 if narrow else 76},
        }

    last = frame.iloc[-1]
    after = next((last[stage] for stage in reversed(STAGES) if pd.notna(last[stage])), None)
    alt = text("cascade.curve_alt", language, recall=f"{last['recall']:.0%}", score=three(after))
    return Figure(frame, title, alt, draw, height=420 if narrow else 360, revision="cascade-curve")


def _state(shown: Shown) -> tuple[list[int], Mapping[str, Any], Mapping[str, Any]]:
    """Counts, the scores known by now, and the measures where the run is over and the slider at its end."""
    run = shown.runs[0] if shown.runs else None
    told = [one for one in (run.of("frame") if run is not None else ()) if "recall_candidates" in one]
    counts = (shown.frame or {}).get("counts") or ((run.result or {}).get("counts") if run is not None else None) or []
    if not told or run is None:
        return list(counts), {}, {}
    last = told[-1]
    now = next((one for one in told if one["at"] == shown.at), last)
    measures = (run.result or {}).get("measures", {}) if now is last else {}
    scores = {name: measures[name]["value"] for name in SCORES.values() if name in measures}
    return list(counts), scores or now, measures


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))


def _value(measures: Mapping[str, Any], name: str) -> float | None:
    return float(measures[name]["value"]) if name in measures else None


def _line(row: Any, language: str) -> str:
    """What is known of one stage, in words."""
    if row.score is None or pd.isna(row.score):
        return text("cascade.not_yet", language)
    parts = [f"NDCG@10 {row.score:.3f}"]
    if row.lost is not None and not pd.isna(row.lost):
        parts.append(text("cascade.lost", language, lost=f"{row.lost:.3f}"))
    if row.seconds is not None and not pd.isna(row.seconds):
        parts.append(f"{1000 * row.seconds:.2g} ms" if row.seconds < 0.1 else f"{1000 * row.seconds:,.0f} ms")
    return " · ".join(parts)


def _point(row: Any) -> str:
    return f"{three(row['ndcg'])} / {row['types']:.1f}"


def _rows_of_runs(shown: Shown, language: str) -> list[tuple[Any, ...]]:
    """Run, stage, value, low and high; a run without a name is called by its ranker."""
    rows: list[tuple[Any, ...]] = []
    names = [*shown.names, *[""] * len(shown.runs)]
    for number, (run, name) in enumerate(zip(shown.runs, names, strict=False), 1):
        found = (run.result or {}).get("measures", {})
        if SCORES["retrieve"] not in found:
            continue
        chosen = run.config.settings.get("ranker") if run.config is not None else None
        label = name or (text(f"setting.ranker_{chosen}", language) if chosen else str(number))
        if label in {row[0] for row in rows}:  # two rows of one name would be drawn as one
            label = f"{label} ({number})"
        for stage in ("retrieve", "rank"):
            rows.append((label, stage, *(found[SCORES[stage]][end] for end in ("value", "low", "high"))))
        if LOST["rank"] in found:
            best = found[SCORES["rank"]]["value"] + found[LOST["rank"]]["value"]
            rows.append((label, "best", best, best, best))
    return rows
