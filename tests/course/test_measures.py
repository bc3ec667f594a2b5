import math

import pytest
from sample_result import RESULT

from course_lib.course.measures import Estimate, is_known, measure
from course_lib.errors import CourseError


def close(estimate, value, low, high):
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((value, low, high), abs=1e-12)


def test_measures_by_hand():
    close(measure("ndcg@10", RESULT), 0.30, 0.27, 0.33)
    close(measure("sasrec_over_markov", RESULT), 0.10, 0.05, 0.15)  # 0.03 and 0.04 to either side: 5 by Pythagoras
    close(measure("markov_over_item_knn", RESULT), 0.02, -0.03, 0.07)
    close(measure("item_knn_over_markov", RESULT), -0.02, -0.07, 0.03)
    close(measure("share_of_filtered_oracle", RESULT), 0.75, 0.27 / 0.4, 0.33 / 0.4)  # the oracle known exactly
    close(measure("parameters", RESULT), 90_000, 90_000, 90_000)
    close(measure("seconds", RESULT), 14.2, 14.2, 14.2)


def test_an_uneven_interval_takes_the_side_that_matters():
    close(Estimate(5, 2, 5.5) - Estimate(3, 2.5, 7), 2, 2 - math.hypot(3, 4), 2 + math.hypot(0.5, 0.5))


def test_a_ratio_of_two_estimates_agrees_with_resampling():
    import numpy as np

    rng = np.random.default_rng(1)
    a, b = rng.normal(0.3, 0.01, 200_000), rng.normal(0.4, 0.02, 200_000)
    ratio = Estimate(0.3, 0.3 - 0.0196, 0.3 + 0.0196) / Estimate(0.4, 0.4 - 0.0392, 0.4 + 0.0392)
    assert (ratio.low, ratio.high) == pytest.approx(tuple(np.quantile(a / b, [0.025, 0.975])), abs=0.003)


def test_a_ratio_to_what_may_be_zero_has_no_upper_bound():
    ratio = Estimate(0.3, 0.2, 0.4) / Estimate(0.1, 0.0, 0.2)
    assert ratio.high == math.inf
    assert 0 < ratio.low < 3


def test_an_experiment_brings_its_own_measure():
    result = {"measures": {"shuffle_cost": {"value": 0.3, "low": 0.2, "high": 0.4}}}
    close(measure("shuffle_cost", result), 0.3, 0.2, 0.4)
    with pytest.raises(CourseError) as raised:
        measure("shuffle_cost", RESULT)
    assert raised.value.key == "measure_missing"


@pytest.mark.parametrize(
    "name",
    [
        "ndcg",
        "NDCG@10",
        "sasrec_over_sasrec",
        "markov_over_markov",
        "markov_over_sasrec",
        "x_over_markov",
        "",
        "_over_",
    ],
)
def test_unknown_measures(name):
    assert not is_known(name)
    with pytest.raises(CourseError) as raised:
        measure(name, RESULT)
    assert raised.value.key == "unknown_measure"


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("share_of_filtered_oracle", {**RESULT, "oracle": None}),
        ("share_of_known_oracle", RESULT),
        (
            "share_of_filtered_oracle",
            {**RESULT, "oracle": {"filtered": {"ndcg@10": {"value": 0, "low": 0, "high": 0}}}},
        ),
        ("sasrec_over_markov", {**RESULT, "model": "gru4rec"}),
        ("sasrec_over_popularity", RESULT),
        ("ndcg@10", {}),
        ("ndcg@10", {"metrics": {"ndcg@10": {"value": math.nan, "low": 0, "high": 1}}}),
        ("ndcg@10", {"metrics": {"ndcg@10": {"value": 0.5, "low": 0.6, "high": 1}}}),
        ("ndcg@10", {"metrics": {"ndcg@10": 0.3}}),
        ("ndcg@10", {"metrics": []}),
        ("seconds", {"seconds": 3}),
        ("parameters", {"parameters": None}),
    ],
)
def test_a_result_that_lacks_what_is_needed(name, result):
    with pytest.raises(CourseError) as raised:
        measure(name, result)
    assert raised.value.key == "measure_missing"
    assert name in raised.value.text("zh")
