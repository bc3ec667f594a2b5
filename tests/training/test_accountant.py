"""The accountant against a formula, against another library's figures, and against its own promises."""

from __future__ import annotations

import math

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from course_lib.training.accountant import DELTA, epsilon_of, noise_for


def gaussian_epsilon(noise: float, delta: float) -> float:
    """Of one Gaussian step on everybody, exactly (Balle & Wang, Improving the Gaussian Mechanism, ICML 2018)."""

    def missing(epsilon: float) -> float:
        low = norm.cdf(1 / (2 * noise) - epsilon * noise)
        return float(low - math.exp(epsilon) * norm.cdf(-1 / (2 * noise) - epsilon * noise) - delta)

    return float(brentq(missing, 1e-6, 100))


@pytest.mark.parametrize(("noise", "steps"), [(5.0, 1), (10.0, 16), (4.0, 9)])
def test_steps_on_everybody_have_a_formula(noise: float, steps: int) -> None:
    """T steps with noise sigma promise as much as one with sigma / sqrt(T)."""
    exact = gaussian_epsilon(noise / math.sqrt(steps), DELTA)
    assert epsilon_of(noise, 1.0, steps, near=exact) == pytest.approx(exact, rel=0.01)


# dp-accounting 0.6.0 (Google), PLDAccountant, PoissonSampledDpEvent(512 / 6000, GaussianDpEvent(noise)) 60 times.
PLD = {2.765625: 0.992794, 1.29296875: 2.974901, 0.78125: 7.947881, 0.4375: 29.807625}


@pytest.mark.parametrize("noise", PLD)
def test_another_library_finds_the_same_epsilon(noise: float) -> None:
    assert epsilon_of(noise, 512 / 6000, 60, near=PLD[noise]) == pytest.approx(PLD[noise], rel=0.01)


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_the_noise_keeps_the_promise_and_no_more(epsilon: float) -> None:
    noise = noise_for(epsilon, 0.1, 40)
    assert 0.97 * epsilon < epsilon_of(noise, 0.1, 40, near=epsilon) <= epsilon


def test_a_smaller_promise_takes_more_noise() -> None:
    assert noise_for(1.0, 0.1, 40) > noise_for(8.0, 0.1, 40)
