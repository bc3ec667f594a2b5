"""The learner's resume code on My progress: made, shown once, replaced, ended."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from course_lib.course import resume_codes
from course_lib.ui import shell
from course_lib.ui.shell import t

KEY = "progress_code"  # session state: the code that this tab has just made, and until when it lasts


def draw() -> None:
    """Draws it; raises CourseError where the database fails."""
    st.markdown(t("resume.lead"))
    until = resume_codes.lasts_until(shell.notebook())
    if until is not None:
        date = f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d}"
        code, lasts = st.session_state.get(KEY, ("", None))
        if lasts == until:  # another tab may have made another one meanwhile
            st.code(code, language=None)
            address = (st.context.url or "").split("?")[0].rsplit("/", 1)[0] + "/resume"
            st.caption(t("resume.shown", address=address, date=date))
        else:
            st.caption(t("resume.there", date=date))
    with st.container(horizontal=True, key=KEY + "_do"):
        label = t("resume.make" if until is None else "resume.again")
        st.button(label, key=KEY + "_make", on_click=shell.guarded(_make, KEY))
        if until is not None:
            st.button(t("resume.withdraw"), key=KEY + "_end", on_click=shell.guarded(_end, KEY))
        st.link_button(t("resume.have"), "./resume")
    shell.told(KEY)


def _make() -> None:
    code = resume_codes.make_code(shell.notebook())
    st.session_state[KEY] = (code, resume_codes.lasts_until(shell.notebook()))


def _end() -> None:
    resume_codes.withdraw(shell.notebook())
    st.session_state.pop(KEY, None)
