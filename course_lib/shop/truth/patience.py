"""Shoppers who leave the shop of weeks.py for good: when purchases disappoint, and, later, when they cost too much.

At the end of each week, with u the utility of a purchase (satisfaction.py) without its price, and s what its price
takes away (at most 0), summed over the week's purchases of a shopper:

    disappointment D = sum of max(0, -u)
    P(leaves)        = 1 - e^-(leave D + sting B)
    burden         B = fades B + sum of -s             added after it is asked: a price hurts from the next week on

So a list of expensive or disappointing products sells today, and the shop pays for it in the weeks to come. The numbers
below are published: they are part of this shop, and a run may scale them (0: nobody ever leaves). Shoppers who have
left have no further occasion to buy. Where nobody leaves the weeks are those of weeks.py, bit for bit (a test says so).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.shop.truth.life import Life
from course_lib.shop.truth.satisfaction import quality
from course_lib.shop.world import World

LEAVE = 0.04  # chance to leave for each unit of disappointment, while it is small
STING = 0.1  # the same for each unit of burden
FADES = 0.8  # share of a burden that is left after a week
STREAM = 23  # random streams [seed, STREAM, week]
Numbers = NDArray[np.float64]


@dataclass
class Patience:
    """What shoppers remember of bad purchases, and who has left."""

    scale: float  # of LEAVE and STING
    left: NDArray[np.bool_]  # (N,)
    burden: Numbers  # (N,)
    utility: list[float] = field(default_factory=list)  # mean of each week's purchases, price included

    @classmethod
    def begin(cls, shoppers: int, scale: float = 1.0) -> Patience:
        """Nobody has left, and nobody bears a grudge."""
        return cls(scale, np.zeros(shoppers, bool), np.zeros(shoppers))

    def week(self, world: World, life: Life) -> None:
        """Ends a week that was lived: some leave, for whom ``life`` then has no further occasion."""
        users, without, price = week_utilities(world, life)
        self.utility.append(float((without + price).mean()) if len(users) else 0.0)
        disappointed = np.bincount(users, np.maximum(-without, 0.0), len(life))
        chance = 1 - np.exp(-self.scale * (LEAVE * disappointed + STING * self.burden))
        drawn = np.random.default_rng([life.seed, STREAM, life.week]).random(len(life))
        self.left |= drawn < chance
        self.burden = FADES * self.burden + np.bincount(users, -price, len(life))
        life.next_day[self.left] = np.inf


def week_utilities(world: World, life: Life) -> tuple[NDArray[np.int64], Numbers, Numbers]:
    """(P,) shopper, (P,) utility without price and noise, and (P,) what the price takes, of the last week's purchases.

    Raises ValueError if no week was lived.
    """
    if life.last is None:
        raise ValueError("no week has been lived yet; advance the life by one")
    numbers, goods = world.parameters.numbers["satisfaction"], world.catalogue
    bought = np.flatnonzero(life.last.bought >= 0)
    users, items = life.last.users[bought], life.last.bought[bought].astype(np.int64)
    taste = life.last.taste[bought].astype(np.float64)
    fit = numbers["base"] + numbers["taste"] * (goods.style[items] * taste).sum(1) / np.sqrt(taste.shape[1])
    again = _owned(world, life, users)
    over = np.maximum(goods.price_level[items].astype(np.float64) - life.budget[users], 0.0)
    utility = fit - numbers["duplicate"] * again + numbers["quality"] * quality(world)[items]
    return users, utility, -numbers["price"] * over


def _owned(world: World, life: Life, users: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(P,) whether each of the last week's purchases was a durable of a type that its shopper had, by shopper and time.

    The newest purchases of a history are the week's.
    """
    all_of_them = life.histories()
    types = world.catalogue.type[all_of_them.items - 1]
    owner = np.repeat(np.arange(len(life)), life.length)
    again = pd.DataFrame({"owner": owner, "type": types}).duplicated().to_numpy() & world.durable[types]
    count = np.bincount(users, minlength=len(life))
    ends = all_of_them.offsets[1:]
    newest = np.arange(len(owner)) >= (ends - count)[owner]
    found: NDArray[np.bool_] = again[newest]
    return found
