"""The instructor's page from top to bottom: the way in, then one screen of the class, then the rest behind tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes, roles
from course_lib.ui import notices, shell
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.teach.answers import answers
from course_lib.ui.teach.board import board
from course_lib.ui.teach.closing import closing
from course_lib.ui.teach.invite import invite
from course_lib.ui.teach.limits import limits
from course_lib.ui.teach.member import one_member
from course_lib.ui.teach.names import switch
from course_lib.ui.teach.pace import pace
from course_lib.ui.teach.people import people
from course_lib.ui.teach.queue import queue
from course_lib.ui.teach.sign_in import sign_in, start_class
from course_lib.ui.teach.take_away import export

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

TAB = "teaching.tab"  # session state
TABS: Mapping[str, Callable[[str], None]] = {
    "pace": pace,
    "answers": answers,
    "board": board,
    "queue": queue,
    "member": one_member,
    "limits": limits,
    "export": export,
    "closing": closing,
}


def page() -> None:
    """Draws what this learner may see of it."""
    store, learner = shell.store(), shell.learner()
    if not roles.is_instructor(store, learner):
        shell.title(t("teach.title"), t("teach.lead"))
        sign_in()
        return
    mine = classes.classes_of(store, learner)
    if not mine:
        shell.title(t("teach.title"), t("teach.lead"))
        notices.show()
        start_class()
        return
    classroom = _chosen(mine)
    _top(mine, classroom)
    notices.show()
    left, right = st.columns([2, 5], gap="large")
    with left, shell.boundary():
        invite(classroom.key)
    with right, shell.boundary():
        people(classroom.key)
    tab = st.segmented_control(
        t("teach.tabs"), list(TABS), default="pace", format_func=lambda name: t(f"teach.tab_{name}"), key=TAB,
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    with st.container(key=f"teach_part_{tab}"), shell.boundary():
        TABS.get(str(tab), pace)(classroom.key)


def _chosen(mine: tuple[Classroom, ...]) -> Classroom:
    """The class on show: the chosen one, else the newest that is open."""
    by_key = {one.key: one for one in mine}
    asked = st.session_state.get(guard.CHOSEN)
    if asked not in by_key:
        asked = next((one.key for one in mine if one.closed is None), mine[0].key)
    st.session_state[guard.CHOSEN] = asked
    return by_key[asked]


def _top(mine: tuple[Classroom, ...], classroom: Classroom) -> None:
    """The class's name, the choice among several, a new one, and whether names are shown."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="teach_top"):
        st.title(shell.plain(classroom.name), anchor=False)
        if len(mine) > 1:
            words = {one.key: one.name + ("" if one.closed is None else f" ({t('teach.is_closed')})") for one in mine}
            widget = "teaching.chosen"
            keep_choice(widget)
            st.session_state[widget] = classroom.key
            st.selectbox(
                t("teach.classes"), list(words), format_func=lambda key: words.get(key, key), key=widget,
                on_change=guard.signed_in("top", lambda: _choose(str(st.session_state[widget]))),
                label_visibility="collapsed", width=260,
            )  # fmt: skip
        with st.popover(t("teach.another"), key="teach_another"):
            start_class()
        switch()
    guard.told("top")


def _choose(key: str) -> None:
    guard.room(key)
    st.session_state[guard.CHOSEN] = key
