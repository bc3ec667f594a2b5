"""Weeks of sales: the price in the order of a list, lives with equal luck, and the money of a month by hand."""

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.experiments import weeks_of_sales as weeks
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.shop.published import shop

SHOPPERS = 400
PRICES = np.array([1.0, 10.0, 1.0, 4.0])  # of the padding and three products


def scored(histories):
    return np.tile(np.array([-np.inf, 0.1, 0.6, 0.3]), (len(histories), 1))


@pytest.fixture(scope="module")
def nothing_learned():
    """A score by which all products are equal but the dearest ten, which come first."""
    world = shop()
    price = np.concatenate([[-np.inf], world.catalogue.items["price"].to_numpy(float)])
    return world, lambda histories: np.tile(price, (len(histories), 1))


def test_a_weight_of_one_orders_by_expected_revenue():
    found = weeks.priced(scored, "markov", PRICES, 1.0)([[1]])
    assert found[0].argsort()[::-1][:3].tolist() == [3, 1, 2]  # 4 * .3, 10 * .1, 1 * .6
    assert found[0, 0] == -np.inf
    np.testing.assert_allclose(np.exp(found[0, 1:]), [1.0, 0.6, 1.2])
    neural = weeks.priced(scored, "sasrec", PRICES, 0.5)([[1]])  # its scores are logarithms already
    np.testing.assert_allclose(neural[0, 1:], np.array([0.1, 0.6, 0.3]) + 0.5 * np.log(PRICES[1:]))


def test_without_a_weight_the_list_is_the_models_own():
    assert weeks.priced(scored, "sasrec", PRICES, 0.0) is scored


def test_both_lives_have_the_same_visits_and_the_list_makes_the_difference(nothing_learned):
    world, dearest = nothing_learned
    lived = list(weeks.lives(world, dearest, SHOPPERS, 2, seed=1))
    for ours, theirs in lived:
        np.testing.assert_array_equal(ours.visits, theirs.visits)
    ours, theirs = lived[-1]
    assert ours.visits.sum() > lived[0][0].visits.sum(), "the second week is added to the first"
    found = weeks.measures(ours, theirs)
    assert found["order_value"]["value"] > theirs.revenue.sum() / theirs.purchases.sum()
    assert found["purchases_gain"]["value"] == pytest.approx(ours.purchases.sum() / theirs.purchases.sum() - 1)
    assert found["visit_revenue"]["low"] <= found["visit_revenue"]["value"] <= found["visit_revenue"]["high"]


def test_the_same_list_earns_nothing_more(nothing_learned):
    world, _ = nothing_learned
    from course_lib.shop.recommenders import popularity
    from course_lib.shop.weeks import begin, log

    bestsellers = popularity(log(world, begin(world, SHOPPERS, seed=1 + weeks.APART)))
    ours, theirs = list(weeks.lives(world, bestsellers, SHOPPERS, 1, seed=1))[-1]
    assert weeks.measures(ours, theirs)["revenue_gain"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_a_month_by_hand():
    asked = {"monthly_visits": 1000, "gross_margin": 0.5, "monthly_cost": 100.0}
    found = weeks.answer({"value": 0.2, "low": 0.2 - 1.959963985 * 0.1, "high": 0.2 + 1.959963985 * 0.1}, asked)
    assert found["revenue"]["value"] == 200.0
    assert found["profit"]["value"] == 0.0
    assert found["chance"] == 0.5
    sure = weeks.answer({"value": 0.3, "low": 0.3, "high": 0.3}, asked)
    assert (sure["profit"]["value"], sure["chance"]) == (50.0, 1.0)
    assert weeks.answer({}, asked)["profit"] is None


def test_data_without_a_truth_is_refused(tmp_path):
    config = RunConfig.make("weeks_of_sales", {"dataset": "complete-journey"}, {**dict(weeks.TINY)})
    with pytest.raises(CourseError) as raised:
        list(weeks.run(config, Folder(tmp_path)))
    assert raised.value.key == "no_truth"
