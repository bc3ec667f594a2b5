"""The true effect of a coupon on each shopper, and the best that any targeting could do.

A campaign offers a coupon for one product type, ``delay_days`` after a shopper's last recorded purchase, valid for
``window_days``. Without it a shopper buys a product of that type in the window with probability

    P0 = 1 - exp(-purchases * need)
    purchases   window_days / mean days between the shopper's purchases so far
    need        chance that the next purchase is of that type, in the middle of the window: the shop's rules, from the
                shopper's true state

and with it with P1, which differs in log odds:

    logit P1 = logit P0 + effect * (discount / 0.2) * tanh(willing - thrift * price limit + spread * normal)

Coupons draw the thrifty, and put off those whose price limit is high. Both outcomes come from one uniform number u
per shopper and campaign (common random numbers): bought without = u < P0, with = u < P1. They make the four classes of
Radcliffe & Surry (Differential response analysis, 1999; see Gutierrez & Gerardy, Causal Inference and Uplift Modelling,
2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop import world as rules
from course_lib.shop.parts import COUPONS, labels, logistic, whole_blocks
from course_lib.shop.simulate import Block
from course_lib.shop.truth.next_product import Belief, type_chances
from course_lib.shop.world import Ints, Memory, World

CLASSES = ("lost cause", "persuadable", "sleeping dog", "sure thing")  # index: bought with + 2 * bought without
Chances = NDArray[np.float64]


@dataclass(frozen=True)
class Outcomes:
    """What each of ``N`` shoppers would do in each of ``K`` campaigns."""

    chance_without: Chances  # (N, K) P(buy | no coupon)
    chance_with: Chances  # (N, K) P(buy | coupon)
    luck: Chances  # (N, K) uniform, common to both

    @property
    def bought_without(self) -> NDArray[np.bool_]:
        """(N, K)"""
        return self.luck < self.chance_without

    @property
    def bought_with(self) -> NDArray[np.bool_]:
        """(N, K)"""
        return self.luck < self.chance_with


def campaign_types(world: World) -> Ints:
    """(K,) index of each campaign's product type."""
    names = [row["id"] for row in world.parameters.content["type"]]
    return np.array([names.index(row["type"]) for row in world.parameters.content["campaign"]])


def block_outcomes(world: World, block: Block, rng: np.random.Generator) -> Outcomes:
    """Both outcomes of every shopper of a block; takes the first draws of the block's coupon stream."""
    numbers, campaigns = world.parameters.numbers["coupons"], world.parameters.content["campaign"]
    moody = rng.standard_normal(len(block.length))
    luck = rng.random((len(block.length), len(campaigns)))
    last = block.days[np.arange(len(block.length)), block.length - 1]
    pace = np.maximum(last - block.days[:, 0], 1.0) / (block.length - 1)  # days; six purchases at least
    without = -np.expm1(-numbers["window_days"] / pace[:, None] * need(world, block))
    odds = np.log(np.maximum(without, 1e-12)) - np.log1p(-np.minimum(without, 1 - 1e-12))
    strength = numbers["effect"] * np.array([row["discount"] for row in campaigns]) / 0.2
    liking = np.tanh(numbers["willing"] - numbers["thrift"] * block.truth.budget + numbers["spread"] * moody)
    return Outcomes(without, logistic(odds + strength * liking[:, None]), luck)


def need(world: World, block: Block) -> Chances:
    """(N, K) chance that the purchase after the recorded ones is of each campaign's type, in mid-window."""
    numbers, N = world.parameters.numbers["coupons"], len(block.length)
    memory, state = Memory.empty(N, world), Belief.prior(N, world)
    for t in range(block.items.shape[1]):
        rows = np.flatnonzero(block.length > t)
        ends = rows[block.length[rows] == t + 1]
        if len(ends):  # interest and mission are recorded before the last purchase; Bayes' rule leads over it
            now = rules.moment(memory.take(ends), block.days[ends, t], world)
            before = Belief.certain(block.truth.interest[ends, t], block.truth.mission[ends, t], world)
            types = world.catalogue.type[block.items[ends, t]]
            state.put(ends, before.updated(types, now, rules.slot_chances(now), world))
        memory.remember(rows, block.items[rows, t], block.days[rows, t], world)
    last = block.days[np.arange(N), block.length - 1]
    now = rules.moment(memory, last + np.float32(numbers["delay_days"] + numbers["window_days"] / 2), world)
    chances = type_chances(state, now, rules.slot_chances(now), world)
    return chances[:, campaign_types(world)].astype(np.float64)


def true_effects(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """One row for each shopper and campaign, in the order of :func:`course_lib.shop.coupons.coupon_frame`.

    Columns: USER, CAMPAIGN, ``chance_without``, ``chance_with``, ``uplift`` (their difference), ``bought_without``,
    ``bought_with``, ``shopper_class`` (one of CLASSES, from these two outcomes).
    """
    parts = []
    names = [row["id"] for row in world.parameters.content["campaign"]]
    for block, rng in whole_blocks(world, COUPONS, shoppers, seed):
        found = block_outcomes(world, block, rng)
        users = np.arange(block.first, min(block.first + len(block.length), shoppers), dtype=np.int32)
        rows = slice(0, len(users))
        with_, without = found.bought_with[rows].ravel(), found.bought_without[rows].ravel()
        chance, chance_without = found.chance_with[rows].ravel(), found.chance_without[rows].ravel()
        parts.append(
            pd.DataFrame(
                {
                    Columns.USER: np.repeat(users, len(names)),
                    Columns.CAMPAIGN: labels(np.tile(np.arange(len(names)), len(users)), names),
                    "chance_without": chance_without,
                    "chance_with": chance,
                    "uplift": chance - chance_without,
                    "bought_without": without,
                    "bought_with": with_,
                    "shopper_class": labels(with_ + 2 * without, CLASSES),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def gain_curve(uplift: Chances, score: Chances) -> Chances:
    """(n + 1,) expected extra buyers if the coupon goes to the 0, 1, .. n shoppers of highest ``score`` (n,).

    ``uplift`` (n,) is the true one of each. Equal scores share their places evenly, as if drawn by lot.
    """
    order = np.argsort(-score, kind="stable")
    _, group, size = np.unique(-score[order], return_inverse=True, return_counts=True)
    mean = np.bincount(group, uplift[order]) / size
    gains: Chances = np.concatenate([[0.0], np.cumsum(mean[group])])
    return gains


def best_curve(uplift: Chances) -> Chances:
    """The highest gain curve there is: by the true uplift itself. Its peak is where the sleeping dogs begin."""
    return gain_curve(uplift, uplift)


def qini(uplift: Chances, score: Chances) -> float:
    """Qini coefficient of a score against the truth: mean height of its gain curve above the line of random targeting.

    In extra buyers per shopper, averaged over all shares that could be targeted (Radcliffe, Using Control Groups to
    Target on Predicted Lift, 2007). ``qini(uplift, uplift)`` is the best possible, 0 is random.
    """
    gains, n = gain_curve(uplift, score), len(uplift)
    chance = gains[-1] * np.arange(n + 1) / n
    return float(np.trapezoid(gains - chance, dx=1 / n) / n)


def policy_value(chance_without: Chances, chance_with: Chances, treated: NDArray[np.bool_]) -> float:
    """Expected buyers per shopper if exactly the ``treated`` (n,) get a coupon."""
    return float(np.where(treated, chance_with, chance_without).mean())
