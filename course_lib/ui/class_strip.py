"""A quiet line that members of a class have on a lesson's page: help, and the way to where everybody is called.

It asks every five seconds, and all of a class's watchers share one look into the database. It leads nobody away by
itself: a page that moves takes an answer half typed and a run being watched with it, so the learner presses.
"""

from __future__ import annotations

import streamlit as st

from course_lib.course import class_watch, classes
from course_lib.course.class_plan import Call
from course_lib.course.class_watch import Snapshot
from course_lib.course.lessons import Lesson
from course_lib.errors import CourseError
from course_lib.ui import class_now, shell
from course_lib.ui.shell import plain, t
from course_lib.ui.this_run import one_run

POLL_S = 5.0
HELP = "class_help"


def strip(lesson: Lesson) -> None:
    """Draws the line, and again every five seconds; nothing for who is in no class."""
    found = class_now.mine()
    if found is not None:
        with shell.boundary():
            state = class_now.snapshot()
            drawn = None if state is None else _drawn_of(state, lesson.id)
            st.fragment(_strip, run_every=POLL_S)(found[0].key, lesson.id, drawn)


def _drawn_of(state: Snapshot, lesson: str) -> object:
    """What of the class decides how the rest of the lesson's page is drawn."""
    revealed = frozenset(name for where, name in state.revealed if where == lesson)
    return state.room.closed, state.room.plan.open, state.room.plan.readable, revealed, _learner_in(state)


def _learner_in(state: Snapshot) -> bool:
    return shell.learner() in state.members


@one_run()
def _strip(key: str, lesson: str, drawn: object) -> None:
    try:
        state = class_watch.look(shell.store(), key)
    except CourseError:  # deleted, or not to be read: the page goes on, and the next look may succeed
        return
    if drawn is not None and _drawn_of(state, lesson) != drawn:
        st.rerun()  # the whole page, once: something has opened, or is shown now
    me = state.members.get(shell.learner())
    if me is None or state.room.closed is not None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="class_strip"):
        st.caption(plain(t("classroom.strip", name=state.room.name, nickname=me.nickname)))
        help_button(key, asked=me.help_since is not None)
        called = state.room.plan.called
        if called is not None:
            _call(called, lesson)
    shell.told(HELP)


def help_button(key: str, asked: bool) -> None:
    """Asks for help, or says that it is not needed any more."""
    label = t("classroom.help_asked" if asked else "classroom.help_ask")
    st.button(label, key=HELP, on_click=shell.guarded(lambda: _ask(key, not asked), HELP), type="tertiary")


def _ask(key: str, on: bool) -> None:
    classes.ask_help(shell.store(), shell.learner(), on)
    class_watch.look_again(shell.store(), key)


def _call(called: Call, here: str) -> None:
    """Where everybody is called: a link within the page, or a button to another."""
    place = place_name(called.lesson, called.anchor)
    if place is None:
        return
    if called.lesson != here:
        st.markdown(f"**{plain(t('classroom.called', place=place))}**")
        go_there(called, "class_go")
    elif called.anchor:
        st.markdown(f"**{plain(t('classroom.called', place=place))}** [{t('classroom.go')}](#{called.anchor})")


def go_there(called: Call, key: str) -> None:
    """The button that leads to where everybody is called."""
    if st.button(t("classroom.go"), key=key, type="primary"):
        shell.open_lesson(called.lesson)


def place_name(lesson: str, anchor: str) -> str | None:
    """A lesson and a step in the learner's words; None for a lesson that is not there or not ready."""
    found = next((one for one in shell.lessons() if one.id == lesson), None)
    if found is None or not shell.lesson_ready(found):
        return None
    language = shell.language()
    heading = found.headings.get(language, {}).get(anchor, "")
    return f"{found.title(language)} · {heading}" if heading else found.title(language)


def held(lesson: Lesson) -> None:
    """What stands where a lesson would be that the class has not opened yet."""
    shell.title(lesson.title(shell.language()), lesson.summary(shell.language()))
    st.info(t("classroom.lesson_held"))
    strip(lesson)
    st.page_link(shell.page_file(shell.HOME), label=t("shell.back"))
