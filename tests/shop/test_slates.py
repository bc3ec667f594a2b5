"""The front page: exact chances, clicks as stated, any policy's true value, and the same value from the log alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from course_lib.data.columns import Columns
from course_lib.shop.front_page import FrontPage, Visitors, department_shares, front_page, visitors
from course_lib.shop.plackett_luce import Chances, Slates, draw_slates, position_chances, slate_chances, weights
from course_lib.shop.simulate import simulate
from course_lib.shop.slates import SLATE_COLUMNS, slate_log, slate_logs
from course_lib.shop.truth import slates as truth
from course_lib.shop.world import World

SHOPPERS = 4000
POLICIES = ("uniform", "popularity", "personal")


@pytest.fixture(scope="module")
def page(world: World) -> FrontPage:
    return front_page(world)


@pytest.fixture(scope="module")
def log(world: World) -> pd.DataFrame:
    return slate_log(world, SHOPPERS)


@pytest.fixture(scope="module")
def guests(world: World) -> Visitors:
    """All shoppers of the log, as the shop knows them."""
    blocks = [visitors(block) for block in simulate(world, SHOPPERS)]
    histories = [list(history) for block in blocks for history in block.histories]
    return Visitors(0, type(blocks[0].histories).from_lists(histories))


def by_hand(logits: np.ndarray, positions: int) -> tuple[np.ndarray, dict[tuple[int, ...], float]]:
    """Chances at each position and of each slate, by going through all slates."""
    share = np.exp(logits) / np.exp(logits).sum()
    at, of = np.zeros((positions, len(share))), {}
    for slate in itertools.permutations(range(len(share)), positions):
        chance, left = 1.0, 1.0
        for item in slate:
            chance, left = chance * share[item] / left, left - share[item]
        of[slate] = chance
        at[np.arange(positions), slate] += chance
    return at, of


@pytest.mark.parametrize("positions", [1, 2, 3])
@pytest.mark.parametrize("products", [3, 7])
def test_chances_are_those_of_all_slates(positions: int, products: int) -> None:
    logits = np.random.default_rng(positions).normal(0, 2, (5, products))
    found = position_chances(logits, positions)
    assert found.shape == (5, positions, products)
    np.testing.assert_allclose(found.sum(2), 1, rtol=1e-9)
    for n, row in enumerate(logits):
        at, of = by_hand(row, positions)
        np.testing.assert_allclose(found[n], at, rtol=1e-8, atol=1e-12)
        slates = np.array(list(of))
        np.testing.assert_allclose(slate_chances(np.tile(row, (len(slates), 1)), slates), list(of.values()), rtol=1e-9)
        assert sum(of.values()) == pytest.approx(1)


def test_everybody_alike_is_the_same_as_one_by_one() -> None:
    row = np.random.default_rng(0).normal(size=(1, 9))
    other = np.random.default_rng(1).normal(size=(1, 9))
    alike = position_chances(np.tile(row, (3, 1)), 3)
    mixed = position_chances(np.concatenate([row, other]), 3)
    np.testing.assert_allclose(alike, np.tile(mixed[:1], (3, 1, 1)), rtol=1e-12)


def test_slates_are_drawn_with_these_chances() -> None:
    """Chi-square over all 60 ordered slates of 3 out of 5, and no product twice."""
    logits, n = np.array([1.0, 0.2, -0.5, 0.7, -1.0]), 30_000
    drawn = draw_slates(np.tile(logits, (n, 1)), 3, np.random.default_rng(3).random((n, 5)))
    _, of = by_hand(logits, 3)
    counts = dict.fromkeys(of, 0)
    for slate in map(tuple, drawn.tolist()):
        counts[slate] += 1
    assert stats.chisquare(list(counts.values()), n * np.array(list(of.values()))).pvalue > 1e-3


def test_impossible_slates_are_refused() -> None:
    with pytest.raises(ValueError, match="between 1 and 3"):
        position_chances(np.zeros((1, 10)), 4)
    with pytest.raises(ValueError, match="between 1 and 2"):
        position_chances(np.zeros((1, 2)), 3)
    with pytest.raises(ValueError, match="less steep"):
        position_chances(np.array([[40.0, 20.0, 0.0, 0.0]]), 3)


def test_the_page_has_one_product_of_each_type(page: FrontPage, world: World) -> None:
    assert world.catalogue.type[page.items - 1].tolist() == list(range(len(world.durable)))
    assert tuple(page.policies) == POLICIES
    sold = np.concatenate([block.items[n, : block.length[n]] for block in simulate(world, 2000) for n in range(2000)])
    np.testing.assert_array_equal(page.sales, np.bincount(sold, minlength=len(world.catalogue.type))[page.items - 1])
    departments = world.catalogue.items[Columns.DEPARTMENT].to_numpy()
    assert pd.DataFrame({"code": page.department_of[1:], "name": departments}).drop_duplicates().shape[0] == 11


def test_policies_use_what_the_shop_knows(page: FrontPage, guests: Visitors, world: World) -> None:
    uniform, popularity, personal = (weights(policy(guests)) for policy in page.policies.values())
    np.testing.assert_allclose(uniform, 1 / len(page.items))
    expected = (1.0 + page.sales) ** world.parameters["slates.popularity"]
    np.testing.assert_allclose(popularity, np.tile(expected / expected.sum(), (SHOPPERS, 1)))
    history = guests.histories[7]
    share = (page.department_of[history][:, None] == page.department).mean(0)
    expected = expected * np.exp(world.parameters["slates.personal"] * share)
    np.testing.assert_allclose(personal[7], expected / expected.sum())
    empty = type(guests.histories).from_lists([[], [1, 1]])
    assert department_shares(empty, page.department_of).sum(1).tolist() == [0, 1]


def test_the_log(log: pd.DataFrame, world: World) -> None:
    numbers = world.parameters.numbers["slates"]
    assert tuple(log.columns) == SLATE_COLUMNS
    assert len(log) == SHOPPERS * numbers["visits"] * numbers["positions"]
    assert log[Columns.SLATE].nunique() == SHOPPERS * numbers["visits"]
    slates = log.groupby(Columns.SLATE)
    assert (slates[Columns.ITEM].nunique() == numbers["positions"]).all(), "a product twice on a slate"
    assert (slates[Columns.POSITION].agg(list).map(tuple) == tuple(range(1, numbers["positions"] + 1))).all()
    assert log.groupby(Columns.USER)[Columns.TIME].is_monotonic_increasing.all()
    last = np.concatenate([b.days[np.arange(len(b.length)), b.length - 1] for b in simulate(world, SHOPPERS)])
    start = pd.Timestamp(world.parameters["shopper.start_date"]).timestamp()
    assert (log[Columns.TIME] >= start + np.floor(last.astype(float) * 86_400)[log[Columns.USER]]).all()
    shares = log.groupby(Columns.POLICY)[Columns.SLATE].nunique()
    assert stats.chisquare(shares).pvalue > 1e-3


def test_logged_chances_are_the_policies(log: pd.DataFrame, page: FrontPage, guests: Visitors) -> None:
    column = np.full(page.items.max() + 1, -1)
    column[page.items] = np.arange(len(page.items))
    for name, policy in page.policies.items():
        rows = log[log[Columns.POLICY] == name]
        logits = policy(guests)
        at = position_chances(logits, 3)[rows[Columns.USER], rows[Columns.POSITION] - 1, column[rows[Columns.ITEM]]]
        np.testing.assert_allclose(rows[Columns.PROPENSITY], at, rtol=1e-9)
        shown = column[rows[Columns.ITEM].to_numpy().reshape(-1, 3)]
        whole = slate_chances(logits[rows[Columns.USER].to_numpy()[::3]], shown)
        np.testing.assert_allclose(rows[Columns.SLATE_PROPENSITY], np.repeat(whole, 3), rtol=1e-9)


@pytest.mark.parametrize("name", POLICIES)
def test_products_are_shown_as_often_as_logged(name: str, log: pd.DataFrame, page: FrontPage, guests: Visitors) -> None:
    """Chi-square at each position: shown counts against the sum of the stated chances over the slates' shoppers."""
    rows = log[log[Columns.POLICY] == name]
    at = position_chances(page.policies[name](guests), 3)
    for position in (1, 2, 3):
        mine = rows[rows[Columns.POSITION] == position]
        expected = at[mine[Columns.USER], position - 1].sum(0)
        observed = mine[Columns.ITEM].value_counts().reindex(page.items, fill_value=0).to_numpy()
        assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_deterministic_and_independent_of_the_shops_size(world: World, blocks_of: Callable[[int], None]) -> None:
    blocks_of(50)
    small, large = slate_log(world, 70), slate_log(world, 180)
    pd.testing.assert_frame_equal(small, large[large[Columns.USER] < 70].reset_index(drop=True))
    pd.testing.assert_frame_equal(small, slate_log(world, 70, world.parameters["seed"]))
    assert not small.equals(slate_log(world, 70, 1))
    assert [frame[Columns.USER].nunique() for frame in slate_logs(world, 120)] == [50, 50, 20]


def truth_of(world: World, page: FrontPage) -> np.ndarray:
    """(SHOPPERS, n) attractiveness."""
    return np.concatenate([truth.attractiveness(world, page, block) for block in simulate(world, SHOPPERS)])


def test_clicks_come_with_the_stated_chances(log: pd.DataFrame, world: World, page: FrontPage) -> None:
    column = np.full(page.items.max() + 1, -1)
    column[page.items] = np.arange(len(page.items))
    position = log[Columns.POSITION].to_numpy()
    chance = position ** -world.parameters["slates.attention"]
    chance = chance * truth_of(world, page)[log[Columns.USER], column[log[Columns.ITEM]]]
    happened = log[Columns.CLICK].to_numpy()
    for group in (position, log[Columns.POLICY].to_numpy(), np.digitize(chance, [0.02, 0.05, 0.1, 0.2, 0.4])):
        for value in np.unique(group):
            mine = group == value
            spread = np.sqrt((chance[mine] * (1 - chance[mine])).sum())
            assert abs(happened[mine].sum() - chance[mine].sum()) < 4 * spread


def test_attractiveness_is_need_and_liking(world: World, page: FrontPage) -> None:
    """Between 0 and 1; higher for what the interest asks for; lower for a durable that is owned."""
    block = next(simulate(world, 500))
    attractive = truth.attractiveness(world, page, block)
    assert attractive.shape == (500, len(page.items))
    assert ((attractive > 0) & (attractive < 1)).all()
    interests = [row["id"] for row in world.parameters.content["interest"]]
    last = block.truth.interest[np.arange(500), block.length - 1]
    types = world.catalogue.items[Columns.TYPE].to_numpy()[page.items - 1]
    cat = attractive[:, types == "cat_food"].ravel()
    assert cat[last == interests.index("pets")].mean() > 3 * cat[last == interests.index("gaming")].mean()
    ball = int(np.flatnonzero(types == "basketball")[0])
    fans = last == interests.index("ballgames")
    owners = np.array([(world.catalogue.type[block.items[n, : block.length[n]]] == ball).any() for n in range(500)])
    assert (fans & owners).sum() > 5
    assert attractive[fans & owners, ball].mean() < 0.6 * attractive[fans & ~owners, ball].mean()


def test_the_true_value_is_that_of_all_slates(world: World, page: FrontPage) -> None:
    """Two shoppers, all 571,704 slates of each, one after another."""
    block = next(simulate(world, 2))
    attractive, looked = truth.attractiveness(world, page, block), truth.looked_at(world)
    np.testing.assert_allclose(looked, np.array([1, 2, 3]) ** -world.parameters["slates.attention"])
    n = len(page.items)
    slates = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    slates = slates[(slates[:, 0] != slates[:, 1]) & (slates[:, 1] != slates[:, 2]) & (slates[:, 0] != slates[:, 2])]
    for name in ("popularity", "personal"):
        policy = page.policies[name]
        found = truth.values(world, policy, 2)
        for shopper, logits in enumerate(policy(visitors(block))):
            share = np.exp(logits) / np.exp(logits).sum()
            first, second, third = share[slates].T
            chance = first * second / (1 - first) * third / (1 - first - second)
            assert chance.sum() == pytest.approx(1)
            assert found[shopper] == pytest.approx(chance @ (attractive[shopper][slates] @ looked), rel=1e-9)


@pytest.mark.parametrize("name", POLICIES)
def test_running_a_policy_agrees_with_its_value(name: str, world: World, page: FrontPage) -> None:
    policy = page.policies[name]
    exact = truth.values(world, policy, SHOPPERS)
    clicks = truth.run(world, policy, SHOPPERS, slates=3)
    assert clicks.shape == (SHOPPERS, 3)
    error = clicks.std() / np.sqrt(clicks.size)
    assert abs(clicks.mean() - exact.mean()) < 3.5 * error
    np.testing.assert_array_equal(clicks, truth.run(world, policy, SHOPPERS, slates=3))
    assert not np.array_equal(clicks, truth.run(world, policy, SHOPPERS, slates=3, luck=1))


def test_policies_in_order_of_their_value(world: World, page: FrontPage) -> None:
    uniform, popularity, personal = (truth.values(world, policy, 500) for policy in page.policies.values())
    best = truth.best_values(world, 500)
    assert uniform.mean() < popularity.mean() < personal.mean() < best.mean()
    assert (best >= np.maximum(np.maximum(uniform, popularity), personal)).all()

    def most_sold(guests: Visitors) -> Slates:
        return np.tile(np.argsort(-page.sales, kind="stable")[:3], (len(guests.histories), 1))

    ranked = truth.ranked_values(world, most_sold, 500)
    block = next(simulate(world, 500))
    by_hand = truth.attractiveness(world, page, block)[:, np.argsort(-page.sales, kind="stable")[:3]]
    np.testing.assert_allclose(ranked, by_hand @ truth.looked_at(world))
    assert (ranked <= best + 1e-12).all()


def estimate(log: pd.DataFrame, page: FrontPage, chances: Chances) -> tuple[float, float]:
    """IPS from the log: the value of a policy with ``chances`` (N, K, n), and half its 95% interval.

    A shopper's slates hang together, so the interval treats shoppers as the units.
    """
    column = np.full(page.items.max() + 1, -1)
    column[page.items] = np.arange(len(page.items))
    at = chances[log[Columns.USER], log[Columns.POSITION] - 1, column[log[Columns.ITEM]]]
    worth = log[Columns.CLICK] * at / log[Columns.PROPENSITY]
    by_slate = worth.groupby([log[Columns.USER], log[Columns.SLATE]]).sum()
    slates, total = by_slate.groupby(level=0).size(), by_slate.groupby(level=0).sum()
    value = by_slate.mean()
    spread = np.sqrt(((total - value * slates) ** 2).sum()) / len(by_slate)
    return float(value), 1.96 * float(spread)


def own_policy(page: FrontPage) -> Callable[[Visitors], Chances]:
    """A policy that made no part of the log: the last product's department, and what sells."""

    def policy(guests: Visitors) -> Chances:
        last = guests.histories.items[guests.histories.offsets[1:] - 1]
        return 0.4 * np.log1p(page.sales) + 1.5 * (page.department_of[last][:, None] == page.department)

    return policy


@pytest.mark.parametrize("logged", ["uniform", "popularity", "personal", "all"])
@pytest.mark.parametrize("name", [*POLICIES, "own"])
def test_ips_finds_the_true_value_in_the_log_and_the_naive_average_does_not(
    name: str, logged: str, log: pd.DataFrame, world: World, page: FrontPage, guests: Visitors
) -> None:
    """From the log of any policy, or of all; the plain click count is right only for the policy that made the log."""
    policy = own_policy(page) if name == "own" else page.policies[name]
    exact = float(truth.values(world, policy, SHOPPERS).mean())
    rows = log if logged == "all" else log[log[Columns.POLICY] == logged]
    value, half = estimate(rows, page, position_chances(policy(guests), 3))
    assert half < 0.5 * exact, "an interval so wide that anything is in it"
    assert abs(value - exact) < 1.5 * half, (value, half, exact)  # 3 standard errors: 16 intervals are asked
    if logged == "all":  # its click count is right for the mean of the three, which may come near any value
        return
    clicks = rows.groupby(Columns.SLATE)[Columns.CLICK].sum()
    naive, around = clicks.mean(), 1.96 * clicks.std() / np.sqrt(len(clicks))
    assert (abs(naive - exact) < 1.5 * around) == (name == logged), (naive, around, exact)
