"""Limits on tries: counted together by all processes, forgotten in time, not to be got round by a flood or a clock."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from course_lib.course import rate_limit, tables
from course_lib.course.rate_limit import allow
from course_lib.course.store import Store
from course_lib.errors import CourseError
from course_lib.settings import PROJECT


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that limits see; tests move it."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(rate_limit.time, "time", lambda: now[0])
    return now


def wait(store: Store, what: str = "code", per: int = 3, seconds: float = 60.0) -> int:
    """0 where a try is allowed, else the seconds to wait."""
    try:
        allow(store, what, per, seconds)
    except CourseError as error:
        assert error.key == "too_many_tries"  # noqa: PT017
        return int(error.params["seconds"])
    return 0


def rows(store: Store) -> int:
    return int(store.read(sa.select(sa.func.count()).select_from(tables.tries))[0][0])


def test_so_many_in_any_window(open_at: Callable[..., Store], address: str, clock: list[float]) -> None:
    store = open_at(address)
    assert [wait(store) for _ in range(4)] == [0, 0, 0, 60]
    clock[0] += 30
    assert wait(store) == 30
    assert wait(store, "another code") == 0
    clock[0] += 29.5
    assert wait(store) == 1
    clock[0] += 0.5
    assert [wait(store) for _ in range(4)] == [0, 0, 0, 60]  # refused tries did not lengthen the wait
    clock[0] += 40
    with pytest.raises(CourseError, match="Wait 20 seconds"):
        allow(store, "code", 3, 60.0)


def test_a_second_process_and_a_restart_count_on(open_at: Callable[..., Store], address: str) -> None:
    stores = [open_at(address) for _ in range(3)]
    assert [wait(stores[place % 3]) > 0 for place in range(5)] == [False, False, False, True, True]
    stores[0].close()
    assert wait(open_at(address)) > 50


def test_only_hashes_are_kept_and_only_while_they_count(
    open_at: Callable[..., Store], address: str, clock: list[float]
) -> None:
    store = open_at(address)
    for place in range(200):
        assert wait(store, f"resume 192.0.2.{place}") == 0
    names = {row.what for row in store.read(sa.select(tables.tries.c.what))}
    assert len(names) == 200
    assert all(len(name) == 64 and set(name) <= set("0123456789abcdef") for name in names)
    clock[0] += rate_limit.LONGEST_S + 1
    for _ in range(rate_limit.SWEEP):
        wait(store, "other", 1000)
    assert rows(store) == rate_limit.SWEEP
    clock[0] += 61
    assert wait(store, "other", 1000) == 0
    assert rows(store) == 1


def test_a_clock_that_is_put_back_closes_nothing_for_days(
    open_at: Callable[..., Store], address: str, clock: list[float]
) -> None:
    store = open_at(address)
    assert [wait(store) for _ in range(4)] == [0, 0, 0, 60]
    clock[0] -= 2 * 24 * 3600
    assert [wait(store) for _ in range(4)] == [0, 0, 0, 60]


def test_a_flood_reaches_the_database_once(open_at: Callable[..., Store], address: str, clock: list[float]) -> None:
    store = open_at(address)
    assert [wait(store) for _ in range(4)][-1] == 60
    asked: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    started = time.perf_counter()
    assert all(wait(store) for _ in range(2000))
    assert not asked
    assert time.perf_counter() - started < 5
    clock[0] += 60
    assert wait(store) == 0


def test_many_at_once_get_no_more_than_one_after_another(open_at: Callable[..., Store], address: str) -> None:
    stores = [open_at(address, patience=60.0) for _ in range(4)]
    ready = threading.Barrier(16)

    def guess(number: int) -> int:
        ready.wait()
        return sum(wait(stores[number % 4], per=10) == 0 for _ in range(5))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(guess, range(16))) == 10
    assert rows(stores[0]) == 10


def test_several_processes_share_the_limit(open_at: Callable[..., Store], address: str) -> None:
    script = """
import sys
from course_lib.course.rate_limit import allow
from course_lib.course.store import open_store
from course_lib.errors import CourseError

store, allowed = open_store(sys.argv[1], 60.0), 0
for _ in range(10):
    try:
        allow(store, "code", 12, 600.0)
    except CourseError:
        break
    allowed += 1
print(allowed)
"""
    store = open_at(address)
    line = [sys.executable, "-c", script, address]
    children = [subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(child.communicate()[0]) for child in children) == 12
    assert rows(store) == 12


@pytest.mark.parametrize(("per", "seconds"), [(0, 1.0), (1, 0.0), (1, rate_limit.LONGEST_S + 1)])
def test_limits_that_limit_nothing_are_mistakes(
    open_at: Callable[..., Store], tmp_path: Path, per: int, seconds: float
) -> None:
    with pytest.raises(ValueError, match="tries in"):
        allow(open_at(tmp_path / "course.sqlite"), "code", per, seconds)
