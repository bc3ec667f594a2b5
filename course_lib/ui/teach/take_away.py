"""What the class has given as files, made when they are asked for; the role is asked for at that moment too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import streamlit as st

from course_lib.course import roles
from course_lib.course.class_export import class_csv, class_jsonl
from course_lib.ui import shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.teach.names import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from course_lib.course.lessons import Lesson
    from course_lib.course.store import Store

Form = Literal["csv", "jsonl"]
MIME = {"csv": "text/csv", "jsonl": "application/jsonl"}
NAMELESS = "teaching.export.nameless"  # session state


def export(key: str) -> None:
    """Two buttons, and whether names are left out."""
    classroom = guard.room(key)
    st.markdown(t("teach.export_lead"))
    if classroom.plan.anonymous:
        st.caption(t("teach.export_anonymous"))
    nameless = st.checkbox(t("teach.export_nameless"), value=hidden(), key=NAMELESS)
    store, learner, lessons, language = shell.store(), shell.learner(), shell.lessons(), shell.language()
    forms: tuple[Form, ...] = ("csv", "jsonl")
    with st.container(horizontal=True, key="teach_export"):
        for form in forms:
            st.download_button(
                t(f"teach.export_{form}"),
                file_of(store, learner, key, lessons, language, form, names=not nameless),
                file_name=f"{file_name(classroom.name)}.{form}",
                mime=MIME[form],
                key=f"teach_export_{form}",
                on_click="ignore",
            )


def file_of(
    store: Store, learner: str, key: str, lessons: Iterable[Lesson], language: str, form: Form, names: bool
) -> Callable[[], str]:
    """What makes the file: the browser asks for it at the press, long after the page was drawn."""

    def make() -> str:
        classroom = roles.require_class(store, learner, key)
        write = class_csv if form == "csv" else class_jsonl
        return write(store, key, lessons, language, names, classroom.plan.anonymous)

    return make


def file_name(name: str) -> str:
    """A class's name as a file's: letters and digits of any script, everything else a hyphen."""
    return re.sub(r"[^\w]+", "-", name).strip("-_")[:60] or "class"
