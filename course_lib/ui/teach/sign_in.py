"""The way onto the instructor's page: the secret, and then a class."""

from __future__ import annotations

import streamlit as st

from course_lib.course import classes, roles
from course_lib.ui import shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard

SECRET, NAME = "teaching.secret", "teaching.name"  # keys of the two fields
READING_WIDTH = 620  # pixels


def sign_in() -> None:
    """Asks for the instructor's secret."""
    with st.container(width=READING_WIDTH):
        st.markdown(t("teach.sign_in_lead"))
        with st.form("teach_sign_in", border=True):
            st.text_input(t("teach.secret"), type="password", key=SECRET, max_chars=200, autocomplete="off")
            give = shell.guarded(_give, f"{guard.SLOT}.in")
            st.form_submit_button(t("teach.sign_in"), type="primary", key="teach_sign_in_go", on_click=give)
        guard.told("in")


def _give() -> None:
    given = str(st.session_state.get(SECRET, ""))
    st.session_state[SECRET] = ""  # it stays on no screen
    roles.become_instructor(shell.store(), shell.learner(), given)


def start_class() -> None:
    """Asks for a name and starts a class."""
    with st.container(width=READING_WIDTH), st.form("teach_start", border=True):
        st.text_input(t("teach.class_name"), key=NAME, max_chars=80, placeholder=t("teach.class_name_example"))
        st.form_submit_button(
            t("teach.start"), type="primary", key="teach_start_go", on_click=guard.signed_in("start", _start)
        )
    guard.told("start")


def _start() -> None:
    opened = classes.open_class(shell.store(), shell.learner(), str(st.session_state.get(NAME, "")))
    st.session_state[NAME] = ""
    st.session_state[guard.CHOSEN] = opened.key
