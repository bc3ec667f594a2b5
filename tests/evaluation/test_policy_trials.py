"""Logs drawn again and again: drawn as the shop draws them, judged as on_shop judges, right over many of them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.data.registry import load_table, resolve
from course_lib.errors import CourseError
from course_lib.evaluation.off_policy import ESTIMATORS, UNBIASED
from course_lib.evaluation.policy_repeats import CLIPS, Repeats, wilson
from course_lib.evaluation.policy_trials import (
    MIXTURE,
    BanditTrial,
    ShopTrial,
    draw_without_replacement,
    judged,
    rank_weights,
)
from course_lib.evaluation.policy_values import on_open_bandit
from course_lib.shop.front_page import front_page
from course_lib.shop.plackett_luce import position_chances
from course_lib.shop.published import shop
from course_lib.shop.truth import slates as truth

N = 200


@pytest.fixture(scope="module")
def trial() -> ShopTrial:
    """Scores between what sells and chance, so that the policy is like the logs' and yet its own."""
    sales = np.log1p(front_page(shop()).sales)
    return ShopTrial.make(shop(), sales + np.random.default_rng(0).normal(0, 1.0, (N, len(sales))))


def test_ranks_become_weights() -> None:
    found = rank_weights(np.array([[3.0, 9.0, 1.0], [5.0, 5.0, 7.0]]))
    np.testing.assert_allclose(np.exp(-found), [[2, 1, 3], [2, 3, 1]])
    np.testing.assert_array_equal(rank_weights(np.array([[30.0, 90.0, -np.inf]])), found[:1])
    with pytest.raises(CourseError, match="shopper 2") as caught:
        rank_weights(np.array([[1.0, 2.0], [np.nan, 1.0]]))
    assert caught.value.key == "off_policy_scores"
    with pytest.raises(ValueError, match="expected"):
        rank_weights(np.empty((0, 3)))


def test_drawn_as_plackett_luce_says() -> None:
    """All 24 beginnings of four products, as often as they should come; and a heavy product does not hang it."""
    logits = np.log(np.array([[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01]]))
    rows = np.repeat([0, 1], 40_000)
    shown = draw_without_replacement(logits, rows, 3, np.random.default_rng(3))
    assert shown.min() >= 0
    for row in (0, 1):
        w = np.exp(logits[row])
        seen = pd.Series(list(map(tuple, shown[rows == row]))).value_counts() / 40_000
        for a, b, c in itertools.permutations(range(4), 3):
            chance = w[a] * w[b] / (1 - w[a]) * w[c] / (1 - w[a] - w[b])
            assert seen.get((a, b, c), 0.0) == pytest.approx(chance, abs=4 * np.sqrt(chance / 40_000) + 1e-4)
    with pytest.raises(ValueError, match="positions"):
        draw_without_replacement(logits, rows, 5, np.random.default_rng(3))


def test_the_truth_is_that_of_the_shop(trial: ShopTrial) -> None:
    """As truth.values has it for a policy of those weights, and for the policies of the log."""
    case = trial.case(trial.draw(50, "uniform", np.random.default_rng(1)), 1.5)
    assert case.truth is not None
    exact = truth.values(shop(), lambda guests: 1.5 * np.resize(trial.rank, (len(guests.histories), 84)), N)
    assert case.truth.value == pytest.approx(exact.mean(), rel=1e-12)


def test_a_case_holds_the_chances_of_what_was_shown(trial: ShopTrial) -> None:
    log = trial.draw(300, MIXTURE, np.random.default_rng(2))
    case = trial.case(log, 2.0)
    assert case.log.mixture is not None
    asked = position_chances(2.0 * trial.rank, 3)
    logged = [position_chances(one, 3) for one in trial.logits.values()]
    share = np.bincount(log.made_by, minlength=3) / 300
    for row, place in itertools.product((0, 7, 299), range(3)):
        who, what = log.visitor[row], log.shown[row, place]
        assert case.log.target[row, place] == asked[who, place, what]
        assert case.log.propensity[row, place] == logged[log.made_by[row]][who, place, what]
        mixed = sum(part * one[who, place, what] for part, one in zip(share, logged, strict=True))
        assert case.log.mixture[row, place] == pytest.approx(mixed, rel=1e-12)
    assert case.logged == log.clicked.sum(1).mean()


def test_the_model_has_not_seen_the_visitors_that_it_judges(trial: ShopTrial) -> None:
    log = trial.draw(400, "uniform", np.random.default_rng(4))
    own = log.visitor % 5 == 2
    other = type(log)(log.visitor, log.made_by, log.shown, np.where(own[:, None], 1 - log.clicked, log.clicked))
    before, after = (trial.case(one, 1.0).predictions for one in (log, other))
    for part in ("shown", "expected"):
        one, two = getattr(before, part), getattr(after, part)
        np.testing.assert_array_equal(one[own], two[own])
        assert (one[~own] != two[~own]).any(1).mean() > 0.9


def test_a_longer_log_begins_with_the_shorter(trial: ShopTrial) -> None:
    log = trial.draw(200, MIXTURE, np.random.default_rng(5))
    assert judged(trial.case(log.first(120), 1.0))["slates"] == 120
    with pytest.raises(CourseError, match="one slate"):
        trial.case(log.first(1), 1.0)


def test_many_logs_of_the_shop(trial: ShopTrial) -> None:
    """The unbiased are right on average; DM is wrong, and its interval never holds; the mixture is calmer."""
    repeats = Repeats((300, 1500), 5.0)
    chances = trial.chances(1.0)
    for number in range(150):
        drawn = trial.draw(1500, MIXTURE, np.random.default_rng([6, number]))
        repeats.add(lambda size, drawn=drawn: trial.case(drawn.first(size), 1.0, chances))
    found = repeats.estimators()
    assert set(found) == set(ESTIMATORS)
    assert repeats.logs == 150
    for name, one in found.items():
        assert one["error"] ** 2 == pytest.approx(one["bias"] ** 2 + one["sd"] ** 2 * 149 / 150, rel=1e-9)
        off = abs(one["bias"]) / (one["sd"] / np.sqrt(150))
        assert off > 3.5 if name in ("dm", "clipped_ips") else off < 3.5, name
        if name in UNBIASED:
            assert one["held"] > 0.88, name
    assert found["dm"]["held"] < 0.05
    assert found["mixture_ips"]["sd"] < 0.95 * found["ips"]["sd"]
    assert repeats.estimators(300)["ips"]["sd"] > 1.7 * found["ips"]["sd"]
    clips = {one["clip"]: one["estimators"]["clipped_ips"] for one in repeats.by_clip()}  # type: ignore[index]
    assert list(clips) == list(CLIPS)
    assert clips[1.0]["bias"] < clips[5.0]["bias"] < 0
    assert clips[1.0]["sd"] < clips[5.0]["sd"] < found["ips"]["sd"] * 1.001
    assert clips[5.0]["sd"] == pytest.approx(found["clipped_ips"]["sd"], rel=1e-9)
    for name, one in repeats.errors().items():
        assert one.low < one.value < one.high
        assert one.value == pytest.approx(found[name]["error"], rel=1e-9)
    assert repeats.held()["dm"].value == found["dm"]["held"]


def test_what_is_judged_is_plain_and_adds_up(trial: ShopTrial) -> None:
    told = judged(trial.case(trial.draw(500, "uniform", np.random.default_rng(8)), 3.0), 10.0)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert [one["name"] for one in told["rows"] if one["claims"]] == ["ips", "snips", "mixture_ips", "dr"]
    assert sum(told["weights"]["share"]) == pytest.approx(1)
    assert sum(told["weights"]["mass"]) == pytest.approx(1)
    assert told["effective"] < 0.1 * told["slates"], "three times as sharp, from a log that shows everything alike"
    assert told["mixture_effective"] == pytest.approx(told["effective"]), "a single policy made it"


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_open_bandit_as_on_open_bandit(campaign: str) -> None:
    log = load_table(resolve("open-bandit"), campaign)
    trial = BanditTrial.make(log, np.random.default_rng(0))
    case, known = trial.case(len(trial), 1.0), on_open_bandit(log, resamples=50)
    assert case.truth is not None
    assert case.truth.value == pytest.approx(known.truth.value)
    for row in judged(case)["rows"]:
        rel = 1e-9 if row["name"] in ("ips", "clipped_ips", "snips") else 0.05  # other folds, another model
        assert row["value"] == pytest.approx(known.estimates[row["name"]].value, rel=rel)
    assert trial.case(500, 2.0).truth is None, "nobody knows what another policy would have earned"
    with pytest.raises(CourseError, match="one slate"):
        trial.case(1, 1.0)
    with pytest.raises(CourseError, match="no impressions of the policy “bts”"):
        BanditTrial.make(log[log[Columns.POLICY] == "random"], np.random.default_rng(0))


def test_without_a_truth_there_is_only_spread() -> None:
    trial = BanditTrial.make(load_table(resolve("open-bandit"), "men"), np.random.default_rng(0))
    repeats = Repeats((500,), 10.0)
    for seed in range(3):
        again = trial.taken(np.random.default_rng(seed).integers(len(trial), size=500))
        repeats.add(lambda size, again=again: again.case(size, 2.0))
    assert set(repeats.estimators()["ips"]) == {"mean", "sd"}
    assert repeats.errors() == repeats.held() == {}


def test_wilsons_interval() -> None:
    """Newcombe (1998), table I: 81 of 263 is 0.2553 to 0.3662, 0 of 20 is 0 to 0.1611."""
    one, none = wilson(81, 263), wilson(0, 20)
    assert (one.low, one.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (none.low, none.high) == pytest.approx((0, 0.1611), abs=5e-5)
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)
