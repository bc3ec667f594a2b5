"""The truth behind slates, coupons and satisfaction in a few numbers each, as a page shows them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.shop.front_page import front_page
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.simulate import BLOCK
from course_lib.shop.slates import slate_log
from course_lib.shop.truth.coupons import true_effects
from course_lib.shop.truth.satisfaction import expected_utility, products
from course_lib.shop.truth.slates import attractiveness, best_values, looked_at, values
from course_lib.shop.world import World

SHOPPERS = BLOCK  # whom it is told of: the shop's first block


@dataclass(frozen=True)
class Glance:
    """Four small frames; see the functions below for their columns."""

    positions: pd.DataFrame
    policies: pd.DataFrame
    coupons: pd.DataFrame
    liking: pd.DataFrame


def glance(world: World, seed: int | None = None) -> Glance:
    """All four, about two seconds."""
    policies = policy_values(world, seed)
    return Glance(positions(world, seed), policies, coupon_classes(world, seed), clicks_and_utility(world, seed))


def positions(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a position of the front page. Slates of the uniform policy only: there every product stands anywhere.

    Columns: POSITION, ``shown``, ``clicks`` (as logged), ``rate`` with ``low`` and ``high`` (95%, normal), ``truth``
    (the true chance of a click there: that the position is looked at, times the products' mean attractiveness).
    """
    log = slate_log(world, SHOPPERS, seed)
    log = log[log[Columns.POLICY] == "uniform"]
    frame = log.groupby(Columns.POSITION)[Columns.CLICK].agg(shown="size", clicks="sum").reset_index()
    frame["rate"] = frame["clicks"] / frame["shown"]
    half = 1.96 * np.sqrt(frame["rate"] * (1 - frame["rate"]) / frame["shown"])
    frame["low"], frame["high"] = frame["rate"] - half, frame["rate"] + half
    looked = looked_at(world)
    slate = values(world, front_page(world, seed).policies["uniform"], SHOPPERS, seed).mean()
    frame["truth"] = slate * looked / looked.sum()  # evenly drawn, products are as attractive at any position
    return frame


def policy_values(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a policy, the best possible last. Columns: POLICY, ``value`` (true expected clicks a slate)."""
    page = front_page(world, seed)
    rows = [(name, float(values(world, policy, SHOPPERS, seed).mean())) for name, policy in page.policies.items()]
    rows.append(("best", float(best_values(world, SHOPPERS, seed).mean())))
    return pd.DataFrame(rows, columns=[Columns.POLICY, "value"])


def coupon_classes(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row for each campaign that gives its coupon at random and each class of shoppers.

    Columns: CAMPAIGN, ``shopper_class``, ``shoppers``, ``share`` (of the campaign's shoppers).
    """
    effects = true_effects(world, SHOPPERS, seed)
    frame = effects.groupby([Columns.CAMPAIGN, "shopper_class"], observed=False).size().rename("shoppers").reset_index()
    random = [row["id"] for row in world.parameters.content["campaign"] if row["assignment"] == "random"]
    frame = frame[frame[Columns.CAMPAIGN].isin(random)].reset_index(drop=True)
    frame["share"] = frame["shoppers"] / SHOPPERS
    return frame


def clicks_and_utility(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a product of the front page, averaged over shoppers who own nothing yet.

    Columns: ITEM, ``click`` (true chance of a click once looked at), ``utility`` (true, before the noise, had they
    bought it), ``clickbait`` (attracts within its type and is poor).
    """
    page = front_page(world, seed)
    block, _ = next(whole_blocks(world, SLATES, SHOPPERS, seed))
    chosen = page.items - 1
    owned = np.zeros((len(block.length), len(world.durable)), bool)
    return pd.DataFrame(
        {
            Columns.ITEM: page.items,
            "click": attractiveness(world, page, block).mean(0),
            "utility": expected_utility(world, block.truth.taste, block.truth.budget, owned)[:, chosen].mean(0),
            "clickbait": products(world)["clickbait"].to_numpy()[chosen],
        }
    )


def correlation(frame: pd.DataFrame) -> float:
    """Pearson's of ``click`` and ``utility``; NaN where one of them does not vary."""
    found = float(frame["click"].corr(frame["utility"]))
    return found if math.isfinite(found) else math.nan
