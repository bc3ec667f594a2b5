"""A shop of one's own: its parameters reach the rules, and what cannot be is said."""

from __future__ import annotations

import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.made import GROUPS, IDLE, KNOBS, MOST, MadeShop, from_query, products_of, ready
from course_lib.shop.parameters import load_parameters
from course_lib.shop.published import shop
from course_lib.shop.simulate import events_frame


def events(made: MadeShop) -> pd.DataFrame:
    return pd.concat(list(made.blocks(made.world())), ignore_index=True)


def test_with_nothing_changed_it_is_the_simulated_shop() -> None:
    made = MadeShop.of({"customers": 300})
    assert made.parameters().digest() == load_parameters().digest()
    pd.testing.assert_frame_equal(events(made), events_frame(shop(), 300, 1))


def test_every_parameter_is_in_the_form_once() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(KNOBS)


@pytest.mark.parametrize("name", [name for name in KNOBS if name != "customers"])
@pytest.mark.parametrize("end", ["low", "high"])
def test_both_ends_of_every_range_make_another_shop(name: str, end: str) -> None:
    """Each end can be made: the rules take it, and shoppers or products differ from the published ones."""
    before = MadeShop.of({"customers": 100})
    made = MadeShop.of({"customers": 100, name: getattr(KNOBS[name], end)})
    found, published = events(made), events(before)
    assert found.groupby(Columns.USER).size().min() >= 3
    assert not (found[list(found)].equals(published) and made.products == before.products)


@pytest.mark.parametrize(("name", "because", "value"), IDLE)
def test_what_is_said_to_have_no_effect_has_none(name: str, because: str, value: float) -> None:
    plain = MadeShop.of({"customers": 100, because: value})
    moved = MadeShop.of({"customers": 100, because: value, name: KNOBS[name].high})
    assert (name, because) in moved.idle()
    assert not plain.idle()
    pd.testing.assert_frame_equal(events(plain), events(moved))


def test_a_strict_order_follows_the_steps_more_often() -> None:
    """Markov's table is worth more where plans have an order: fewer kinds follow a kind."""

    def followers(order: float) -> float:
        made = MadeShop.of({"customers": 400, "plan_order": order, "interruptions": 0.0})
        frame, kinds = events(made), made.world().catalogue.type
        kind = pd.Series(kinds[frame[Columns.ITEM].to_numpy() - 1])
        pairs = pd.DataFrame({"a": kind, "b": kind.shift(-1), "same": frame[Columns.USER].diff(-1) == 0})
        pairs = pairs[pairs["same"]]
        counts = pairs.groupby(["a", "b"]).size()
        return float(counts.groupby("a").max().sum() / counts.sum())  # share of the likeliest follower

    assert followers(10.0) > 1.3 * followers(0.0)


def test_without_seasons_months_are_alike() -> None:
    flat = MadeShop.of({"seasons": 0.0}).world()
    assert flat.demand.std(0).max() < 1e-6
    assert MadeShop.of({"seasons": 2.0}).world().demand.std(0).max() > MadeShop.of({}).world().demand.std(0).max()


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"customers": 0}, "setting_out_of_range"),
        ({"customers": MOST + 1}, "setting_out_of_range"),
        ({"customers": "many"}, "setting_not_whole"),
        ({"plan_order": "nan"}, "setting_out_of_range"),
        ({"plan_order": "1e999"}, "setting_out_of_range"),
        ({"variety": 2.5}, "setting_not_whole"),
        ({"interruptions": True}, "setting_not_a_number"),
        ({"no_such": 1}, "unknown_setting"),
        ({"drift<b>": 1}, "unknown_setting"),
    ],
)
def test_what_cannot_be_is_said(given: dict[str, object], key: str) -> None:
    with pytest.raises(CourseError) as caught:
        MadeShop.of(given)
    assert caught.value.key == key
    for language in ("zh", "en"):
        assert str(next(iter(given))) in caught.value.text(language)


def test_a_link_carries_the_shop_and_a_bad_one_what_it_can() -> None:
    made = MadeShop.of({"plan_order": 0.5, "customers": 700, "interruptions": 0.005}, seed=9)
    found, troubles = from_query({**made.query(), "seed": "9"})
    assert (found, troubles) == (made, [])
    found, troubles = from_query({"plan_order": "0", "customers": "-4", "seed": "<b>", "lang": "zh"})
    assert found == MadeShop.of({"plan_order": 0.0})
    assert [one.params["name"] for one in troubles] == ["customers", "seed"]


def test_what_is_expected_grows_with_the_shop() -> None:
    small, large = MadeShop.of({}).expected(), MadeShop.of({"customers": MOST}).expected()
    assert small[0] < 5 < 60 < large[0]
    assert small[1] < 2**20 < 50 * 2**20 < large[1]


def test_the_ready_ones_can_be_opened() -> None:
    assert [one.id for one in ready()] == ["no_order", "markov", "long_memory", "taste", "again"]
    for one in ready():
        assert one.shop.changed
        assert not one.shop.idle()
        assert from_query(one.shop.query())[0] == one.shop


def test_products_without_the_rest_of_the_world() -> None:
    pd.testing.assert_frame_equal(products_of(3), MadeShop.of({"variety": 3}).world().catalogue.items)
