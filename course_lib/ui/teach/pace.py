"""Pace: which lessons and steps the class may work on, and where everybody is called to.

From the instructor's page by choice of lesson and step, and from any lesson's own page by one button.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS
from course_lib.errors import CourseError
from course_lib.ui import notices, shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

LESSON, STEP, READABLE = "teaching.pace.lesson", "teaching.pace.step", "teaching.pace.readable"  # session state


def pace(key: str) -> None:
    """What is open and where everybody is called to, and what changes it."""
    classroom = guard.room(key)
    lessons = {lesson.id: lesson for lesson in shell.lessons() if shell.lesson_ready(lesson)}
    lang = shell.language()
    with st.container(horizontal=True, vertical_alignment="bottom", key="teach_pace_where"):
        lesson = st.selectbox(
            t("teach.lesson"), list(lessons), format_func=lambda one: lessons[one].title(lang), key=f"{LESSON}.{lang}"
        )
        step = st.selectbox(
            t("teach.step"), ["", *ANCHORS], format_func=lambda one: step_name(lessons.get(lesson), one),
            key=f"{STEP}.{lang}.{lesson}",
        )  # fmt: skip
    with st.container(horizontal=True, key="teach_pace_do"):
        shut = classroom.closed is not None
        st.button(
            t("teach.bring"), type="primary", key="teach_bring", disabled=shut,
            on_click=guard.pressed("pace", key, bring, lesson, step),
        )  # fmt: skip
        st.button(
            t("teach.open_only" if classroom.plan.open is None else "teach.open_too"), key="teach_open", disabled=shut,
            on_click=guard.pressed("pace", key, _open, lesson, step),
        )  # fmt: skip
    guard.told("pace")
    _called(classroom, lessons)
    _opened(classroom, lessons)


def step_name(lesson: Lesson | None, anchor: str) -> str:
    """A step as its lesson's heading has it; the whole lesson for none."""
    if not anchor:
        return t("teach.whole_lesson")
    return f"{ANCHORS.index(anchor) + 1} {lesson.heading(anchor, shell.language()) if lesson else anchor}"


def place_name(place: str, lessons: Mapping[str, Lesson]) -> str:
    """``evaluation#train`` in words."""
    id, _, anchor = place.partition("#")
    lesson = lessons.get(id)
    title = lesson.title(shell.language()) if lesson else id
    return f"{title} · {step_name(lesson, anchor)}" if anchor else title


def _called(classroom: Classroom, lessons: Mapping[str, Lesson]) -> None:
    called = classroom.plan.called
    if called is None:
        return
    place = f"{called.lesson}#{called.anchor}" if called.anchor else called.lesson
    with st.container(horizontal=True, vertical_alignment="center", key="teach_called"):
        st.markdown(t("teach.called", place=place_name(place, lessons)))
        st.button(t("teach.call_end"), key="teach_call_end", on_click=guard.pressed("pace", classroom.key, _end_call))


def _opened(classroom: Classroom, lessons: Mapping[str, Lesson]) -> None:
    plan = classroom.plan
    if plan.open is None:
        st.caption(t("teach.all_open"))
        return
    st.markdown(t("teach.open_now"))
    for number, place in enumerate(plan.open):
        with st.container(horizontal=True, vertical_alignment="center", key=f"teach_open_{number}"):
            st.markdown(f"- {place_name(place, lessons)}")
            st.button(
                t("teach.shut"), key=f"teach_shut_{number}",
                on_click=guard.pressed("pace", classroom.key, _shut, place),
            )  # fmt: skip
    st.session_state[READABLE] = plan.readable
    st.toggle(
        t("teach.readable"), key=READABLE, on_change=guard.pressed("pace", classroom.key, _readable),
    )  # fmt: skip
    st.button(t("teach.open_all"), key="teach_open_all", on_click=guard.pressed("pace", classroom.key, _open_all))


# ---- what the buttons do


def bring(classroom: Classroom, lesson: str, step: str) -> None:
    """Calls everybody to a lesson or a step of it, which is opened if it was not."""
    _known(lesson, step)
    plan = classroom.plan
    if plan.open is not None and not plan.is_open(lesson, step):
        classes.open_to_all(shell.store(), classroom.key, [*plan.open, _place(lesson, step)], plan.readable)
    classes.call_everyone(shell.store(), classroom.key, lesson, step)
    notices.leave(t("teach.brought"))


def _open(classroom: Classroom, lesson: str, step: str) -> None:
    _known(lesson, step)
    plan = classroom.plan
    classes.open_to_all(shell.store(), classroom.key, [*(plan.open or ()), _place(lesson, step)], plan.readable)


def _shut(classroom: Classroom, place: str) -> None:
    plan = classroom.plan
    kept = [one for one in plan.open or () if one != place]
    classes.open_to_all(shell.store(), classroom.key, kept, plan.readable)


def _readable(classroom: Classroom) -> None:
    classes.open_to_all(shell.store(), classroom.key, classroom.plan.open, bool(st.session_state.get(READABLE)))


def _open_all(classroom: Classroom) -> None:
    classes.open_to_all(shell.store(), classroom.key, None)


def _end_call(classroom: Classroom) -> None:
    classes.call_everyone(shell.store(), classroom.key, None)


def _place(lesson: str, step: str) -> str:
    return f"{lesson}#{step}" if step else lesson


def _known(lesson: str, step: str) -> None:
    """A browser can send any choice: everybody is called to nothing but a place that the course has."""
    ready = [one.id for one in shell.lessons() if shell.lesson_ready(one)]
    if lesson not in ready or step not in ("", *ANCHORS):
        raise CourseError("unknown_lesson", name=lesson, known=", ".join(ready))
