"""Baskets as sets: how purchases are grouped, which half is hidden, and that nothing of the answer is learned."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data import registry
from course_lib.data.baskets import Baskets, as_matrix, last_baskets
from course_lib.data.columns import EVENT_COLUMNS
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories
from course_lib.errors import CourseError


@pytest.fixture(scope="module")
def shop() -> Baskets:
    return Baskets.of(registry.load(registry.resolve("shop", "tiny")))


def n(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_a_basket_is_a_set_whatever_the_order_of_its_lines() -> None:
    """Basket 9 comes in two pieces, with product 3 twice; household 1's basket has the same name and is another."""
    one = Baskets.grouped(n(0, 0, 0, 0, 1), n(3, 8, 3, 5, 3), n(0, 0, 5, 6, 7), n(9, 4, 9, 9, 9), 2, 8)
    assert [one.take(n(row)).items.tolist() for row in range(3)] == [[3, 5], [8], [3]]
    assert one.users.tolist() == [0, 0, 1]
    assert one.first.tolist() == [0, 2, 3]
    turned = Baskets.grouped(n(0, 0, 0, 0, 1), n(5, 8, 3, 3, 3), n(0, 0, 5, 6, 7), n(9, 4, 9, 9, 9), 2, 8)
    assert np.array_equal(one.items, turned.items)


def test_where_each_purchase_is_its_own_basket_a_visit_is_one() -> None:
    one = Baskets.grouped(n(0, 0, 0, 1), n(1, 2, 3, 4), n(0, 3600, 7201, 7201), n(1, 2, 3, 4), 2, 4)
    assert one.sizes.tolist() == [2, 1, 1]


def test_nothing_bought_makes_no_basket() -> None:
    assert len(Baskets.grouped(n(), n(), n(), n(), 0, 5)) == 0


def test_earlier_shares_end_before_the_basket() -> None:
    one = Baskets.grouped(n(0, 0, 0, 1), n(1, 1, 2, 1), n(0, 9000, 9000, 0), n(1, 2, 2, 3), 2, 2)
    assert one.shares_before(n(0, 1, 2)).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert one.visits_before(n(0, 1, 2)).tolist() == [0, 1, 0]


def test_half_is_hidden_and_nothing_of_it_is_learned(shop: Baskets) -> None:
    asked = last_baskets(shop, "shop")
    test, validation = asked.test, asked.validation
    for row in range(len(test.rows)):
        whole = set(shop.take(test.rows[row : row + 1]).items.tolist())
        shown, hidden = set(test.shown[row].tolist()), set(test.hidden[row].tolist())
        assert shown | hidden == whole
        assert not shown & hidden
        assert len(shown) == len(whole) // 2
    ends = dict(zip(test.users.tolist(), validation.rows.tolist(), strict=True))
    assert all(row < ends.get(int(shop.users[row]), len(shop)) for row in asked.train.tolist())
    assert (shop.users[validation.rows] == test.users).all()
    assert (validation.rows < test.rows).all()
    before = shop.matrix(np.arange(shop.first[test.users[0]], test.rows[0])).mean(0)
    np.testing.assert_allclose(test.earlier[0], np.asarray(before).ravel(), rtol=1e-6)


def test_the_halves_are_the_same_each_time_and_others_by_another_seed(shop: Baskets) -> None:
    one, again, other = (last_baskets(shop, "shop", seed).test.shown.items for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_matrix_counts_a_twin_once() -> None:
    assert as_matrix(Histories.from_lists([[2, 2], []]), 2).toarray().tolist() == [[0, 0, 1], [0, 0, 0]]


def test_data_without_baskets_is_refused_in_a_sentence_that_says_what_it_can_serve() -> None:
    whole = registry.load(registry.resolve("shop", "tiny"))
    events = whole.events.copy()
    events["timestamp"] = np.arange(len(events)) * 86_400
    lonely = Dataset(whole.address, events[list(EVENT_COLUMNS)], whole.items)
    with pytest.raises(CourseError) as caught:
        Baskets.of(lonely)
    assert caught.value.key == "no_baskets"
    assert "shop" in caught.value.text("zh")
    assert "50" in caught.value.text("en")


def test_too_few_households_with_two_baskets_are_refused() -> None:
    few = Baskets.grouped(n(0, 0, 0, 0), n(1, 2, 1, 2), n(0, 1, 9000, 9001), n(1, 1, 2, 2), 1, 2)
    with pytest.raises(CourseError) as caught:
        last_baskets(few, "mine")
    assert caught.value.key == "no_last_baskets"
    assert "mine" in caught.value.text("en")
