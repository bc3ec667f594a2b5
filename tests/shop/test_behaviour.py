"""Views, carts and visits: around exactly the purchases there are, by the stated shares, and without telling who."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.shop import world as rules
from course_lib.shop.behaviour import (
    CHANNELS,
    EVENTS,
    SAME_VISIT,
    STORE,
    WEB,
    Visits,
    _draw_from_rows,
    behaviour_blocks,
    behaviour_frame,
    visits,
)
from course_lib.shop.simulate import BLOCK, Block, events_frame
from course_lib.shop.truth.identity import considered, visitors
from course_lib.shop.world import World

Blocks = Callable[[int], None]
C = Columns


@pytest.fixture(scope="module")
def frame(world: World) -> pd.DataFrame:
    return behaviour_frame(world, BLOCK)


@pytest.fixture(scope="module")
def people(world: World) -> pd.DataFrame:
    """Who the visitors were."""
    return visitors(world, BLOCK)


@pytest.fixture(scope="module")
def life(world: World) -> Visits:
    return next(visits(world, BLOCK))


@pytest.fixture(scope="module")
def whole(frame: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """The shop's frame with the truth beside it."""
    return frame.merge(people, on=C.SESSION, validate="many_to_one")


@pytest.fixture(scope="module")
def stories(whole: pd.DataFrame) -> pd.DataFrame:
    """One row a session."""
    kinds = pd.get_dummies(whole[C.EVENT]).groupby(whole[C.SESSION]).sum()
    return whole.groupby(C.SESSION).first().join(kinds)


def by_shopper(values: pd.Series, people: pd.Series) -> tuple[float, float]:
    """Mean over shoppers of their own means, and its standard error: visits of one shopper are alike."""
    means = values.groupby(people).mean()
    return float(means.mean()), float(means.std() / np.sqrt(len(means)))


def near(estimate: tuple[float, float], stated: float) -> bool:
    return abs(estimate[0] - stated) < 4 * estimate[1]


def test_the_purchases_are_those_of_the_shop(whole: pd.DataFrame, world: World) -> None:
    """Same shoppers, products, seconds and order."""
    bought = whole[whole[C.EVENT] == "purchase"].sort_values(["visitor", C.TIME], kind="stable")
    real = events_frame(world, BLOCK)
    for mine, theirs in (("visitor", C.USER), (C.ITEM, C.ITEM), (C.TIME, C.TIME)):
        np.testing.assert_array_equal(bought[mine], real[theirs])


def test_deterministic_in_the_seed(world: World, blocks_of: Blocks) -> None:
    blocks_of(60)
    first, again, other = (behaviour_frame(world, 90, seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    pd.testing.assert_frame_equal(behaviour_frame(world, 90), behaviour_frame(world, 90, world.parameters["seed"]))


def test_the_first_shoppers_of_a_larger_shop(world: World, blocks_of: Blocks) -> None:
    blocks_of(50)
    large, who = behaviour_frame(world, 130), visitors(world, 130)
    ours = large[large[C.SESSION].isin(who.loc[who["visitor"] < 70, C.SESSION])]
    pd.testing.assert_frame_equal(ours.reset_index(drop=True), behaviour_frame(world, 70))
    assert who.loc[who["visitor"] < 70].reset_index(drop=True).equals(visitors(world, 70))
    assert sum(len(part) for part in behaviour_blocks(world, 130)) == len(large)


def test_the_frame_tells_only_what_the_shop_sees(frame: pd.DataFrame) -> None:
    assert list(frame.columns) == [C.SESSION, C.TIME, C.EVENT, C.ITEM, C.CHANNEL, C.USER, C.DEVICE]
    assert tuple(frame[C.EVENT].cat.categories) == EVENTS
    assert tuple(frame[C.CHANNEL].cat.categories) == CHANNELS
    assert frame[C.TIME].is_monotonic_increasing


def test_ids_and_order_tell_nothing_of_who_came(stories: pd.DataFrame) -> None:
    """Sorted by the ids of their visits or devices, unknown visitors stand no closer to themselves than by chance."""
    unknown = stories[(stories[C.USER] < 0) & (stories[C.DEVICE] >= 0)]
    by_id = unknown.reset_index().sort_values(C.SESSION)["visitor"].to_numpy()
    devices = unknown.drop_duplicates(C.DEVICE).sort_values(C.DEVICE)["visitor"].to_numpy()
    for order in (by_id, devices):
        together = np.corrcoef(order[1:], order[:-1])[0, 1]
        assert abs(together) < 4 / np.sqrt(len(order))


def test_ids_are_unique(life: Visits, people: pd.DataFrame) -> None:
    """No two visits share an id, no two shoppers a device."""
    assert people[C.SESSION].is_unique
    sessions = life.sessions
    online = sessions.device >= 0
    np.testing.assert_array_equal(online, sessions.channel != STORE)
    owners = pd.Series(sessions.shopper[online]).groupby(sessions.device[online]).nunique()
    assert (owners == 1).all()
    assert min(sessions.id.min(), sessions.device[online].min()) >= 0


def test_whom_the_shop_knows_it_knows_rightly(whole: pd.DataFrame) -> None:
    known = whole[whole[C.USER] >= 0]
    np.testing.assert_array_equal(known[C.USER], known["visitor"])
    assert 0.1 < (whole[C.USER] < 0).mean() < 0.5


def test_nobody_is_forgotten_within_a_visit(frame: pd.DataFrame) -> None:
    """Once known, known until the visit ends; and some become known at the checkout."""
    ordered = frame.sort_values(C.SESSION, kind="stable")
    known = (ordered[C.USER] >= 0).to_numpy()
    same = ordered[C.SESSION].to_numpy()[1:] == ordered[C.SESSION].to_numpy()[:-1]
    assert not (same & known[:-1] & ~known[1:]).any()
    learnt = ordered.iloc[1:][same & ~known[:-1] & known[1:]]
    assert len(learnt) > 100
    assert (learnt[C.EVENT] != "view").mean() > 0.95  # a product in the cart, hardly ever a view at the same second


def test_a_store_sees_purchases_alone(frame: pd.DataFrame) -> None:
    store = frame[frame[C.CHANNEL] == "store"]
    assert set(store[C.EVENT]) == {"purchase"}
    assert (store[C.DEVICE] == -1).all()
    assert (frame.loc[frame[C.CHANNEL] != "store", C.DEVICE] >= 0).all()


def test_online_a_purchase_was_viewed_and_carted_before(frame: pd.DataFrame) -> None:
    online = frame[frame[C.CHANNEL] != "store"].reset_index(drop=True)
    online["place"] = np.arange(len(online))
    first = online.groupby([C.SESSION, C.ITEM, C.EVENT], observed=True)["place"].min().unstack()
    bought = first.dropna(subset=["purchase"])
    assert len(bought) > 10_000
    assert (bought["view"] < bought["cart"]).all()
    assert (bought["cart"] < bought["purchase"]).all()
    carted = first.dropna(subset=["cart"])
    assert (carted["view"] < carted["cart"]).all(), "nothing goes into the cart unseen"


def test_one_thing_after_another(frame: pd.DataFrame, world: World) -> None:
    """In a visit with purchases, whatever is viewed is of the type of the purchase that comes next."""
    online = frame[frame[C.CHANNEL] != "store"].sort_values(C.SESSION, kind="stable")
    types = pd.Series(world.catalogue.type[online[C.ITEM] - 1], online.index)
    coming = types.where(online[C.EVENT] == "purchase").groupby(online[C.SESSION]).bfill()
    bought = coming.notna()
    assert bought.sum() > 50_000
    assert (types[bought] == coming[bought]).mean() > 0.9995  # but for purchases within the same second


def test_purchases_minutes_apart_share_a_visit(whole: pd.DataFrame) -> None:
    bought = whole[whole[C.EVENT] == "purchase"].sort_values(["visitor", C.TIME], kind="stable")
    same = bought["visitor"].to_numpy()[1:] == bought["visitor"].to_numpy()[:-1]
    soon = np.diff(bought[C.TIME]) < SAME_VISIT
    together = bought[C.SESSION].to_numpy()[1:] == bought[C.SESSION].to_numpy()[:-1]
    np.testing.assert_array_equal(together, same & soon)


def test_channels_have_the_stated_shares(stories: pd.DataFrame, world: World) -> None:
    numbers = world.parameters.numbers["behaviour"]
    purchases = stories[stories["intent"] == "purchase"]
    for name in CHANNELS:
        assert near(by_shopper(purchases[C.CHANNEL] == name, purchases["visitor"]), numbers[name]), name
    assert set(stories.loc[stories["intent"] != "purchase", C.CHANNEL]) == {"app", "web"}


def test_logins_have_the_stated_chances(life: Visits, world: World) -> None:
    numbers, sessions = world.parameters.numbers["behaviour"], life.sessions
    for index, name in enumerate(("login_app", "login_web", "card")):
        there = sessions.channel == index
        known = pd.Series(sessions.known[there])
        # A shopper with many visits in a channel logs in no other than one with few: both draws are independent.
        assert near(by_shopper(known, pd.Series(sessions.shopper[there])), numbers[name]), name
    online = sessions.checkout[sessions.channel != STORE]
    error = np.sqrt(0.25 / len(online))
    assert abs(online.mean() - numbers["checkout_login"]) < 4 * error


def test_cookies_are_reset_as_often_as_stated(life: Visits, world: World) -> None:
    """Each web visit after a shopper's first has a new device with the stated chance; the app's never changes."""
    sessions = life.sessions
    frame = pd.DataFrame({"who": sessions.shopper, "start": sessions.start, "device": sessions.device})
    web = frame[sessions.channel == WEB].sort_values(["who", "start"], kind="stable")
    later = web["who"].duplicated()
    changed = (web["device"] != web["device"].shift())[later]
    stated = world.parameters["behaviour.cookie_reset"]
    assert abs(changed.mean() - stated) < 4 * np.sqrt(stated * (1 - stated) / len(changed))
    devices = web.drop_duplicates("device")
    assert len(devices) == changed.sum() + web["who"].nunique(), "a cookie that is gone does not come back"
    app = frame[sessions.channel == 0]
    assert (app.groupby("who")["device"].nunique() == 1).all()


def test_the_funnel_is_the_stated_one(stories: pd.DataFrame, whole: pd.DataFrame, world: World) -> None:
    """How many visits of each kind, views a visit, carts a view."""
    numbers = world.parameters.numbers["behaviour"]
    counts = stories["intent"].value_counts()
    assert counts["browse"] / counts["purchase"] == pytest.approx(numbers["browsing"], rel=0.03)
    bought = (whole[C.EVENT] == "purchase").sum()
    # A research visit that would lie before the shop's start does not take place.
    assert 0.97 * numbers["research"] < counts["research"] / bought < numbers["research"] * 1.03
    idle = whole[whole["intent"] != "purchase"]
    seen, carted = (idle[C.EVENT] == "view").sum(), (idle[C.EVENT] == "cart").sum()
    assert abs(carted / seen - numbers["cart"]) < 4 * np.sqrt(numbers["cart"] / seen)
    products = world.parameters["catalogue.products_per_type"]
    stop = 1 - 1 / numbers["views"]
    mean = (1 - stop**products) / (1 - stop)  # of a geometric number, cut at the products there are
    looks = stories.loc[stories["intent"] == "research", "view"]
    assert abs(looks.mean() - mean) < 4 * looks.std() / np.sqrt(len(looks))
    online = stories[stories[C.CHANNEL] != "store"]
    assert 0.05 < (online["purchase"] > 0).mean() < 0.2
    assert 0.5 < (online.loc[online["cart"] > 0, "purchase"] == 0).mean() < 0.8, "most carts are abandoned"


def test_browsing_follows_the_interest(life: Visits, block: Block, world: World) -> None:
    """Types in browsing visits belong to the interest's missions, apart from those who wander."""
    sessions, looks = life.sessions, life.looks
    idle = sessions.intent[looks.session] == 2
    who = sessions.shopper[looks.session[idle]]
    day = sessions.start[looks.session[idle]] / 86_400
    used = np.arange(block.items.shape[1])[None] < block.length[who, None]
    upcoming = np.minimum((used & (block.days[who] <= day[:, None])).sum(1), block.length[who] - 1)
    member = (world.interest_missions > 0).astype(float) @ (world.stage_of >= 0).T.astype(float) > 0
    inside = member[block.truth.interest[who, upcoming], looks.type[idle]]
    wander = world.parameters["behaviour.wander"]
    by_accident = (
        world.demand[rules.month_of(day.astype(np.float32), world)] * member[block.truth.interest[who, upcoming]]
    )
    expected = 1 - wander + wander * by_accident.sum(1).mean()
    assert abs(inside.mean() - expected) < 0.01


def test_alternatives_are_drawn_by_the_shoppers_own_chances(life: Visits, block: Block, world: World) -> None:
    """Of looks at one product without a purchase, the product has the probability that the shopper's taste gives it."""
    looks, sessions = life.looks, life.sessions
    single = np.flatnonzero((looks.bought < 0) & (looks.seen.sum(1) == 1))[:20_000]
    shopper = sessions.shopper[looks.session[single]]
    chances = rules.within_type(rules.item_logits(block.truth.taste, block.truth.budget, world), world)
    first = world.first_item[looks.type[single]]
    own = chances[shopper[:, None], first[:, None] + np.arange(looks.seen.shape[1])]
    np.testing.assert_allclose(own, looks.chance[single], rtol=1e-5)
    # Chi-square over deciles of the stated chance.
    seen, stated = looks.seen[single].ravel(), own.ravel().astype(float)
    group = np.digitize(stated, np.quantile(stated, np.linspace(0, 1, 11))[1:-1])
    found, expected = np.bincount(group, seen, 10), np.bincount(group, stated, 10)
    spread = np.bincount(group, stated * (1 - stated), 10)
    assert ((found - expected) ** 2 / spread).sum() < 30  # 99.9% of chi-square with 10 degrees: 29.6


def test_considered(world: World) -> None:
    """One bought product for each purchase, store or not, among products of its type, with chances below one."""
    table, real = considered(world, 300), events_frame(world, 300)
    chosen = table[table["chosen"]]
    np.testing.assert_array_equal(chosen[C.BASKET], real[C.BASKET])
    np.testing.assert_array_equal(chosen[C.ITEM], real[C.ITEM])
    np.testing.assert_array_equal(chosen["visitor"], real[C.USER])
    types = world.catalogue.type[table[C.ITEM] - 1]
    assert (pd.Series(types).groupby(table[C.BASKET]).nunique() == 1).all()
    assert not table.duplicated([C.BASKET, C.ITEM]).any()
    assert (table.groupby(C.BASKET)["chance"].sum() < 1 + 1e-5).all()
    assert table.groupby(C.BASKET).size().mean() > 2


def test_drawing_from_the_rows_of_a_table() -> None:
    """Against the table itself; what has no weight is never drawn."""
    table = np.array([[0.2, 0.0, 0.8], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]], np.float32)
    rows = np.repeat([0, 1, 2], 30_000)
    found = _draw_from_rows(np.random.default_rng(3), table, rows)
    shares = np.stack([np.bincount(found[rows == n], minlength=3) / 30_000 for n in range(3)])
    np.testing.assert_allclose(shares, table, atol=4 * np.sqrt(0.25 / 30_000))
    assert (shares[table == 0] == 0).all()
