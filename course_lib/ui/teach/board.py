"""The board: every finished run of the class in one lab as a point without a name, so that a room is one experiment."""

from __future__ import annotations

import streamlit as st

from course_lib.course import class_watch
from course_lib.course.class_board import labs_with_board
from course_lib.ui import shell
from course_lib.ui.class_page import BOARD_S, draw_board, lab_name
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.this_run import one_run

LAB = "teaching.board.lab"  # session state


def board(key: str) -> None:
    """Chooses the lab and draws its board, again every ten seconds."""
    classroom = guard.room(key)
    labs = {
        f"{lesson.id}/{lab.id}": (lesson, lab)
        for lesson in shell.lessons()
        if shell.lesson_ready(lesson)
        for lab in labs_with_board(lesson)
    }
    called = classroom.plan.called.lesson if classroom.plan.called else ""
    places = list(labs)
    first = next((place for place, name in enumerate(places) if name.startswith(f"{called}/")), 0)
    chosen = st.selectbox(
        t("teach.board_lab"),
        places,
        index=first,
        format_func=lambda name: lab_name(*labs[name]),
        key=f"{LAB}.{shell.language()}",
    )
    if chosen in labs:
        st.fragment(_board, run_every=BOARD_S if classroom.closed is None else None)(key, chosen)


@one_run()
def _board(key: str, name: str) -> None:
    with shell.boundary():
        guard.room(key)
        lesson_id, _, lab_id = name.partition("/")
        lesson = next(one for one in shell.lessons() if one.id == lesson_id)
        draw_board(class_watch.look(shell.store(), key), lesson, lesson.lab(lab_id))
