"""Off-policy estimators: equal to sums by hand and to obp, unbiased on the simulated shop, intervals that hold."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.off_policy import (
    ESTIMATORS,
    Log,
    Predictions,
    Values,
    check_support,
    click_rates,
    clipped_ips,
    direct_method,
    doubly_robust,
    effective_size,
    estimates,
    ips,
    mixture_ips,
    normal_estimates,
    snips,
    switch_dr,
)
from course_lib.shop import simulate as simulator
from course_lib.shop.front_page import front_page, visitors
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.plackett_luce import draw_slates, position_chances
from course_lib.shop.published import shop
from course_lib.shop.truth import slates as truth

# A log of six single actions out of three: what was done, what came of it, with which chance; what another policy
# would do and a model's guesses.
ACTION = np.array([0, 1, 2, 0, 1, 2])
REWARD = np.array([1.0, 0.0, 1.0, 0.0, 1.0, 1.0])
CHANCE = np.array([0.5, 0.25, 0.25, 0.6, 0.1, 0.3])
POLICY = np.array(
    [[0.2, 0.3, 0.5], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4], [0.7, 0.2, 0.1], [0.25, 0.5, 0.25], [0.05, 0.15, 0.8]]
)
MODEL = np.array([[0.6, 0.2, 0.5], [0.4, 0.3, 0.7], [0.5, 0.1, 0.6], [0.3, 0.2, 0.4], [0.2, 0.7, 0.1], [0.9, 0.4, 0.8]])
ROWS = np.arange(6)
SINGLE = Log(REWARD, CHANCE, POLICY[ROWS, ACTION])
GUESSES = Predictions(MODEL[ROWS, ACTION], (POLICY * MODEL).sum(1))
# And four slates of three positions.
CLICKS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
LOGGED = np.array([[0.5, 0.2, 0.25], [0.3, 0.4, 0.1], [0.2, 0.5, 0.4], [0.6, 0.3, 0.2]])
ASKED = np.array([[0.1, 0.3, 0.5], [0.6, 0.4, 0.2], [0.4, 0.25, 0.3], [0.2, 0.6, 0.4]])
SLATES_OF_THREE = Log(CLICKS, LOGGED, ASKED)


def test_the_same_as_obp() -> None:
    """obp 0.5.7, installed with --no-deps --ignore-requires-python, printed these for the two logs above.

    InverseProbabilityWeighting() and (lambda_=2.0), SelfNormalizedInverseProbabilityWeighting(), DirectMethod(),
    DoublyRobust(), with position 0 throughout; SlateIndependentIPS(len_list=3) and its self-normalised form.
    """
    assert ips(SINGLE).mean() == pytest.approx(1.6111111111111114, rel=1e-12)
    assert clipped_ips(SINGLE, 2.0).mean() == pytest.approx(1.0, rel=1e-12)
    assert snips(SINGLE).mean() == pytest.approx(0.7304785894206548, rel=1e-12)
    assert direct_method(GUESSES).mean() == pytest.approx(0.4566666666666667, rel=1e-12)
    assert doubly_robust(SINGLE, GUESSES).mean() == pytest.approx(0.7505555555555556, rel=1e-12)
    assert ips(SLATES_OF_THREE).mean() == pytest.approx(1.925, rel=1e-12)
    assert snips(SLATES_OF_THREE).mean() == pytest.approx(1.3778867102396515, rel=1e-12)


def test_the_same_as_sums_by_hand() -> None:
    """Slate by slate and position by position, in loops."""
    random = np.random.default_rng(0)
    N, K = 7, 3
    log = Log(
        random.random((N, K)), random.uniform(0.1, 1, (N, K)), random.random((N, K)), random.uniform(0.1, 1, (N, K))
    )
    guesses = Predictions(random.random((N, K)), random.random((N, K)))
    assert log.mixture is not None
    by_hand = {name: np.zeros(N) for name in ESTIMATORS}
    for n, j in itertools.product(range(N), range(K)):
        w = log.target[n, j] / log.propensity[n, j]
        at_j = [log.target[m, j] / log.propensity[m, j] for m in range(N)]
        by_hand["ips"][n] += w * log.reward[n, j]
        by_hand["clipped_ips"][n] += min(w, 0.8) * log.reward[n, j]
        by_hand["snips"][n] += w * log.reward[n, j] / (sum(at_j) / N)
        by_hand["mixture_ips"][n] += log.target[n, j] / log.mixture[n, j] * log.reward[n, j]
        by_hand["dm"][n] += guesses.expected[n, j]
        corrected = guesses.expected[n, j] + w * (log.reward[n, j] - guesses.shown[n, j])
        by_hand["dr"][n] += corrected
        by_hand["switch_dr"][n] += corrected if w <= 0.8 else guesses.expected[n, j]
    found = (ips(log), clipped_ips(log, 0.8), snips(log), mixture_ips(log), direct_method(guesses))
    found += (doubly_robust(log, guesses), switch_dr(log, guesses, 0.8))
    for name, values in zip(ESTIMATORS, found, strict=True):
        np.testing.assert_allclose(values, by_hand[name], rtol=1e-12)
    for every in (estimates(log, guesses, most=0.8, resamples=10), normal_estimates(log, guesses, most=0.8)):
        assert set(every) == set(ESTIMATORS)
        for name, interval in every.items():
            assert interval.value == pytest.approx(by_hand[name].mean(), rel=1e-12)
    assert set(normal_estimates(Log(log.reward, log.propensity, log.target))) == {"ips", "clipped_ips", "snips"}


def test_expectation_over_everything_that_can_be_shown_is_the_true_value() -> None:
    """All 12 ordered pairs of 4 products, by hand: IPS and DR are right whatever the model, DM is as wrong as it is."""
    random = np.random.default_rng(1)
    here, there = (np.log(random.dirichlet(np.ones(4)))[None] for _ in range(2))
    worth = random.random((2, 4))  # (K, n) chance of a click
    model = random.random((2, 4))
    at_here, at_there = position_chances(here, 2)[0], position_chances(there, 2)[0]
    share = np.exp(here[0])
    mean = {"ips": 0.0, "dr": 0.0}
    for first, second in itertools.permutations(range(4), 2):
        chance = share[first] * share[second] / (1 - share[first])
        shown = np.arange(2), np.array([first, second])
        log = Log(worth[shown][None], at_here[shown][None], at_there[shown][None])  # the reward is its expectation
        guesses = Predictions(model[shown][None], (at_there * model).sum(1)[None])
        mean["ips"] += chance * ips(log)[0]
        mean["dr"] += chance * doubly_robust(log, guesses)[0]
    value = (at_there * worth).sum()
    assert mean["ips"] == pytest.approx(value, rel=1e-12)
    assert mean["dr"] == pytest.approx(value, rel=1e-12)
    assert abs((at_there * model).sum() - value) > 0.1


def test_a_perfect_model_leaves_only_the_luck_of_the_clicks() -> None:
    """With rewards as the model says, the correction of DR is nothing, and DM is exact."""
    guesses = Predictions(REWARD, (POLICY * MODEL).sum(1))
    np.testing.assert_allclose(doubly_robust(SINGLE, guesses), direct_method(guesses), rtol=1e-12)


def test_the_policy_that_made_the_log_gets_its_own_average() -> None:
    log = Log(CLICKS, LOGGED, LOGGED)
    for values in (ips(log), snips(log), clipped_ips(log, 1.0)):
        np.testing.assert_allclose(values, CLICKS.sum(1))
    np.testing.assert_allclose(effective_size(log), 4)


def test_effective_size() -> None:
    """As many as there are where weights are equal; one where a single weight counts."""
    even = Log(np.zeros(10), np.full(10, 0.5), np.full(10, 0.1))
    assert effective_size(even).tolist() == pytest.approx([10])
    target = np.zeros(10)
    target[3] = 0.9
    assert effective_size(Log(np.zeros(10), np.full(10, 0.5), target)).tolist() == pytest.approx([1])
    weights = ASKED / LOGGED
    np.testing.assert_allclose(effective_size(SLATES_OF_THREE), weights.sum(0) ** 2 / (weights**2).sum(0))


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.5, np.nan, np.inf])
def test_a_logged_chance_that_is_none_is_named(bad: float) -> None:
    logged = LOGGED.copy()
    logged[2, 1] = bad
    with pytest.raises(CourseError, match="slate 3, position 2") as caught:
        Log(CLICKS, logged, ASKED)
    assert caught.value.key == "off_policy_propensity"
    assert "第 3 组" in caught.value.text("zh")


@pytest.mark.parametrize("bad", [-0.1, 1.5, np.nan])
def test_a_chance_of_the_asked_policy_that_is_none_is_named(bad: float) -> None:
    asked = ASKED.copy()
    asked[0, 2] = bad
    with pytest.raises(CourseError, match="slate 1, position 3") as caught:
        Log(CLICKS, LOGGED, asked)
    assert caught.value.key == "off_policy_target"


def test_rewards_and_predictions_are_numbers() -> None:
    with pytest.raises(CourseError, match="slate 2, position 1 of the log is nan"):
        Log([0.0, np.nan], [0.5, 0.5], [0.5, 0.5])
    with pytest.raises(CourseError, match="slate 2, position 1"):
        Predictions(np.zeros(2), [0.0, np.inf])


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        Log(CLICKS, LOGGED, ASKED[:, :2])
    with pytest.raises(ValueError, match="differ"):
        Log([], [], [])
    with pytest.raises(ValueError, match="not alike"):
        doubly_robust(SLATES_OF_THREE, GUESSES)
    with pytest.raises(ValueError, match="above 0"):
        clipped_ips(SINGLE, 0.0)
    with pytest.raises(ValueError, match="one group a slate"):
        estimates(SINGLE, groups=[1, 2])


def test_a_log_without_overlap_is_named() -> None:
    asked = ASKED.copy()
    asked[:, 1] = 0.0
    log = Log(CLICKS, LOGGED, asked)
    for estimator in (snips, effective_size, estimates):
        with pytest.raises(CourseError, match="at position 2") as caught:
            estimator(log)
        assert caught.value.key == "off_policy_no_overlap"
    assert np.isfinite(ips(log)).all()


def test_missing_support_is_named() -> None:
    """The product and position most missed, and how much in all: 0.5 of position 1 and 0.2 of position 2, of 2."""
    logged = np.array([[0.5, 0.5, 0.0], [0.0, 0.4, 0.6]])
    asked = np.array([[0.2, 0.3, 0.5], [0.2, 0.4, 0.4]])
    check_support(logged, logged)
    check_support(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), logged)
    with pytest.raises(CourseError, match=r"shows Mug at position 1.*35\.00%") as caught:
        check_support(asked, logged, {0: "Pen", 1: "Cup", 2: "Mug"})
    assert caught.value.key == "off_policy_support"
    with pytest.raises(CourseError, match=r"shows 3 at position 1.*17\.50%"):
        check_support(np.stack([asked, logged]), logged)  # two shoppers, one of whom the log can tell about
    with pytest.raises(ValueError, match="add up to 1"):
        check_support(asked * 0.5, logged)


def test_click_rates_by_hand() -> None:
    position, item, reward = [0, 0, 1, 1, 1], [0, 1, 0, 0, 2], [1.0, 0.0, 1.0, 0.0, 1.0]
    found = click_rates(position, item, reward, (2, 4), strength=2.0)
    mean = 3 / 5
    of_position = np.array([(1 + 2 * mean) / 4, (2 + 2 * mean) / 5])
    of_item = np.array([(2 + 2 * mean) / 5, 2 * mean / 3, (1 + 2 * mean) / 3, mean])
    prior = np.outer(of_position, of_item) / mean
    total = np.array([[1, 0, 0, 0], [1, 0, 1, 0]])
    times = np.array([[1, 1, 0, 0], [2, 0, 1, 0]])
    np.testing.assert_allclose(found, (total + 2 * prior) / (times + 2))
    assert not click_rates([0], [0], [0.0], (1, 2)).any()
    with pytest.raises(ValueError, match="none"):
        click_rates([], [], [], (1, 1))


def test_groups_are_resampled_whole() -> None:
    """Ten copies of a slate in one group know no more than one; alone they would claim to."""
    random = np.random.default_rng(3)
    reward = random.random(40)
    log = Log(reward, np.full(40, 0.5), np.full(40, 0.5))
    tenfold = Log(np.repeat(reward, 10), np.full(400, 0.5), np.full(400, 0.5))
    one, alone = estimates(log)["ips"], estimates(tenfold)["ips"]
    together = estimates(tenfold, groups=np.repeat(np.arange(40), 10))["ips"]
    assert one.value == pytest.approx(together.value)
    assert (together.high - together.low) == pytest.approx(one.high - one.low, rel=0.1)
    assert (alone.high - alone.low) < 0.5 * (one.high - one.low)
    assert one.low == pytest.approx(bootstrap(reward).low, rel=0.02)


SHOPPERS = 500
REPEATS = 200


@dataclass(frozen=True)
class Repeated:
    """Estimates from many logs of the same shoppers, each log drawn anew."""

    value: float
    found: dict[str, Values]  # by estimator, (REPEATS,)
    inside: dict[str, float]  # share of intervals that hold the value


@pytest.fixture(scope="module")
def repeated() -> Repeated:
    """``personal`` from logs of ``uniform``; the model of DM and DR learned from the log before.

    "dr_truth" has the true chances for a model, "dr_wrong" and "dm_wrong" one that tells no product from another.
    """
    world = shop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "BLOCK", SHOPPERS)
        page = front_page(world)
        block, _ = next(whole_blocks(world, SLATES, SHOPPERS))
    attractive, looked = truth.attractiveness(world, page, block), truth.looked_at(world)
    K, n = len(looked), len(page.items)
    at, who = np.arange(K), np.arange(SHOPPERS)[:, None]
    logits = page.policies["uniform"](visitors(block))
    here = position_chances(logits, K)
    there = position_chances(page.policies["personal"](visitors(block)), K)
    clicks = attractive[:, None] * looked[:, None]  # (N, K, n)
    random = np.random.default_rng(5)
    names = ("ips", "clipped_ips", "snips", "dm", "dr", "dr_truth", "dr_wrong", "dm_wrong")
    found: dict[str, list[float]] = {name: [] for name in names}
    inside = dict.fromkeys(("ips", "snips"), 0)
    value = float((there * clicks).sum((1, 2)).mean())
    rates = None
    for _ in range(REPEATS + 1):
        shown = draw_slates(logits, K, random.random((SHOPPERS, n)))
        clicked = truth.draw_clicks(world, attractive, shown, random).astype(np.float64)
        before, rates = rates, click_rates(np.tile(at, SHOPPERS), shown.ravel(), clicked.ravel(), (K, n))
        if before is None:
            continue
        log = Log(clicked, here[who, at, shown], there[who, at, shown])
        learned = Predictions(before[at, shown], (there * before).sum(2))
        perfect = Predictions(clicks[who, at, shown], (there * clicks).sum(2))
        wrong = Predictions(*(np.tile(before.mean(1), (SHOPPERS, 1)),) * 2)
        values = (ips(log), clipped_ips(log), snips(log), direct_method(learned), doubly_robust(log, learned))
        values += (doubly_robust(log, perfect), doubly_robust(log, wrong), direct_method(wrong))
        for name, per_slate in zip(found, values, strict=True):
            found[name].append(float(per_slate.mean()))
        for name, interval in estimates(log, resamples=300).items():
            if name in inside:
                inside[name] += interval.low <= value <= interval.high
    return Repeated(
        value,
        {name: np.array(values) for name, values in found.items()},
        {name: count / REPEATS for name, count in inside.items()},
    )


def off(repeated: Repeated, name: str) -> tuple[float, float]:
    """How far the mean over the logs is from the truth, and its standard error."""
    values = repeated.found[name]
    return float(values.mean() - repeated.value), float(values.std(ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("name", ["ips", "dr", "dr_truth", "dr_wrong"])
def test_unbiased_on_the_shop(name: str, repeated: Repeated) -> None:
    """Doubly robust even where the model tells no product from another."""
    bias, error = off(repeated, name)
    assert abs(bias) < 3 * error
    assert error < 0.03 * repeated.value


def test_nearly_unbiased_on_the_shop(repeated: Repeated) -> None:
    """Self-normalising costs next to nothing; clipping takes away what the large weights would have told."""
    bias, error = off(repeated, "snips")
    assert abs(bias) < 3 * error
    assert repeated.found["snips"].std() < repeated.found["ips"].std()
    bias, error = off(repeated, "clipped_ips")
    assert -0.15 * repeated.value < bias < -3 * error
    assert repeated.found["clipped_ips"].std() < repeated.found["ips"].std()


def test_the_direct_method_is_as_wrong_as_its_model(repeated: Repeated) -> None:
    """Click rates that forget the shopper are biased by a third, and agree with each other about it."""
    for name in ("dm", "dm_wrong"):
        bias, error = off(repeated, name)
        assert bias < -20 * error
        assert bias < -0.2 * repeated.value
        assert repeated.found[name].std() < 0.5 * repeated.found["ips"].std()
    assert off(repeated, "dm_wrong")[0] < off(repeated, "dm")[0]


def test_a_model_calms_the_doubly_robust_estimate(repeated: Repeated) -> None:
    spread = {name: float(values.std()) for name, values in repeated.found.items()}
    assert spread["dr"] < spread["ips"]
    assert spread["dr_truth"] < 0.95 * spread["dr"]


@pytest.mark.parametrize("name", ["ips", "snips"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(name: str, repeated: Repeated) -> None:
    """95% is asked for; of 200 intervals from 500 slates each with large weights a few less may come."""
    assert 0.89 <= repeated.inside[name] <= 0.985
