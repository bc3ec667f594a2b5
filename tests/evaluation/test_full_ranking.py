"""Full ranking from vectors, block by block: the naive way's lists, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.full_ranking import top_products

N, V, D = 57, 40, 8


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray, Histories]:
    rng = np.random.default_rng(seed)
    seen = [rng.integers(1, V + 1, rng.integers(0, 30)).tolist() for _ in range(N)]  # some twice, some empty
    return (
        rng.standard_normal((N, D), np.float32),
        rng.standard_normal((V + 1, D), np.float32),
        Histories.from_lists(seen),
    )


@pytest.mark.parametrize("cells", [1, V, 5 * V + 3, 10**6])
@pytest.mark.parametrize("k", [1, 7])
def test_the_lists_are_those_of_the_naive_way(cells: int, k: int) -> None:
    shoppers, products, seen = drawn()
    scores = shoppers @ products.T
    scores[:, 0] = -np.inf
    for row, history in zip(scores, seen, strict=True):
        row[history] = -np.inf
    expected = np.argsort(-scores, axis=1)[:, :k]
    best = top_products(shoppers, products, k, seen, cells)
    assert_array_equal(best.items, expected)
    assert_allclose(best.scores, np.take_along_axis(scores, expected, axis=1), rtol=1e-5, atol=1e-6)


def test_without_histories_nothing_is_left_out_and_padding_never_comes() -> None:
    shoppers, products, _ = drawn(1)
    products[0] = 100 * shoppers.sum(0)
    best = top_products(shoppers, products, 5)
    assert_array_equal(best.items, np.argsort(-(shoppers @ products[1:].T), axis=1)[:, :5] + 1)


def test_who_has_seen_nearly_everything_gets_a_shorter_list() -> None:
    shoppers, products, _ = drawn(2)
    seen = Histories.from_lists([list(range(3, V + 1)), *[[]] * (N - 1)])
    best = top_products(shoppers, products, 4, seen)
    assert set(best.items[0, :2]) == {1, 2}
    assert_array_equal(best.items[0, 2:], [0, 0])
    assert (best.scores[0, 2:] == -np.inf).all()
    assert (best.items[1:] > 0).all()


@pytest.mark.parametrize("where", ["shopper", "product"])
def test_a_score_that_is_no_number_is_an_error(where: str) -> None:
    shoppers, products, seen = drawn(3)
    (shoppers if where == "shopper" else products)[5] = np.nan
    with pytest.raises(CourseError) as caught:
        top_products(shoppers, products, 3, Histories.from_lists([[]] * N) if where == "product" else seen)
    assert caught.value.key == "scores_not_numbers"


def test_what_does_not_fit_is_refused() -> None:
    shoppers, products, seen = drawn(4)
    for k in (0, V + 1):
        with pytest.raises(ValueError, match=f"k is {k}"):
            top_products(shoppers, products, k)
    with pytest.raises(ValueError, match="expected"):
        top_products(shoppers[:, 1:], products)
    with pytest.raises(ValueError, match="histories for"):
        top_products(shoppers[1:], products, 3, seen)
    for item in (0, V + 1):
        with pytest.raises(ValueError, match="seen items"):
            top_products(shoppers[:1], products, 3, Histories.from_lists([[item]]))
    one = top_products(shoppers[:1], products, V)
    assert sorted(one.items[0]) == list(range(1, V + 1))
