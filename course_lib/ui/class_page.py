"""The Class page for a learner: join by code and nickname; then where the class is, its board, and what it answered."""

from __future__ import annotations

import streamlit as st

from course_lib.course import class_watch, classes
from course_lib.course.class_board import labs_with_board
from course_lib.course.class_watch import Snapshot
from course_lib.course.labs import LabPlan
from course_lib.course.lessons import Lesson
from course_lib.errors import CourseError
from course_lib.figures.class_board import class_board
from course_lib.ui import class_answers, class_now, shell
from course_lib.ui.class_strip import HELP, POLL_S, go_there, help_button, place_name
from course_lib.ui.drawn import shared
from course_lib.ui.live_figure import live_figure
from course_lib.ui.shell import plain, t
from course_lib.ui.this_run import one_run

CODE = "class"  # in the address of the link, or of the QR code, that an instructor shows
JOIN, LEAVE = "class_join", "class_leave"
BOARD_S = 10.0  # between two looks at the board
LONGEST_INPUT = 200  # characters of a field; the rules for names are checked on the server


def page() -> None:
    """The whole page."""
    found = class_now.mine()
    if found is None:
        shell.title(t("classroom.title"), t("classroom.lead"))
        _taken_out()
        _join_form()
        return
    room, member = found
    shell.title(plain(room.name), plain(t("classroom.you_are", nickname=member.nickname)))
    with shell.boundary():
        st.fragment(_now, run_every=POLL_S)(room.key)
    with shell.boundary():
        _board(room.key)
    with shell.boundary():
        _answers()
    st.header(t("classroom.membership"), anchor=False)
    asked = classes.plain_code(st.query_params.get(CODE, ""))
    if asked and asked != room.code:
        st.info(plain(t("classroom.another", name=room.name)))
        _join_form()
    with st.popover(t("classroom.leave"), key=LEAVE):
        st.write(plain(t("classroom.leave_ask", name=room.name)))
        st.button(t("classroom.leave"), key=f"{LEAVE}_sure", type="primary", on_click=shell.guarded(_leave, LEAVE))
    shell.told(LEAVE)


# ---- joining and leaving


def _taken_out() -> None:
    with shell.boundary():
        removed = classes.removed_from(shell.store(), shell.learner())
        if removed is not None:
            st.warning(plain(CourseError("class_removed", name=removed.name).text(shell.language())))


def _join_form() -> None:
    with st.form(JOIN, enter_to_submit=True, width=420):
        st.text_input(
            t("classroom.code"),
            value=st.query_params.get(CODE, "")[:LONGEST_INPUT],
            max_chars=LONGEST_INPUT,
            key=f"{JOIN}_code",
            help=t("classroom.code_help"),
        )
        st.text_input(
            t("classroom.nickname"), max_chars=LONGEST_INPUT, key=f"{JOIN}_nickname", help=t("classroom.nickname_help")
        )
        st.form_submit_button(
            t("classroom.join"), type="primary", key=f"{JOIN}_do", on_click=shell.guarded(_join, JOIN)
        )
    shell.told(JOIN)


def _join() -> None:
    code, nickname = (str(st.session_state.get(f"{JOIN}_{name}") or "") for name in ("code", "nickname"))
    member = classes.join_class(shell.store(), code, shell.learner(), nickname, st.context.ip_address or "")
    class_watch.look_again(shell.store(), member.classroom)
    st.query_params.pop(CODE, None)


def _leave() -> None:
    found = class_now.mine()
    classes.leave_class(shell.store(), shell.learner())
    if found is not None:
        class_watch.look_again(shell.store(), found[0].key)


# ---- the class now


@one_run()
def _now(key: str) -> None:
    """Where the class is, what is open, and help; asks every five seconds."""
    state = class_watch.look(shell.store(), key)
    me = state.members.get(shell.learner())
    if me is None or state.room.closed is not None:
        if class_now.mine() is None:
            st.rerun()  # the whole page: the learner was taken out, or the class has ended
        return
    called = state.room.plan.called
    place = None if called is None else place_name(called.lesson, called.anchor)
    with st.container(horizontal=True, vertical_alignment="center", key="class_now"):
        if called is None or place is None:
            st.markdown(t("classroom.at_own_pace"))
        else:
            st.markdown(f"**{plain(t('classroom.called', place=place))}**")
            go_there(called, "class_go")
        help_button(key, asked=me.help_since is not None)
    shell.told(HELP)
    if state.room.plan.open is not None:
        opened = [lesson for lesson in _ready() if state.room.plan.is_open(lesson.id)]
        names = ", ".join(lesson.title(shell.language()) for lesson in opened)
        st.caption(plain(t("classroom.open", lessons=names) if opened else t("classroom.nothing_open")))
    st.caption(t("classroom.people", people=len(state.members)))


def _ready() -> list[Lesson]:
    return [lesson for lesson in shell.lessons() if shell.lesson_ready(lesson)]


# ---- the board


def _board(key: str) -> None:
    labs = [(lesson, lab) for lesson in _ready() for lab in labs_with_board(lesson)]
    if not labs:
        return
    st.header(t("classroom.board"), anchor=False)
    st.markdown(t("classroom.board_lead"))
    state = class_now.snapshot()
    called = state.room.plan.called.lesson if state is not None and state.room.plan.called else ""
    names = {f"{lesson.id}/{lab.id}": lab_name(lesson, lab) for lesson, lab in labs}
    first = next((place for place, (lesson, _) in enumerate(labs) if lesson.id == called), 0)
    chosen = st.selectbox(
        t("classroom.board_lab"), list(names), index=first, format_func=names.__getitem__, key="class_board_lab"
    )
    lesson, lab = next(one for one in labs if f"{one[0].id}/{one[1].id}" == chosen)
    st.fragment(_board_now, run_every=BOARD_S)(key, lesson.id, lab.id)


def lab_name(lesson: Lesson, lab: LabPlan) -> str:
    """A lab by its lesson, and by its own name where the lesson has several."""
    title = lesson.title(shell.language())
    return f"{title} · {lab.id}" if len(labs_with_board(lesson)) > 1 else title


@one_run()
def _board_now(key: str, lesson_id: str, lab_id: str) -> None:
    lesson = next(one for one in shell.lessons() if one.id == lesson_id)
    draw_board(class_watch.look(shell.store(), key), lesson, lesson.lab(lab_id), shell.learner())


def draw_board(state: Snapshot, lesson: Lesson, lab: LabPlan, own: str = "") -> None:
    """The picture for a learner, or without ``own`` for an instructor; drawn anew only when a run has ended."""
    seen = class_watch.look_board(shell.store(), state.room, lesson, lab, shell.runs().watch)
    language, mine = shell.language(), tuple(point.run_id for point in seen.points if own in point.learners)
    figure = shared(  # all who have none of the runs, or the same ones, see the same picture
        ("class_board", state.room.key, lesson.id, lab.id, language, mine),
        seen,
        lambda: class_board(seen, own, language),
    )
    live_figure(figure, key=f"class_board.{lesson.id}.{lab.id}")
    if seen.waiting:
        st.caption(t("classroom.board_waiting", runs=seen.waiting))


# ---- answers


def _answers() -> None:
    """What is revealed, by lesson; beside what the learner has not answered there is only the way to it."""
    state = class_now.snapshot()
    if state is None or not state.revealed:
        return
    st.header(t("classroom.answers"), anchor=False)
    language, notebook = shell.language(), shell.notebook()
    for lesson in _ready():
        names = {name for where, name in state.revealed if where == lesson.id}
        guesses = [guess for guess in lesson.guesses if guess.id in names]
        questions = [question for question in lesson.quiz.questions if question.id in names]
        if not guesses and not questions:
            continue
        shell.lesson_link(lesson, f"**{lesson.title(language)}**")
        given, answered = notebook.guesses(lesson.id), notebook.answers(lesson.id)
        for guess in guesses:
            st.markdown(guess.prompt(language))
            if guess.id in given:
                class_answers.class_guessed(lesson, guess, given[guess.id].value)
            else:
                st.caption(t("classroom.answer_first"))
        for question in questions:
            st.markdown(question.prompt(language))
            if question.id in answered and answered[question.id].version == question.version:
                class_answers.class_answered(lesson, question, answered[question.id].chosen)
            else:
                st.caption(t("classroom.answer_first"))
