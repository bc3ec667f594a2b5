"""What the class answers and guesses, pooled: for the instructor to look at, and for all once it is revealed.

What is not revealed stands folded away, so that a page on a projector gives nothing away.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes
from course_lib.course.lessons import Lesson
from course_lib.course.pooled import Pooled, pooled_answers, pooled_guesses
from course_lib.errors import CourseError
from course_lib.ui import class_answers, shell
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.this_run import one_run

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom

POLL_S = 4.0
LESSON, ANONYMOUS = "teaching.answers.lesson", "teaching.anonymous"  # session state


def answers(key: str) -> None:
    """Questions and guesses of one lesson, brought up to date every few seconds."""
    classroom = guard.room(key)
    lessons = {lesson.id: lesson for lesson in shell.lessons() if shell.lesson_ready(lesson)}
    lang = shell.language()
    present = classes.members(shell.store(), key)
    where = Counter(member.lesson for member in present if member.lesson in lessons).most_common(1)
    known = list(lessons)
    chosen = st.selectbox(
        t("teach.lesson"),
        known,
        index=known.index(where[0][0]) if where else 0,  # where most of them are
        format_func=lambda one: lessons[one].title(lang),
        key=f"{LESSON}.{lang}",
    )
    _anonymous(classroom, bool(present))
    if chosen in lessons:
        st.fragment(_pooled, run_every=POLL_S if classroom.closed is None else None)(key, lessons[chosen])


def _anonymous(classroom: Classroom, joined: bool) -> None:
    """Whether small counts stay hidden: promised to whoever joins, so nobody takes it back afterwards."""
    st.session_state[ANONYMOUS] = classroom.plan.anonymous
    st.toggle(
        t("teach.anonymous"),
        key=ANONYMOUS,
        help=t("teach.anonymous_help"),
        disabled=classroom.closed is not None or (joined and classroom.plan.anonymous),
        on_change=guard.pressed("answers", classroom.key, _set_anonymous),
    )
    guard.told("answers")


def _set_anonymous(classroom: Classroom) -> None:
    wanted = bool(st.session_state.get(ANONYMOUS))
    if not wanted and classes.members(shell.store(), classroom.key, removed=True):
        raise CourseError("anonymous_promised")
    classes.set_anonymous(shell.store(), classroom.key, wanted)


@one_run()
def _pooled(key: str, lesson: Lesson) -> None:
    with shell.boundary():
        classroom = guard.room(key)
        lang = shell.language()
        guessed = pooled_guesses(shell.store(), classroom, lesson)
        answered = pooled_answers(shell.store(), classroom, lesson)
        if lesson.guesses:
            st.subheader(t("teach.guesses"), anchor=False)
        for guess in lesson.guesses:
            one = guessed[guess.id]
            _one(classroom, lesson, one, guess.prompt(lang), class_answers.guess_labels(guess, one))
        st.subheader(t("teach.questions"), anchor=False)
        for question in lesson.quiz.questions:
            one = answered[question.id]
            _one(classroom, lesson, one, question.prompt(lang), [option.text(lang) for option in question.options])
        guard.told("reveal")


def _one(classroom: Classroom, lesson: Lesson, pooled: Pooled, prompt: str, labels: list[str]) -> None:
    """One question: its bars, folded away until they are revealed, and the button that reveals or hides them."""
    name = f"{lesson.id}_{pooled.name}"
    with st.container(border=True, key=f"teach_pooled_{name}"):
        st.markdown(f"**{prompt}**")
        if not pooled.shown:
            st.caption(t("teach.too_few" if classroom.plan.anonymous else "teach.none_yet"))
        elif pooled.revealed:
            class_answers.draw(lesson, pooled, labels, place=".teach")
        else:
            with st.expander(t("teach.look", people=pooled.people or 0), key=f"teach_look_{name}"):
                class_answers.draw(lesson, pooled, labels, place=".teach")
        st.button(
            t("teach.hide" if pooled.revealed else "teach.reveal"),
            key=f"teach_reveal_{name}",
            type="secondary" if pooled.revealed else "primary",
            disabled=classroom.closed is not None,
            on_click=guard.pressed("reveal", classroom.key, _reveal, lesson.id, pooled.name, not pooled.revealed),
        )


def _reveal(classroom: Classroom, lesson: str, name: str, shown: bool) -> None:
    classes.reveal(shell.store(), classroom.key, lesson, name, shown)
