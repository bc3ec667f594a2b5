"""The time left, on runs told with their times: right from its first word, silent until it can be."""

from __future__ import annotations

from typing import Any

import pytest
from run_helpers import PLAN, STARTED, score, step

from course_lib.experiments.events import plan
from course_lib.runs.time_left import TimeLeft
from course_lib.runs.view import EventFold


def planned(counts: dict[str, int], like: dict[str, tuple[str, float]] | None = None) -> TimeLeft:
    time = TimeLeft()
    time.expect(counts, like or {})
    return time


class Course:
    """A run told with its times: two epochs of 100 steps at 0.02 s, 0.5 s to evaluate, 0.1 s for a frame, and at the
    end two evaluations of three times as many shoppers."""

    PLAN = plan({"test": ("score", 3.0)}, step=200, score=3, frame=3, test=2)

    def __init__(self, slow_start: float = 0.0) -> None:
        self.events: list[dict[str, Any]] = []
        self.now = 100.0
        self.tell(0.0, STARTED)
        self.tell(0.0, self.PLAN)
        self.tell(0.3, {"kind": "references"})
        self.look(0)
        for number in (1, 2):
            for done in range(10, 101, 10):
                first = number == 1 and done == 10
                self.tell(0.2 + (slow_start if first else 0.0), step(100 * (number - 1) + done))
            self.look(number)
        for number in (1, 2):
            self.tell(3 * 0.5, {"kind": "test", "at": number})
        self.end = self.now

    def tell(self, after: float, event: dict[str, Any]) -> None:
        self.now += after
        self.events.append({**event, "t": self.now})

    def look(self, number: int) -> None:
        self.tell(0.5, score(number))
        self.tell(0.1, {"kind": "frame", "at": number})

    def estimates(self) -> list[tuple[float, float | None]]:
        """After each event: the seconds that really are left, and what a watcher is told."""
        told, out = EventFold(), []
        for event in self.events:
            told.apply(event)
            out.append((self.end - float(event["t"]), told.view("0" * 16, None, None).left_s))
        return out


@pytest.mark.parametrize("slow_start", [0.0, 4.0], ids=["warm", "cold"])
def test_time_left_counts_evaluations_and_is_right_from_its_first_word(slow_start: float) -> None:
    estimates = Course(slow_start).estimates()
    said = [(truth, left) for truth, left in estimates if left is not None]
    assert len(said) > 10
    for truth, left in said:
        assert left == pytest.approx(truth, abs=0.01)
    assert [left for _, left in said[-3:]] == pytest.approx([3.0, 1.5, 0.0], abs=1e-6), "the last evaluations alone"


def test_nothing_is_said_of_the_time_left_before_a_second_of_steps() -> None:
    course = Course()
    silent = [event for event, (_, left) in zip(course.events, course.estimates(), strict=True) if left is None]
    assert [event["at"] for event in silent if event["kind"] == "step"] == [10, 20, 30, 40, 50]


def test_a_run_that_becomes_slower_is_believed() -> None:
    told = EventFold()
    events = [STARTED, plan(step=1000, score=3), score(0), *(step(n) for n in range(1, 10))]
    for number, event in enumerate(events):
        told.apply({"t": 100.0 + number, **event})
    assert left(told) == pytest.approx(991 + 2), "a second a step and an evaluation of a second after each epoch"
    now = 100.0 + len(events) - 1
    for n in range(10, 70):
        now += 3.0
        told.apply({**step(n), "t": now})
    assert left(told) == pytest.approx(3 * (1000 - 69) + 2)


def left(told: EventFold) -> float | None:
    return told.view("0" * 16, None, None).left_s


def test_what_was_done_before_this_attempt_says_nothing_of_its_pace() -> None:
    time = planned({"step": 10})
    time.at("step", 6)
    assert time.progress == 0.6
    time.told("step", 7, 50.0)  # the first steps of a process are slow, and are not counted
    assert time.left is None
    time.told("step", 9, 2.0)
    assert time.left == pytest.approx(1.0), "two steps in two seconds, one to come"
    time.told("step", 9, 30.0)  # told again: nothing new was done
    assert time.left == pytest.approx(1.0)


def test_a_kind_that_comes_late_is_estimated_by_its_like() -> None:
    time = planned({"step": 4, "test": 2}, {"test": ("score", 5.0)})
    for number in (1, 2, 3, 4):
        time.told("step", number, 1.0)
    assert time.left == 0.0, "no score has been seen yet: its like is not known"
    time.told("score", 1, 0.5)
    assert time.left == pytest.approx(2 * 5 * 0.5)
    time.told("test", 1, 4.0)
    assert time.left == pytest.approx(4.0), "its own pace counts once it is known"


def test_without_a_plan_nothing_is_said() -> None:
    time = planned({})
    time.told("step", 1, 1.0)
    time.told("step", 2, 5.0)
    assert (time.progress, time.left) == (0.0, None)
    assert planned({"score": 0}).progress == 0.0


def test_more_than_planned_is_not_more_than_all() -> None:
    time = planned({"step": 4})
    for number in (2, 6):
        time.told("step", number, 2.0)
    assert time.progress == 1.0
    assert time.left == 0.0


def test_a_run_that_stops_early_plans_anew() -> None:
    """Training is over where it stopped: nothing is left of the planned epochs, and what was measured still counts."""
    told = EventFold()
    events = [STARTED, PLAN, score(0), step(1), step(2), score(1), plan({"test": ("score", 2.0)}, step=2, test=1)]
    for number, event in enumerate(events):
        told.apply({"t": 100.0 + number, **event})
    view = told.view("0" * 16, None, None)
    assert view.progress == 1
    assert view.left_s == pytest.approx(2.0), "the test alone, twice a score of a second"
    assert view.plan == {"step": 2, "test": 1}
