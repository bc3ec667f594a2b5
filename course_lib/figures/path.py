"""The course map: fifteen lessons as stations on one way, with a ring that fills as a lesson is worked through."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from course_lib.figures.base import Figure, Plot, bare_axis, finite, note, plotly_text, wrap
from course_lib.figures.palette import CLEAR, Theme
from course_lib.text import text

ACROSS = 5  # stations in a row where there is room
RADIUS = 21  # of a station, pixels


class Lesson(Protocol):
    """What the map reads of a lesson; ``course.lessons.Lesson`` has it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def order(self) -> int: ...  # noqa: D102
    @property
    def group(self) -> str: ...  # noqa: D102
    @property
    def minutes(self) -> int: ...  # noqa: D102
    @property
    def ready(self) -> bool: ...  # noqa: D102
    def title(self, language: str) -> str: ...  # noqa: D102


def course_map(
    lessons: Sequence[Lesson],
    progress: Mapping[str, float],
    language: str,
    groups: Mapping[str, str],
    narrow: bool = False,
    path: Collection[str] = (),
) -> Figure:
    """All lessons in order; a click on a ready one carries its id in ``customdata``, others cannot be clicked.

    Args:
        lessons: all of them, ready or in preparation.
        progress: share done by lesson id, 0..1; absent is 0.
        language: "zh" or "en".
        groups: names of the groups by id, in that language; a group without one shows its id.
        narrow: one column for phones instead of rows of five.
        path: ids of the lessons on the learner's own path, the others are drawn quieter; empty: none was chosen.

    Frame columns: lesson, order, group, title, minutes, ready, progress, on_path, x, y.
    """
    ordered = sorted(lessons, key=lambda lesson: lesson.order)
    rows: list[dict[str, Any]] = []
    for place, lesson in enumerate(ordered):
        x, y = _station(place, narrow)
        share = min(1.0, max(0.0, finite(progress.get(lesson.id)) or 0.0)) if lesson.ready else 0.0
        rows.append(
            {
                "lesson": lesson.id, "order": lesson.order, "group": lesson.group, "title": lesson.title(language),
                "minutes": lesson.minutes, "ready": lesson.ready, "progress": share,
                "on_path": not path or lesson.id in path, "x": x, "y": y,
            }
        )  # fmt: skip
    columns = ["lesson", "order", "group", "title", "minutes", "ready", "progress", "on_path", "x", "y"]
    frame = pd.DataFrame(rows, columns=columns)
    lines = (len(rows) if narrow else math.ceil(len(rows) / ACROSS)) or 1

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        shapes = [shape for row in rows for shape in _shapes(page, row)]
        numbers = [_number(page, row) for row in rows]
        labels = [label for before, row in zip([None, *rows], rows, strict=False) for label in
                  _labels(page, row, before, groups, language, narrow)]  # fmt: skip
        ready, later = [row for row in rows if row["ready"]], [row for row in rows if not row["ready"]]
        track: Plot = {
            "type": "scatter", "mode": "lines", **_track(rows, narrow),
            "line": {"color": page.grid, "width": 6}, "hoverinfo": "skip",
        }  # fmt: skip
        targets = _targets(ready, text("figures.hover_lesson", language, name=""))
        targets["customdata"] = [row["lesson"] for row in ready]
        waiting = _targets(later, text("figures.hover_lesson_later", language, name=""))
        right = 5.6 if narrow else ACROSS - 0.5
        return [track, waiting, targets], {
            "xaxis": bare_axis(page, -0.62 if narrow else -0.5, right),
            "yaxis": bare_axis(page, lines - (0.5 if narrow else 0.32), -0.55 if narrow else -0.48),
            "margin": {"l": 4, "r": 4, "t": 6, "b": 4},
            "shapes": shapes,
            "annotations": numbers + labels,
            "dragmode": False,
        }

    ready = [row for row in rows if row["ready"]]
    join = text("figures.list_comma", language)
    done = join.join(f"{row['title']} {row['progress']:.0%}" for row in ready) or "–"
    alt = text("figures.course_map_alt", language, lessons=len(rows), ready=len(ready), done=done)
    if path:
        steps = join.join(row["title"] for row in rows if row["on_path"]) or "–"
        alt += text("figures.course_map_path", language, steps=steps)
    return Figure(
        frame=frame,
        title=text("figures.course_map_title", language),
        alt=alt,
        draw=draw,
        height=(70 * lines if narrow else 148 * lines) + 40,
        revision=f"course_map {'narrow' if narrow else 'wide'}",
    )


def _station(place: int, narrow: bool) -> tuple[float, float]:
    """Rows of five, read like a page; or one column."""
    return (0.0, float(place)) if narrow else (float(place % ACROSS), float(place // ACROSS))


def _track(rows: Sequence[Mapping[str, Any]], narrow: bool) -> dict[str, list[float | None]]:
    """The way under the stations. In rows it runs out at the right and comes in again at the left."""
    if narrow:
        return {"x": [row["x"] for row in rows], "y": [row["y"] for row in rows]}
    x: list[float | None] = []
    y: list[float | None] = []
    for start in range(0, len(rows), ACROSS):
        row = rows[start : start + ACROSS]
        more = start + ACROSS < len(rows)
        x += [row[0]["x"] - (0.5 if start else 0), row[-1]["x"] + (0.5 if more else 0), None]
        y += [row[0]["y"], row[0]["y"], None]
    return {"x": x, "y": y}


def _disc(page: Theme, row: Mapping[str, Any], radius: float, **more: Any) -> Plot:
    return {
        "type": "circle", "xref": "x", "yref": "y", "xsizemode": "pixel", "ysizemode": "pixel",
        "xanchor": row["x"], "yanchor": row["y"], "x0": -radius, "x1": radius, "y0": -radius, "y1": radius,
        "layer": "above",
    } | more  # fmt: skip


def _shapes(page: Theme, row: Mapping[str, Any]) -> list[Plot]:
    """A station: hollow and dashed in preparation, a ring with its done part when ready, solid when all is done."""
    if not row["ready"]:
        return [_disc(page, row, RADIUS - 3, fillcolor=page.background,
                      line={"color": page.muted, "width": 1.2, "dash": "3px,3px"})]  # fmt: skip
    if row["progress"] >= 1:
        return [_disc(page, row, RADIUS, fillcolor=page.done, line={"color": page.done, "width": 2})]
    radius, width = (RADIUS, 2) if row["on_path"] else (RADIUS - 6, 1)
    ring = [_disc(page, row, radius, fillcolor=page.background, line={"color": page.muted, "width": width})]
    if row["progress"] > 0:
        ring.append(
            {
                "type": "path", "xref": "x", "yref": "y", "xsizemode": "pixel", "ysizemode": "pixel",
                "xanchor": row["x"], "yanchor": row["y"], "path": _arc(row["progress"], radius),
                "line": {"color": page.done, "width": 7}, "layer": "above",
            }
        )  # fmt: skip
    return ring


def _arc(share: float, radius: float) -> str:
    """An arc from twelve o'clock, clockwise, as short lines (Plotly's paths know no arcs). Pixels, y upwards."""
    steps = max(2, round(40 * share))
    angles = [2 * math.pi * share * step / steps for step in range(steps + 1)]
    points = [f"{radius * math.sin(angle):.2f},{radius * math.cos(angle):.2f}" for angle in angles]
    return "M" + " L".join(points)


def _number(page: Theme, row: Mapping[str, Any]) -> Plot:
    done = row["ready"] and row["progress"] >= 1
    colour = page.background if done else page.ink if row["ready"] else page.muted
    loud = row["ready"] and row["on_path"]
    words = "<b>✓</b>" if done else f"<b>{row['order']}</b>" if loud else str(row["order"])
    return note(page, row["x"], row["y"], words, font={"size": 15 if loud else 13, "color": colour})


def _labels(
    page: Theme,
    row: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    groups: Mapping[str, str],
    language: str,
    narrow: bool,
) -> list[Plot]:
    """The group where it begins, the title, and below it how long it takes or that it is still in preparation."""
    group = ""
    if before is None or before["group"] != row["group"]:
        group = plotly_text(groups.get(row["group"], row["group"]))
    if not row["ready"]:
        small = text("figures.in_preparation", language)
    elif row["progress"] > 0:
        small = text("figures.lesson_progress", language, minutes=row["minutes"], share=f"{row['progress']:.0%}")
    else:
        small = text("figures.lesson_minutes", language, minutes=row["minutes"])
    title = [plotly_text(line) for line in wrap(row["title"], 40 if narrow else 18)]
    loud = row["ready"] and row["on_path"]
    heading = "<br>".join(f"<b>{line}</b>" if loud else line for line in title)
    colour = page.ink if loud else page.muted
    small = f'<span style="font-size:11px;color:{page.muted}">{small}</span>'
    if narrow:
        eyebrow = f'<span style="font-size:11px;color:{page.done}">{group}</span><br>' if group else ""
        return [note(page, row["x"], row["y"], f"{eyebrow}{heading}<br>{small}", xanchor="left", xshift=34,
                     align="left", font={"size": 14, "color": colour})]  # fmt: skip
    below = note(page, row["x"], row["y"], f"{heading}<br>{small}", yanchor="top", yshift=-RADIUS - 4,
                 font={"size": 13, "color": colour})  # fmt: skip
    if not group:
        return [below]
    above = note(page, row["x"], row["y"], group, yanchor="bottom", yshift=RADIUS + 3,
                 font={"size": 11, "color": page.done}, bgcolor=CLEAR)  # fmt: skip
    return [below, above]


def _targets(rows: Sequence[Mapping[str, Any]], hover: str) -> Plot:
    """Invisible discs that take the pointer: what is seen is drawn by shapes."""
    return {
        "type": "scatter", "mode": "markers", "x": [row["x"] for row in rows], "y": [row["y"] for row in rows],
        "text": [plotly_text(row["title"]) for row in rows],
        "marker": {"size": 2 * RADIUS + 6, "color": CLEAR, "line": {"width": 0}},
        "hovertemplate": hover,
    }  # fmt: skip
