"""The queue's rules and estimates, played by hand."""

from __future__ import annotations

import pytest
from run_helpers import make

from course_lib.runs.schedule import ANYONE, HALF_S, Forecast, Job, Turns, forecast, next_job

LENGTHS = {"short": 5.0, "long": 300.0}


def job(name: str, since: float, *learners: str, first: float = 0.0) -> Job:
    return Job(name, make(), dict.fromkeys(learners), since, attempt=1, first=first)


def length(job: Job) -> float:
    return LENGTHS.get(job.run_id, 10.0)


def chosen(queued: list[Job], running: list[list[str]] | None = None, turns: Turns | None = None) -> Job | None:
    return next_job(queued, running or [], length, turns or Turns())


def test_who_has_nothing_in_training_goes_first_then_the_oldest() -> None:
    old, newer, shared = job("old", 1, "ann"), job("newer", 2, "bob"), job("shared", 3, "ann", "cem")
    assert chosen([newer, old]) is old
    assert chosen([newer, old], [["ann"]]) is newer
    assert chosen([old, shared], [["ann"]]) is shared, "cem has nothing in training"
    assert chosen([old], [["ann"], ["bob"]]) is old, "a worker that would stand idle takes a learner's second run"
    assert chosen([]) is None


def test_among_equals_the_shortest_goes_first() -> None:
    assert chosen([job("long", 1, "ann"), short := job("short", 2, "bob")]) is short


def test_a_long_run_waits_for_about_its_own_length_and_not_for_ever() -> None:
    """Somebody new asks for a short run every five seconds, and the one worker is never idle."""
    now, queue, begun = 0.0, [job("long", 0.0, "ann")], None
    for number in range(1, 1000):
        queue.append(job("short", now, f"new {number}"))
        taken = chosen(queue)
        assert taken is not None
        queue.remove(taken)
        now += length(taken)
        if taken.run_id == "long":
            begun = now - 300.0
            break
    assert begun is not None
    assert 290 <= begun <= 310


def test_who_has_had_a_worker_for_long_goes_after_those_who_have_not() -> None:
    turns = Turns()
    turns.took(["ann"], 120.0)
    again, fresh, shared = job("a", 1, "ann"), job("b", 60, "bob"), job("c", 61, "ann", "cem")
    assert chosen([again, fresh], turns=turns) is fresh
    assert chosen([again, shared], turns=turns) is shared, "a run counts for whoever of its learners has had least"
    assert chosen([again, job("b", 130, "bob")], turns=turns) is again, "but she has waited for long enough by then"


def test_what_a_learner_has_had_is_shared_and_forgotten() -> None:
    turns = Turns()
    turns.took(["ann", "bob", ANYONE], 100.0, now=1000.0)
    assert turns.used("ann", 1000.0) == turns.used("bob", 1000.0) == 50.0
    assert turns.used("ann", 1000.0 + HALF_S) == pytest.approx(25.0)
    assert turns.used("stranger", 1000.0) == turns.used(ANYONE, 1000.0) == 0.0


def test_put_first_goes_before_all() -> None:
    first, later = job("long", 5, "ann", first=1.0), job("x", 6, "ann", first=2.0)
    assert chosen([job("short", 1, "bob"), first], [["ann"]]) is first
    assert chosen([job("short", 1, "bob"), first, later]) is later


def test_the_limit_of_the_most_generous_learner_counts() -> None:
    one = Job("x", make(), {"ann": 10.0, "bob": 20.0}, 0.0, 1)
    assert one.longest_s == 20.0
    one.learners["cem"] = None
    assert one.longest_s is None, "no limit at all"
    one.learners = {}
    assert one.longest_s is None


def test_forecast_plays_the_queue_forward() -> None:
    queued = [job("a1", 1, "ann"), job("a2", 2, "ann"), job("b1", 3, "bob"), job("c1", 4, "cem")]
    told = forecast(queued, [(4.0, ["ann"]), (7.0, ["dan"])], [], length)
    # 4 s: ann's run ends, b1 goes before a1, whose ann has just had one; 7 s: dan's ends, c1; 14 s: a1; 17 s: a2.
    assert told == {"b1": Forecast(1, 4.0), "c1": Forecast(2, 7.0), "a1": Forecast(3, 14.0), "a2": Forecast(4, 17.0)}


def test_an_idle_worker_takes_the_next_run_of_a_learner_who_has_one_already() -> None:
    told = forecast([job("a2", 1, "ann")], [(4.0, ["ann"])], [0.0], length)
    assert told == {"a2": Forecast(1, 0.0)}


def test_without_any_worker_the_order_is_still_told() -> None:
    told = forecast([job("b", 2, "bob"), job("a", 1, "ann")], [], [], length)
    assert [(name, said.place) for name, said in told.items()] == [("a", 1), ("b", 2)]
