"""The parts of "My progress": lessons, answers, guesses against outcomes, runs, and the learner's own data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import streamlit as st

from course_lib.course.export import activity_csv
from course_lib.course.forget import forget_learner, forget_lesson
from course_lib.course.labs import Guess, grade_guess
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS
from course_lib.course.progress import lesson_progress
from course_lib.course.quiz import Question
from course_lib.course.store import Activity, Answer, GuessGiven, RunStarted
from course_lib.figures.base import model_name
from course_lib.runs.view import RunView
from course_lib.ui import datasets, product_search, services, shell
from course_lib.ui.language import dataset_name
from course_lib.ui.receipts import local_time, receipt, stop
from course_lib.ui.shell import t

# ---- lessons


def lesson_bars(lessons: Iterable[Lesson], activity: Activity) -> None:
    """One bar for each lesson that can be opened."""
    for lesson in lessons:
        done = lesson_progress(lesson, activity)
        shell.lesson_link(lesson, f"**{lesson.title(shell.language())}**")
        st.progress(min(1.0, done.share), text=f"{done.share:.0%}")
        st.caption(
            t(
                "progress.lesson_facts",
                steps=len(done.steps),
                sections=len(ANCHORS),
                right=done.right,
                questions=done.questions,
                passed=len(done.passed),
                challenges=done.challenges,
            )
        )


# ---- answers


def answers(lesson: Lesson, activity: Activity) -> None:
    """The newest answer to each question of one lesson, with the explanations."""
    newest = {answer.question: answer for answer in activity.answers if answer.lesson == lesson.id}
    given = [(question, newest[question.id]) for question in lesson.quiz.questions if question.id in newest]
    if not given:
        st.caption(t("progress.not_answered"))
    for question, answer in given:
        one_answer(question, answer)


def one_answer(question: Question, answer: Answer) -> None:
    """What was chosen, whether it was right, and why."""
    lang = shell.language()
    st.markdown(f"**{question.prompt(lang)}**")
    if answer.version != question.version:
        st.caption(t("progress.old_wording"))
        return
    verdict = f":green[✓ {t('progress.right')}]" if answer.correct else f":red[✗ {t('progress.wrong')}]"
    lines = [verdict]
    for place, option in enumerate(question.options):
        chosen = place in answer.chosen
        if chosen or option.correct:
            label = t("progress.your_choice") if chosen else t("progress.right_answer")
            lines.append(f"- {label}: {option.text(lang)}\n\n  {option.why(lang)}")
    st.markdown("\n\n".join(lines))


# ---- guesses


def guesses(lesson: Lesson, activity: Activity) -> None:
    """Each guess of one lesson beside what the learner's newest finished run of the lesson's own model says."""
    newest = {guess.guess: guess for guess in activity.guesses if guess.lesson == lesson.id}
    results = finished_results([run.run_id for run in activity.runs if run.lesson == lesson.id])
    results = [result for result in results if result["model"] == lesson.presets.get("model", "sasrec")]
    for guess in lesson.guesses:
        if guess.id in newest:
            with shell.boundary():
                one_guess(guess, newest[guess.id], results)


def finished_results(run_ids: list[str]) -> list[Mapping[str, Any]]:
    """Results of the runs that have one, newest first."""
    views = [shell.runs().watch(run_id) for run_id in reversed(run_ids)]
    return [view.result for view in views if view.result is not None]


def one_guess(guess: Guess, given: GuessGiven, results: list[Mapping[str, Any]]) -> None:
    """The guess, and right, wrong, open or not known yet."""
    lang = shell.language()
    st.markdown(f"**{guess.prompt(lang)}**")
    value = guess.check(given.value)
    said = guess.option(str(value)).text(lang) if guess.kind == "choice" else f"{value:g}{guess.unit}"
    lines = [t("progress.guess_yours", guess=said)]
    if results:
        scored = grade_guess(guess, given.value, results[0])
        numbers = {name: f"{getattr(scored.truth, name):.3g}" for name in ("value", "low", "high")}
        lines.append(t(f"progress.guess_{scored.verdict}", **numbers))
    else:
        lines.append(t("progress.guess_waiting"))
    st.markdown("  \n".join(lines))


# ---- runs


def runs(activity: Activity, lessons: Mapping[str, Lesson]) -> None:
    """The learner's runs, newest first, each once, with the way back into its lab."""
    newest = {run.run_id: run for run in activity.runs if run.lesson in lessons}
    for run in sorted(newest.values(), key=lambda run: -run.at):
        with shell.boundary():
            one_run(run, lessons[run.lesson])


def run_words(view: RunView) -> str:
    """State, configuration and score in one line."""
    lang = shell.language()
    words = [t(f"progress.run_state_{view.state}", share=f"{view.progress:.0%}")]
    if view.config is not None:
        words.append(
            t(
                "progress.run_of",
                dataset=dataset_name(view.config.dataset.name, lang),
                model=model_name(view.config.model, lang),
                seed=view.config.seed,
                epochs=view.config.training.get("epochs", "–"),
            )
        )
    score = (view.result or {}).get("metrics", {}).get("ndcg@10")
    if score:
        words.append(t("progress.run_score", **{name: f"{score[name]:.3f}" for name in ("value", "low", "high")}))
    return " · ".join(words)


def one_run(run: RunStarted, lesson: Lesson) -> None:
    """One run: what it is, open, keep, delete."""
    view = shell.runs().watch(run.run_id)
    kept = services.run_store().pinned(run.run_id)
    there = view.state != "missing"
    st.markdown(
        f"**{lesson.title(shell.language())}** · {local_time(run.at)}"
        + (f" · {t('progress.run_kept')}" if kept else "")
    )
    choices = dict(parse_qsl(run.link.removeprefix("?")))
    lost = not there and choices.get("dataset", "shop") not in datasets.offered()
    if lost:
        st.caption(t("progress.run_of_gone_data", dataset=shell.plain(choices["dataset"].split("~")[0])))
    else:
        st.caption(run_words(view) if there else t("progress.run_gone"))
    with st.container(horizontal=True, key=f"progress_run_{run.run_id}"):
        if (
            shell.lesson_ready(lesson)
            and not lost
            and st.button(t("progress.run_open"), key=f"progress_open_{run.run_id}")
        ):
            shell.reset_lab(lesson.id)  # this tab may hold another state of the lab
            shell.open_lesson(lesson.id, **choices)
        if there:
            label = t("progress.run_release" if kept else "progress.run_keep")
            if st.button(label, key=f"progress_keep_{run.run_id}"):
                store = services.run_store()
                (store.unpin if kept else store.pin)(run.run_id)
                st.rerun()
        if there and not view.live and not view.recorded:
            with st.popover(t("progress.run_delete"), key=f"progress_delete_{run.run_id}"):
                st.write(t("progress.run_delete_ask"))
                if st.button(t("progress.run_delete"), key=f"progress_delete_sure_{run.run_id}", type="primary"):
                    services.run_store().remove(run.run_id)
                    st.rerun()


# ---- the learner's own data


def export(activity: Activity, lessons: Iterable[Lesson]) -> None:
    """Everything as a file."""
    st.download_button(
        t("progress.export"),
        activity_csv(activity, lessons, shell.language()).encode(),
        file_name=t("progress.export_file"),
        mime="text/csv",
        key="progress_export",
        on_click="ignore",
    )


def start_over(started: list[Lesson]) -> None:
    """Choose a lesson, confirm, and it begins again."""
    titles = {lesson.id: lesson.title(shell.language()) for lesson in started}
    with st.popover(t("progress.restart"), key="progress_restart"):
        chosen = st.selectbox(
            t("progress.restart_choose"), list(titles), format_func=titles.__getitem__, key="progress_restart_lesson"
        )
        if chosen is None:
            return
        st.write(t("progress.restart_ask", lesson=titles[chosen]))
        if st.button(t("progress.restart_do"), key="progress_restart_sure", type="primary"):
            forget_lesson(shell.notebook(), chosen)
            shell.forget_session(chosen)
            done(t("progress.restart_done", lesson=titles[chosen]))


def erase() -> None:
    """Delete everything, after one more question."""
    with st.popover(t("progress.erase"), key="progress_erase"):
        st.write(t("progress.erase_ask"))
        if st.button(t("progress.erase_sure"), key="progress_erase_sure", type="primary"):
            services.uploads().discard(shell.learner())
            gone = forget_learner(shell.notebook(), stop)
            product_search.forget()
            datasets.forget()
            shell.forget_session()
            done("\n\n".join([t("progress.erase_done"), *map(receipt, gone)]))


NOTICE = "progress_notice"  # session state: one sentence that survives the rerun after a deletion


def done(sentence: str) -> None:
    """Draws the page anew, with ``sentence`` on top."""
    st.session_state[NOTICE] = sentence
    st.rerun()


def notice() -> None:
    """What has just been done."""
    if sentence := st.session_state.pop(NOTICE, None):
        st.success(sentence)
