"""Ranking by stars: the number of false ratings by formula against trying one after another, and what defences drop."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from course_lib.evaluation import star_ranking
from course_lib.evaluation.star_ranking import Reviews, needed, scores, surges


def test_its_examples() -> None:
    assert doctest.testmod(star_ranking).failed == 0


@pytest.mark.parametrize("seed", range(40))
def test_the_formula_is_the_first_count_that_passes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    number = int(rng.integers(0, 30))
    total, prior = float(rng.integers(1, 6, number).sum()), float(rng.choice([0.0, 1.0, 10.0, 50.0]))
    mean, tenth = 3.6, float(rng.uniform(3.7, 4.95))
    for count in range(3000):
        score = scores(np.array([total + 5 * count]), np.array([float(number + count)]), prior, mean)[0]
        if score > tenth:
            break
    assert needed(total, float(number), prior, mean, tenth) == count


def test_nothing_passes_five_stars() -> None:
    assert needed(3.0, 1.0, 0.0, 3.5, 5.0) == np.inf


def test_a_surge_is_a_week_out_of_the_ordinary() -> None:
    steady = np.arange(0, 364, 1.0)
    assert not surges(steady, 364.0).any(), "seven a week, every week"
    burst = np.concatenate([steady, np.full(20, 100.0)])
    found = surges(burst, 364.0)
    assert found[-20:].all()
    assert found.sum() == 27, "and the week's own seven go as well"
    assert not surges(np.array([5.0, 6.0]), 364.0).any(), "two are no surge"


def test_regulars_have_rated_two_products() -> None:
    user, item = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 2, 2, 0])
    some = Reviews(user, item, np.full(5, 4.0), np.arange(5.0), 3, 7.0)
    assert some.counted("regulars").tolist() == [True, True, False, False, False], "twice the same is one product"
    assert some.counted("none").all()
    sums, numbers = some.totals(some.counted("regulars"))
    assert (sums.tolist(), numbers.tolist()) == ([4.0, 4.0, 0.0], [1.0, 1.0, 0.0])
