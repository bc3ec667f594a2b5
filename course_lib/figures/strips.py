"""Small multiples of measures: a strip a measure with an axis of its own, a mark a run, and which side is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from course_lib.figures.base import Plot, axis, model_name, note, plotly_text, three
from course_lib.figures.palette import DEPARTMENTS, MODELS, Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

COLUMNS = ["run", "model", "measure", "value", "low", "high"]
HEIGHT = 62  # pixels of a strip with its axis
SYMBOLS = tuple(mark.symbol for mark in DEPARTMENTS)


@dataclass(frozen=True)
class Strip:
    """One measure: what it is called, and which way it is better, if any."""

    measure: str
    name: str
    better: str  # "up", "down" or "" where neither is


def strip_rows(measures: Sequence[str], shown: Shown, needed: str, language: str) -> pd.DataFrame:
    """A row a finished run and measure, with COLUMNS; empty where no run has the measure ``needed``.

    A run without a name is called by its model; a name that occurs twice gets its number.
    """
    rows: list[tuple[Any, ...]] = []
    names = [*shown.names, *[""] * len(shown.runs)]
    used: set[str] = set()
    for number, (run, name) in enumerate(zip(shown.runs, names, strict=False), 1):
        found = (run.result or {}).get("measures", {})
        if needed not in found:
            continue
        model = str(run.config.settings.get("model", "")) if run.config is not None else ""
        label = name or (model_name(model, language) if model else str(number))
        label = label if label not in used else f"{label} ({number})"
        used.add(label)
        for measure in (one for one in measures if one in found):
            rows.append((label, model, measure, *(found[measure][end] for end in ("value", "low", "high"))))
    return pd.DataFrame(rows, columns=COLUMNS)


def strips(
    frame: pd.DataFrame, kinds: Sequence[Strip], language: str, top: int
) -> Callable[[Theme], tuple[list[Plot], Plot]]:
    """Draws the rows of :func:`strip_rows`, measures without a row left out; ``top``: pixels above, for the legend."""
    there = [one for one in kinds if (frame["measure"] == one.measure).any()]
    runs = list(dict.fromkeys(frame["run"]))
    marks = {run: _mark(frame, run, number) for number, run in enumerate(runs)}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        layout: Plot = {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "margin": {"l": 12, "r": 16, "t": top, "b": 24},
            "annotations": [],
        }
        for number, strip in enumerate(there):
            end = "" if number == 0 else str(number + 1)
            high = 1 - number / len(there)
            low = high - 0.5 / len(there)
            part = frame[frame["measure"] == strip.measure].set_index("run")
            for run in runs:
                if run in part.index:
                    data.append(_dot(part.loc[run], run, marks[run], end, page, first=number == 0))
            layout[f"xaxis{end}"] = axis(page, anchor=f"y{end}", nticks=5, range=_range(part))
            layout[f"yaxis{end}"] = axis(
                page, domain=[max(low, 0.0), high - 0.2 / len(there)], range=[-1, 1], showticklabels=False,
                showgrid=False, fixedrange=True, anchor=f"x{end}",
            )  # fmt: skip
            words = f"<b>{plotly_text(strip.name)}</b>  {text('strips.' + (strip.better or 'neither'), language)}"
            place: Plot = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top"}
            layout["annotations"].append(note(page, 0, high, words, **place))
        return data, layout

    return draw


def strips_height(frame: pd.DataFrame, top: int) -> int:
    """Pixels of the whole picture."""
    return top + 50 + HEIGHT * max(frame["measure"].nunique(), 1)


def in_words(frame: pd.DataFrame, names: Mapping[str, str], language: str) -> str:
    """``NDCG@10: A 0.4, B 0.3; Coverage: ...``, for a listener."""
    comma = text("figures.list_comma", language)
    return "; ".join(
        f"{names[str(measure)]}: "
        + comma.join(f"{run} {three(value)}" for run, value in zip(part["run"], part["value"], strict=True))
        for measure, part in frame.groupby("measure", sort=False)
    )


def _mark(frame: pd.DataFrame, run: str, number: int) -> Mark:
    """The run's model's colour where it has one, and a symbol of its own."""
    style = MODELS.get(frame.loc[frame["run"] == run, "model"].iloc[0])
    own = DEPARTMENTS[number % len(DEPARTMENTS)]
    shared = (frame.drop_duplicates("run")["model"].value_counts() > 1).to_dict()
    if style is None or shared.get(frame.loc[frame["run"] == run, "model"].iloc[0]):
        return own  # runs of one model are told apart by colour too
    return Mark(style.light, style.dark, own.symbol)


def _dot(row: pd.Series[Any], run: str, mark: Mark, end: str, page: Theme, first: bool) -> Plot:
    return {
        "type": "scatter", "mode": "markers", "x": [row["value"]], "y": [0], "xaxis": f"x{end}", "yaxis": f"y{end}",
        "name": plotly_text(run), "legendgroup": run, "showlegend": first,
        "marker": {"symbol": mark.symbol, "size": 11, "color": mark.colour(page), "opacity": 0.9},
        "error_x": {
            "type": "data", "symmetric": False, "array": [row["high"] - row["value"]],
            "arrayminus": [row["value"] - row["low"]], "color": mark.colour(page), "thickness": 1.5, "width": 4,
        },
        "hovertemplate": "%{x:.3f}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def _range(part: pd.DataFrame) -> list[float]:
    low, high = float(part["low"].min()), float(part["high"].max())
    room = 0.06 * (high - low) or 0.05 * max(abs(high), 0.1)
    return [low - room, high + room]
