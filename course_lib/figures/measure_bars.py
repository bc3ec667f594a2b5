"""What finished runs reached, side by side: a group of bars a run, a colour a measure, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from course_lib.figures.base import Plot, axis, plotly_text, three
from course_lib.figures.palette import Mark, Theme
from course_lib.figures.shown import Shown
from course_lib.text import text

COLUMNS = ["run", "measure", "value", "low", "high"]


def measure_rows(measures: Mapping[str, Mark], shown: Shown, setting: str, needed: str, language: str) -> pd.DataFrame:
    """A row a finished run and measure, with COLUMNS; empty where no run has a result with the measure ``needed``.

    A run without a name is called by its choice of ``setting``.
    """
    rows = []
    names = [*shown.names, *[""] * len(shown.runs)]
    for number, (run, name) in enumerate(zip(shown.runs, names, strict=False), 1):
        found = (run.result or {}).get("measures", {})
        if needed not in found:
            continue
        chosen = run.config.settings.get(setting) if run.config is not None else None
        label = name or (text(f"setting.{setting}_{chosen}", language) if chosen else str(number))
        for measure in (one for one in measures if one in found):
            rows.append((label, measure, *(found[measure][end] for end in ("value", "low", "high"))))
    return pd.DataFrame(rows, columns=COLUMNS)


def measure_bars(
    frame: pd.DataFrame,
    measures: Mapping[str, Mark],
    names: Mapping[str, str],
    title: str,
    top: int,
    score: bool = False,
) -> Callable[[Theme], tuple[list[Plot], Plot]]:
    """Draws the rows of :func:`measure_rows`; measures without a row are left out.

    Args:
        frame: as :func:`measure_rows` gives it.
        measures: in the legend's order, each with its mark.
        names: the measures' names in the reader's language.
        title: of the axis.
        top: pixels above the picture, where the legend stands.
        score: three decimals from 0 on; else shares in percent, up to all.
    """
    scale: Plot = {"rangemode": "tozero"} if score else {"tickformat": ".0%", "range": [0, 1.02]}

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for measure, mark in measures.items():
            part = frame[frame["measure"] == measure]
            if part.empty:
                continue
            data.append(
                {
                    "type": "bar", "orientation": "h", "name": names[measure],
                    "y": [plotly_text(name) for name in part["run"]], "x": part["value"].tolist(),
                    "marker": {"color": mark.colour(page)},
                    "error_x": {
                        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
                        "arrayminus": (part["value"] - part["low"]).tolist(), "color": page.ink, "thickness": 1.5,
                    },
                    "hovertemplate": f"%{{y}}: %{{x:{'.3f' if score else '.1%'}}}<extra>%{{fullData.name}}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "xaxis": axis(page, title, **scale),
            "yaxis": axis(page, autorange="reversed", automargin=True),
            "margin": {"t": top},
        }

    return draw


def in_words(frame: pd.DataFrame, language: str, score: bool = False) -> str:
    """``A: 10% / 20%, B: 30% / 40%``, for a listener."""
    return text("figures.list_comma", language).join(
        f"{name}: " + " / ".join((three(value) if score else f"{value:.0%}") for value in part["value"])
        for name, part in frame.groupby("run", sort=False)
    )
