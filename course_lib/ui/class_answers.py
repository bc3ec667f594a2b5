"""How the class answered, beside a question or a guess that the learner has given an answer to, once it is revealed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from course_lib.course import class_watch
from course_lib.course.guesses import Guess
from course_lib.course.lessons import Lesson
from course_lib.course.measures import unit_of
from course_lib.course.pooled import Pooled, bin_of
from course_lib.course.quiz import Question
from course_lib.errors import CourseError
from course_lib.figures.class_answers import class_answers
from course_lib.figures.names import in_unit
from course_lib.ui import class_now, shell
from course_lib.ui.drawn import shared
from course_lib.ui.live_figure import live_figure
from course_lib.ui.shell import t


def class_answered(lesson: Lesson, question: Question, own: Collection[int]) -> None:
    """The class's answers to a question; ``own`` are the places that the learner chose."""
    pooled = revealed(lesson, question.id)
    if pooled is not None and len(pooled.counts) == len(question.options):
        draw(lesson, pooled, [option.text(shell.language()) for option in question.options], own)


def class_guessed(lesson: Lesson, guess: Guess, value: str | float) -> None:
    """The class's guesses; ``value`` is the learner's own."""
    pooled = revealed(lesson, guess.id)
    if pooled is None:
        return
    labels = guess_labels(guess, pooled)
    try:
        own = bin_of(guess, value)
    except CourseError:
        own = None
    if len(labels) == len(pooled.counts):
        draw(lesson, pooled, labels, () if own is None else (own,))


def guess_labels(guess: Guess, pooled: Pooled) -> list[str]:
    """What a guess's options are called, or the bins of its slider."""
    if guess.kind == "choice":
        return [option.text(shell.language()) for option in guess.options]
    unit, half = guess.unit or unit_of(guess.truth), guess.step / 2
    ends = [
        (in_unit(low + half, unit, whole=True), in_unit(min(high - half, guess.high), unit, whole=True))
        for low, high in zip(pooled.edges, pooled.edges[1:], strict=False)
    ]
    return [low if low == high else f"{low} – {high}" for low, high in ends]


def revealed(lesson: Lesson, name: str) -> Pooled | None:
    """The class's counts, where the learner is in a class that may see them."""
    state = class_now.snapshot()
    if state is None or (lesson.id, name) not in state.revealed:
        return None
    try:
        return class_watch.look_pooled(shell.store(), state.room, lesson).get(name)
    except CourseError:  # the question is whole without it
        return None


def draw(lesson: Lesson, pooled: Pooled, labels: Sequence[str], own: Collection[int] = (), place: str = "") -> None:
    """The picture, or a sentence where there are too few answers; ``place`` tells two of one page apart."""
    if not pooled.shown:
        st.caption(t("classroom.pooled_hidden"))
        return
    language, mine = shell.language(), tuple(sorted(own))
    figure = shared(
        ("class_answers", lesson.id, pooled.name, language, mine, tuple(labels)),
        pooled,
        lambda: class_answers(pooled, labels, language, mine),
    )
    live_figure(figure, key=f"class_answers.{lesson.id}.{pooled.name}{place}")
