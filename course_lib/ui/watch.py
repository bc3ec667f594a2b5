"""The run as it goes: state, progress, curves, and while it trains one shopper's list, the item map and the attention.

A fragment that asks again once a second, only while the run is live; when it ends, the page is drawn once more. The
learner may go back through the epochs that are there, and on with the newest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from course_lib.errors import CourseError
from course_lib.figures.base import Figure, model_name
from course_lib.figures.curves import learning_curve, loss_curve
from course_lib.figures.results import result_bars
from course_lib.runs.view import RunView
from course_lib.ui import shell
from course_lib.ui.drawn import Drawn, shared
from course_lib.ui.epoch_slider import epoch_slider
from course_lib.ui.lab_session import Lab
from course_lib.ui.language import dataset_name
from course_lib.ui.live_figure import live_figure
from course_lib.ui.pictures import attention_picture, list_cards, list_picture, map_picture, scene
from course_lib.ui.shell import t
from course_lib.ui.shoppers import choose_shopper, shopper_name
from course_lib.ui.this_run import one_run

POLL_S = 1.0


def watch_run(lab: Lab, view: RunView) -> None:
    """Draws the run on show; while it is live, again every second."""
    st.fragment(_panel, run_every=POLL_S if view.live else None)(lab, view.run_id, view.live)


@one_run()
def _panel(lab: Lab, run_id: str, was_live: bool) -> None:
    view = shell.runs().watch(run_id)
    if was_live and not view.live:
        st.rerun()  # the whole page, once: the guesses are graded now and Look inside opens
    status(lab, view)
    if view.steps or view.epochs or view.references:
        left, right = st.columns([3, 2])
        with left:
            live_figure(_of_run(view, lab.language, learning_curve), key=lab.key("figure.ndcg"))
        with right:
            live_figure(_of_run(view, lab.language, loss_curve), key=lab.key("figure.loss"))
    if view.live:
        if view.snapshots:
            _moving(lab, view)
        lab.show_link_in_address("live")  # from the first draw on, when there is no slider yet
    elif view.result is not None:
        bars = shared((view.run_id, lab.language, "bars"), view.result, partial(result_bars, view.result, lab.language))
        live_figure(bars, key=lab.key("figure.result"))


def _of_run(view: RunView, language: str, curve: Callable[[RunView, str], Figure]) -> Drawn:
    """A curve of the run as it is now, drawn by the first who asks."""
    return shared((view.run_id, language, curve.__name__), view, partial(curve, view, language))


def _moving(lab: Lab, view: RunView) -> None:
    """What the lesson is about, at the newest epoch or where the learner has put the slider."""
    choose_shopper(lab, view, "live")
    epoch = epoch_slider(lab, view, "live")
    try:
        now = scene(lab, view, epoch)
        before = [one for one in view.snapshots if one < epoch]
        earlier = scene(lab, view, before[-1]) if before else None  # so that the cards show what has moved
    except CourseError as error:
        st.warning(shell.plain(error.text(lab.language)))
        return
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('lab.list_at', epoch=now.epoch)}**")
        list_cards(now, before=[entry["item"] for entry in earlier.shopper["top"]] if earlier else None)
    with right:
        map_picture(lab, now, "live")
    list_picture(lab, now, "live", shopper_name(lab, view))
    attention_picture(lab, now, "live")


def status(lab: Lab, view: RunView) -> None:
    """One line on where the run stands, a bar, and what else is true of it."""
    st.progress(view.progress, text=status_line(view))
    notes = [
        t(f"lab.note_{name}")
        for name, holds in (
            ("recorded", view.recorded),
            ("shared", view.watchers_shared and view.live),
            ("resumed", view.resumed),
        )
        if holds
    ]
    if view.kept is not None:
        early = view.kept["trained"] < view.kept["epochs"]
        notes.append(t("lab.note_stopped_early" if early else "lab.note_kept", **view.kept))
    if view.config is not None:
        config = view.config
        notes.insert(
            0,
            t(
                "lab.run_of" if "heads" in config.settings else "lab.run_of_headless",
                model=model_name(config.model, lab.language),
                dataset=dataset_name(config.dataset.name, lab.language),
                width=config.settings.get("width", "–"),
                layers=config.settings.get("layers", "–"),
                heads=config.settings.get("heads", "–"),
                length=config.settings.get("history_length", "–"),
                epochs=config.training.get("epochs", "–"),
                seed=config.seed,
            ),
        )
    st.caption(" · ".join(notes))
    if view.state == "failed":
        error = CourseError.from_dict(view.error) if view.error else None
        st.error(shell.plain(error.text(lab.language)) if error else t("lab.state_failed"))
    elif view.state == "stopped":
        st.info(t("lab.stopped"))


def status_line(view: RunView) -> str:
    """Where the run stands, in words."""
    if view.state == "queued":
        if view.place is None:
            return t("lab.queued")
        if view.wait_s is None:
            return t("lab.queued_place", place=view.place)
        return t("lab.queued_wait", place=view.place, seconds=seconds(view.wait_s))
    if view.state == "running":
        epoch = min(int(view.epochs[-1]["epoch"]) + 1 if view.epochs else 0, _epochs(view))
        if view.left_s is None:
            return t("lab.running", epoch=epoch, epochs=_epochs(view))
        return t("lab.running_left", epoch=epoch, epochs=_epochs(view), seconds=seconds(view.left_s))
    if view.state == "finished" and view.result is not None:
        return t(
            "lab.finished",
            seconds=f"{view.result['seconds']['total']:.1f}",
            parameters=f"{view.result['parameters']:,}",
        )
    return t(f"lab.state_{view.state}")


def seconds(value: float) -> str:
    """A rough duration: whole seconds, or minutes from two minutes on."""
    return t("lab.seconds", n=max(1, round(value))) if value < 120 else t("lab.minutes", n=round(value / 60))


def _epochs(view: RunView) -> int:
    return int(view.config.training.get("epochs", 0)) if view.config else 0
