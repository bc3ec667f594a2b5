"""The board of a class: everybody's run of one lab as a point, its size against what it reached, one's own marked."""

from __future__ import annotations

import math

import pandas as pd

from course_lib.course.class_board import Board, Point
from course_lib.course.measures import unit_of
from course_lib.figures.base import Figure, Plot, axis, empty, model_name, plotly_text
from course_lib.figures.names import choice_name, in_unit, measure_name, setting_name
from course_lib.figures.palette import MODELS, Theme
from course_lib.text import text

HEIGHT = 380
COLUMNS = ["run", "x", "value", "low", "high", "own", "people", "model"]
MOST_SETTINGS = 6  # named beside a point


def class_board(board: Board, own: str, language: str, narrow: bool = False) -> Figure:
    """Parameters against the lab's first measure, each run with its interval; ``own`` is the learner, or "".

    Runs of what has no parameters stand in the order of their start. Frame columns: run, x, value, low, high, own,
    people, model.
    """
    title = text("classroom.board_title", language, measure=measure_name(board.measure, language))
    if not board.points:
        return empty(title, COLUMNS, language)
    sized = [point for point in board.points if point.parameters]
    rows = [
        (
            point.run_id,
            float(point.parameters or 1) if sized else float(number),
            point.score.value,
            point.score.low,
            point.score.high,
            own in point.learners,
            len(point.learners),
            str(point.settings.get("model", "")),
        )
        for number, point in enumerate(board.points, 1)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    hovers = [_hover(point, board, language) for point in board.points]
    share = unit_of(board.measure) == "share"

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        data: list[Plot] = []
        for mine in (False, True):  # one's own on top
            for model in dict.fromkeys(frame["model"]):
                part = frame[(frame["own"] == mine) & (frame["model"] == model)]
                if not part.empty:
                    data.append(_dots(page, part, [hovers[place] for place in part.index], mine, model, language))
        values = [*frame["low"], *frame["high"]]
        room = 0.08 * (max(values) - min(values)) or 0.05
        size: Plot = {"type": "log", "range": _powers(frame["x"]), "dtick": 1, "tickformat": ".2~s"}
        order: Plot = {"range": [0, len(rows) + 1], "dtick": max(1, len(rows) // 8)}
        reached: Plot = {"range": [min(values) - room, max(values) + room], "tickformat": ".0%" if share else ".2~f"}
        return data, {
            "xaxis": axis(page, text("classroom.board_size" if sized else "classroom.board_order", language))
            | (size if sized else order),
            "yaxis": axis(page, measure_name(board.measure, language)) | reached,
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
            "margin": {"l": 56, "t": 44},
        }

    best = max(board.points, key=lambda point: point.score.value)
    mine = [point.score.value for point in board.points if own in point.learners]
    alt = text(
        "classroom.board_alt",
        language,
        runs=len(rows),
        measure=measure_name(board.measure, language),
        best=in_unit(best.score.value, unit_of(board.measure)),
        own=in_unit(max(mine), unit_of(board.measure)) if mine else "–",
    )
    return Figure(frame, title, alt, draw, height=HEIGHT, revision=f"board {board.measure}")


def _dots(page: Theme, part: pd.DataFrame, hovers: list[str], own: bool, model: str, language: str) -> Plot:
    """The points of one model; one's own are larger diamonds with an outline."""
    known = MODELS.get(model)
    colour = page.ink if known is None else known.colour(page)
    name = model_name(model, language) if model else text("classroom.board_class", language)
    if own:
        yours = text("classroom.board_own", language)
        name = f"{name} · {yours}" if model else yours
    return {
        "type": "scatter", "mode": "markers", "x": part["x"].tolist(), "y": part["value"].tolist(),
        "name": plotly_text(name), "hovertext": hovers, "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {
            "size": 15 if own else 9, "symbol": "diamond" if own else "circle", "color": colour,
            "line": {"color": page.ink, "width": 2 if own else 0}, "opacity": 1.0 if own else 0.75,
        },
        "error_y": {
            "type": "data", "symmetric": False, "array": (part["high"] - part["value"]).tolist(),
            "arrayminus": (part["value"] - part["low"]).tolist(), "color": colour, "thickness": 1, "width": 3,
        },
    }  # fmt: skip


def _hover(point: Point, board: Board, language: str) -> str:
    """What the run reached, and the settings in which the class's runs differ."""
    unit = unit_of(board.measure)
    lines = [f"<b>{plotly_text(measure_name(board.measure, language))} {in_unit(point.score.value, unit)}</b>"]
    if point.parameters:
        lines.append(text("classroom.board_parameters", language, parameters=f"{point.parameters:,.0f}"))
    told = [name for name in board.varied if name in point.settings][:MOST_SETTINGS]
    for name in told:
        lines.append(
            plotly_text(f"{setting_name(name, language)}: {choice_name(name, point.settings[name], language)}")
        )
    if len(point.learners) > 1:
        lines.append(text("classroom.board_people", language, people=len(point.learners)))
    return "<br>".join(lines)


def _powers(sizes: pd.Series[float]) -> list[float]:
    """The ends of a logarithmic axis, with room at both."""
    low, high = math.log10(float(sizes.min())), math.log10(float(sizes.max()))
    room = max(0.15, 0.08 * (high - low))
    return [low - room, high + room]
