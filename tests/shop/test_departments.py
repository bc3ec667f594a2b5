"""Departments rich and poor in data: who keeps what, and that tastes are shared between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.shop.departments import Departments, departments, in_departments
from course_lib.shop.simulate import events_frame, simulate
from course_lib.shop.truth import departments as truth
from course_lib.shop.world import World

SHOPPERS = 4000


@pytest.fixture(scope="module")
def events(world: World) -> pd.DataFrame:
    return events_frame(world, SHOPPERS)


@pytest.fixture(scope="module")
def view(world: World, events: pd.DataFrame) -> Departments:
    return departments(world, events)


def poor_rows(world: World, frame: pd.DataFrame, view: Departments) -> np.ndarray:
    return in_departments(world, frame[Columns.ITEM].to_numpy(), view.poor)


def test_shoppers_are_whole_or_have_no_poor_department(world: World, events: pd.DataFrame, view: Departments) -> None:
    """Test shoppers and keepers have all their events, the others exactly those in rich departments."""
    poor = poor_rows(world, events, view)
    testing = set(view.test[Columns.USER])
    keepers = set(view.train.loc[poor_rows(world, view.train, view), Columns.USER])
    assert not testing & set(view.train[Columns.USER])
    whole = events[Columns.USER].isin(testing)
    pd.testing.assert_frame_equal(view.test, events[whole].reset_index(drop=True))
    expected = events[~whole & (~poor | events[Columns.USER].isin(keepers))]
    pd.testing.assert_frame_equal(view.train, expected.reset_index(drop=True))
    assert tuple(view.train.columns) == EVENT_COLUMNS


def test_shares_are_the_stated_ones(world: World, events: pd.DataFrame, view: Departments) -> None:
    settings = world.parameters["departments"]
    heldout, kept = settings["heldout"], settings["kept"]
    assert view.test[Columns.USER].nunique() == pytest.approx(heldout * SHOPPERS, abs=4.5 * np.sqrt(0.16 * SHOPPERS))
    learning = events[~events[Columns.USER].isin(view.test[Columns.USER])]
    buyers = learning.loc[poor_rows(world, learning, view), Columns.USER].nunique()
    keepers = view.train.loc[poor_rows(world, view.train, view), Columns.USER].nunique()
    assert abs(keepers - kept * buyers) < 4.5 * np.sqrt(kept * (1 - kept) * buyers)
    assert poor_rows(world, view.train, view).sum() < 2 * kept * poor_rows(world, learning, view).sum()


def test_more_kept_takes_nothing_away(world: World, events: pd.DataFrame) -> None:
    """And kept wholly, only the test shoppers are missing."""
    few, more, all_of_it = (departments(world, events, kept=share).train for share in (0.0, 0.3, 1.0))
    assert not in_departments(world, few[Columns.ITEM].to_numpy(), departments(world, events).poor).any()
    assert set(few[Columns.BASKET]) < set(more[Columns.BASKET]) < set(all_of_it[Columns.BASKET])
    whole = departments(world, events, kept=1.0, heldout=0.0)
    pd.testing.assert_frame_equal(whole.train, events)
    assert len(whole.test) == 0
    assert len(whole.holdout(world)) == 0


def test_the_same_groups_in_a_smaller_shop(world: World, events: pd.DataFrame, view: Departments) -> None:
    first = departments(world, events[events[Columns.USER] < 700])
    for name in ("train", "test"):
        ours, theirs = getattr(first, name), getattr(view, name)
        pd.testing.assert_frame_equal(ours, theirs[theirs[Columns.USER] < 700])
    assert not departments(world, events, seed=1).test.equals(view.test)


def test_the_holdout_asks_for_the_last_poor_purchase(world: World, view: Departments) -> None:
    holdout = view.holdout(world)
    assert len(holdout) > 200
    rows = dict(zip(holdout.users.tolist(), range(len(holdout)), strict=True))
    for user, mine in view.test.groupby(Columns.USER):
        items = mine[Columns.ITEM].to_numpy()
        places = np.flatnonzero(in_departments(world, items, view.poor))
        if not len(places) or places[-1] == 0:
            assert user not in rows
            continue
        n = rows[user]
        assert holdout.targets[n] == items[places[-1]]
        assert holdout.histories[n].tolist() == items[: places[-1]].tolist()


def test_no_events_make_no_view(world: World, events: pd.DataFrame) -> None:
    empty = departments(world, events.iloc[:0])
    assert len(empty.train) == len(empty.test) == len(empty.holdout(world)) == 0


@pytest.mark.parametrize("poor", [[], ["submarines"], ["pets", "submarines"], "all"])
def test_departments_that_cannot_be_poor(poor: list[str] | str, world: World, events: pd.DataFrame) -> None:
    names = truth.names(world) if poor == "all" else list(poor)
    with pytest.raises(CourseError, match="data-poor departments") as caught:
        departments(world, events, names)
    assert "garden" in str(caught.value)


@pytest.mark.parametrize(("name", "share"), [("kept", -0.1), ("heldout", 1.5), ("kept", float("nan"))])
def test_shares_that_are_none(name: str, share: float, world: World, events: pd.DataFrame) -> None:
    with pytest.raises(CourseError, match=name):
        departments(world, events, **{name: share})


def test_taste_in_rich_departments_predicts_choice_in_poor_ones(world: World, events: pd.DataFrame) -> None:
    """What a shopper bought in rich departments tells which product of a type is bought in a poor one.

    For each purchase in a poor department, the mean style the same shopper bought in rich ones ranks the types's other
    products against the one bought. By chance the share that it beats is one half; so it is for another's purchases.
    """
    goods, poor = world.catalogue, departments(world, events).poor
    users, items = events[Columns.USER].to_numpy(), events[Columns.ITEM].to_numpy() - 1
    sales = np.bincount(items, minlength=len(goods.type))
    typical = np.stack([np.bincount(goods.type, sales * s) for s in goods.style.T], 1)
    typical /= np.bincount(goods.type, sales)[:, None]
    own = goods.style - typical[goods.type]  # style against what is bought of the type on the whole
    there = in_departments(world, items + 1, poor)
    liked = np.stack([np.bincount(users[~there], own[items[~there], s], SHOPPERS) for s in range(own.shape[1])], 1)

    def beaten(liked: np.ndarray) -> np.ndarray:
        """(shoppers,) mean over a shopper's poor purchases of the sales-weighted share of the type that it beats."""
        wins, counts = np.zeros(SHOPPERS), np.zeros(SHOPPERS)
        for kind in np.unique(goods.type[items[there]]):
            members = np.flatnonzero(goods.type == kind)
            rows = np.flatnonzero(there & (goods.type[items] == kind))
            score = liked[users[rows]] @ own[members].T  # (n, products of the type)
            bought = score[np.arange(len(rows)), items[rows] - members[0]][:, None]
            share = ((score < bought) + 0.5 * (score == bought)) @ sales[members] / sales[members].sum()
            np.add.at(wins, users[rows], share)
            np.add.at(counts, users[rows], 1)
        return wins[counts > 0] / counts[counts > 0]

    assert bootstrap(beaten(liked)).low > 0.5
    others = bootstrap(beaten(np.random.default_rng(0).permutation(liked)))
    assert others.low < 0.5 < others.high


def test_the_truth_of_shared_tastes(world: World) -> None:
    people = next(simulate(world, 600)).truth
    correlation = truth.style_correlation(world, people.taste, people.budget)
    assert list(correlation) == list(correlation.index) == truth.names(world)
    np.testing.assert_allclose(np.diag(correlation), 1)
    np.testing.assert_allclose(correlation, correlation.T)
    between = correlation.to_numpy()[~np.eye(len(correlation), dtype=bool)]
    assert (between > 0.1).all(), "one taste for the whole shop"
    mixed = truth.expected_style(world, people.taste, people.budget)
    apart = np.random.default_rng(0).permutation(mixed[:, 0])  # other people's
    assert abs(np.corrcoef((apart - apart.mean(0)).ravel(), (mixed[:, 1] - mixed[:, 1].mean(0)).ravel())[0, 1]) < 0.1


def test_expected_style_by_hand(world: World) -> None:
    """One shopper, one department: product by product."""
    people, goods = next(simulate(world, 5)).truth, world.catalogue
    found = truth.expected_style(world, people.taste, people.budget)
    choice, d = world.parameters["choice"], truth.names(world).index("garden")
    means = []
    for kind in np.unique(goods.type[goods.items[Columns.DEPARTMENT] == "garden"]):
        weights, styles = [], []
        for item in np.flatnonzero(goods.type == kind):
            over = max(goods.price_level[item] - people.budget[2], 0)
            liking = choice["taste"] * goods.style[item] @ people.taste[2] - choice["price"] * over**2
            weights.append(np.exp(goods.appeal[item] + liking))
            styles.append(goods.style[item])
        means.append(np.average(styles, axis=0, weights=weights))
    np.testing.assert_allclose(found[2, d], np.mean(means, axis=0), atol=1e-4)


def test_brands_are_shared_where_the_content_says_so(world: World) -> None:
    shared = truth.shared_brands(world)
    brands = {row["id"]: row["departments"] for row in world.parameters.content["brand"]}
    for here in truth.names(world):
        assert shared.loc[here, here] == 1
        for there in truth.names(world):
            both = any({here, there} <= set(names) for names in brands.values())
            assert (shared.loc[here, there] > 0) == (both or here == there)
