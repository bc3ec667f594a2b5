"""Estimates beside the truth: right on the simulated shop over many seeds, and plain about Open Bandit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.data.registry import load_table, resolve
from course_lib.errors import CourseError
from course_lib.evaluation import off_policy
from course_lib.evaluation.off_policy import ESTIMATORS, Predictions, Values, direct_method
from course_lib.evaluation.policy_values import FOLDS, Comparison, on_open_bandit, on_shop
from course_lib.shop import simulate as simulator
from course_lib.shop.front_page import Policy, Visitors, front_page, visitors
from course_lib.shop.plackett_luce import Chances, position_chances
from course_lib.shop.published import shop
from course_lib.shop.slates import slate_log
from course_lib.shop.truth import slates as truth
from course_lib.shop.world import World

SHOPPERS = 200
SEEDS = 40


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


def own_policy(world: World, seed: int | None = None) -> Policy:
    """A policy that made no part of the log: the last product's department, and what sells."""
    page = front_page(world, seed)

    def policy(guests: Visitors) -> Chances:
        last = guests.histories.items[guests.histories.offsets[1:] - 1]
        return 0.4 * np.log1p(page.sales) + 1.5 * (page.department_of[last][:, None] == page.department)

    return policy


@pytest.fixture(scope="module")
def compared(world: World) -> list[Comparison]:
    """The same question to forty shops, each with shoppers, slates and clicks of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "BLOCK", SHOPPERS)
        return [
            on_shop(world, slate_log(world, SHOPPERS, seed), own_policy(world, seed), seed, resamples=200)
            for seed in range(SEEDS)
        ]


def errors(compared: list[Comparison], name: str) -> np.ndarray:
    """(SEEDS,) estimate less truth."""
    return np.array([one.estimates[name].value - one.truth.value for one in compared])


@pytest.mark.parametrize("name", ["ips", "snips", "mixture_ips", "dr"])
def test_right_on_average_over_shops(name: str, compared: list[Comparison]) -> None:
    wrong = errors(compared, name)
    assert abs(wrong.mean()) < 3 * wrong.std(ddof=1) / np.sqrt(SEEDS)
    assert wrong.std() < 0.1 * compared[0].truth.value
    held = np.mean([one.estimates[name].low <= one.truth.value <= one.estimates[name].high for one in compared])
    assert held >= 0.85, "of 40 intervals at 95%, 34 at the least"


def test_a_model_without_the_shopper_and_the_plain_average_are_wrong(compared: list[Comparison]) -> None:
    for wrong in (errors(compared, "dm"), np.array([one.logged.value - one.truth.value for one in compared])):
        assert abs(wrong.mean()) > 5 * wrong.std(ddof=1) / np.sqrt(SEEDS)
    assert errors(compared, "dr").std() < errors(compared, "ips").std()


def test_the_mixture_of_the_logging_policies_calms_the_estimate(compared: list[Comparison]) -> None:
    """A third less spread over forty shops, for a policy between those that made the log."""
    assert errors(compared, "mixture_ips").std() < 0.8 * errors(compared, "ips").std()
    narrow, wide = (
        np.mean([one.estimates[name].high - one.estimates[name].low for one in compared])
        for name in ("mixture_ips", "ips")
    )
    assert narrow < 0.85 * wide


def test_the_parts_of_a_comparison(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth is the mean of truth.values, the log's average is its clicks a slate, IPS is the sum of the docs."""
    monkeypatch.setattr(simulator, "BLOCK", 60)
    log, policy, page = slate_log(world, 100), own_policy(world), front_page(world)
    log = log[log[Columns.POLICY] == "uniform"]
    found = on_shop(world, log, policy, resamples=20)
    shoppers = int(log[Columns.USER].max()) + 1
    exact = truth.values(world, policy, shoppers).mean()
    assert found.truth.value == found.truth.low == found.truth.high == pytest.approx(exact, rel=1e-12)
    assert found.slates == log[Columns.SLATE].nunique()
    assert found.logged.value == pytest.approx(log.groupby(Columns.SLATE)[Columns.CLICK].sum().mean())
    assert set(found.estimates) == set(ESTIMATORS)
    alone = found.estimates  # rows of one policy: its mixture is itself
    assert alone["mixture_ips"].value == pytest.approx(alone["ips"].value, rel=1e-12)
    column = {item: number for number, item in enumerate(page.items.tolist())}
    guests = [visitors(block) for block in simulator.simulate(world, 120)]
    at = np.concatenate([position_chances(policy(one), 3) for one in guests])
    worth = [
        row[Columns.CLICK] * at[row[Columns.USER], row[Columns.POSITION] - 1, column[row[Columns.ITEM]]] * len(column)
        for row in log.to_dict("records")
    ]
    assert found.estimates["ips"].value == pytest.approx(sum(worth) / found.slates, rel=1e-9)
    assert ((found.effective > 1) & (found.effective <= found.slates)).all()


def test_the_model_has_not_seen_what_it_judges(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changing the clicks of one fold of shoppers changes no prediction for them."""
    monkeypatch.setattr(simulator, "BLOCK", 60)
    log = slate_log(world, 60)
    own = log[Columns.USER] % FOLDS == 0
    other = log.assign(**{Columns.CLICK: np.where(own, True, log[Columns.CLICK])})
    seen: list[np.ndarray] = []

    def keep(predictions: Predictions) -> Values:
        seen.append(predictions.expected)
        return direct_method(predictions)

    monkeypatch.setattr(off_policy, "direct_method", keep)
    for rows in (log, other):
        on_shop(world, rows, own_policy(world), resamples=2)
    mine = own.to_numpy()[::3]
    before, after = seen[0], seen[-1]
    np.testing.assert_array_equal(before[mine], after[mine])
    assert (before[~mine] < after[~mine]).all()


def test_broken_slates_are_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "BLOCK", 20)
    log, policy = slate_log(world, 10), own_policy(world)
    cases = {"row 5": log.drop(index=4), "row 1": log[log[Columns.POSITION] == 2], "row 0": log[:0], "row 29": log[:29]}
    for row, rows in cases.items():
        with pytest.raises(CourseError, match=f"At {row} ") as caught:
            on_shop(world, rows, policy)
        assert caught.value.key == "off_policy_log"


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_open_bandit(campaign: str) -> None:
    """Thompson sampling from the random log: the interval meets the interval of its own clicks, and both are wide."""
    log = load_table(resolve("open-bandit"), campaign)
    found = on_open_bandit(log)
    asked = log[log[Columns.POLICY] == "bts"]
    assert found.truth.value == pytest.approx(asked[Columns.CLICK].mean())
    assert found.logged.value == pytest.approx(log.loc[log[Columns.POLICY] == "random", Columns.CLICK].mean())
    assert found.slates == 10_000
    assert 2_000 < found.effective[0] < 4_000
    for name in ("ips", "clipped_ips", "snips", "dr"):
        interval = found.estimates[name]
        assert interval.low < found.truth.high
        assert interval.high > found.truth.low
        assert 0.0035 < interval.high - interval.low < 0.007
    # IPS by hand: how often Thompson sampling had the product at the position, against once in n
    n = log[Columns.ITEM].max()
    share = asked.groupby([Columns.POSITION, Columns.ITEM]).size() / asked.groupby(Columns.POSITION).size()
    clicked = log[(log[Columns.POLICY] == "random") & log[Columns.CLICK]]
    worth = [share.get((row[Columns.POSITION], row[Columns.ITEM]), 0.0) * n for row in clicked.to_dict("records")]
    assert found.estimates["ips"].value == pytest.approx(sum(worth) / 10_000)


def test_open_bandit_needs_both_policies() -> None:
    log = load_table(resolve("open-bandit"), "men")
    with pytest.raises(CourseError, match="no impressions of the policy “bts”, only of: random"):
        on_open_bandit(log[log[Columns.POLICY] == "random"])
    empty: pd.DataFrame = log[:0]
    with pytest.raises(CourseError, match="no impressions of the policy “random”"):
        on_open_bandit(empty)
