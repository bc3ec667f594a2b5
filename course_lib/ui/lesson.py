"""A lesson's page from top to bottom: title, the seven steps with their prose and figures, references, next lesson."""

from __future__ import annotations

import streamlit as st

from course_lib.course.markdown import ANCHORS, fill_values, split_figures
from course_lib.course.progress import lesson_progress
from course_lib.errors import CourseError
from course_lib.ui import shell
from course_lib.ui.lab import train_step
from course_lib.ui.lab_session import Lab
from course_lib.ui.lesson_figures import lesson_figure
from course_lib.ui.lesson_values import measured_values
from course_lib.ui.look_inside import look_step
from course_lib.ui.predict_step import predict_step
from course_lib.ui.quiz import challenges, questions
from course_lib.ui.shell import boundary, t
from course_lib.ui.source_view import source_view
from course_lib.ui.take_home import take_home

READING_WIDTH = 780  # pixels of a column of prose


def open_lesson(id: str) -> Lab:
    """The page's title and its list of steps; raises CourseError for a lesson that is not there or not ready."""
    known = {lesson.id: lesson for lesson in shell.lessons()}
    if id not in known:
        raise CourseError("unknown_lesson", name=id, known=", ".join(known))
    lab = Lab(known[id])
    lang = lab.language
    shell.title(lab.lesson.title(lang), lab.lesson.summary(lang))
    done = lesson_progress(lab.lesson, lab.notebook.activity()).steps
    links = [
        f"[{number} {lab.lesson.heading(anchor, lang)}{' ✓' if anchor in done else ''}](#{anchor})"
        for number, anchor in enumerate(ANCHORS, 1)
    ]
    st.markdown(" · ".join(links))
    return lab


def prose(lab: Lab, anchor: str) -> None:
    """The heading of one step and its text, with figures where the text asks for them."""
    st.header(f"{ANCHORS.index(anchor) + 1} {lab.lesson.heading(anchor, lab.language)}", anchor=anchor)
    values = measured_values(lab.lesson.id, lab.language)
    for part in split_figures(lab.lesson.sections(lab.language)[anchor]):
        if part.kind == "prose":
            with st.container(width=READING_WIDTH):
                st.markdown(fill_values(part.text, values))
        else:
            with boundary(), st.container(width=READING_WIDTH):
                lesson_figure(lab, part.text)


def predict(lab: Lab) -> bool:
    """The guesses; returns whether Train may be pressed."""
    with st.container(width=READING_WIDTH):
        return predict_step(lab)


def train(lab: Lab, ready: bool) -> None:
    """The lab: choices, Train and Stop, and the run as it goes."""
    with boundary():
        train_step(lab, ready)
    view = lab.shown_run()
    if view is not None and view.state == "finished":
        lab.done("train")


def look(lab: Lab) -> None:
    """The run from inside, the model's source, and the run to take home."""
    with boundary():
        look_step(lab)
    with boundary():
        source_view(lab.state.model, lab.key("source"))
    with boundary():
        take_home(lab)


def check(lab: Lab) -> None:
    """Questions, then challenges."""
    with st.container(width=READING_WIDTH):
        with boundary():
            questions(lab)
        with boundary():
            challenges(lab)


def close(lab: Lab) -> None:
    """References, the mark that the lesson is done, and the lesson that follows."""
    lang = lab.language
    with st.container(width=READING_WIDTH):
        if lab.lesson.references:
            st.subheader(t("lesson.references"), anchor="references")
            rows = [f"- [{one.text}]({one.url})" if one.url else f"- {one.text}" for one in lab.lesson.references]
            st.markdown("\n".join(rows))
        finished = any(step.anchor == ANCHORS[-1] and step.completed for step in lab.notebook.steps(lab.lesson.id))
        if finished:
            st.success(t("lesson.finished"))
        else:
            st.button(t("lesson.finish"), key=lab.key("finish"), on_click=lab.done, args=(ANCHORS[-1],))
        following = next((one for one in shell.lessons() if one.id == lab.lesson.next), None)
        if following is not None:
            st.subheader(t("lesson.next"), anchor=False)
            shell.lesson_link(following)
            st.caption(following.summary(lang))
    lab.show_link_in_address()
