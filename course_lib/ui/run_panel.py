"""The run as it goes: state and progress, the picture that is always in sight, and the others behind tabs.

A fragment that asks again once a second (a class less often, see pace.py), only while the run is live; when it ends,
the page is drawn once more and everything stays in its place. The learner may go back through the frames that are
there, and on with the newest.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import streamlit as st

from course_lib.course.measures import HEADLINE
from course_lib.errors import CourseError
from course_lib.figures.names import choice_name, dataset_name, setting_name
from course_lib.figures.shown import Shown
from course_lib.runs.view import RunView, frame_view
from course_lib.ui import shell
from course_lib.ui.frame_slider import frame_slider
from course_lib.ui.guess_step import verdicts
from course_lib.ui.lab import Lab
from course_lib.ui.language import duration
from course_lib.ui.my_runs import my_runs
from course_lib.ui.pace import ask_again_in, pace, this_tab
from course_lib.ui.panels import panel_of
from course_lib.ui.picture import draw_picture
from course_lib.ui.recipe_words import ends_at, run_verdict
from course_lib.ui.shell import t
from course_lib.ui.this_run import one_run

GUESSES, RUNS = "guesses", "runs"  # tabs that are no picture
TURN_S = 0.2  # a turn that is so near has come
FOCUS = 437  # pixels of what stands behind the tabs, so that nothing moves when another one is chosen


def run_panel(lab: Lab) -> None:
    """Draws the run on show, or the places where it will be; while it is live, again and again."""
    view = lab.shown_run()
    live = view is not None and view.live
    wait = pace.seen(view.run_id, this_tab()) if view is not None and live else None
    st.fragment(_panel, run_every=wait)(lab, view.run_id if view else None, Watching(wait) if wait else None)


@dataclass
class Watching:
    """What a panel knows of its own polls, from one to the next."""

    asks_every: float  # seconds
    redraw_at: float | None = None  # monotonic seconds; known once the run has ended


@one_run()
def _panel(lab: Lab, run_id: str | None, watching: Watching | None) -> None:
    with pace.measured("poll") if watching else nullcontext():
        view = RunView(run_id or "", "missing") if run_id is None else shell.runs().watch(run_id)
        if watching is not None:
            _keep_pace(view, watching)
        _draw(lab, view)


def _keep_pace(view: RunView, watching: Watching) -> None:
    """When to ask again; once the run has ended, the whole page is drawn anew when it is this tab's turn.

    Until then the panel alone shows the end: the guesses are graded and Look inside opens with the page.
    """
    tab, now = this_tab(), time.monotonic()
    if view.live:
        watching.redraw_at, wait = None, pace.seen(view.run_id, tab)
    else:
        if watching.redraw_at is None:
            watching.redraw_at = now + pace.turn(view.run_id, tab)
        wait = max(TURN_S, watching.redraw_at - now)
        if now >= watching.redraw_at - TURN_S:
            pace.left(view.run_id, tab)
            st.rerun()
    if wait != watching.asks_every:
        watching.asks_every = wait
        ask_again_in(wait)


def _draw(lab: Lab, view: RunView) -> None:
    status(lab, view)
    first, *others = lab.plan.pictures or ("",)
    left, right = st.columns(2)
    with left, shell.boundary():
        if first:
            draw_picture(lab, first, Shown((view,)), "train")
        at = _moment(lab, view)
    with right, shell.boundary():
        _focus(lab, view, others, at)
    with shell.boundary():
        run_verdict(lab, view)
    lab.show_link_in_address("live")


def _moment(lab: Lab, view: RunView) -> int | None:
    """Whom and when to look at: the panel's own choices and the slider; returns the frame, None before the first."""
    panel = panel_of(lab.plan.experiment)
    if not view.frames:
        return None
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        if panel is not None and hasattr(panel, "controls"):
            panel.controls(lab, view, "train")
    with right:
        at = frame_slider(lab, view, "train")
    if panel is not None and hasattr(panel, "below"):
        panel.below(lab, view, "train")
    return at


def _focus(lab: Lab, view: RunView, names: list[str], at: int | None) -> None:
    """What the lesson is about, at the moment chosen."""
    panel = panel_of(lab.plan.experiment)
    views = panel.views(lab) if panel is not None and hasattr(panel, "views") else getattr(panel, "VIEWS", {})
    tabs = [*views, *names, *([GUESSES] if lab.guesses else []), RUNS]
    tab = lab.tab(tabs)
    with st.container(height=FOCUS, border=False, key=lab.key("focus")), shell.boundary():
        if tab == GUESSES:
            verdicts(lab)
        elif tab == RUNS:
            my_runs(lab)
        elif at is None:
            st.caption(t("lab.frames_to_come"))
        else:
            now = panel.shown(lab, view, at) if panel else Shown((view,), (), at, frame_view(view.run_id, at))
            if tab in views:
                earlier = [one for one in view.frames if one < at]
                views[tab](lab, now, _answer_at(lab, view, earlier[-1]) if earlier else None)
            else:
                draw_picture(lab, str(tab), now, "train")


def _answer_at(lab: Lab, view: RunView, at: int) -> Mapping[str, Any] | None:
    """What the panel shows at another frame, so that the list can say what has moved."""
    panel = panel_of(lab.plan.experiment)
    found: Mapping[str, Any] | None = panel.shown(lab, view, at).answer if panel is not None else None
    return found


def status(lab: Lab, view: RunView) -> None:
    """One line on where the run stands and what else is true of it, and a bar.

    All of it in one container: whatever is said, the pictures below keep their place on the page, and so their nodes.
    """
    with st.container(key=_status_key(lab, view)):
        with st.container(key=lab.key("spoken")):  # hidden by lab.css; document.js has a screen reader say it
            st.html(f"<span>{spoken(view)}</span>")
        if view.state == "missing":
            st.progress(0.0, text=t("lab.no_run"))
            return
        st.progress(view.progress, text=" · ".join([status_line(view), *_notes(lab, view)]))
        if view.state == "failed":
            error = CourseError.from_dict(view.error) if view.error else None
            st.error(shell.plain(error.text(lab.language)) if error else t("lab.state_failed"))


def _status_key(lab: Lab, view: RunView) -> str:
    """On a phone the line of the first lab's run stands in the bar at the bottom of the screen (static/lab.css)."""
    in_bar = lab.first and view.state in ("queued", "running", "finished")
    return f"lab_{'status' if in_bar else 'said'}_{lab.lesson.id}_{lab.plan.id}"


def _notes(lab: Lab, view: RunView) -> list[str]:
    """What else is true of a run."""
    notes = []
    if lab.state.run is not None:  # not the form's
        notes.append(lab.kept("run", (view.config,), lambda: run_words(view, lab.language, lab.plan.shows)))
    for name, holds in (
        ("recorded", view.recorded),
        ("shared", view.watchers_shared and view.live),
        ("resumed", view.resumed),
        ("afresh", bool(view.of("afresh"))),
    ):
        notes += [t(f"lab.note_{name}")] if holds else []
    if end := ends_at(view):
        notes.append(end)
    kept = view.last("kept")
    if kept is not None:
        early = kept["trained"] < kept["epochs"]
        numbers = {name: kept[name] for name in ("epoch", "trained", "epochs", "patience")}
        notes.append(t("lab.note_stopped_early" if early else "lab.note_kept", **numbers))
    return notes


def run_words(view: RunView, language: str, names: tuple[str, ...]) -> str:
    """What a run is of: its data, its model, and the settings ``names``."""
    config = view.config
    if config is None:
        return view.run_id
    words = [dataset_name(one.name, language) for one in config.data.values()]
    words += [choice_name(choice, config.settings[choice], language) for choice in config.card.chooses]
    for name in names:
        value = config.settings.get(name)
        if value is not None and name not in config.card.chooses and not (name == "shoppers" and value == 0):
            words.append(f"{setting_name(name, language)} {choice_name(name, value, language)}")
    return ", ".join([*words, f"{t('lab.seed')} {config.seed}"])


def spoken(view: RunView) -> str:
    """What a screen reader is told of the run: its state, and each whole epoch once, not every second."""
    if view.state == "missing":
        return ""
    if view.state != "running":
        return t("lab.queued") if view.state == "queued" else status_line(view)
    told, epochs = view.last("frame"), (view.config.settings.get("epochs") if view.config else None)
    if not epochs or told is None or "epoch" not in told:
        return t("lab.state_starting")
    return t("lab.running_epoch", epoch=str(int(told["epoch"])), epochs=epochs)


def status_line(view: RunView) -> str:
    """Where the run stands, in words."""
    if view.state == "queued":
        if view.place is None:
            return t("lab.queued")
        if view.wait_s is None:
            return t("lab.queued_place", place=view.place)
        return t("lab.queued_wait", place=view.place, seconds=duration(view.wait_s))
    if view.state == "running":
        left = "" if view.left_s is None else t("lab.left", seconds=duration(view.left_s))
        told, epochs = view.last("frame"), (view.config.settings.get("epochs") if view.config else None)
        if epochs and told is not None and "epoch" in told:
            return t("lab.running_epoch", epoch=f"{told['epoch']:.1f}", epochs=epochs) + _score(view) + left
        return t("lab.running_share", share=f"{view.progress:.0%}") + left
    if view.state == "finished" and view.result is not None:
        seconds = view.result.get("seconds", {}).get("total")
        words = t("lab.state_finished") if seconds is None else t("lab.finished", seconds=f"{seconds:.1f}")
        parameters = view.result.get("parameters")
        return words + (f" {t('lab.parameters', parameters=f'{parameters:,}')}" if parameters else "")
    return t(f"lab.state_{view.state}")


def _score(view: RunView) -> str:
    """The newest validation score, where the run has one that recommenders are compared in."""
    now = (view.last("score") or {}).get("metrics", {}).get(HEADLINE)
    return t("lab.now_score", score=f"{now['value']:.3f}") if now else ""
