"""Orders by number: each has one, in a dictionary's sequence, and nonsense is refused."""

from __future__ import annotations

import math
from itertools import permutations

import pytest

from course_lib.evaluation.orders import moved, number_of, order_of


def test_orders_are_numbered_as_in_a_dictionary() -> None:
    for number, order in enumerate(permutations(range(4))):
        assert order_of(number, 4) == order
        assert number_of(order) == number
    last = math.factorial(10) - 1
    assert order_of(last) == tuple(range(9, -1, -1))
    for number in (-1, last + 1):
        with pytest.raises(ValueError, match="expected"):
            order_of(number)
    for order in ([0, 0], [1, 2], [0, 1, 3]):
        with pytest.raises(ValueError, match="no order"):
            number_of(order)


def test_moved_counts_swaps_of_neighbours() -> None:
    assert moved(range(10)) == 0
    assert moved((1, 0, 2)) == 1
    assert moved((2, 0, 1)) == 2
    assert moved(range(9, -1, -1)) == 45
