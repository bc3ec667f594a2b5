"""Planted laws are found, their intervals hold what they promise, a bend is seen, and nonsense is refused."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.scaling import first_bend, fit_power_law

SIZES = np.array([12_000, 18_000, 25_000, 38_000, 67_000, 120_000.0])


def planted(floor: float, scale: float, exponent: float, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (floor + scale * SIZES**-exponent) * np.exp(noise * rng.normal(size=len(SIZES)))


@pytest.mark.parametrize("floor", [0.0, 3.3])
@pytest.mark.parametrize("exponent", [0.1, 0.46, 1.2])
def test_finds_a_planted_law(floor: float, exponent: float) -> None:
    law = fit_power_law(SIZES, planted(floor, 100.0, exponent), floor)
    assert law.exponent.value == pytest.approx(exponent, rel=1e-6)
    assert law.scale.value == pytest.approx(100.0, rel=1e-5)
    assert law.r2 == pytest.approx(1.0)
    assert law.floor.value == law.floor.low == law.floor.high == floor
    assert not law.free
    assert law.predict(560_000).value == pytest.approx(floor + 100.0 * 560_000**-exponent, rel=1e-6)
    fitted = [law.predict(size).value for size in SIZES]
    np.testing.assert_allclose(fitted, planted(floor, 100.0, exponent), rtol=1e-6)


def test_finds_a_free_floor_where_the_points_show_it() -> None:
    law = fit_power_law(SIZES, planted(3.3, 100.0, 0.46), None)
    assert law.free
    assert law.floor.value == pytest.approx(3.3, abs=1e-4)
    assert law.exponent.value == pytest.approx(0.46, abs=1e-4)


def test_a_free_floor_is_less_sure_than_a_given_one() -> None:
    """A little noise, and six points hardly say where the floor is: a good R² is no proof of one."""
    losses = planted(3.3, 100.0, 0.46, noise=0.005, seed=3)
    free, given = fit_power_law(SIZES, losses, None), fit_power_law(SIZES, losses, 3.3)
    assert free.r2 > 0.99
    assert free.exponent.high - free.exponent.low > 2 * (given.exponent.high - given.exponent.low)
    assert free.floor.high - free.floor.low > 0.3
    assert 0 <= free.floor.low <= free.floor.value <= free.floor.high <= losses.min()


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """400 noisy laws: the exponent and one more run each lie inside about 95 times in 100."""
    inside = np.zeros((400, 2), bool)
    for n in range(400):
        losses = planted(3.3, 100.0, 0.46, noise=0.01, seed=n)
        law = fit_power_law(SIZES, losses, 3.3)
        more = (3.3 + 100.0 * 200_000**-0.46) * np.exp(0.01 * np.random.default_rng(1000 + n).normal())
        inside[n] = law.exponent.low <= 0.46 <= law.exponent.high, not law.judge(200_000, more).outside
    assert (np.abs(inside.mean(0) - 0.95) < 0.035).all(), inside.mean(0)


def test_a_prediction_widens_with_distance() -> None:
    """Without a floor; with one, all laws meet there in the end."""
    law = fit_power_law(SIZES, planted(0.0, 100.0, 0.46, noise=0.005), 0.0)
    near, far = law.predict(150_000), law.predict(15_000_000)
    assert near.low < near.value < near.high
    assert np.log(far.high / far.low) > 2 * np.log(near.high / near.low)
    floored = fit_power_law(SIZES, planted(3.3, 100.0, 0.46, noise=0.005), 3.3).predict(1e12)
    assert floored.high - floored.low < 0.06


def test_sees_where_a_law_bends() -> None:
    losses = planted(3.3, 100.0, 0.46, noise=0.002, seed=1)
    straight = first_bend(list(SIZES), list(losses), 3.3)
    assert straight is None
    sizes, bent = [*SIZES, 300_000.0, 560_000.0], [*losses, losses[-1], losses[-1] + 0.01]
    found = first_bend(sizes, bent, 3.3)
    assert found is not None
    assert found.size == 300_000
    assert found.outside
    assert found.gap > 0
    shuffled = np.random.default_rng(0).permutation(len(sizes))
    assert first_bend([sizes[n] for n in shuffled], [bent[n] for n in shuffled], 3.3) == found


def test_falls_or_rises_it_says_so() -> None:
    assert fit_power_law(SIZES, 1e-3 * SIZES**0.5, 0.0).exponent.value == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("sizes", "losses", "floor", "key"),
    [
        ([], [], 0.0, "scaling_points"),
        ([1, 2], [3, 2], 0.0, "scaling_points"),
        ([1, 1, 2, 2], [3, 3, 2, 2], 0.0, "scaling_points"),
        ([1, 2, 3], [3, 2, 1], None, "scaling_points"),
        ([1, 2, 0], [3, 2, 1], 0.0, "scaling_values"),
        ([1, 2, -4], [3, 2, 1], 0.0, "scaling_values"),
        ([1, 2, 3], [3, np.nan, 1], 0.0, "scaling_values"),
        ([1, 2, np.inf], [3, 2, 1], 0.0, "scaling_values"),
        ([1, 2, 3], [3, 2, 0], 0.0, "scaling_values"),
        ([1, 2, 3], [2, 2, 2], 0.0, "scaling_flat"),
        ([1, 2, 3], [3, 2, 1], 1.0, "scaling_floor"),
        ([1, 2, 3], [3, 2, 1], -1.0, "scaling_floor"),
        ([1, 2, 3], [3, 2, 1], np.nan, "scaling_floor"),
    ],
)
def test_refuses_what_has_no_law(sizes: list[float], losses: list[float], floor: float | None, key: str) -> None:
    with pytest.raises(CourseError) as caught:
        fit_power_law(sizes, losses, floor)
    assert caught.value.key == key
    for language in ("en", "zh"):
        assert "{" not in caught.value.text(language)


def test_refuses_a_free_floor_that_the_points_do_not_show() -> None:
    """Losses that hardly move: any floor below them fits."""
    with pytest.raises(CourseError) as caught:
        fit_power_law(SIZES, 3 - 1e-8 * np.log(SIZES), None)
    assert caught.value.key == "scaling_floor_free"


@pytest.mark.parametrize("losses", [5 - SIZES / SIZES.max(), np.array([3, 3.1, 3, 3.1, 3, 3.1])])
def test_a_floor_stays_between_nothing_and_the_lowest_loss(losses: np.ndarray) -> None:
    """Even where the points follow no such law: then its interval is wide and R² low."""
    law = fit_power_law(SIZES, losses, None)
    assert 0 <= law.floor.low <= law.floor.value <= law.floor.high <= losses.min()
    assert law.r2 < 0.95
    assert law.floor.high - law.floor.low > 1


def test_refuses_to_predict_for_no_size() -> None:
    law = fit_power_law(SIZES, planted(0.0, 100.0, 0.46), 0.0)
    for size in (0.0, -3.0, np.nan, np.inf):
        with pytest.raises(CourseError):
            law.predict(size)
