"""The Check step: questions with an explanation for every option, and challenges that the labs grade themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from course_lib.course.challenges import Challenge, GradedChallenge, Miss, figures, grade_challenge
from course_lib.course.labs import as_result
from course_lib.course.lessons import Lesson
from course_lib.course.quiz import Question
from course_lib.course.store import Answer, ChallengeTried
from course_lib.experiments.light import answer_light
from course_lib.figures.names import choice_name, dataset_name, measure_name, setting_name
from course_lib.ui import class_now, shell
from course_lib.ui.class_answers import class_answered
from course_lib.ui.lab import Lab
from course_lib.ui.language import keep_choice
from course_lib.ui.shell import t


def _key(lesson: Lesson, question: Question, name: str = "") -> str:
    """The session key of one of a question's things."""
    return f"lesson.{lesson.id}.quiz.{question.id}{name}"


def questions(lesson: Lesson) -> None:
    """All questions; each is a fragment of its own, so that an answer redraws one question."""
    for number, question in enumerate(lesson.quiz.questions, 1):
        draw_question(lesson, number, question)


def draw_question(lesson: Lesson, number: int, question: Question) -> None:
    """One question on its own, asked or with what was answered."""
    st.fragment(_question, key=f"question-{lesson.id}-{question.id}")(lesson, number, question)


def _question(lesson: Lesson, number: int, question: Question) -> None:
    attempts = [
        answer
        for answer in shell.notebook().attempts(lesson.id)
        if answer.question == question.id and answer.version == question.version
    ]
    again = _key(lesson, question, ".again")
    with st.container(border=True):
        if attempts and not st.session_state.get(again):
            _answered(lesson, number, question, attempts)
        else:
            _ask(lesson, number, question)


def _ask(lesson: Lesson, number: int, question: Question) -> None:
    key = _key(lesson, question, "")
    language = shell.language()
    prompt = f"**{number}.** {question.prompt(language)}"
    places = list(range(len(question.options)))
    if question.several:
        st.markdown(prompt)
        st.caption(t("quiz.several"))
        chosen = [
            place
            for place in places
            if st.checkbox(question.options[place].text(language), key=f"{key}.{place}", persist_state="session")
        ]
    else:
        keep_choice(key)
        one = st.radio(
            prompt,
            places,
            format_func=lambda place: question.options[place].text(language),
            index=None,
            key=key,
            persist_state="session",
        )
        chosen = [] if one is None else [one]
    st.button(
        t("quiz.answer"),
        key=f"{key}.answer",
        disabled=not chosen,
        on_click=shell.guarded(_answer, key),
        args=(lesson, question, chosen),
    )
    shell.told(key)


def _answer(lesson: Lesson, question: Question, chosen: list[int]) -> None:
    graded = question.grade(chosen)
    shell.notebook().record_answer(lesson.id, question.id, graded.chosen, graded.correct, question.version)
    st.session_state[_key(lesson, question, ".again")] = False
    class_now.note(lesson.id, anchor="check")
    given = {(answer.question, answer.version) for answer in shell.notebook().attempts(lesson.id)}
    if {(one.id, one.version) for one in lesson.quiz.questions} <= given:  # an older wording's answer is none
        shell.notebook().mark(lesson.id, "idea", "check")


def _answered(lesson: Lesson, number: int, question: Question, attempts: list[Answer]) -> None:
    last = attempts[-1]
    st.markdown(f"**{number}.** {question.prompt(shell.language())}")
    (st.success if last.correct else st.warning)(t("quiz.right" if last.correct else "quiz.wrong"))
    for place, option in enumerate(question.options):
        sign = "✓" if option.correct else "✗"
        verdict = t("quiz.option_right" if option.correct else "quiz.option_wrong")
        mine = f" · {t('quiz.yours')}" if place in last.chosen else ""
        st.markdown(f"**{sign} {option.text(shell.language())}** ({verdict}{mine})\n\n{option.why(shell.language())}")
    class_answered(lesson, question, last.chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        retry = _key(lesson, question, ".retry")
        st.button(t("quiz.again"), key=retry, on_click=shell.guarded(ask_again, retry), args=(lesson, question))
        st.caption(t("quiz.saved", attempts=len(attempts)))
    shell.told(_key(lesson, question), retry)  # the answer may be kept although what follows it failed


def ask_again(lesson: Lesson, question: Question) -> None:
    """Asks a question anew, as if nothing had been chosen; what was answered before stays in the notebook."""
    key = _key(lesson, question, "")
    for name in [key, *(f"{key}.{place}" for place in range(len(question.options)))]:
        st.session_state.pop(name, None)
    st.session_state[_key(lesson, question, ".again")] = True


def challenges(lesson: Lesson, labs: Mapping[str, Lab]) -> None:
    """All challenges, each graded on what its lab shows and remembered with it."""
    tried = shell.notebook().challenges(lesson.id)
    for challenge in lesson.challenges:
        lab = labs.get(challenge.lab)
        if lab is None:
            continue
        mine = [one for one in tried if one.challenge == challenge.id]
        with st.container(border=True):
            st.subheader(t("quiz.challenge"), anchor=False)
            st.markdown(_task(challenge, lab.language))
            if any(one.passed for one in mine):
                st.success(t("quiz.challenge_passed", attempts=len(mine)))
            with shell.boundary():
                _grade(lab, challenge, mine)
            _hints(lab, challenge)


def _grade(lab: Lab, challenge: Challenge, mine: Sequence[ChallengeTried]) -> None:
    """Holds what the lab shows against the challenge; each run counts as one attempt."""
    attempt = attempt_of(lab)
    if attempt is None:
        st.caption(t("quiz.challenge_open"))
        return
    graded = grade_challenge(challenge, attempt.result, attempt.settings, attempt.dataset)
    _graded(lab, graded)
    if all(one.run_id != attempt.id for one in mine):
        details: dict[str, Any] = {"missing": [asdict(miss) for miss in graded.missing], "sure": graded.sure}
        details["figures"] = figures(challenge, attempt.result, attempt.settings)  # a certificate states them
        lab.notebook.record_challenge(lab.lesson.id, challenge.id, attempt.id, graded.passed, details)


@dataclass(frozen=True)
class Attempt:
    """What a challenge is held against."""

    id: str  # the run's, or a digest of a light experiment's settings
    result: Mapping[str, Any]
    settings: Mapping[str, Any]
    dataset: str


def attempt_of(lab: Lab) -> Attempt | None:
    """The finished run on show, or the answer to the present settings of a light experiment once they were changed."""
    if lab.plan.card.light:
        settings = lab.plan.card.check(lab.state.settings)
        if settings == lab.plan.card.check(lab.plan.settings):
            return None  # nothing has been tried yet
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        return Attempt(digest, as_result(answer_light(lab.plan.experiment, settings)), settings, "")
    view = lab.shown_run()
    if view is None or view.result is None or view.config is None:
        return None
    dataset = view.config.dataset.name if view.config.dataset is not None else ""
    return Attempt(view.run_id, view.result, view.config.settings, dataset)


def _task(challenge: Challenge, language: str) -> str:
    """The prompt and, in numbers, what counts."""
    goals = []
    if challenge.at_least is not None:
        goals.append(t("quiz.at_least", name=_named(challenge.measure, language), value=_number(challenge.at_least)))
    if challenge.at_most is not None:
        goals.append(t("quiz.at_most", name=_named(challenge.measure, language), value=_number(challenge.at_most)))
    for relation, bounds in (("at_most", challenge.limits), ("at_least", challenge.floors)):
        goals += [
            t(f"quiz.{relation}", name=_named(name, language), value=_number(bound)) for name, bound in bounds.items()
        ]
    goals += [
        t("quiz.fixed", name=_named(name, language), value=choice_name(name, value, language))
        for name, value in challenge.fixed.items()
    ]
    return f"{challenge.prompt(language)}\n\n" + " · ".join(goals)


def _graded(lab: Lab, graded: GradedChallenge) -> None:
    if graded.passed:
        st.success(t("quiz.run_passes" if graded.sure else "quiz.run_passes_barely"))
        return
    other_data = [miss for miss in graded.missing if miss.name == "dataset"]  # then the numbers mean nothing here
    st.warning("\n\n".join(_missed(miss, lab.language) for miss in other_data or graded.missing))


def _missed(miss: Miss, language: str) -> str:
    if miss.name == "dataset":
        return t("quiz.missed_dataset", wanted=dataset_name(str(miss.wanted), language))
    if miss.relation == "is":
        wanted, got = (choice_name(miss.name, one, language) for one in (miss.wanted, miss.got))
        return t("quiz.missed_is", name=_named(miss.name, language), wanted=wanted, got=got)
    return t(
        f"quiz.missed_{miss.relation}",
        name=_named(miss.name, language),
        wanted=_number(miss.wanted),
        got=_number(miss.got),
        by=_number(miss.by),
    )


def _named(name: str, language: str) -> str:
    """A measure or a setting in the learner's words."""
    known = measure_name(name, language)
    return setting_name(name, language) if known == name else known


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

        label = t("quiz.next_hint", number=shown + 1, hints=len(hints))
        st.button(label, key=f"{name}.more", on_click=shell.guarded(more, name))
        shell.told(name)
