"""The slider over a run's epochs, while it trains and after: it follows the newest until the learner moves it back.

Streamlit's own slider takes every new value from the server at once, also out of the learner's hand; a run that goes on
has a new one every second or two. This one is the browser's range input and is left alone while it is held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from course_lib.runs.view import RunView
from course_lib.ui.component import component
from course_lib.ui.lab_session import Lab
from course_lib.ui.shell import t


def chosen_epoch(lab: Lab, view: RunView) -> int:
    """The epoch to look at: the newest (or the one kept), or where the learner has put the slider; 0 is untrained."""
    newest = view.snapshots[-1]
    unmoved = newest if view.kept is None else int(view.kept["epoch"])
    wanted = unmoved if lab.state.epoch is None else lab.state.epoch
    return max((epoch for epoch in view.snapshots if epoch <= wanted), default=newest)


def epoch_slider(lab: Lab, view: RunView, place: str, moved: Callable[[], None] = lambda: None) -> int:
    """Draws the slider, and beside it, while the run goes on, a way back to the newest; returns the epoch to look at.

    Args:
        lab: ``lab.state.epoch`` is what the slider shows and changes; None follows the newest.
        view: a run with at least one snapshot.
        place: tells the slider of one step of the lesson from another's.
        moved: called when the learner has moved it.
    """
    key, turns = lab.key(f"widget.epoch.{place}"), lab.key(f"epoch.{place}.turn")
    epoch, newest = chosen_epoch(lab, view), view.snapshots[-1]
    last = int(view.config.training["epochs"]) if view.live and view.config is not None else newest

    def take() -> None:
        sent = st.session_state.get(key)
        move = sent.get("move") if isinstance(sent, Mapping) else None
        if not isinstance(move, Mapping) or not all(isinstance(move.get(name), int) for name in ("epoch", "turn")):
            return
        st.session_state[turns] = move["turn"]
        follow = view.kept is None and (move.get("newest") or move["epoch"] > newest)
        lab.update(epoch=None if follow else min(max(0, move["epoch"]), newest))
        moved()

    if not view.live and len(view.snapshots) == 1:
        return epoch  # nowhere to go
    with st.container(key=f"lab_epoch_{place}_{lab.lesson.id}"):
        left, right = st.columns([3, 1], vertical_alignment="center") if view.live else (st.container(), None)
        with left:
            component("epoch_slider")(
                key=key,
                data={
                    "first": view.snapshots[0],
                    "newest": newest,
                    "last": max(last, newest),
                    "epoch": epoch,
                    "turn": st.session_state.get(turns, 0),
                    "words": {
                        "label": t("look.epoch"),
                        "place": t("look.epoch_of" if view.live else "look.epoch_at"),
                        "hint": t("look.epoch_help_live" if view.live else "look.epoch_help"),
                    },
                },
                on_move_change=take,
            )
        if right is not None:
            follows = lab.state.epoch is None or lab.state.epoch > newest
            right.button(
                t("lab.follow"), key=lab.key("follow"), disabled=follows, on_click=lambda: lab.update(epoch=None)
            )
    return epoch
