"""One learner: limits of their own, a new start in one lesson or all, and the way out of the class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes
from course_lib.course.class_people import Person, class_people
from course_lib.course.forget import forget_lesson
from course_lib.errors import CourseError
from course_lib.ui import notices, shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.teach.limits import Chosen, limit_fields
from course_lib.ui.teach.names import names

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

LESSON, SURE = "teaching.reset.lesson", "teaching.reset.sure"  # session state


def one_member(key: str) -> None:
    """Chooses a member, and offers what can be done about them."""
    classroom = guard.room(key)
    everybody = class_people(shell.store(), key)
    called = names(everybody)
    if classroom.closed is None:
        _taken_out(key, called.hidden)
    if not everybody:
        st.caption(t("teach.nobody"))
        guard.told("member")
        return
    chosen = st.selectbox(
        t("teach.member"),
        [person.learner for person in everybody],
        format_func=called.of,
        index=None,
        key=f"teach_member_{called.hidden}",  # a browser keeps the words of a choice, and these change
        placeholder=t("teach.member_none"),
    )
    person = called.people.get(chosen or "")
    if person is None:
        guard.told("member")
        return
    name = shell.plain(called.of(person.learner))
    if classroom.closed is None:
        _own_limits(classroom, person, name)
    with st.container(horizontal=True, key="teach_member_do"):
        _reset(key, person, name)
        if classroom.closed is None:
            with st.popover(t("teach.remove"), key="teach_remove"):
                st.markdown(t("teach.remove_ask", name=name))
                st.button(
                    t("teach.remove_sure"),
                    type="primary",
                    key="teach_remove_sure",
                    on_click=guard.pressed("member", key, _remove, person.learner, name),
                )
    guard.told("member")


def _taken_out(key: str, hidden: bool) -> None:
    """Who was removed, each with the way back."""
    gone = [one for one in classes.members(shell.store(), key, removed=True) if one.removed is not None]
    for number, one in enumerate(gone, 1):
        name = t("teach.number", number=f"–{number}") if hidden else shell.plain(one.nickname)
        st.button(
            t("teach.readmit", name=name),
            key=f"teach_readmit_{number}",
            on_click=guard.pressed("member", key, _readmit, one.learner, name),
        )


def _readmit(classroom: Classroom, learner: str, name: str) -> None:
    classes.readmit_member(shell.store(), classroom.key, learner)
    notices.leave(t("teach.readmitted", name=name))


def _own_limits(classroom: Classroom, person: Person, name: str) -> None:
    """Where this learner may do more, or less, than the class."""
    of_class, own = classroom.limits, {}
    for member in classes.members(shell.store(), classroom.key):
        if member.learner == person.learner:
            own = dict(member.limits)
    now = {field: own.get(field, getattr(of_class, field)) for field in ("seconds", "parameters", "rows")}
    with st.expander(t("teach.own_limits", name=name), key="teach_own_limits"):
        chosen = limit_fields(f"own.{person.number}", now)
        st.button(
            t("teach.limits_save"),
            key="teach_own_limits_save",
            on_click=guard.pressed("member", classroom.key, _save_limits, person.learner, chosen),
        )


def _save_limits(classroom: Classroom, learner: str, chosen: Chosen) -> None:
    """Only what differs from the class's is kept, so that a later change of the class's reaches this learner too."""
    given = chosen()
    differs = {name: value for name, value in given.items() if value != getattr(classroom.limits, name)}
    _member(classroom, learner)
    classes.set_own_limits(shell.store(), classroom.key, learner, differs)
    notices.leave(t("teach.limits_saved"))


def _reset(key: str, person: Person, name: str) -> None:
    """A new start, asked twice: it takes away what a person has done."""
    titles: Mapping[str, str] = {one.id: one.title(shell.language()) for one in shell.lessons() if one.ready}
    with st.popover(t("teach.reset"), key="teach_reset"):
        lesson = st.selectbox(
            t("teach.reset_lesson"),
            ["", *titles],
            format_func=lambda one: titles.get(one, t("teach.reset_all")),
            key=f"{LESSON}.{shell.language()}",
        )
        where = titles.get(lesson, t("teach.reset_all"))
        st.markdown(t("teach.reset_ask", name=name, lesson=where))
        sure = f"{SURE}.{person.number}.{lesson}"
        st.checkbox(t("teach.reset_sure", name=name), key=sure)
        st.button(
            t("teach.reset_go"),
            type="primary",
            key="teach_reset_go",
            disabled=not st.session_state.get(sure),
            on_click=guard.pressed("member", key, _do_reset, person.learner, name, lesson, where, sure),
        )


def _do_reset(classroom: Classroom, learner: str, name: str, lesson: str, where: str, sure: str) -> None:
    if not st.session_state.get(sure):
        raise CourseError("reset_not_sure")
    _member(classroom, learner)
    forget_lesson(shell.store().learner(learner), lesson or None)
    st.session_state[sure] = False
    notices.leave(t("teach.reset_done", name=name, lesson=where))


def _remove(classroom: Classroom, learner: str, name: str) -> None:
    classes.remove_member(shell.store(), classroom.key, learner)
    notices.leave(t("teach.removed", name=name))


def _member(classroom: Classroom, learner: str) -> None:
    """Raises CourseError unless the learner is in this very class now: nobody else's work is an instructor's."""
    if all(member.learner != learner for member in classes.members(shell.store(), classroom.key)):
        raise CourseError("unknown_member")
