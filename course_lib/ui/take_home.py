"""What can be taken home of runs: one of them as a zip that repeats it, and a report on one or on several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from course_lib.ui import shell
from course_lib.ui.lab import Lab
from course_lib.ui.shell import t


def take_home(lab: Lab) -> None:
    """A download button for the run on show; the zip is made when the button is pressed."""
    view = lab.shown_run()
    if view is None or view.state != "finished":
        return
    run_id = view.run_id

    def make() -> bytes:
        from course_lib.runs.takeaway import takeaway  # nbformat takes its time: not before it is needed

        return takeaway(run_id)

    st.subheader(t("look.download_title"), anchor=False)
    st.markdown(t("look.download_help"))
    st.download_button(
        t("look.download"),
        data=make,
        file_name=f"liverec-{view.run_id}.zip",
        mime="application/zip",
        key=lab.key("download"),
        on_click="ignore",
    )
    if not lab.plan.runs:  # a lab that compares has its report beside its table
        report_buttons(lab, [run_id])


def report_buttons(lab: Lab, run_ids: Sequence[str]) -> None:
    """Download buttons for a report on finished runs, one page with pictures or a table; none where there are none.

    The report is made when a button is pressed.
    """
    if not run_ids:
        return
    language = lab.language

    def make(form: str) -> bytes:
        from course_lib.figures.run_report import Report  # not before it is needed

        report = Report.of([shell.runs().watch(run_id) for run_id in run_ids], language)
        return (report.html() if form == "html" else report.csv()).encode()

    with st.container(horizontal=True):
        for form, mime in (("html", "text/html"), ("csv", "text/csv")):
            st.download_button(
                t(f"report.download_{form}"),
                data=partial(make, form),
                file_name=f"liverec-{lab.lesson.id}-{lab.plan.id}.{form}",
                mime=mime,
                key=lab.key(f"report.{form}"),
                type="tertiary",
                on_click="ignore",
            )
