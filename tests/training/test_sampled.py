"""The sampled loss: which products are drawn, and that on average nothing is wrong with the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from course_lib.data.histories import Histories
from course_lib.models.base import untrained
from course_lib.training.loop import Trainer
from course_lib.training.losses import sampled_softmax_loss, softmax_loss
from course_lib.training.negatives import Negatives
from course_lib.training.settings import LARGE, is_sampled

PRODUCTS, WIDTH, TARGETS = 60, 8, 25
RNG = np.random.default_rng(0)
CHANCE = 1 / np.arange(1, PRODUCTS + 1)
POPULAR = Histories.from_lists(
    [RNG.choice(np.arange(1, PRODUCTS + 1), 12, p=CHANCE / CHANCE.sum()).tolist() for _ in range(80)]
)
SETTINGS = {"width": 8, "layers": 1, "heads": 2, "history_length": 6}
TRAINING = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "weight_decay": 0.1, "loss": "sampled"}


def trainer(seed: int = 1, **changed: Any) -> Trainer:
    return Trainer(
        untrained("sasrec", PRODUCTS, SETTINGS, seed), POPULAR, {**TRAINING, "negatives": 20, **changed}, seed
    )


def case() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What is wanted, vectors, biases and targets; the popular products are targets more often."""
    torch.manual_seed(0)
    hidden = torch.randn(TARGETS, WIDTH, dtype=torch.float64, requires_grad=True)
    items = torch.randn(PRODUCTS + 1, WIDTH, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(PRODUCTS + 1, dtype=torch.float64, requires_grad=True)
    return hidden, items, bias, torch.from_numpy(POPULAR.items[:TARGETS].astype(np.int64))


def gradient(loss: Tensor, given: tuple[Tensor, ...]) -> Tensor:
    """All of it in one vector."""
    parts = torch.autograd.grad(loss, given[:3])
    return torch.cat([(part.to_dense() if part.is_sparse else part).flatten() for part in parts])


def test_auto_samples_large_catalogues_only() -> None:
    assert [is_sampled("auto", n) for n in (1224, LARGE, LARGE + 1)] == [False, False, True]
    assert is_sampled("sampled", 10)
    assert not is_sampled("softmax", 10**7)


@pytest.mark.parametrize("even", [0.0, 0.3, 1.0])
def test_draws_are_as_often_as_they_say(even: float) -> None:
    """Counted over many draws, each product comes as often as ``chance`` says, and ``expected`` is K times that."""
    negatives = Negatives(POPULAR, PRODUCTS, 16, even)
    assert negatives.chance.sum() == pytest.approx(1)
    bought = np.bincount(POPULAR.items, minlength=PRODUCTS + 1)[1:]
    np.testing.assert_allclose(negatives.chance, even / PRODUCTS + (1 - even) * bought / bought.sum())
    counts, rng = np.zeros(PRODUCTS + 1), np.random.default_rng(0)
    for _ in range(4000):
        drawn, expected = negatives.draw(rng)
        assert len(drawn) == len(expected) == 16
        np.testing.assert_allclose(expected, 16 * negatives.chance[drawn.numpy() - 1], rtol=1e-6)
        counts += np.bincount(drawn, minlength=PRODUCTS + 1)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:] / 4000, 16 * negatives.chance, atol=0.05)


def test_products_that_nobody_bought_are_drawn_too() -> None:
    negatives = Negatives(Histories.from_lists([[1, 1, 1]]), 4, 100)
    assert set(negatives.draw(np.random.default_rng(0))[0].tolist()) == {1, 2, 3, 4}
    nobody = Negatives(Histories.from_lists([[], []]), 4, 4)
    assert nobody.draw(np.random.default_rng(0))[0].tolist() == [1, 2, 3, 4]


def test_all_products_drawn_evenly_is_the_full_softmax() -> None:
    """K even draws of K products are the catalogue, so value and gradient are those of the full loss."""
    given = case()
    drawn, expected = Negatives(POPULAR, PRODUCTS, PRODUCTS, even=1.0).draw(np.random.default_rng(3))
    assert drawn.tolist() == list(range(1, PRODUCTS + 1))
    sampled, full = sampled_softmax_loss(*given, drawn, expected.double()), softmax_loss(*given)
    torch.testing.assert_close(sampled, full, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(gradient(sampled, given), gradient(full, given), rtol=1e-6, atol=1e-6)


def test_the_gradient_is_right_on_average() -> None:
    """Over many draws the mean gradient comes near the full softmax's, the nearer the more negatives; without the
    correction for how likely a product was drawn it does not."""
    hidden, *others, targets = case()
    given = ((hidden.detach() / 3).requires_grad_(), *others, targets)
    full = gradient(softmax_loss(*given), given)
    rng = np.random.default_rng(0)

    def distance(number: int, corrected: bool) -> float:
        negatives, total = Negatives(POPULAR, PRODUCTS, number), torch.zeros_like(full)
        for _ in range(300):
            drawn, expected = negatives.draw(rng)
            weight = expected.double() if corrected else torch.full_like(expected, number / PRODUCTS).double()
            total += gradient(sampled_softmax_loss(*given, drawn, weight), given)
        return float((total / 300 - full).norm() / full.norm())

    few, many, wrong = distance(10, True), distance(200, True), distance(200, False)
    assert many < 0.02
    assert 2 * many < few < 0.3
    assert wrong > 5 * many


def test_a_target_drawn_as_a_negative_does_not_count() -> None:
    hidden, items, bias, _ = case()
    targets = torch.full((TARGETS,), 7)
    ones = torch.ones(3, dtype=torch.float64)
    hit = sampled_softmax_loss(hidden, items, bias, targets, torch.tensor([7, 9, 7]), ones)
    torch.testing.assert_close(
        hit, sampled_softmax_loss(hidden, items, bias, targets, torch.tensor([9]), ones[:1]), rtol=1e-12, atol=1e-12
    )
    assert sampled_softmax_loss(hidden, items, bias, targets, torch.tensor([7, 7, 7]), ones) == 0


def test_padding_gets_no_gradient() -> None:
    training = trainer()
    list(training.epoch())
    assert (training.model.item.weight[0] == 0).all()
    assert training.model.bias[0] == 0


def test_only_rows_that_take_part_move() -> None:
    """Products that are neither in the batch nor drawn stay as they were, decay and momentum included."""
    training = trainer(negatives=16, weight_decay=0.5)
    table = training.model.item.weight
    training.model.train()
    seen: set[int] = set()
    for items in ([1, 2, 3], [4, 5, 6]):
        inputs, targets = torch.tensor([items[:-1]]), torch.tensor([items[1:]])
        rng = np.random.default_rng([training.seed, 4, training.progress.step])
        assert training.negatives is not None
        seen = {*items, *training.negatives.draw(rng)[0].tolist()}
        before = table.detach().clone()
        training.step(inputs, targets)
        moved = (table != before).any(1).nonzero().flatten().tolist()
        assert sorted(moved) == sorted(seen)
    assert len(seen) < PRODUCTS


def test_repeats_bit_for_bit_and_learns() -> None:
    def trained(seed: int) -> tuple[dict[str, Tensor], list[float]]:
        training = trainer(seed, epochs=8)
        for _ in range(8):
            list(training.epoch())
        return dict(training.model.state_dict()), training.progress.losses

    (first, losses), (again, _), (other, _) = trained(1), trained(1), trained(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["item.weight"], other["item.weight"])
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("loss", "sampled"), [("auto", False), ("softmax", False), ("sampled", True)])
def test_the_setting_decides(loss: str, sampled: bool) -> None:
    training = trainer(loss=loss)
    assert (training.negatives is not None) is sampled
    table = training.model.item.weight
    moved_by_adamw = any(p is table for group in training.optimizer.param_groups for p in group["params"])
    assert moved_by_adamw is not sampled
