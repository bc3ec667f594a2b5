"""A/B tests: against published tables and scipy, by simulation, and what is no test at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from course_lib.errors import CourseError
from course_lib.evaluation import ab_tests
from course_lib.evaluation.ab_tests import (
    METHODS,
    bounds,
    by_look,
    compare,
    fading_lift,
    obrien_fleming,
    power,
    shoppers_needed,
    simulated,
    still,
    stops,
    z_scores,
)

# Newcombe 1998, table II, method 10: (treatment, its shoppers, control, its shoppers), the interval.
NEWCOMBE = [
    ((56, 70, 48, 80), (0.0524, 0.3339)),
    ((9, 10, 3, 10), (0.1705, 0.8090)),
    ((6, 7, 2, 7), (0.0582, 0.8062)),
    ((5, 56, 0, 29), (-0.0381, 0.1926)),
]


@pytest.mark.parametrize(("counts", "published"), NEWCOMBE)
def test_the_interval_is_the_published_one(counts: tuple[int, ...], published: tuple[float, float]) -> None:
    hits, n, other, m = counts
    found = compare([other, hits], [m, n]).difference
    assert (found.low, found.high) == pytest.approx(published, abs=6e-5)
    assert found.value == hits / n - other / m


def test_z_is_the_root_of_chi_square() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        n = rng.integers(20, 5000, 2)
        hits = rng.integers(1, n)
        table = chi2_contingency([hits, n - hits], correction=False)
        found = compare(hits, n)
        assert found.z**2 == pytest.approx(table.statistic, abs=1e-9)
        assert found.p == pytest.approx(table.pvalue, abs=1e-9)
        assert math.copysign(1, found.z) == math.copysign(1, hits[1] / n[1] - hits[0] / n[0]) or found.z == 0


@pytest.mark.parametrize(
    ("control", "lift", "arms"), [(0.05, 0.0, (2000, 2000)), (0.3, 0.2, (300, 900)), (0.02, 1, (400, 400))]
)
def test_an_interval_holds_the_truth_in_93_to_97_of_100(control: float, lift: float, arms: tuple[int, int]) -> None:
    rng, rates = np.random.default_rng(7), np.array([control, control * (1 + lift)])
    hits = rng.binomial(arms, rates, (3000, 2))
    found = [compare(one, arms).difference for one in hits]
    held = np.mean([one.low <= rates[1] - rates[0] <= one.high for one in found])
    assert 0.93 <= held <= 0.97


@pytest.mark.parametrize("everybody", [0, 1])
def test_nobody_or_everybody_converts(everybody: int) -> None:
    """No evidence of a difference, and an interval that is not a point."""
    found = compare([50 * everybody, 90 * everybody], [50, 90])
    assert (found.z, found.p, found.difference.value) == (0, 1, 0)
    assert found.difference.low < -0.03 < 0.03 < found.difference.high
    one_sided = compare([0, 90], [50, 90])
    assert one_sided.z > 5
    assert one_sided.difference.high == pytest.approx(1)


@pytest.mark.parametrize(
    ("converted", "shoppers", "key"),
    [
        ([5], [100], "ab_arms"),
        (5, 100, "ab_arms"),
        ([5, 6, 7], [100, 100, 100], "ab_arms"),
        ([0, 1], [1, 1], "ab_shoppers"),
        ([0, 1], [0, 100], "ab_shoppers"),
        ([5, 101], [100, 100], "ab_converted"),
        ([-1, 5], [100, 100], "ab_converted"),
        ([float("nan"), 5], [100, 100], "ab_converted"),
        ([5, 5], [float("nan"), 100], "ab_shoppers"),
    ],
)
def test_what_is_no_test_is_refused(converted: Any, shoppers: Any, key: str) -> None:
    with pytest.raises(CourseError) as caught:
        compare(converted, shoppers)
    assert caught.value.key == key
    assert caught.value.text("zh") != caught.value.text("en")


def test_power_and_size_as_in_r() -> None:
    """power.prop.test(n = 50, p1 = .50, p2 = .75) and (p1 = .50, p2 = .75, power = .90) of R's own documentation."""
    assert power(0.5, 0.5, 50) == pytest.approx(0.740, abs=5e-4)
    assert shoppers_needed(0.5, 0.5, 0.9) == 77
    n = shoppers_needed(0.05, 0.05)
    assert power(0.05, 0.05, n) == pytest.approx(0.8, abs=1e-5)
    assert power(0.05, 0.0, 1000) == pytest.approx(0.05)


@pytest.mark.parametrize(("base", "lift", "arms"), [(0.05, 0.2, (4000, 4000)), (0.2, -0.3, (300, 900))])
def test_power_is_how_often_it_happens(base: float, lift: float, arms: tuple[int, int]) -> None:
    hits = np.random.default_rng(3).binomial(arms, (base, base * (1 + lift)), (20_000, 2))
    share = (np.abs(z_scores(hits, arms)) >= 1.959964).mean()
    assert share == pytest.approx(power(base, lift, *arms), abs=0.012)


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: power(0.0, 0.05, 100), "ab_rate"),
        (lambda: power(1.0, 0.0, 100), "ab_rate"),
        (lambda: power(0.6, 0.7, 100), "ab_rate"),
        (lambda: power(0.05, 0.05, 1), "ab_shoppers"),
        (lambda: shoppers_needed(0.05, 0.0), "ab_no_lift"),
        (lambda: shoppers_needed(float("nan"), 0.1), "ab_rate"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(call: Any, key: str) -> None:
    with pytest.raises(CourseError) as caught:
        call()
    assert caught.value.key == key


# Many looks


@pytest.mark.parametrize(
    ("looks", "published"), [(1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320)]
)
def test_false_alarms_of_a_peeker_are_the_published_ones(looks: int, published: float) -> None:
    """Armitage, McPherson & Rowe 1969, table 2."""
    assert stops(bounds("peeking", looks), still(looks)).decided[0] == pytest.approx(published, abs=6e-4)


@pytest.mark.parametrize(("looks", "published"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (10, 2.087)])
def test_boundaries_are_the_published_ones(looks: int, published: float) -> None:
    """Jennison & Turnbull 2000, table 2.3, alpha = .05."""
    assert obrien_fleming(looks) == pytest.approx(published, abs=6e-4)


def test_the_always_valid_boundary_is_where_the_mixture_reaches_twenty() -> None:
    z, looks = bounds("always_valid", 40), 40
    for scale in np.linspace(7, 10, 31):  # 8.2 is the variance for which the last boundary is lowest
        r = scale * np.arange(1, looks + 1) / looks
        other = np.sqrt((1 + 1 / r) * (2 * math.log(20) + np.log1p(r)))
        assert z[-1] <= other[-1] + 1e-9
    k = np.arange(1, looks + 1)
    best = 2 * math.log(20)
    for _ in range(100):
        best = 2 * math.log(20) + math.log1p(best)
    r = best * k / looks
    ratio = np.exp(z**2 * r / (2 * (1 + r))) / np.sqrt(1 + r)  # the mixture likelihood ratio, theta ~ N(0, r / k)
    assert ratio == pytest.approx(np.full(looks, 20.0))


def test_chances_are_how_often_walks_cross() -> None:
    """Stops, signs, lengths and estimates, with a drift that changes."""
    rng, looks, walks = np.random.default_rng(5), 12, 100_000
    drift = np.linspace(0.9, 0.1, looks)
    s = (rng.normal(size=(walks, looks)) + drift).cumsum(1)
    z = s / np.sqrt(np.arange(1, looks + 1))
    for method in METHODS:
        boundary = bounds(method, looks)
        found = stops(boundary, drift[:, None])
        crossed = np.abs(z) >= boundary
        first, called = crossed.argmax(1), crossed.any(1)
        at = s[np.arange(walks), first]
        for look in range(looks):
            here = called & (first == look)
            assert (here & (at > 0)).mean() == pytest.approx(found.up[look, 0], abs=0.006), (method, look)
        assert called.mean() == pytest.approx(found.decided[0], abs=0.006)
        assert (at[called] < 0).mean() == pytest.approx(found.wrong_sign[0], abs=0.004)
        assert np.where(called, first + 1, looks).mean() == pytest.approx(found.looks[0], abs=0.05)
        estimates = np.abs(at / (first + 1))[called]
        assert estimates.mean() == pytest.approx(found.estimate[0], rel=0.01)


def test_the_quick_way_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    drift = np.array([[0.0, 0.3, 1.2]] * 9) * np.linspace(2, 0.5, 9)[:, None]
    quick = [stops(bounds(method, 9), drift) for method in METHODS]
    monkeypatch.setattr(ab_tests, "TRICK", 0.0)
    for method, one in zip(METHODS, quick, strict=True):
        plain = stops(bounds(method, 9), drift)
        assert one.up == pytest.approx(plain.up, abs=1e-12)
        assert one.size == pytest.approx(plain.size, abs=1e-12)


def test_a_strong_effect_is_seen_at_the_first_look() -> None:
    found = stops(bounds("peeking", 100), np.full((100, 1), 80.0))
    assert found.decided[0] == pytest.approx(1)
    assert found.looks[0] == pytest.approx(1)
    assert found.estimate[0] == pytest.approx(80)


def test_looks_that_do_not_count_change_nothing() -> None:
    drift = np.linspace(0.0, 0.5, 28)[:, None]
    once = stops(bounds("fixed", 1), drift.sum(0, keepdims=True) / np.sqrt(28))
    many = stops(bounds("fixed", 28), drift)
    assert many.decided == pytest.approx(once.decided, abs=1e-12)
    assert many.up[:-1].max() == 0


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="always_valid"):
        bounds("hope", 5)
    with pytest.raises(ValueError, match="one look"):
        bounds("fixed", 0)


@pytest.mark.parametrize(("rate", "shoppers"), [(0.05, 20_000), (0.2, 3_000)])
def test_false_alarms_over_10_000_simulated_tests_with_100_looks(rate: float, shoppers: int) -> None:
    """Coins, not normal steps: sequential tests raise at most 5%, the peeker seven times as many."""
    daily = np.full(28, rate)
    z, _ = simulated((daily, daily), shoppers, 100, 10_000, np.random.default_rng(11))
    share = {method: (np.abs(z) >= bounds(method, 100)).any(1).mean() for method in METHODS}
    assert share["always_valid"] <= 0.05
    assert share["always_valid"] == pytest.approx(0.015, abs=0.005)
    assert share["planned"] == pytest.approx(0.05, abs=0.007)  # made to be 5% exactly
    assert share["fixed"] == pytest.approx(0.05, abs=0.007)
    assert 0.33 < share["peeking"] < 0.41


def test_novelty_halves_and_leaves_what_lasts() -> None:
    lift = fading_lift(0.1, 2.0, 7.0, 60)
    assert lift[0] == pytest.approx(0.3)
    assert lift[7] - 0.1 == pytest.approx((lift[0] - 0.1) / 2)
    assert lift[-1] == pytest.approx(0.1, abs=1e-3)
    for looks in (1, 7, 60, 97):
        parts = by_look(lift, looks)
        assert len(parts) == looks
        assert parts.mean() == pytest.approx(lift.mean())


def test_a_look_before_two_shoppers_are_there_is_refused() -> None:
    daily = np.full(1, 0.5)
    with pytest.raises(CourseError) as caught:
        simulated((daily, daily), 10, 10, 3, np.random.default_rng(1))
    assert caught.value.key == "ab_shoppers"
