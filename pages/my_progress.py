"""My progress: all that the learner has answered, guessed and trained, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from course_lib.ui import own_datasets, shell
from course_lib.ui import progress_parts as parts
from course_lib.ui.shell import t

lang = shell.language()
lessons = {lesson.id: lesson for lesson in shell.lessons()}
ready = [lesson for lesson in lessons.values() if shell.lesson_ready(lesson)]

shell.title(t("progress.title"), t("progress.lead"))
parts.notice()


def everything() -> None:
    """All that is remembered; nothing where it cannot be read, for an empty list would say that nothing was given."""
    activity = shell.notebook().activity()
    if shell.tell_memory():
        return
    kinds = (activity.answers, activity.guesses, activity.steps, activity.runs, activity.challenges)
    touched = {one.lesson for kind in kinds for one in kind}
    if not touched:
        st.info(t("progress.nothing"))

    st.header(t("progress.lessons"), anchor=False)
    parts.lesson_bars(ready, activity)

    started = [lesson for lesson in ready if lesson.id in touched]
    if any(answer.lesson in lessons for answer in activity.answers):
        st.header(t("progress.answers"), anchor=False)
        for lesson in started:
            with st.expander(lesson.title(lang), key=f"progress_answers_{lesson.id}"), shell.boundary():
                parts.answers(lesson, activity)

    if activity.guesses:
        st.header(t("progress.guesses"), anchor=False)
        for lesson in started:
            with shell.boundary():
                parts.guesses(lesson, activity)

    if activity.runs:
        st.header(t("progress.runs"), anchor=False)
        st.caption(t("progress.runs_lead"))
        with shell.boundary():
            parts.runs(activity, lessons)

    if touched or own_datasets.own(shell.learner()):
        st.header(t("progress.yours"), anchor=False)
        with st.container(horizontal=True, key="progress_yours"):
            parts.export(activity, lessons.values())
            parts.start_over(started)
            parts.erase()


st.page_link(shell.page_file("classroom"), label=t("classroom.link"))
st.page_link(shell.page_file("certificate"), label=t("certificate.link"))

with shell.boundary():
    everything()
with shell.boundary():
    parts.other_browser()
