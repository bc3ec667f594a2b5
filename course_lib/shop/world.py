"""The rules of the shop as arrays, and the one place where its probabilities are computed.

The simulator draws from these functions and the oracle evaluates them, so they cannot drift apart.
Shapes: ``N`` shoppers, ``C`` product types, ``M`` missions, ``S`` slots of a mission (a type each), ``K`` interests,
``V`` products. What a shopper has bought is public (:class:`Memory`); the interest, the mission and the taste are not.

At each event one of three things happens:

    impulse  (prob. i)                 a type by popularity and season
    refill   (prob. (1 - i) r)         a consumable that is due,  r = refill * (1 - exp(-sum of due))
    mission  (the rest)                the current mission goes on with probability
                                       (1 - mission_end) * A / (A + exhaustion), A = what it still holds ahead;
                                       otherwise a new mission is drawn from the interest's missions, in season;
                                       before that the interest gives way to a new one with chance ``drift``, and
                                       more often the less its missions still hold.

A mission's slot has weight openness * exp(-order * distance): distance is 0 for the stage reached and the one after
it, and grows by one a stage beyond (backwards one more). Openness is 1 for a type never bought, almost 0 for a durable
that is owned, and for a consumable how far it is due. A mission not touched for ``memory`` purchases starts over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.shop.catalogue import Catalogue, make_catalogue
from course_lib.shop.parameters import Parameters

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
NEVER = np.float32(-1e6)  # day of the last purchase of a type never bought


@dataclass(frozen=True)
class World:
    """The shop's content and parameters as arrays."""

    parameters: Parameters
    catalogue: Catalogue
    durable: NDArray[np.bool_]  # (C,)
    cycle_days: Floats  # (C,) infinite for durables
    demand: Floats  # (12, C) impulse distribution of types by month
    slot_type: Ints  # (M, S) type of each slot, C where empty
    slot_stage: Ints  # (M, S)
    stage_of: NDArray[np.int8]  # (C, M) stage of a type in a mission, -1 where it is not in it
    stage_weight: Floats  # (stages + 1, stages) e^(-order * distance), see _stage_weights
    mission_season: Floats  # (12, M)
    interest_share: Floats  # (K,)
    interest_missions: Floats  # (K, M) weights
    first_item: Ints  # (C + 1,) items of type c are first_item[c] .. first_item[c + 1] - 1, 0-based


@dataclass
class Memory:
    """What the shop itself could know of each shopper: purchases so far. Public, exact."""

    last_day: Floats  # (N, C) day of the last purchase of each type, NEVER if none
    last_item: NDArray[np.int32]  # (N, C) the item bought then, -1 if none
    stage: NDArray[np.int8]  # (N, M) stage of the last purchase that belongs to each mission, -1 if none lately
    since: NDArray[np.int16]  # (N, M) purchases since then
    ago: NDArray[np.int16]  # (N, C) purchases since each type was last bought

    @classmethod
    def empty(cls, shoppers: int, world: World) -> Memory:
        """No purchases yet."""
        types, missions = world.stage_of.shape
        return cls(
            np.full((shoppers, types), NEVER, np.float32),
            np.full((shoppers, types), -1, np.int32),
            np.full((shoppers, missions), -1, np.int8),
            np.zeros((shoppers, missions), np.int16),
            np.full((shoppers, types), 1000, np.int16),
        )

    def remember(self, rows: Ints, items: NDArray[np.int32], days: Floats, world: World) -> None:
        """Shoppers ``rows`` bought ``items`` (0-based) on ``days``."""
        types = world.catalogue.type[items]
        self.last_day[rows, types] = days
        self.last_item[rows, types] = items
        stages = world.stage_of[types]  # (n, M)
        since = np.where(stages >= 0, 0, self.since[rows] + 1).astype(np.int16)
        kept = np.where(since > world.parameters["need.memory"], np.int8(-1), self.stage[rows])  # begun too long ago
        self.stage[rows], self.since[rows] = np.where(stages >= 0, stages, kept), since
        self.ago[rows] += 1
        self.ago[rows, types] = 0

    def take(self, rows: Ints) -> Memory:
        """The memory of some shoppers, copied."""
        return Memory(self.last_day[rows], self.last_item[rows], self.stage[rows], self.since[rows], self.ago[rows])


def make_world(parameters: Parameters) -> World:
    """The arrays of a shop."""
    content = parameters.content
    types, missions, interests = content["type"], content["mission"], content["interest"]
    type_index = {row["id"]: n for n, row in enumerate(types)}
    mission_index = {row["id"]: n for n, row in enumerate(missions)}
    flat = [1.0] * 12
    demand = np.array([np.multiply(row.get("popularity", 1.0), row.get("season", flat)) for row in types]).T
    slots = max(sum(len(stage) for stage in row["steps"]) for row in missions)
    slot_type = np.full((len(missions), slots), len(types))
    slot_stage = np.zeros((len(missions), slots), int)
    stage_of = np.full((len(types), len(missions)), -1, np.int8)
    for m, row in enumerate(missions):
        pairs = [(stage, type_index[name]) for stage, names in enumerate(row["steps"]) for name in names]
        for s, (stage, c) in enumerate(pairs):
            slot_type[m, s], slot_stage[m, s], stage_of[c, m] = c, stage, stage
    weights = np.zeros((len(interests), len(missions)))
    for k, row in enumerate(interests):
        for name, weight in row["missions"].items():
            weights[k, mission_index[name]] = weight
    catalogue = make_catalogue(parameters)
    share = np.array([row.get("share", 1.0) for row in interests])
    return World(
        parameters=parameters,
        catalogue=catalogue,
        durable=np.array([row["durable"] for row in types]),
        cycle_days=np.array([row.get("cycle_days", np.inf) for row in types], np.float32),
        demand=(demand / demand.sum(1, keepdims=True)).astype(np.float32),
        slot_type=slot_type,
        slot_stage=slot_stage,
        stage_of=stage_of,
        stage_weight=_stage_weights(slot_stage, parameters["need.order"]),
        mission_season=np.array([row.get("season", flat) for row in missions], np.float32).T,
        interest_share=(share / share.sum()).astype(np.float32),
        interest_missions=weights.astype(np.float32),
        first_item=np.searchsorted(catalogue.type, np.arange(len(types) + 1)),
    )


@dataclass(frozen=True)
class Moment:
    """Everything public about the next event of ``N`` shoppers, computed once and used by every branch."""

    month: Ints  # (N,)
    slots: Floats  # (N, M, S) weight of each slot of each mission: openness of its type times e^(-order * distance)
    ahead: Floats  # (N, M) sum of the slots' weights: what a mission still holds from where the shopper stands
    untouched: Floats  # (N, M) (mean openness of a mission's types)^completion: what draws shoppers to it
    refill_types: Floats  # (N, C) distribution of a refill, all 0 if nothing is due
    refill_chance: Floats  # (N,) r


def moment(memory: Memory, days: Floats, world: World) -> Moment:
    """The public side of each shopper's next event, which happens on ``days`` ((N,) days since the start)."""
    need = world.parameters.numbers["need"]
    age = (days[:, None] - memory.last_day) / world.cycle_days  # (N, C) in cycles; 0 for durables
    power = np.minimum(age, 10.0) ** 4
    due = power / (1.0 + power)  # half at one cycle, small before, near 1 after two
    bought = memory.last_item >= 0
    shut = (world.durable & bought) | (memory.ago < need["memory"])
    openness = np.where(shut, need["replace"], 1.0)
    openness = np.concatenate([openness, np.zeros((len(days), 1))], axis=1).astype(np.float32)  # the empty slot is shut
    owed = np.where(bought & ~world.durable, due, np.float32(0))
    total = owed.sum(1)
    place = world.stage_weight[memory.stage[:, :, None] + 1, world.slot_stage[None]]  # (N, M, S)
    slots = openness[:, world.slot_type]
    left = slots.sum(2) / (world.slot_type < len(world.durable)).sum(1)
    slots *= place
    return Moment(
        month=month_of(days, world),
        slots=slots,
        ahead=slots.sum(2),
        untouched=left.astype(np.float32) ** np.float32(need["completion"]),
        refill_types=owed / np.maximum(total, 1e-9)[:, None],
        refill_chance=(need["refill"] * (1.0 - np.exp(-total))).astype(np.float32),
    )


def month_of(days: Floats, world: World) -> Ints:
    """(N,) month 0..11 of each day since the start date (months of 30.4 days)."""
    start = world.parameters["shopper.start_date"].timetuple().tm_yday - 1
    months: Ints = (((days + start) % 365.0) / 365.0 * 12).astype(int)
    return months


def stay_chance(now: Moment, world: World) -> Floats:
    """(N, M) probability that a mission goes on, were it the current one."""
    need = world.parameters.numbers["need"]
    stay: Floats = (1.0 - need["mission_end"]) * now.ahead / (now.ahead + need["exhaustion"])
    return stay


def mission_appeal(now: Moment, world: World) -> Floats:
    """(N, M) season and open types: what multiplies an interest's weight for a mission when a new one is chosen."""
    appeal: Floats = world.mission_season[now.month] * now.untouched
    return appeal


def keep_interest(now: Moment, world: World) -> Floats:
    """(N, K) chance that a new mission comes from the same interest: the less its missions still hold, the lower."""
    weights = world.interest_missions
    held = now.untouched @ weights.T / weights.sum(1)
    kept: Floats = (1.0 - world.parameters["need.drift"]) * held
    return kept


def new_mission(now: Moment, world: World) -> Floats:
    """(N, K, M) distribution of a new mission given the interest."""
    weights = world.interest_missions[None] * mission_appeal(now, world)[:, None, :]
    missions: Floats = weights / np.maximum(weights.sum(2, keepdims=True), 1e-12)
    return missions


def slot_chances(now: Moment) -> Floats:
    """(N, M, S) distribution over a mission's slots, were it the current one."""
    chances: Floats = (now.slots / np.maximum(now.ahead, 1e-12)[:, :, None]).astype(np.float32)
    return chances


def _stage_weights(slot_stage: Ints, order: float) -> Floats:
    """(stages + 1, stages) weight of a slot's stage given 1 + the stage reached (row 0: nothing bought yet)."""
    stages = int(slot_stage.max()) + 1
    reached = np.arange(-1, stages)[:, None]
    step = np.arange(stages)[None] - reached
    distance = np.where(step < 0, 1 - step, np.maximum(step - 1, 0))
    weights: Floats = np.exp(-order * distance).astype(np.float32)
    return weights


def item_logits(taste: Floats, budget: Floats, world: World) -> Floats:
    """(N, V) log weight of each product within its type, for shoppers with ``taste`` (N, S) and ``budget`` (N,).

    appeal + taste * (style . taste) - price * max(0, price level - budget)^2
    """
    choice, goods = world.parameters.numbers["choice"], world.catalogue
    over = np.maximum(goods.price_level[None] - budget[:, None], 0.0)
    logits: Floats = goods.appeal[None] + choice["taste"] * (taste @ goods.style.T) - choice["price"] * over**2
    return logits.astype(np.float32)


def within_type(logits: Floats, world: World) -> Floats:
    """(N, V) probability of each product given its type: a softmax within each type."""
    weights = np.exp(logits - logits.max(1, keepdims=True))
    totals = np.add.reduceat(weights, world.first_item[:-1], axis=1)  # (N, C)
    chances: Floats = weights / np.maximum(totals[:, world.catalogue.type], 1e-30)
    return chances
