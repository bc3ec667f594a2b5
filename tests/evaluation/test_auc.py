"""AUC and GAUC against counting every pair, and what they say where a scorer knows nothing or a shopper has no pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from course_lib.errors import CourseError
from course_lib.evaluation.auc import auc, count_pairs, gauc

ROWS = st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)), min_size=1, max_size=25)


@given(ROWS)
def test_pairs_are_those_that_one_counts(rows: list[tuple[int, bool, int]]) -> None:
    scores, hits, weights = (list(column) for column in zip(*rows, strict=True))
    right = tied = every = 0
    for score, hit, weight in rows:
        for other, other_hit, other_weight in rows:
            if hit and not other_hit:
                every += weight * other_weight
                right += weight * other_weight * (score > other)
                tied += weight * other_weight * (score == other)
    found = count_pairs(scores, hits, weights)
    assert (found.right, found.tied, found.all) == (right, tied, every)


def test_auc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for size in rng.integers(2, 60, 300):
        scores, hits = rng.integers(0, 6, size), rng.random(size) < 0.4
        hits[:2] = True, False
        assert auc(scores, hits) == pytest.approx(roc_auc_score(hits, scores), abs=1e-12)
        shown = rng.integers(1, 5, size)
        assert auc(scores, hits, shown) == pytest.approx(roc_auc_score(hits, scores, sample_weight=shown), abs=1e-12)


def test_a_constant_scorer_scores_as_chance_exactly() -> None:
    hits = np.arange(40) % 7 == 0
    assert auc(np.full(40, 3.7), hits) == 0.5
    assert gauc(np.full(40, 3.7), hits, np.arange(40) // 10).value == 0.5
    assert auc(np.full(40, -np.inf), hits) == 0.5


def test_gauc_is_the_mean_weighted_by_impressions_of_those_with_a_pair() -> None:
    scores = [3, 2, 1, 5, 4, 9, 8, 7]
    hits = [True, False, False, False, True, True, True, True]
    shoppers = [1, 1, 1, 2, 2, 3, 3, 3]
    found = gauc(scores, hits, shoppers)
    assert found.aucs == (1.0, 0.0, None)
    assert found.left_out == 1
    assert found.value == pytest.approx((3 * 1 + 2 * 0) / 5)
    seldom = gauc(scores, hits, shoppers, [1, 1, 1, 10, 10, 99, 99, 99])
    assert seldom.value == pytest.approx((3 * 1 + 20 * 0) / 23)
    assert seldom.weights == (3, 20, 297)


def test_pooled_auc_can_be_high_while_gauc_is_below_chance() -> None:
    """The scores of who buys much are higher; inside each list the order is the wrong way round."""
    scores = [9, 8, 7, 6, 3, 2, 1, 0]
    hits = [False, True, True, True, False, False, False, True]
    shoppers = [1] * 4 + [2] * 4
    assert gauc(scores, hits, shoppers).value == 0
    assert auc(scores, hits) > 0.5


def test_gauc_of_one_shopper_is_the_auc_and_ignores_the_level_of_a_shopper() -> None:
    rng = np.random.default_rng(1)
    scores, hits, who = rng.normal(size=60), rng.random(60) < 0.3, np.arange(60) // 12
    assert gauc(scores, hits, np.zeros(60)).value == pytest.approx(auc(scores, hits))
    assert gauc(scores + 5.0 * who, hits, who).value == pytest.approx(gauc(scores, hits, who).value)
    assert auc(scores + 5.0 * who, hits) != pytest.approx(auc(scores, hits))


def test_infinite_scores_are_the_lowest_and_the_highest() -> None:
    assert auc([np.inf, 1.0, -np.inf], [True, False, False]) == 1
    assert auc([-np.inf, 1.0, np.inf], [True, False, False]) == 0
    assert auc([-np.inf, -np.inf], [True, False]) == 0.5


@pytest.mark.parametrize("hits", [[True, True], [False, False]])
def test_one_class_is_an_error_that_says_so(hits: list[bool]) -> None:
    with pytest.raises(CourseError) as caught:
        auc([1, 2], hits)
    assert caught.value.key == "auc_one_class"
    assert "no pair" in caught.value.text("en")
    with pytest.raises(CourseError) as caught:
        gauc([1, 2], hits, [1, 2])
    assert caught.value.key == "gauc_no_shopper"
    assert "2" in caught.value.text("zh")


def test_what_does_not_fit_is_refused() -> None:
    for bad in ([1.0, np.nan], [np.nan, np.nan]):
        with pytest.raises(CourseError) as caught:
            auc(bad, [True, False])
        assert caught.value.key == "scores_not_numbers"
    with pytest.raises(ValueError, match="expected three times"):
        auc([1, 2, 3], [True, False])
    with pytest.raises(ValueError, match="one label a product"):
        gauc([1, 2], [True, False], [1])
    for weight in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="impressions"):
            auc([1, 2], [True, False], [1, weight])
