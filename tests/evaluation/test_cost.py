"""Costs add up, and the rule of six agrees with an operation-by-operation count of every model that is trained."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.cost import cost_of, training_flops, training_joules

PREPARED = {"targets": 400_000}
RESULT = {"epochs": 4, "parameters": 100_000, "seconds": {"total": 13.0, "train": 10.0}}


def test_six_operations_a_parameter_and_target() -> None:
    cost = cost_of(PREPARED, RESULT, 4)
    assert cost.flops == 6 * 100_000 * 400_000
    assert (cost.parameters, cost.targets, cost.seconds) == (100_000, 400_000, 10.0)


def test_energy_is_a_range_of_watts_times_seconds() -> None:
    joules = cost_of(PREPARED, RESULT, 4).joules
    assert joules.low < joules.value < joules.high
    assert joules.value / 10 == pytest.approx(training_joules(1.0).value)


def test_a_training_that_ended_early_cost_less() -> None:
    assert cost_of(PREPARED, {**RESULT, "epochs": 1}, 4).targets == 100_000


def test_counting_has_no_gradient_to_count() -> None:
    cost = cost_of({"targets": 5000}, {**RESULT, "epochs": 0, "seconds": {"train": 0.006}}, 4)
    assert cost.flops is None
    assert cost.targets == 5000
    assert 0 < cost.joules.value < 1


@pytest.mark.parametrize(
    ("prepared", "result"),
    [
        ({}, RESULT),
        (PREPARED, {}),
        (PREPARED, {**RESULT, "seconds": {}}),
        (PREPARED, {**RESULT, "seconds": {"train": float("nan")}}),
        (PREPARED, {**RESULT, "seconds": {"train": -1}}),
        (PREPARED, {**RESULT, "parameters": -1}),
        (PREPARED, {**RESULT, "parameters": None}),
        (PREPARED, {**RESULT, "epochs": -1}),
        ({**PREPARED, "targets": "many"}, RESULT),
    ],
)
def test_refuses_what_is_missing(prepared: dict[str, Any], result: dict[str, Any]) -> None:
    with pytest.raises(CourseError) as caught:
        cost_of(prepared, result, 4)
    assert caught.value.key == "cost_unknown"


def test_agrees_with_a_count_of_each_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's counter on one training step of each model that predicts the next product, at its own settings on a
    catalogue of the shop's size: within 15%. The loss is written out as the textbook does, because the counter does
    not see the products that the loop's own adds up in place."""
    from torch.nn.functional import cross_entropy
    from torch.utils.flop_counter import FlopCounterMode

    from course_lib.data.histories import Histories
    from course_lib.models.base import model_class
    from course_lib.models.catalogue import check_settings, model_cards
    from course_lib.training.loop import Trainer

    monkeypatch.setattr(
        "course_lib.training.loop.softmax_loss",
        lambda hidden, items, bias, targets: cross_entropy(hidden @ items.T + bias, targets),
    )
    length = 12
    train = Histories.from_lists([[1 + (n * m) % 1260 for m in range(1, length + 2)] for n in range(8)])
    for name, card in model_cards().items():
        if not card.neural or "mask_share" in card.settings:  # who hides products computes places that do not teach
            continue
        kind = model_class(name)
        model = kind(kind.config_class(num_items=1260, **check_settings(name, card.settings, {})))
        trainer = Trainer(model, train, {"epochs": 1, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.0}, 1)
        with FlopCounterMode(display=False) as counter:
            list(trainer.epoch())
        rule = training_flops(sum(p.numel() for p in model.parameters()), trainer.targets)
        assert rule == pytest.approx(counter.get_total_flops(), rel=0.15), name
