"""The shop run forward week by week under a recommender, so that feedback loops show.

    life = begin(world, 4000)                            # some weeks without a recommender: a log to learn from
    for week in run(world, life, popularity, weeks=12):  # refitted on the log before each week
        week.shown, week.events                          # what the shop saw; exposure.measures counts it
        truth.weeks.measures(world, life)                # what it could not see

``truth.life`` saves a life and loads it, to go on another day: the same weeks follow.

Shoppers are those of simulate.py, and occasions to buy come at its calendar's rates. At each, what a shopper wants are
the true chances p of the shop's rules (``type_chances``, ``product_chances``). A slate of products is shown, and
position j is looked at with chance j^-attention (the position-based model: Richardson, Dominowska & Ragno, Predicting
Clicks, WWW 2007). What is looked at stands out (as in Fleder & Hosanagar, Blockbuster Culture's Next Rise or Fall,
Management Science 2009):

    P(i) = p_i b_i / (leave + sum over j of p_j b_j),   b_i = e^salience if i was looked at, else 1

and nothing is bought with the remaining chance. A purchase of what was looked at comes from the slate, any other is
organic. Interest and mission after a purchase are drawn from their exact posterior given its type, so that without a
slate purchases follow simulate.py's law. Tastes turn a little towards the style of what was looked at.

Source of the loop: Chaney, Stewart & Engelhardt, How Algorithmic Confounding in Recommendation Systems Increases
Homogeneity and Decreases Utility, RecSys 2018.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.errors import CourseError
from course_lib.shop import simulate as simulator
from course_lib.shop import world as rules
from course_lib.shop.recommenders import Log, Recommender, Refit, slate_of
from course_lib.shop.truth.life import Life, Occasions
from course_lib.shop.truth.next_product import Belief, product_chances, type_chances
from course_lib.shop.world import Floats, Ints, Memory, World

PART = 15  # random streams [seed, PART, block, week, round]; week 0 is before the first
DAYS = 7  # of a week
BASKETS = 1_000_000  # basket numbers kept for each shopper
SHOWN_COLUMNS = (
    Columns.WEEK, Columns.USER, Columns.TIME, Columns.BASKET, Columns.POSITION, Columns.ITEM, Columns.BOUGHT,
)  # fmt: skip
WEEK_EVENT_COLUMNS = (*EVENT_COLUMNS, Columns.WEEK, Columns.POSITION, Columns.ORGANIC)


@dataclass(frozen=True)
class Week:
    """What the shop sees of a week. The truth behind it is in ``Life.last``, until the next."""

    number: int
    visits: int  # occasions to buy, with a purchase or without
    shown: pd.DataFrame  # SHOWN_COLUMNS, a row for each product shown
    events: pd.DataFrame  # WEEK_EVENT_COLUMNS, a row for each purchase


def begin(world: World, shoppers: int, seed: int | None = None, warmup: int | None = None) -> Life:
    """The shop's own shoppers after ``warmup`` weeks without a recommender (parameter weeks.warmup unless given).

    ``seed`` is the shop's own unless given. Shopper ``n`` is user ``n`` of ``simulate(world, shoppers, seed)`` in
    taste, price limit, first interest and pace; here everybody is there from the first day and nobody leaves.
    """
    seed = world.parameters["seed"] if seed is None else seed
    drawn: list[tuple[NDArray[np.generic], ...]] = []
    for number, first in enumerate(range(0, shoppers, simulator.BLOCK)):
        traits = simulator.draw_traits(world, first, np.random.default_rng([seed, 2, number]))
        taste, budget, interest, _, gap = traits
        wait = simulator.draw_waits(world, np.random.default_rng([seed, PART, number]), gap, 1)[:, 0]
        drawn.append((taste, budget, interest, gap, wait))
    taste, budget, interest, gap, wait = (np.concatenate(parts)[:shoppers] for parts in zip(*drawn, strict=True))
    life = Life(
        seed=seed,
        week=0,
        taste=taste,
        first_taste=taste.copy(),
        budget=budget,
        interest=interest,
        mission=np.full(shoppers, -1),
        gap=gap,
        next_day=wait,
        occasions=np.zeros(shoppers, np.int64),
        memory=Memory.empty(shoppers, world),
        items=np.zeros((shoppers, 16), np.int32),
        length=np.zeros(shoppers, np.int64),
    )
    for _ in range(world.parameters["weeks.warmup"] if warmup is None else warmup):
        advance(world, life, None)
    return life


def run(world: World, life: Life, refit: Refit, weeks: int) -> Iterator[Week]:
    """Lives ``weeks`` weeks, changing ``life``; before each, ``refit`` makes the recommender from the log."""
    for _ in range(weeks):
        yield advance(world, life, refit(log(world, life)))


def log(world: World, life: Life) -> Log:
    """What the shop has seen so far."""
    shown = (
        _shown(world, life.week - 1, life.last) if life.last is not None else pd.DataFrame(columns=list(SHOWN_COLUMNS))
    )
    return Log(life.week, len(world.catalogue.type), life.histories(), shown)


def advance(world: World, life: Life, recommender: Recommender) -> Week:
    """Lives one week under ``recommender``, changing ``life``.

    Raises CourseError where a slate is to have more products than the shop. Raises ValueError for scores of a wrong
    shape, CourseError for scores that are not numbers; ``life`` is then in the middle of a week and of no further use.
    """
    end, size, products = (life.week + 1) * DAYS, world.parameters["weeks.slate"], len(world.catalogue.type)
    if size > products:
        raise CourseError("setting_out_of_range", name="weeks.slate", value=size, low=1, high=products)
    parts = [_occasion(world, life, np.zeros(0, np.int64), None, np.zeros((0, size + 2)))]  # of nobody, for the shapes
    for number, first in enumerate(range(0, len(life), simulator.BLOCK)):
        gap = np.zeros(simulator.BLOCK)
        gap[: len(life) - first] = life.gap[first : first + simulator.BLOCK]
        for turn in itertools.count():  # each shopper's next occasion, while there are any before the week's end
            rows = first + np.flatnonzero(life.next_day[first : first + simulator.BLOCK] < end)
            if not len(rows):
                break
            # Drawn for the whole block, so that what happens to a shopper does not hang on who else is there.
            rng = np.random.default_rng([life.seed, PART, number, life.week + 1, turn])
            waits = simulator.draw_waits(world, rng, gap, 1)[:, 0]
            uniform = rng.random((simulator.BLOCK, size + 2))
            parts.append(_occasion(world, life, rows, recommender, uniform[rows - first]))
            life.next_day[rows] += waits[rows - first]
    life.last = Occasions.joined(parts)
    life.week += 1
    number = life.week - 1
    return Week(number, len(life.last), _shown(world, number, life.last), _events(world, number, life.last))


def _occasion(
    world: World, life: Life, rows: Ints, recommender: Recommender, uniform: NDArray[np.float64]
) -> Occasions:
    """One occasion to buy for each of ``rows`` (n,): want, slate, purchase, and what follows from it.

    ``uniform`` (n, K + 2) are the random numbers that decide what is looked at, what is bought, and what comes next.
    """
    settings = world.parameters.numbers["weeks"]
    n, days = len(rows), life.next_day[rows].copy()
    taste, past = life.taste[rows], life.memory.take(rows)
    now = rules.moment(past, days.astype(np.float32), world)
    slots = rules.slot_chances(now)
    belief = Belief.certain(life.interest[rows], life.mission[rows], world)
    products = rules.within_type(rules.item_logits(taste, life.budget[rows], world), world)
    wants = product_chances(type_chances(belief, now, slots, world), products, past, world)  # (n, V)

    slate = _slate(life, rows, recommender, wants, settings["slate"])
    chance = np.arange(1.0, slate.shape[1] + 1) ** -settings["attention"]
    looked = (uniform[:, :-2] < chance) & (slate >= 0)
    row, place = np.nonzero(looked)
    weights = wants.copy()
    weights[row, slate[row, place]] *= np.float32(np.exp(settings["salience"]))
    cumulative = np.cumsum(weights, axis=1, dtype=np.float64)
    threshold = uniform[:, -2] * (cumulative[:, -1] + settings["leave"])
    chosen = (cumulative <= threshold[:, None]).sum(1)
    bought = np.where(chosen < wants.shape[1], chosen, -1).astype(np.int32)
    from_slate = looked & (slate == bought[:, None])
    wanted_slate = np.where(slate >= 0, np.take_along_axis(wants, np.maximum(slate, 0), 1), np.float32(0))
    occasions = Occasions(
        users=rows,
        days=days,
        number=life.occasions[rows],
        slate=slate,
        looked=looked,
        bought=bought,
        position=np.where(from_slate.any(1), from_slate.argmax(1) + 1, 0),
        wanted=np.where(bought >= 0, wants[np.arange(n), bought], np.float32(0)),
        relevance=wanted_slate.sum(1),
        taste=taste,
    )
    life.occasions[rows] += 1
    buying = np.flatnonzero(bought >= 0)
    types = world.catalogue.type[np.maximum(bought, 0)].astype(np.int64)  # any for those who bought nothing
    after = belief.updated(types, now, slots, world).take(buying)
    buyers = rows[buying]
    life.interest[buyers], life.mission[buyers] = _drawn_state(after, uniform[buying, -1])
    life.remember(buyers, bought[buying], days[buying].astype(np.float32), world)
    _drift(world, life, rows, slate, looked, settings["drift"])
    return occasions


def _slate(life: Life, rows: Ints, recommender: Recommender, wants: Floats, size: int) -> NDArray[np.int32]:
    """(n, size) products by position, 0-based, -1 for an empty place."""
    if recommender is None:
        return np.full((len(rows), size), -1, np.int32)
    scores = np.pad(wants, [(0, 0), (1, 0)]) if recommender == "oracle" else recommender(life.histories(rows))
    if scores.shape != (len(rows), wants.shape[1] + 1):
        raise ValueError(f"the recommender returned {scores.shape}; expected {(len(rows), wants.shape[1] + 1)}")
    return slate_of(scores, size).astype(np.int32)


def _drawn_state(belief: Belief, uniform: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """(n,) interests and (n,) missions drawn from a belief."""
    n, interests, missions = belief.states.shape
    begun = belief.states.reshape(n, interests * missions)
    drawn = simulator.pick(np.concatenate([begun, belief.waiting], axis=1), uniform)
    waiting = drawn - begun.shape[1]
    return np.where(waiting < 0, drawn // missions, waiting), np.where(waiting < 0, drawn % missions, -1)


def _drift(
    world: World, life: Life, rows: Ints, slate: NDArray[np.int32], looked: NDArray[np.bool_], share: float
) -> None:
    """taste + share * mean style of what was looked at, scaled back to the taste's own length: tastes turn."""
    seen = np.flatnonzero(looked.any(1))
    styles = world.catalogue.style[np.maximum(slate[seen], 0)] * looked[seen, :, None]  # (n, K, S)
    taste = life.taste[rows[seen]]
    moved = taste + np.float32(share) * styles.sum(1) / looked[seen].sum(1, dtype=np.float32)[:, None]
    length = np.linalg.norm(taste, axis=1, keepdims=True) / np.linalg.norm(moved, axis=1, keepdims=True)
    life.taste[rows[seen]] = moved * length


def _shown(world: World, number: int, truth: Occasions) -> pd.DataFrame:
    """SHOWN_COLUMNS of a week."""
    row, place = np.nonzero(truth.slate >= 0)
    position = (place + 1).astype(np.int16)
    items = truth.slate[row, place] + np.int32(1)
    users, times, baskets = _visits(world, truth, row)
    week = np.full(len(row), number, np.int32)
    columns = (week, users, times, baskets, position, items, position == truth.position[row])
    return pd.DataFrame(dict(zip(SHOWN_COLUMNS, columns, strict=True)))


def _events(world: World, number: int, truth: Occasions) -> pd.DataFrame:
    """WEEK_EVENT_COLUMNS of a week."""
    row = np.flatnonzero(truth.bought >= 0)
    users, times, baskets = _visits(world, truth, row)
    position = truth.position[row].astype(np.int16)
    week = np.full(len(row), number, np.int32)
    columns = (users, truth.bought[row] + np.int32(1), times, baskets, week, position, position == 0)
    return pd.DataFrame(dict(zip(WEEK_EVENT_COLUMNS, columns, strict=True)))


def _visits(world: World, truth: Occasions, row: Ints) -> tuple[NDArray[np.int32], Ints, Ints]:
    """User, time and basket of the occasions ``row``."""
    start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
    times = start + np.round(truth.days[row] * simulator.DAY).astype(np.int64)
    return truth.users[row].astype(np.int32), times, truth.users[row] * BASKETS + truth.number[row]
