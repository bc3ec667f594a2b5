"""What the parts of the shop's world share: each draws beside the purchases, from a random stream of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.shop import simulate as simulator
from course_lib.shop import world as rules
from course_lib.shop.simulate import Block
from course_lib.shop.world import Floats, Ints, World

SEARCH, SLATES, BEHAVIOUR, COUPONS, SATISFACTION = 10, 11, 12, 13, 14  # second number of each part's random streams


def whole_blocks(
    world: World, part: int, shoppers: int, seed: int | None = None
) -> Iterator[tuple[Block, np.random.Generator]]:
    """Blocks that together hold at least ``shoppers``, each with the random stream of ``part``.

    The last block is whole, even if fewer are asked for: what is drawn for a shopper must not depend on the number of
    shoppers. Whoever uses it leaves out what lies beyond.
    """
    seed = world.parameters["seed"] if seed is None else seed
    for number, block in enumerate(shared_blocks(world, shoppers, seed)):
        yield block, np.random.default_rng([seed, part, number])


def shared_blocks(world: World, shoppers: int, seed: int | None = None) -> Iterator[Block]:
    """Whole blocks of simulate() that together hold at least ``shoppers``.

    Whoever goes through them side by side, as a shop's parts do when they are written, has each made once.
    """
    seed = world.parameters["seed"] if seed is None else seed
    for number in range(-(-shoppers // simulator.BLOCK)):
        yield _block(world, seed, number)


_latest: tuple[World, tuple[int, int, int], Block] | None = None


def _block(world: World, seed: int, number: int) -> Block:
    """One block, and the latest is kept: a few megabytes, which nobody changes."""
    global _latest
    size = simulator.BLOCK
    kept, key = _latest, (seed, number, size)
    if kept is not None and kept[0] is world and kept[1] == key:
        return kept[2]
    block = simulator.simulate_block(world, number * size, np.random.default_rng([seed, 2, number]))
    _latest = (world, key, block)
    return block


def catalogue_stream(world: World, part: int) -> np.random.Generator:
    """The random stream for what ``part`` adds to the products, none of the blocks' own."""
    # A seed of two numbers would be that of block 0: NumPy fills up with zeros.
    return np.random.default_rng([world.parameters["seed"], part, 0, 1])


def flat(block: Block) -> tuple[Ints, Ints]:
    """(P,) shopper within the block and (P,) number within the history, of each purchase, in user and time order."""
    used = np.arange(block.items.shape[1])[None] < block.length[:, None]
    shopper, number = np.nonzero(used)
    return shopper, number


def basket(first: int, shopper: Ints, number: Ints) -> Ints:
    """(P,) the basket ids that :meth:`Block.frame` gives purchases of a block whose first shopper is ``first``."""
    return (shopper + first) * 1000 + number


def logistic(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of log odds."""
    chances: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-odds))
    return chances


def interest_types(world: World) -> Floats:
    """(K, C) distribution of an interest's types: a mission by its weight, then any of its types."""
    member = (world.stage_of >= 0).astype(np.float32).T  # (M, C)
    weights = world.interest_missions @ (member / member.sum(1, keepdims=True))
    chances: Floats = weights / weights.sum(1, keepdims=True)
    return chances


def liking(world: World, taste: Floats, budget: Floats) -> Floats:
    """(N, V) how much more a shopper likes a product than its type's mean: ``world.item_logits``, centred by type."""
    logits = rules.item_logits(taste, budget, world)
    mean = np.add.reduceat(logits, world.first_item[:-1], axis=1) / np.diff(world.first_item)
    centred: Floats = logits - mean[:, world.catalogue.type].astype(np.float32)
    return centred


def labels(codes: NDArray[np.integer], names: Sequence[str]) -> pd.Categorical[str]:
    """A column of ``names[code]``, in which every name is a category, whether it occurs or not."""
    return pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(names))
