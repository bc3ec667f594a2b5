"""All runs that train and wait, with who wants them and for how long; the class's own can be stopped and put first.

A run may be wanted by several, in this class and outside. Stop takes back the wishes of this class alone, so that no
instructor ends what another class waits for; it ends where nobody else wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from course_lib.course import classes
from course_lib.course.class_people import class_people
from course_lib.errors import CourseError
from course_lib.figures.names import choice_name, dataset_name
from course_lib.ui import services, shell
from course_lib.ui.language import duration
from course_lib.ui.shell import t
from course_lib.ui.teach import guard
from course_lib.ui.teach.names import Names, names
from course_lib.ui.this_run import one_run

if TYPE_CHECKING:
    from course_lib.course.classes import Classroom
    from course_lib.experiments.config import RunConfig
    from course_lib.runs.interface import Waiting

POLL_S = 2.0
MOST_NAMES = 4  # of those who want one run
MOST = 30  # runs that are listed; the rest is counted


def queue(key: str) -> None:
    """The queue, brought up to date every two seconds."""
    guard.room(key)
    st.fragment(_queue, run_every=POLL_S)(key)


@one_run()
def _queue(key: str) -> None:
    with shell.boundary():
        guard.room(key)
        waiting = services.runs().queue()
        if not waiting:
            st.caption(t("teach.queue_empty"))
            return
        called = names(class_people(shell.store(), key))
        for run in waiting[:MOST]:
            _one(key, run, called)
        if len(waiting) > MOST:
            st.caption(t("teach.queue_more", count=len(waiting) - MOST))
        guard.told("queue")


def _one(key: str, run: Waiting, called: Names) -> None:
    own = [learner for learner in run.learners if learner in called.people]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"teach_run_{run.run_id}"):
        st.markdown(f"**{_state(run)}**  \n{shell.plain(_who(run, own, called))} · {_what(run.config, bool(own))}")
        if own and not run.running and run.place != 1:
            st.button(
                t("teach.first"),
                key=f"teach_first_{run.run_id}",
                on_click=guard.pressed("queue", key, _first, run.run_id),
            )
        if own:
            st.button(
                t("teach.stop"), key=f"teach_stop_{run.run_id}", on_click=guard.pressed("queue", key, _stop, run.run_id)
            )


def _state(run: Waiting) -> str:
    if run.running:
        return t("teach.training", left=duration(run.left_s))
    wait = 0.0 if run.wait_s is None else run.wait_s
    return t("teach.waiting", place=run.place or "–", wait=duration(wait), takes=duration(run.left_s))


def _who(run: Waiting, own: list[str], called: Names) -> str:
    """The class's own by name, the others by their number."""
    known = [called.of(learner) for learner in own[:MOST_NAMES]]
    rest = len(run.learners) - len(known)
    if not known:
        return t("teach.somebody_else")
    return ", ".join(known) + (f" +{rest}" if rest > 0 else "")


def _what(config: RunConfig, own: bool) -> str:
    """What is trained: a learner's own dataset is theirs, so it is not named, nor what strangers train at all."""
    if not own:
        return t("teach.not_told")
    lang = shell.language()
    data = [t("teach.own_dataset") if "~" in one.name else dataset_name(one.name, lang) for one in config.data.values()]
    chosen = [choice_name(choice, config.settings[choice], lang) for choice in config.card.chooses]
    return shell.plain(", ".join([*chosen, *data]) or config.experiment)


def _wanted_here(classroom: Classroom, run_id: str) -> list[str]:
    """Who of this class wants the run now; raises CourseError ``run_not_of_class`` where nobody does."""
    members = {member.learner for member in classes.members(shell.store(), classroom.key)}
    run = next((one for one in services.runs().queue() if one.run_id == run_id), None)
    own = [learner for learner in run.learners if learner in members] if run is not None else []
    if not own:
        raise CourseError("run_not_of_class")
    return own


def _stop(classroom: Classroom, run_id: str) -> None:
    for learner in _wanted_here(classroom, run_id):
        services.runs().stop(run_id, learner)


def _first(classroom: Classroom, run_id: str) -> None:
    _wanted_here(classroom, run_id)
    services.runs().put_first(run_id)
