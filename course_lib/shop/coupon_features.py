"""What the shop knows of a shopper on the day of a coupon: counts of the purchases, made for one product type.

    features(world, block, kind, followed)      # (N, F), a column for each of NAMES and then one a department

Everything here is in the log: prices paid, days, types. How dear a shopper buys stands in for the price limit, which
nobody knows, and that limit decides whether coupons draw or put off (truth/coupons.py). ``followed`` says how often a
type came right after another in all histories, so that "bought wipes last" can point to diapers.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.simulate import Block
from course_lib.shop.world import World

NAMES = (  # of the first columns
    "purchases", "log_pace", "price_level", "price_level_squared", "own", "ever", "log_days_since", "department_lately",
    "after_last", "after_one_before",
)  # fmt: skip
LONG_AGO = 400.0  # days since the last purchase of a type that was never bought
LATELY = 3  # purchases
Values = NDArray[np.float64]


def departments(world: World) -> NDArray[np.int64]:
    """(C,) index of each type's department."""
    names = [row["id"] for row in world.parameters.content["department"]]
    return np.array([names.index(row["department"]) for row in world.parameters.content["type"]])


def price_levels(world: World) -> Values:
    """(V,) log price of each product in standard deviations of its type's."""
    price, kind = np.log(world.catalogue.items[Columns.PRICE].to_numpy(np.float64)), world.catalogue.type
    count = np.bincount(kind)
    mean = np.bincount(kind, price) / count
    spread = np.sqrt(np.bincount(kind, (price - mean[kind]) ** 2) / count)
    found: Values = (price - mean[kind]) / np.maximum(spread, 1e-9)[kind]
    return found


def follow_shares(world: World, blocks: Iterable[Block]) -> Values:
    """(C, C) of the purchases after one of type a, the share of type b: counted over all histories."""
    types = len(world.parameters.content["type"])
    counts = np.zeros((types, types))
    for block in blocks:
        kind = world.catalogue.type[block.items]
        both = np.arange(1, kind.shape[1])[None] < block.length[:, None]  # place t is used, so t - 1 is
        np.add.at(counts, (kind[:, :-1][both], kind[:, 1:][both]), 1)
    found: Values = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return found


def features(world: World, block: Block, kind: int, followed: Values) -> Values:
    """(N, F) of one block's shoppers, for a coupon of type ``kind``."""
    N, T = block.items.shape
    rows, place = np.arange(N), np.arange(T)[None]
    used = place < block.length[:, None]
    types = world.catalogue.type[block.items]
    department_of = departments(world)
    department = department_of[types]
    last = block.days[rows, block.length - 1].astype(np.float64)
    pace = (last - block.days[:, 0]) / np.maximum(block.length - 1, 1)  # days from purchase to purchase
    level = (price_levels(world)[block.items] * used).sum(1) / block.length
    own = (types == kind) & used
    since = last - np.where(own, block.days, -np.inf).max(1)
    ever = own.any(1)
    lately = used & (place >= block.length[:, None] - LATELY)
    shares = [((department == one) & used).sum(1) / block.length for one in range(department_of.max() + 1)]
    found: Values = np.column_stack(
        [
            block.length, np.log(pace + 0.1), level, level**2, own.sum(1), ever,
            np.log1p(np.where(ever, since, LONG_AGO)), ((department == department_of[kind]) & lately).sum(1),
            followed[types[rows, block.length - 1], kind],
            followed[types[rows, np.maximum(block.length - 2, 0)], kind], *shares,
        ]
    ).astype(np.float64)  # fmt: skip
    return found
