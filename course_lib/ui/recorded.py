"""A recorded run that plays by itself: a list takes shape as the model learns, and one button swaps two purchases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from course_lib.course.recorded import read_recorded
from course_lib.data.registry import resolve
from course_lib.errors import CourseError
from course_lib.figures.base import model_name
from course_lib.figures.palette import style, theme
from course_lib.figures.products import near_rows, product
from course_lib.ui import shell
from course_lib.ui.component import component
from course_lib.ui.history_editor import card
from course_lib.ui.live_figure import dark
from course_lib.ui.product_search import items_of
from course_lib.ui.shell import t

if TYPE_CHECKING:
    from course_lib.course.lessons import Lesson

SHOP = "shop"
DRAWN = ("popularity", "markov", "oracle.filtered")  # lines beside the curve
WORDS = ("learns", "swap", "play", "epoch", "list", "bought", "then", "recorded", "curve")


def swap(lesson_id: str, place: str = "try") -> None:
    """Draws the lesson's recorded run; nothing where the lesson asks for none, a sentence where it is missing."""
    lesson = next((one for one in shell.lessons() if one.id == lesson_id), None)
    if lesson is None or lesson.recorded is None:
        return
    try:
        record = read_recorded(lesson_id)
    except CourseError as error:
        st.info(shell.plain(error.text(shell.language())))
        return
    language = shell.language()
    if "products" in record:
        _products(lesson, record, language)
        return
    component("recorded_run")(
        key=f"recorded.{lesson_id}.{place}",
        data={
            "histories": [_history(one, language) for one in record["histories"]],
            "frames": record["frames"],
            "lines": [
                {"name": _line_name(name, language), "value": record["lines"][name], "colour": _colour(name)}
                for name in DRAWN
                if name in record["lines"]
            ],
            "curve": _colour("sasrec"),
            "question": lesson.recorded.questions[language],
            "words": {name: t(f"replay.{name}") for name in WORDS},
        },
        height="content",
    )


def _line_name(name: str, language: str) -> str:
    """A line's name in the little room that it has."""
    return t("replay.best") if name.startswith("oracle") else model_name(name, language)


def _colour(name: str) -> str:
    return style(name).colour(theme(dark()))


def _history(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A history as cards, and its list at each frame as cards with chances."""
    items = items_of(resolve(SHOP))
    known = {item: card(items, item, SHOP, language) for row in one["lists"] for item, _ in row}
    return {
        "items": [card(items, item, SHOP, language) for item in one["items"]],
        "products": known,
        "lists": one["lists"],
    }


def _products(lesson: Lesson, record: Mapping[str, Any], language: str) -> None:
    """One of the recorded products to choose, and what each run puts near it."""
    assert lesson.recorded is not None
    items, lab = items_of(resolve(SHOP)), lesson.lab(lesson.recorded.lab)
    with st.container(border=True):
        st.markdown(f"**{lesson.recorded.questions[language]}**")
        chosen = st.segmented_control(
            t("one_product.choose"),
            range(len(record["products"])),
            default=0,
            format_func=lambda n: product(items, record["products"][n]["item"], language).kind,
            key=f"recorded.{lesson.id}.product",
            label_visibility="collapsed",
            required=True,
        )
        near = record["products"][chosen]["near"]
        found = {
            run.name(language): [product(items, item, language) for item in near[run.id]]
            for run in lab.runs
            if run.id in near
        }
        st.html(near_rows(found))
        st.caption(t("replay.recorded_near"))
