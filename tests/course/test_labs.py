import dataclasses

import pytest
from sample_result import RESULT

from course_lib.course.labs import grade_challenge, grade_guess
from course_lib.errors import CourseError
from course_lib.runs.config import RunConfig


@pytest.fixture
def lesson(house):
    return house.course().lesson("alpha")


def with_score(value, low, high):
    return {**RESULT, "metrics": {"ndcg@10": {"value": value, "low": low, "high": high}}}


def test_a_choice_against_the_interval(lesson):
    guess = lesson.guesses[0]  # SASRec minus Markov (0.16..0.24), below or above 0
    assert grade_guess(guess, "ahead", RESULT).verdict == "right"
    wrong = grade_guess(guess, "behind", RESULT)
    assert (wrong.verdict, wrong.right) == ("wrong", ("ahead",))
    assert wrong.distance == pytest.approx(0.05)  # the interval is 0.05..0.15
    level = with_score(0.2, 0.17, 0.23)
    assert grade_guess(guess, "ahead", level).verdict == "open"
    assert grade_guess(guess, "behind", level).right == ("behind", "ahead")


def test_a_number_against_the_interval(lesson):
    guess = lesson.guesses[1]  # the interval is 0.675..0.825, the slider's step 0.05
    for value in (0.65, 0.675, 0.75, 0.85):
        assert grade_guess(guess, value, RESULT).verdict == "right"
    for value, distance in ((0.6, 0.075), (0.9, 0.075), (0.0, 0.675)):
        wrong = grade_guess(guess, value, RESULT)
        assert wrong.verdict == "wrong"
        assert wrong.distance == pytest.approx(distance)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "much", None, [], 10**400])
def test_a_number_that_the_slider_does_not_have(lesson, value):
    with pytest.raises(CourseError) as raised:
        grade_guess(lesson.guesses[1], value, RESULT)
    assert raised.value.key == "guess_out_of_range"


def test_an_option_that_is_not_there(lesson):
    with pytest.raises(CourseError, match="behind, ahead"):
        grade_guess(lesson.guesses[0], "level", RESULT)


def test_a_challenge_passed_and_missed(lesson):
    challenge = lesson.challenges[0]
    config = RunConfig.make(**lesson.presets)
    passed = grade_challenge(challenge, RESULT, config)
    assert (passed.passed, passed.sure, passed.missing) == (True, False, ())  # 0.27 is below the goal of 0.30
    assert grade_challenge(challenge, with_score(0.35, 0.31, 0.39), config).sure

    missed = grade_challenge(challenge, {**with_score(0.28, 0.25, 0.31), "parameters": 120_000}, config)
    assert not missed.passed
    assert [(miss.name, miss.relation) for miss in missed.missing] == [
        ("ndcg@10", "at_least"),
        ("parameters", "at_most"),
    ]
    assert [miss.by for miss in missed.missing] == pytest.approx([0.02, 20_000])


def test_a_limit_on_a_setting_and_on_the_data(lesson):
    presets = {**lesson.presets, "training": {"epochs": 9}, "dataset": "complete-journey"}
    graded = grade_challenge(lesson.challenges[0], RESULT, RunConfig.make(**presets))
    assert [(miss.name, miss.wanted, miss.got) for miss in graded.missing] == [
        ("dataset", "shop", "complete-journey"),
        ("epochs", 6.0, 9.0),
    ]


def test_a_limit_on_a_setting_that_the_model_does_not_have(lesson):
    challenge = dataclasses.replace(lesson.challenges[0], limits={"heads": 2.0})
    config = dataclasses.replace(RunConfig.make(**lesson.presets), settings={})
    assert [miss.name for miss in grade_challenge(challenge, RESULT, config).missing] == ["heads"]


def test_a_challenge_that_asks_for_little(lesson):
    challenge = dataclasses.replace(lesson.challenges[0], measure="seconds", at_least=None, at_most=10.0)
    graded = grade_challenge(challenge, RESULT, RunConfig.make(**lesson.presets))
    assert [(miss.relation, round(miss.by, 6)) for miss in graded.missing] == [("at_most", 4.2)]
