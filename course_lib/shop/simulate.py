"""Shoppers living in the shop: events drawn from the rules in world.py, in independent blocks of shoppers.

Each block has its own random stream, so a million shoppers can be written to disk with the memory of one block, and
the first shoppers of a large shop are those of a small one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import EVENT_COLUMNS
from course_lib.shop import world as rules
from course_lib.shop.world import Floats, Ints, Memory, World

BLOCK = 2000  # shoppers
DAY = 86_400


@dataclass(frozen=True)
class Shoppers:
    """The truth about ``N`` shoppers: fixed traits, and the state before each event. Models never see it."""

    taste: Floats  # (N, S)
    budget: Floats  # (N,) highest comfortable price, in standard deviations of a type's log price
    interest: NDArray[np.int16]  # (N, T) interest before event t
    mission: NDArray[np.int16]  # (N, T) mission before event t, -1 before the first


@dataclass(frozen=True)
class Block:
    """Events of shoppers ``first`` .. ``first + N - 1``. Column ``t`` is event ``t``, unused beyond ``length``."""

    first: int
    length: Ints  # (N,)
    items: NDArray[np.int32]  # (N, T) 0-based
    days: Floats  # (N, T) days since the shop's start
    truth: Shoppers

    def frame(self, world: World) -> pd.DataFrame:
        """The block's events as a frame of EVENT_COLUMNS."""
        used = np.arange(self.items.shape[1])[None] < self.length[:, None]
        users = np.repeat(np.arange(len(self.length), dtype=np.int64) + self.first, self.length)
        start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
        columns = (
            users.astype(np.int32),
            self.items[used] + np.int32(1),
            start + np.round(self.days[used].astype(np.float64) * DAY).astype(np.int64),
            users * 1000 + np.nonzero(used)[1],  # each purchase is an order of its own: the shop's order is real
        )
        return pd.DataFrame(dict(zip(EVENT_COLUMNS, columns, strict=True)))


def simulate(world: World, shoppers: int, seed: int | None = None) -> Iterator[Block]:
    """Blocks of at most BLOCK shoppers each; ``seed`` defaults to the shop's own."""
    seed = world.parameters["seed"] if seed is None else seed
    for number, first in enumerate(range(0, shoppers, BLOCK)):
        block = simulate_block(world, first, np.random.default_rng([seed, 2, number]))
        yield block if first + BLOCK <= shoppers else _head(block, shoppers - first)


def events_frame(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """All events as one frame, in user and time order."""
    return pd.concat([block.frame(world) for block in simulate(world, shoppers, seed)], ignore_index=True)


def simulate_block(world: World, first: int, rng: np.random.Generator) -> Block:
    """BLOCK shoppers, all events. One pass over time, vectorised over shoppers."""
    taste, budget, interest, length, gap = draw_traits(world, first, rng)
    days = _calendar(world, rng, gap, int(world.parameters["shopper.events_maximum"]))

    N = BLOCK
    T = int(length.max())
    items = np.zeros((N, T), np.int32)
    interests, missions = np.zeros((N, T), np.int16), np.full((N, T), -1, np.int16)
    mission = np.full(N, -1)
    memory = Memory.empty(N, world)
    chances = rules.within_type(rules.item_logits(taste, budget, world), world)  # (N, V)
    cumulative = np.cumsum(chances, axis=1, dtype=np.float32)
    for t in range(T):
        rows = np.flatnonzero(length > t)
        interests[rows, t], missions[rows, t] = interest[rows], mission[rows]
        now = days[rows, t]
        past = memory.take(rows)
        types, interest[rows], mission[rows] = _draw_types(world, rng, past, now, interest[rows], mission[rows])
        bought = _draw_items(world, rng, cumulative, rows, types, past)
        items[rows, t] = bought
        memory.remember(rows, bought, now, world)
    return Block(first, length, items, days[:, :T], Shoppers(taste, budget, interests, missions))


def draw_traits(world: World, first: int, rng: np.random.Generator) -> tuple[Floats, Floats, Ints, Ints, Any]:
    """Who BLOCK shoppers are, before their first event.

    taste (N, S), price limit (N,), interest (N,), number of events (N,), mean days between visits (N,).
    """
    traits = world.parameters.numbers["shopper"]
    N, S = BLOCK, world.catalogue.style.shape[1]
    taste = rng.standard_normal((N, S)).astype(np.float32)
    budget = rng.standard_normal(N).astype(np.float32)
    interest = rng.choice(len(world.interest_share), size=N, p=_normalised(world.interest_share))
    spare = (traits["events_mean"] - traits["events_minimum"]) / traits["events_shape"]
    length = traits["events_minimum"] + rng.poisson(rng.gamma(traits["events_shape"], spare, N))
    length = np.minimum(length, traits["events_maximum"]).astype(np.int64)
    if first == 0:
        _place_personas(world, taste, budget, interest, length)
    gap = traits["gap_days"] * np.exp(traits["gap_spread"] * rng.standard_normal(N))
    return taste, budget, interest, length, gap


def _draw_types(
    world: World, rng: np.random.Generator, memory: Memory, days: Floats, interest: Ints, mission: Ints
) -> tuple[Ints, Ints, Ints]:
    """One event's product type for each shopper, and the interest and mission after it."""
    n, all_rows = len(days), np.arange(len(days))
    need = world.parameters.numbers["need"]
    now = rules.moment(memory, days, world)
    impulse = rng.random(n) < need["impulse"]
    refill = ~impulse & (rng.random(n) < now.refill_chance)
    going = ~impulse & ~refill
    stay = np.where(mission >= 0, rules.stay_chance(now, world)[all_rows, mission], 0.0)
    leave = going & (rng.random(n) >= stay)
    drift = leave & (rng.random(n) >= rules.keep_interest(now, world)[all_rows, interest])
    interest = np.where(drift, rng.choice(len(world.interest_share), n, p=_normalised(world.interest_share)), interest)
    chosen = draw(rng, world.interest_missions[interest] * rules.mission_appeal(now, world))
    mission = np.where(leave, chosen, mission)

    weights = world.demand[now.month]  # impulse
    weights = np.where(refill[:, None], now.refill_types, weights)
    types = draw(rng, weights)
    current = np.maximum(mission, 0)
    slot = draw(rng, now.slots[all_rows, current])
    types = np.where(going, world.slot_type[current, slot], types)
    return types, interest, mission


def _draw_items(
    world: World, rng: np.random.Generator, cumulative: Floats, rows: Ints, types: Ints, memory: Memory
) -> NDArray[np.int32]:
    """A product of each type by taste and price, or the same consumable as last time."""
    start, stop = world.first_item[types], world.first_item[types + 1]
    base = np.where(start > 0, cumulative[rows, start - 1], np.float32(0))
    span = cumulative[rows, stop - 1] - base
    threshold = base + rng.random(len(rows)).astype(np.float32) * span
    width = int((world.first_item[1:] - world.first_item[:-1]).max())
    window = np.minimum(start[:, None] + np.arange(width)[None], (stop - 1)[:, None])  # (n, width)
    chosen = start + (cumulative[rows[:, None], window] <= threshold[:, None]).sum(1)
    chosen = np.minimum(chosen, stop - 1)
    before = memory.last_item[np.arange(len(rows)), types]
    loyal = (before >= 0) & ~world.durable[types] & (rng.random(len(rows)) < world.parameters["choice.loyalty"])
    return np.where(loyal, before, chosen).astype(np.int32)


def draw(rng: np.random.Generator, weights: Any) -> Ints:
    """(n,) index drawn from each row of ``weights`` (n, w), which need not sum to one."""
    return pick(weights, rng.random(len(weights)))


def pick(weights: Any, uniform: NDArray[np.float64]) -> Ints:
    """As :func:`draw`, by given random numbers (n,) in 0..1."""
    cumulative = np.cumsum(weights, axis=1)
    threshold = uniform * cumulative[:, -1]
    picked: Ints = np.minimum((cumulative <= threshold[:, None]).sum(1), weights.shape[1] - 1)
    return picked


def _calendar(world: World, rng: np.random.Generator, gap: Any, events: int) -> Floats:
    """(N, T) day of each event: a visit now and then, several purchases of one visit minutes apart."""
    wait = draw_waits(world, rng, gap, events)
    wait[:, 0] = rng.random(len(gap)) * world.parameters["shopper.start_days"]
    days: Floats = np.cumsum(wait, axis=1).astype(np.float32)
    return days


def draw_waits(world: World, rng: np.random.Generator, gap: Any, events: int) -> NDArray[np.float64]:
    """(N, T) days from each event to the next: minutes in the same visit, else until the next visit."""
    N = len(gap)
    same = rng.random((N, events)) < world.parameters["shopper.visit_share"]
    return np.where(same, 0.001 + 0.004 * rng.random((N, events)), rng.exponential(1.0, (N, events)) * gap[:, None])


def _place_personas(world: World, taste: Floats, budget: Floats, interest: Ints, length: Ints) -> None:
    """The first shoppers are the five who return in every lesson."""
    names = [row["id"] for row in world.parameters.content["interest"]]
    for n, persona in enumerate(world.parameters.content["persona"]):
        taste[n], budget[n] = persona["style"], persona["budget"]
        interest[n], length[n] = names.index(persona["interest"]), world.parameters["shopper.persona_events"]


def _normalised(share: Floats) -> NDArray[np.float64]:
    """A float64 distribution that sums to one exactly enough for Generator.choice."""
    exact = share.astype(np.float64)
    chances: NDArray[np.float64] = exact / exact.sum()
    return chances


def _head(block: Block, shoppers: int) -> Block:
    """The first shoppers of a block."""
    truth = block.truth
    return Block(
        block.first,
        block.length[:shoppers],
        block.items[:shoppers],
        block.days[:shoppers],
        Shoppers(truth.taste[:shoppers], truth.budget[:shoppers], truth.interest[:shoppers], truth.mission[:shoppers]),
    )
