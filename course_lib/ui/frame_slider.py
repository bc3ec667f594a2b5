"""The slider over a run's frames, while it trains and after: it follows the newest until the learner moves it back.

Streamlit's own slider takes every new value from the server at once, also out of the learner's hand; a run that goes on
has a new one every second or two. This one is the browser's range input and is left alone while it is held. A button
plays the frames one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from course_lib.runs.view import RunView
from course_lib.ui.component import component
from course_lib.ui.lab import Lab
from course_lib.ui.shell import t

COUNTED = (  # what a frame's event may say of itself
    "epoch", "level", "numbers", "slates", "shoppers", "products", "searches", "weight", "week",
    "accounts", "hour",
)  # fmt: skip


def chosen_frame(lab: Lab, view: RunView) -> int:
    """The frame to look at: the newest (or the one kept), or where the learner has put the slider."""
    kept = view.last("kept")
    unmoved = view.frames[-1] if kept is None else int(kept["frame"])
    wanted = unmoved if lab.state.frame is None else lab.state.frame
    return max((at for at in view.frames if at <= wanted), default=view.frames[-1])


def frame_name(view: RunView, at: int) -> str:
    """What a frame is called: by its epoch or whatever else it counts (COUNTED), or its number, from 1 on."""
    told = next((one for one in view.of("frame") if int(one["at"]) == at), {})
    name = _counted(told)
    if not name:
        return str(at + 1)
    number = float(told[name])
    return t(f"lab.{name}_name", **{name: f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"})


def _counted(told: Mapping[str, object]) -> str:
    """What a frame says that it counts; empty where it says nothing."""
    return next((name for name in COUNTED if name in told), "")


def frame_slider(lab: Lab, view: RunView, place: str, moved: Callable[[], None] = lambda: None) -> int:
    """Draws the slider; returns the frame to look at.

    Args:
        lab: ``lab.state.frame`` is what the slider shows and changes; None follows the newest.
        view: a run with at least one frame.
        place: tells the slider of one step of the lesson from another's.
        moved: called when the learner has moved it.
    """
    key, turns = lab.key(f"widget.frame.{place}"), lab.key(f"frame.{place}.turn")
    frames = view.frames
    at, newest = chosen_frame(lab, view), frames[-1]

    def take() -> None:
        sent = st.session_state.get(key)
        move = sent.get("move") if isinstance(sent, Mapping) else None
        if not isinstance(move, Mapping) or not all(isinstance(move.get(name), int) for name in ("frame", "turn")):
            return
        st.session_state[turns] = move["turn"]
        follow = view.last("kept") is None and (move.get("newest") or move["frame"] > newest)
        lab.update(frame=None if follow else min(max(0, move["frame"]), newest))
        moved()

    if not view.live and len(frames) == 1:
        return at  # nowhere to go
    counted = _counted(view.last("frame") or {})
    other = "" if counted == "epoch" else f"_{counted or 'stage'}"  # no moments of a training
    hint = "frame_help_live" if view.live else "frame_help_other" if other else "frame_help"
    component("frame_slider")(
        key=key,
        data={
            "first": frames[0],
            "newest": newest,
            "last": max(int(view.plan.get("frame", 0)) - 1 if view.live else newest, newest),
            "frame": at,
            "turn": st.session_state.get(turns, 0),
            "names": [frame_name(view, one) for one in range(frames[0], newest + 1)],
            "words": {
                "label": t(f"lab.frame{other}"),
                "hint": t(f"lab.{hint}"),
                "play": t("lab.play"),
                "pause": t("lab.pause"),
                "speed": t("lab.speed"),
            },
        },
        on_move_change=lab.guarded(take, place=place),
    )
    return at
