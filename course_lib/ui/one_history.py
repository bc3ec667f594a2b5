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
from course_lib.errors import CourseError
from course_lib.figures.shown import Shown
from course_lib.models.catalogue import Setting, Value
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import shell
from course_lib.ui.history_editor import history_editor, replace_history
from course_lib.ui.lab import Lab
from course_lib.ui.language import choice_name, setting_name
from course_lib.ui.ranked_list import ranked_list
from course_lib.ui.shell import t
from course_lib.ui.shoppers import name_of, shopper_choice

LISTED = 10


def controls(lab: Lab, view: RunView, place: str) -> None:
    """Whose history is asked about."""
    people = _shoppers(view)
    if not people:
        return
    shopper_choice(lab, view, people, place)


def below(lab: Lab, view: RunView, place: str) -> None:
    """How the question is put: its choices side by side, in a row of their own."""
    asked = questions(lab)
    if not asked or not _shoppers(view):
        return
    for column, (name, setting) in zip(st.columns(len(asked)), asked.items(), strict=True):
        with column:
            _choice(lab, name, setting, place)


def questions(lab: Lab) -> dict[str, Setting]:
    """What can be chosen for a question, beside the history and the length of the list."""
    asks = lab.plan.card.asks
    return {name: one for name, one in asks.items() if isinstance(one, Setting) and name != "k"}


def _choice(lab: Lab, name: str, setting: Setting, place: str) -> None:
    """One choice: a word among few, or a number on a slider."""

    def change(value: Value) -> None:
        lab.update(asked={**lab.state.asked, name: value})
        lab.done("look")

    now = lab.state.asked.get(name, setting.default)
    label, key = setting_name(name, lab.language), f"asked.{name}.{place}"
    if setting.choices:
        given = lab.widget(key, now, change, list(setting.choices))
        st.selectbox(label, format_func=lambda one: choice_name(name, one, lab.language), **given)
    else:
        st.slider(label, setting.low, setting.high, **lab.widget(key, now, change))


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """The chosen shopper with the learner's edits, and what the run answers; raises CourseError where it cannot."""
    people, items = _shoppers(view), lab.items(view)
    who: dict[str, Any] = {"user": 0, "history": [], "target": None}
    if people:
        chosen = min(lab.state.shopper, len(people) - 1)
        who = {**people[chosen], "name": name_of(people[chosen], chosen, view, lab.language)}
    if lab.state.history is not None and list(lab.state.history) != list(who["history"]):
        who |= {"history": list(check_history(lab.state.history, len(items))), "target": None}
    given = {name: lab.state.asked[name] for name in questions(lab) if name in lab.state.asked}
    answer = shell.runs().ask(view.run_id, at, {"history": who["history"], "k": LISTED, **given})
    whole = {**who, **answer, "top": answer["list"]}
    return Shown((view,), (), at, frame_view(view.run_id, at), answer=whole, items=items)


def cards(lab: Lab, now: Shown, before: Mapping[str, Any] | None) -> None:
    """The list as product cards, with moves against the list of ``before``."""
    view, who = now.runs[0], now.answer or {}
    if now.items is None or view.config is None or view.config.dataset is None:
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


def _shoppers(view: RunView) -> list[Mapping[str, Any]]:
    """Those who are followed; none where no frame can be read yet."""
    if not view.frames:
        return []
    try:
        return list(frame_view(view.run_id, view.frames[0]).get("shoppers", ()))
    except CourseError:
        return []
