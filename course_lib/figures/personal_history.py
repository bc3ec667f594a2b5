"""Pictures of a personal list: how many purchases it takes, what words add to a history, and to which wishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from course_lib.figures.base import Figure, Plot, axis, empty, model_name, plotly_text, three
from course_lib.figures.palette import DEPARTMENTS, Theme, style
from course_lib.figures.shown import Shown
from course_lib.text import text

CUTS = ["way", "known", "value", "low", "high"]
WISHES = ["truth", "weight", "value", "low", "high"]
KINDS = ["kind", "searches", "way", "value", "low", "high"]
TRUTHS = {"meant": ("solid", DEPARTMENTS[0]), "bought": ("dash", DEPARTMENTS[1]), "next": ("dot", DEPARTMENTS[2])}
WAYS = {"words": DEPARTMENTS[0], "history": DEPARTMENTS[2], "both": DEPARTMENTS[1]}
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}}


def by_length(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 by how many of the newest purchases the model is told, against one list for everyone and the last alone.

    Frame columns: way, known, value, low, high; popularity and Markov have one row each.
    """
    title = text("personal_history.length_title", language)
    frame = _frame(shown, "cuts", CUTS)
    if frame.empty:
        return empty(title, CUTS, language)
    own = frame[frame["way"] == "sasrec"]
    most = int(own["known"].max())

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for way in ("popularity", "markov"):
            part, look = frame[frame["way"] == way].iloc[0], style(way)
            data.append(
                {
                    "type": "scatter", "mode": "lines", "x": [int(part["known"]), most],
                    "y": [float(part["value"])] * 2,
                    "name": plotly_text(text(f"personal_history.{way}", language)),
                    "line": {"color": look.colour(page), "dash": look.dash, "width": look.width},
                    "hovertemplate": "%{y:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        line = _line(own["known"], own, model_name("sasrec", language), style("sasrec").colour(page), "solid", "circle")
        return [*data, line], {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("personal_history.axis_known", language), dtick=1 if not narrow else 2),
            "yaxis": axis(page, text("personal_history.axis_ndcg", language), rangemode="tozero", tickformat=".2f"),
            "margin": {"t": 104 if narrow else 58},
        }

    told = text("figures.list_comma", language).join(
        f"{int(known)}: {three(value)}" for known, value in zip(own["known"], own["value"], strict=True)
    )
    alone = {way: three(frame[frame["way"] == way]["value"].iloc[0]) for way in ("popularity", "markov")}
    alt = text("personal_history.length_alt", language, told=told, **alone)
    return Figure(frame, title, alt, draw, height=400 if narrow else 360, revision="personal-length")


def wishes(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """NDCG@10 by the weight of the words, a line for each answer to "was it right?". Frame columns: WISHES."""
    title = text("personal_history.wishes_title", language)
    frame = _frame(shown, "wishes", WISHES)
    if frame.empty:
        return empty(title, WISHES, language)
    chosen = shown.settings.get("words_weight")

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data = []
        for truth, (dash, mark) in TRUTHS.items():
            part = frame[frame["truth"] == truth]
            name = text(f"personal_history.truth_{truth}", language)
            data.append(_line(part["weight"], part, name, mark.colour(page), dash, mark.symbol))
        shapes = []
        if chosen is not None:
            line = {"color": page.muted, "dash": "dot", "width": 1.5}
            shapes = [{"type": "line", "x0": chosen, "x1": chosen, "y0": 0, "y1": 1, "yref": "paper", "line": line}]
        return data, {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("personal_history.axis_weight", language), tickformat=".1f"),
            "yaxis": axis(page, text("personal_history.axis_ndcg", language), range=[0, 1.02], tickformat=".1f"),
            "shapes": shapes,
            "margin": {"t": 104 if narrow else 58},
        }

    told = text("figures.list_comma", language).join(
        text(
            "personal_history.wishes_one", language, truth=text(f"personal_history.truth_{truth}", language),
            history=three(part["value"].iloc[0]), words=three(part["value"].iloc[-1]), best=three(part["value"].max()),
            weight=f"{part['weight'].iloc[int(part['value'].to_numpy().argmax())]:.1f}",
        )
        for truth, part in frame.groupby("truth", sort=False)
    )  # fmt: skip
    alt = text("personal_history.wishes_alt", language, told=told)
    return Figure(frame, title, alt, draw, height=400 if narrow else 360, revision="personal-wishes")


def kinds(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What the words ask for, found by words, by history and by both, by kind of query. Frame columns: KINDS."""
    title = text("personal_history.kinds_title", language)
    frame = _frame(shown, "kinds", KINDS)
    if frame.empty:
        return empty(title, KINDS, language)
    labels = {
        kind: plotly_text(f"{text(f'search_box.kind_{kind}', language)} ({count:,})")
        for kind, count in zip(frame["kind"], frame["searches"], strict=True)
    }

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for way, mark in WAYS.items():
            part = frame[frame["way"] == way]
            data.append(
                {
                    "type": "bar", "orientation": "h", "name": text(f"personal_history.way_{way}", language),
                    "y": [labels[kind] for kind in part["kind"]], "x": part["value"].tolist(),
                    "marker": {"color": mark.colour(page)},
                    "error_x": _ends(part, page.ink),
                    "hovertemplate": "%{y}: %{x:.3f}<extra>%{fullData.name}</extra>",
                }
            )  # fmt: skip
        return data, {
            "barmode": "group",
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis(page, text("personal_history.axis_ndcg", language), range=[0, 1.02], tickformat=".1f"),
            "yaxis": axis(page, autorange="reversed", automargin=True),
            "margin": {"t": 84 if narrow else 58},
        }

    told = text("figures.list_comma", language).join(
        f"{labels[kind]}: " + " / ".join(three(value) for value in part["value"])
        for kind, part in frame.groupby("kind", sort=False)
    )
    alt = text("personal_history.kinds_alt", language, told=told)
    return Figure(frame, title, alt, draw, height=130 + 58 * len(labels), revision="personal-kinds")


def _frame(shown: Shown, name: str, columns: list[str]) -> pd.DataFrame:
    """Rows of the frame on show, or of the first finished run."""
    told: list[Mapping[str, Any]] = (shown.frame or {}).get(name) or next(
        (run.result[name] for run in shown.runs if run.result and run.result.get(name)), []
    )
    return pd.DataFrame([[one[column] for column in columns] for one in told], columns=columns)


def _line(x: pd.Series, part: pd.DataFrame, name: str, colour: str, dash: str, symbol: str) -> Plot:
    return {
        "type": "scatter", "mode": "lines+markers", "name": plotly_text(name), "x": x.tolist(),
        "y": part["value"].tolist(), "error_y": _ends(part, colour),
        "line": {"color": colour, "width": 2.5, "dash": dash},
        "marker": {"symbol": symbol, "size": 8, "color": colour},
        "hovertemplate": "%{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
    }  # fmt: skip


def _ends(part: pd.DataFrame, colour: str) -> Plot:
    return {
        "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
        "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1.2, "width": 3,
    }  # fmt: skip
