"""The MLP reads what it says: the newest products in their order, or the mean of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from course_lib.data.histories import Histories
from course_lib.models.catalogue import check_settings, model_card
from course_lib.models.mlp import MLPConfig, MLPModel, running_mean, side_by_side
from course_lib.training.loop import Trainer

ABC, BAC = Histories.from_lists([[3, 7, 1]]), Histories.from_lists([[7, 3, 1]])


def untrained(**settings: Any) -> Any:
    """A small MLP as the loop gets it."""
    whole: dict[str, Any] = check_settings("mlp", model_card("mlp").settings, {"width": 16, "hidden": 32, **settings})
    torch.manual_seed(1)
    return MLPModel(MLPConfig(num_items=60, **whole))


def made(**settings: Any) -> Any:
    """A small MLP with weights large enough for every part to matter."""
    model = untrained(**settings).eval()
    with torch.no_grad():
        model.item.weight[1:] = torch.randn_like(model.item.weight[1:])
        for layer in (model.layers[0], model.layers[2]):
            layer.weight.add_(torch.randn_like(layer.weight) * 0.2)
    return model


def test_side_by_side_is_the_newest_first() -> None:
    x = torch.tensor([[[1.0], [2.0], [3.0]]])
    assert side_by_side(x, 3)[0].tolist() == [[1, 0, 0], [2, 1, 0], [3, 2, 1]]
    assert side_by_side(x, 1)[0].tolist() == [[1], [2], [3]]
    assert side_by_side(x, 5)[0].tolist() == [[1, 0, 0, 0, 0], [2, 1, 0, 0, 0], [3, 2, 1, 0, 0]]


def test_running_mean_leaves_padding_out() -> None:
    x = torch.tensor([[[0.0], [2.0], [4.0]]])  # padding's vector is zero
    real = torch.tensor([[False, True, True]])
    assert running_mean(x, real)[0, :, 0].tolist() == [0, 2, 3]


def test_a_bag_has_no_order() -> None:
    bag, last = made(reads="bag"), made(reads="last")
    np.testing.assert_allclose(bag.score(ABC), bag.score(BAC), rtol=1e-5, atol=1e-6)
    assert np.abs(last.score(ABC)[:, 1:] - last.score(BAC)[:, 1:]).max() > 0.01


@pytest.mark.parametrize("places", [1, 2, 3])
def test_last_reads_so_many_places_and_no_more(places: int) -> None:
    model = made(places=places)
    for changed in range(4):  # of the history's four products, by how long ago
        history = [3, 7, 1, 9]
        history[3 - changed] = 30
        before, after = (model.score(Histories.from_lists([some]))[:, 1:] for some in ([3, 7, 1, 9], history))
        assert bool(np.abs(before - after).max() > 1e-4) is (changed < places), changed


def test_a_bag_reads_the_whole_window() -> None:
    model = made(reads="bag", history_length=4)
    long, other = Histories.from_lists([[5, 3, 7, 1, 9]]), Histories.from_lists([[6, 3, 7, 1, 9]])
    np.testing.assert_array_equal(model.score(long), model.score(other))
    inside = Histories.from_lists([[5, 4, 7, 1, 9]])
    assert np.abs(model.score(long)[:, 1:] - model.score(inside)[:, 1:]).max() > 1e-3


def test_order_is_what_it_lacks_in_a_bag(planted: Any) -> None:
    """On a cycle the last product alone says what comes next; the mean of the history does not."""
    right = {}
    for reads in ("bag", "last"):
        model = untrained(reads=reads)
        loop = {"epochs": 12, "batch_size": 16, "learning_rate": 0.02, "weight_decay": 0.0}
        trainer = Trainer(model, planted.train, loop, 1)
        for _ in range(12):
            list(trainer.epoch())
        answers = model.score(planted.holdout.histories)[:, 1:].argmax(1) + 1
        right[reads] = float((answers == planted.holdout.targets).mean())
    assert right["last"] > 0.95
    assert right["bag"] < 0.8
