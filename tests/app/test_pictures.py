"""Scenes and their figures are made once for all who see the same, and never shown for a run that was trained anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from course_lib.figures.base import Figure
from course_lib.ui import pictures


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A lab and a run with two snapshots; ``drawn`` counts what has been drawn."""
    items = pd.DataFrame({"item_id": [1, 2]})
    shoppers = [
        {"user": user, "history": [1], "top": [], "attention": [[[1.0]]], "matrix": [[1.0]]} for user in range(2)
    ]
    snapshots: dict[int, dict[str, Any]] = {epoch: {"epoch": epoch, "shoppers": shoppers} for epoch in (0, 1)}
    drawn: list[str] = []

    def figure(name: str) -> Any:
        def make(*_: Any, **__: Any) -> Figure:
            def draw(page: Any) -> tuple[list[Any], dict[str, Any]]:
                drawn.append(name)
                return [], {}

            return Figure(items, name, name, draw)

        return make

    monkeypatch.setattr(pictures, "_scenes", type(pictures._scenes)())
    monkeypatch.setattr(pictures, "snapshot_view", lambda run_id, epoch: snapshots[epoch])
    monkeypatch.setattr(pictures, "extent", lambda run_id, snapshots: None)
    for name in ("item_map", "attention_on_history", "order_matters", "list_by_epoch"):
        monkeypatch.setattr(pictures, name, figure(name))
    lab = SimpleNamespace(language="en", state=SimpleNamespace(shopper=0), items=lambda view: items)
    view = SimpleNamespace(
        run_id="0" * 16, snapshots=(0, 1), config=SimpleNamespace(dataset=SimpleNamespace(name="shop"), model="sasrec")
    )
    return SimpleNamespace(lab=lab, view=view, snapshots=snapshots, shoppers=shoppers, drawn=drawn)


def test_who_sees_the_same_gets_the_same_scene(stage: SimpleNamespace) -> None:
    first = pictures.scene(stage.lab, stage.view, 1)
    assert pictures.scene(stage.lab, stage.view, 1) is first
    assert pictures.scene(stage.lab, stage.view, 0) is not first
    stage.lab.language = "zh"
    other = pictures.scene(stage.lab, stage.view, 1)
    assert (other.language, other.shopper["user"]) == ("zh", 0)
    stage.lab.state.shopper = 7  # of a dataset with more of them
    assert pictures.scene(stage.lab, stage.view, 1).shopper["user"] == 1


def test_a_run_trained_anew_is_read_anew(stage: SimpleNamespace) -> None:
    first = pictures.scene(stage.lab, stage.view, 1)
    stage.snapshots[1] = {"epoch": 1, "shoppers": [{**stage.shoppers[0], "history": [2]}]}
    assert pictures.scene(stage.lab, stage.view, 1).shopper["history"] == [2]
    assert first.shopper["history"] == [1]


def test_each_figure_is_drawn_once_for_each_theme(stage: SimpleNamespace) -> None:
    for dark in (False, True, False):
        one = pictures.scene(stage.lab, stage.view, 1)
        for figure in (one.map, *one.attention, *(one.matrix or ()), one.lists("Lin")):
            figure.plot(dark)
    forms = ["item_map", *2 * ["attention_on_history", "order_matters"], "list_by_epoch"]  # two for wide and narrow
    assert sorted(stage.drawn) == sorted(2 * forms)
    assert pictures.scene(stage.lab, stage.view, 1).lists("Wang") is not one.lists("Lin")


def test_no_more_scenes_are_kept_than_said(stage: SimpleNamespace) -> None:
    for run in range(pictures.KEPT + 5):
        stage.view.run_id = f"{run:016x}"
        pictures.scene(stage.lab, stage.view, 1)
    assert len(pictures._scenes) == pictures.KEPT


def test_a_run_that_has_kept_no_matrix_has_no_picture_of_it(stage: SimpleNamespace) -> None:
    stage.snapshots[1] = {"epoch": 1, "shoppers": [{"user": 0, "history": [1], "top": [], "attention": []}]}
    assert pictures.scene(stage.lab, stage.view, 1).matrix is None
