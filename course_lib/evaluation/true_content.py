"""What the shop knows of a list and no log shows: how content its products would leave a shopper, and who would click.

    truth = true_worth(test, items)                 # items (N, M) of the simulated shop's test shoppers
    truth.utility, truth.clicks, truth.owned        # (N, M) each

``utility`` is what the product would be worth to the shopper, before the luck of the single purchase
(shop/truth/satisfaction.py): 0 is indifferent, the purchases' own standard deviation is about 1. ``clicks`` is the
chance that it is clicked once looked at, by the rule of the shop's front page (shop/truth/slates.py), here for any
product. ``owned`` says whether it is a durable of a type that the shopper has. All are as of the moment before the
test purchase, which takes part in none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Holdout
from course_lib.shop.front_page import front_page
from course_lib.shop.published import shop
from course_lib.shop.simulate import BLOCK, Block, simulate
from course_lib.shop.truth.satisfaction import expected_utility
from course_lib.shop.truth.search import examination
from course_lib.shop.truth.slates import attractiveness
from course_lib.shop.world import World

ROWS = 500  # shoppers whose (n, V) utilities exist at once
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """The truth about M products for each of N shoppers; 0 and False in empty places."""

    utility: Values  # (N, M)
    clicks: Values  # (N, M)
    owned: NDArray[np.bool_]  # (N, M)


def true_worth(test: Holdout, items: NDArray[np.integer]) -> Worth:
    """The truth about ``items`` (N, M), ids or 0, for the shoppers of ``test``: the shop's leave-one-out test targets.

    Raises ValueError where the shoppers' purchases are not those of the simulated shop.
    """
    world = shop()
    utility, clicks, owned = np.zeros(items.shape), np.zeros(items.shape), np.zeros(items.shape, bool)
    for block in simulate(world, int(test.users.max(initial=-1)) + 1):
        for start in range(0, BLOCK, ROWS):
            low = block.first + start
            rows = np.flatnonzero((test.users >= low) & (test.users < low + ROWS))
            if len(rows):
                own = test.users[rows] - block.first
                places = np.maximum(items[rows].astype(np.int64) - 1, 0)
                found = _of_some(world, _before(block, own), test.targets[rows])
                for whole, part in zip((utility, clicks, owned), found, strict=True):
                    whole[rows] = np.where(items[rows] > 0, np.take_along_axis(part, places, 1), 0)
    return Worth(utility, clicks, owned)


def expected_clicks(chances: Values) -> Values:
    """(N,) clicks to expect on lists whose products (N, K) are clicked with ``chances`` once looked at.

    Place j is looked at with chance j^-attention, as on the front page.
    """
    attention = shop().parameters.numbers["slates"]["attention"]
    clicks: Values = chances @ examination(chances.shape[1], attention)
    return clicks


@dataclass(frozen=True)
class _Before:
    """Some shoppers of a block as they were before their last purchase."""

    block: Block
    last: NDArray[np.int32]  # (n,) that purchase, 0-based
    owned: NDArray[np.bool_]  # (n, C) types bought before it


def _before(block: Block, rows: NDArray[np.integer]) -> _Before:
    length, items = block.length[rows], block.items[rows].copy()
    each = np.arange(len(rows))
    last = items[each, length - 1]
    items[each, length - 1] = items[:, 0]  # bought before, so nothing is owned through it
    truth = replace(
        block.truth, taste=block.truth.taste[rows], budget=block.truth.budget[rows],
        interest=block.truth.interest[rows], mission=block.truth.mission[rows],
    )  # fmt: skip
    part = Block(block.first, length, items, block.days[rows], truth)
    types = shop().catalogue.type
    owned = np.zeros((len(rows), len(shop().durable)), bool)
    shopper, number = np.nonzero(np.arange(items.shape[1])[None] < length[:, None])
    owned[shopper, types[items[shopper, number]]] = True
    return _Before(part, last, owned)


def _of_some(world: World, before: _Before, targets: NDArray[np.integer]) -> tuple[Values, Values, NDArray[np.bool_]]:
    """(n, V) utility, click chance, and whether it is a durable owned already."""
    if (before.last + 1 != targets).any():
        raise ValueError("the test targets are not the last purchases of the simulated shop")
    truth, types = before.block.truth, world.catalogue.type
    page = replace(front_page(world), items=np.arange(1, len(types) + 1, dtype=np.int32))  # as if all stood on it
    return (
        expected_utility(world, truth.taste, truth.budget, before.owned),
        attractiveness(world, page, before.block),
        (before.owned & world.durable)[:, types],
    )
