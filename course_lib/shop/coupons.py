"""Coupon campaigns as the shop sees them: who got a coupon with what probability, and who then bought.

    log = coupon_frame(shop(), 4000)    # one row for each shopper and campaign

A campaign is ``random`` (everyone with the same chance) or ``targeted``: with chance ``aimed`` for shoppers of whose
``recent`` latest purchases one is in the department of the coupon's type, else with ``other``. Those shoppers buy the
type more often anyway, so that buyers with and without a coupon cannot be compared as they are; each row has its
PROPENSITY, by which they can (Horvitz & Thompson 1952). What a coupon truly does is in truth/coupons.py.
Campaigns do not touch each other: a shopper may get several coupons, and each acts on its own type alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.parts import COUPONS, labels, whole_blocks
from course_lib.shop.simulate import DAY, Block
from course_lib.shop.truth.coupons import block_outcomes, campaign_types
from course_lib.shop.world import World


def coupon_blocks(world: World, shoppers: int, seed: int | None = None) -> Iterator[pd.DataFrame]:
    """Rows of ``shoppers`` in user and campaign order, a block of shoppers at a time.

    Columns: USER, CAMPAIGN, TIME (when the coupon was given or would have been), PROPENSITY (chance of a coupon),
    COUPON (whether it was given), BOUGHT (a product of the campaign's type within the window).
    """
    numbers, campaigns = world.parameters.numbers["coupons"], world.parameters.content["campaign"]
    names = [row["id"] for row in campaigns]
    start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
    for block, rng in whole_blocks(world, COUPONS, shoppers, seed):
        outcomes = block_outcomes(world, block, rng)
        chance = propensities(world, block)
        given = rng.random(chance.shape) < chance
        bought = np.where(given, outcomes.bought_with, outcomes.bought_without)
        last = block.days[np.arange(len(block.length)), block.length - 1].astype(np.float64)
        time = start + np.round((last + numbers["delay_days"]) * DAY).astype(np.int64)
        users = np.arange(block.first, min(block.first + len(block.length), shoppers), dtype=np.int32)
        rows, n = slice(0, len(users)), len(names)
        yield pd.DataFrame(
            {
                Columns.USER: np.repeat(users, n),
                Columns.CAMPAIGN: labels(np.tile(np.arange(n), len(users)), names),
                Columns.TIME: np.repeat(time[rows], n),
                Columns.PROPENSITY: chance[rows].ravel(),
                Columns.COUPON: given[rows].ravel(),
                Columns.BOUGHT: bought[rows].ravel(),
            }
        )


def coupon_frame(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """All rows as one frame."""
    return pd.concat(coupon_blocks(world, shoppers, seed), ignore_index=True)


def propensities(world: World, block: Block) -> NDArray[np.float64]:
    """(N, K) chance that each campaign gives each shopper a coupon: a function of purchases alone."""
    numbers, content = world.parameters.numbers["coupons"], world.parameters.content
    names = [row["id"] for row in content["department"]]
    department = np.array([names.index(row["department"]) for row in content["type"]])
    place = np.maximum(block.length[:, None] - 1 - np.arange(numbers["recent"])[None], 0)  # (N, recent)
    items = np.take_along_axis(block.items, place, axis=1)
    recent = department[world.catalogue.type[items]]
    chances = np.empty((len(block.length), len(content["campaign"])))
    for n, (campaign, kind) in enumerate(zip(content["campaign"], campaign_types(world), strict=True)):
        if campaign["assignment"] == "random":
            chances[:, n] = campaign["chance"]
        else:
            aimed = (recent == department[kind]).any(1)
            chances[:, n] = np.where(aimed, numbers["aimed"], numbers["other"])
    return chances
