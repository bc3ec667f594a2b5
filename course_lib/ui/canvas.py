"""The business canvas on a page: a box at the end of each lesson, and all of them with their downloads."""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from course_lib.course import canvas
from course_lib.course.canvas import Box
from course_lib.course.lessons import Lesson
from course_lib.ui import shell
from course_lib.ui.certificate_pdf import PALE, new_paper, write_paragraph
from course_lib.ui.shell import t


def box(lesson: Lesson) -> None:
    """A lesson's box, kept whenever it is left."""
    key = f"lesson.{lesson.id}.canvas"
    st.text_area(
        t("canvas.box"),
        value=canvas.read_box(shell.notebook(), lesson.id),
        key=key,
        placeholder=t("canvas.hint"),  # no max_chars: Streamlit would cut what is longer and say nothing
        on_change=shell.guarded(partial(_keep, lesson.id, key), key),
        persist_state="session",
    )
    shell.told(key)


def _keep(lesson: str, key: str) -> None:
    canvas.write_box(shell.notebook(), lesson, st.session_state[key])


def whole() -> None:
    """What has been written in every lesson, and the plan as Markdown and PDF."""
    language = shell.language()
    plan = canvas.boxes(shell.notebook(), shell.lessons())
    written = canvas.lines(plan, language)
    st.caption(t("canvas.filled", filled=len(written), boxes=len(plan)))
    for one in plan:
        if not one.words.strip():
            continue
        with st.container(border=True, key=f"canvas_box_{one.lesson.id}"):
            shell.lesson_link(one.lesson)
            st.text(one.words.strip())  # as it was typed: what a learner writes is no markup
            if one.runs:
                st.caption(t("canvas.runs", runs=", ".join(one.runs)))
    if not written:
        st.info(t("canvas.empty"))
        return
    with st.container(horizontal=True, key="canvas_downloads"):
        st.download_button(
            t("canvas.as_markdown"), canvas.markdown(plan, language), "liverec-canvas.md", "text/markdown",
            key="canvas_markdown", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            t("canvas.as_pdf"), partial(as_pdf, plan, language), "liverec-canvas.pdf", "application/pdf",
            key="canvas_pdf", on_click="ignore",
        )  # fmt: skip


def as_pdf(plan: tuple[Box, ...], language: str) -> bytes:
    """The canvas on A4; a character that the font has not stands as its Unicode number."""
    title = t("canvas.title")
    pdf = new_paper(title, language, time.time())
    write_paragraph(pdf, title, 24)
    for heading, words, leans in canvas.lines(plan, language):
        write_paragraph(pdf, heading, 14, above=6)
        for paragraph in filter(str.strip, words.splitlines()):
            write_paragraph(pdf, paragraph, 10, above=1)
        if leans:
            write_paragraph(pdf, leans, 8, PALE, above=1)
    return bytes(pdf.output())
