"""Lists beside a cart, in a shop of six products small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.evaluation import companions as lists
from course_lib.evaluation.companions import Goods

# Balls 1, 2; pumps 3, 4; tea 5, 6
GOODS = Goods(np.array([-1, 0, 0, 1, 1, 2, 2]), np.array([0, 100, 80, 30, 20, 10, 5.0]))
BASKETS = Histories.from_lists([[1, 3], [2, 3], [1, 4], [5, 6], [5, 1]])
RELATIONS = np.array([[2, 1, 0], [1, 2, 0], [0, 0, 2]], np.int8)


def test_by_products_is_confidence() -> None:
    table = lists.by_products(BASKETS, 6)
    assert table[1, 3] == pytest.approx(1 / 3)
    assert table[3, 1] == pytest.approx(1 / 2)
    assert table[2, 4] == 0, "these two never met"


def test_by_types_knows_pairs_that_never_met() -> None:
    """A ball's basket holds a pump in 3 of 4; of the pumps, 3 sells two thirds."""
    table = lists.by_types(BASKETS, GOODS)
    assert table[2, 4] == pytest.approx(3 / 4 * 1 / 3)
    assert table[1, 3] == pytest.approx(3 / 4 * 2 / 3)


def test_by_views_and_by_cosine() -> None:
    views = lists.by_views(np.array([0, 0, 0, 1]), np.array([1, 2, 2, 1]), 6)
    assert views[1, 2] == pytest.approx(1 / np.sqrt(2))
    cosine = lists.by_cosine(np.array([[1.0, 0], [2, 0], [0, 1], [-1, 0], [0, 0], [1, 1]]))
    assert cosine[1, 2] == pytest.approx(1)
    assert cosine[1, 4] == 0
    assert cosine[1, 6] == pytest.approx(np.sqrt(0.5))


def test_what_is_in_the_cart_is_not_offered_and_its_types_only_in_their_places() -> None:
    carts = Histories.from_lists([[1]])
    wanted = np.array([[-np.inf, -np.inf, 9, 5, 4, 0, 0]], np.float32)
    similar = np.array([[-np.inf, -np.inf, 1, 0.1, 0.1, 0.1, 0.1]], np.float32)
    same = lists.in_cart(carts, GOODS)
    assert np.flatnonzero(same[0]).tolist() == [1, 2]
    assert lists.companions(wanted, similar, same, 0, 3).tolist() == [[3, 4, 0]], "nothing is known of tea"
    assert lists.companions(wanted, similar, same, 1, 3).tolist() == [[3, 4, 2]]
    assert not np.isfinite(lists.scores(lists.by_products(BASKETS, 6), carts)[0, [0, 1]]).any()


def test_roles_are_the_closest_relation_to_anything_in_the_cart() -> None:
    offered = np.array([[2, 3, 5, 0]])
    assert lists.roles(offered, Histories.from_lists([[1]]), GOODS, RELATIONS).tolist() == [[2, 1, 0, -1]]
    assert lists.roles(offered, Histories.from_lists([[1, 6]]), GOODS, RELATIONS).tolist() == [[2, 1, 2, -1]]


def test_an_empty_cart_has_neither_companions_nor_roles() -> None:
    empty = Histories.from_lists([[]])
    assert lists.best(lists.scores(lists.by_products(BASKETS, 6), empty), 3).tolist() == [[0, 0, 0]]
    assert lists.roles(np.array([[2, 3]]), empty, GOODS, RELATIONS).tolist() == [[0, 0]]


def test_only_what_closes_the_gap_is_left() -> None:
    left = lists.closing(np.ones((2, 7), np.float32), GOODS.price, np.array([25.0, 0.0]))
    assert np.flatnonzero(np.isfinite(left[0])).tolist() == [1, 2, 3]
    assert np.isfinite(left[1]).all()
