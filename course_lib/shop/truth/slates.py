"""The truth behind the slates: how attractive products are to each shopper, and what any policy is really worth.

    page = front_page(world)
    values(world, page.policies["personal"], 4000).mean()   # exact: expected clicks a slate
    run(world, page.policies["personal"], 4000).mean()      # the same by letting it happen
    best_values(world, 4000).mean()                         # no policy can be worth more

Clicks follow the position-based model (Richardson, Dominowska & Ragno, Predicting Clicks, WWW 2007):

    P(click on i at position j by u) = j^-attention * attractiveness(u, i)
    attractiveness(u, i) = sigmoid(attraction + need * log(1 + d(u, i)) + liking * l(u, i)) * (owned if u owns such)

d is how often the shopper's interest asks for the product's type, relative to an interest that asks for all alike; l is
the liking within the type. Clicks at different positions are independent, so that a policy pi is worth

    V(pi) = mean over u of  sum over j, i of  pi(i at j | u) * j^-attention * attractiveness(u, i)

and the best slate has the most attractive products in falling order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.shop.front_page import FrontPage, Policy, Visitors, front_page, visitors
from course_lib.shop.parts import SLATES, interest_types, liking, logistic, whole_blocks
from course_lib.shop.plackett_luce import Chances, Slates, draw_slates, position_chances
from course_lib.shop.simulate import Block
from course_lib.shop.truth.search import examination
from course_lib.shop.world import World

Ranker = Callable[[Visitors], Slates]  # (N, positions) columns of the page's products: one slate for each shopper
RUN = 2  # last number of the stream in which policies are run, so that they meet other luck than the log


def looked_at(world: World) -> Chances:
    """(positions,) chance that a position is looked at: j^-attention."""
    numbers = world.parameters.numbers["slates"]
    return examination(numbers["positions"], numbers["attention"])


def attractiveness(world: World, page: FrontPage, block: Block) -> Chances:
    """(N, n) chance that a shopper of the block clicks a product of the page, once looked at."""
    numbers = world.parameters.numbers["slates"]
    items = page.items - 1
    types = world.catalogue.type[items]
    last = block.truth.interest[np.arange(len(block.length)), block.length - 1]
    demand = interest_types(world).astype(np.float64)
    asked = np.log1p(demand / demand.mean(1, keepdims=True))[last][:, types]
    liked = liking(world, block.truth.taste, block.truth.budget)[:, items]
    chances = logistic(numbers["attraction"] + numbers["need"] * asked + numbers["liking"] * liked.astype(np.float64))
    chances[_owned(world, block)[:, types]] *= numbers["owned"]
    return chances


def _owned(world: World, block: Block) -> NDArray[np.bool_]:
    """(N, C) durable types that each shopper has bought."""
    owned = np.zeros((len(block.length), len(world.durable)), bool)
    used = np.arange(block.items.shape[1])[None] < block.length[:, None]
    shopper = np.nonzero(used)[0]
    owned[shopper, world.catalogue.type[block.items[used]]] = True
    return owned & world.durable


def values(world: World, policy: Policy, shoppers: int, seed: int | None = None) -> Chances:
    """(shoppers,) expected clicks a slate under slates drawn from ``policy``, exactly; their mean is its value."""

    def of_block(attractive: Chances, guests: Visitors) -> Chances:
        chances = position_chances(policy(guests), world.parameters["slates.positions"])
        clicks: Chances = (chances * attractive[:, None]).sum(2) @ looked_at(world)
        return clicks

    return _by_block(world, of_block, shoppers, seed)


def ranked_values(world: World, ranker: Ranker, shoppers: int, seed: int | None = None) -> Chances:
    """(shoppers,) expected clicks on the one slate that ``ranker`` shows to each, exactly."""

    def of_block(attractive: Chances, guests: Visitors) -> Chances:
        return np.take_along_axis(attractive, ranker(guests), 1) @ looked_at(world)

    return _by_block(world, of_block, shoppers, seed)


def best_values(world: World, shoppers: int, seed: int | None = None) -> Chances:
    """(shoppers,) expected clicks on each shopper's best slate."""

    def of_block(attractive: Chances, guests: Visitors) -> Chances:
        looked = looked_at(world)
        return -np.sort(-attractive, axis=1)[:, : len(looked)] @ looked

    return _by_block(world, of_block, shoppers, seed)


def run(
    world: World, policy: Policy, shoppers: int, slates: int = 1, seed: int | None = None, luck: int = 0
) -> NDArray[np.int64]:
    """(shoppers, slates) clicks on slates that are really drawn and shown; ``luck`` chooses other draws."""
    found = []
    page = front_page(world, seed)
    for number, (block, _) in enumerate(whole_blocks(world, SLATES, shoppers, seed)):
        rng = np.random.default_rng([world.parameters["seed"] if seed is None else seed, SLATES, number, RUN + luck])
        logits, attractive = policy(visitors(block)), attractiveness(world, page, block)
        clicks = np.empty((len(logits), slates), np.int64)
        for n in range(slates):
            shown = draw_slates(logits, world.parameters["slates.positions"], rng.random(logits.shape))
            clicks[:, n] = draw_clicks(world, attractive, shown, rng).sum(1)
        found.append(clicks)
    return np.concatenate(found)[:shoppers]


def draw_clicks(world: World, attractive: Chances, shown: Slates, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(N, positions) which products of ``shown`` (N, positions) are clicked, by ``attractive`` (N, n)."""
    clicked: NDArray[np.bool_] = rng.random(shown.shape) < np.take_along_axis(attractive, shown, 1) * looked_at(world)
    return clicked


def _by_block(
    world: World, of_block: Callable[[Chances, Visitors], Chances], shoppers: int, seed: int | None
) -> Chances:
    page = front_page(world, seed)
    parts = [
        of_block(attractiveness(world, page, block), visitors(block))
        for block, _ in whole_blocks(world, SLATES, shoppers, seed)
    ]
    return np.concatenate(parts)[:shoppers]
