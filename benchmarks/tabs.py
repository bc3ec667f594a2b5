"""Tabs that come and go: two hundred opened and closed, five times over. Do descriptors and memory level off?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from benchmarks.load import Session
from benchmarks.processes import Server, serving, wait_until_warm
from benchmarks.table import Row, below, number

PART = "tabs"
TABS, FULL_TABS = 50, 200
ROUNDS = 5
SETTLE_S = 2.0  # after the last tab of a round has gone


def descriptors(server: Server) -> int:
    """Files, sockets and pipes that the web process has open."""
    return int(server.process.num_fds())


async def rounds(server: Server, tabs: int) -> list[dict[str, Any]]:
    """Opens and closes all tabs, again and again; what the web process holds with all open and with all closed."""
    found = []
    for _ in range(ROUNDS):
        sessions = []
        for _ in range(tabs):
            session = await Session(server.url).__aenter__()
            await session.open("", lang="en")
            sessions.append(session)
        at_most = descriptors(server)
        for session in sessions:
            await session.__aexit__()
        await asyncio.sleep(SETTLE_S)
        found.append({"open": at_most, "closed": descriptors(server), "rss_mib": server.rss_mib()})
    return found


def measure(home: Path, full: bool = False) -> list[Row]:
    """The rows of this part; the long form has two hundred tabs."""
    tabs = FULL_TABS if full else TABS
    with serving(home) as server:
        wait_until_warm(server.process.pid)
        before = descriptors(server)
        found = asyncio.run(rounds(server, tabs))
    return rows_of(tabs, before, found)


def rows_of(tabs: int, before: int, found: list[dict[str, Any]]) -> list[Row]:
    """The rows of what has been counted."""
    each = (found[-1]["open"] - found[-1]["closed"]) / tabs
    left = (found[-1]["closed"] - found[0]["closed"]) / ((ROUNDS - 1) * tabs)
    growth = found[-1]["rss_mib"] - found[1]["rss_mib"]
    held = f"{before} before, then with all open and with all closed: "
    held += ", ".join(f"{one['open']} and {one['closed']}" for one in found)
    memory = "MiB after each round: " + ", ".join(number(one["rss_mib"]) for one in found)
    what = f"{ROUNDS} rounds of {tabs} tabs"
    return [
        below(PART, "descriptors of an open tab", each, 1.2, "", note=held, raw={"rounds": found}),
        below(PART, f"descriptors that a tab leaves behind, {what}", max(0.0, left), 0.05, ""),
        below(PART, f"memory from the second round to the last, {what}", max(0.0, growth), 30.0, "MiB", note=memory),
    ]
