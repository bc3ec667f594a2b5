"""The Check step: questions with an explanation for every option, and challenges that the lab grades itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from course_lib.course.labs import Challenge, GradedChallenge, Miss, grade_challenge
from course_lib.course.quiz import Question
from course_lib.course.store import Answer
from course_lib.errors import CourseError
from course_lib.text import strings
from course_lib.ui.lab_session import Lab
from course_lib.ui.language import dataset_name
from course_lib.ui.shell import plain, t


def questions(lab: Lab) -> None:
    """All questions; each is a fragment of its own, so that an answer redraws one question."""
    for number, question in enumerate(lab.lesson.quiz.questions, 1):
        st.fragment(_question, key=f"question-{question.id}")(lab, number, question)


def _question(lab: Lab, number: int, question: Question) -> None:
    attempts = [
        answer
        for answer in lab.notebook.attempts(lab.lesson.id)
        if answer.question == question.id and answer.version == question.version
    ]
    again = lab.key(f"quiz.{question.id}.again")
    with st.container(border=True):
        if attempts and not st.session_state.get(again):
            _answered(lab, number, question, attempts)
        else:
            _ask(lab, number, question)


def _ask(lab: Lab, number: int, question: Question) -> None:
    key = lab.key(f"quiz.{question.id}")
    prompt = f"**{number}.** {question.prompt(lab.language)}"
    places = list(range(len(question.options)))
    if question.several:
        st.markdown(prompt)
        st.caption(t("quiz.several"))
        chosen = [
            place
            for place in places
            if st.checkbox(question.options[place].text(lab.language), key=f"{key}.{place}", persist_state="session")
        ]
    else:
        lab.keep_choice(key)
        one = st.radio(
            prompt,
            places,
            format_func=lambda place: question.options[place].text(lab.language),
            index=None,
            key=key,
            persist_state="session",
        )
        chosen = [] if one is None else [one]
    st.button(
        t("quiz.answer"), key=f"{key}.answer", disabled=not chosen, on_click=_answer, args=(lab, question, chosen)
    )


def _answer(lab: Lab, question: Question, chosen: list[int]) -> None:
    graded = question.grade(chosen)
    lab.notebook.record_answer(lab.lesson.id, question.id, graded.chosen, graded.correct, question.version)
    st.session_state[lab.key(f"quiz.{question.id}.again")] = False
    given = {(answer.question, answer.version) for answer in lab.notebook.attempts(lab.lesson.id)}
    if {(one.id, one.version) for one in lab.lesson.quiz.questions} <= given:  # an older wording's answer is none
        lab.done("check")


def _answered(lab: Lab, number: int, question: Question, attempts: list[Answer]) -> None:
    last = attempts[-1]
    st.markdown(f"**{number}.** {question.prompt(lab.language)}")
    (st.success if last.correct else st.warning)(t("quiz.right" if last.correct else "quiz.wrong"))
    for place, option in enumerate(question.options):
        sign = "✓" if option.correct else "✗"
        verdict = t("quiz.option_right" if option.correct else "quiz.option_wrong")
        mine = f" · {t('quiz.yours')}" if place in last.chosen else ""
        st.markdown(f"**{sign} {option.text(lab.language)}** ({verdict}{mine})\n\n{option.why(lab.language)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("quiz.again"), key=lab.key(f"quiz.{question.id}.retry"), on_click=_again, args=(lab, question))
        st.caption(t("quiz.saved", attempts=len(attempts)))


def _again(lab: Lab, question: Question) -> None:
    key = lab.key(f"quiz.{question.id}")
    for name in [key, *(f"{key}.{place}" for place in range(len(question.options)))]:
        st.session_state.pop(name, None)
    st.session_state[lab.key(f"quiz.{question.id}.again")] = True


def challenges(lab: Lab) -> None:
    """All challenges, each graded on the finished run on show and remembered with it."""
    view = lab.shown_run()
    tried = lab.notebook.challenges(lab.lesson.id)
    for challenge in lab.lesson.challenges:
        mine = [one for one in tried if one.challenge == challenge.id]
        with st.container(border=True):
            st.subheader(t("quiz.challenge"), anchor=False)
            st.markdown(_task(challenge, lab.language))
            if any(one.passed for one in mine):
                st.success(t("quiz.challenge_passed", attempts=len(mine)))
            if view is not None and view.result is not None and view.config is not None:
                try:
                    graded = grade_challenge(challenge, view.result, view.config)
                except CourseError as error:
                    st.caption(plain(error.text(lab.language)))
                else:
                    _graded(lab, graded)
                    if all(one.run_id != view.run_id for one in mine):
                        details: dict[str, Any] = {"missing": [asdict(miss) for miss in graded.missing]}
                        lab.notebook.record_challenge(
                            lab.lesson.id, challenge.id, view.run_id, graded.passed, {**details, "sure": graded.sure}
                        )
            else:
                st.caption(t("quiz.challenge_open"))
            _hints(lab, challenge)


def _task(challenge: Challenge, language: str) -> str:
    """The prompt and, in numbers, what counts."""
    goals = []
    if challenge.at_least is not None:
        goals.append(t("quiz.at_least", name=_named(challenge.measure, language), value=_number(challenge.at_least)))
    if challenge.at_most is not None:
        goals.append(t("quiz.at_most", name=_named(challenge.measure, language), value=_number(challenge.at_most)))
    goals += [
        t("quiz.at_most", name=_named(name, language), value=_number(most)) for name, most in challenge.limits.items()
    ]
    return f"{challenge.prompt(language)}\n\n" + " · ".join(goals)


def _graded(lab: Lab, graded: GradedChallenge) -> None:
    if graded.passed:
        st.success(t("quiz.run_passes" if graded.sure else "quiz.run_passes_barely"))
        return
    other_data = [miss for miss in graded.missing if miss.relation == "is"]  # then the numbers mean nothing here
    st.warning("\n\n".join(_missed(miss, lab.language) for miss in other_data or graded.missing))


def _missed(miss: Miss, language: str) -> str:
    if miss.relation == "is":
        return t("quiz.missed_dataset", wanted=dataset_name(str(miss.wanted), language))
    return t(
        f"quiz.missed_{miss.relation}",
        name=_named(miss.name, language),
        wanted=_number(miss.wanted),
        got=_number(miss.got),
        by=_number(miss.by),
    )


def _named(name: str, language: str) -> str:
    """A measure or a setting in the learner's words."""
    return strings(language).get(f"quiz.name_{name.replace('@', '_at_')}", name)


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value == round(value) and abs(value) >= 1 else f"{value:.3f}"


def _hints(lab: Lab, challenge: Challenge) -> None:
    """Hints one at a time; those already shown stay."""
    hints = challenge.hints[lab.language]
    name = lab.key(f"hints.{challenge.id}")
    shown = min(int(st.session_state.get(name, 0)), len(hints))
    for number, hint in enumerate(hints[:shown], 1):
        st.markdown(t("quiz.hint", number=number, hint=hint))
    if shown < len(hints):

        def more() -> None:
            st.session_state[name] = shown + 1

        st.button(t("quiz.next_hint", number=shown + 1, hints=len(hints)), key=f"{name}.more", on_click=more)
