"""The Train step of a lab with one run: a small form of meaningful choices, Train and Stop, and the run as it goes.

At 1280 pixels all of it fits on a screen and stays where it is: in training, at the end and while frames are scrubbed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from course_lib.course.lab_state import choices, usable
from course_lib.errors import CourseError
from course_lib.experiments.config import SEED
from course_lib.models.catalogue import Setting
from course_lib.runs.view import RunView
from course_lib.text import strings
from course_lib.ui import shell
from course_lib.ui.lab import Lab
from course_lib.ui.language import choice_name, dataset_name, duration, setting_name, size_name
from course_lib.ui.run_panel import run_panel
from course_lib.ui.shell import t

WIDEST = 8  # choices in a row
WIDER = {"data": 6, "model": 4, "method": 3}  # of the row's parts; any other choice has 2


def train_step(lab: Lab, ready: bool) -> None:
    """Draws the form, the buttons and the run.

    Args:
        lab: a lab of this lesson.
        ready: False until the learner has guessed or skipped; Train waits for it.
    """
    view = lab.shown_run()
    with st.container(border=True, key=f"lab_{lab.lesson.id}_{lab.plan.id}"):
        buttons(lab, view, ready)
        lab.tell_troubles()
        form(lab)
        run_panel(lab, view)


def form(lab: Lab) -> None:
    """The choices. Each one changes the state at once; nothing runs before Train."""
    state = lab.state
    offered = state.offered()
    places = [*(["data"] if state.data else []), *offered, "seed"]
    columns: dict[str, Any] = {}
    for start in range(0, len(places), WIDEST):
        row = places[start : start + WIDEST]
        columns |= dict(zip(row, st.columns([WIDER.get(name, 2) for name in row]), strict=True))
    if state.data:
        with columns["data"]:
            _dataset(lab)
    for name, setting in offered.items():
        with columns[name]:
            setting_widget(lab, name, setting, partial(change_setting, lab, name))
    with columns["seed"]:
        st.number_input(
            t("lab.seed"),
            min_value=int(SEED.low or 0),
            max_value=int(SEED.high or 0),
            step=1,
            help=t("lab.seed_help"),
            **lab.widget("seed", state.seed, lambda value: change(lab, seed=value)),
        )


def change(lab: Lab, **changes: Any) -> None:
    """Changes a choice; the run on show stays."""
    lab.pin()
    lab.update(**changes)


def change_setting(lab: Lab, name: str, value: Any) -> None:
    """Changes a setting; another model brings its own."""
    lab.pin()
    lab.update(settings=lab.state.with_setting(name, value).settings)


def _dataset(lab: Lab) -> None:
    """Dataset and size in one choice, so that no size of one dataset can stand beside another."""
    state, lang = lab.state, lab.language
    first, *others = state.data

    def choose(chosen: tuple[str, str]) -> None:
        usable(chosen[0], shell.learner())  # it may have been deleted since this tab was drawn
        change(lab, data={first: chosen, **{name: state.data[name] for name in others}})

    st.selectbox(
        t("lab.dataset"),
        format_func=lambda one: f"{dataset_name(one[0], lang)} · {size_name(one[0], one[1], lang)}",
        help=t("lab.dataset_help"),
        **lab.widget("data", state.data[first], choose, lab.datasets),
    )


def setting_widget(lab: Lab, name: str, setting: Setting, changed: Any) -> None:
    """A widget that suits a setting: a list of steps, a choice in words, or a number."""
    value = lab.state.settings[name]
    label, help = setting_name(name, lab.language), _help(lab, name)
    if setting.choices:
        st.selectbox(
            label,
            format_func=lambda one: choice_name(name, one, lab.language),
            help=help,
            **lab.widget(name, value, changed, setting.choices),
        )
    elif isinstance(setting.default, int) and name != "epochs":
        st.selectbox(label, help=help, **lab.widget(name, value, changed, choices(setting, value)))
    else:
        kind = int if isinstance(setting.default, int) else float
        st.number_input(
            label,
            min_value=kind(setting.low or 0),
            max_value=kind(setting.high or 0),
            step=1 if kind is int else None,
            help=help,
            **lab.widget(name, kind(value), changed),
        )


def _help(lab: Lab, name: str) -> str | None:
    """What a setting means, for the chosen model or else the experiment, where it means something of its own there."""
    known, owner = strings(lab.language), lab.state.settings.get("model", lab.plan.card.name)
    return known.get(f"setting.{name}_help_{owner}") or known.get(f"setting.{name}_help")


def buttons(lab: Lab, view: RunView | None, ready: bool) -> None:
    """Train, Stop, and one line on what a press of Train would do."""
    wrong: CourseError | None = None
    asked: str | None = None
    try:
        asked = lab.config().run_id
    except CourseError as error:
        wrong = error
    live = view is not None and view.live
    same = view is not None and view.run_id == asked
    with st.container(horizontal=True, vertical_alignment="center", key=_bar_key(lab)):
        st.button(
            t("lab.train"),
            type="primary",
            key=lab.key("train"),
            disabled=wrong is not None or not ready or (live and same),
            on_click=lab.guarded(train, lab),
        )
        st.button(t("lab.stop"), key=lab.key("stop"), disabled=not live, on_click=lab.guarded(stop, lab))
        hint = False  # a phone has no room for it beside the line of the run
        if wrong is not None:
            note = shell.plain(wrong.text(lab.language))
        elif not ready:
            note = t("lab.guess_first")
        elif view is not None and not same:
            known = asked is not None and shell.runs().watch(asked).state == "finished"
            note = t("lab.other_finished" if known else "lab.other_choices")
        elif view is not None and view.state == "finished":
            note, hint = t("lab.same_finished"), True
        else:
            note, hint = t("lab.reload_hint") if live else _expected(lab), live
        with st.container(key=lab.key("hint" if hint else "note")):
            st.caption(note)


def _bar_key(lab: Lab) -> str:
    """On a phone the first lab's buttons stand in a bar at the bottom of the screen (static/lab.css)."""
    return f"lab_bar_{lab.lesson.id}" if lab.first else f"lab_buttons_{lab.lesson.id}_{lab.plan.id}"


def _expected(lab: Lab) -> str:
    """How large the run would be and how long it would take."""
    size = shell.runs().size(lab.config())
    words = t("lab.expected", seconds=duration(size.seconds))
    if size.parameters:
        words = t("lab.parameters", parameters=f"{size.parameters:,}") + " " + words
    return f"{words} {t('lab.train_hint')}"


def train(lab: Lab) -> None:
    """Starts the run of the form's choices, or opens it if it is there, and remembers it as the learner's last."""
    lab.troubles.clear()
    before = lab.shown_run()
    for dataset, _ in lab.state.data.values():
        usable(dataset, shell.learner())
    config = lab.state.config()
    run_id = shell.runs().start(config, shell.learner())
    other_data = before is None or before.config is None or before.config.data != config.data
    changes: dict[str, Any] = {"run": None, "frame": None}
    if other_data:
        changes["history"] = None
    lab.update(**changes)
    lab.notebook.record_run(lab.lesson.id, run_id, lab.state.link(), {"lab": lab.plan.id})


def stop(lab: Lab) -> None:
    """The learner no longer wants the run on show; it ends when nobody does."""
    view = lab.shown_run()
    if view is not None:
        shell.runs().stop(view.run_id, shell.learner())
