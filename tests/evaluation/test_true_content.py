"""The truth about products that were never bought agrees with the shop's own truth about those that were."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib.data.columns import Columns
from course_lib.data.histories import Holdout
from course_lib.data.registry import load, resolve
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.true_content import expected_clicks, true_worth
from course_lib.shop.front_page import front_page
from course_lib.shop.published import shop
from course_lib.shop.simulate import simulate
from course_lib.shop.truth.satisfaction import utilities
from course_lib.shop.truth.slates import attractiveness, looked_at


@pytest.fixture(scope="module")
def test() -> Holdout:
    """The last purchases of the smallest shop."""
    return leave_one_out(load(resolve("shop", "tiny"))).test


def test_the_purchase_itself_has_the_utility_that_it_had(test: Holdout) -> None:
    known = utilities(shop(), len(test)).groupby(Columns.USER).tail(1)
    assert (known[Columns.ITEM].to_numpy() == test.targets).all()
    without_luck = known["utility"] - known["noise"]
    found = true_worth(test, test.targets[:, None])
    assert_allclose(found.utility[:, 0], without_luck, atol=1e-5)
    assert (found.owned[:, 0] == (known["need"] < 0)).all()
    assert found.owned.any()


def test_clicks_are_the_front_pages_but_for_the_last_purchase(test: Holdout) -> None:
    world = shop()
    page = front_page(world)
    (block,) = simulate(world, len(test))
    after = attractiveness(world, page, block)
    found = true_worth(test, np.tile(page.items, (len(test), 1)))
    types = world.catalogue.type[page.items - 1]
    last = world.catalogue.type[test.targets - 1]
    same = types[None] == last[:, None]
    assert_allclose(found.clicks[~same], after[~same], rtol=1e-6)
    newly = same & world.durable[last][:, None] & ~found.owned
    assert newly.sum() > 50, "the last purchase has made a durable owned, and that was not known before it"
    assert_allclose(found.clicks[newly] * world.parameters.numbers["slates"]["owned"], after[newly], rtol=1e-6)
    positions = world.parameters["slates.positions"]
    assert_allclose(expected_clicks(after[:, :positions]), after[:, :positions] @ looked_at(world))


def test_empty_places_and_some_of_the_shoppers(test: Holdout) -> None:
    items = np.array([[3, 0, 9]] * len(test))
    whole = true_worth(test, items)
    assert not whole.utility[:, 1].any()
    assert not whole.clicks[:, 1].any()
    assert not whole.owned[:, 1].any()
    rows = np.array([5, 77, 300])
    some = true_worth(test.take(rows), items[:3])
    assert (some.utility == whole.utility[rows]).all()
    assert (some.clicks == whole.clicks[rows]).all()


def test_other_purchases_are_refused(test: Holdout) -> None:
    other = Holdout(test.users, test.histories, np.roll(test.targets, 1))
    with pytest.raises(ValueError, match="last purchases"):
        true_worth(other, test.targets[:, None])
