"""Measures of predicted click chances against libraries and against chances that are known to be true."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from course_lib.errors import CourseError
from course_lib.evaluation import click_quality as quality


def drawn(rows: int, seed: int = 0, bold: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Chances, and clicks that follow them; ``bold`` times the true log odds are said."""
    random = np.random.default_rng(seed)
    odds = random.normal(-2.0, 1.0, rows)
    y = (random.random(rows) < quality.chances(odds)).astype(float)
    return quality.chances(bold * odds), y


def test_log_loss_is_that_of_scikit_learn() -> None:
    p, y = drawn(500)
    assert quality.log_losses(p, y).mean() == pytest.approx(log_loss(y, p), abs=1e-12)


def test_auc_is_that_of_scikit_learn_and_its_interval_that_of_many_draws() -> None:
    p, y = drawn(400)
    p = np.round(p, 2)  # ties
    found = quality.auc_interval(p, y)
    assert found.value == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    values = [quality.auc_interval(*drawn(400, seed)).value for seed in range(1, 200)]
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(np.std(values), rel=0.25)


def test_the_slope_is_that_of_scikit_learn() -> None:
    p, y = drawn(2000, bold=2.5)
    a, b, _ = quality.calibrated(p, y)
    odds = np.log(p / (1 - p))[:, None]
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, y)
    assert (a, b) == pytest.approx((reference.intercept_[0], reference.coef_[0, 0]), abs=1e-4)


@pytest.mark.parametrize("bold", [0.5, 1.0, 2.0])
def test_the_slope_tells_how_bold_chances_are(bold: float) -> None:
    p, y = drawn(20_000, bold=bold)
    found = quality.slope(p, y)
    assert found.low < 1 / bold < found.high


@pytest.mark.parametrize("bold", [0.001, 1.0, 30.0])
def test_put_right_the_loss_is_that_of_the_true_chances(bold: float) -> None:
    """However timid or bold the chances are, which is when a careless Newton step would run away."""
    p, y = drawn(6000, bold=bold)
    true, _ = drawn(6000)
    shopper = np.arange(6000) // 3
    scaled = quality.scaled_losses(p, y, shopper).mean()
    limit = 0.004 if bold < 10 else 0.06  # chances beyond the clip can no longer be put right
    assert scaled == pytest.approx(quality.log_losses(true, y).mean(), abs=limit)


def test_equal_chances_say_nothing() -> None:
    y = np.array([1.0, 0.0, 0.0, 0.0])
    p = np.full(4, 0.3)
    assert quality.slope(p, y).value == 0
    assert quality.auc_interval(p, y).value == 0.5


@pytest.mark.parametrize(("y", "key"), [([1.0, 1.0], "clicks_all"), ([0.0, 0.0], "clicks_none"), ([], "clicks_none")])
def test_rows_of_one_kind_are_refused(y: list[float], key: str) -> None:
    for judge in (quality.auc_interval, quality.slope):
        with pytest.raises(CourseError) as caught:
            judge(np.full(len(y), 0.5), np.array(y))
        assert caught.value.key == key
        assert str(len(y)) in caught.value.text("zh")


def test_accuracy_of_a_shopper_is_the_mean_of_their_rows() -> None:
    p, y = np.array([0.9, 0.2, 0.6, 0.1]), np.array([1.0, 0.0, 0.0, 1.0])
    assert quality.right(p, y).tolist() == [1, 1, 0, 0]
    assert quality.by_shopper(quality.right(p, y), np.array([7, 7, 9, 9])).tolist() == [1, 0]


def test_ndcg_of_a_slate_by_hand() -> None:
    scores = np.array([[0.1, 0.3, 0.2], [0.1, 0.3, 0.2], [1.0, 1.0, 1.0], [3.0, 2.0, 1.0]])
    y = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 0]], float)
    assert quality.slate_ndcg(scores, y)[:3] == pytest.approx([0.5, 1.0, 1 / np.log2(3)])
    assert np.isnan(quality.slate_ndcg(scores, y)[3])


def test_bins_hold_all_rows_in_order_of_their_chances() -> None:
    p, y = drawn(1000)
    found = quality.bins(p, y)
    assert len(found) == 10
    assert [one["predicted"] for one in found] == sorted(one["predicted"] for one in found)
    assert np.mean([one["real"] for one in found]) == pytest.approx(y.mean())
    assert all(one["low"] <= one["real"] <= one["high"] for one in found)
    assert len(quality.bins(p[:4], y[:4])) == 4
