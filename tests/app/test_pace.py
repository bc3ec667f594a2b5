"""Watchers ask less often when they are many, and their pages are drawn one after the other at a run's end."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from course_lib.ui import pace as module
from course_lib.ui.pace import LAST_PAGE_S, MOST_S, POLL_S, SHARE, Pace


def test_one_asks_every_second_and_a_class_so_that_half_a_core_is_left() -> None:
    pace = Pace(poll_s=0.015)
    assert pace.seen("run", "tab 0") == POLL_S
    waits = [pace.seen("run" if n % 2 else "other run", f"tab {n}") for n in range(1, 100)]
    assert waits == sorted(waits)
    assert waits[-1] == 3.0
    assert 100 * 0.015 / waits[-1] <= SHARE
    assert pace.seen("run", "tab 0") == 3.0, "who came first asks no more often than the others"
    assert Pace(poll_s=10).seen("run", "tab") == MOST_S


def test_a_slower_machine_is_asked_less_often() -> None:
    pace = Pace(poll_s=0.02)
    for n in range(20):
        pace.seen("run", f"tab {n}")
    before = pace.seen("run", "tab 0")
    for _ in range(10):
        with pace.measured("poll"):
            time.sleep(0.1)
    assert pace.seen("run", "tab 0") > before + 1


def test_whoever_has_gone_no_longer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    pace = Pace(poll_s=0.1)
    for n in range(20):
        pace.seen("run", f"tab {n}")
    assert pace.seen("run", "tab 0") == 4.0
    pace.left("run", "tab 19")
    now[0] += 3 * MOST_S + 1
    assert pace.seen("run", "tab 0") == POLL_S


def test_at_the_end_pages_are_drawn_by_turns_the_first_at_once() -> None:
    pace = Pace(page_s=0.05)
    for n in range(100):
        pace.seen("run", f"tab {n}")
    pace.seen("other", "elsewhere")
    turns = [pace.turn("run", f"tab {n}") for n in range(100)]
    assert turns[0] == 0
    assert all(later - sooner > 0.05 for sooner, later in pairwise(turns))
    assert turns[-1] < LAST_PAGE_S
    assert pace.turn("other", "elsewhere") == pace.turn("run", "nobody knows it") == 0
    slow = Pace(page_s=3)
    for n in range(100):
        slow.seen("run", f"tab {n}")
    assert slow.turn("run", "tab 99") < LAST_PAGE_S, "nobody waits for ever"
