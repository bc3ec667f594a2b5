"""The parts of "My progress": lessons, answers, guesses against outcomes, runs, and the learner's own data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import streamlit as st

from course_lib.course.export import activity_csv
from course_lib.course.forget import forget_learner, forget_lesson, forget_run
from course_lib.course.grading import verdict
from course_lib.course.guesses import Guess
from course_lib.course.lessons import Lesson
from course_lib.course.markdown import ANCHORS
from course_lib.course.progress import lesson_progress
from course_lib.course.quiz import Question
from course_lib.course.store import Activity, Answer, GuessGiven, RunStarted
from course_lib.runs.view import RunView
from course_lib.ui import account, datasets, identity, join, own_code, product_search, services, shell
from course_lib.ui.guess_step import sentence, spoken
from course_lib.ui.receipts import local_time, receipt, stop
from course_lib.ui.run_panel import run_words as run_label
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
    """Each guess of one lesson beside what the lab's own run said."""
    newest = {guess.guess: guess for guess in activity.guesses if guess.lesson == lesson.id}
    for guess in lesson.guesses:
        if guess.id in newest:
            with shell.boundary():
                one_guess(lesson, guess, newest[guess.id])


def one_guess(lesson: Lesson, guess: Guess, given: GuessGiven) -> None:
    """The guess, and right, wrong, open or not known yet."""
    lang = shell.language()
    said = spoken(guess, guess.check(given.value), lang)
    lines = [f"**{guess.prompt(lang)}**", t("progress.guess_yours", guess=said)]
    scored = verdict(shell.notebook(), lesson, guess, given.value, shell.runs().watch)
    lines.append(t("progress.guess_waiting") if scored is None else sentence(guess, scored, lang))
    st.markdown("  \n".join(lines))


# ---- runs


def runs(activity: Activity, lessons: Mapping[str, Lesson]) -> None:
    """The learner's runs, newest first, each once, with the way back into its lab."""
    newest = {run.run_id: run for run in activity.runs if run.lesson in lessons}
    for run in sorted(newest.values(), key=lambda run: -run.at):
        with shell.boundary():
            one_run(run, lessons[run.lesson])


def run_words(view: RunView, lesson: Lesson) -> str:
    """State, configuration and score in one line."""
    lang = shell.language()
    words = [t(f"progress.run_state_{view.state}", share=f"{view.progress:.0%}")]
    if view.config is not None:
        shows = dict.fromkeys(name for lab in lesson.labs for name in lab.shows)
        words.append(run_label(view, lang, tuple(shows)))
    score = (view.result or {}).get("measures", {}).get("ndcg@10")
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
        st.caption(run_words(view, lesson) if there else t("progress.run_gone"))
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
        if not view.live:
            with st.popover(t("progress.run_delete"), key=f"progress_delete_{run.run_id}"):
                st.write(t("progress.run_delete_ask"))
                if st.button(t("progress.run_delete"), key=f"progress_delete_sure_{run.run_id}", type="primary"):
                    remove_run(run.run_id, there and not view.recorded)
                    shell.reset_lab(lesson.id)
                    st.rerun()


def remove_run(run_id: str, folder: bool) -> None:
    """Takes a run from the learner's own list; its ``folder`` goes when nobody else has it in theirs."""
    unwanted = forget_run(shell.notebook(), run_id)
    store = services.run_store()
    if unwanted and folder and not store.pinned(run_id):
        store.remove(run_id)


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


JOIN = "progress_join"  # session state: the link that this tab has made, and when it ends


def other_browser() -> None:
    """A link that makes another browser the same learner; not drawn where there is no browser."""
    if identity.browser() is None:
        return
    st.header(t("join.header"), anchor=False)
    if account.account() is not None:
        st.markdown(t("account.elsewhere"))
        return
    st.markdown(t("join.lead"))
    link, until = st.session_state.get(JOIN, ("", 0.0))
    if time.time() < until:
        st.code(link, language=None, wrap_lines=True)
        st.caption(t("join.open", minutes=join.OPEN_S // 60))
    st.button(t("join.make"), key=JOIN + "_make", on_click=shell.guarded(_make_link, JOIN))
    shell.told(JOIN)
    own_code.draw()


def _make_link() -> None:
    token = join.offer(identity.browser() or "")
    page = (st.context.url or "").split("?")[0].rsplit("/", 1)[0]
    st.session_state[JOIN] = (f"{page}/join?token={token}", time.time() + join.OPEN_S)


NOTICE = "progress_notice"  # session state: one sentence that survives the rerun after a deletion


def done(sentence: str) -> None:
    """Draws the page anew, with ``sentence`` on top."""
    st.session_state[NOTICE] = sentence
    st.rerun()


def notice() -> None:
    """What has just been done."""
    if sentence := st.session_state.pop(NOTICE, None):
        st.success(sentence)
