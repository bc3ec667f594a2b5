"""Sampled metrics: the expectation is the mean of real sampling, and all negatives are the full ranking."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import hypergeom

from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.metrics import hit_rate, ndcg, rank_of_target
from course_lib.evaluation.sampled import (
    compare,
    crossing,
    expected_metric,
    log_factorials,
    normal_mean,
    numbers_of_negatives,
    sampled_ranks,
)


@pytest.mark.parametrize(("products", "negatives"), [(12, 1), (40, 5), (40, 39), (300, 20), (1260, 100)])
def test_sampled_ranks_are_hypergeometric(products: int, negatives: int) -> None:
    wanted = hypergeom.pmf(np.arange(10), products - 1, np.arange(products)[:, None], negatives)
    assert_allclose(sampled_ranks(negatives, products), wanted, atol=1e-11)


@pytest.mark.parametrize("trial", range(6))
def test_the_expectation_is_the_mean_of_real_sampling(trial: int) -> None:
    """Scores with ties are ranked among themselves and m others, drawn again and again without replacement."""
    random = np.random.default_rng(trial)
    products, shoppers, draws = int(random.integers(12, 60)), 8, 3000
    negatives = int(random.integers(1, products))
    scores = np.zeros((shoppers, products + 1))
    scores[:, 1:] = random.integers(0, 25, (shoppers, products))
    targets = random.integers(1, products + 1, shoppers)
    full = rank_of_target(scores, targets)
    got = {"hr": np.zeros((draws, shoppers)), "ndcg": np.zeros((draws, shoppers))}
    for row, target in enumerate(targets):
        others = np.delete(np.arange(1, products + 1), target - 1)
        drawn = random.permuted(np.tile(others, (draws, 1)), axis=1)[:, :negatives]
        table = np.full((draws, negatives + 2), -np.inf)
        table[:, 1], table[:, 2:] = scores[row, target], scores[row][drawn]
        rank = rank_of_target(table, np.ones(draws, np.int64))
        got["hr"][:, row], got["ndcg"][:, row] = hit_rate(rank), ndcg(rank)
    for metric, values in got.items():
        expected = expected_metric(metric, negatives, products)[full]
        error = np.maximum(values.std(0) / draws**0.5, 1e-9)
        assert (np.abs(values.mean(0) - expected) < 4.5 * error + 1e-3).all(), metric


@pytest.mark.parametrize("products", [11, 12, 100, 1260])
def test_with_all_products_it_is_the_metric_itself(products: int) -> None:
    ranks = np.arange(products)
    assert_allclose(expected_metric("hr", products - 1, products), hit_rate(ranks), atol=1e-10)
    assert_allclose(expected_metric("ndcg", products - 1, products), ndcg(ranks), atol=1e-10)
    assert (expected_metric("hr", 10**6, products) == expected_metric("hr", products - 1, products)).all()


@pytest.mark.parametrize("metric", ["hr", "ndcg"])
def test_more_negatives_and_a_worse_rank_never_help(metric: str) -> None:
    table = np.array([expected_metric(metric, m, 200) for m in range(1, 200)])
    assert (np.diff(table, axis=0) <= 1e-12).all()
    assert (np.diff(table, axis=1) <= 1e-12).all()


def test_up_to_nine_negatives_everything_is_a_hit() -> None:
    assert_allclose(expected_metric("hr", 9, 500), 1.0)
    assert expected_metric("hr", 10, 500)[-1] < 1


def test_it_is_a_mean_of_hit_rates_in_full() -> None:
    """The formula of the lesson: sum over n of (w(n - 1) - w(n)) HR@n."""
    ranks = np.random.default_rng(0).integers(0, 300, 4000)
    weight = expected_metric("hr", 25, 300)
    below = np.array([hit_rate(ranks, k=n).mean() for n in range(1, 301)])
    assert_allclose((weight - np.append(weight[1:], 0)) @ below, weight[ranks].mean())


def test_two_models_can_change_places() -> None:
    """One is at the top or nowhere, the other always near the top: HR flips with few negatives."""
    one, other = np.where(np.arange(1000) < 400, 0, 900), np.full(1000, 40)
    full, few = (compare("hr", m, 1000, one, other)["difference"] for m in (999, 50))
    assert full["low"] > 0.3
    assert few["high"] < -0.3


def test_the_curves_interval_is_the_bootstraps() -> None:
    random = np.random.default_rng(3)
    a, b = random.random(5000), random.random(5000)
    quick, slow = normal_mean(a - b), paired_difference(a, b)
    assert quick.value == pytest.approx(slow.value)
    assert_allclose([quick.low, quick.high], [slow.low, slow.high], atol=0.001)


def test_the_crossing_is_the_last_change_of_sign() -> None:
    assert crossing([1, 10, 100, 1000], [0.1, -0.1, -0.1, 0.1]) == pytest.approx(10**2.5)
    assert crossing([1, 10, 100], [0.0, -0.1, 0.0]) is None
    assert crossing([1, 10], [0.0, 0.2]) is None


def test_numbers_of_negatives_end_with_all() -> None:
    for products in (2, 11, 60, 1260, 50_000):
        found = numbers_of_negatives(products)
        assert found == sorted(set(found))
        assert (found[0], found[-1]) == (1, products - 1)


def test_logarithms_of_factorials() -> None:
    assert_allclose(np.exp(log_factorials(5)), [1, 1, 2, 6, 24, 120])


def test_nonsense_is_refused() -> None:
    for negatives in (0, -1, 20):
        with pytest.raises(ValueError, match=r"expected 1\.\.19"):
            sampled_ranks(negatives, 20)
    with pytest.raises(ValueError, match="negatives"):
        expected_metric("hr", 0, 20)
    with pytest.raises(ValueError, match="same targets"):
        compare("hr", 5, 20, np.zeros(3, np.int64), np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="at least one"):
        normal_mean([])
