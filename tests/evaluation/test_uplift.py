"""Uplift measures against scikit-uplift and by hand; campaigns of which nothing can be learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.uplift import (
    auuc,
    gains_by_share,
    inverse_propensity,
    qini,
    qini_curve,
    uplift_curve,
)
from course_lib.training.uplift_learners import LEARNERS, fit

FIGURES: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("sklift_figures.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", FIGURES)
def test_measures_are_those_of_scikit_uplift(name: str) -> None:
    one = FIGURES[name]
    given = (one["bought"], one["score"], one["treated"])
    assert qini(*given) == pytest.approx(one["qini"], abs=1e-9)
    assert auuc(*given) == pytest.approx(one["auuc"], abs=1e-9)
    for mine, theirs in ((qini_curve(*given), one["qini_curve"]), (uplift_curve(*given), one["uplift_curve"])):
        for ours, wanted in zip(mine, theirs, strict=True):
            assert ours == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("name", FIGURES)
def test_learners_are_those_of_scikit_uplift(name: str) -> None:
    """Where both halves of its classes were seen; class transformation only where coupons were drawn evenly."""
    one = FIGURES[name]
    x, treated, bought = np.array(one["x"]), np.array(one["treated"], bool), np.array(one["bought"], bool)
    for learner in ("s", "t", *(("transformed",) if name in ("fair", "ties") else ())):
        found = fit(learner, "linear", x, bought, treated, 0.5, seed=0)
        assert found.uplift(x) == pytest.approx(one[learner], abs=1e-6), learner


def test_by_hand() -> None:
    """Four shoppers: the first two, one of each arm, and only the one with the coupon bought."""
    n, gain = qini_curve([1, 0, 0, 1], [4, 3, 2, 1], [1, 0, 1, 0])
    assert n.tolist() == [0, 1, 2, 3, 4]
    assert gain.tolist() == [0, 1, 1, 1, 0]
    assert qini([1, 0, 0, 1], [4, 3, 2, 1], [1, 0, 1, 0]) == pytest.approx(1.0)
    assert uplift_curve([1, 0, 0, 1], [4, 3, 2, 1], [1, 0, 1, 0])[1].tolist() == [0, 1, 2, 1.5, 0]
    assert gains_by_share((n, gain), [0.0, 0.125, 1.0]).tolist() == [0.0, 0.125, 0.0]


def test_equal_scores_are_worth_nothing() -> None:
    one = FIGURES["fair"]
    assert qini(one["bought"], np.zeros(len(one["bought"])), one["treated"]) == pytest.approx(0.0)


def test_inverse_propensity_averages_to_the_effect() -> None:
    rng = np.random.default_rng(0)
    chance = rng.choice([0.2, 0.7], 200_000)
    treated = rng.random(200_000) < chance
    bought = rng.random(200_000) < 0.1 + 0.3 * (chance > 0.5) + 0.05 * treated
    assert inverse_propensity(bought, treated, chance).mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("bought", "treated", "key"),
    [
        ([1, 0], [1, 1], "campaign_all_treated"),
        ([1, 0], [0, 0], "campaign_none_treated"),
        ([0, 0], [1, 0], "campaign_nobody_bought"),
        ([], [], "campaign_empty"),
    ],
)
def test_campaigns_of_which_nothing_can_be_learned(bought: list[int], treated: list[int], key: str) -> None:
    for measure in (qini, auuc):
        with pytest.raises(CourseError) as caught:
            measure(bought, np.arange(len(bought)), treated)
        assert caught.value.key == key
        assert caught.value.text("zh") != caught.value.text("en")
    for learner in LEARNERS:
        with pytest.raises(CourseError):
            fit(learner, "linear", np.zeros((len(bought), 2)), np.array(bought, bool), np.array(treated, bool), 0.5, 0)


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(CourseError) as caught:
        qini([1, 0], [np.nan, 1.0], [1, 0])
    assert caught.value.key == "uplift_scores"
