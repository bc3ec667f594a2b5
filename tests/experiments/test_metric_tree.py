"""The metric tree by hand: the product, empty clicks, costs, and the draws."""

import numpy as np
import pytest

from course_lib.experiments.light import answer_light
from course_lib.experiments.metric_tree import NODES


def of(**settings):
    return answer_light("metric_tree", settings)


def value(answer, name):
    return answer["measures"][name]["value"]


def test_the_profit_is_the_product():
    found = of(tree_visits=1000, click_rate=0.5, conversion=0.1, basket_value=20.0, profit_margin=0.3)
    assert value(found, "month_profit") == pytest.approx(1000 * 0.5 * 0.1 * 20 * 0.3)


@pytest.mark.parametrize("node", NODES)
def test_a_lift_is_worth_the_same_at_every_node(node):
    found = of(node=node, lift=0.1, running=0.0, building=0.0)
    assert value(found, "true_lift") == pytest.approx(0.1)
    assert value(found, "month_gain") == pytest.approx(0.1 * value(found, "month_profit"))
    after = found["tree"][-1]["after"]
    assert after == pytest.approx(1.1 * found["tree"][-1]["before"])
    assert len({round(one["gain"], 6) for one in found["nodes"]}) == 1


def test_empty_clicks_lower_the_conversion_and_no_other_node():
    found = of(node="click", lift=0.1, empty=0.5)
    rows = {row["node"]: row for row in found["tree"]}
    assert value(found, "true_lift") == pytest.approx(0.05)
    assert rows["click"]["after"] == pytest.approx(1.1 * rows["click"]["before"])
    assert rows["conversion"]["after"] < rows["conversion"]["before"]
    assert rows["profit"]["after"] == pytest.approx(1.05 * rows["profit"]["before"])
    assert value(of(node="visits", lift=0.1, empty=0.5), "true_lift") == pytest.approx(0.1)


def test_costs_and_break_even():
    found = of(running=1000.0, building=24_000.0, months=12, spread=0.0)
    assert found["cost"] == 3000.0
    at = of(running=1000.0, building=24_000.0, months=12, spread=0.0, lift=value(found, "break_even"))
    assert value(at, "month_gain") == pytest.approx(0.0, abs=1e-6)
    assert value(of(lift=0.5, spread=0.0), "loss_chance") == 0.0
    assert value(of(lift=0.0, spread=0.0), "loss_chance") == 1.0


def test_nothing_but_empty_clicks_never_pays():
    found = of(node="click", empty=1.0)
    assert "break_even" not in found["measures"]
    assert value(found, "loss_chance") == 1.0


def test_the_draws_are_a_normal_lift():
    found = of(lift=0.1, spread=0.5, running=0.0, building=0.0)
    spread = 0.05 * value(found, "month_profit")
    assert value(found, "gain_low") == pytest.approx(value(found, "month_gain") - 1.645 * spread, abs=0.1 * spread)
    assert value(found, "loss_chance") == pytest.approx(0.0228, abs=0.006)  # two standard errors from zero
    assert np.sum([one["share"] for one in found["bins"]]) == pytest.approx(1.0)
    assert found == of(lift=0.1, spread=0.5, running=0.0, building=0.0)
