"""The A/B test as an experiment: known figures, what a setting may change, what cannot be."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.ab_tests import METHODS, power, shoppers_needed
from course_lib.experiments.light import answer_light


def ask(**settings: Any) -> dict[str, Any]:
    return answer_light("ab_test", settings)


def value(answer: dict[str, Any], name: str) -> float:
    return float(answer["measures"][name]["value"])


def test_twenty_thousand_an_arm_are_too_few_for_five_percent() -> None:
    once = ask(stopping="fixed")
    assert value(once, "power") == pytest.approx(power(0.05, 0.05, 19_600), abs=1e-9)
    assert value(once, "false_alarms") == pytest.approx(0.05)
    assert 2.0 < value(once, "exaggeration") < 2.5
    assert value(once, "reported_lift") == pytest.approx(0.05 * value(once, "exaggeration"))
    assert value(once, "mean_shoppers") == value(once, "shoppers") == 2 * 700 * 28


def test_looking_matters_only_where_the_rule_looks() -> None:
    once = [ask(stopping="fixed", looks=looks)["measures"] for looks in (1, 7, 100)]
    for name in once[0]:
        assert [one[name]["value"] for one in once] == pytest.approx([once[0][name]["value"]] * 3)
    alarms = [value(ask(looks=looks), "false_alarms") for looks in (1, 7, 28, 100)]
    assert alarms == sorted(alarms)
    assert alarms[2] == pytest.approx(0.275, abs=0.005)


@pytest.mark.parametrize("looks", [7, 28, 100])
def test_rules_made_for_looks_keep_what_they_promise(looks: int) -> None:
    for stopping in ("planned", "always_valid"):
        assert value(ask(stopping=stopping, looks=looks), "false_alarms") <= 0.05 + 1e-9


def test_every_rule_is_told_and_the_chosen_one_is_measured() -> None:
    for stopping in METHODS:
        answer = ask(stopping=stopping)
        mine = {one["rule"]: one for one in answer["rules"]}[stopping]
        for name in ("power", "false_alarms", "mean_shoppers"):
            assert mine[name] == value(answer, name)
        curve = answer["curve"]
        assert [one["shoppers"] for one in curve] == sorted(one["shoppers"] for one in curve)
        assert all(one[stopping] <= other[stopping] + 1e-9 for one, other in itertools.pairwise(curve))
    needed = {one["rule"]: one["needed"] for one in ask()["rules"]}
    assert needed["fixed"] == pytest.approx(2 * shoppers_needed(0.05, 0.05), rel=1e-3)
    assert needed["fixed"] < needed["planned"] < needed["always_valid"]


def test_what_needs_so_many_has_that_power() -> None:
    for rule in ask()["rules"]:
        per_day = round(rule["needed"] / 2 / 28)
        assert value(ask(stopping=rule["rule"], per_day=per_day), "power") == pytest.approx(0.8, abs=0.003)


def test_drawn_tests_agree_with_the_exact_chances() -> None:
    """Over many draws: alarms of tests without a difference, calls and estimates of those with one."""
    for stopping in ("fixed", "peeking", "planned"):
        answers = [ask(stopping=stopping, luck=luck) for luck in range(30)]
        alarms = np.mean([np.array(one["alike"]["alarm"]) > 0 for one in answers])
        assert alarms == pytest.approx(value(answers[0], "false_alarms"), abs=0.025)
        called = np.concatenate([one["estimates"]["called"] for one in answers])
        every = sum(len(one["estimates"]["not_called"]) for one in answers) + len(called)
        assert len(called) / every == pytest.approx(value(answers[0], "power"), abs=0.015)
        assert np.abs(called).mean() == pytest.approx(value(answers[0], "reported_lift"), rel=0.06)


def test_a_path_alarms_where_it_crosses_first() -> None:
    alike = ask(stopping="planned", looks=10)["alike"]
    z, boundary = np.array(alike["z"]), np.array(alike["boundary"])
    for path, alarm in zip(z, alike["alarm"], strict=True):
        before = path[: alarm - 1] if alarm else path
        assert (np.abs(before) < boundary[: len(before)] + 1e-3).all()
        assert not alarm or abs(path[alarm - 1]) >= boundary[alarm - 1] - 1e-3


def test_novelty_fades_and_is_reported_all_the_same() -> None:
    plain, novel = ask(stopping="planned", per_day=4000), ask(stopping="planned", per_day=4000, novelty=1.5)
    assert novel["days"]["lift"][0] == pytest.approx(0.125)
    assert novel["days"]["lift"][-1] == pytest.approx(0.05, abs=0.001)
    assert novel["days"]["so_far"][-1] == pytest.approx(np.mean(novel["days"]["lift"]))
    assert value(novel, "exaggeration") > value(plain, "exaggeration") + 0.2
    assert value(novel, "mean_shoppers") < value(plain, "mean_shoppers")
    assert novel["days"]["stop"] < 28


def test_without_a_lift_there_is_nothing_to_exaggerate() -> None:
    answer = ask(relative_lift=0.0)
    assert not {"exaggeration", "reported_lift"} & set(answer["measures"])
    assert answer["estimates"] is None
    assert {one["needed"] for one in answer["rules"]} == {None}
    assert value(answer, "power") == pytest.approx(value(answer, "false_alarms"))


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(CourseError) as caught:
        ask(base_rate=0.5, relative_lift=0.5, novelty=3.0)
    assert caught.value.key == "ab_rate"
    with pytest.raises(CourseError) as caught:
        ask(per_day=10, days=1, looks=100)
    assert caught.value.key == "ab_shoppers"
