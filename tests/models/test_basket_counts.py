"""Completion by counting, by hand; ties, twins, and what is never offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.models.basket_counts import LEAST, METHODS, BasketCounts

MANY = Histories.from_lists([[1, 2]] * 30 + [[1, 3]] * 10 + [[3, 4]] * 40 + [[5]] * 20)
NONE = np.zeros((1, 6), np.float32)


@pytest.fixture(scope="module")
def counts() -> BasketCounts:
    return BasketCounts.fit(MANY, 5)


def test_confidence_and_lift_by_hand(counts: BasketCounts) -> None:
    """1 lies in 40 of 100 baskets, 2 in 30, 3 in 50; 1 and 2 in 30, 1 and 3 in 10."""
    scores = counts.complete("confidence", Histories.from_lists([[1]]), NONE)[0]
    assert scores[[2, 3]].tolist() == pytest.approx([30 / 40, 10 / 40], abs=1e-5)
    lifts = counts.complete("lift", Histories.from_lists([[1]]), NONE)[0]
    assert lifts[2] == pytest.approx(100 * 30 / (40 * 30), abs=1e-4)
    assert lifts[3] < 0.001, f"fewer than {LEAST} baskets hold both"


def test_the_best_rule_of_a_basket_counts(counts: BasketCounts) -> None:
    both = counts.complete("confidence", Histories.from_lists([[1, 3]]), NONE)[0]
    assert both[[2, 4]].tolist() == pytest.approx([30 / 40, 40 / 50], abs=1e-5)


def test_habit_is_added_with_its_weight(counts: BasketCounts) -> None:
    earlier = NONE.copy()
    earlier[0, 5] = 0.4
    basket = Histories.from_lists([[1]])
    plain = counts.complete("ease", basket, earlier)[0]
    raised = replace(counts, habit=0.5).complete("ease-personal", basket, earlier)[0]
    assert raised[5] - plain[5] == pytest.approx(0.2, abs=1e-6)
    assert raised[2] == pytest.approx(plain[2])
    assert counts.complete("personal", basket, earlier)[0].argmax() == 5


@pytest.mark.parametrize("method", METHODS)
def test_the_basket_is_never_offered_and_popularity_decides_among_equals(counts: BasketCounts, method: str) -> None:
    scores = counts.complete(method, Histories.from_lists([[1, 1, 2], [], [1, 2, 3, 4, 5]]), NONE.repeat(3, 0))
    assert np.isneginf(scores[0, [0, 1, 2]]).all()
    assert np.isneginf(scores[2]).all()
    assert scores[1].argmax() == 3, "an empty basket gets what sells most"


def test_what_is_saved_says_the_same(counts: BasketCounts, tmp_path: Path) -> None:
    replace(counts, habit=0.3).save(tmp_path)
    again = BasketCounts.load(tmp_path)
    assert (again.n, again.habit) == (100, 0.3)
    assert np.array_equal(again.weights, counts.weights)
    assert np.array_equal(again.together, counts.together)
