"""The filtered bound is Bayes' rule exactly: a shop small enough to count every hidden path through it, and counted.

A path is what happened behind each purchase: a whim, a refill, the mission going on, or a new one, from the old
interest or from a new one. The oracle sums over paths with two small recursions; here each is walked on its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from course_lib.shop import world as rules
from course_lib.shop.parameters import Parameters, load_parameters
from course_lib.shop.simulate import Block, simulate, simulate_block
from course_lib.shop.truth.next_product import taste_points, true_chances
from course_lib.shop.world import Memory, Moment, World, make_world

POINTS = 4
SHOPPERS = 6
State = tuple[int, int]  # interest, mission (-1: none yet)


def little_shop() -> Parameters:
    """Five types, three missions, two interests, and every rare thing made common."""

    def kind(name: str, durable: bool, **more: Any) -> dict[str, Any]:
        row = {"id": name, "department": "all", "name_zh": name, "name_en": name, "emoji": "x", "price": [10, 90]}
        lists = {key: ["a", "b"] for key in ("lines_zh", "lines_en", "options_zh", "options_en")}
        return {**row, **lists, "durable": durable, **more}

    numbers = copy.deepcopy(load_parameters().numbers)
    numbers["catalogue"] |= {"products_per_type": 3, "style_dimensions": 2, "popularity_exponent": 0.7}
    numbers["shopper"] |= {"events_mean": 4.5, "events_minimum": 4, "events_maximum": 5, "gap_days": 4.0}
    numbers["choice"] |= {"taste": 1.2, "price": 0.8, "loyalty": 0.4}
    numbers["need"] |= {"impulse": 0.15, "refill": 0.5, "mission_end": 0.2, "drift": 0.3, "order": 1.0}
    numbers["need"] |= {"exhaustion": 0.3, "replace": 0.1, "memory": 2, "completion": 2}
    season = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 0.2, 1.0, 1.0, 2.0, 1.0, 1.0]
    content = {
        "department": [{"id": "all", "name_zh": "全", "name_en": "All", "colour": "#000000"}],
        "brand": [
            {"id": "one", "name_zh": "一", "name_en": "One", "tier": -1, "departments": ["all"]},
            {"id": "two", "name_zh": "二", "name_en": "Two", "tier": 1, "departments": ["all"]},
        ],
        "type": [
            kind("ball", True, popularity=2.0),
            kind("shoes", True),
            kind("tent", True, popularity=0.5, season=season),
            kind("milk", False, cycle_days=6.0),
            kind("bars", False, cycle_days=3.0, popularity=1.5),
        ],
        "mission": [
            {"id": "play", "steps": [["ball"], ["shoes", "bars"]]},
            {"id": "camp", "steps": [["tent", "shoes"], ["milk"], ["bars"]], "season": season},
            {"id": "cook", "steps": [["milk"], ["bars"]]},
        ],
        "interest": [
            {"id": "sport", "share": 2.0, "missions": {"play": 3.0, "cook": 1.0}},
            {"id": "nature", "share": 1.0, "missions": {"camp": 2.0, "cook": 1.0, "play": 0.5}},
        ],
        "persona": [],
    }
    return Parameters(numbers, content)


@pytest.fixture
def little(blocks_of: Callable[[int], None]) -> World:
    blocks_of(SHOPPERS)
    return make_world(little_shop())


def moves(state: State, kind: int | None, now: Moment, world: World) -> Iterator[tuple[State, int, float]]:
    """Every hidden way of one shopper's next purchase from ``state``: the state after it, the type, the chance.

    ``kind`` None: all types.
    """
    impulse, refill = float(world.parameters["need.impulse"]), float(now.refill_chance[0])
    share = world.interest_share.astype(float)
    wanted = range(len(world.durable)) if kind is None else [kind]
    for c in wanted:
        yield state, c, impulse * float(world.demand[now.month[0], c])
        yield state, c, (1 - impulse) * refill * float(now.refill_types[0, c])
    rest = (1 - impulse) * (1 - refill)
    interest, mission = state
    stay = float(rules.stay_chance(now, world)[0, mission]) if mission >= 0 else 0.0
    keep = float(rules.keep_interest(now, world)[0, interest])
    begun = rules.new_mission(now, world)[0].astype(float)  # (K, M)
    routes = [(interest, mission, stay)] if mission >= 0 else []
    for m in range(begun.shape[1]):
        routes.append((interest, m, (1 - stay) * keep * begun[interest, m]))
        for k in range(len(share)):
            routes.append((k, m, (1 - stay) * (1 - keep) * share[k] * begun[k, m]))
    for k, m, chance in routes:
        for slot, c in enumerate(world.slot_type[m]):
            if c in wanted:
                yield (k, m), int(c), rest * chance * float(now.slots[0, m, slot] / now.ahead[0, m])


def item_chance(item: int, memory: Memory, by_point: np.ndarray, world: World) -> np.ndarray:
    """(Q,) chance of a product given its type, under each taste."""
    c = world.catalogue.type[item]
    last, loyalty = memory.last_item[0, c], world.parameters["choice.loyalty"]
    if last < 0 or world.durable[c]:
        return by_point[:, item]
    chance: np.ndarray = (1 - loyalty) * by_point[:, item] + loyalty * (last == item)
    return chance


def count_every_path(world: World, block: Block, n: int, events: int, by_point: np.ndarray) -> tuple[np.ndarray, int]:
    """(V,) chance of each product as purchase ``events`` of shopper ``n``, and how many paths lead there."""
    memory, moments, likelihoods = Memory.empty(1, world), [], []
    for t in range(events + 1):
        day = block.days[n : n + 1, t]
        moments.append(rules.moment(memory, day, world))
        likelihoods.append([item_chance(item, memory, by_point, world) for item in range(by_point.shape[1])])
        if t < events:
            memory.remember(np.array([0]), block.items[n : n + 1, t], day, world)
    total, paths = np.zeros(by_point.shape[1]), 0
    # The last purchase's types from each state do not depend on the way there.
    ends: dict[State, np.ndarray] = {}

    def types_after(state: State) -> np.ndarray:
        if state not in ends:
            ends[state] = np.zeros(len(world.durable))
            for _, c, chance in moves(state, None, moments[events], world):
                ends[state][c] += chance
        return ends[state]

    def walk(t: int, state: State, weight: np.ndarray) -> None:
        """``weight`` (Q,): the joint chance of this path, of all purchases up to ``t``, and of each taste."""
        nonlocal paths
        if t == events:
            paths += 1
            by_type = types_after(state)
            for item in range(len(total)):
                total[item] += by_type[world.catalogue.type[item]] * (weight @ likelihoods[t][item])
            return
        bought = int(block.items[n, t])
        for after, _, chance in moves(state, int(world.catalogue.type[bought]), moments[t], world):
            if chance > 0:
                walk(t + 1, after, weight * chance * likelihoods[t][bought])

    for interest, share in enumerate(world.interest_share.astype(float)):
        walk(0, (interest, -1), np.full(POINTS, share / POINTS))
    return total / total.sum(), paths


def test_filtered_is_bayes_over_every_path(little: World) -> None:
    """The joint posterior over paths and tastes, path by path, gives the oracle's chances to five digits."""
    taste, budget = taste_points(little, POINTS)
    by_point = rules.within_type(rules.item_logits(taste, budget, little), little).astype(np.float64)
    (block,) = simulate(little, SHOPPERS, seed=3)
    ((before, last),) = true_chances(little, SHOPPERS, ago=(2, 1), seed=3, points=POINTS)
    repeated = walked = 0
    for n in range(SHOPPERS):
        kinds = little.catalogue.type[block.items[n, : block.length[n]]]
        repeated += len(set(kinds.tolist())) < len(kinds)
        for ago, answer in ((2, before), (1, last)):
            events = int(block.length[n]) - ago
            if events > 4 or (events == 4 and n > 2):
                continue  # paths multiply by about twelve with every purchase
            expected, paths = count_every_path(little, block, n, events, by_point)
            np.testing.assert_allclose(answer.filtered[n], expected, atol=1e-5)
            walked += paths
    assert walked > 5000
    assert repeated > 0, "no shopper bought a type twice: loyalty and refill were not put to the test"


def test_known_is_one_path(little: World) -> None:
    """Told the state and the taste, one purchase is left to count."""
    (block,) = simulate(little, SHOPPERS, seed=3)
    ((last,),) = true_chances(little, SHOPPERS, ago=(1,), seed=3, points=POINTS)
    own = rules.within_type(rules.item_logits(block.truth.taste, block.truth.budget, little), little)
    for n in range(SHOPPERS):
        t = int(block.length[n]) - 1
        memory = Memory.empty(1, little)
        for past in range(t):
            memory.remember(np.array([0]), block.items[n : n + 1, past], block.days[n : n + 1, past], little)
        now = rules.moment(memory, block.days[n : n + 1, t], little)
        types = np.zeros(len(little.durable))
        state = (int(block.truth.interest[n, t]), int(block.truth.mission[n, t]))
        for _, c, chance in moves(state, None, now, little):
            types[c] += chance
        items = [item_chance(item, memory, own[n : n + 1], little)[0] for item in range(own.shape[1])]
        np.testing.assert_allclose(last.known[n], types[little.catalogue.type] * np.array(items), atol=1e-5)


def test_ways_add_up_to_one(little: World) -> None:
    """The count above leaves nothing out: from any state the ways of the next purchase have chance 1 together."""
    (block,) = simulate(little, SHOPPERS, seed=3)
    memory = Memory.empty(1, little)
    for t in range(4):
        now = rules.moment(memory, block.days[:1, t], little)
        for interest in range(2):
            for mission in range(-1, 3):
                assert sum(way[2] for way in moves((interest, mission), None, now, little)) == pytest.approx(
                    1, abs=1e-5
                )
        memory.remember(np.array([0]), block.items[:1, t], block.days[:1, t], little)


def test_the_simulator_lives_by_these_rules(little: World) -> None:
    """First purchases in 400 blocks of the little shop fall as the ways of a first purchase say."""
    expected = np.zeros(len(little.durable))
    parts = [simulate_block(little, SHOPPERS, np.random.default_rng(n)) for n in range(400)]
    first = np.concatenate([part.items[:, 0] for part in parts])
    days = np.concatenate([part.days[:, 0] for part in parts])
    counts = np.bincount(little.catalogue.type[first], minlength=len(expected))
    now = rules.moment(Memory.empty(len(days), little), days, little)
    for n in range(len(days)):
        one = Moment(
            now.month[n : n + 1],
            now.slots[n : n + 1],
            now.ahead[n : n + 1],
            now.untouched[n : n + 1],
            now.refill_types[n : n + 1],
            now.refill_chance[n : n + 1],
        )
        for interest, share in enumerate(little.interest_share):
            for _, c, chance in moves((interest, -1), None, one, little):
                expected[c] += share * chance
    spread = np.sqrt(expected * (1 - expected / expected.sum()))
    assert np.abs((counts - expected) / spread).max() < 4.5


def test_the_simulator_lives_by_these_rules_later_too(blocks_of: Callable[[int], None]) -> None:
    """With history behind it, refills and loyalty included: each product is the last as often as its chances say."""
    blocks_of(40_000)
    little = make_world(little_shop())
    (block,) = simulate(little, 40_000, seed=5)
    ((last,),) = true_chances(little, 40_000, ago=(1,), seed=5, points=POINTS)
    chances = last.known.astype(np.float64)
    bought = np.bincount(block.items[np.arange(40_000), block.length - 1], minlength=chances.shape[1])
    spread = np.sqrt((chances * (1 - chances)).sum(0))
    assert np.abs((bought - chances.sum(0)) / spread).max() < 4.5
    # Of a type bought before, and apart from that: a refill too many would show here.
    types = little.catalogue.type
    before = np.zeros(chances.shape, bool)
    for n in range(40_000):
        before[n] = np.isin(types, types[block.items[n, : block.length[n] - 1]]) & ~little.durable[types]
    expected = (chances * before).sum(1)
    happened = before[np.arange(40_000), block.items[np.arange(40_000), block.length - 1]]
    assert abs(happened.sum() - expected.sum()) < 4.5 * np.sqrt((expected * (1 - expected)).sum())
