"""A guess is graded once, by the lab's own run, and the verdict is kept whatever happens to the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from course_lib.course.grading import own_results, standing, verdict
from course_lib.course.guesses import Guess
from course_lib.course.labs import LabPlan
from course_lib.course.lessons import Lesson, load_course
from course_lib.course.store import Learner, Store
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.view import RunView


def around(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


@dataclass
class Runs:
    """Results by run id, and who was asked for."""

    results: dict[str, dict[str, Any]]

    def watch(self, run_id: str) -> RunView:
        result = self.results.get(run_id)
        return RunView(run_id, "missing" if result is None else "finished", result=result)

    def finish(self, config: RunConfig, **measures: dict[str, float]) -> None:
        self.results[config.run_id] = {"measures": {name.replace("_at_", "@"): one for name, one in measures.items()}}


@pytest.fixture
def runs() -> Runs:
    return Runs({})


@pytest.fixture
def learner(open_at: Callable[..., Store], tmp_path: Path) -> Learner:
    return open_at(tmp_path / "course.sqlite").learner("anna")


@pytest.fixture
def lesson(house: Any) -> Lesson:
    found: Lesson = house.course().lesson("alpha")
    return found


def own(lesson: Lesson) -> RunConfig:
    return lesson.lab().configs()[""]


def test_no_verdict_before_the_labs_own_run_has_finished(lesson: Lesson, learner: Learner, runs: Runs) -> None:
    guess = lesson.guesses[0]
    assert verdict(learner, lesson, guess, "ahead", runs.watch) is None
    live = RunView(own(lesson).run_id, "running")
    assert verdict(learner, lesson, guess, "ahead", lambda _: live) is None
    assert learner.preference(f"graded.{lesson.id}.{guess.id}") is None


@pytest.mark.parametrize("change", [{"data": {"dataset": ("shop", "tiny")}}, {"seed": 4}, {"settings": {"epochs": 5}}])
def test_another_run_neither_grades_nor_grades_again(
    lesson: Lesson, learner: Learner, runs: Runs, change: dict[str, Any]
) -> None:
    guess, lab = lesson.guesses[0], lesson.lab()
    own_choices = {"data": lab.data, "settings": lab.settings, "seed": lab.seed}
    other = RunConfig.make(lab.experiment, **{**own_choices, **change})
    assert other.run_id != own(lesson).run_id
    runs.finish(other, over_markov=around(-0.2))
    assert verdict(learner, lesson, guess, "ahead", runs.watch) is None
    runs.finish(own(lesson), over_markov=around(0.1))
    graded = verdict(learner, lesson, guess, "ahead", runs.watch)
    assert graded is not None
    assert (graded.verdict, graded.truth.value) == ("right", 0.1)
    runs.finish(other, over_markov=around(0.3))
    assert verdict(learner, lesson, guess, "ahead", runs.watch) == graded


def test_the_verdict_outlives_the_run_and_a_new_result(lesson: Lesson, learner: Learner, runs: Runs) -> None:
    guess = lesson.guesses[0]
    runs.finish(own(lesson), over_markov=around(0.1))
    graded = verdict(learner, lesson, guess, "behind", runs.watch)
    assert graded is not None
    assert (graded.verdict, graded.right, graded.distance) == ("wrong", ("ahead",), pytest.approx(0.09))
    runs.results.clear()
    assert verdict(learner, lesson, guess, "behind", runs.watch) == graded
    runs.finish(own(lesson), over_markov=around(-0.5))
    assert verdict(learner, lesson, guess, "behind", runs.watch) == graded


def test_it_is_kept_for_this_learner_and_for_what_was_said(
    lesson: Lesson, learner: Learner, runs: Runs, open_at: Callable[..., Store], tmp_path: Path
) -> None:
    guess = lesson.guesses[0]
    runs.finish(own(lesson), over_markov=around(0.1))
    graded = verdict(learner, lesson, guess, "ahead", runs.watch)
    runs.results.clear()
    again = open_at(tmp_path / "course.sqlite")
    assert verdict(again.learner("anna"), lesson, guess, "ahead", runs.watch) == graded
    assert verdict(again.learner("bert"), lesson, guess, "ahead", runs.watch) is None
    assert verdict(learner, lesson, guess, "behind", runs.watch) is None, "another guess needs the run again"


def compared(guess: Guess, run: str, minus: str = "") -> Guess:
    return replace(guess, lab="race", run=run, minus=minus, truth="ndcg@10")


def test_a_difference_between_two_runs_of_a_list(lesson: Lesson, learner: Learner, runs: Runs) -> None:
    guess = compared(lesson.guesses[0], "popularity", "markov")
    configs = lesson.lab("race").configs()
    runs.finish(configs["popularity"], ndcg_at_10=around(0.05, 0.03))
    assert verdict(learner, lesson, guess, "behind", runs.watch) is None, "the other one is not there yet"
    runs.finish(configs["markov"], ndcg_at_10=around(0.34, 0.04))
    graded = verdict(learner, lesson, guess, "behind", runs.watch)
    assert graded is not None
    assert graded.verdict == "right"
    truth = graded.truth
    assert (truth.value, truth.low, truth.high) == pytest.approx((-0.29, -0.34, -0.24))  # 3, 4 and 5


def test_one_run_of_a_list_needs_no_other(lesson: Lesson, learner: Learner, runs: Runs) -> None:
    guess = compared(lesson.guesses[0], "markov")
    runs.finish(lesson.lab("race").configs()["markov"], ndcg_at_10=around(0.34))
    graded = verdict(learner, lesson, guess, "ahead", runs.watch)
    assert graded is not None
    assert graded.truth.value == 0.34


def test_a_light_lab_is_asked_at_once_also_for_one_of_its_cases(learner: Learner, runs: Runs) -> None:
    lesson = load_course().lesson("mathematics")
    lab = lesson.lab("circular")
    assert {"", "eights"} <= set(own_results(lab, runs.watch))
    guess = next(one for one in lesson.guesses if one.run == "eights")
    graded = verdict(learner, lesson, guess, "four", runs.watch)
    assert graded is not None
    assert (graded.verdict, graded.truth.value) == ("right", 4)
    period = replace(guess, truth="period")
    both = [replace(period, id=f"period{run}", run=run) for run in ("", "eights")]
    cases = [verdict(learner, lesson, one, "one", runs.watch) for one in both]
    assert [one.truth.value for one in cases if one] == [2, 1], "8 and -8 swing to and fro; 8 and 8 settle"


def test_what_cannot_be_graded_is_a_sentence_and_is_left_out_of_the_standing(
    lesson: Lesson, learner: Learner, runs: Runs
) -> None:
    first, second = lesson.guesses[:2]
    learner.record_guess(lesson.id, first.id, "an option of before")
    learner.record_guess(lesson.id, second.id, 0.5)
    runs.finish(own(lesson), over_markov=around(0.1))
    with pytest.raises(CourseError, match="behind, ahead"):
        verdict(learner, lesson, first, "an option of before", runs.watch)
    with pytest.raises(CourseError) as raised:
        verdict(learner, lesson, second, 0.5, runs.watch)
    assert raised.value.key == "measure_missing"
    assert standing(learner, lesson, runs.watch) == {}
    runs.finish(own(lesson), over_markov=around(0.1), share_of_filtered_oracle=around(0.5))
    assert set(standing(learner, lesson, runs.watch)) == {second.id}


def test_a_lab_that_cannot_be_opened_grades_nothing(lesson: Lesson, learner: Learner, runs: Runs) -> None:
    lab = lesson.lab()
    closed = LabPlan(lab.id, "nobody", trouble=CourseError("unknown_experiment", name="nobody", known=""))
    assert own_results(closed, runs.watch) == {}
    other = replace(lesson, labs=(closed, *lesson.labs[1:]))
    assert verdict(learner, other, lesson.guesses[0], "ahead", runs.watch) is None
