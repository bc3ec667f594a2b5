"""When file descriptors run short, new tabs are refused with a sentence and those that are open go on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import websockets

from benchmarks.load import Session
from benchmarks.processes import Server, serving
from course_lib.settings import PROJECT
from course_lib.text import text
from course_lib.ui import descriptors
from course_lib.ui.descriptors import PAGE_KEEPS, SOCKET_KEEPS

if not hasattr(resource, "prlimit"):
    pytest.skip("only Linux lets one process limit another", allow_module_level=True)


def page_of(server: Server, language: str) -> tuple[int, str, str | None]:
    """Status, body and Retry-After of the course's page as a browser asks for it."""
    request = urllib.request.Request(f"{server.url}/", headers={"Accept": "text/html", "Accept-Language": language})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), None
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(), refused.headers["Retry-After"]


def used(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


async def crowd(server: Server) -> None:
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(Session(server.url))
        await first.open("", lang="en")
        limit = used(server) + PAGE_KEEPS + 12
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        let_in = 0
        status, body, again = await asyncio.to_thread(page_of, server, "en")
        while status == 200 and let_in < 100:
            await (await stack.enter_async_context(Session(server.url))).open("", lang="en")
            let_in += 1
            status, body, again = await asyncio.to_thread(page_of, server, "en")
        assert 5 <= let_in <= 12, "a tab takes one descriptor"
        assert status == 503
        assert again == "60"
        assert text("shell.full", "en") in body
        assert text("shell.full", "zh") in (await asyncio.to_thread(page_of, server, "zh-CN"))[1]

        came_back = 0  # tabs whose page was let in before, or that lost their connection for a moment
        with contextlib.suppress(websockets.InvalidStatus):
            while came_back < 100:
                await stack.enter_async_context(Session(server.url))
                came_back += 1
        assert PAGE_KEEPS - SOCKET_KEEPS - 12 < came_back <= PAGE_KEEPS - SOCKET_KEEPS
        assert limit - used(server) >= SOCKET_KEEPS - 4, "the last ones are kept"
        await first.open("my_progress", lang="en")
        await first.open("", lang="zh")
    for _ in range(100):
        if (await asyncio.to_thread(page_of, server, "en"))[0] == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("nobody is let in after all have gone")


def test_a_full_course_refuses_new_tabs_and_serves_the_others(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        asyncio.run(crowd(server))


RAISED = """
import resource
from course_lib.ui.descriptors import free, raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 300))
assert raise_limit() == 300
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, 300)
assert 280 < free() < 300
"""


def test_the_limit_is_raised_to_what_the_system_allows() -> None:
    subprocess.run([sys.executable, "-c", RAISED], cwd=PROJECT, check=True, timeout=120)


def test_who_cannot_even_list_the_files_has_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> list[str]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(descriptors.os, "listdir", full)
    assert descriptors.free() == 0
