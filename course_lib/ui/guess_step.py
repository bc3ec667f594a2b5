"""The Predict step: the learner commits to guesses, one at a time, before anything runs; the lab's run grades them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from course_lib.course.grading import verdict
from course_lib.course.guesses import Guess, ScoredGuess
from course_lib.course.lessons import Lesson
from course_lib.course.measures import Estimate, unit_of
from course_lib.errors import CourseError
from course_lib.figures.guesses import guess_axis
from course_lib.figures.names import in_unit
from course_lib.text import text
from course_lib.ui import shell
from course_lib.ui.class_answers import class_guessed
from course_lib.ui.lab import Lab
from course_lib.ui.language import keep_choice
from course_lib.ui.live_figure import live_figure
from course_lib.ui.shell import plain, t

TROUBLE = "guess"  # names the place where a press of Commit says what it could not do


def guess_step(lesson: Lesson) -> bool:
    """Draws the first guess that is open; returns whether Train may be pressed: all are given, or skipped."""
    notebook = shell.notebook()
    given = notebook.guesses(lesson.id)
    open_ones = [guess for guess in lesson.guesses if guess.id not in given]
    skipped = _skipped(lesson)
    for guess in lesson.guesses:
        if guess.id in given:
            _given(guess, given[guess.id].value)
            class_guessed(lesson, guess, given[guess.id].value)
    if open_ones:
        _ask(lesson, open_ones[0], len(lesson.guesses) - len(open_ones) + 1)
    shell.told(f"{TROUBLE}.{lesson.id}")
    if not open_ones:
        notebook.mark(lesson.id, "why", "try", "predict")
        return True
    if skipped:
        st.caption(t("predict.skipped"))
    # Where nobody can say what was guessed, the lab is open all the same.
    return skipped or shell.memory_trouble() is not None


def _ask(lesson: Lesson, guess: Guess, number: int) -> None:
    language = shell.language()
    key = f"guess.{lesson.id}.{guess.id}"
    keep_choice(key)
    with st.container(border=True):
        label = f"**{number}/{len(lesson.guesses)}** {guess.prompt(language)}"
        if guess.kind == "choice":
            value: Any = st.radio(
                label,
                [option.id for option in guess.options],
                format_func=lambda id: guess.option(id).text(language),
                index=None,
                key=key,
                persist_state="session",
            )
        else:  # nothing is chosen until the learner moves it: a default would be an answer already
            steps = round((guess.high - guess.low) / guess.step)
            value = st.select_slider(
                label,
                [None, *(round(guess.low + place * guess.step, 10) for place in range(steps + 1))],
                format_func=lambda one: "?" if one is None else spoken(guess, one, language),
                key=key,
                persist_state="session",
            )
        with st.container(horizontal=True):
            st.button(
                t("predict.commit"),
                type="primary",
                key=f"{key}.commit",
                disabled=value is None,
                on_click=shell.guarded(lambda: _commit(lesson, guess, value), f"{TROUBLE}.{lesson.id}"),
            )
            if not shell.notebook().preference(_skip_name(lesson), False):
                skip = shell.guarded(lambda: _skip(lesson), f"{TROUBLE}.{lesson.id}")
                st.button(t("predict.skip"), key=f"guess.{lesson.id}.skip", on_click=skip)


def _commit(lesson: Lesson, guess: Guess, value: Any) -> None:
    shell.notebook().record_guess(lesson.id, guess.id, guess.check(value))


def _skip(lesson: Lesson) -> None:
    st.session_state[_skip_key(lesson)] = True  # holds in this tab, whether or not it can be kept
    shell.notebook().set_preference(_skip_name(lesson), True)


def _skip_name(lesson: Lesson) -> str:
    return f"{lesson.id}.guesses_skipped"


def _skip_key(lesson: Lesson) -> str:
    return f"guess.{lesson.id}.skipped"


def _skipped(lesson: Lesson) -> bool:
    return bool(st.session_state.get(_skip_key(lesson)) or shell.notebook().preference(_skip_name(lesson), False))


def settled(lesson: Lesson) -> bool:
    """Whether the lesson's own numbers may be shown: everything is guessed, or the guesses are skipped."""
    given = shell.notebook().guesses(lesson.id)
    return _skipped(lesson) or all(one.id in given for one in lesson.guesses)


def _given(guess: Guess, value: str | float) -> None:
    """A guess that stands, in one line; its verdict is in the lab."""
    language = shell.language()
    try:
        said = spoken(guess, guess.check(value), language)
    except CourseError as error:  # the lesson's options have changed since
        st.caption(plain(error.text(language)))
        return
    st.markdown(f"✓ {guess.prompt(language)}  \n{t('predict.yours', value=said)}")


def verdicts(lab: Lab) -> None:
    """Every guess of the lesson beside what the lab's own run says, with the learner's mark on the axis."""
    given = lab.notebook.guesses(lab.lesson.id)
    if not any(guess.id in given for guess in lab.guesses):
        st.caption(t("predict.none_given"))
    for guess in lab.guesses:
        if guess.id in given:
            with shell.boundary():
                _verdict(lab, guess, given[guess.id].value)


def _verdict(lab: Lab, guess: Guess, value: Any) -> None:
    scored = verdict(lab.notebook, lab.lesson, guess, value, shell.runs().watch)
    st.markdown(f"**{guess.prompt(lab.language)}**  \n{t('predict.yours', value=spoken(guess, value, lab.language))}")
    if scored is None:
        st.caption(t("predict.saved"))
        return
    st.markdown(sentence(guess, scored, lab.language))
    live_figure(guess_axis(guess, value, scored, lab.language), key=lab.key(f"figure.guess.{guess.id}"))


def sentence(guess: Guess, scored: ScoredGuess, language: str) -> str:
    """What the run says of a guess."""
    sign = {"right": "✓", "wrong": "✗", "open": "~"}[scored.verdict]
    return f"{sign} {text(f'predict.{scored.verdict}', language, truth=measured(guess, scored.truth, language))}"


def spoken(guess: Guess, value: str | float, language: str) -> str:
    """A guess as the learner gave it."""
    if guess.kind == "choice":
        return guess.option(str(value)).text(language)
    return in_unit(float(value), guess.unit or unit_of(guess.truth), whole=True)


def measured(guess: Guess, truth: Estimate, language: str) -> str:
    """An estimate with its interval, in the measure's own unit."""
    unit = unit_of(guess.truth)
    if truth.low == truth.high:
        return in_unit(truth.value, unit)
    low, value, high = (in_unit(number, unit) for number in (truth.low, truth.value, truth.high))
    return text("predict.interval", language, value=value, low=low, high=high)
