"""What panels share whose question is a basket: one of the five that a run follows, with the learner's edits.

A frame's view has ``shoppers``, each with ``user`` and ``history``, the basket. The experiment is asked for ``history``
and answers with ``list``; what else its ASKS has is offered as choices that need no new run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

WHO = "shopper"  # where an experiment wants to know whose basket it is, it asks for their number from 1


def controls(lab: Lab, view: RunView, place: str) -> None:
    """Whose basket is asked about."""
    if people := followed(view):
        shopper_choice(lab, view, people, place)


def below(lab: Lab, view: RunView, place: str) -> None:
    """How the question is put."""
    if followed(view):
        asked_settings.below(lab, view, place, without=(WHO,))


def ask(lab: Lab, view: RunView, at: int, k: int) -> Shown:
    """The chosen basket with the learner's edits, and what the run answers; raises CourseError where it cannot."""
    people, items = followed(view), lab.items(view)
    who: dict[str, Any] = {"user": 0, "history": [], "target": None}
    chosen = min(lab.state.shopper, max(len(people) - 1, 0))
    if people:
        who = {**people[chosen], "name": name_of(people[chosen], chosen, view, lab.language)}
    if lab.state.history is not None and list(lab.state.history) != list(who["history"]):
        who |= {"history": list(check_history(lab.state.history, len(items)))}
    asked = asked_settings.given(lab, view)
    if WHO in asked_settings.questions(lab):
        asked[WHO] = chosen + 1
    answer = shell.runs().ask(view.run_id, at, {"history": who["history"], "k": k, **asked})
    return Shown((view,), (), at, frame_view(view.run_id, at), asked, {**who, **answer, "top": answer["list"]}, items)


def offers(
    lab: Lab,
    now: Shown,
    before: Mapping[str, Any] | None,
    facts: Collection[str],
    nothing: str,
    target: int | None = None,
) -> None:
    """The list as product cards, each with its sentence of ``facts``; ``nothing`` is said where it is empty."""
    view, who = now.runs[0], now.answer or {}
    if now.items is None or view.config is None or view.config.dataset is None:
        return
    top = [{"item": entry["item"], "fact": fact} for entry, fact in zip(who["top"], facts, strict=True)]
    if not top:
        st.caption(nothing)
        return
    gone = [entry["item"] for entry in before["top"]] if before else None
    st.html(ranked_list(now.items, top, lab.language, view.config.dataset.name, gone, target))


def basket(lab: Lab, now: Shown, title: str, help: str) -> None:
    """The basket to edit; every picture and list follows."""
    view, who = now.runs[0], now.answer or {}
    if view.config is None or view.config.dataset is None:
        return
    st.markdown(f"**{shell.plain(title)}**", help=help)
    with st.container(horizontal=True):
        for name, make in (("clear", tuple), ("reset", lambda: None)):
            st.button(
                t(f"look.{name}"),
                key=lab.key(f"one_basket.{name}"),
                on_click=lab.guarded(lambda make=make: replace_history(lab, make()), place="look"),
            )
    history_editor(lab, view.config.dataset, tuple(who["history"]), basket=True)
    lab.told("look")
