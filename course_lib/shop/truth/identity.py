"""The truth behind the visits: who the visitor was, why they came, and what they considered before each purchase."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.shop.behaviour import INTENTS, Visits, visits
from course_lib.shop.parts import basket, labels
from course_lib.shop.world import World


def visitors(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """One row a visit. Columns: SESSION, ``visitor`` (the shopper's user id), ``intent`` (purchase, research, browse).

    A store purchase is one of the visits, known or not.
    """
    return pd.concat([_visitors(part) for part in visits(world, shoppers, seed)], ignore_index=True)


def considered(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """One row for each product considered before a purchase, in stores too, the bought one included.

    Columns: ``visitor``, BASKET as in the shop's events, ITEM, ``chance`` (the shopper's own probability of the product
    within its type, loyalty apart), ``chosen`` (whether it was bought). In the order of the purchases.
    """
    return pd.concat(considered_blocks(world, shoppers, seed), ignore_index=True)


def considered_blocks(world: World, shoppers: int, seed: int | None = None) -> Iterator[pd.DataFrame]:
    """The same, a block of shoppers at a time."""
    for part in visits(world, shoppers, seed):
        yield _considered(world, part)


def _visitors(part: Visits) -> pd.DataFrame:
    sessions = part.sessions
    kept = np.flatnonzero(sessions.shopper < part.wanted)
    return pd.DataFrame(
        {
            Columns.SESSION: sessions.id[kept],
            "visitor": (sessions.shopper[kept] + part.first).astype(np.int32),
            "intent": labels(sessions.intent[kept], INTENTS),
        }
    )


def _considered(world: World, part: Visits) -> pd.DataFrame:
    looks = part.looks
    shopper = part.sessions.shopper[looks.session]
    bought = (looks.bought >= 0) & (shopper < part.wanted)
    look, place = np.nonzero(looks.seen & bought[:, None])
    item = world.first_item[looks.type[look]] + place
    return pd.DataFrame(
        {
            "visitor": (shopper[look] + part.first).astype(np.int32),
            Columns.BASKET: basket(part.first, shopper[look], looks.number[look]),
            Columns.ITEM: (item + 1).astype(np.int32),
            "chance": looks.chance[look, place],
            "chosen": item == looks.bought[look],
        }
    )
