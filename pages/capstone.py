"""Capstone: the learner's own data, end to end, from a file to findings and one zip to take home."""

from __future__ import annotations

import streamlit as st

from course_lib.ui import canvas, capstone_data, capstone_runs, notices, shell
from course_lib.ui.shell import t

shell.title(t("capstone.title"), t("capstone.lead"))
notices.show()

st.header(t("capstone.step_data"), anchor=False)
chosen = found = work = study = None
with shell.boundary():
    chosen = capstone_data.choose()

if chosen is not None:
    st.header(t("capstone.step_audit"), anchor=False)
    with shell.boundary():
        found = capstone_data.audited(chosen)

if chosen is not None and found is not None:
    st.header(t("capstone.step_train"), anchor=False)
    with shell.boundary():
        work = capstone_runs.Work(chosen, found)
        capstone_runs.train(work)
        study = work.study()

if work is not None and study is not None:
    st.header(t("capstone.step_report"), anchor=False)
    with shell.boundary():
        capstone_runs.results(work, study)

if chosen is not None:
    st.header(t("capstone.step_canvas"), anchor=False)
    st.markdown(t("capstone.canvas_lead"))
    with shell.boundary():
        canvas.box(next(lesson for lesson in shell.lessons() if lesson.id == "business"))
    with shell.boundary():
        canvas.whole()

if work is not None and study is not None:
    st.header(t("capstone.step_home"), anchor=False)
    with shell.boundary():
        capstone_runs.home(work, study)
