"""The running average of the weights, and that a training whose schedule has no end can be made longer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.data.histories import Histories
from course_lib.models.base import untrained
from course_lib.training.averages import WEIGHT, RunningAverage
from course_lib.training.loop import Trainer
from course_lib.training.rate import WARM_STEPS, learning_rate

SETTINGS = {"batch_size": 8, "schedule": "averaged", "learning_rate": 0.01}


def test_the_average_by_hand() -> None:
    """Step k weighs as the product that the docstring's formula gives it; the first replaces what was there before."""
    model = nn.Linear(1, 1, bias=False)
    average, seen = RunningAverage(model), []
    for step in range(1, 6):
        with torch.no_grad():
            model.weight.fill_(float(step * step))
        average.take(step)
        seen.append(float(average.weights["weight"]))
    by_hand = 0.0
    for step in range(1, 6):
        by_hand += (WEIGHT + 1) / (step + WEIGHT) * (step * step - by_hand)
    assert seen[0] == 1.0
    assert seen[-1] == pytest.approx(by_hand)
    assert 16 < seen[-1] < 25, "the last few count most"


def test_a_large_model_is_averaged_less_often() -> None:
    assert RunningAverage(nn.Linear(10, 10)).every == 1
    assert RunningAverage(nn.Linear(2**11, 2**10)).every == 3


def trainer(epochs: int, loss: str = "softmax") -> Trainer:
    rng = np.random.default_rng(0)
    few = Histories.from_lists([list(rng.integers(1, 30, 6)) for _ in range(60)])
    settings = {**SETTINGS, "epochs": epochs, "loss": loss, "negatives": 16}
    return Trainer(untrained("sasrec", 30, {"width": 8, "heads": 1, "dropout": 0.2}, 1), few, settings, 1)


@pytest.mark.parametrize("loss", ["softmax", "sampled"])
def test_the_first_epochs_are_the_same_however_many_are_to_come(loss: str) -> None:
    short, long = trainer(2, loss), trainer(9, loss)
    for one in (short, long):
        for _ in range(2):
            for _ in one.epoch():
                pass
    assert short.average is not None
    assert long.average is not None
    for name, value in short.average.weights.items():
        assert torch.equal(value, long.average.weights[name])
    for name, value in short.model.state_dict().items():
        assert torch.equal(value, long.model.state_dict()[name])


def test_looking_changes_nothing_and_shows_the_average() -> None:
    one = trainer(1)
    for _ in one.epoch():
        pass
    assert one.average is not None
    before = {name: value.clone() for name, value in one.model.state_dict().items()}
    with one.shown():
        assert torch.equal(one.model.item.weight, one.average.weights["item.weight"])
        assert not torch.equal(one.model.item.weight, before["item.weight"])
    assert all(torch.equal(value, before[name]) for name, value in one.model.state_dict().items())


def test_its_rate_rises_and_stays_whatever_the_number_of_steps() -> None:
    for steps in (1, 100, 10_000):
        rates = [learning_rate(step, steps, 0.5, "averaged") for step in range(2 * WARM_STEPS)]
        assert rates[: WARM_STEPS - 1] == sorted(rates[: WARM_STEPS - 1])
        assert rates[0] == pytest.approx(0.5 / WARM_STEPS)
        assert set(rates[WARM_STEPS - 1 :]) == {0.5}
