"""A lab whose experiment is answered at once: every change of a setting redraws its pictures; nothing is trained."""

from __future__ import annotations

import html
from functools import partial
from typing import Any

import streamlit as st

from course_lib.course.lab_state import LabState
from course_lib.data.registry import resolve
from course_lib.experiments.light import answer_light
from course_lib.figures.names import choice_name, in_unit, measure_name, setting_name
from course_lib.figures.shown import Shown
from course_lib.models.catalogue import Setting
from course_lib.ui import shell
from course_lib.ui.guess_step import settled, verdicts
from course_lib.ui.lab import Lab
from course_lib.ui.panels import own_panel
from course_lib.ui.picture import draw_picture
from course_lib.ui.product_search import items_of
from course_lib.ui.shell import t

IN_A_ROW = 4  # settings beside each other
STEPS = 100  # positions of a slider over a range of real numbers
WALKED = ("stage", "step")  # settings that one walks through, with a button back and one forth


def light_step(lab: Lab) -> None:
    """Draws the settings, the named cases, and what the experiment answers."""
    with st.container(border=True, key=f"lab_{lab.lesson.id}_{lab.plan.id}"):
        st.fragment(_panel)(lab)


def _panel(lab: Lab) -> None:
    _cases(lab)
    panel = own_panel(lab.plan.experiment)
    drawn = getattr(panel, "DRAWS", ())
    offered = {name: one for name, one in lab.state.offered().items() if name not in drawn}
    walked = [name for name in WALKED if name in offered]
    plain = [name for name in offered if name not in walked]
    for start in range(0, len(plain), IN_A_ROW):
        row = plain[start : start + IN_A_ROW]
        for name, column in zip(row, st.columns(IN_A_ROW), strict=False):
            with column:
                _widget(lab, name, offered[name])
    for name in walked:
        _walk(lab, name, offered[name])
    lab.tell_troubles()
    with shell.boundary():
        answered = answer_light(lab.plan.experiment, lab.state.settings)
        shown = shown_light(lab, answered)
        if panel is not None:
            panel.above(lab, answered)
        st.html(measures(lab, answered))
        first, *others = lab.plan.pictures or ("",)
        left, right = st.columns(2)
        with left:
            if first:
                draw_picture(lab, first, shown, "light")
        with right:
            _others(lab, others, shown)
    lab.show_link_in_address("light")


def shown_light(lab: Lab, answered: dict[str, Any]) -> Shown:
    """What pictures of a light experiment look at; those with products name them by the simulated shop's catalogue."""
    return Shown(settings=dict(lab.state.settings), answer=answered, items=items_of(resolve("shop")))


def _others(lab: Lab, names: list[str], shown: Shown) -> None:
    tabs = [*names, *(["guesses"] if lab.guesses else [])]
    if not tabs:
        return
    tab = lab.tab(tabs)
    if tab == "guesses":
        verdicts(lab)
    else:
        draw_picture(lab, str(tab), shown, "light")


def _cases(lab: Lab) -> None:
    """One button for each case that the lesson names."""
    if not lab.plan.runs:
        return
    with st.container(horizontal=True, key=f"lab_cases_{lab.lesson.id}_{lab.plan.id}"):
        for case in lab.plan.runs:
            st.button(
                case.name(lab.language),
                key=lab.key(f"case.{case.id}"),
                on_click=lab.guarded(_set, lab, {**lab.plan.settings, **case.settings}),
            )


def _set(lab: Lab, settings: dict[str, Any]) -> None:
    """Puts settings in place of the present ones; what they leave out is as the lesson has it."""
    card = lab.plan.card
    lab.troubles.clear()
    lab.update(settings=card.check({**{name: one.default for name, one in card.own_settings.items()}, **settings}))
    lab.done("train", "look")


def _change(lab: Lab, name: str, value: Any) -> None:
    lab.troubles.clear()
    lab.update(settings=lab.state.with_setting(name, value).settings)
    lab.done("train", "look")


def _widget(lab: Lab, name: str, setting: Setting) -> None:
    value, changed = lab.state.settings[name], partial(_change, lab, name)
    label = setting_name(name, lab.language)
    if setting.choices:
        st.selectbox(
            label,
            format_func=lambda one: choice_name(name, one, lab.language),
            **lab.widget(name, value, changed, setting.choices),
        )
        return
    low, high = setting.low or 0, setting.high or 0
    kind = int if isinstance(setting.default, int) else float
    step = 1 if kind is int else nice_step(float(high) - float(low))
    st.slider(label, kind(low), kind(high), step=kind(step), **lab.widget(name, kind(value), changed))


def nice_step(width: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that gives about a hundred positions.

    >>> nice_step(20.0), nice_step(1.0)
    (0.2, 0.01)
    """
    steps: list[float] = [factor * float(10**power) / 10_000 for power in range(7) for factor in (1, 2, 5)]
    return min(steps, key=lambda one: abs(width / one - STEPS))


def _walk(lab: Lab, name: str, setting: Setting) -> None:
    """Back, forth, and the whole way as a slider."""
    way: list[Any] = list(setting.choices) or list(range(int(setting.low or 0), int(setting.high or 0) + 1))
    place, label = way.index(lab.state.settings[name]), setting_name(name, lab.language)
    back, middle, forth = st.columns([1, 6, 1], vertical_alignment="bottom")
    for column, sign, by in ((back, "◀", -1), (forth, "▶", 1)):
        with column:
            st.button(
                sign,
                key=lab.key(f"walk.{name}.{by}"),
                help=t("lab.walk_back" if by < 0 else "lab.walk_forth", name=label),
                disabled=not 0 <= place + by < len(way),
                on_click=lab.guarded(lambda by=by: _change(lab, name, way[place + by])),
                width="stretch",
            )
    with middle:
        changed = partial(_change, lab, name)
        if setting.choices:
            st.select_slider(
                label,
                way,
                format_func=lambda one: choice_name(name, one, lab.language),
                **lab.widget(name, way[place], changed),
            )
        else:
            st.slider(label, way[0], way[-1], step=1, **lab.widget(name, way[place], changed))


def measures(lab: Lab, answered: dict[str, Any]) -> str:
    """HTML: each measure by name, but for what is still to be guessed; all data is escaped."""
    hidden = set() if settled(lab.lesson) else {guess.truth for guess in lab.lesson.guesses}
    parts = [
        f"<span><b>{html.escape(measure_name(name, lab.language))}</b> "
        f"{html.escape(in_unit(one['value'], lab.plan.card.measures[name]))}</span>"
        for name, one in answered["measures"].items()
        if name not in hidden
    ]
    return f'<div class="lab-measures">{"".join(parts)}</div>'


def result_of(state: LabState) -> dict[str, Any]:
    """What the present settings measure, for challenges; raises CourseError."""
    return {"measures": answer_light(state.experiment, state.settings)["measures"]}
