"""Ranking metrics against ranx on thousands of random lists, the conventions for ties and chance, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from ranx_reference import by_ranx

from course_lib.errors import CourseError
from course_lib.evaluation.metrics import (
    METRICS,
    all_metrics,
    average_precision,
    ndcg,
    precision,
    rank_of_target,
    ranks_of_targets,
    recall,
)

N, V = 700, 12
DEPTHS = (1, 5, 12, 20)  # the last one is longer than the list of all products
SEEDS = (0, 1)


def drawn(seed: int, values: int) -> tuple[NDArray[np.float64], NDArray[np.int64], list[list[int]]]:
    """Scores (N, V + 1) out of so many ``values``, targets (N, 8) padded with 0, and the targets of each row."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, values, (N, V + 1)).astype(float)
    relevant = [rng.permutation(np.arange(1, V + 1))[: rng.integers(1, 9)].tolist() for _ in range(N)]
    targets = np.zeros((N, 8), np.int64)
    for row, items in zip(targets, relevant, strict=True):
        row[: len(items)] = items
    return scores, targets, relevant


def ties_against_the_target(scores: NDArray[np.float64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same order without ties: among equals the relevant come last, in the order of ``targets``."""
    broken = scores + np.linspace(0.2, 0.1, V + 1)  # the others by id
    for row, wanted in zip(broken, targets, strict=True):
        for place, item in enumerate(wanted[wanted > 0]):
            row[item] = np.floor(row[item]) - 0.1 - place / 100
    return broken


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", DEPTHS)
def test_thousands_of_lists_equal_ranx_with_ties_broken_against_the_target(seed: int, k: int) -> None:
    """Ours differs from ranx on purpose in one thing: of equal scores ranx takes whichever its sort leaves first.

    With the ties broken by hand as ours are, every metric of every list is the same, MAP's divisor too.
    """
    scores, targets, relevant = drawn(10 * k + seed, values=5)
    assert any(len(set(row[1:])) < V for row in scores), "there are ties"
    ours = all_metrics(ranks_of_targets(scores, targets), k=k)
    for name, theirs in by_ranx(ties_against_the_target(scores, targets), relevant, k).items():
        assert_allclose(ours[f"{name}@{k}"], theirs, rtol=0, atol=1e-9, err_msg=name)


def test_lists_without_a_relevant_product_equal_ranx() -> None:
    """Some relevant products were never ranked, in some rows none: the rank is -1, and the divisor counts them."""
    rng = np.random.default_rng(3)
    scores, targets, relevant = drawn(99, values=10**6)
    cut = rng.random((N, V + 1)) < 0.7  # products that the system left out of its list
    cut[:, 0] = False
    cut[np.arange(N), 1 + (np.arange(N) % V)] = False  # ranx needs a list that is not empty
    low = np.where(cut, -np.inf, scores)
    ranks = ranks_of_targets(low, targets)
    ranks[np.take_along_axis(cut, targets, axis=1) | (targets == 0)] = -1
    assert (ranks < 0).all(axis=1).any()
    ours = all_metrics(ranks, np.count_nonzero(targets, axis=1), k=5)
    for name, theirs in by_ranx(scores, relevant, 5, cut).items():
        assert_allclose(ours[f"{name}@5"], theirs, rtol=0, atol=1e-9, err_msg=name)
        assert (ours[f"{name}@5"][(ranks < 0).all(axis=1)] == 0).all()


def test_a_constant_scorer_gets_nothing_and_a_random_one_gets_chance() -> None:
    """The convention for ties: one score for everything is the last place. (An AUC gives it 0.5: test_auc.py.)

    Chance is what random scores reach, k of V for HR, recall and 1 of V for precision.
    """
    count, products, k = 20_000, 50, 10
    rng = np.random.default_rng(7)
    targets = rng.integers(1, products + 1, count)
    constant = all_metrics(rank_of_target(np.zeros((count, products + 1)), targets), k=k)
    assert all((values == 0).all() for values in constant.values())
    by_chance = all_metrics(rank_of_target(rng.random((count, products + 1)), targets), k=k)
    every = all_metrics(np.arange(products), k=k)  # a target at each place once
    for name, values in by_chance.items():
        error = values.std() / np.sqrt(count)
        assert abs(values.mean() - every[name].mean()) < 4 * error, name
    assert every[f"hr@{k}"].mean() == k / products
    assert every[f"precision@{k}"].mean() == pytest.approx(1 / products)


# Bad input


def test_infinite_scores_have_a_place_and_nan_has_none() -> None:
    scores = np.array([[0.0, np.inf, 2.0, -np.inf, np.inf]])
    assert rank_of_target(scores, [1]) == [1], "+inf is above all others, and a tie counts against the target"
    assert rank_of_target(scores, [2]) == [2]
    assert rank_of_target(scores, [3]) == [3], "-inf: never, and so last"
    for value in (np.nan, -np.nan):
        scores[0, 2] = value
        with pytest.raises(CourseError) as caught:
            ranks_of_targets(scores, [[1, 3]])
        assert caught.value.key == "scores_not_numbers"


def test_fewer_products_than_k() -> None:
    """Precision still divides by k: the places that nothing fills are not hits. The others lose nothing."""
    ranks = rank_of_target(np.array([[0.0, 3.0, 2.0, 1.0]]), [1])
    assert precision(ranks, k=10) == [0.1]
    assert (recall(ranks, k=10), ndcg(ranks, k=10), average_precision(ranks, k=10)) == ([1], [1], [1])


def test_a_shopper_without_relevant_products_is_refused() -> None:
    for name, metric in METRICS.items():
        with pytest.raises(ValueError, match="at least one relevant"):
            metric([[0, 1], [-1, -1]], k=10)
        with pytest.raises(ValueError, match="at least one relevant"):
            metric([[0, 1], [-1, -1]], [2, 0], k=10)
        assert metric([[0, 1], [-1, -1]], [2, 3], k=10)[1] == 0, f"{name}: relevant, but never in a list"


def test_unequal_lists_are_padded_and_what_does_not_match_is_refused() -> None:
    assert_allclose(recall([[0, 1, 9], [0, -1, -1]], k=5), [2 / 3, 1])
    for ranks, relevant in (([[0, 1]], [2, 2]), ([[0], [1]], [1])):
        with pytest.raises(ValueError, match="one number a row"):
            recall(ranks, relevant)
    with pytest.raises(ValueError, match="scores"):
        ranks_of_targets(np.zeros((2, 4)), [[1]])


def test_one_shopper_and_none() -> None:
    assert {name: values.shape for name, values in all_metrics([3], k=5).items()} == dict.fromkeys(
        all_metrics([3], k=5), (1,)
    )
    assert all(values.shape == (0,) for values in all_metrics(np.zeros(0, int), k=5).values())
