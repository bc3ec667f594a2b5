"""Intervals hold the truth about as often as they say, over 500 simulated experiments each; and from which size on.

A 95% interval has to hold it in 93 to 97% of the experiments. A percentile bootstrap of few shoppers, or of what few of
them do, is too narrow; the last tests say how few.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from course_lib.evaluation.intervals import Interval, bootstrap, bootstrap_ratio, over_seeds, paired_difference
from course_lib.evaluation.metrics import ndcg
from course_lib.evaluation.sampled import normal_mean

EXPERIMENTS = 500
GAINS = ndcg(np.arange(11))  # NDCG@10 of a target by its place; the last is "not in the list"
CHANCES = np.array([0.16, 0.09, 0.06, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.02, 0.48])  # about as in the shop
AHEAD = 0.01  # by which one model of a pair leads

Draw = Callable[[np.random.Generator, int, int], Interval]  # random numbers, size, number of the experiment


def one_model(random: np.random.Generator, shoppers: int, trial: int) -> Interval:
    return bootstrap(GAINS[random.choice(11, shoppers, p=CHANCES)], seed=trial)


def two_models(random: np.random.Generator, shoppers: int, trial: int) -> Interval:
    """They give seven shoppers in ten the same list."""
    ours = random.choice(11, shoppers, p=CHANCES)
    theirs = np.where(random.random(shoppers) < 0.7, ours, random.choice(11, shoppers, p=CHANCES))
    return paired_difference(GAINS[ours] + AHEAD, GAINS[theirs], seed=trial)


def a_ratio(random: np.random.Generator, shoppers: int, trial: int) -> Interval:
    """Purchases of those seen, shoppers of unequal length."""
    seen = random.integers(1, 6, shoppers)
    return bootstrap_ratio(random.binomial(seen, 0.3)[:, None], seen[:, None], seed=trial)


def seeds(random: np.random.Generator, count: int, trial: int) -> Interval:
    return over_seeds(random.normal(0.3, 0.004, count).tolist())


def quick(random: np.random.Generator, shoppers: int, trial: int) -> Interval:
    return normal_mean(GAINS[random.choice(11, shoppers, p=CHANCES)])


def seldom(random: np.random.Generator, shoppers: int, trial: int) -> Interval:
    """Something that three shoppers in a hundred do."""
    return bootstrap(random.random(shoppers) < 0.03, seed=trial)


MEAN = float(GAINS @ CHANCES)


def covered(draw: Draw, size: int, truth: float) -> float:
    random = np.random.default_rng(7)
    intervals = [draw(random, size, trial) for trial in range(EXPERIMENTS)]
    return float(np.mean([one.low <= truth <= one.high for one in intervals]))


@pytest.mark.parametrize(
    ("draw", "size", "truth"),
    [
        (one_model, 100, MEAN), (one_model, 400, MEAN), (two_models, 200, AHEAD), (a_ratio, 100, 0.3),
        (seeds, 2, 0.3), (seeds, 3, 0.3), (seeds, 8, 0.3), (quick, 200, MEAN), (seldom, 400, 0.03),
    ],
)  # fmt: skip
def test_an_interval_holds_the_truth_as_often_as_it_says(draw: Draw, size: int, truth: float) -> None:
    assert 0.93 <= covered(draw, size, truth) <= 0.97


@pytest.mark.parametrize(
    ("draw", "size", "truth"), [(one_model, 5, MEAN), (two_models, 20, AHEAD), (a_ratio, 5, 0.3), (seldom, 50, 0.03)]
)
def test_a_bootstrap_of_very_few_is_too_narrow(draw: Draw, size: int, truth: float) -> None:
    """So a page that shows fewer shoppers has to say it; from about 50, and three who do it, the interval is honest."""
    assert covered(draw, size, truth) < 0.9


def test_one_shopper_and_one_seed() -> None:
    """One shopper gives an interval without width, which claims too much; one seed gives none at all."""
    alone = bootstrap([0.4])
    assert (alone.low, alone.value, alone.high) == (0.4, 0.4, 0.4)
    with pytest.raises(ValueError, match="at least two runs"):
        over_seeds([0.4])
    with pytest.raises(ValueError, match="same shoppers"):
        paired_difference([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="must be finite numbers"):
        bootstrap_ratio([[0.1], [0.2]], [[0.1]])
