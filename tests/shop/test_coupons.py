"""Coupons: the randomised comparison finds the true effect, the targeted one misleads, and the truth is exact."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.shop import world as rules
from course_lib.shop.coupons import coupon_blocks, coupon_frame, propensities
from course_lib.shop.parts import COUPONS, whole_blocks
from course_lib.shop.simulate import BLOCK, Block, events_frame, simulate
from course_lib.shop.truth.coupons import (
    CLASSES,
    best_curve,
    block_outcomes,
    campaign_types,
    gain_curve,
    need,
    policy_value,
    qini,
    true_effects,
)
from course_lib.shop.truth.next_product import Belief, type_chances
from course_lib.shop.world import Memory, World

Blocks = Callable[[int], None]
C = Columns
SHOPPERS = 5 * BLOCK


@pytest.fixture(scope="module")
def log(world: World) -> pd.DataFrame:
    return coupon_frame(world, SHOPPERS)


@pytest.fixture(scope="module")
def effects(world: World) -> pd.DataFrame:
    return true_effects(world, SHOPPERS)


def campaigns(world: World, assignment: str) -> list[str]:
    return [row["id"] for row in world.parameters.content["campaign"] if row["assignment"] == assignment]


def naive(rows: pd.DataFrame) -> tuple[float, float]:
    """Difference of the shares of buyers with and without a coupon, and its standard error."""
    with_, without = rows.loc[rows[C.COUPON], C.BOUGHT], rows.loc[~rows[C.COUPON], C.BOUGHT]
    error = np.sqrt(with_.var() / len(with_) + without.var() / len(without))
    return float(with_.mean() - without.mean()), float(error)


def weighted(rows: pd.DataFrame) -> tuple[float, float]:
    """The same by inverse propensity (Horvitz & Thompson), and its standard error."""
    chance, given = rows[C.PROPENSITY], rows[C.COUPON]
    each = rows[C.BOUGHT] * (given / chance - ~given / (1 - chance))
    return float(each.mean()), float(each.std() / np.sqrt(len(each)))


def test_there_are_campaigns_of_both_kinds(world: World) -> None:
    content = world.parameters.content
    rows = content["campaign"]
    assert len({row["id"] for row in rows}) == len(rows)
    assert len(campaigns(world, "random")) >= 2
    assert len(campaigns(world, "targeted")) >= 2
    for row in rows:
        assert row["type"] in {kind["id"] for kind in content["type"]}
        assert row["assignment"] in ("random", "targeted")
        assert ("chance" in row) == (row["assignment"] == "random")
        assert 0 < row["discount"] < 1
        assert row["name_zh"] != row["name_en"]


def test_the_randomised_difference_is_the_true_effect(log: pd.DataFrame, effects: pd.DataFrame, world: World) -> None:
    for name in campaigns(world, "random"):
        true = effects.loc[effects[C.CAMPAIGN] == name, "uplift"].mean()
        found, error = naive(log[log[C.CAMPAIGN] == name])
        assert abs(found - true) < 2.6 * error, name  # 99%
        assert found > 2 * error, "and there is an effect to find"


def test_the_interval_holds_as_often_as_it_says(world: World, blocks_of: Blocks) -> None:
    """Over ten seeds and all random campaigns, about 95 of 100 intervals cover the true effect of their sample."""
    blocks_of(600)
    inside = []
    for seed in range(10):
        log, effects = coupon_frame(world, 1200, seed), true_effects(world, 1200, seed)
        for name in campaigns(world, "random"):
            true = effects.loc[effects[C.CAMPAIGN] == name, "uplift"].mean()
            found, error = naive(log[log[C.CAMPAIGN] == name])
            inside.append(abs(found - true) < 1.96 * error)
    assert np.mean(inside) > 0.8  # 30 intervals of 95%: fewer than 25 once in 3,000 times


def test_the_targeted_difference_misleads_and_weighting_repairs_it(
    log: pd.DataFrame, effects: pd.DataFrame, world: World
) -> None:
    far = []
    for name in campaigns(world, "targeted"):
        rows = log[log[C.CAMPAIGN] == name]
        true = effects.loc[effects[C.CAMPAIGN] == name, "uplift"].mean()
        found, error = naive(rows)
        far.append((found - true) / error)
        repaired, error = weighted(rows)
        assert abs(repaired - true) < 2.6 * error, name
    assert all(distance > 1 for distance in far), "those who got it buy more anyway"
    assert sum(distance > 4 for distance in far) >= 2


def test_the_same_shoppers_react_alike_to_both_assignments(effects: pd.DataFrame, world: World) -> None:
    """A random and a targeted campaign for one type and discount have the same chances, and luck of their own."""
    rows = world.parameters.content["campaign"]
    pairs = [(a, b) for a, b in itertools.combinations(rows, 2) if a["type"] == b["type"]]
    assert pairs
    for one, other in pairs:
        first, second = (effects[effects[C.CAMPAIGN] == row["id"]].reset_index(drop=True) for row in (one, other))
        pd.testing.assert_series_equal(first["chance_with"], second["chance_with"])
        assert not first["bought_with"].equals(second["bought_with"])


def test_the_log_shows_one_of_the_two_outcomes(log: pd.DataFrame, effects: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(log[[C.USER, C.CAMPAIGN]], effects[[C.USER, C.CAMPAIGN]])
    np.testing.assert_array_equal(
        log[C.BOUGHT], np.where(log[C.COUPON], effects["bought_with"], effects["bought_without"])
    )


def test_the_four_classes(effects: pd.DataFrame) -> None:
    """They are the two outcomes, and all occur. Of one uniform number: nobody is put off where the chance rises."""
    kinds = {
        "lost cause": (False, False),
        "persuadable": (False, True),
        "sleeping dog": (True, False),
        "sure thing": (True, True),
    }
    assert set(kinds) == set(CLASSES)
    for name, (without, with_) in kinds.items():
        rows = effects[effects["shopper_class"] == name]
        assert len(rows) > 50, name
        assert (rows["bought_without"] == without).all()
        assert (rows["bought_with"] == with_).all()
    assert (effects.loc[effects["shopper_class"] == "persuadable", "uplift"] > 0).all()
    assert (effects.loc[effects["shopper_class"] == "sleeping dog", "uplift"] < 0).all()


@pytest.mark.parametrize("side", ["with", "without"])
def test_outcomes_have_their_stated_chances(side: str, effects: pd.DataFrame) -> None:
    """Chi-square over ten groups of equal chances."""
    stated, found = effects[f"chance_{side}"].to_numpy(), effects[f"bought_{side}"].to_numpy()
    group = np.digitize(stated, np.quantile(stated, np.linspace(0, 1, 11))[1:-1])
    difference = np.bincount(group, found - stated, 10) ** 2
    assert (difference / np.bincount(group, stated * (1 - stated), 10)).sum() < 29.6  # 99.9%, 10 degrees


def test_coupons_are_given_with_their_stated_chances(log: pd.DataFrame, world: World) -> None:
    for (name, chance), rows in log.groupby([C.CAMPAIGN, C.PROPENSITY], observed=True):
        assert abs(rows[C.COUPON].mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / len(rows)), name


def test_the_rule_of_targeting_reads_purchases_alone(world: World, blocks_of: Blocks) -> None:
    """Recomputed from the shop's own frame of events, by loops."""
    blocks_of(200)
    part = next(simulate(world, 200))
    events = events_frame(world, 200).merge(world.catalogue.items[[C.ITEM, C.DEPARTMENT]], on=C.ITEM)
    events = events.sort_values([C.USER, C.TIME], kind="stable")
    numbers, content = world.parameters.numbers["coupons"], world.parameters.content
    department = {row["id"]: row["department"] for row in content["type"]}
    found = propensities(world, part)
    for user, rows in events.groupby(C.USER):
        recent = set(rows[C.DEPARTMENT].tail(numbers["recent"]))
        for n, row in enumerate(content["campaign"]):
            aimed = department[row["type"]] in recent
            expected = row.get("chance", numbers["aimed"] if aimed else numbers["other"])
            assert found[user, n] == expected
    assert 0.05 < (found == numbers["aimed"]).mean() < 0.95


def test_need_is_the_oracles(block: Block, world: World) -> None:
    """Shopper by shopper: the history replayed alone, the belief led over the last purchase, the type's chance."""
    numbers, types = world.parameters.numbers["coupons"], campaign_types(world)
    found = need(world, block)
    for n in (0, 3, 77, 1234):
        memory, one = Memory.empty(1, world), np.zeros(1, int)
        length = int(block.length[n])
        for t in range(length):
            now = rules.moment(memory, block.days[n : n + 1, t], world)
            if t == length - 1:
                state = Belief.certain(block.truth.interest[[n], t], block.truth.mission[[n], t], world)
                state = state.updated(world.catalogue.type[block.items[[n], t]], now, rules.slot_chances(now), world)
            memory.remember(one, block.items[[n], t], block.days[[n], t], world)
        day = block.days[[n], length - 1] + np.float32(numbers["delay_days"] + numbers["window_days"] / 2)
        now = rules.moment(memory, day, world)
        expected = type_chances(state, now, rules.slot_chances(now), world)[0, types]
        np.testing.assert_allclose(found[n], expected, rtol=1e-4, atol=1e-7)


def test_the_chances_follow_the_stated_formula(block: Block, world: World) -> None:
    """By hand for some shoppers, without what nothing observable tells."""
    flat = world.parameters.replaced("coupons.spread", 0.0)
    plain = rules.make_world(flat)
    outcomes = block_outcomes(plain, block, np.random.default_rng(1))
    numbers, wants = flat.numbers["coupons"], need(plain, block)
    for n in (0, 5, 900):
        pace = (block.days[n, block.length[n] - 1] - block.days[n, 0]) / (block.length[n] - 1)
        for k, row in enumerate(flat.content["campaign"]):
            without = 1 - np.exp(-numbers["window_days"] / pace * wants[n, k])
            strength = numbers["effect"] * row["discount"] / 0.2
            feeling = np.tanh(numbers["willing"] - numbers["thrift"] * block.truth.budget[n])
            odds = without / (1 - without) * np.exp(strength * feeling)
            assert outcomes.chance_without[n, k] == pytest.approx(without, rel=1e-4, abs=1e-9)
            assert outcomes.chance_with[n, k] == pytest.approx(odds / (1 + odds), rel=1e-4, abs=1e-9)


def test_deterministic_and_the_same_in_a_larger_shop(world: World, blocks_of: Blocks) -> None:
    blocks_of(50)
    for table in (coupon_frame, true_effects):
        small, large = table(world, 70), table(world, 130)
        pd.testing.assert_frame_equal(large[large[C.USER] < 70].reset_index(drop=True), small)
        pd.testing.assert_frame_equal(table(world, 70), small)
        assert not table(world, 70, 6).equals(small)
        assert small[C.USER].nunique() == 70
    assert [len(part) for part in coupon_blocks(world, 70)] == [50 * 6, 20 * 6]


def test_the_frame_tells_only_what_the_shop_sees(log: pd.DataFrame, world: World) -> None:
    assert list(log.columns) == [C.USER, C.CAMPAIGN, C.TIME, C.PROPENSITY, C.COUPON, C.BOUGHT]
    last = events_frame(world, 300).groupby(C.USER)[C.TIME].max()
    when = log[log[C.USER] < 300].groupby(C.USER)[C.TIME].agg(["min", "max"])
    delay = world.parameters["coupons.delay_days"] * 86_400
    assert (when["min"] == when["max"]).all()
    np.testing.assert_allclose(when["min"], last + delay, atol=2)


def test_no_targeting_beats_the_true_uplift() -> None:
    """Every order of a handful of shoppers: the best curve is above each, at every number of coupons."""
    uplift = np.array([0.3, -0.2, 0.1, 0.1, 0.0, -0.05])
    best = best_curve(uplift)
    scores = [np.array(order, float) for order in itertools.permutations(range(6))]
    assert all((gain_curve(uplift, score) <= best + 1e-12).all() for score in scores)
    assert max(qini(uplift, score) for score in scores) == pytest.approx(qini(uplift, uplift))
    assert best.max() == pytest.approx(uplift[uplift > 0].sum())
    assert best[-1] == pytest.approx(uplift.sum())
    # All orders together are random targeting, which is 0, and so is a score that tells nobody apart.
    assert np.mean([qini(uplift, score) for score in scores]) == pytest.approx(0, abs=1e-12)
    assert qini(uplift, np.ones(6)) == pytest.approx(0, abs=1e-12)


def test_the_value_of_a_policy(effects: pd.DataFrame) -> None:
    """Treating whom the coupon draws is worth most, and the gain curve says how much more than treating none."""
    rows = effects[effects[C.CAMPAIGN] == effects[C.CAMPAIGN].iloc[0]]
    with_, without = rows["chance_with"].to_numpy(), rows["chance_without"].to_numpy()
    uplift, n = rows["uplift"].to_numpy(), len(rows)
    none, everyone, best = (
        policy_value(without, with_, treated) for treated in (np.zeros(n, bool), np.ones(n, bool), uplift > 0)
    )
    assert best > everyone > none
    assert best - none == pytest.approx(best_curve(uplift).max() / n)
    # Who would buy most likely is not whom a coupon moves most.
    assert 0 < qini(uplift, without) < 0.9 * qini(uplift, uplift)


def test_the_coupon_stream_starts_with_the_outcomes(world: World) -> None:
    """Truth and log draw alike: the same block, the same stream, the same numbers."""
    (one, rng), (same, again) = (next(whole_blocks(world, COUPONS, 1)) for _ in range(2))
    first, second = block_outcomes(world, one, rng), block_outcomes(world, same, again)
    np.testing.assert_array_equal(first.luck, second.luck)
    np.testing.assert_array_equal(first.chance_with, second.chance_with)
