"""One epoch of a run as a learner sees it: one shopper's history, list and attention, and the map of all products.

A :class:`Scene` is read from the run's snapshot, or made from it with an edited history and the list that follows.
Scenes as the run left them are kept with their figures: fifty learners who watch one run mostly see the same ones.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from course_lib.figures.attention import attention_on_history, order_matters
from course_lib.figures.base import Figure, model_name
from course_lib.figures.lists import list_by_epoch
from course_lib.figures.maps import Extent, item_map, map_extent
from course_lib.runs.view import RunView, snapshot_view
from course_lib.ui.drawn import Drawn
from course_lib.ui.lab_session import Lab
from course_lib.ui.live_figure import live_figure
from course_lib.ui.ranked_list import ranked_list
from course_lib.ui.shell import t

KEPT = 48  # scenes: five shoppers at the newest epochs of a few runs, in two languages


def both(make: Callable[[bool], Figure]) -> tuple[Drawn, Drawn]:
    """What ``make(narrow)`` draws for a wide page and for a narrow one."""
    return Drawn(make(False)), Drawn(make(True))


@dataclass(frozen=True)
class Scene:
    """What there is to see of one shopper at one epoch."""

    run_id: str
    dataset: str
    items: pd.DataFrame
    language: str
    epoch: int
    snapshots: tuple[int, ...]  # all epochs that can be looked at
    view: Mapping[str, Any]  # view.json
    shopper: Mapping[str, Any]  # user, history, target, top, attention, matrix; edited or not
    edited: bool = False
    model: str = ""  # its name, for a sentence

    @functools.cached_property
    def map(self) -> Drawn:
        """The item map with this shopper's way through it."""
        axes = extent(self.run_id, self.snapshots)
        return Drawn(item_map(self.items, self.view, self.shopper, self.language, axes))

    @functools.cached_property
    def attention(self) -> tuple[Drawn, Drawn]:
        """Where each head reads in the history, for a wide page and for a narrow one."""
        history, weights = self.shopper["history"], self.shopper["attention"]
        return both(lambda narrow: attention_on_history(self.items, history, weights, self.language, narrow))

    @functools.cached_property
    def matrix(self) -> tuple[Drawn, Drawn] | None:
        """Which place of the history looks at which, wide and narrow; None where the run has not kept it."""
        history, rows = self.shopper["history"], self.shopper.get("matrix")
        if not rows:
            return None
        return both(lambda narrow: order_matters(self.items, history, rows, self.language, narrow))

    def lists(self, name: str) -> Drawn:
        """The shopper's list through the epochs; ``name`` is what the picture calls the shopper."""
        if name not in self._lists:
            views = [snapshot_view(self.run_id, epoch) for epoch in self.snapshots]
            user = self.shopper["user"]
            figure = list_by_epoch(self.items, views, user, self.language, epoch=self.epoch, name=name)
            self._lists[name] = Drawn(figure)
        return self._lists[name]

    @functools.cached_property
    def _lists(self) -> dict[str, Drawn]:
        return {}


_scenes: OrderedDict[tuple[Any, ...], Scene] = OrderedDict()
_lock = threading.Lock()


def scene(lab: Lab, view: RunView, epoch: int) -> Scene:
    """The scene of the shopper chosen in the lab; raises CourseError when snapshot or catalogue cannot be used."""
    assert view.config is not None
    snapshot = snapshot_view(view.run_id, epoch)
    shoppers = snapshot["shoppers"]
    chosen = min(lab.state.shopper, len(shoppers) - 1)
    items = lab.items(view)
    key = (view.run_id, epoch, chosen, lab.language, view.snapshots)
    with _lock:
        kept = _scenes.get(key)
        if kept is not None and kept.view is snapshot and kept.items is items:  # not of a run trained anew
            _scenes.move_to_end(key)
            return kept
    dataset, shopper = view.config.dataset.name, shoppers[chosen]
    name = model_name(view.config.model, lab.language)
    made = Scene(view.run_id, dataset, items, lab.language, epoch, view.snapshots, snapshot, shopper, model=name)
    with _lock:
        _scenes[key] = made
        while len(_scenes) > KEPT:
            _scenes.popitem(last=False)
    return made


def list_cards(now: Scene, before: Sequence[int] | None) -> None:
    """The list as product cards, with moves against ``before``."""
    target = now.shopper.get("target")
    st.html(ranked_list(now.items, now.shopper["top"], now.language, now.dataset, before, target))


def list_picture(lab: Lab, now: Scene, place: str, name: str) -> None:
    """The shopper's list through the epochs."""
    live_figure(now.lists(name), key=lab.key(f"figure.list.{place}"))


def map_picture(lab: Lab, now: Scene, place: str) -> None:
    """The item map with this shopper's way through it."""
    live_figure(now.map, key=lab.key(f"figure.map.{place}"))


def attention_picture(lab: Lab, now: Scene, place: str) -> None:
    """Where each head reads in the history; a sentence where the model has no heads."""
    if now.shopper["attention"]:
        wide, narrow = now.attention
        live_figure(wide, key=lab.key(f"figure.attention.{place}"), narrow=narrow)
    elif now.shopper["history"] and now.shopper["top"]:
        st.info(t("look.no_attention", model=now.model))


@functools.lru_cache(maxsize=64)
def extent(run_id: str, snapshots: tuple[int, ...]) -> Extent | None:
    """Axis ranges that hold the maps of these epochs, so that the map does not jump while it is scrubbed."""
    return map_extent(snapshot_view(run_id, epoch) for epoch in snapshots)
