"""The best possible recommender: each shopper's true distribution over the next product.

Two bounds. ``known`` is told everything: interest, mission, taste and price limit. ``filtered`` knows the shop's rules
but sees only the history, as a recommender does: it carries the exact posterior over (interest, mission) by the forward
algorithm of a hidden Markov model, and the posterior over (taste, price limit) on a fixed set of quasi-random points.
The two posteriors are independent given the history, because the type of an event tells nothing about taste and the
product within a type tells nothing about the mission. The only error of ``filtered`` is that of the point set;
``python -m course_lib shop oracle-error`` measures it by changing the points and their number.

A ranking by the true distribution maximises the expected NDCG@k, HR@k and MRR@k of a single next product, so no
recommender that sees what the oracle sees can do better in expectation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, qmc

from course_lib.shop import world as rules
from course_lib.shop.simulate import Block, simulate
from course_lib.shop.world import Floats, Ints, Memory, World

POINTS = 1024  # quasi-random points of (taste, price limit)


@dataclass(frozen=True)
class TrueChances:
    """The oracle's answers for one block. ``ago`` = 1 is each shopper's last event, 2 the one before it."""

    first: int
    known: Floats  # (N, V) probability of each product, column i is item i + 1
    filtered: Floats  # (N, V)


def true_chances(
    world: World,
    shoppers: int,
    ago: Sequence[int] = (2, 1),
    seed: int | None = None,
    points: int = POINTS,
    skip: int = 0,
) -> Iterator[list[TrueChances]]:
    """Both bounds at those events of every shopper: a block of shoppers at a time, an entry for each of ``ago``."""
    by_point = points_by_product(world, points, skip)
    for block in simulate(world, shoppers, seed):
        yield block_chances(world, block, by_point, ago)


def points_by_product(world: World, points: int = POINTS, skip: int = 0) -> Floats:
    """(Q, V) chance of each product within its type at each of the taste points."""
    taste, budget = taste_points(world, points, skip)
    return rules.within_type(rules.item_logits(taste, budget, world), world)


def taste_points(world: World, points: int = POINTS, skip: int = 0) -> tuple[Floats, Floats]:
    """(Q, S) tastes and (Q,) price limits that stand for the unit normal prior, from a scrambled Sobol sequence."""
    dimensions = world.catalogue.style.shape[1] + 1
    uniform = qmc.Sobol(dimensions, seed=1 + skip).random(points)
    normal = norm.ppf(np.clip(uniform, 1e-6, 1 - 1e-6)).astype(np.float32)
    return normal[:, :-1], normal[:, -1]


def block_chances(world: World, block: Block, by_point: Floats, ago: Sequence[int]) -> list[TrueChances]:
    """Replays a block's histories, keeping both posteriors, and stops to answer at the events asked for."""
    N, V = len(block.length), by_point.shape[1]
    known = [np.zeros((N, V), np.float32) for _ in ago]
    filtered = [np.zeros((N, V), np.float32) for _ in ago]
    belief = Belief.prior(N, world)
    evidence = np.zeros((N, len(by_point)), np.float32)  # log-likelihood of each point
    by_shopper = rules.within_type(rules.item_logits(block.truth.taste, block.truth.budget, world), world)
    log_by_item = np.log(np.maximum(by_point, 1e-30)).T.copy()  # (V, Q)
    memory = Memory.empty(N, world)
    for t in range(block.items.shape[1]):
        rows = np.flatnonzero(block.length > t)
        past, days = memory.take(rows), block.days[rows, t]
        now = rules.moment(past, days, world)
        slots = rules.slot_chances(now)
        here = belief.take(rows)
        for n, back in enumerate(ago):
            asked = np.flatnonzero(block.length[rows] == t + back)
            if len(asked):
                who, asked_now, asked_past = rows[asked], _take(now, asked), past.take(asked)
                state = Belief.certain(block.truth.interest[who, t], block.truth.mission[who, t], world)
                types = type_chances(state, asked_now, slots[asked], world)
                known[n][who] = product_chances(types, by_shopper[who], asked_past, world)
                types = type_chances(here.take(asked), asked_now, slots[asked], world)
                weights = np.exp(evidence[who] - evidence[who].max(1, keepdims=True))
                products = (weights / weights.sum(1, keepdims=True)) @ by_point
                filtered[n][who] = product_chances(types, products, asked_past, world)
        bought = block.items[rows, t]
        belief.put(rows, here.updated(world.catalogue.type[bought], now, slots, world))
        evidence[rows] += _item_evidence(world, bought, past, log_by_item)
        memory.remember(rows, bought, days, world)
    return [TrueChances(block.first, known[n], filtered[n]) for n in range(len(ago))]


def _item_evidence(world: World, bought: Ints, memory: Memory, log_by_item: Floats) -> Floats:
    """(N, Q) log-likelihood, under each taste point, of the product given its type."""
    types = world.catalogue.type[bought]
    before = memory.last_item[np.arange(len(bought)), types]
    evidence = log_by_item[bought]
    again = (before == bought) & ~world.durable[types]  # bought again: out of loyalty or by taste
    loyalty = world.parameters["choice.loyalty"]
    evidence[again] = np.log(loyalty + (1 - loyalty) * np.exp(evidence[again]))
    return evidence  # for another product the factor 1 - loyalty is the same at every point


@dataclass
class Belief:
    """A distribution over (interest, mission) for each shopper; ``waiting`` is the share without a mission yet."""

    states: Floats  # (N, K, M)
    waiting: Floats  # (N, K)

    @classmethod
    def prior(cls, shoppers: int, world: World) -> Belief:
        """Before the first event: an interest, no mission."""
        interests, missions = world.interest_missions.shape
        waiting = np.tile(world.interest_share, (shoppers, 1))
        return cls(np.zeros((shoppers, interests, missions), np.float32), waiting.astype(np.float32))

    @classmethod
    def certain(cls, interest: Ints, mission: Ints, world: World) -> Belief:
        """Told the truth: interest (N,), mission (N,), -1 for none yet."""
        belief = cls.prior(len(interest), world)
        rows, begun = np.arange(len(interest)), mission >= 0
        belief.waiting[:] = 0
        belief.waiting[rows[~begun], interest[~begun]] = 1
        belief.states[rows[begun], interest[begun], mission[begun]] = 1
        return belief

    def take(self, rows: Ints) -> Belief:
        """Some shoppers' beliefs, copied."""
        return Belief(self.states[rows], self.waiting[rows])

    def put(self, rows: Ints, other: Belief) -> None:
        """Replaces some shoppers' beliefs."""
        self.states[rows], self.waiting[rows] = other.states, other.waiting

    def next_mission(self, now: rules.Moment, world: World) -> Floats:
        """(N, K, M) distribution over the state after a mission event has chosen its mission."""
        stay = rules.stay_chance(now, world)[:, None, :]  # (N, 1, M)
        leaving = (self.states * (1 - stay)).sum(2) + self.waiting  # (N, K)
        kept = leaving * rules.keep_interest(now, world)
        arriving = kept + (leaving - kept).sum(1, keepdims=True) * world.interest_share
        after: Floats = self.states * stay + arriving[:, :, None] * rules.new_mission(now, world)
        return after

    def updated(self, types: Ints, now: rules.Moment, slots: Floats, world: World) -> Belief:
        """The posterior after an event of ``types`` (N,): Bayes' rule over impulse, refill and mission."""
        rows = np.arange(len(types))
        impulse = world.parameters["need.impulse"]
        refill = now.refill_chance
        aside = impulse * world.demand[now.month, types] + (1 - impulse) * refill * now.refill_types[rows, types]
        in_mission = (slots * (world.slot_type[None] == types[:, None, None])).sum(2)  # (N, M)
        on = (1 - impulse) * (1 - refill)
        states = self.states * aside[:, None, None]
        states += on[:, None, None] * self.next_mission(now, world) * in_mission[:, None, :]
        waiting = self.waiting * aside[:, None]
        total = np.maximum(states.sum((1, 2)) + waiting.sum(1), 1e-30)
        return Belief(states / total[:, None, None], waiting / total[:, None])


def type_chances(belief: Belief, now: rules.Moment, slots: Floats, world: World) -> Floats:
    """(N, C) probability of the next event's product type under a belief."""
    impulse = world.parameters["need.impulse"]
    missions = belief.next_mission(now, world).sum(1)  # (N, M)
    types = np.zeros((len(missions), world.demand.shape[1] + 1), np.float32)
    for s in range(slots.shape[2]):
        onto = np.zeros((slots.shape[1], types.shape[1]), np.float32)
        onto[np.arange(len(onto)), world.slot_type[:, s]] = 1
        types += (missions * slots[:, :, s]) @ onto
    refill = now.refill_chance[:, None]
    chances: Floats = impulse * world.demand[now.month] + (1 - impulse) * (
        refill * now.refill_types + (1 - refill) * types[:, :-1]
    )
    return chances


def product_chances(types: Floats, products: Floats, memory: Memory, world: World) -> Floats:
    """(N, V) chance of each product: its type's times its own within the type, loyalty to the last one included."""
    loyalty = world.parameters["choice.loyalty"]
    loyal = (memory.last_item >= 0) & ~world.durable[None]
    spread = np.where(loyal, 1 - loyalty, 1.0).astype(np.float32) * types  # (N, C)
    chances = spread[:, world.catalogue.type] * products
    rows, kinds = np.nonzero(loyal)
    chances[rows, memory.last_item[rows, kinds]] += np.float32(loyalty) * types[rows, kinds]
    return chances


def _take(now: rules.Moment, rows: Ints) -> rules.Moment:
    """The moments of some shoppers."""
    return rules.Moment(
        now.month[rows],
        now.slots[rows],
        now.ahead[rows],
        now.untouched[rows],
        now.refill_types[rows],
        now.refill_chance[rows],
    )
