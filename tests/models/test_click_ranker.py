"""A ranker of clicks: what it learns with and without the correction, where the truth is planted."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.models.click_ranker import features, fit, standard

PLACES = np.arange(1, 6) ** -1.0  # how often each of five places is looked at


@pytest.fixture(scope="module")
def planted() -> dict[str, np.ndarray]:
    """Searches sorted by the second feature, which says nothing; the first decides what is clicked."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 5, 2)).astype(np.float32)
    order = np.argsort(-x[:, :, 1], axis=1)
    x = np.take_along_axis(x, order[:, :, None], 1)
    attraction = 0.3 / (1 + np.exp(-1.5 * x[:, :, 0]))
    return {"x": x, "clicks": (rng.random(x.shape[:2]) < PLACES * attraction).astype(float)}


def test_without_correction_the_place_is_taken_for_relevance(planted: dict[str, np.ndarray]) -> None:
    weights = fit(planted["x"], np.ones((20_000, 5), bool), planted["clicks"])
    assert weights[1] > 0.3 * weights[0] > 0


def test_corrected_clicks_leave_the_place_out(planted: dict[str, np.ndarray]) -> None:
    weights = fit(planted["x"], np.ones((20_000, 5), bool), planted["clicks"] / PLACES)
    assert abs(weights[1]) < 0.05 < weights[0]


def test_missing_results_teach_nothing(planted: dict[str, np.ndarray]) -> None:
    """Three of five results: the same weights as from these three alone."""
    x, clicks = planted["x"][:500], planted["clicks"][:500] + 0.1
    there = np.arange(5) < 3
    whole = fit(x, np.broadcast_to(there, clicks.shape).copy(), clicks)
    np.testing.assert_allclose(whole, fit(x[:, :3].copy(), np.ones((500, 3), bool), clicks[:, :3]), atol=1e-3)


def test_numbers_are_standard_and_what_is_unknown_is_the_mean() -> None:
    values = standard(np.array([1.0, np.e, np.e**2, 0.0]))
    assert values[:3].mean() == pytest.approx(0)
    assert values[:3].std() == pytest.approx(1)
    assert values[3] == 0


def test_an_engine_that_finds_nothing_is_a_feature_of_zeros() -> None:
    nothing = np.zeros((1, 3), np.float32)
    found = features(nothing, nothing, nothing, np.zeros(3), np.zeros(3))
    assert found.shape == (1, 3, 5)
    assert not found.any()
