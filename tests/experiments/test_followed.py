"""What is kept of a frame, and whose histories it shows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.experiments.events import Folder
from course_lib.explain.followed import shoppers_to_follow
from course_lib.models.base import model_class


def test_view_json(run: Any, dataset: Dataset, split: Split) -> None:
    for epoch in range(4):
        view = run.view(epoch)
        assert set(view) == {"shoppers", "map"}
        assert [shopper["user"] for shopper in view["shoppers"]] == [0, 1, 2, 3, 4]
        assert len(view["map"]["x"]) == len(view["map"]["y"]) == dataset.num_items
        for n, shopper in enumerate(view["shoppers"]):
            assert set(shopper) == {"user", "history", "target", "top", "attention", "matrix"}
            assert shopper["history"] == split.test.histories[n][-10:].tolist()
            assert shopper["target"] == split.test.targets[n]
            assert len(shopper["top"]) == 10
            scores = [entry["score"] for entry in shopper["top"]]
            assert scores == sorted(scores, reverse=True)
            assert 0 < sum(entry["p"] for entry in shopper["top"]) <= 1
            assert all(1 <= entry["item"] <= dataset.num_items for entry in shopper["top"])
            (layer,) = shopper["attention"]
            assert len(layer) == 2
            assert all(len(head) == len(shopper["history"]) for head in layer)
            assert all(sum(head) == pytest.approx(1, abs=2e-3) for head in layer)
            assert [len(row) for row in shopper["matrix"]] == list(range(1, len(shopper["history"]) + 1))
            assert shopper["matrix"][-1] == pytest.approx(layer[0], abs=6e-4)


def test_the_last_view_is_what_the_finished_model_says(run: Any) -> None:
    from course_lib.explain.reading import read_history

    model = model_class("sasrec").load(run.folder / "model")
    for shopper in run.view(3)["shoppers"]:
        answer = read_history(model, shopper["history"])
        assert [entry["item"] for entry in answer["top"]] == [entry["item"] for entry in shopper["top"]]
        # A file's tensors lie elsewhere in memory than a trained model's, which may change the last bits of a sum.
        for one, other in zip(answer["top"], shopper["top"], strict=True):
            assert one == pytest.approx(other, rel=2e-3, abs=1e-4)
        np.testing.assert_allclose(answer["attention"], shopper["attention"], atol=2e-4)


def test_the_map_does_not_turn_from_frame_to_frame(run: Any) -> None:
    """No turning or mirroring of a map would bring it nearer to the one before: it is the nearest already."""
    maps = [Folder(run.folder).view(event["at"])["map"] for event in run.of("frame")]
    for one, other in pairwise(maps):
        before, after = (np.array([found[axis] for axis in "xy"]).T for found in (one, other))
        distance = ((after - before) ** 2).sum()
        for angle in np.linspace(0.1, 2 * np.pi - 0.1, 15):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            for mirror in (np.eye(2), np.diag([1.0, -1.0])):
                assert ((after @ turn @ mirror - before) ** 2).sum() > distance - 0.01


def test_personas_are_followed(split: Split) -> None:
    assert shoppers_to_follow(split.test) == [0, 1, 2, 3, 4]
    assert split.test.users[:5].tolist() == [0, 1, 2, 3, 4]


def test_elsewhere_five_of_different_lengths() -> None:
    """Where not all of users 0 to 4 are asked: five others, from a short history to a long one."""
    lengths = [9, 1, 5, 3, 7, 2, 8, 4, 6, 10, 12]
    histories = Histories.from_lists([[1] * length for length in lengths])
    holdout = Holdout(np.arange(10, 21, dtype=np.int32), histories, np.ones(11, np.int32))
    rows = shoppers_to_follow(holdout)
    assert len(set(rows)) == 5
    assert [lengths[row] for row in rows] == [2, 4, 6, 8, 10]
