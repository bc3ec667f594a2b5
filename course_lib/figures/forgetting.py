"""The picture of a deletion: what an attack still finds of the deleted, and what the lists are worth."""

from __future__ import annotations

from course_lib.figures.base import Figure, empty
from course_lib.figures.names import measure_name
from course_lib.figures.shown import Shown
from course_lib.figures.strips import COLUMNS, Strip, in_words, strip_rows, strips, strips_height
from course_lib.text import text

BETTER = {"left": "down", "ndcg@10": "up", "seconds": "down"}


def left(shown: Shown, language: str, narrow: bool = False) -> Figure:
    """What each finished run has left, a strip a measure. Frame columns: run, model, measure, value, low, high."""
    title = text("forgetting.left_title", language)
    frame = strip_rows(tuple(BETTER), shown, "left", language)
    if frame.empty:
        return empty(title, COLUMNS, language)
    names = {name: measure_name(name, language) for name in BETTER}
    kinds = [Strip(name, names[name], better) for name, better in BETTER.items()]
    top = 34 + 22 * -(-frame["run"].nunique() // (2 if narrow else 4))
    alt = text("forgetting.left_alt", language, measures=in_words(frame, names, language))
    return Figure(
        frame, title, alt, strips(frame, kinds, language, top), strips_height(frame, top), revision="forgetting-left"
    )
