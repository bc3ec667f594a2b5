"""One rule by hand, and the baskets that are drawn of it."""

from __future__ import annotations

import pytest

from course_lib.experiments.light import answer_light


def measured(**settings: float) -> dict[str, float]:
    return {name: one["value"] for name, one in answer_light("one_rule", settings)["measures"].items()}


def test_by_hand() -> None:
    """Of ten baskets two hold bread, one of them milk; of the other eight two hold milk: three in all."""
    found = measured(bread=0.2, milk_with_bread=0.5, milk_without_bread=0.25)
    assert found["rule_support"] == pytest.approx(1 / 10)
    assert found["rule_confidence"] == pytest.approx(1 / 2)
    assert found["confidence_back"] == pytest.approx(1 / 3)
    assert found["rule_lift"] == pytest.approx((1 / 2) / (3 / 10))


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_where_bread_says_nothing_lift_is_one_whatever_the_confidence(share: float) -> None:
    assert measured(milk_with_bread=share, milk_without_bread=share)["rule_lift"] == pytest.approx(1)


def test_without_milk_there_is_nothing_to_lift() -> None:
    assert measured(milk_with_bread=0, milk_without_bread=0)["rule_lift"] == 0


@pytest.mark.parametrize("bread", [0.01, 0.37, 0.99])
def test_a_hundred_baskets_are_drawn(bread: float) -> None:
    baskets = answer_light("one_rule", {"bread": bread, "milk_with_bread": 0.335})["baskets"]
    assert sum(baskets.values()) == 100
    assert abs(baskets["both"] + baskets["bread_alone"] - 100 * bread) <= 2
