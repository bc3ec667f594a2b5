"""What the lesson on marketing concludes, held against the numbers that stand in data/measured.toml."""

from __future__ import annotations

import re
import tomllib

import pytest

from course_lib.cli import measure

RECORD = tomllib.loads(measure.FILE.read_text(encoding="utf-8"))["marketing"]


def number(name: str) -> float:
    """A value as the prose has it; a share of 31% is .31."""
    said = RECORD[name].replace(",", "")
    return float(said.rstrip("%")) / (100 if said.endswith("%") else 1)


def ends(name: str) -> tuple[float, float]:
    """A range as the English prose has it."""
    low, high = (float(one.replace(",", "")) for one in re.split(r" to ", RECORD[f"{name}_en"]))
    return low, high


def test_uplift_hardly_beats_response_in_qini() -> None:
    low, high = ends("qini_gap_range")
    assert low <= 0 <= high
    assert abs(number("t_qini") - number("response_qini")) < 0.05
    assert all(number(f"{name}_qini") < number("response_qini") + 0.01 for name in ("s", "t", "x", "transformed"))


def test_a_longer_coupon_parts_them_and_a_vector_does_not_help() -> None:
    assert number("long_t_qini") > number("long_response_qini") + 0.05
    assert number("long_sure_thing") > 2 * number("sure_thing")
    assert number("vector_t_qini") < number("t_qini")
    assert number("vector_response_qini") <= number("response_qini")


def test_the_policy_by_money_has_the_worst_qini_and_earns_the_most() -> None:
    others = ("response", "s", "t", "x", "transformed")
    assert number("money_qini") == min(number(f"{name}_qini") for name in (*others, "money"))
    assert number("money_profit") == max(number(f"{name}_profit") for name in (*others, "money"))
    assert ends("lead_range")[0] > 0
    assert number("money_gift") < number("t_gift") < number("response_gift")
    low, high = ends("money_profit_range")
    assert low < number("everyone_profit") < high, "as much as a coupon for everyone"
    assert number("money_profit") < number("best_profit") / 2
    assert number("long_everyone_profit") < number("long_response_profit") < 0 < number("long_money_profit")
    assert number("pays_from") == 0.5


def test_a_log_cannot_choose_between_them() -> None:
    (low, high), (other_low, other_high) = ends("log_t_range"), ends("log_response_range")
    assert low < number("log_response") < high
    assert other_low < number("log_t") < other_high
    assert number("log_t") < number("t_qini")


def test_most_shoppers_are_lost_causes() -> None:
    assert number("lost_cause") > 0.8
    shares = sum(number(name) for name in ("persuadable", "sure_thing", "lost_cause", "sleeping_dog"))
    assert shares == pytest.approx(1.0, abs=0.02)


def test_a_small_campaign_teaches_little() -> None:
    assert number("small_t_qini") < number("small_response_qini") - 0.05
    assert number("large_t_qini") > number("large_response_qini")
    assert 3000 < number("needed") < 12_000, "the guess's answer"
    assert number("qini_needed") > number("needed")
    assert 0.1 < number("small_worse") < 0.6
    assert number("large_of_best") < 0.6
    low, high = ends("small_profit_range")
    assert low < number("size_everyone") < high


def test_the_naive_difference_is_three_times_the_truth_and_sure_of_it() -> None:
    assert number("naive_times") > 2.3
    assert number("naive_held") == number("wrong_held") == 0
    assert number("wrong") == pytest.approx(number("naive"), abs=0.003)
    for name in ("ipw", "learned", "dr"):
        assert number(name) == pytest.approx(number("truth"), abs=0.01)
        assert number(f"{name}_held") >= 0.85
        assert number(f"{name}_error") < number("naive_error") / 4
    assert number("buys_aimed") > 2 * number("buys_other")
    assert number("bought_with") > 2 * number("bought_without")


def test_the_households_differed_long_before() -> None:
    for season in ("spring", "summer", "house"):
        assert number(f"{season}_before") > 60
        assert abs(number(f"{season}_did")) < 0.1 * number(f"{season}_naive")
    assert ends("spring_did_range")[1] < 0, "near zero or below"
    for name in ("summer_did_range", "house_did_range"):
        low, high = ends(name)
        assert low < 0 < high
    assert ends("house_placebo_range")[1] < 0, "what should be nothing is not"
    assert number("house_placebo") < ends("house_did_range")[0], "by more than the interval admits"


def test_the_check_stops_what_it_knows_and_nothing_else() -> None:
    assert number("price_stopped") == 1
    assert number("fair_stopped") == number("hearsay_stopped") == 0
    assert number("may_get") > number("may_get_one")


def test_a_targeted_log_spoils_the_promise_before_the_order() -> None:
    """Where learners do not see what the rule saw: nearly everyone gets a coupon, which loses what everyone loses."""
    assert number("few_targeted_told") > 2 * number("chosen_truth")
    assert abs(number("few_lot_told") - number("chosen_truth")) < 0.005
    assert number("few_targeted_promised") > 100 > 0 > number("few_targeted_earned")
    assert number("few_targeted_earned") == pytest.approx(number("chosen_everyone"), abs=3)
    assert number("few_targeted_t") >= number("few_lot_t"), "its order did not suffer"
    assert abs(number("few_straightened_told") - number("chosen_truth")) < 0.01
    assert number("few_straightened_earned") > number("few_targeted_earned") + 100


def test_where_the_rule_is_read_only_class_transformation_falls() -> None:
    low, high = ends("read_gap_range")
    assert low < 0 < high, "not surely worse"
    assert number("read_targeted_earned") > 0.9 * number("read_lot_earned")
    assert number("read_targeted_class") < number("read_lot_class") / 4
    assert number("read_straightened_class") > 5 * number("read_targeted_class")
    assert number("read_straightened_t") < number("read_targeted_t"), "T orders better without it"
    for log in ("lot", "targeted", "straightened"):
        assert number(f"read_{log}_promised") > number(f"read_{log}_earned"), "too high even by lot"
