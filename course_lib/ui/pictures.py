"""One epoch of a run as a learner sees it: one shopper's history, list and attention, and the map of all products.

A :class:`Scene` is read from the run's snapshot, or made from it with an edited history and the list that follows.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from course_lib.figures.attention import attention_on_history
from course_lib.figures.lists import list_by_epoch
from course_lib.figures.maps import Extent, item_map, map_extent
from course_lib.runs.view import RunView, snapshot_view
from course_lib.ui.lab_session import Lab
from course_lib.ui.live_figure import live_figure
from course_lib.ui.ranked_list import ranked_list


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
    shopper: Mapping[str, Any]  # user, history, target, top, attention; edited or not
    edited: bool = False


def scene(lab: Lab, view: RunView, epoch: int) -> Scene:
    """The scene of the shopper chosen in the lab; raises CourseError when snapshot or catalogue cannot be used."""
    assert view.config is not None
    snapshot = snapshot_view(view.run_id, epoch)
    shoppers = snapshot["shoppers"]
    shopper = shoppers[min(lab.state.shopper, len(shoppers) - 1)]
    items = lab.items(view)
    return Scene(view.run_id, view.config.dataset.name, items, lab.language, epoch, view.snapshots, snapshot, shopper)


def list_cards(now: Scene, before: Sequence[int] | None) -> None:
    """The list as product cards, with moves against ``before``."""
    target = now.shopper.get("target")
    st.html(ranked_list(now.items, now.shopper["top"], now.language, now.dataset, before, target))


def list_picture(lab: Lab, now: Scene, place: str, name: str) -> None:
    """The shopper's list through the epochs."""
    views = [snapshot_view(now.run_id, epoch) for epoch in now.snapshots]
    figure = list_by_epoch(now.items, views, now.shopper["user"], now.language, epoch=now.epoch, name=name)
    live_figure(figure, key=lab.key(f"figure.list.{place}"), height=figure.height)


def map_picture(lab: Lab, now: Scene, place: str) -> None:
    """The item map with this shopper's way through it."""
    figure = item_map(now.items, now.view, now.shopper, now.language, extent(now.run_id, now.snapshots))
    live_figure(figure, key=lab.key(f"figure.map.{place}"), height=figure.height)


def attention_picture(lab: Lab, now: Scene, place: str) -> None:
    """Where each head reads in the history."""
    if not now.shopper["attention"]:
        return
    figure = attention_on_history(now.items, now.shopper["history"], now.shopper["attention"], now.language)
    live_figure(figure, key=lab.key(f"figure.attention.{place}"), height=figure.height)


@functools.lru_cache(maxsize=64)
def extent(run_id: str, snapshots: tuple[int, ...]) -> Extent | None:
    """Axis ranges that hold the maps of these epochs, so that the map does not jump while it is scrubbed."""
    return map_extent(snapshot_view(run_id, epoch) for epoch in snapshots)
