"""Campaigns drawn anew are the shop's own in truth and rule; policies and effects against known truths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.evaluation import coupon_policies as policies
from course_lib.evaluation.coupon_effects import effects, weighted
from course_lib.evaluation.coupon_trials import CAMPAIGNS, CouponTrial, brings, kind_names
from course_lib.shop.coupons import coupon_frame
from course_lib.shop.published import shop
from course_lib.shop.truth.coupons import CLASSES, true_effects
from course_lib.training.uplift_learners import LEARNERS, fit

SHOPPERS = 1500


@pytest.fixture(scope="module")
def trial() -> CouponTrial:
    return CouponTrial.make(shop(), "detergent", SHOPPERS)


def test_the_truth_and_the_rule_are_the_shops(trial: CouponTrial) -> None:
    truth = true_effects(shop(), SHOPPERS)
    own = truth[truth[Columns.CAMPAIGN] == "detergent_test"]
    assert trial.without == pytest.approx(own["chance_without"].to_numpy())
    assert trial.with_ == pytest.approx(own["chance_with"].to_numpy())
    assert [CLASSES[kind].replace(" ", "_") for kind in trial.kinds] == [
        name.replace(" ", "_") for name in own["shopper_class"]
    ]
    log = coupon_frame(shop(), SHOPPERS)
    aimed = log.loc[log[Columns.CAMPAIGN] == "detergent_regulars", Columns.PROPENSITY].to_numpy() > 0.5
    assert (trial.aimed == aimed).all()
    assert len(trial.histories) == len(trial) == SHOPPERS
    assert set(kind_names()) == {"lost_cause", "persuadable", "sleeping_dog", "sure_thing"}
    assert len(CAMPAIGNS) == 3


def test_a_longer_coupon_changes_its_own_shop_alone(trial: CouponTrial) -> None:
    longer = CouponTrial.make(shop(), "detergent", 400, window_days=180)
    assert longer.without.mean() > 2 * trial.without[:400].mean()
    assert shop().parameters["coupons.window_days"] == 28


def test_draws_follow_their_chances(trial: CouponTrial) -> None:
    rows = np.tile(np.arange(SHOPPERS), 40)
    drawn = trial.draw(rows, np.random.default_rng(1), np.full(len(rows), 0.25))
    assert drawn.treated.mean() == pytest.approx(0.25, abs=0.01)
    assert drawn.bought[drawn.treated].mean() == pytest.approx(trial.with_.mean(), abs=0.01)
    assert drawn.bought[~drawn.treated].mean() == pytest.approx(trial.without.mean(), abs=0.005)


def test_policies_of_nobody_and_everybody(trial: CouponTrial) -> None:
    rows, score = np.arange(SHOPPERS), trial.uplift
    assert not policies.chosen(score, 0.0).any()
    assert policies.chosen(score, 1.0).all()
    assert policies.chosen(score, 1.0, 0.0).tolist() == (score > 0).tolist()
    money = trial.profit(rows, 0.5)
    shares = np.array([0.0, 0.5, 1.0])
    curve = policies.curve(money, score, shares)
    half = policies.chosen(score, 0.5)
    assert curve == pytest.approx([0.0, money[half].sum() / SHOPPERS * 1000, money.mean() * 1000])
    assert brings(np.zeros(1), np.ones(1), 100.0, 0.2, 0.5)[0] == pytest.approx(30.0)
    found, drawn = policies.qini_shares(trial.uplift, {"itself": trial.uplift, "none": np.zeros(SHOPPERS)}, 20)
    assert found["itself"]["value"] == pytest.approx(1.0)
    assert found["none"]["value"] == pytest.approx(0.0, abs=1e-9)
    assert drawn["itself"] == pytest.approx(np.ones(20))


def test_the_log_tells_a_policys_profit_without_bias(trial: CouponTrial) -> None:
    rows, rng = np.arange(SHOPPERS), np.random.default_rng(2)
    picked = policies.chosen(trial.uplift, 0.3)
    truth = np.where(picked, trial.profit(rows, 0.5), 0.0).mean() * 1000
    told, held = [], []
    for _ in range(300):
        drawn = trial.draw(rows, rng)
        one = policies.logged_profit(
            picked, drawn.treated, drawn.bought, trial.chance, trial.price, trial.discount, 0.5
        )
        told.append(one["value"])
        held.append(one["low"] <= truth <= one["high"])
    assert np.mean(told) == pytest.approx(truth, abs=4 * np.std(told) / np.sqrt(len(told)))
    assert 0.9 <= np.mean(held) <= 0.99


def test_estimators_on_a_confounded_log(trial: CouponTrial) -> None:
    """Many shoppers, so that what is left is bias: naive and wrongly straightened are off, the others are not."""
    rows = np.tile(np.arange(SHOPPERS), 30)
    chance = np.where(trial.aimed, 0.8, 0.1)[rows]
    drawn = trial.draw(rows, np.random.default_rng(3), chance)
    known = np.column_stack([trial.features, trial.aimed])
    known = (known - known.mean(0)) / np.maximum(known.std(0), 1e-9)
    found = effects(drawn.treated, drawn.bought, chance, known[rows][:, :2], known[rows])
    truth = trial.uplift.mean()
    for name in ("naive", "wrong"):
        assert found[name]["low"] > truth + 0.01, name
    for name in ("ipw", "ipw_learned", "dr"):
        assert found[name]["value"] == pytest.approx(truth, abs=0.01), name


def test_weighted_by_hand() -> None:
    """Two shoppers an arm: 1/.5 + 0/.25 against 1/.5 + 0/.25 of the other side's chances."""
    y, given = np.array([1.0, 0.0, 1.0, 0.0]), np.array([True, True, False, False])
    found = weighted(y, given, np.array([0.5, 0.25, 0.5, 0.75]))
    with_, without = 2 / (2 + 4), 2 / (2 + 4)
    assert found["value"] == pytest.approx(with_ - without)
    assert weighted(y, given, np.full(4, 0.5))["value"] == pytest.approx(0.0)


def test_without_overlap_nothing_is_estimated(trial: CouponTrial) -> None:
    drawn = trial.draw(np.arange(SHOPPERS), np.random.default_rng(1), np.where(trial.aimed, 0.8, 0.0))
    with pytest.raises(CourseError) as caught:
        effects(drawn.treated, drawn.bought, drawn.propensity, trial.features[:, :2], trial.features)
    assert caught.value.key == "campaign_no_overlap"
    assert "%" in caught.value.text("zh")


@pytest.mark.parametrize("base", ["linear", "trees"])
def test_learners_find_whom_a_coupon_moves(base: str, trial: CouponTrial) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(4000, 3))
    planted = replace(trial, without=np.full(4000, 0.2), with_=np.where(x[:, 0] > 0, 0.6, 0.2))
    drawn = planted.draw(np.arange(4000), rng)
    for learner in LEARNERS:
        score = fit(learner, base, x, drawn.bought, drawn.treated, trial.chance, 1).uplift(x)
        share = policies.qini_shares(planted.uplift, {"it": score}, 2)[0]["it"]["value"]
        if learner == "s" and base == "linear":
            continue  # one slope for all: its uplift is no more than a change of scale, see the lesson
        assert share > 0.7, learner
