"""What a lab on data of one's own says: why its settings are what they are, which model is best there, and to go on."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from course_lib.course.lab_state import LabState, by_hand
from course_lib.course.verdict import METRIC, Verdict, model_words, recipe_sentence, verdict
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.recipes import counts, longer_settings, needs_recipe
from course_lib.figures.names import setting_name
from course_lib.runs.go_on import begin_longer, can_go_on
from course_lib.runs.store import RunStore
from course_lib.runs.view import RunView
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.ui import limited
from course_lib.ui.shell import t

if TYPE_CHECKING:
    from course_lib.ui.lab import Lab


def recipe_words(state: LabState, start: LabState, language: str) -> str:
    """Why the settings are what they are, in a sentence or two; nothing where the model is counted."""
    given = state.config().settings
    if "schedule" not in given:
        return ""
    told = [recipe_sentence(counts(state.data), given, str(state.budget), language)]
    if int(given["shoppers"]):
        told.append(text("verdict.some", language, shoppers=f"{int(given['shoppers']):,}"))
    if hand := by_hand(start, state):
        told.append(text("verdict.by_hand", language, names=", ".join(setting_name(one, language) for one in hand)))
    return " ".join(told) if language == "en" else "".join(told)


def run_verdict(lab: Lab, view: RunView) -> None:
    """Under a finished run on data that are none of the lessons': which model is best, and the way on."""
    config = view.config
    if view.state != "finished" or view.result is None or config is None:
        return
    if not needs_recipe(config.experiment, config.sizes):
        return
    try:
        found = verdict(config, view.result, counts(config.sizes))
    except CourseError:
        return  # the data are gone; the run's figures stay
    if found is None:
        return
    with st.container(border=True, key=lab.key("verdict")):
        st.markdown(f"**{t('verdict.title')}**")
        st.markdown((" " if lab.language == "en" else "").join(found.sentences(lab.language)))
        st.table(_rows(found, lab.language))
        if found.improving and can_go_on(RunStore(load_settings()), view.run_id):
            st.button(
                t("verdict.go_on", seconds=lab.state.budget),
                key=lab.key("go_on"),
                type="primary",
                on_click=lab.guarded(go_on, lab, view.run_id),
            )


def ends_at(view: RunView) -> str:
    """When a run whose seconds were budgeted will be over, on the reader's clock; nothing until that is known."""
    config = view.config
    if (
        view.state != "running"
        or view.left_s is None
        or config is None
        or config.settings.get("schedule") != "averaged"
    ):
        return ""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        zone = ZoneInfo("UTC")
    return t("verdict.end", time=f"{datetime.fromtimestamp(time.time() + view.left_s, zone):%H:%M:%S}")


def _rows(found: Verdict, language: str) -> dict[str, list[str]]:
    """The models, best first, as columns of a small table."""
    ranking = found.ranking
    return {
        t("verdict.column_model"): [model_words(one.model, language) for one in ranking],
        METRIC.upper(): [f"{one.value:.3f}" for one in ranking],
        t("verdict.column_interval"): [f"{one.low:.3f} – {one.high:.3f}" for one in ranking],
    }


def go_on(lab: Lab, run_id: str) -> None:
    """Trains the run for another budget, from where it is, and shows that. Raises CourseError."""
    store = RunStore(load_settings())
    config = store.view(run_id).config
    if config is None:
        raise CourseError("run_missing", run=run_id)
    data = config.sizes
    settings = longer_settings(data, config.settings, lab.state.budget)
    if settings is None:
        raise CourseError("cannot_go_on", run=run_id)
    after = RunConfig.make(config.experiment, data, settings, config.seed)
    if store.view(after.run_id).state != "finished":
        begin_longer(store, run_id, after)
    limited.start(lab, after)
    shown = {name: after.settings[name] for name in lab.state.settings if name in after.settings}
    lab.update(settings={**lab.state.settings, **shown}, run=None, frame=None)
    lab.show(after.run_id)
    lab.notebook.record_run(lab.lesson.id, after.run_id, lab.state.link(), {"lab": lab.plan.id})
