"""The panel of every experiment that is asked about numbers and choices alone: sliders that need no new run.

Such an experiment's ASKS holds settings only. Each change asks the finished artefact again, and the pictures behind the
tabs get what it answers as ``shown.answer``. Panels with products or histories offer their settings in the same way.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import streamlit as st

from course_lib.course.lab_state import choices
from course_lib.errors import CourseError
from course_lib.figures.names import choice_name, setting_name
from course_lib.figures.shown import Shown
from course_lib.models.catalogue import Setting, Value
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import shell
from course_lib.ui.lab import Lab

IN_A_ROW = 4
WIDE = 100  # a range of whole numbers with more steps than this is offered in growing ones


def questions(lab: Lab) -> dict[str, Setting]:
    """What can be chosen for a question, beside products and the length of the list."""
    asks = lab.plan.card.asks
    return {name: one for name, one in asks.items() if isinstance(one, Setting) and name != "k"}


def given(lab: Lab, view: RunView) -> dict[str, Value]:
    """What the learner has chosen of these; else as the run was set, where that is a setting of it as well.

    The rest is as the experiment has it.
    """
    settings = view.config.settings if view.config is not None else {}
    asks = questions(lab)
    known = {name: settings[name] for name in asks if name in settings and _can_be(asks[name], settings[name])}
    return {**known, **{name: lab.state.asked[name] for name in asks if name in lab.state.asked}}


def _can_be(setting: Setting, value: Value) -> bool:
    """Whether a question may have this value: a run may be set to more than can be asked at once."""
    try:
        setting.check(value)
    except CourseError:
        return False
    return True


def below(lab: Lab, view: RunView, place: str, without: Collection[str] = ()) -> None:
    """The choices side by side, in rows of their own; ``without`` those that the panel offers elsewhere."""
    asked = [(name, one) for name, one in questions(lab).items() if name not in without]
    for start in range(0, len(asked), IN_A_ROW):
        row = asked[start : start + IN_A_ROW]
        for column, (name, setting) in zip(st.columns(len(row)), row, strict=True):
            with column:
                choice(lab, view, name, setting, place)


def shown(lab: Lab, view: RunView, at: int) -> Shown:
    """What the run answers to the choices; raises CourseError where it cannot."""
    asked = given(lab, view)
    answer = shell.runs().ask(view.run_id, at, asked)
    items = lab.items(view) if view.config is not None and view.config.dataset is not None else None
    return Shown((view,), (), at, frame_view(view.run_id, at), asked, answer, items)


def _change(lab: Lab, name: str, value: Value) -> None:
    lab.update(asked={**lab.state.asked, name: value})
    lab.done("look")


def choice(lab: Lab, view: RunView, name: str, setting: Setting, place: str) -> None:
    """One choice: a word among few, or a number on a slider."""
    now: Any = given(lab, view).get(name, setting.default)
    label, key, changed = setting_name(name, lab.language), f"asked.{name}.{place}", partial(_change, lab, name)
    if setting.choices:
        of_words = lab.widget(key, now, changed, list(setting.choices))
        st.selectbox(label, format_func=lambda one: choice_name(name, one, lab.language), **of_words)
    elif isinstance(setting.default, int) and int(setting.high or 0) - int(setting.low or 0) > WIDE:
        st.select_slider(label, choices(setting, now), **lab.widget(key, now, changed))
    else:
        st.slider(label, setting.low, setting.high, **lab.widget(key, now, changed))
