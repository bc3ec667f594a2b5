"""What the shop showed on its front page, to whom, by which policy with which chance, and what was clicked.

    page = front_page(world)                 # the products and the policies
    for log in slate_logs(world, 4000):      # SLATE_COLUMNS, a block of shoppers at a time
        ...

Each shopper comes back a few times after the last purchase. Each time one of the three policies is drawn, all alike,
and shows a slate drawn from it by Plackett-Luce without replacement (plackett_luce.py). Two chances are logged, both
exact: PROPENSITY, that the product stands at this position under the policy of the row, and SLATE_PROPENSITY, that the
whole slate is drawn in this order. There are three positions, as in the Open Bandit data (Saito et al., 2021), because
the first is then a sum over pairs of products. Clicks: truth/slates.py.

The value of a policy pi, its expected clicks a slate, is estimated from the log alone by inverse propensity
(Horvitz & Thompson 1952), without bias because a click depends on its own product and position only:

    V(pi) ~ mean over slates of  sum over positions j of  click_j * pi(i_j at j | u) / PROPENSITY_j
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.shop.front_page import FrontPage, front_page, visitors
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.plackett_luce import draw_slates, position_chances, slate_chances
from course_lib.shop.simulate import DAY, Block
from course_lib.shop.truth.slates import attractiveness, draw_clicks
from course_lib.shop.world import World

SLATE_COLUMNS = (
    Columns.SLATE, Columns.USER, Columns.TIME, Columns.POLICY, Columns.POSITION, Columns.ITEM, Columns.PROPENSITY,
    Columns.SLATE_PROPENSITY, Columns.CLICK,
)  # fmt: skip


def slate_logs(world: World, shoppers: int, seed: int | None = None) -> Iterator[pd.DataFrame]:
    """What was shown to ``shoppers``, a row a product, by shopper, time and position; block by block."""
    page = front_page(world, seed)
    for block, rng in whole_blocks(world, SLATES, shoppers, seed):
        frame = _block_log(world, page, block, rng)
        yield frame[frame[Columns.USER] < shoppers]


def slate_log(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """All of it at once."""
    return pd.concat(slate_logs(world, shoppers, seed), ignore_index=True)


def _block_log(world: World, page: FrontPage, block: Block, rng: np.random.Generator) -> pd.DataFrame:
    """One block: when shoppers come, which policy each visit gets, its slate with both chances, the clicks."""
    numbers = world.parameters.numbers["slates"]
    N, n, T, K = len(block.length), len(page.items), numbers["visits"], numbers["positions"]
    last = block.days[np.arange(N), block.length - 1].astype(np.float64)
    days = last[:, None] + np.cumsum(rng.exponential(numbers["gap_days"], (N, T)), axis=1)
    chosen = rng.integers(len(page.policies), size=(N, T))
    attractive = attractiveness(world, page, block)
    guests = visitors(block)
    shown = np.empty((N, T, K), np.int64)
    at_position, whole = np.empty((N, T, K)), np.empty((N, T))
    for number, policy in enumerate(page.policies.values()):
        logits = policy(guests)
        chances = position_chances(logits, K)  # (N, K, n)
        for visit in range(T):
            uniform = rng.random((N, n))
            rows = np.flatnonzero(chosen[:, visit] == number)
            drawn = draw_slates(logits[rows], K, uniform[rows])
            shown[rows, visit] = drawn
            at_position[rows, visit] = chances[rows[:, None], np.arange(K), drawn]
            whole[rows, visit] = slate_chances(logits[rows], drawn)
    clicked = np.stack([draw_clicks(world, attractive, shown[:, visit], rng) for visit in range(T)], axis=1)

    users = np.repeat(np.arange(N) + block.first, T * K)
    start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
    columns = (
        users * 1000 + np.tile(np.repeat(np.arange(T), K), N),
        users.astype(np.int32),
        np.repeat((start + np.round(days * DAY).astype(np.int64)).ravel(), K),
        np.repeat(np.array(list(page.policies))[chosen].ravel(), K),
        np.tile(np.arange(1, K + 1, dtype=np.int16), N * T),
        page.items[shown].ravel(),
        at_position.ravel(),
        np.repeat(whole.ravel(), K),
        clicked.ravel(),
    )
    return pd.DataFrame(dict(zip(SLATE_COLUMNS, columns, strict=True)))
