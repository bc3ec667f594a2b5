"""The figures that a lesson's prose asks for by name, ``{{figure:histories}}``: before anything has been trained, and
where a picture can show the learner's own run, with that.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from course_lib.data.registry import load, resolve
from course_lib.errors import CourseError
from course_lib.figures.attention import order_matters
from course_lib.figures.lists import history_timeline
from course_lib.shop import personas
from course_lib.ui.drawn import Drawn
from course_lib.ui.lab_session import Lab
from course_lib.ui.lab_state import SHOPPERS
from course_lib.ui.live_figure import live_figure
from course_lib.ui.pictures import Scene, both, scene
from course_lib.ui.product_search import items_of
from course_lib.ui.shell import t
from course_lib.ui.shoppers import shopper_name

SHOP = "shop"  # what is drawn without a run shows the simulated shop, whatever the lab is set to
FEW = 6  # products in the drawing of the mask alone


def lesson_figure(lab: Lab, name: str) -> None:
    """Draws the figure ``name``; raises CourseError for a name that no figure has."""
    if name not in FIGURES:
        raise CourseError("unknown_figure", name=name, known=", ".join(FIGURES))
    FIGURES[name](lab, lab.key(f"figure.prose.{name}"))


@functools.cache
def opening_histories() -> tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]:
    """Items and times of the five returning shoppers, oldest first; the shop is generated once per process."""
    events = load(resolve(SHOP)).events
    own = [events[events["user_id"] == user] for user in range(SHOPPERS)]
    return tuple((tuple(one["item_id"].tolist()), tuple(one["timestamp"].tolist())) for one in own)


def histories(lab: Lab, key: str) -> None:
    """What the five shoppers have bought."""
    live_figure(_histories(lab.language), key=key)


@functools.cache
def _histories(language: str) -> Drawn:
    shoppers: list[dict[str, Any]] = [
        {"name": persona.name(language), "emoji": persona.emoji, "history": items, "times": times}
        for persona, (items, times) in zip(personas(), opening_histories(), strict=True)
    ]
    return Drawn(history_timeline(items_of(resolve(SHOP)), shoppers, language))


def mask(lab: Lab, key: str) -> None:
    """Who looks at whom in the run on show, after its newest epoch; where there is none to be read, who may."""
    view = lab.shown_run()
    now: Scene | None = None
    if view is not None and view.config is not None and view.snapshots:
        with contextlib.suppress(CourseError):  # the lab below says what is wrong
            now = scene(lab, view, view.snapshots[-1])
    if view is None or now is None or now.matrix is None:
        wide, narrow = _bare_mask(lab.language)
        unmasked = now is not None and now.shopper.get("matrix") == [] and len(now.shopper["history"]) > 0
        words = t("lesson.mask_other", model=now.model) if now is not None and unmasked else t("lesson.mask_bare")
    else:
        wide, narrow = now.matrix
        words = t("lesson.mask_run", epoch=now.epoch, name=shopper_name(lab, view))
        shown, read = len(now.shopper["matrix"]), len(now.shopper["history"])
        if shown < read:
            words += t("lesson.mask_cut", shown=shown, read=read)
    live_figure(wide, key=key, narrow=narrow)
    st.caption(words)


@functools.cache
def _bare_mask(language: str) -> tuple[Drawn, Drawn]:
    newest = opening_histories()[0][0][-FEW:]
    return both(lambda narrow: order_matters(items_of(resolve(SHOP)), newest, None, language, narrow))


FIGURES: dict[str, Callable[[Lab, str], None]] = {"histories": histories, "mask": mask}
