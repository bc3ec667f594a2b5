"""Every metric against fractions worked out by hand and against ranx; ranks against a plain sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ranx_reference import by_ranx

from course_lib.errors import CourseError
from course_lib.evaluation.metrics import (
    METRICS,
    all_metrics,
    average_precision,
    hit_rate,
    mrr,
    ndcg,
    precision,
    rank_of_target,
    ranks_of_targets,
    recall,
)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_one_relevant_product_equals_ranx(k: int) -> None:
    rng = np.random.default_rng(k)
    scores = rng.normal(size=(60, 31))
    targets = rng.integers(1, 31, 60)
    ours = all_metrics(rank_of_target(scores, targets), k=k)
    for name, theirs in by_ranx(scores, [[int(t)] for t in targets], k).items():
        assert_allclose(ours[f"{name}@{k}"], theirs, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_several_relevant_products_equal_ranx(k: int) -> None:
    rng = np.random.default_rng(100 + k)
    scores = rng.normal(size=(60, 31))
    relevant = [sorted(rng.choice(np.arange(1, 31), rng.integers(1, 16), replace=False).tolist()) for _ in range(60)]
    targets = np.zeros((60, 15), np.int64)
    for row, items in zip(targets, relevant, strict=True):
        row[: len(items)] = items
    ours = all_metrics(ranks_of_targets(scores, targets), k=k)
    for name, theirs in by_ranx(scores, relevant, k).items():
        assert_allclose(ours[f"{name}@{k}"], theirs, atol=1e-9, err_msg=name)


def test_fractions_by_hand() -> None:
    ranks = [[0, 3, 7, -1]]  # hits at places 1, 4 and 8; a fourth relevant product is nowhere
    assert hit_rate(ranks, [4], k=5) == [1]
    assert precision(ranks, [4], k=5) == [2 / 5]
    assert recall(ranks, [4], k=5) == [2 / 4]
    assert mrr(ranks, [4], k=5) == [1 / 1]
    assert average_precision(ranks, [4], k=5) == pytest.approx(1 / 4 * (1 / 1 + 2 / 4))
    ideal = 1 + 1 / np.log2(3) + 1 / 2 + 1 / np.log2(5)
    assert ndcg(ranks, [4], k=5) == pytest.approx((1 + 1 / np.log2(5)) / ideal)


def test_the_single_form_is_the_general_form_with_one_column() -> None:
    ranks = np.arange(14)
    for name, metric in METRICS.items():
        assert_array_equal(metric(ranks, k=10), metric(ranks[:, None], np.ones(14), k=10), err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranks_equal_a_sort(dtype: type) -> None:
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.arange(41), (700, 1)), axis=1).astype(dtype)  # no ties; more than one chunk
    targets = rng.integers(1, 41, 700)
    order = np.argsort(-scores[:, 1:], axis=1) + 1
    expected = (order == targets[:, None]).argmax(axis=1)
    assert_array_equal(rank_of_target(scores, targets), expected)
    assert_array_equal(ranks_of_targets(scores, targets[:, None])[:, 0], expected)


def test_ties_count_against_the_model() -> None:
    scores = np.array([[5, 1, 1, 1, 0], [0, 2, 1, 1, 1]], float)
    assert_array_equal(rank_of_target(scores, [1, 3]), [2, 3])
    assert_array_equal(rank_of_target(scores, [3, 1]), [2, 0])  # whatever the id
    constant = rank_of_target(np.zeros((3, 101)), [1, 50, 100])
    assert_array_equal(constant, [99, 99, 99])


def test_ties_among_relevant_products_get_places_of_their_own() -> None:
    scores = np.array([[0, 1, 1, 1, 2, 0]], float)  # 4 first, then 1, 2 and 3 alike, then 5
    assert_array_equal(ranks_of_targets(scores, [[1, 3]]), [[2, 3]])  # 2 is not relevant and goes before both
    assert_array_equal(ranks_of_targets(scores, [[3, 5, 0]]), [[3, 4, -1]])


def test_minus_infinity_is_a_score_and_goes_last() -> None:
    scores = np.array([[-np.inf, -np.inf, 3.0, -np.inf, 1.0]])
    assert_array_equal(rank_of_target(scores, [4]), [1])
    assert_array_equal(rank_of_target(scores, [1]), [3])


def test_a_score_that_is_not_a_number_is_an_error_except_for_padding() -> None:
    scores = np.zeros((2, 4))
    scores[:, 0] = np.nan
    assert len(rank_of_target(scores, [1, 2])) == 2
    scores[1, 3] = np.nan
    for rank, targets in ((rank_of_target, [1, 2]), (ranks_of_targets, [[1], [2]])):
        with pytest.raises(CourseError) as caught:
            rank(scores, targets)
        assert caught.value.key == "scores_not_numbers"


@pytest.mark.parametrize("targets", [[0, 1], [1, 4], [1], [[1], [2]]])
def test_targets_that_do_not_fit_are_refused(targets: Any) -> None:
    with pytest.raises(ValueError, match="targets"):
        rank_of_target(np.zeros((2, 4)), targets)


def test_metrics_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="k is 0"):
        hit_rate([0], k=0)
    with pytest.raises(ValueError, match="at least one relevant"):
        ndcg([[-1, -1]])
    with pytest.raises(ValueError, match="no fewer than it has ranks"):
        recall([[0, 1]], [1])
    with pytest.raises(ValueError, match="twice"):
        ranks_of_targets(np.zeros((1, 4)), [[2, 2]])
