"""The panel of every experiment that is asked about a history and answers with a list.

An experiment whose ASKS has ``history`` answers with ``list``: entries with ``item``, best first, and ``p``, a
probability, or ``fact``, other words. Its frames' views have ``shoppers``, those who are followed, each with ``user``,
``history`` and ``target``. What else its ASKS has besides ``k`` is offered as a choice that needs no new run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from course_lib.course.lab_state import check_history
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import asked_settings, shell
from course_lib.ui.history_editor import history_editor, replace_history
from course_lib.ui.lab import Lab
from course_lib.ui.ranked_list import ranked_list
from course_lib.ui.shell import t
from course_lib.ui.shoppers import followed, name_of, shopper_choice

LISTED = 10


def controls(lab: Lab, view: RunView, place: str) -> None:
    """Whose history is asked about."""
    people = followed(view)
    if not people:
        return
    shopper_choice(lab, view, people, place)


def below(lab: Lab, view: RunView, place: str) -> None:
    """How the question is put."""
    if followed(view):
        asked_settings.below(lab, view, place)


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The chosen shopper with the learner's edits, and what the run answers; raises CourseError where it cannot."""
    people, items = followed(view), lab.items(view)
    who: dict[str, Any] = {"user": 0, "history": [], "target": None}
    if people:
        chosen = min(lab.state.shopper, len(people) - 1)
        who = {**people[chosen], "name": name_of(people[chosen], chosen, view, lab.language)}
    if lab.state.history is not None and list(lab.state.history) != list(who["history"]):
        who |= {"history": list(check_history(lab.state.history, len(items))), "target": None}
    asked = asked_settings.given(lab, view)
    answer = shell.runs().ask(view.run_id, at, {"history": who["history"], "k": LISTED, **asked})
    whole = {**who, **answer, "top": answer["list"]}
    return Shown((view,), (), at, frame_view(view.run_id, at), asked, whole, items)


def cards(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The list as product cards, with moves against the list of ``before``."""
    view, who = now.runs[0], now.answer or {}
    if now.items is None or view.config is None or view.config.dataset is None:
        return
    if not who["top"]:
        st.caption(t("lab.empty_list"))
        return
    gone = [entry["item"] for entry in before["top"]] if before else None
    st.html(ranked_list(now.items, who["top"], lab.language, view.config.dataset.name, gone, who.get("target")))


def history(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The history to edit; every picture and list follows."""
    view, who = now.runs[0], now.answer or {}
    if view.config is None or view.config.dataset is None:
        return
    with st.container(horizontal=True):
        for name, make in (("clear", tuple), ("reset", lambda: None)):
            st.button(
                t(f"look.{name}"),
                key=lab.key(f"one_history.{name}"),
                on_click=lab.guarded(lambda make=make: replace_history(lab, make()), place="look"),
            )
    history_editor(lab, view.config.dataset, tuple(who["history"]))
    lab.told("look")


VIEWS = {"cards": cards, "history": history}
