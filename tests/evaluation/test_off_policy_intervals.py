"""Off-policy, newer parts: as obp's on one log, weights of a mixture, intervals that hold the truth, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.off_policy import (
    ESTIMATORS,
    UNBIASED,
    Log,
    Predictions,
    estimates,
    ips,
    mixed_propensity,
    mixture_ips,
    normal_estimates,
    switch_dr,
)
from tests.evaluation.obp_figures import CLIP, ROUNDS, inputs

FIGURES = json.loads((Path(__file__).parent / "obp_figures.json").read_text(encoding="utf-8"))["estimates"]
EXPERIMENTS = 500


def test_the_same_as_obp_on_five_hundred_rounds() -> None:
    """Every estimator; obp_figures.py beside this file has the command, and obp_figures.json the versions."""
    one, at = inputs(), np.arange(ROUNDS)
    mixture = mixed_propensity(one["logging"][:, at, one["action"], None], one["made_by"])
    log = Log(one["reward"], one["propensity"], one["policy"][at, one["action"]], mixture)
    guesses = Predictions(one["model"][at, one["action"]], (one["policy"] * one["model"]).sum(1))
    assert set(FIGURES) == set(ESTIMATORS)
    for name, interval in normal_estimates(log, guesses, CLIP).items():
        assert interval.value == pytest.approx(FIGURES[name], abs=1e-9), name


def test_the_mixture_of_one_policy_is_that_policy() -> None:
    one, at = inputs(), np.arange(ROUNDS)
    shown = one["logging"][:1, at, one["action"], None]
    mixture = mixed_propensity(shown, np.zeros(ROUNDS, int))
    np.testing.assert_array_equal(mixture, shown[0])
    log = Log(one["reward"], shown[0], one["policy"][at, one["action"]], mixture)
    np.testing.assert_array_equal(mixture_ips(log), ips(log))


def test_the_mixture_weighs_policies_by_their_slates() -> None:
    chances = np.array([[[0.5], [0.5], [0.5], [0.5]], [[0.1], [0.1], [0.1], [0.1]]])
    assert mixed_propensity(chances, [0, 0, 0, 1])[:, 0].tolist() == pytest.approx([0.4] * 4)
    for bad in ([0, 0, 0], [0, 0, 0, 2], [0, 0, 0, -1]):
        with pytest.raises(ValueError, match="made_by"):
            mixed_propensity(chances, bad)


def test_switch_dr_lies_between_the_model_and_dr() -> None:
    """With the switch at infinity it is DR; where every weight is above it, it is DM."""
    one, at = inputs(), np.arange(ROUNDS)
    log = Log(one["reward"], one["propensity"], one["policy"][at, one["action"]])
    guesses = Predictions(one["model"][at, one["action"]], (one["policy"] * one["model"]).sum(1))
    found = normal_estimates(log, guesses)
    assert switch_dr(log, guesses, np.inf).mean() == pytest.approx(found["dr"].value, rel=1e-12)
    assert switch_dr(log, guesses, 1e-12).mean() == pytest.approx(found["dm"].value, rel=1e-9)
    with pytest.raises(ValueError, match="above 0"):
        switch_dr(log, guesses, 0.0)


def test_normal_and_bootstrap_intervals_agree() -> None:
    one, at = inputs(), np.arange(ROUNDS)
    log = Log(one["reward"], one["propensity"], one["policy"][at, one["action"]])
    guesses = Predictions(one["model"][at, one["action"]], (one["policy"] * one["model"]).sum(1))
    quick, slow = normal_estimates(log, guesses), estimates(log, guesses, resamples=4000)
    for name, one_interval in quick.items():
        width, other = one_interval.high - one_interval.low, slow[name].high - slow[name].low
        assert width == pytest.approx(other, rel=0.06), name


# Do intervals hold the truth? Rounds with five products whose worth is known, a log by two policies, and a model of the
# reward that was fitted elsewhere and is wrong.
PRODUCTS, LENGTH = 5, 600
WORTH = np.array([0.05, 0.2, 0.35, 0.5, 0.7])
ASKED = np.array([0.05, 0.1, 0.15, 0.25, 0.45])
LOGGING = np.array([[0.2] * 5, [0.4, 0.25, 0.15, 0.1, 0.1]])
WRONG = np.array([0.3, 0.3, 0.35, 0.4, 0.4])


@pytest.fixture(scope="module")
def held() -> dict[str, dict[str, float]]:
    """By kind of interval and estimator, the share of EXPERIMENTS logs whose 95% interval holds the truth."""
    random = np.random.default_rng(95)
    truth = float(ASKED @ WORTH)
    count = {kind: dict.fromkeys(ESTIMATORS, 0) for kind in ("normal", "bootstrap")}
    for number in range(EXPERIMENTS):
        made_by = random.integers(2, size=LENGTH)
        ends = LOGGING.cumsum(1)[made_by]
        shown = (random.random(LENGTH)[:, None] > ends).sum(1).clip(0, PRODUCTS - 1)
        reward = (random.random(LENGTH) < WORTH[shown]).astype(float)
        mixture = mixed_propensity(LOGGING[:, shown, None], made_by)
        log = Log(reward, LOGGING[made_by, shown], ASKED[shown], mixture)
        # The model hears a little of who comes, so that DM has an interval at all.
        hint = random.normal(0, 0.02, LENGTH)
        guesses = Predictions(WRONG[shown] + hint, ASKED @ WRONG + hint)
        found = {
            "normal": normal_estimates(log, guesses, most=1.5),
            "bootstrap": estimates(log, guesses, most=1.5, resamples=400, seed=number),
        }
        for kind, intervals in found.items():
            for name, one in intervals.items():
                count[kind][name] += one.low <= truth <= one.high
    return {kind: {name: held / EXPERIMENTS for name, held in one.items()} for kind, one in count.items()}


@pytest.mark.parametrize("kind", ["normal", "bootstrap"])
def test_intervals_hold_the_truth(kind: str, held: dict[str, dict[str, float]]) -> None:
    """93 to 97% for each estimator that claims it; those that do not claim it miss far more often."""
    for name, share in held[kind].items():
        if name in UNBIASED:
            assert 0.93 <= share <= 0.97, (name, share)
        else:
            assert share < 0.8, (name, share)
    assert held[kind]["dm"] == 0, "its interval is narrow, and about another number"


# Bad input


def test_a_single_slate_has_no_interval() -> None:
    with pytest.raises(CourseError, match="one slate") as caught:
        normal_estimates(Log([1.0], [0.5], [0.5]))
    assert caught.value.key == "off_policy_one_slate"
    assert "一组" in caught.value.text("zh")


@pytest.mark.parametrize("bad", [0.0, 1.5, np.nan])
def test_a_chance_of_the_mixture_that_is_none_is_named(bad: float) -> None:
    with pytest.raises(CourseError, match="slate 2, position 1") as caught:
        Log([1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.5, bad])
    assert caught.value.key == "off_policy_propensity"
    with pytest.raises(ValueError, match="mixture"):
        Log([1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.5])


def test_a_log_without_overlap_has_no_estimates() -> None:
    with pytest.raises(CourseError, match="at position 1") as caught:
        normal_estimates(Log([1.0, 0.0], [0.5, 0.5], [0.0, 0.0]))
    assert caught.value.key == "off_policy_no_overlap"
