"""Who is learning: the learner whose page is being drawn."""

from __future__ import annotations

import streamlit as st

from course_lib.errors import CourseError
from course_lib.ui.account import account
from course_lib.ui.identity_cookie import LOCAL, cookie_name, known_as, new_name, verified
from course_lib.ui.this_run import once

NAMELESS = "identity.nameless"  # session state


def learner() -> str:
    """The learner's key in the course's memory. Raises CourseError while it cannot be known.

    An account that has logged in is the learner; else the browser's cookie says it. A browser without a valid one (it
    keeps no cookies, or forges them) is a learner of its own until the tab is closed. Where there is no browser at all,
    as in a test of one page or a script without a server, the machine's own learner is meant.
    """
    return once("learner", _learner)


def _learner() -> str:
    if (logged_in := account()) is not None:
        return logged_in
    name = browser()
    return LOCAL if name is None else known_as(name)


def browser() -> str | None:
    """The browser's own name, proven by its cookie; None without a browser."""
    if not dict(st.context.headers):
        return None
    try:
        name = verified(st.context.cookies.get(cookie_name()) or "")
    except CourseError:
        name = None  # nothing can be proven: nobody's notebook is opened
    if name is None:
        name = st.session_state.setdefault(NAMELESS, new_name())
    return name
