"""Orders of a few things as numbers, so that a setting, a link or a challenge can hold the order of a list.

The factorial number system: the orders of n things in the sequence of a dictionary, from 0 to n! - 1. Arithmetic on a
few whole numbers, for the web process too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Order = tuple[int, ...]


def order_of(number: int, length: int = 10) -> Order:
    """The order with this number among all orders of ``length`` things: entry p is what stands at place p, from 0.

    Orders are numbered as in a dictionary (the factorial number system), 0 is the order as it was. Raises ValueError.

    >>> order_of(0, 3), order_of(1, 3), order_of(5, 3)
    ((0, 1, 2), (0, 2, 1), (2, 1, 0))
    """
    if not 0 <= number < math.factorial(length):
        raise ValueError(f"order {number} of {length} things; expected 0..{math.factorial(length) - 1}")
    left, order = list(range(length)), []
    for remaining in range(length - 1, -1, -1):
        place, number = divmod(number, math.factorial(remaining))
        order.append(left.pop(place))
    return tuple(order)


def number_of(order: Sequence[int]) -> int:
    """The number of an order, the inverse of :func:`order_of`; raises ValueError for what is no order of 0, 1, 2, ...

    >>> number_of((2, 1, 0))
    5
    """
    left, number = list(range(len(order))), 0
    if sorted(order) != left:
        raise ValueError(f"{tuple(order)} is no order of 0..{len(order) - 1}")
    for one in order:
        place = left.index(one)
        number += place * math.factorial(len(left) - 1)
        left.pop(place)
    return number


def moved(order: Sequence[int]) -> int:
    """How many swaps of neighbours made this order: pairs that stand the other way round (Kendall's distance)."""
    return sum(order[i] > order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
