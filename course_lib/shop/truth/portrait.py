"""One shopper's truth, purchase by purchase: taste, price limit, interest and mission, and what would be bought next.

page = portrait(shop(), 0)      # user 0 of the shop
page.steps[-1].known            # (V,) the true chances of the product that was bought last
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_lib.shop import world as rules
from course_lib.shop.simulate import BLOCK, Block, Shoppers, simulate
from course_lib.shop.truth.next_product import Belief, block_chances, points_by_product, type_chances
from course_lib.shop.world import Floats, Memory, World

MOST = BLOCK  # shoppers that can be looked at: those of the shop's first block


@dataclass(frozen=True)
class Step:
    """The truth just before one purchase, and the purchase."""

    item: int  # item id that was bought
    day: float  # days since the shop's start
    interest: int  # index of the interest before it
    mission: int  # index of the mission before it, -1 before the first
    bought: tuple[bool, ...]  # for each type of that mission, in the order of its stages: bought before
    types: Floats  # (C,) true chance of each product type
    known: Floats  # (V,) true chance of each product; column i is item i + 1
    filtered: Floats  # (V,) the best guess that the history allows


@dataclass(frozen=True)
class Portrait:
    """What the simulator knows of one shopper and no model is told."""

    user: int
    taste: Floats  # (S,) each about N(0, 1)
    budget: float  # price limit in standard deviations of a type's log price; 0 is the average shopper
    steps: tuple[Step, ...]  # one a purchase, oldest first


def portrait(world: World, user: int, seed: int | None = None) -> Portrait:
    """The truth about ``user`` (0 to MOST - 1); ValueError for another. About 0.3 s."""
    if not 0 <= user < MOST:
        raise ValueError(f"user is {user}; it must lie between 0 and {MOST - 1}")
    block = _alone(next(simulate(world, MOST, seed)), user)
    length = int(block.length[0])
    chances = block_chances(world, block, points_by_product(world), range(length, 0, -1))
    steps = []
    memory = Memory.empty(1, world)
    row = np.zeros(1, np.int64)
    for t in range(length):
        days = block.days[:, t]
        now = rules.moment(memory, days, world)
        interest, mission = block.truth.interest[:, t], block.truth.mission[:, t]
        state = Belief.certain(interest.astype(np.int64), mission.astype(np.int64), world)
        slots = mission_types(world, int(mission[0]))
        steps.append(
            Step(
                int(block.items[0, t]) + 1,
                float(days[0]),
                int(interest[0]),
                int(mission[0]),
                tuple(bool(memory.last_item[0, kind] >= 0) for _, kind in slots),
                type_chances(state, now, rules.slot_chances(now), world)[0],
                chances[t].known[0],
                chances[t].filtered[0],
            )
        )
        memory.remember(row, block.items[:, t], days, world)
    return Portrait(user, block.truth.taste[0], float(block.truth.budget[0]), tuple(steps))


def mission_types(world: World, mission: int) -> list[tuple[int, int]]:
    """(stage, index of the product type) of each type of a mission, in order; none for -1."""
    if mission < 0:
        return []
    pairs = zip(world.slot_stage[mission].tolist(), world.slot_type[mission].tolist(), strict=True)
    return [(stage, kind) for stage, kind in pairs if kind < len(world.durable)]


def _alone(block: Block, row: int) -> Block:
    """One shopper of a block, unused columns cut off."""
    one, length = slice(row, row + 1), int(block.length[row])
    truth = block.truth
    return Block(
        block.first + row,
        block.length[one],
        block.items[one, :length],
        block.days[one, :length],
        Shoppers(truth.taste[one], truth.budget[one], truth.interest[one, :length], truth.mission[one, :length]),
    )
