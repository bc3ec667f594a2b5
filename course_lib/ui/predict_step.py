"""The Predict step: the learner commits to guesses before anything runs; the run scores them by its own interval."""

from __future__ import annotations

from typing import Any

import streamlit as st

from course_lib.course.labs import Guess, grade_guess
from course_lib.course.measures import Estimate
from course_lib.errors import CourseError
from course_lib.figures.base import model_name
from course_lib.runs.view import RunView
from course_lib.text import text
from course_lib.ui.lab_session import Lab
from course_lib.ui.lab_state import preset_state
from course_lib.ui.shell import plain, t

PERCENT = ("share_of_", "gain_over_", "shuffle_cost")  # measures that are shares


def predict_step(lab: Lab) -> bool:
    """Draws the guesses; returns whether Train may be pressed: all are given, or the learner has skipped them."""
    given = lab.notebook.guesses(lab.lesson.id)
    skipped = bool(lab.notebook.preference(_skip_name(lab), False))
    view = lab.shown_run()
    for guess in lab.lesson.guesses:
        if guess.id in given:
            _given(lab, guess, given[guess.id].value, view)
        else:
            _ask(lab, guess)
    complete = all(guess.id in given for guess in lab.lesson.guesses)
    if complete:
        lab.done("why", "idea", "predict")
    elif skipped:
        st.caption(t("predict.skipped"))
    else:
        st.button(t("predict.skip"), key=lab.key("guess.skip"), on_click=_skip, args=(lab,))
    return complete or skipped


def _ask(lab: Lab, guess: Guess) -> None:
    key = lab.key(f"guess.{guess.id}")
    lab.keep_choice(key)
    with st.container(border=True):
        if guess.kind == "choice":
            value: Any = st.radio(
                guess.prompt(lab.language),
                [option.id for option in guess.options],
                format_func=lambda id: guess.option(id).text(lab.language),
                index=None,
                key=key,
                persist_state="session",
            )
        else:
            middle = guess.low + round((guess.high - guess.low) / 2 / guess.step) * guess.step
            value = st.slider(
                guess.prompt(lab.language),
                float(guess.low),
                float(guess.high),
                float(middle),
                float(guess.step),
                format="percent" if guess.unit == "share" else f"%g {guess.unit}".strip(),
                key=key,
                persist_state="session",
            )
        st.button(
            t("predict.commit"),
            key=f"{key}.commit",
            disabled=value is None,
            on_click=_commit,
            args=(lab, guess, value),
        )


def _commit(lab: Lab, guess: Guess, value: Any) -> None:
    lab.notebook.record_guess(lab.lesson.id, guess.id, guess.check(value))


def _skip(lab: Lab) -> None:
    lab.notebook.set_preference(_skip_name(lab), True)


def _skip_name(lab: Lab) -> str:
    return f"{lab.lesson.id}.guesses_skipped"


def _given(lab: Lab, guess: Guess, value: str | float, view: RunView | None) -> None:
    """A guess that stands, and what the run says about it."""
    with st.container(border=True):
        st.markdown(guess.prompt(lab.language))
        try:
            st.markdown(t("predict.yours", value=spoken(guess, guess.check(value), lab.language)))
        except CourseError as error:  # the lesson's options have changed since
            st.caption(plain(error.text(lab.language)))
            return
        if view is None or view.result is None:
            st.caption(t("predict.saved"))
            return
        asked = preset_state(lab.lesson.presets).model
        if view.result["model"] != asked:
            st.caption(t("predict.other_model", model=model_name(asked, lab.language)))
            return
        try:
            scored = grade_guess(guess, value, view.result)
        except CourseError as error:
            st.caption(plain(error.text(lab.language)))
            return
        sentence = t(f"predict.{scored.verdict}", truth=measured(guess.truth, scored.truth, lab.language))
        {"right": st.success, "wrong": st.warning, "open": st.info}[scored.verdict](sentence)


def spoken(guess: Guess, value: str | float, language: str) -> str:
    """A guess as the learner gave it."""
    if guess.kind == "choice":
        return guess.option(str(value)).text(language)
    return f"{float(value):.0%}" if guess.unit == "share" else f"{float(value):g} {guess.unit}".strip()


def measured(name: str, truth: Estimate, language: str) -> str:
    """An estimate with its interval, in the measure's own unit."""
    if name in ("parameters", "seconds"):
        return f"{truth.value:,.0f}"
    low, value, high = (
        f"{number:.1%}" if name.startswith(PERCENT) else f"{number:.3f}"
        for number in (truth.low, truth.value, truth.high)
    )
    return text("predict.interval", language, value=value, low=low, high=high)
