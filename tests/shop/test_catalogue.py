"""The products: enough of them, in two languages, and nothing in the frame that models must not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import ITEM_COLUMNS, Columns
from course_lib.data.registry import load_items, resolve
from course_lib.shop.catalogue import make_catalogue
from course_lib.shop.parameters import load_parameters
from course_lib.shop.world import World


@pytest.fixture(scope="module")
def items(world: World) -> pd.DataFrame:
    return world.catalogue.items


def test_large_enough_to_be_a_shop(items: pd.DataFrame) -> None:
    assert len(items) >= 1200
    assert items[Columns.TYPE].nunique() >= 60
    assert items[Columns.DEPARTMENT].nunique() >= 8
    assert items[Columns.BRAND].nunique() >= 20


@pytest.mark.parametrize("title", [Columns.TITLE_ZH, Columns.TITLE_EN])
def test_titles_are_unique_and_filled(items: pd.DataFrame, title: str) -> None:
    assert items[title].is_unique
    assert (items[title].str.strip() == items[title]).all()
    assert items[title].str.len().min() >= 4
    assert not items[title].str.contains(r"[{}]|  |None|nan").any()


def test_titles_are_in_their_language(items: pd.DataFrame) -> None:
    assert items[Columns.TITLE_ZH].str.contains(r"[一-鿿]").all()
    assert not items[Columns.TITLE_EN].str.contains(r"[一-鿿]").any()


def test_no_latent_trait_in_the_frame(world: World, items: pd.DataFrame) -> None:
    """Only the schema's columns; and neither price nor place in the frame tells appeal or style."""
    assert tuple(items.columns) == ITEM_COLUMNS
    assert items.attrs == {}
    place = items.groupby(Columns.TYPE).cumcount().to_numpy()
    visible = [place, items[Columns.PRICE].rank(pct=True).to_numpy()]
    latent = [world.catalogue.appeal, *world.catalogue.style.T]
    for trait in latent:
        for column in visible:
            relative = pd.Series(trait).groupby(items[Columns.TYPE].to_numpy()).rank()
            assert abs(np.corrcoef(column, relative)[0, 1]) < 0.25


def test_every_type_has_its_products_side_by_side(world: World, items: pd.DataFrame) -> None:
    """What within_type's sums over slices rest on."""
    per_type = world.parameters["catalogue.products_per_type"]
    assert (np.diff(world.catalogue.type) >= 0).all()
    assert (np.bincount(world.catalogue.type) == per_type).all()
    assert world.first_item.tolist() == list(range(0, len(items) + 1, per_type))
    names = [row["id"] for row in world.parameters.content["type"]]
    assert items[Columns.TYPE].tolist() == [names[index] for index in world.catalogue.type]


def test_prices_and_brands_fit_the_type(world: World, items: pd.DataFrame) -> None:
    """A price within its type's range, to the rounding; a brand that the department carries."""
    kinds = {row["id"]: row for row in world.parameters.content["type"]}
    brands = {row["id"]: row for row in world.parameters.content["brand"]}
    for row in items.itertuples(index=False):
        kind = kinds[row.product_type]
        assert kind["price"][0] - 1 <= row.price <= kind["price"][1] + 1
        assert row.department == kind["department"]
        assert kind["department"] in brands[row.brand]["departments"]


def test_some_products_of_a_type_sell_more(world: World) -> None:
    """Appeal is a power law of a rank drawn for each type anew."""
    exponent, per_type = (
        world.parameters[f"catalogue.{name}"] for name in ("popularity_exponent", "products_per_type")
    )
    expected = -exponent * np.log(np.arange(1, per_type + 1))
    orders = set()
    for c in range(len(world.durable)):
        appeal = world.catalogue.appeal[world.catalogue.type == c]
        np.testing.assert_allclose(np.sort(appeal)[::-1], expected, rtol=1e-5)
        orders.add(tuple(np.argsort(appeal)))
    assert len(orders) > 0.9 * len(world.durable)


def test_deterministic() -> None:
    one, two = make_catalogue(load_parameters()), make_catalogue(load_parameters())
    pd.testing.assert_frame_equal(one.items, two.items)
    for name in ("type", "appeal", "style", "price_level"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    other = make_catalogue(load_parameters().replaced("seed", 1))
    assert not other.items[Columns.TITLE_ZH].equals(one.items[Columns.TITLE_ZH])


def test_the_same_products_at_every_size() -> None:
    pd.testing.assert_frame_equal(load_items(resolve("shop", "tiny")), load_items(resolve("shop", "large")))
