"""What shoppers truly got out of their purchases: utility, which no click and no purchase shows.

    utility = base + taste * (style . taste) / sqrt(dimensions)   how well it suits them
            - price * max(0, price level - limit)                 what it cost beyond what they like to spend
            - duplicate, if it is a durable of a type they own    a need already met
            + quality * product quality + noise * normal

Quality is hidden until the product is used, and uncorrelated with the appeal that makes products attractive, within
each type exactly. So some products attract and disappoint: clickbait. Ratings and returns tell a part of it, from those
who answer: :mod:`course_lib.shop.satisfaction`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop.parts import SATISFACTION, basket, catalogue_stream, flat, whole_blocks
from course_lib.shop.simulate import Block
from course_lib.shop.world import Floats, Ints, World

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Experience:
    """The ``P`` purchases of a block in user and time order, and the parts whose sum is their utility."""

    shopper: Ints  # (P,) within the block
    number: Ints  # (P,) within the history
    item: Ints  # (P,) 0-based
    fit: Numbers  # (P,) and so on: base and taste
    price: Numbers  # at most 0
    need: Numbers  # 0, or minus ``duplicate``
    quality: Numbers
    noise: Numbers

    @property
    def utility(self) -> Numbers:
        """(P,)"""
        return self.fit + self.price + self.need + self.quality + self.noise


def quality(world: World) -> Numbers:
    """(V,) quality of each product: mean 0, variance 1 and no correlation with appeal, within each type."""
    drawn = catalogue_stream(world, SATISFACTION).standard_normal(len(world.catalogue.type))
    found = np.empty(len(drawn))
    for start, stop in zip(world.first_item[:-1], world.first_item[1:], strict=True):
        own, appeal = drawn[start:stop], world.catalogue.appeal[start:stop].astype(np.float64)
        appeal, own = appeal - appeal.mean(), own - own.mean()
        own = own - appeal * (own @ appeal) / max(float(appeal @ appeal), 1e-12)
        found[start:stop] = own / own.std()
    return found


def products(world: World) -> pd.DataFrame:
    """One row a product: ITEM, ``appeal`` (log weight within its type), ``quality``, ``clickbait``.

    Clickbait is among the third of its type with the highest appeal, and among the third with the lowest quality.
    """
    frame = pd.DataFrame(
        {
            Columns.ITEM: world.catalogue.items[Columns.ITEM],
            "appeal": world.catalogue.appeal.astype(np.float64),
            "quality": quality(world),
        }
    )
    ranks = frame.groupby(world.catalogue.type)[["appeal", "quality"]].rank(pct=True)
    frame["clickbait"] = (ranks["appeal"] > 2 / 3) & (ranks["quality"] <= 1 / 3)
    return frame


def expected_utility(world: World, taste: Floats, budget: Floats, owned: NDArray[np.bool_]) -> Numbers:
    """(N, V) utility, before the noise, that each product would have for each shopper.

    ``taste`` (N, S), ``budget`` (N,) price limit, ``owned`` (N, C) types bought before. What a recommender of true
    satisfaction would rank by.
    """
    numbers, goods = world.parameters.numbers["satisfaction"], world.catalogue
    fit = numbers["base"] + numbers["taste"] * (taste @ goods.style.T) / np.sqrt(taste.shape[1])
    over = np.maximum(goods.price_level[None] - budget[:, None], 0.0)
    again = (owned & world.durable[None])[:, goods.type]
    found: Numbers = (
        fit - numbers["price"] * over - numbers["duplicate"] * again + numbers["quality"] * quality(world)[None]
    )
    return found


def block_experience(world: World, block: Block, rng: np.random.Generator) -> Experience:
    """All purchases of a block; takes the first draws of the block's satisfaction stream."""
    numbers, goods = world.parameters.numbers["satisfaction"], world.catalogue
    shopper, number = flat(block)
    item = block.items[shopper, number].astype(np.int64)
    types = goods.type[item]
    taste = block.truth.taste[shopper].astype(np.float64)
    over = np.maximum(goods.price_level[item].astype(np.float64) - block.truth.budget[shopper], 0.0)
    owned = pd.DataFrame({"shopper": shopper, "type": types}).duplicated().to_numpy() & world.durable[types]
    return Experience(
        shopper,
        number,
        item,
        fit=numbers["base"] + numbers["taste"] * (goods.style[item] * taste).sum(1) / np.sqrt(taste.shape[1]),
        price=-numbers["price"] * over,
        need=np.where(owned, -numbers["duplicate"], 0.0),
        quality=numbers["quality"] * quality(world)[item],
        noise=numbers["noise"] * rng.standard_normal(len(item)),
    )


def utility_blocks(world: World, shoppers: int, seed: int | None = None) -> Iterator[pd.DataFrame]:
    """The frame of :func:`utilities`, a block of shoppers at a time."""
    for block, rng in whole_blocks(world, SATISFACTION, shoppers, seed):
        found = block_experience(world, block, rng)
        frame = pd.DataFrame(
            {
                Columns.USER: (found.shopper + block.first).astype(np.int32),
                Columns.ITEM: (found.item + 1).astype(np.int32),
                Columns.BASKET: basket(block.first, found.shopper, found.number),
                "utility": found.utility,
                "fit": found.fit,
                "price_loss": found.price,
                "need": found.need,
                "quality": found.quality,
                "noise": found.noise,
            }
        )
        yield frame[frame[Columns.USER] < shoppers]


def utilities(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """One row a purchase, in the order of the shop's events.

    Columns: USER, ITEM, BASKET, ``utility`` and the parts that make it up: ``fit``, ``price_loss``, ``need``,
    ``quality``, ``noise``.
    """
    return pd.concat(utility_blocks(world, shoppers, seed), ignore_index=True)
