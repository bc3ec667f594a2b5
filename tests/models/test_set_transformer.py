"""A set transformer: no order, no padding, no answer that is in the basket; and what it learns from planted pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.data.baskets import Baskets
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.models.set_transformer import SetTransformerConfig, SetTransformerModel
from course_lib.training.basket_loop import BasketTrainer, halves
from course_lib.training.checkpoint import one_thread

V = 20


def model(layers: int = 2, household: bool = True, seed: int = 0) -> SetTransformerModel:
    torch.manual_seed(seed)
    return SetTransformerModel(SetTransformerConfig(V, 16, layers, 2, household))


def nothing(rows: int) -> np.ndarray:
    return np.zeros((rows, V + 1), np.float32)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_order_of_a_basket_changes_nothing(layers: int) -> None:
    one = model(layers)
    turned = Histories.from_lists([[3, 9, 4], [4, 3, 9], [9, 4, 3]])
    scores = one.complete(turned, nothing(3))
    np.testing.assert_allclose(scores[1:], scores[:1].repeat(2, 0), rtol=1e-5)


def test_what_stands_beside_a_basket_in_its_batch_changes_nothing() -> None:
    one = model()
    alone = one.complete(Histories.from_lists([[3, 9]]), nothing(1))
    beside = one.complete(Histories.from_lists([[3, 9], [1, 2, 5, 6, 7]]), nothing(2))
    np.testing.assert_allclose(beside[0], alone[0], rtol=1e-5)


def test_the_basket_matters_and_is_never_offered() -> None:
    scores = model().complete(Histories.from_lists([[3, 9], [4], []]), nothing(3))
    assert np.isneginf(scores[0, [0, 3, 9]]).all()
    assert not np.allclose(scores[1, 10:], scores[2, 10:])
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, rtol=1e-5)


def test_the_household_is_read_only_where_it_is_asked_for() -> None:
    habit = nothing(1)
    habit[0, 7] = 0.5
    basket = Histories.from_lists([[3]])
    for household in (True, False):
        one = model(household=household)
        raised = one.complete(basket, habit)[0, 7] - one.complete(basket, nothing(1))[0, 7]
        assert (raised > 0.1) == household


def pairs(seed: int = 0) -> Baskets:
    """Products 1 and 2, 3 and 4, ... always come together, beside one of the others."""
    rng = np.random.default_rng(seed)
    lines = []
    for basket in range(600):
        pair = 2 * int(rng.integers(5)) + 1
        lines += [
            (basket % 60, item, basket * 10_000, basket) for item in (pair, pair + 1, int(rng.integers(11, V + 1)))
        ]
    users, items, times, named = np.array(sorted(lines, key=lambda line: (line[0], line[2])), np.int64).T
    return Baskets.grouped(users, items, times, named, 60, V)


def trained(seed: int = 1, rate: float = 0.02) -> SetTransformerModel:
    one_thread()
    baskets, one = pairs(), model(1, seed=seed)
    trainer = BasketTrainer(one, baskets, np.flatnonzero(baskets.sizes >= 2), 20, rate, seed)
    for _ in range(20):
        list(trainer.epoch())
    return one


def test_it_learns_what_goes_together() -> None:
    scores = trained().complete(Histories.from_lists([[1], [4], [9]]), nothing(3))
    assert scores.argmax(1).tolist() == [2, 3, 10]


def test_equal_seeds_give_equal_weights() -> None:
    one, again = trained(), trained()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))


def test_a_rate_that_is_too_high_is_said_and_not_a_number_is_never_kept() -> None:
    with pytest.raises(CourseError) as caught:
        trained(rate=1e12)
    assert caught.value.key == "training_diverged"


def test_halves_of_a_basket_share_nothing_and_lose_nothing() -> None:
    baskets, rng = pairs(), np.random.default_rng(3)
    rows = np.arange(20)
    shown, (basket, item, weight) = halves(baskets, rows, rng)
    for row in rows:
        asked = set(item[basket == row].tolist())
        seen = set(shown[row][shown[row] > 0].tolist())
        assert not asked & seen
        assert asked | seen == set(baskets.take(rows[row : row + 1]).items.tolist())
        assert weight[basket == row].tolist() == pytest.approx([1 / np.sqrt(len(asked))] * len(asked))
