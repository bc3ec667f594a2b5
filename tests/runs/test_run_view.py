"""What events add up to, and the cache of snapshots."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

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


def test_progress_and_time_left() -> None:
    assert fold(STARTED, PREPARED, step(1)).progress == 1 / 4
    assert fold(STARTED, PREPARED, step(1)).left_s is None, "one step has no pace"
    assert fold(STARTED, PREPARED, step(1), step(2)).left_s == 2.0, "a second a step, two steps to go"
    assert fold(STARTED, PREPARED, epoch(1, left=5.0), step(3)).left_s == 4.0, "the trainer's word, a second ago"
    assert fold(STARTED, PREPARED, epoch(1, left=5.0), {"kind": "stopped"}).left_s is None
    again = fold(STARTED, PREPARED, epoch(1, left=5.0), {"kind": "stopped"}, STARTED, PREPARED)
    assert again.left_s is None, "the last attempt's estimate is not this one's"
    assert again.progress == 2 / 4


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
