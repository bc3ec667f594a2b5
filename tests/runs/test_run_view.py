"""What events add up to, and the cache of frames."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from run_helpers import CHECKPOINT, PLAN, STARTED, score, step

from course_lib.errors import CourseError
from course_lib.experiments.events import frame_folder, plan
from course_lib.runs.view import EventFold, FrameCache, RunView, frame_view


def fold(*events: dict[str, Any]) -> EventFold:
    """One second between two events."""
    told = EventFold()
    for number, event in enumerate(events):
        told.apply({"t": 100.0 + number, **event})
    return told


def view(*events: dict[str, Any]) -> RunView:
    return fold(*events).view("0" * 16, None, None)


def ats(told: RunView, kind: str) -> list[int]:
    return [event["at"] for event in told.of(kind)]


def test_states_in_order() -> None:
    events = [STARTED, PLAN, step(1), {"kind": "finished", "seconds": 1.0}]
    assert [fold(*events[:n]).state for n in range(5)] == ["queued", "starting", "running", "running", "finished"]
    assert fold(STARTED, {"kind": "stopped"}).state == "stopped"
    failed = fold(STARTED, {"kind": "failed", "error": {"key": "worker_died", "params": {}}})
    assert (failed.state, failed.error) == ("failed", {"key": "worker_died", "params": {}})
    assert fold(STARTED, {"kind": "stopped"}, STARTED).state == "starting"


def test_progress_is_that_of_the_kind_that_the_plan_names_first() -> None:
    assert view(STARTED, PLAN, step(1)).progress == 1 / 4
    assert view(STARTED, PLAN, step(1), score(2)).progress == 1 / 4
    assert view(STARTED, PLAN, step(4)).progress == 1
    assert view(STARTED).progress == 0
    assert view(STARTED, plan(score=0)).progress == 0
    assert view(STARTED, PLAN, step(1), {"kind": "finished"}).progress == 1
    resumed = {"kind": "resumed", "keep": {"step": 2}}
    assert view(STARTED, PLAN, step(3), {"kind": "stopped"}, STARTED, PLAN, resumed).progress == 2 / 4


def test_what_an_experiment_tells_is_kept_by_kind() -> None:
    kept = {"kind": "kept", "epoch": 0, "trained": 1}
    told = view(STARTED, PLAN, step(1), kept, step(2), {"kind": "applause", "loud": True})
    assert ats(told, "step") == [1, 2]
    assert told.last("step") == {"t": 104.0, **step(2)}
    assert told.of("kept") == ({"t": 103.0, **kept},)
    assert told.last("applause") == {"t": 105.0, "kind": "applause", "loud": True}
    assert told.last("boo") is None
    assert told.of("boo") == ()
    assert told.plan == {"step": 4, "score": 3}


def test_a_new_attempt_keeps_what_was_saved_and_repeats_the_rest() -> None:
    frame = {"kind": "frame", "at": 1}
    events = [STARTED, PLAN, score(0), step(1), step(2), CHECKPOINT, score(1), frame, step(3)]
    resumed = {"kind": "resumed", "epoch": 1, "keep": {"step": 2, "score": 0, "frame": 0}}
    told = fold(*events, STARTED, PLAN, resumed)
    now = told.view("0" * 16, None, None)
    assert (ats(now, "step"), ats(now, "score"), now.frames) == ([1, 2], [0], ())
    for number, event in enumerate([score(1), frame, step(3), step(4), score(2)]):
        told.apply({"t": 200.0 + number, **event})
    now = told.view("0" * 16, None, None)
    assert (ats(now, "step"), ats(now, "score"), now.frames) == ([1, 2, 3, 4], [0, 1, 2], (1,))
    assert now.resumed
    assert told.attempts == 2
    without_checkpoint = view(*events, STARTED, PLAN, score(0), step(1))
    assert ats(without_checkpoint, "step") == [1]
    assert ats(without_checkpoint, "score") == [0]


def test_attempts_without_a_checkpoint_are_counted_until_there_is_one() -> None:
    assert fold(STARTED, score(0), STARTED, STARTED).without_checkpoint == 3
    assert fold(STARTED, STARTED, CHECKPOINT, STARTED).without_checkpoint == 1


def test_time_is_left_only_while_it_runs() -> None:
    events = [STARTED, PLAN, step(1), step(2), step(3)]
    assert view(*events).left_s == pytest.approx(1.0)
    assert view(*events, {"kind": "stopped"}).left_s is None
    assert view(*events, STARTED, PLAN).left_s is None, "the pace of an attempt is its own"
    assert view(*events, STARTED, PLAN, {"kind": "resumed", "keep": {"step": 2}}, step(3)).left_s is None


def test_a_view_does_not_change() -> None:
    told = fold(STARTED, PLAN, step(1))
    before = told.view("0" * 16, None, None)
    told.apply({"t": 200.0, **step(2)})
    assert ats(before, "step") == [1]


def test_unknown_kinds_are_kept_and_malformed_events_are_not() -> None:
    assert fold(STARTED, {"kind": "applause"}).state == "starting"
    for event in (
        {"kind": "step", "at": "x"},
        {"kind": "plan"},
        {"kind": "plan", "counts": {"step": "many"}},
        {"kind": "plan", "counts": {"step": 1}, "like": {"step": []}},
        {"kind": "resumed"},
        {},
        {"kind": "failed", "error": {}},
    ):
        with pytest.raises((KeyError, TypeError, ValueError, IndexError)):
            fold(event)


def test_frames_are_read_once_and_again_when_they_change(tmp_path: Path) -> None:
    place = frame_folder(tmp_path / ("a" * 16), 3)
    place.mkdir(parents=True)
    (place / "view.json").write_text(json.dumps({"epoch": 3}))
    first = frame_view("a" * 16, 3, tmp_path)
    assert first == {"epoch": 3}
    assert frame_view("a" * 16, 3, tmp_path) is first
    (place / "view.json").write_text(json.dumps({"epoch": 3, "again": True}))
    os.utime(place / "view.json", (1, 1))
    assert frame_view("a" * 16, 3, tmp_path)["again"]
    for number, damage in enumerate(("{", "[]", "\x00")):
        (place / "view.json").write_text(damage)
        os.utime(place / "view.json", (2 + number, 2 + number))
        with pytest.raises(CourseError) as caught:
            frame_view("a" * 16, 3, tmp_path)
        assert caught.value.key == "run_corrupt"
    for run_id, number in (("a" * 16, 4), ("../x", 3)):
        with pytest.raises(CourseError) as caught:
            frame_view(run_id, number, tmp_path)
        assert caught.value.key == "frame_missing"


def test_the_cache_of_frames_is_bounded(tmp_path: Path) -> None:
    cache = FrameCache(limit=1000)
    for number in range(10):
        (tmp_path / str(number)).write_text(json.dumps({"x": "y" * 400}))
        cache.read(tmp_path / str(number))
    assert len(cache._kept) == 2
