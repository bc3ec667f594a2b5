"""Coupon campaigns of the shop, drawn again and again, with the truth about each shopper.

    trial = CouponTrial.make(shop(), "diapers", shoppers=20_000, window_days=28)
    rows = rng.permutation(len(trial))[:12_000]
    drawn = trial.draw(rows, rng)                      # who got a coupon, who then bought
    trial.profit(rows, margin=0.5)                     # what a coupon to each of them truly brings, in yuan

The shop's own campaigns (data/shop/campaigns.toml) are one draw each; here the same coupons are drawn anew, of any
size, with any validity and any rule of who gets them. A shopper's chances without and with a coupon are those of
course_lib/shop/truth/coupons.py. A coupon that takes the share ``d`` off the price ``v``, of which ``m`` is margin,
changes what a shopper brings, before the cost of sending it, by

    v ((m - d) P(buy | coupon) - m P(buy | no coupon))

as whoever buys with a coupon takes the discount, whether or not it was needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories
from course_lib.shop.coupon_features import departments, features, follow_shares
from course_lib.shop.front_page import visitors
from course_lib.shop.parts import COUPONS, whole_blocks
from course_lib.shop.truth.coupons import CLASSES, block_outcomes, campaign_types
from course_lib.shop.world import World

CAMPAIGNS = ("detergent", "diapers", "headphones")  # each drawn by lot in "<name>_test"
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """One campaign among ``n`` shoppers."""

    treated: Flags  # (n,) whether the coupon was given
    bought: Flags  # (n,)
    propensity: Values  # (n,) chance that it was given


@dataclass(frozen=True)
class CouponTrial:
    """``N`` shoppers on the day of a coupon: what is known of them, and what is true."""

    features: Values  # (N, F), course_lib/shop/coupon_features.py
    histories: Histories
    aimed: Flags  # (N,) whether the shop's targeting rule aims at them
    without: Values  # (N,) P(buy | no coupon)
    with_: Values  # (N,) P(buy | coupon)
    luck: Values  # (N,) uniform: who buys in either case
    chance: float  # of a coupon, where it is given by lot
    price: float  # yuan, the mean of the type's products
    discount: float  # share of the price

    @classmethod
    def make(cls, world: World, campaign: str, shoppers: int, window_days: float | None = None) -> CouponTrial:
        """The shop's first ``shoppers``; ``window_days`` is how long the coupon is valid, as published where None."""
        if window_days is not None:
            world = replace(world, parameters=world.parameters.replaced("coupons.window_days", float(window_days)))
        names = [row["id"] for row in world.parameters.content["campaign"]]
        number = names.index(f"{campaign}_test")
        row, kind = world.parameters.content["campaign"][number], int(campaign_types(world)[number])
        found = [(block, block_outcomes(world, block, rng)) for block, rng in whole_blocks(world, COUPONS, shoppers)]
        followed = follow_shares(world, (block for block, _ in found))
        department = departments(world)
        parts: list[tuple[Any, ...]] = []
        for block, outcomes in found:
            recent = world.parameters["coupons.recent"]
            place = np.maximum(block.length[:, None] - 1 - np.arange(recent)[None], 0)
            types = world.catalogue.type[np.take_along_axis(block.items, place, axis=1)]
            aimed = (department[types] == department[kind]).any(1)
            parts.append(
                (
                    features(world, block, kind, followed), aimed, outcomes.chance_without[:, number],
                    outcomes.chance_with[:, number], outcomes.luck[:, number],
                )
            )  # fmt: skip
        known, aims, without, with_, luck = (np.concatenate(one)[:shoppers] for one in zip(*parts, strict=True))
        each = [visitors(block).histories for block, _ in found]
        starts = np.cumsum([0, *(one.offsets[-1] for one in each)])
        offsets = np.concatenate([[0], *(one.offsets[1:] + start for one, start in zip(each, starts, strict=False))])
        histories = Histories(np.concatenate([one.items for one in each]), offsets.astype(np.int64))
        price = world.catalogue.items[Columns.PRICE].to_numpy(np.float64)[world.catalogue.type == kind].mean()
        some = histories.take(np.arange(shoppers))
        chance, discount = float(row["chance"]), float(row["discount"])
        return cls(known, some, aims, without, with_, luck, chance, float(price), discount)

    def __len__(self) -> int:
        return len(self.without)

    @property
    def uplift(self) -> Values:
        """(N,) the true effect of a coupon on each shopper's chance."""
        return self.with_ - self.without

    @property
    def kinds(self) -> Ints:
        """(N,) index into CLASSES, by what each would do without and with a coupon."""
        found: Ints = (self.luck < self.with_) + 2 * (self.luck < self.without).astype(np.int64)
        return found

    def draw(self, rows: Ints, rng: np.random.Generator, propensity: Values | float | None = None) -> Drawn:
        """Another campaign among ``rows``: lots and luck are new. ``propensity`` is by lot unless given."""
        chance = np.broadcast_to(np.asarray(self.chance if propensity is None else propensity, np.float64), rows.shape)
        treated = rng.random(len(rows)) < chance
        bought = rng.random(len(rows)) < np.where(treated, self.with_[rows], self.without[rows])
        return Drawn(treated, bought, chance)

    def profit(self, rows: Ints, margin: float, cost: float = 0.0) -> Values:
        """(n,) yuan that a coupon to each of ``rows`` truly brings, beside what is earned without."""
        return brings(self.without[rows], self.with_[rows], self.price, self.discount, margin, cost)


def brings(without: Values, with_: Values, price: float, discount: float, margin: float, cost: float = 0.0) -> Values:
    """(n,) expected yuan that a coupon adds, by either chance of a purchase.

    >>> brings(np.array([0.0, 0.5]), np.array([0.5, 0.5]), 100.0, 0.2, 0.5).round(6).tolist()
    [15.0, -10.0]
    """
    found: Values = price * ((margin - discount) * with_ - margin * without) - cost
    return found


def kind_names() -> tuple[str, ...]:
    """The four kinds, as words that keys are made of."""
    return tuple(name.replace(" ", "_") for name in CLASSES)
