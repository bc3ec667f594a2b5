"""Intervals: known answers, coverage, equal laws of the two ways to resample, and refusals."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib.evaluation.intervals import (
    bootstrap,
    bootstrap_counts,
    bootstrap_ratio,
    over_seeds,
    paired_difference,
    resampled_means,
)


def test_a_bootstrap_is_as_wide_as_the_normal_interval_of_a_share() -> None:
    values = np.r_[np.ones(300), np.zeros(700)]
    interval = bootstrap(values, resamples=4000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert interval.value == 0.3
    assert_allclose([interval.low, interval.high], [0.3 - half, 0.3 + half], atol=0.002)


def test_it_is_repeatable_and_the_seed_matters() -> None:
    values = np.random.default_rng(0).random(200)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_counting_outcomes_and_drawing_rows_follow_one_law() -> None:
    values = np.repeat([0.0, 0.5, 1.0], [50, 30, 20])
    counted = resampled_means(np.array([[0.0], [0.5], [1.0]]), [50, 30, 20], 4000, seed=1)
    drawn = resampled_means(values[:, None], np.ones(100, int), 4000, seed=2)
    assert_allclose(counted.mean(), drawn.mean(), atol=0.003)
    assert_allclose(counted.std(), drawn.std(), rtol=0.05)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(300):
        interval = bootstrap(rng.choice([0.0, 0.25, 1.0], size=150, p=[0.6, 0.3, 0.1]), 400, seed=trial)
        covered += interval.low <= 0.175 <= interval.high
    assert 0.90 <= covered / 300 <= 0.99


def test_metrics_together_equal_metrics_alone() -> None:
    outcomes = {"a": np.array([0.0, 1.0]), "b": np.array([0.2, 0.4])}
    both = bootstrap_counts(outcomes, np.array([30, 70]))
    assert both["a"] == bootstrap_counts({"a": outcomes["a"]}, np.array([30, 70]))["a"]
    assert both["b"].value == pytest.approx(0.34)


def test_a_paired_difference_is_narrower_than_unpaired_ones() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(500)  # what makes a shopper hard for both
    ours, theirs = hard + 0.05 + rng.normal(0, 0.02, 500), hard
    difference = paired_difference(ours, theirs)
    assert difference.low > 0.04
    assert difference.high < 0.06
    alone = bootstrap(ours)
    assert alone.high - alone.low > 5 * (difference.high - difference.low)


def test_memory_stays_bounded_for_many_shoppers() -> None:
    values = np.random.default_rng(0).random(100_000)
    tracemalloc.start()
    bootstrap(values, resamples=40)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20


def test_a_ratio_over_one_is_the_mean() -> None:
    values = np.random.default_rng(0).random(300)
    mean, ratio = bootstrap(values), bootstrap_ratio(values[:, None], np.ones((300, 1)))
    assert ratio.value == pytest.approx(mean.value)
    assert_allclose([ratio.low, ratio.high], [mean.low, mean.high], rtol=0.01)


def test_a_ratio_is_as_wide_as_the_delta_method_says() -> None:
    """Units of unequal size: value = sum of y / sum of x, deviation = sd(y - value x) / (mean of x * sqrt(n))."""
    random = np.random.default_rng(1)
    x = random.integers(1, 9, 400).astype(float)
    y = 0.4 * x + random.normal(0, 1, 400)
    found = bootstrap_ratio(y[:, None], x[:, None], resamples=4000)
    value = y.sum() / x.sum()
    half = 1.96 * (y - value * x).std() / (x.mean() * np.sqrt(400))
    assert found.value == pytest.approx(value)
    assert_allclose([found.low, found.high], [value - half, value + half], atol=0.15 * half)
    both = bootstrap_ratio(np.stack([y, y], 1), np.stack([x, x], 1), resamples=4000)
    assert_allclose(
        [both.value, both.low, both.high], [2 * found.value, 2 * found.low, 2 * found.high], atol=0.2 * half
    )


def test_over_seeds_is_students_interval() -> None:
    interval = over_seeds([0.30, 0.32, 0.34, 0.31, 0.33])
    half = 2.7764451 * np.std([0.30, 0.32, 0.34, 0.31, 0.33], ddof=1) / np.sqrt(5)  # t(4) at 97.5%
    assert_allclose([interval.value, interval.low, interval.high], [0.32, 0.32 - half, 0.32 + half], atol=1e-8)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap([])
    with pytest.raises(ValueError, match="finite"):
        bootstrap([0.1, np.nan])
    with pytest.raises(ValueError, match="same shoppers"):
        paired_difference([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="at least two runs"):
        over_seeds([0.3])
    with pytest.raises(ValueError, match="counts"):
        resampled_means([[1.0]], [0])
    with pytest.raises(ValueError, match="one row or more"):
        bootstrap_ratio(np.zeros((0, 1)), np.zeros((0, 1)))
    with pytest.raises(ValueError, match="one row or more"):
        bootstrap_ratio([[1.0]], [[np.nan]])
    with pytest.raises(ValueError, match="not be negative"):
        bootstrap_ratio([[1.0], [1.0]], [[0.0], [0.0]])
