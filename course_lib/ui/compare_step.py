"""The Train step of a lab that compares: its list of runs started with one press, watched side by side.

Each run is shared with every other lesson that has the same one, so those that are finished open at once.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

import streamlit as st

from course_lib.course.measures import HEADLINE
from course_lib.errors import CourseError
from course_lib.figures.names import in_unit, measure_name
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView
from course_lib.ui import limited, shell
from course_lib.ui.guess_step import verdicts
from course_lib.ui.lab import Lab
from course_lib.ui.language import duration
from course_lib.ui.pace import pace, this_tab
from course_lib.ui.panels import panel_of
from course_lib.ui.picture import draw_picture
from course_lib.ui.shell import t
from course_lib.ui.take_home import report_buttons
from course_lib.ui.this_run import once, one_run

GUESSES = "guesses"


def compare_step(lab: Lab, ready: bool) -> None:
    """Draws the buttons, the table of runs and the pictures; Train waits for ``ready``."""
    views = watched(lab)
    live = any(view.live for view in views.values())
    now = [run.id for run in lab.plan.runs if not run.later]
    with st.container(border=True, key=f"lab_{lab.lesson.id}_{lab.plan.id}"):
        bar = f"lab_bar_{lab.lesson.id}" if lab.first else f"lab_buttons_{lab.lesson.id}_{lab.plan.id}"
        with st.container(horizontal=True, vertical_alignment="center", key=bar):
            _button(lab, "train", t("lab.train_all", runs=len(now)), now, views, ready, first=True)
            for run in lab.plan.runs:
                if run.later:
                    label = t("lab.train_one", name=run.name(lab.language))
                    done = all(views[id].state == "finished" for id in now)
                    _button(lab, f"train.{run.id}", label, [run.id], views, ready and done)
            st.button(t("lab.stop"), key=lab.key("stop"), disabled=not live, on_click=lab.guarded(_stop, lab))
            if not ready:
                st.caption(t("lab.guess_first"))
        lab.tell_troubles()
        every = pace.seen(lab.key(""), this_tab()) if live else None
        st.fragment(_panel, run_every=every)(lab, live)
        report_buttons(lab, [view.run_id for view in views.values() if view.state == "finished"])


def _button(
    lab: Lab, name: str, label: str, ids: list[str], views: Mapping[str, RunView], ready: bool, first: bool = False
) -> None:
    finished = all(views[id].state == "finished" for id in ids)
    busy = all(views[id].live or views[id].state == "finished" for id in ids)
    st.button(
        label,
        type="primary" if first else "secondary",
        key=lab.key(name),
        disabled=not ready or (busy and not finished),
        on_click=lab.guarded(_train, lab, ids),
    )


def watched(lab: Lab) -> dict[str, RunView]:
    """Every run of the lab as it is now, by its id in the lab."""
    configs = once(("configs", lab.key("")), lab.plan.configs)
    return {id: shell.runs().watch(config.run_id) for id, config in configs.items()}


def _train(lab: Lab, ids: list[str]) -> None:
    """Starts the runs named; one that cannot be started does not keep the others from it."""
    lab.troubles.clear()
    for id, config in lab.plan.configs().items():
        if id not in ids:
            continue
        try:
            run_id = limited.start(lab, config)
        except CourseError as error:
            lab.troubles.append(error)
        else:
            lab.notebook.record_run(lab.lesson.id, run_id, lab.state.link(), {"lab": lab.plan.id, "run": id})


def _stop(lab: Lab) -> None:
    for view in watched(lab).values():
        if view.live:
            shell.runs().stop(view.run_id, shell.learner())


@one_run()
def _panel(lab: Lab, was_live: bool) -> None:
    views = watched(lab)
    if was_live:
        pace.seen(lab.key(""), this_tab())
    if was_live and not any(view.live for view in views.values()):
        st.rerun()  # the whole page, once: the guesses are graded now
    names = tuple(run.name(lab.language) for run in lab.plan.runs)
    shown = Shown(tuple(views[run.id] for run in lab.plan.runs), names)
    left, right = st.columns(2)
    with left:
        st.html(table(lab, views))
    with right, shell.boundary():
        _pictures(lab, shown)


def _pictures(lab: Lab, shown: Shown) -> None:
    """The lab's pictures, drawings of its panel among them, and the verdicts of its guesses, one behind each tab."""
    drawings = getattr(panel_of(lab.plan.experiment), "COMPARED", {})
    tabs = [*lab.plan.pictures, *([GUESSES] if lab.guesses else [])]
    if not tabs:
        return
    tab = lab.tab(tabs)
    if tab == GUESSES:
        verdicts(lab)
    elif tab in drawings:
        drawings[tab](lab, shown)
    else:
        draw_picture(lab, str(tab), shown, "compare")


def table(lab: Lab, views: Mapping[str, RunView]) -> str:
    """HTML: one row a run with its state, parameters, seconds of training and score; all data is escaped."""
    measure = HEADLINE if HEADLINE in lab.plan.card.measures else next(iter(lab.plan.card.measures))
    counts = "parameters" in lab.plan.card.measures
    keys = ("run", "state", *(("parameters",) if counts else ()), "training")
    cells = [*(t(f"lab.column_{key}") for key in keys), measure_name(measure, lab.language)]
    rows = ["".join(f'<th scope="col">{html.escape(one)}</th>' for one in cells)]
    for run in lab.plan.runs:
        view = views[run.id]
        result = view.result or {}
        one = result.get("measures", {}).get(measure)
        prepared = view.last("prepared") or {}
        counted = result.get("measures", {}).get("parameters", {}).get("value")
        parameters = result.get("parameters", prepared.get("parameters", counted))
        took = result.get("seconds", {})
        seconds = took.get("train", took.get("total", (view.last("score") or {}).get("seconds")))
        unit = lab.plan.card.measures[measure]
        words = [
            run.name(lab.language),
            state_words(view, lab.language),
            *(("–" if parameters is None else f"{parameters:,.0f}",) if counts else ()),
            "–" if seconds is None else f"{seconds:.1f} s",
            "–" if one is None else _with_interval(one, unit),
        ]
        rows.append("".join(f"<td>{html.escape(word)}</td>" for word in words))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="lab-table"><table>{body}</table></div>'


def _with_interval(one: Mapping[str, float], unit: str) -> str:
    """``0.337 (0.331–0.344)``: an estimate and its 95% interval."""
    value, low, high = (in_unit(one[part], unit) for part in ("value", "low", "high"))
    if one["low"] == one["high"]:
        return value
    return f"{value} ({t('numbers.range', low=low, high=high) if one['low'] < 0 else f'{low}–{high}'})"


def state_words(view: RunView, language: str) -> str:
    """Where a run stands, in a word or two; why, where it has failed."""
    if view.state == "running":
        left = "" if view.left_s is None else f" · {duration(view.left_s)}"
        return f"{view.progress:.0%}{left}"
    if view.state == "failed" and view.error is not None:
        return CourseError.from_dict(view.error).text(language)
    return t(f"lab.short_{view.state}")
