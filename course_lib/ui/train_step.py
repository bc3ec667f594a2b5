"""The Train step of a lab with one run: a small form of meaningful choices, Train and Stop, and the run as it goes.

At 1280 pixels all of it fits on a screen and stays where it is: in training, at the end and while frames are scrubbed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from course_lib.course.lab_state import choices, on_other_data, opening_state, prefilled, usable
from course_lib.errors import CourseError
from course_lib.experiments.config import SEED
from course_lib.experiments.recipes import expected_s
from course_lib.figures.names import choice_name, dataset_name, setting_name, size_name
from course_lib.models.catalogue import Setting
from course_lib.text import strings
from course_lib.ui import limited, shell
from course_lib.ui.lab import Lab
from course_lib.ui.language import duration
from course_lib.ui.recipe_words import recipe_words
from course_lib.ui.run_panel import run_panel
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

BUDGETS = (15, 30, 60, 120, 300)  # seconds of training that can be chosen
WIDEST = 8  # choices in a row
WIDER = {"data": 6, "model": 4, "method": 3}  # of the row's parts; any other choice has 2


def train_step(lab: Lab, ready: bool) -> None:
    """Draws the form, the buttons and the run.

    Args:
        lab: a lab of this lesson.
        ready: False until the learner has guessed or skipped; Train waits for it.
    """
    with st.container(border=True, key=f"lab_{lab.lesson.id}_{lab.plan.id}"):
        st.fragment(buttons, key=lab.part("bar"))(lab, ready)
        form(lab)
        st.fragment(run_panel, key=lab.part("panel"))(lab)


def form(lab: Lab) -> None:
    """The choices. Each one changes the state at once; nothing runs before Train."""
    state = lab.state
    offered = state.offered()
    places = [*(["data"] if state.data else []), *(["budget"] if state.has_recipe else []), *offered, "seed"]
    columns: dict[str, Any] = {}
    widest = sum(WIDER.get(name, 2) for name in places[:WIDEST])
    for start in range(0, len(places), WIDEST):
        row = places[start : start + WIDEST]
        widths = [WIDER.get(name, 2) for name in row]
        rest = [widest - sum(widths)] if sum(widths) < widest else []  # one left over is no wider than those above
        columns |= dict(zip(row, st.columns(widths + rest), strict=False))
    if state.data:
        with columns["data"]:
            _dataset(lab)
    if state.has_recipe:
        with columns["budget"]:
            _budget(lab)
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
    if state.has_recipe:
        st.caption(shell.plain(recipe_words(state, opening_state(lab.plan), lab.language)))


def change(lab: Lab, **changes: Any) -> None:
    """Changes a choice; the run on show stays."""
    lab.pin()
    lab.update(**changes)


def change_setting(lab: Lab, name: str, value: Any) -> None:
    """Changes a setting; another model brings its own, or those of the recipe for it."""
    lab.pin()
    after = lab.state.with_setting(name, value)
    if after.has_recipe and name in lab.plan.card.chooses:
        after = replace(after, settings=prefilled(opening_state(lab.plan), after))
    lab.update(settings=after.settings)


def _dataset(lab: Lab) -> None:
    """Dataset and size in one choice, so that no size of one dataset can stand beside another."""
    state, lang = lab.state, lab.language
    first, *others = state.data

    def choose(chosen: tuple[str, str]) -> None:
        usable(chosen[0], shell.learner())  # it may have been deleted since this tab was drawn
        data = {first: chosen, **{name: state.data[name] for name in others}}
        lab.pin()
        after = on_other_data(opening_state(lab.plan), lab.state, data=data)
        lab.update(data=after.data, settings=after.settings)

    st.selectbox(
        t("lab.dataset"),
        format_func=lambda one: f"{dataset_name(one[0], lang)} · {size_name(one[0], one[1], lang)}",
        help=t("lab.dataset_help"),
        **lab.widget("data", state.data[first], choose, lab.datasets),
    )


def _budget(lab: Lab) -> None:
    """How long a training may take: the recipe follows it."""

    def choose(seconds: int) -> None:
        lab.pin()
        after = on_other_data(opening_state(lab.plan), lab.state, budget=seconds)
        lab.update(budget=after.budget, settings=after.settings)

    options = sorted({*BUDGETS, lab.state.budget})
    st.selectbox(
        t("verdict.budget"), help=t("verdict.budget_help"), **lab.widget("budget", lab.state.budget, choose, options)
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


@one_run()
def buttons(lab: Lab, ready: bool) -> None:
    """Train, Stop, one line on what a press of Train would do, and why the last press did not work."""
    view = lab.shown_run()
    wrong: CourseError | None = None
    asked: str | None = None
    try:
        asked = lab.config().run_id
    except CourseError as error:
        wrong = error
    live = view is not None and view.live
    same = view is not None and view.run_id == asked
    own = live and view is not None and lab.has_started(view.run_id)  # else somebody else trains the same
    with st.container(horizontal=True, vertical_alignment="center", key=_bar_key(lab)):
        st.button(
            t("lab.train"),
            type="primary",
            key=lab.key("train"),
            disabled=wrong is not None or not ready or (same and own),
            on_click=lab.guarded(pressed, lab),
        )
        st.button(t("lab.stop"), key=lab.key("stop"), disabled=not own, on_click=lab.guarded(stop, lab))
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
        elif live and not own:
            note = t("lab.trained_by_another")
        else:
            note, hint = t("lab.reload_hint") if live else _expected(lab), live
        with st.container(key=lab.key("hint" if hint else "note")):
            st.caption(note)
    lab.tell_troubles()


def _bar_key(lab: Lab) -> str:
    """On a phone the first lab's buttons stand in a bar at the bottom of the screen (static/lab.css)."""
    return f"lab_bar_{lab.lesson.id}" if lab.first else f"lab_buttons_{lab.lesson.id}_{lab.plan.id}"


def _expected(lab: Lab) -> str:
    """How large the run would be and how long it would take."""
    config = lab.config()
    size = shell.runs().size(config)
    by_rule = lab.state.has_recipe and config.settings.get("schedule") == "averaged"
    seconds = expected_s(lab.state.data, config.settings) if by_rule else size.seconds
    words = t("lab.expected", seconds=duration(seconds))
    if size.parameters:
        words = t("lab.parameters", parameters=f"{size.parameters:,}") + " " + words
    return f"{words} {t('lab.train_hint')}"


def pressed(lab: Lab) -> None:
    """Train; then the parts of the page that a run in training changes are drawn anew, and no others.

    A whole page takes ten times as long, and a class presses at once. It is drawn when the run has ended.
    """
    train(lab)
    view = lab.shown_run()
    if view is not None and view.live:
        st.rerun(list(lab.parts))


def train(lab: Lab) -> None:
    """Starts the run of the form's choices, or opens it if it is there, and remembers it as the learner's last."""
    lab.troubles.clear()
    before = lab.shown_run()
    for dataset, _ in lab.state.data.values():
        usable(dataset, shell.learner())
    config = lab.state.config()
    run_id = limited.start(lab, config)
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
