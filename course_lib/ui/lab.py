"""The lab's Train step: a small form of meaningful choices, Train and Stop, and below them the run as it goes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from course_lib.data.registry import source
from course_lib.errors import CourseError
from course_lib.figures.base import model_name
from course_lib.runs.config import SEED
from course_lib.runs.view import RunView
from course_lib.text import strings
from course_lib.ui import shell
from course_lib.ui.lab_session import Lab
from course_lib.ui.lab_state import MODEL_CHOICES, choices, form_settings, lab_models, preset_state, usable, with_model
from course_lib.ui.language import dataset_name, size_name
from course_lib.ui.shell import t
from course_lib.ui.watch import watch_run


def train_step(lab: Lab, ready: bool) -> None:
    """Draws the form, the buttons and the run.

    Args:
        lab: this lesson's lab.
        ready: False until the learner has guessed or skipped; Train waits for it.
    """
    view = lab.shown_run()
    for error in lab.troubles:
        st.warning(shell.plain(error.text(lab.language)))
    form(lab)
    buttons(lab, view, ready)
    if view is None:
        st.info(t("lab.no_run"))
    else:
        watch_run(lab, view)


def form(lab: Lab) -> None:
    """The choices. Each one changes the state at once; nothing runs before Train."""
    state, lang = lab.state, lab.language
    offered = form_settings(state.model)

    def change(**changes: Any) -> None:
        lab.pin()
        lab.update(**changes)

    def change_setting(key: str, value: int) -> None:
        change(settings={**lab.state.settings, key: value})

    def change_dataset(name: str) -> None:
        try:
            change(dataset=usable(name, shell.learner()), size=source(name).sizes[0])
        except CourseError as error:  # deleted since this tab was drawn
            lab.troubles.append(error)

    def change_model(name: str) -> None:
        chosen = with_model(preset_state(lab.lesson.presets), name)
        change(model=name, settings=chosen.settings, training=chosen.training)

    with st.container(border=True, key=f"lab_form_{lab.lesson.id}"):
        first, second, third, fourth = st.columns(4)
        first.selectbox(
            t("lab.dataset"),
            format_func=lambda name: dataset_name(name, lang),
            help=t("lab.dataset_help"),
            **lab.widget("dataset", state.dataset, change_dataset, lab.datasets),
        )
        second.selectbox(
            t("lab.size"),
            format_func=lambda name: size_name(state.dataset, name, lang),
            help=t("lab.size_help"),
            **lab.widget("size", state.size, lambda value: change(size=value), source(state.dataset).sizes),
        )
        third.selectbox(
            t("lab.model"),
            format_func=lambda name: model_name(name, lang),
            help=t("lab.model_help"),
            **lab.widget("model", state.model, change_model, lab_models(preset_state(lab.lesson.presets).model)),
        )
        epochs = offered["epochs"]
        fourth.number_input(
            t("lab.epochs"),
            min_value=int(epochs.low or 1),
            max_value=int(epochs.high or 100),
            step=1,
            help=t("lab.epochs_help"),
            **lab.widget(
                "epochs",
                int(state.training["epochs"]),
                lambda value: change(training={**lab.state.training, "epochs": value}),
            ),
        )
        columns = st.columns(len(offered))
        for column, (name, setting) in zip(columns, offered.items(), strict=True):
            if name == "epochs":
                continue
            key = MODEL_CHOICES[name]
            column.selectbox(
                t(f"lab.{name}"),
                help=strings(lang).get(f"lab.{name}_help_{state.model}") or t(f"lab.{name}_help"),
                **lab.widget(
                    name, state.settings[key], partial(change_setting, key), choices(setting, state.settings[key])
                ),
            )
        columns[-1].number_input(
            t("lab.seed"),
            min_value=int(SEED.low or 0),
            max_value=int(SEED.high or 0),
            step=1,
            help=t("lab.seed_help"),
            **lab.widget("seed", state.seed, lambda value: change(seed=value)),
        )


def buttons(lab: Lab, view: RunView | None, ready: bool) -> None:
    """Train, Stop, and one line on what a press of Train would do."""
    wrong: CourseError | None = None
    asked: str | None = None
    try:
        asked = lab.state.config().run_id
    except CourseError as error:
        wrong = error
    live = view is not None and view.live
    same = view is not None and view.run_id == asked
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            t("lab.train"),
            type="primary",
            key=lab.key("train"),
            disabled=wrong is not None or not ready or (live and same),
            on_click=train,
            args=(lab,),
        )
        st.button(t("lab.stop"), key=lab.key("stop"), disabled=not live, on_click=stop, args=(lab,))
        if wrong is not None:
            note = shell.plain(wrong.text(lab.language))
        elif not ready:
            note = t("lab.guess_first")
        elif view is not None and not same:
            known = asked is not None and shell.runs().watch(asked).state == "finished"
            note = t("lab.other_finished" if known else "lab.other_choices")
        elif view is not None and view.state == "finished":
            note = t("lab.same_finished")
        else:
            note = t("lab.train_hint") if not live else t("lab.reload_hint")
        st.caption(note)


def train(lab: Lab) -> None:
    """Starts the run of the form's choices, or opens it if it is there, and remembers it as the learner's last."""
    lab.troubles.clear()
    before = lab.shown_run()
    try:
        usable(lab.state.dataset, shell.learner())
        config = lab.state.config()
        run_id = shell.runs().start(config, shell.learner())
        other_data = before is None or before.config is None or before.config.dataset != config.dataset
        changes: dict[str, Any] = {"run": None, "epoch": None}
        if other_data:
            changes["history"] = None
        lab.update(**changes)
        remember(lab, run_id)
    except CourseError as error:
        lab.troubles.append(error)


def remember(lab: Lab, run_id: str) -> None:
    """Stores the run and the link to it, so that a reload or a second browser finds it."""
    lab.notebook.record_run(lab.lesson.id, run_id, replace(lab.state, run=None).link())


def stop(lab: Lab) -> None:
    """The learner no longer wants the run on show; it ends when nobody does."""
    view = lab.shown_run()
    if view is None:
        return
    try:
        shell.runs().stop(view.run_id, shell.learner())
    except CourseError as error:
        lab.troubles.append(error)
