"""The loop: its schedule, its events, and that equal seeds give equal bits."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.models.base import untrained
from course_lib.training import loop
from course_lib.training.loop import Trainer

SETTINGS = {"width": 8, "layers": 1, "heads": 2, "history_length": 6, "dropout": 0.2}
TRAINING = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.1}
RNG = np.random.default_rng(0)
TRAIN = Histories.from_lists([RNG.integers(1, 21, RNG.integers(2, 15)).tolist() for _ in range(90)])


def trainer(seed: int = 1, **changed: Any) -> Trainer:
    return Trainer(untrained("sasrec", 20, SETTINGS, seed), TRAIN, {**TRAINING, **changed}, seed)


def weights(seed: int = 1, **changed: Any) -> dict[str, torch.Tensor]:
    training = trainer(seed, **changed)
    for _ in range(training.settings["epochs"]):
        for _ in training.epoch():
            pass
    return dict(training.model.state_dict())


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_learning_rate_rises_then_falls_to_zero() -> None:
    training = trainer(epochs=10)
    rates = [training.learning_rate(step) for step in range(training.steps + 1)]
    warm = int(0.1 * training.steps)
    assert warm > 5
    assert rates[0] == pytest.approx(0.01 / warm)
    assert rates[warm - 1] == rates[warm] == max(rates) == 0.01
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert 0 < rates[-2] < 0.0001
    assert all(a < b for a, b in pairwise(rates[:warm]))
    assert all(a > b for a, b in pairwise(rates[warm:]))
    middle = (warm + training.steps) / 2
    assert rates[math.floor(middle)] >= 0.005 >= rates[math.ceil(middle)]


def test_the_optimiser_uses_the_schedule() -> None:
    training = trainer(epochs=2)
    used = []
    step = training.optimizer.step

    def spy(*arguments: Any, **named: Any) -> Any:
        used.append([group["lr"] for group in training.optimizer.param_groups])
        return step(*arguments, **named)

    training.optimizer.step = spy  # type: ignore[method-assign]
    for _ in range(2):
        list(training.epoch())
    assert used == [[training.learning_rate(n)] * 2 for n in range(training.steps)]


def test_only_matrices_decay() -> None:
    matrices, vectors = trainer().optimizer.param_groups
    assert matrices["weight_decay"] == 0.1
    assert all(parameter.ndim >= 2 for parameter in matrices["params"])
    assert vectors["weight_decay"] == 0
    assert all(parameter.ndim < 2 for parameter in vectors["params"])
    assert len(matrices["params"]) + len(vectors["params"]) == len(list(trainer().model.parameters()))


def test_equal_seeds_equal_bits() -> None:
    """With dropout, so that its random numbers are covered as well."""
    first = weights()
    assert equal(first, weights())
    assert not equal(first, weights(seed=2))


def test_dropout_follows_the_seed_alone() -> None:
    """Random numbers drawn by somebody else between the epochs do not reach a run."""
    training = trainer()
    for _ in range(3):
        torch.rand(17)
        list(training.epoch())
    assert equal(dict(training.model.state_dict()), weights())


def test_learns() -> None:
    training = trainer(epochs=20)
    for _ in range(20):
        list(training.epoch())
    losses = training.progress.losses
    assert len(losses) == 20
    assert losses[0] > losses[-1]
    assert losses[0] < 1.2 * math.log(20)


def test_steps_are_counted() -> None:
    """Every window in a step, every target learned from once an epoch."""
    training = trainer()
    assert training.steps_per_epoch == math.ceil(len(training.windows.start) / 8)
    assert training.steps == 3 * training.steps_per_epoch
    for epoch in (1, 2, 3):
        list(training.epoch())
        assert training.progress.epoch == epoch
        assert training.progress.step == epoch * training.steps_per_epoch
        assert training.progress.targets == epoch * training.windows.targets


def test_a_step_event_for_every_step_where_time_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no pause between events, each step tells its own loss; plain JSON, counts and seconds that only rise."""
    monkeypatch.setattr(loop, "TICK", 0.0)
    training = trainer()
    events = [event for _ in range(3) for event in training.epoch()]
    assert [event["at"] for event in events] == list(range(1, training.steps + 1))
    for event in events:
        assert set(event) == {"kind", "epoch", "at", "loss", "targets", "seconds"}
        assert event["kind"] == "step"
        assert json.loads(json.dumps(event)) == event
        assert {type(value) for value in event.values()} <= {str, int, float}
        assert event["epoch"] == math.ceil(event["at"] / training.steps_per_epoch)
    for one, other in pairwise(events):
        assert one["targets"] < other["targets"]
        assert one["seconds"] <= other["seconds"]
    assert events[-1]["targets"] == training.progress.targets


def test_an_epoch_ends_with_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the tick, the losses of an epoch are told: their mean is the epoch's loss."""
    monkeypatch.setattr(loop, "TICK", 1e9)
    training = trainer()
    events = list(training.epoch())
    assert len(events) == 1
    assert events[0]["at"] == training.steps_per_epoch
    assert events[0]["loss"] == pytest.approx(training.progress.losses[0], abs=1e-5)


def test_pauses_come_after_the_steps_asked_for_and_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tells the mean loss since the pause before, and whoever looks then may switch dropout off."""
    plain, training = trainer(), trainer()
    told = [event for event in trainer_events(plain, monkeypatch) if event["kind"] == "step"]
    events, pauses = [], []
    for event in training.epoch(pauses=(2, 5, training.steps_per_epoch, 10_000)):
        events.append(event)
        if event["kind"] == "pause":
            pauses.append(event)
            training.model.eval()
    assert [event["step"] for event in pauses] == [2, 5, training.steps_per_epoch]
    assert [event["kind"] for event in events].count("step") >= 3, "a step is told before each pause"
    weighted = [0.0, *(one["loss"] * one["targets"] for one in with_targets(told))]
    targets = [0, *(one["targets"] for one in with_targets(told))]
    for first, last, event in ((0, 2, pauses[0]), (2, 5, pauses[1])):
        mean = sum(weighted[first + 1 : last + 1]) / sum(targets[first + 1 : last + 1])
        assert event["loss"] == pytest.approx(mean, abs=1e-4)
    for name, value in plain.model.state_dict().items():
        assert torch.equal(training.model.state_dict()[name], value), name


def trainer_events(training: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every step of an epoch told."""
    with monkeypatch.context() as patch:
        patch.setattr(loop, "TICK", 0.0)
        return list(training.epoch())


def with_targets(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps with the targets of each alone, not the sum up to it."""
    before = [0, *(one["targets"] for one in told)]
    return [{**one, "targets": one["targets"] - start} for one, start in zip(told, before, strict=False)]


def test_the_listener_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that only the listener advances: none of it counts as training."""
    clock = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(loop, "TICK", 0.0)
    training = trainer()
    for _ in training.epoch():
        clock[0] += 5.0
    assert training.progress.seconds == 0


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_a_loss_that_is_no_number_is_an_error(rate: float) -> None:
    training = trainer(learning_rate=rate)
    list(training.epoch())
    with torch.no_grad():
        training.model.norm.weight[0] = float("nan")
    with pytest.raises(CourseError) as caught:
        list(training.epoch())
    assert caught.value.key == "training_diverged"
    assert caught.value.params == {"step": training.steps_per_epoch + 1, "rate": rate}
    assert str(rate) in caught.value.text("zh")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("loss", ["softmax", "sampled"])
def test_a_gradient_that_is_no_number_does_not_reach_the_weights(loss: str, bad: float) -> None:
    """The loss is finite, one gradient is not: the weights and the optimiser stay as they were before the step."""
    training = trainer(loss=loss, negatives=16)
    list(training.epoch())
    before = {name: value.clone() for name, value in training.model.state_dict().items()}
    training.model.blocks[0].attention.recency.register_hook(lambda gradient: gradient * bad)
    with pytest.raises(CourseError) as caught:
        list(training.epoch())
    assert caught.value.key == "training_diverged"
    assert equal(before, dict(training.model.state_dict()))
    assert all(value.isfinite().all() for value in before.values())


def test_no_step_is_longer_than_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches the optimiser has length CLIP where the gradient was longer, and its own length otherwise."""
    training, lengths = trainer(), []
    step = training.optimizer.step

    def spy(*arguments: Any, **named: Any) -> Any:
        parts = [p.grad for p in training.model.parameters() if p.grad is not None]
        lengths.append(math.sqrt(sum(float((part**2).sum()) for part in parts)))
        return step(*arguments, **named)

    training.optimizer.step = spy  # type: ignore[method-assign]
    monkeypatch.setattr(loop, "CLIP", 0.2)
    list(training.epoch())
    assert len(lengths) == training.steps_per_epoch
    assert max(lengths) == pytest.approx(0.2, rel=1e-4)
    assert min(lengths) > 0


def test_what_the_settings_leave_out_is_the_default() -> None:
    training = trainer()
    assert training.settings["patience"] == 0
    assert (training.negatives, training.rows) == (None, None)


def test_histories_too_short_to_learn_from() -> None:
    """One product each: no step, no error, an untrained model."""
    model = untrained("sasrec", 20, SETTINGS, 1)
    training = Trainer(model, Histories.from_lists([[1], [2], []]), TRAINING, 1)
    assert training.steps == 0
    assert list(training.epoch()) == []
    assert training.progress.epoch == 1
