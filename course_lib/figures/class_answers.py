"""What a class answered or guessed: a bar an option, its count beside it, one's own marked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from course_lib.course.pooled import Pooled
from course_lib.figures.base import Figure, Plot, axis, note, plotly_text, shorten, wrap
from course_lib.figures.palette import Theme, alpha
from course_lib.text import text

LINE = 26  # pixels of a line of an option
WIDTH = 30  # of a line, in Latin letters
LINES = 3


def class_answers(pooled: Pooled, labels: Sequence[str], language: str, own: Collection[int] = ()) -> Figure:
    """The counts of one question or guess; ``labels`` name its options or bins, ``own`` are the learner's places.

    Frame columns: label, count (None where it is not shown), own, correct.
    """
    correct = pooled.correct or (False,) * len(labels)
    named = [_name(words, place, language) for place, words in enumerate(labels)]
    mine = [place in own for place in range(len(named))]
    rows = list(zip(named, pooled.counts, mine, correct, strict=True))
    frame = pd.DataFrame(rows, columns=["label", "count", "own", "correct"])
    said = [_count(count, language) for _, count, _, _ in rows]
    lines = [_lines(words, mine, right, language) for words, _, mine, right in rows]
    most = max([count or 0 for _, count, _, _ in rows], default=0) or 1
    tallest = max((line.count("<br>") + 1 for line in lines), default=1)

    def draw(page: Theme) -> tuple[list[Plot], Plot]:
        fills = [page.done if right else alpha(page.ink, 0.45) for *_, right in rows]
        edges = [page.ink if mine else fill for fill, (_, _, mine, _) in zip(fills, rows, strict=True)]
        bars: Plot = {
            "type": "bar", "orientation": "h", "y": list(range(len(rows))),
            "x": [count or 0 for _, count, _, _ in rows],
            "marker": {"color": fills, "line": {"color": edges, "width": [2 if mine else 0 for _, _, mine, _ in rows]}},
            "hoverinfo": "skip",
        }  # fmt: skip
        counts = [
            note(page, count or 0, place, plotly_text(words), xanchor="left", xshift=5)
            for place, ((_, count, _, _), words) in enumerate(zip(rows, said, strict=True))
        ]
        names: Plot = {"tickmode": "array", "tickvals": list(range(len(rows))), "ticktext": lines}
        return [bars], {
            "xaxis": axis(page, "", range=[0, most * 1.3], showticklabels=False, showgrid=False, fixedrange=True),
            "yaxis": axis(page, "", autorange="reversed", automargin=True, showgrid=False, fixedrange=True, **names)
            | {"tickfont": {"size": 12, "color": page.ink}},
            "margin": {"l": 8, "r": 8, "t": 6, "b": 8},
            "annotations": counts,
            "bargap": 0.35,
            "dragmode": False,
        }

    comma = text("figures.list_comma", language)
    listed = comma.join(f"{words}: {count}" for (words, *_), count in zip(rows, said, strict=True))
    alt = text("classroom.pooled_alt", language, people=pooled.people or 0, counts=listed)
    title = shorten(text("classroom.pooled_title", language, people=pooled.people or 0), 46)
    height = 40 + len(rows) * max(34, LINE * tallest)
    return Figure(frame, title, alt, draw, height=height, revision=f"class {pooled.name}")


def _name(words: str, place: int, language: str) -> str:
    """An option's words; one with a formula goes by its number, for a picture cannot set formulas."""
    return text("classroom.option", language, number=place + 1) if "$" in words else words.replace("**", "")


def _count(count: int | None, language: str) -> str:
    return text("classroom.pooled_few", language) if count is None else str(count)


def _lines(words: str, own: bool, correct: bool, language: str) -> str:
    lines = wrap(words, WIDTH)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], shorten(lines[LINES - 1], WIDTH - 1) + "…"]
    shown = "<br>".join(plotly_text(line) for line in lines)
    marks = ("✓ " if correct else "") + shown
    return f"{marks}<br><b>{plotly_text(text('classroom.pooled_own', language))}</b>" if own else marks
