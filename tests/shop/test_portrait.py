"""One shopper's truth and the truth at a glance: equal to the oracle and to the log, counted the slow way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from course_lib.data.columns import Columns
from course_lib.shop.plackett_luce import position_chances
from course_lib.shop.simulate import BLOCK, events_frame, simulate
from course_lib.shop.truth import coupons as coupon_truth
from course_lib.shop.truth.glance import Glance, correlation, glance
from course_lib.shop.truth.next_product import true_chances
from course_lib.shop.truth.portrait import Portrait, mission_types, portrait
from course_lib.shop.world import World

USERS = (0, 7)


@pytest.fixture(scope="module")
def portraits(world: World) -> dict[int, Portrait]:
    return {user: portrait(world, user) for user in USERS}


@pytest.fixture(scope="module")
def seen(world: World) -> Glance:
    return glance(world)


def test_the_purchases_are_those_of_the_shop(world: World, portraits: dict[int, Portrait]) -> None:
    events = events_frame(world, 8)
    for user, found in portraits.items():
        own = events[events[Columns.USER] == user]
        assert [step.item for step in found.steps] == own[Columns.ITEM].tolist()


def test_the_chances_are_the_oracles(world: World, portraits: dict[int, Portrait]) -> None:
    two, last = next(true_chances(world, 8, ago=(2, 1)))
    for user, found in portraits.items():
        for step, chances in ((found.steps[-1], last), (found.steps[-2], two)):
            np.testing.assert_allclose(step.known, chances.known[user], rtol=1e-4, atol=1e-7)
            np.testing.assert_allclose(step.filtered, chances.filtered[user], rtol=1e-3, atol=1e-6)


def test_types_add_up_their_products(world: World, portraits: dict[int, Portrait]) -> None:
    for step in portraits[0].steps:
        assert float(step.known.sum()) == pytest.approx(1, abs=1e-4)
        by_type = np.bincount(world.catalogue.type, step.known)
        np.testing.assert_allclose(by_type, step.types, atol=1e-5)


def test_state_and_needs_are_those_before_the_purchase(world: World, portraits: dict[int, Portrait]) -> None:
    truth = next(simulate(world, 8)).truth
    for user, found in portraits.items():
        np.testing.assert_array_equal(found.taste, truth.taste[user])
        assert found.budget == pytest.approx(float(truth.budget[user]))
        owned: set[int] = set()
        for t, step in enumerate(found.steps):
            assert (step.interest, step.mission) == (truth.interest[user, t], truth.mission[user, t])
            kinds = [kind for _, kind in mission_types(world, step.mission)]
            assert step.bought == tuple(kind in owned for kind in kinds)
            owned.add(int(world.catalogue.type[step.item - 1]))


def test_a_mission_lists_the_types_of_its_file(world: World) -> None:
    content = world.parameters.content
    names = [row["id"] for row in content["type"]]
    for number, row in enumerate(content["mission"]):
        stages = [(stage, name) for stage, step in enumerate(row["steps"]) for name in step]
        assert [(stage, names[kind]) for stage, kind in mission_types(world, number)] == stages
    assert mission_types(world, -1) == []


@pytest.mark.parametrize("user", [-1, BLOCK])
def test_a_shopper_out_of_reach_is_refused(world: World, user: int) -> None:
    with pytest.raises(ValueError, match=str(user)):
        portrait(world, user)


def test_positions_are_counted_from_the_log(world: World, seen: Glance) -> None:
    from course_lib.shop.slates import slate_log

    log = slate_log(world, BLOCK)
    for row in seen.positions.to_dict("records"):
        own = log[(log[Columns.POLICY] == "uniform") & (log[Columns.POSITION] == row[Columns.POSITION])]
        assert (row["shown"], row["clicks"]) == (len(own), int(own[Columns.CLICK].sum()))
        assert row["rate"] == pytest.approx(row["clicks"] / row["shown"])
        assert row["low"] < row["rate"] < row["high"]
    ratio = seen.positions["truth"].to_numpy() / seen.positions["truth"].iloc[0]
    np.testing.assert_allclose(ratio, np.arange(1, 4) ** -world.parameters["slates.attention"])


def test_the_value_of_the_uniform_policy_by_hand(world: World, seen: Glance) -> None:
    from course_lib.shop.front_page import front_page
    from course_lib.shop.parts import SLATES, whole_blocks
    from course_lib.shop.truth.slates import attractiveness, looked_at

    page = front_page(world)
    block, _ = next(whole_blocks(world, SLATES, 1))
    attractive = attractiveness(world, page, block)
    expected = attractive.mean() * looked_at(world).sum()  # each product at each place with the same chance
    values = seen.policies.set_index(Columns.POLICY)["value"]
    assert values["uniform"] == pytest.approx(expected)
    assert values["uniform"] < values["popularity"] < values["personal"] < values["best"]
    np.testing.assert_allclose(position_chances(np.zeros((1, 84)), 3), 1 / 84)
    assert seen.positions["truth"].sum() == pytest.approx(expected)


def test_coupon_classes_are_counted_by_both_outcomes(world: World, seen: Glance) -> None:
    effects = coupon_truth.true_effects(world, BLOCK)
    random = {row["id"] for row in world.parameters.content["campaign"] if row["assignment"] == "random"}
    assert set(seen.coupons[Columns.CAMPAIGN]) == random
    names: dict[Any, str] = {
        (True, False): "persuadable", (True, True): "sure thing", (False, False): "lost cause",
        (False, True): "sleeping dog",
    }  # fmt: skip
    for row in seen.coupons.to_dict("records"):
        own = effects[effects[Columns.CAMPAIGN] == row[Columns.CAMPAIGN]]
        kinds = [names[pair] for pair in zip(own["bought_with"], own["bought_without"], strict=True)]
        assert row["shoppers"] == kinds.count(row["shopper_class"])
        assert row["share"] == pytest.approx(row["shoppers"] / BLOCK)


def test_clicks_and_utility_of_one_product_by_hand(world: World, seen: Glance) -> None:
    from course_lib.shop.front_page import front_page
    from course_lib.shop.parts import SLATES, whole_blocks
    from course_lib.shop.truth.satisfaction import quality
    from course_lib.shop.truth.slates import attractiveness

    page = front_page(world)
    block, _ = next(whole_blocks(world, SLATES, 1))
    row = seen.liking.iloc[4]
    product = int(row[Columns.ITEM]) - 1
    numbers, goods = world.parameters.numbers["satisfaction"], world.catalogue
    fit = block.truth.taste.astype(float) @ goods.style[product].astype(float) / np.sqrt(goods.style.shape[1])
    over = np.maximum(goods.price_level[product] - block.truth.budget, 0)
    own = (
        numbers["base"]
        + numbers["taste"] * fit
        - numbers["price"] * over
        + numbers["quality"] * quality(world)[product]
    )
    assert row["utility"] == pytest.approx(own.mean(), abs=1e-5)
    assert row["click"] == pytest.approx(attractiveness(world, page, block)[:, 4].mean())
    pearson = np.corrcoef(seen.liking["click"], seen.liking["utility"])[0, 1]
    assert correlation(seen.liking) == pytest.approx(pearson)


def test_the_grades_of_results_are_counted_one_by_one(world: World, seen: Glance) -> None:
    from course_lib.shop.search import search_log
    from course_lib.shop.truth.search import queries, search_truth

    log, truth = search_log(world, BLOCK), search_truth(world)
    kinds = queries(world)["kind"].tolist()
    asked = dict(zip(log.searches[Columns.SEARCH].tolist(), log.searches[Columns.QUERY].tolist(), strict=True))
    counted: dict[tuple[str, int], int] = {}
    for search, item in zip(log.results[Columns.SEARCH].tolist(), log.results[Columns.ITEM].tolist(), strict=True):
        pair = kinds[asked[search]], int(truth.grades[asked[search], item - 1])
        counted[pair] = counted.get(pair, 0) + 1
    for row in seen.searches.to_dict("records"):
        assert row["shown"] == counted.get((row["kind"], row["grade"]), 0)
        of_kind = sum(count for (kind, _), count in counted.items() if kind == row["kind"])
        assert row["share"] == pytest.approx(row["shown"] / of_kind)
    well = seen.searches[seen.searches["grade"] >= 2].groupby("kind", sort=False)["share"].sum()
    assert well.is_monotonic_decreasing
    assert well["head"] > 0.9 > 0.5 > well["need"]  # words suffice where the query names the product


def test_tastes_lead_from_every_rich_department_to_every_poor_one(world: World, seen: Glance) -> None:
    from course_lib.shop.truth.departments import expected_style, names

    poor = set(world.parameters["departments.poor"])
    assert set(seen.tastes["poor"]) == poor
    assert set(seen.tastes[Columns.DEPARTMENT]) == set(names(world)) - poor
    assert len(seen.tastes) == len(poor) * (len(names(world)) - len(poor))
    people = next(simulate(world, BLOCK)).truth
    found = expected_style(world, people.taste, people.budget)
    row = seen.tastes.iloc[0]
    here, there = (found[:, names(world).index(row[name])] for name in (Columns.DEPARTMENT, "poor"))
    x, y = ((one - one.mean(0)).ravel() for one in (here, there))
    assert row["correlation"] == pytest.approx(float(x @ y / np.sqrt((x @ x) * (y @ y))), abs=1e-4)
