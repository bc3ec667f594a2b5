"""A session's event loop takes no file descriptors as long as nobody runs it, and is a loop like any other then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from course_lib.ui import late_loop
from course_lib.ui.late_loop import LateLoop


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_a_loop_that_is_not_run_takes_nothing() -> None:
    before = descriptors()
    loops = [LateLoop(asyncio.new_event_loop) for _ in range(10)]
    for loop in loops:
        asyncio.set_event_loop(loop)
        assert not loop.is_running()
        assert not loop.is_closed()
        assert asyncio.all_tasks(loop) == set()
    asyncio.set_event_loop(None)
    assert descriptors() == before
    for loop in loops:
        loop.close()
        assert loop.is_closed()
        with pytest.raises(RuntimeError):
            loop.call_soon(print)


def test_a_loop_that_is_run_works_and_gives_back_what_it_took() -> None:
    before = descriptors()
    loop = LateLoop(asyncio.new_event_loop)

    async def work() -> int:
        assert loop.is_running()
        return await loop.run_in_executor(None, lambda: 41) + 1

    assert loop.run_until_complete(work()) == 42
    assert descriptors() > before
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert loop.is_closed()
    assert descriptors() == before


@pytest.fixture
def installed() -> Iterator[None]:
    before = asyncio.get_event_loop_policy()
    late_loop.install()
    yield
    asyncio.set_event_loop_policy(before)


@pytest.mark.usefixtures("installed")
def test_only_a_loop_made_for_another_thread_is_late() -> None:
    async def made() -> asyncio.AbstractEventLoop:
        assert not isinstance(asyncio.get_running_loop(), LateLoop)
        return asyncio.new_event_loop()

    loop = asyncio.run(made())
    assert isinstance(loop, LateLoop)
    loop.close()
    usual = asyncio.new_event_loop()
    assert not isinstance(usual, LateLoop)
    usual.close()
