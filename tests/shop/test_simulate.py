"""Life in the shop: deterministic, the same people at every size, block by block, and plausible."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import tracemalloc
import weakref
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.data.dataset import Dataset
from course_lib.shop import Persona, personas
from course_lib.shop import simulate as simulator
from course_lib.shop.simulate import Block, events_frame, simulate
from course_lib.shop.world import World

Blocks = Callable[[int], None]


@pytest.fixture(scope="module")
def block(world: World) -> Block:
    """One whole block of the published shop."""
    return next(simulate(world, simulator.BLOCK))


@pytest.fixture(scope="module")
def events(block: Block, world: World) -> pd.DataFrame:
    return block.frame(world)


def same(one: Block, other: Block, shoppers: int) -> None:
    """The first shoppers of two blocks are the same people with the same purchases."""
    np.testing.assert_array_equal(one.length[:shoppers], other.length[:shoppers])
    for n in range(shoppers):
        events = slice(0, one.length[n])
        np.testing.assert_array_equal(one.items[n, events], other.items[n, events])
        np.testing.assert_array_equal(one.days[n, events], other.days[n, events])
        for name in ("interest", "mission"):
            np.testing.assert_array_equal(getattr(one.truth, name)[n, events], getattr(other.truth, name)[n, events])
    np.testing.assert_array_equal(one.truth.taste[:shoppers], other.truth.taste[:shoppers])
    np.testing.assert_array_equal(one.truth.budget[:shoppers], other.truth.budget[:shoppers])


def test_deterministic_in_the_seed(world: World, blocks_of: Blocks) -> None:
    blocks_of(100)
    first, again, other = (events_frame(world, 150, seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    pd.testing.assert_frame_equal(events_frame(world, 150), events_frame(world, 150, world.parameters["seed"]))


def test_the_purchases_are_those_that_they_were(world: World) -> None:
    """Frozen before searches, slates, visits, coupons and the rest came: they draw from streams of their own.

    Whoever changes what is bought on purpose changes this digest, and every measured table with it.
    """
    purchases = np.ascontiguousarray(events_frame(world, 2500).to_numpy(np.int64), "<i8")
    assert hashlib.sha256(purchases.tobytes()).hexdigest()[:16] == "ead4ae2dddc15d3c"


def test_the_first_shoppers_of_a_larger_shop(world: World, blocks_of: Blocks) -> None:
    """The 70 of the small shop, a block and a part of one, are the first 70 of a large one."""
    blocks_of(50)
    small, large = list(simulate(world, 70)), list(simulate(world, 180))
    assert [len(part.length) for part in small] == [50, 20]
    assert [(part.first, len(part.length)) for part in large] == [(0, 50), (50, 50), (100, 50), (150, 30)]
    same(small[0], large[0], 50)
    same(small[1], large[1], 20)
    frame = events_frame(world, 180)
    pd.testing.assert_frame_equal(frame[frame[Columns.USER] < 70].reset_index(drop=True), events_frame(world, 70))


@pytest.mark.parametrize("shoppers", [1, 49, 50, 51])
def test_exactly_as_many_shoppers_as_asked(shoppers: int, world: World, blocks_of: Blocks) -> None:
    blocks_of(50)
    assert events_frame(world, shoppers)[Columns.USER].nunique() == shoppers


def test_the_tiny_shop_begins_the_others(dataset: Dataset, events: pd.DataFrame) -> None:
    ours = dataset.events
    same = events[events[Columns.USER] < dataset.num_users].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), same)


def test_blocks_differ(world: World, blocks_of: Blocks) -> None:
    """Each has a random stream of its own; nobody lives twice."""
    blocks_of(50)
    first, second = simulate(world, 100)
    assert not np.array_equal(first.truth.taste[5:], second.truth.taste[5:])
    assert not np.array_equal(first.items[:, :6], second.items[:, :6])


def test_no_block_is_kept(world: World, blocks_of: Blocks) -> None:
    """Who has used a block can let go of it: the iterator holds none but the one it has just made."""
    blocks_of(20)
    seen: list[weakref.ref[Block]] = []
    for part in simulate(world, 100):
        assert sum(reference() is not None for reference in seen) == 0
        seen.append(weakref.ref(part))
        del part
    assert len(seen) == 5


def test_memory_does_not_grow_with_the_shop(world: World, blocks_of: Blocks) -> None:
    """Ten times the shoppers, read block by block, need the memory of one block."""
    blocks_of(40)

    def peak(shoppers: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            for part in simulate(world, shoppers):
                del part
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(40)
    few, many = peak(80), peak(800)
    assert many < 1.3 * few


def test_personas_are_the_first_five(block: Block, world: World) -> None:
    """With the taste, the price limit and the interest of their description, and a history long enough to look at."""
    rows = world.parameters.content["persona"]
    assert len(rows) == 5
    names = [row["id"] for row in world.parameters.content["interest"]]
    for n, row in enumerate(rows):
        np.testing.assert_allclose(block.truth.taste[n], row["style"], rtol=1e-6)
        assert block.truth.budget[n] == pytest.approx(row["budget"])
        assert names[block.truth.interest[n, 0]] == row["interest"]
    assert (block.length[:5] == world.parameters["shopper.persona_events"]).all()


def test_personas_have_names() -> None:
    people = personas()
    assert len(people) == 5
    for person in people:
        assert isinstance(person, Persona)
        assert all(person.name(language) and len(person.blurb(language)) > 20 for language in ("zh", "en"))
        assert person.name("zh") != person.name("en")
    assert len({person.id for person in people}) == 5


def test_only_the_first_block_has_personas(world: World, blocks_of: Blocks) -> None:
    blocks_of(50)
    first, second = simulate(world, 100)
    styles = np.array([row["style"] for row in world.parameters.content["persona"]], np.float32)
    np.testing.assert_array_equal(first.truth.taste[:5], styles)
    assert not np.isin(second.truth.taste[:5], styles).any()


def test_histories_have_the_length_that_the_parameters_say(block: Block, world: World) -> None:
    traits = world.parameters.numbers["shopper"]
    lengths = block.length[5:]
    assert lengths.min() >= traits["events_minimum"]
    assert lengths.max() <= traits["events_maximum"]
    error = lengths.std() / np.sqrt(len(lengths))
    assert abs(lengths.mean() - traits["events_mean"]) < 5 * error + 0.2  # the maximum cuts a little


def test_the_frame(block: Block, events: pd.DataFrame, world: World) -> None:
    assert tuple(events.columns) == EVENT_COLUMNS
    assert len(events) == block.length.sum()
    np.testing.assert_array_equal(events.groupby(Columns.USER).size(), block.length)
    start = pd.Timestamp(world.parameters["shopper.start_date"]).timestamp()
    assert events[Columns.TIME].min() >= start
    assert events[Columns.BASKET].is_unique, "each purchase is an order of its own"
    for n in (0, 1, len(block.length) - 1):
        mine = events[events[Columns.USER] == n]
        assert mine[Columns.ITEM].tolist() == (block.items[n, : block.length[n]] + 1).tolist()
        assert mine[Columns.TIME].is_monotonic_increasing
        seconds = start + block.days[n, : block.length[n]].astype(float) * 86_400
        np.testing.assert_allclose(mine[Columns.TIME], seconds, atol=1)


def test_every_product_sells(events: pd.DataFrame, world: World) -> None:
    counts = np.bincount(events[Columns.ITEM], minlength=len(world.catalogue.type) + 1)[1:]
    assert (counts > 0).mean() > 0.85
    assert np.sort(counts)[::-1][: len(counts) // 5].sum() > 0.4 * counts.sum(), "popularity is skewed"


def again(block: Block, world: World) -> tuple[np.ndarray, np.ndarray]:
    """(E,) which purchases are of a type that the shopper has bought before, and which are of a durable type."""
    used = np.arange(block.items.shape[1])[None] < block.length[:, None]
    users = np.nonzero(used)[0]
    types = world.catalogue.type[block.items[used]]
    seen = pd.DataFrame({"user": users, "type": types}).duplicated().to_numpy()
    return seen, world.durable[types]


def test_durables_are_almost_never_bought_again_and_consumables_are(block: Block, world: World) -> None:
    """A second basketball is a rare whim; coffee comes back."""
    seen, durable = again(block, world)
    durables, consumables = seen[durable].mean(), seen[~durable].mean()
    assert durables < 0.05
    assert consumables > 0.05
    assert consumables > 3 * durables


def test_a_consumable_often_comes_back_as_the_same_product(block: Block, world: World) -> None:
    """Loyalty: the share of repeated consumables that are the very product, beyond what popularity alone gives."""
    same_product = different = 0
    for n in range(len(block.length)):
        last: dict[int, int] = {}
        for item in block.items[n, : block.length[n]]:
            kind = int(world.catalogue.type[item])
            if kind in last and not world.durable[kind]:
                same_product += last[kind] == item
                different += last[kind] != item
            last[kind] = int(item)
    assert same_product / (same_product + different) > world.parameters["choice.loyalty"]


def test_missions_follow_their_stages(block: Block, world: World) -> None:
    """A mission is begun at its first stage far more often than a blind choice among its types would begin it."""
    begun_first = begun = 0
    blind = []
    for n in range(len(block.length)):
        for t in range(block.length[n] - 1):
            before, after = block.truth.mission[n, t], block.truth.mission[n, t + 1]
            stage = world.stage_of[world.catalogue.type[block.items[n, t]], after] if after >= 0 else -1
            if before != after and stage >= 0:
                begun += 1
                begun_first += stage == 0
                slots = world.slot_type[after] < len(world.durable)
                blind.append((world.slot_stage[after][slots] == 0).mean())
    assert begun > 1000
    assert begun_first / begun > np.mean(blind) + 0.2


def test_the_truth_stays_with_the_block(block: Block) -> None:
    """Interest and mission are kept before each event: the first mission is none, an interest is there at once."""
    assert (block.truth.mission[:, 0] == -1).all()
    assert (block.truth.interest[:, 0] >= 0).all()
    assert {field.name for field in dataclasses.fields(block.truth)} == {"taste", "budget", "interest", "mission"}
