"""What the shop hears of its shoppers' satisfaction: some ratings, some returns, and silence from most.

After a purchase of utility u (truth/satisfaction.py), with u+ = max(u, 0) and u- = max(-u, 0):

    P(rates)       = logistic(rating + praise * u+ + complaint * u-)
    stars          = 1 + how many of star_cuts lie below u + star_noise * normal
    P(sends back)  = logistic(return + regret * (u- - u+))

The very happy and the very unhappy answer more, so ratings are J-shaped (Hu, Zhang & Pavlou, Overcoming the J-shaped
distribution of product reviews, CACM 2009), and their mean is not that of all purchases.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.parts import SATISFACTION, basket, labels, logistic, whole_blocks
from course_lib.shop.simulate import DAY, Block
from course_lib.shop.truth.satisfaction import block_experience
from course_lib.shop.world import World

EVENTS = ("rating", "return")


def feedback_blocks(world: World, shoppers: int, seed: int | None = None) -> Iterator[pd.DataFrame]:
    """Ratings and returns of ``shoppers``, a block at a time, by time.

    Columns: TIME, EVENT (rating or return), USER, ITEM, BASKET (the purchase's, as in the shop's events), STARS (1..5;
    0 for a return). A purchase has at most one of each.
    """
    for block, rng in whole_blocks(world, SATISFACTION, shoppers, seed):
        frame = _block_feedback(world, block, rng)
        yield frame[frame[Columns.USER] < shoppers].reset_index(drop=True)


def feedback_frame(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """All ratings and returns, by time."""
    everything = pd.concat(feedback_blocks(world, shoppers, seed), ignore_index=True)
    return everything.sort_values([Columns.TIME, Columns.BASKET], kind="stable", ignore_index=True)


def answer_chances(world: World, utility: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(P,) chances that a purchase of ``utility`` (P,) is rated, and that it is sent back."""
    numbers = world.parameters.numbers["satisfaction"]
    glad, sorry = np.maximum(utility, 0.0), np.maximum(-utility, 0.0)
    rates = logistic(numbers["rating"] + numbers["praise"] * glad + numbers["complaint"] * sorry)
    return rates, logistic(numbers["return"] + numbers["regret"] * (sorry - glad))


def _block_feedback(world: World, block: Block, rng: np.random.Generator) -> pd.DataFrame:
    """One block, by time."""
    numbers = world.parameters.numbers["satisfaction"]
    bought = block_experience(world, block, rng)
    utility, P = bought.utility, len(bought.item)
    rates, returns = answer_chances(world, utility)
    felt = utility + numbers["star_noise"] * rng.standard_normal(P)
    stars = 1 + (felt[:, None] > np.array(numbers["star_cuts"])[None]).sum(1)
    rated, returned = np.flatnonzero(rng.random(P) < rates), np.flatnonzero(rng.random(P) < returns)
    waits = rng.exponential([[numbers["rating_days"]], [numbers["return_days"]]], (2, P))
    rows = np.concatenate([rated, returned])
    kind = np.repeat([0, 1], [len(rated), len(returned)])
    days = block.days[bought.shopper[rows], bought.number[rows]] + waits[kind, rows]
    start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
    frame = pd.DataFrame(
        {
            Columns.TIME: start + np.ceil(days * DAY).astype(np.int64),
            Columns.EVENT: labels(kind, EVENTS),
            Columns.USER: (bought.shopper[rows] + block.first).astype(np.int32),
            Columns.ITEM: (bought.item[rows] + 1).astype(np.int32),
            Columns.BASKET: basket(block.first, bought.shopper[rows], bought.number[rows]),
            Columns.STARS: np.where(kind == 0, stars[rows], 0).astype(np.int8),
        }
    )
    return frame.sort_values([Columns.TIME, Columns.BASKET], kind="stable", ignore_index=True)
