"""The queue's rules and estimates, played by hand."""

from __future__ import annotations

import pytest
from run_helpers import make

from course_lib.experiments.config import RunConfig
from course_lib.runs.schedule import FIRST_GUESS_S, Durations, Forecast, Job, forecast, next_job


def job(name: str, since: float, *learners: str) -> Job:
    return Job(name, make(), dict.fromkeys(learners), since, attempt=1)


def ten_seconds(config: RunConfig) -> float:
    return 10.0


def test_who_has_nothing_in_training_goes_first_then_the_oldest() -> None:
    old, newer, shared = job("old", 1, "ann"), job("newer", 2, "bob"), job("shared", 3, "ann", "cem")
    assert next_job([newer, old], []) is old
    assert next_job([newer, old], [["ann"]]) is newer
    assert next_job([old, shared], [["ann"]]) is shared, "cem has nothing in training"
    assert next_job([old], [["ann"], ["bob"]]) is old, "a worker that would stand idle takes a learner's second run"
    assert next_job([], []) is None


def test_forecast_plays_the_queue_forward() -> None:
    queued = [job("a1", 1, "ann"), job("a2", 2, "ann"), job("b1", 3, "bob"), job("c1", 4, "cem")]
    told = forecast(queued, [(4.0, ["ann"]), (7.0, ["dan"])], [], ten_seconds)
    # 4 s: ann's run ends, a1 begins; 7 s: dan's ends, b1 goes before a2, whose ann has a run; 14 s: a2; 17 s: c1.
    assert told == {"a1": Forecast(1, 4.0), "b1": Forecast(2, 7.0), "a2": Forecast(3, 14.0), "c1": Forecast(4, 17.0)}


def test_an_idle_worker_takes_the_next_run_of_a_learner_who_has_one_already() -> None:
    told = forecast([job("a2", 1, "ann")], [(4.0, ["ann"])], [0.0], ten_seconds)
    assert told == {"a2": Forecast(1, 0.0)}


def test_without_any_worker_the_order_is_still_told() -> None:
    told = forecast([job("b", 2, "bob"), job("a", 1, "ann")], [], [], ten_seconds)
    assert [(name, said.place) for name, said in told.items()] == [("a", 1), ("b", 2)]


def test_durations_are_learnt_from_runs_like_it() -> None:
    durations = Durations()
    assert durations.estimate(make(epochs=8)) == FIRST_GUESS_S
    for seconds in (9.0, 18.0, 900.0):  # one slow run does not count for much
        durations.add(make(epochs=8), seconds)
    assert durations.estimate(make(epochs=8)) == pytest.approx(18.0)
    assert durations.estimate(make(epochs=17)) == pytest.approx(36.0), "twice the epochs, and one for the rest"
    other = RunConfig.make(data={"dataset": ("shop", "other")})
    assert durations.estimate(other) == pytest.approx(2.0 * (float(other.settings["epochs"]) + 1)), "unlike any: by all"
    assert durations.estimate(RunConfig.make(settings={"model": "markov"})) == pytest.approx(2.0), (
        "counted: no epochs, only the rest"
    )
