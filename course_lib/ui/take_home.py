"""The run taken home: weights, configuration, metrics and a notebook that repeats it, as one zip."""

from __future__ import annotations

import streamlit as st

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
