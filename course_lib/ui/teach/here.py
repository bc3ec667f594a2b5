"""On a lesson's page, for an instructor with an open class: one control that brings everybody to where they are."""

from __future__ import annotations

import streamlit as st

from course_lib.course import classes
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS
from course_lib.errors import CourseError
from course_lib.ui import notices, shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.teach.pace import bring, step_name


def here(lesson: Lesson) -> None:
    """Draws the control; nothing for anybody else, and nothing while the database cannot say who it is."""
    if not shell.instructing():
        return
    try:
        opened = [one for one in classes.classes_of(shell.store(), shell.learner()) if one.closed is None]
    except CourseError:
        return
    if not opened:
        return
    chosen = st.session_state.get(guard.CHOSEN)
    classroom = next((one for one in opened if one.key == chosen), opened[0])
    lang = shell.language()
    with st.popover(t("teach.bring_here"), key=f"teach_here_{lesson.id}"):
        st.markdown(t("teach.bring_here_ask", name=shell.plain(classroom.name)))
        step = st.selectbox(
            t("teach.step"),
            ["", *ANCHORS],
            format_func=lambda one: step_name(lesson, one),
            key=f"teaching.here.{lesson.id}.{lang}",
        )
        st.button(
            t("teach.bring"),
            type="primary",
            key=f"teach_here_go_{lesson.id}",
            on_click=guard.pressed("here", classroom.key, bring, lesson.id, step),
        )
    notices.show()
    guard.told("here")
