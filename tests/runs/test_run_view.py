"""What events add up to, and the cache of snapshots."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar

import pytest
from run_helpers import PREPARED, STARTED, epoch, step

from course_lib.errors import CourseError
from course_lib.runs.view import EventFold, SnapshotCache, epoch_folder, snapshot_view


def fold(*events: dict[str, Any]) -> EventFold:
    """One second between two events."""
    told = EventFold()
    for number, event in enumerate(events):
        told.apply({"t": 100.0 + number, **event})
    return told


def test_states_in_order() -> None:
    events = [STARTED, PREPARED, step(1), {"kind": "finished", "seconds": 1.0}]
    assert [fold(*events[:n]).state for n in range(5)] == ["queued", "starting", "running", "running", "finished"]
    assert fold(STARTED, {"kind": "stopped"}).state == "stopped"
    failed = fold(STARTED, {"kind": "failed", "error": {"key": "worker_died", "params": {}}})
    assert (failed.state, failed.error) == ("failed", {"key": "worker_died", "params": {}})
    assert fold(STARTED, {"kind": "stopped"}, STARTED).state == "starting"


def test_progress() -> None:
    assert fold(STARTED, PREPARED, step(1)).progress == 1 / 4
    again = fold(STARTED, PREPARED, epoch(1), {"kind": "stopped"}, STARTED, PREPARED)
    assert again.progress == 2 / 4


KEPT = {"kind": "kept", "epoch": 0, "trained": 1, "epochs": 2, "patience": 1}


def test_a_run_that_keeps_its_best_epoch() -> None:
    """Training is over where it stopped: nothing is left of the planned epochs. A new attempt decides anew."""
    early = fold(STARTED, PREPARED, epoch(0), epoch(1), KEPT)
    assert early.view("0" * 16, None, None).kept == {"epoch": 0, "trained": 1, "epochs": 2, "patience": 1}
    assert early.progress == 1
    assert fold(STARTED, PREPARED, epoch(0), epoch(1)).view("0" * 16, None, None).kept is None
    again = fold(STARTED, PREPARED, epoch(0), epoch(1), KEPT, {"kind": "stopped"}, STARTED, PREPARED)
    assert again.kept is None
    assert again.progress == 2 / 4


class Course:
    """A run told with its times: two epochs of 100 steps at 0.02 s, 0.5 s to evaluate, 0.1 s for a snapshot, and at the
    end two evaluations of three times as many shoppers."""

    PREPARED: ClassVar = {"kind": "prepared", "epochs": 2, "steps": 200, "users": 3000, "eval_users": 1000}

    def __init__(self, slow_start: float = 0.0) -> None:
        self.events: list[dict[str, Any]] = []
        self.now = 100.0
        self.tell(0.0, STARTED)
        self.tell(0.0, self.PREPARED)
        self.tell(0.3, {"kind": "references"})
        self.end_of_epoch(0)
        for number in (1, 2):
            for done in range(10, 101, 10):
                first = number == 1 and done == 10
                self.tell(0.2 + (slow_start if first else 0.0), {**step(0), "step": 100 * (number - 1) + done})
            self.end_of_epoch(number)
        self.end = self.now + 2 * 3 * 0.5

    def tell(self, after: float, event: dict[str, Any]) -> None:
        self.now += after
        self.events.append({**event, "t": self.now})

    def end_of_epoch(self, number: int) -> None:
        self.tell(0.5, {**epoch(number), "step": 100 * number})
        self.tell(0.1, {"kind": "snapshot", "epoch": number})

    def estimates(self) -> list[tuple[float, float | None]]:
        """After each event: the seconds that really are left, and what the fold says."""
        told, out = EventFold(), []
        for event in self.events:
            told.apply(event)
            out.append((self.end - float(event["t"]), told.left_s))
        return out


@pytest.mark.parametrize("slow_start", [0.0, 4.0], ids=["warm", "cold"])
def test_time_left_counts_evaluations_and_is_right_from_its_first_word(slow_start: float) -> None:
    estimates = Course(slow_start).estimates()
    said = [(truth, left) for truth, left in estimates if left is not None]
    assert len(said) > 10
    for truth, left in said:
        assert left == pytest.approx(truth, abs=0.11), "right, but for a snapshot that is being written"
    assert said[-1] == (pytest.approx(3.0), pytest.approx(3.0)), "the last evaluation alone"


def test_nothing_is_said_of_the_time_left_before_a_second_of_steps() -> None:
    course = Course()
    silent = [event for event, (_, left) in zip(course.events, course.estimates(), strict=True) if left is None]
    assert [event["step"] for event in silent if event["kind"] == "step"] == [10, 20, 30, 40, 50]


def test_a_run_that_becomes_slower_is_believed() -> None:
    told = fold(STARTED, {**PREPARED, "steps": 1000}, epoch(0), *(step(n) for n in range(1, 10)))
    assert told.left_s == pytest.approx(991 + 2), "a second a step and an evaluation of a second after each epoch"
    for n in range(10, 70):
        told.apply({**step(n), "t": told._now + 3.0})
    assert told.left_s == pytest.approx(3 * (1000 - 69) + 2)


def test_the_pace_of_an_attempt_is_its_own() -> None:
    events = [STARTED, PREPARED, step(1), step(2), step(3)]
    assert fold(*events).left_s is not None
    assert fold(*events, {"kind": "stopped"}).left_s is None
    assert fold(*events, {"kind": "stopped"}, STARTED, PREPARED).left_s is None
    assert fold(*events, STARTED, PREPARED, {"kind": "resumed", "epoch": 1}, epoch(1), step(3)).left_s is None


def test_a_new_attempt_keeps_what_was_saved_and_repeats_the_rest() -> None:
    events = [STARTED, PREPARED, epoch(0), step(1), step(2), epoch(1), {"kind": "snapshot", "epoch": 1}, step(3)]
    told = fold(*events, STARTED, PREPARED, {"kind": "resumed", "epoch": 1}, step(3), step(4), epoch(2))
    assert [record["step"] for record in told.steps] == [1, 2, 3, 4]
    assert [record["epoch"] for record in told.epochs] == [0, 1, 2]
    assert told.resumed
    assert told.attempts == 2
    without_checkpoint = fold(*events, STARTED, PREPARED, epoch(0), step(1))
    assert [record["step"] for record in without_checkpoint.steps] == [1]
    assert [record["epoch"] for record in without_checkpoint.epochs] == [0]


def test_fruitless_attempts_are_counted_until_an_epoch_is_complete() -> None:
    assert fold(STARTED, epoch(0), STARTED, STARTED).fruitless == 3
    assert fold(STARTED, STARTED, epoch(1), STARTED).fruitless == 1


def test_unknown_kinds_are_skipped_and_malformed_events_are_not() -> None:
    assert fold(STARTED, {"kind": "applause"}).state == "starting"
    for event in ({"kind": "step"}, {"kind": "epoch", "epoch": "x", "step": 1}, {}, {"kind": "failed", "error": {}}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            fold(event)


def test_snapshots_are_read_once_and_again_when_they_change(tmp_path: Path) -> None:
    place = epoch_folder(tmp_path / ("a" * 16), 3)
    place.mkdir(parents=True)
    (place / "view.json").write_text(json.dumps({"epoch": 3}))
    first = snapshot_view("a" * 16, 3, tmp_path)
    assert first == {"epoch": 3}
    assert snapshot_view("a" * 16, 3, tmp_path) is first
    (place / "view.json").write_text(json.dumps({"epoch": 3, "again": True}))
    os.utime(place / "view.json", (1, 1))
    assert snapshot_view("a" * 16, 3, tmp_path)["again"]
    (place / "view.json").write_text("{")
    os.utime(place / "view.json", (2, 2))
    for run_id, number, key in (
        ("a" * 16, 3, "run_corrupt"),
        ("a" * 16, 4, "snapshot_missing"),
        ("../x", 3, "snapshot_missing"),
    ):
        with pytest.raises(CourseError) as caught:
            snapshot_view(run_id, number, tmp_path)
        assert caught.value.key == key


def test_the_cache_of_snapshots_is_bounded(tmp_path: Path) -> None:
    cache = SnapshotCache(limit=1000)
    for number in range(10):
        (tmp_path / str(number)).write_text(json.dumps({"x": "y" * 400}))
        cache.read(tmp_path / str(number))
    assert len(cache._kept) == 2
