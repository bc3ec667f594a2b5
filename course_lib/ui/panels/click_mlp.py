"""The panel of the click project: which shopper to look at, the project's source, and what the chosen edits change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from course_lib.course.project_source import KERAS, MAIN, SETTINGS, beside, difference, project_source
from course_lib.figures.shown import Shown
from course_lib.settings import PROJECT
from course_lib.ui.asked_settings import below, shown
from course_lib.ui.lab import Lab
from course_lib.ui.shell import t

__all__ = ["COMPARED", "VIEWS", "below", "look", "shown", "views"]


def _diff(settings: Mapping[str, Any]) -> None:
    changed = difference(settings)
    if changed:
        st.code(changed, language="diff", wrap_lines=True)
    else:
        st.caption(t("click_mlp.no_edit"))


def of_run(lab: Lab, now: Shown, earlier: Mapping[str, Any] | None) -> None:
    """What the run on show has changed in the project's source."""
    config = now.runs[0].config
    _diff({} if config is None else config.settings)


def of_runs(lab: Lab, now: Shown) -> None:
    """The same for one run of a list: the learner chooses which."""
    runs = {run.id: run for run in lab.plan.runs}
    changing = [id for id, run in runs.items() if difference(run.settings)]
    if not changing:
        st.caption(t("click_mlp.no_edit"))
        return
    chosen = st.selectbox(
        t("click_mlp.which_edit"),
        changing,
        format_func=lambda id: runs[id].name(lab.language),
        key=lab.key("edit"),
    )
    _diff(runs[chosen].settings)


VIEWS = {"diff": of_run}
COMPARED = {"diff": of_runs}


def views(lab: Lab) -> Mapping[str, Any]:
    """The difference stands only where the learner may choose an edit."""
    return VIEWS if set(SETTINGS) & set(lab.plan.shows) else {}


def look(lab: Lab) -> None:
    """The document's listing beside what does the same here, and the whole project, one file."""
    name = MAIN.relative_to(PROJECT).as_posix()
    st.subheader(t("click_mlp.project"), anchor="project")
    st.markdown(t("click_mlp.project_help", file=name))
    left, right = st.columns(2)
    with left:
        st.caption(t("click_mlp.keras"))
        st.code(KERAS, language="python", wrap_lines=True)
    with right:
        st.caption(t("click_mlp.pytorch"))
        st.code(beside(), language="python", wrap_lines=True)
    with st.expander(name):
        st.code(project_source(), language="python", line_numbers=True, wrap_lines=True)
