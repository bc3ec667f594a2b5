"""The shop with baskets: a visit is one basket, the simulated shop is as before, relations follow from its content."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data import registry
from course_lib.data.cards import load_card
from course_lib.data.checks import check
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop import baskets, source
from course_lib.shop.truth.relations import COMPLEMENT, SUBSTITUTE, UNRELATED, relations


@pytest.fixture(scope="module")
def tiny():
    return registry.load(registry.resolve("shop-baskets", "tiny"))


def test_it_is_a_dataset_like_any_other(tiny) -> None:
    assert check(tiny) == ()
    assert tiny.num_users == baskets.published()["sizes"]["tiny"]


def test_baskets_hold_several_products_and_each_once(tiny) -> None:
    sizes = tiny.events.groupby(Columns.BASKET).size()
    assert 3 < sizes.mean() < 4.5
    assert (sizes > 1).mean() > 0.6
    assert not tiny.events.duplicated([Columns.BASKET, Columns.ITEM]).any()
    assert (tiny.events.groupby(Columns.BASKET)[Columns.TIME].nunique() == 1).all()


def test_a_products_number_says_nothing_of_its_place(tiny) -> None:
    """Inside a basket the second line is as often above the first as below it."""
    basket, item = tiny.events[Columns.BASKET].to_numpy(), tiny.events[Columns.ITEM].to_numpy()
    inside = basket[1:] == basket[:-1]
    assert (item[1:] > item[:-1])[inside].mean() == pytest.approx(0.5, abs=0.03)


def test_the_simulated_shop_is_as_before() -> None:
    """Each of its purchases is a basket of its own, and its version knows nothing of the other shop."""
    events = registry.load(registry.resolve("shop", "tiny")).events
    assert not events[Columns.BASKET].duplicated().any()
    assert source.CODE == ("catalogue", "world", "simulate")


def test_the_catalogue_is_the_shops(tiny) -> None:
    assert tiny.items.equals(source.load_items("small"))


def test_who_shares_a_mission_is_bought_together_and_substitutes_are_not(tiny) -> None:
    world = baskets.basket_shop()
    kind = world.catalogue.type[tiny.events[Columns.ITEM].to_numpy() - 1]
    basket = tiny.events[Columns.BASKET].to_numpy()
    table = relations(world)
    met = table[kind[1:], kind[:-1]][basket[1:] == basket[:-1]]
    chance = table[kind[:, None][:2000], kind[None, -2000:]]
    assert (met == COMPLEMENT).mean() > 5 * (chance == COMPLEMENT).mean()
    assert (met == SUBSTITUTE).mean() < 0.05


def test_relations_by_hand() -> None:
    world = baskets.basket_shop()
    names = [row["id"] for row in world.parameters.content["type"]]
    ball, pump, tent, tea = (names.index(name) for name in ("basketball", "pump", "tent", "tea"))
    table = relations(world)
    assert table[ball, ball] == SUBSTITUTE
    assert table[ball, pump] == table[pump, ball] == COMPLEMENT
    assert table[ball, tent] == UNRELATED
    assert np.array_equal(table, table.T)
    assert table[tea, tea] == SUBSTITUTE


@pytest.mark.parametrize(
    ("line", "instead", "key"),
    [
        ("visit_share = 0.75", "visit_share = 7.5", "setting_out_of_range"),
        ("visit_share = 0.75", "visits = 0.75", "unknown_setting"),
        ("small = 6000", "small = 0", "setting_out_of_range"),
        ("small = 6000", 'small = "many"', "setting_out_of_range"),
    ],
)
def test_numbers_that_cannot_be_are_refused_by_name(line: str, instead: str, key: str) -> None:
    text = baskets.FILE.read_text(encoding="utf-8")
    assert line in text
    with pytest.raises(CourseError) as caught:
        baskets.numbers(text.replace(line, instead))
    assert caught.value.text("zh")
    assert caught.value.key == key


def test_the_card_counts_what_is_there() -> None:
    rows = load_card("shop-baskets").rows
    events = registry.load(registry.resolve("shop-baskets", "small")).events
    assert rows["events"] == len(events)
    assert rows["baskets"] == events[Columns.BASKET].nunique()
    assert rows["shoppers"] == events[Columns.USER].nunique()
