import math

import pytest
from sample_result import RESULT

from course_lib.course.measures import Estimate, measure, unit_of
from course_lib.errors import CourseError


def close(estimate, value, low, high):
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((value, low, high), abs=1e-12)


def test_a_measure_is_what_its_experiment_says():
    close(measure("ndcg@10", RESULT), 0.30, 0.27, 0.33)
    close(measure("over_markov", RESULT), 0.10, 0.05, 0.15)
    close(measure("parameters", RESULT), 90_000, 90_000, 90_000)


def test_a_difference_of_runs_by_hand():
    close(Estimate(0.30, 0.27, 0.33) - Estimate(0.20, 0.16, 0.24), 0.10, 0.05, 0.15)  # 3 and 4: 5 by Pythagoras
    close(Estimate(0.18, 0.15, 0.21) - Estimate(0.20, 0.16, 0.24), -0.02, -0.07, 0.03)


def test_an_uneven_interval_takes_the_side_that_matters():
    close(Estimate(5, 2, 5.5) - Estimate(3, 2.5, 7), 2, 2 - math.hypot(3, 4), 2 + math.hypot(0.5, 0.5))


def test_a_difference_of_two_estimates_agrees_with_resampling():
    import numpy as np

    rng = np.random.default_rng(1)
    less = rng.normal(0.3, 0.01, 200_000) - rng.normal(0.4, 0.02, 200_000)
    told = Estimate(0.3, 0.3 - 0.0196, 0.3 + 0.0196) - Estimate(0.4, 0.4 - 0.0392, 0.4 + 0.0392)
    assert (told.low, told.high) == pytest.approx(tuple(np.quantile(less, [0.025, 0.975])), abs=0.003)


def test_units_are_those_that_the_experiments_declare():
    assert unit_of("ndcg@10") == "score"
    assert unit_of("over_markov") == "difference"
    assert unit_of("shuffle_cost") == "share"
    assert unit_of("parameters") == "count"
    assert unit_of("nobody's") == "score"


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("shuffle_cost", RESULT),
        ("ndcg", RESULT),
        ("", RESULT),
        ("ndcg@10", {}),
        ("ndcg@10", {"measures": {"ndcg@10": {"value": math.nan, "low": 0, "high": 1}}}),
        ("ndcg@10", {"measures": {"ndcg@10": {"value": 0.5, "low": 0.6, "high": 1}}}),
        ("ndcg@10", {"measures": {"ndcg@10": {"value": 0.5, "low": 0.4, "high": math.inf}}}),
        ("ndcg@10", {"measures": {"ndcg@10": {"value": 0.5}}}),
        ("ndcg@10", {"measures": {"ndcg@10": 0.3}}),
        ("ndcg@10", {"measures": []}),
        ("seconds", {"measures": {"seconds": {"value": None, "low": 0, "high": 0}}}),
    ],
)
def test_a_result_that_lacks_what_is_needed(name, result):
    with pytest.raises(CourseError) as raised:
        measure(name, result)
    assert raised.value.key == "measure_missing"
    assert name in raised.value.text("zh")
