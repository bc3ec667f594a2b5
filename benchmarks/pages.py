"""The web process: cold start to a drawn home page, page switches with fifty tabs, memory, edits of a history."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lesson import LESSON, lesson_config
from benchmarks.load import Session
from benchmarks.processes import MIB, Server, cpu_s, serving, torch_in, wait_until_warm
from benchmarks.table import Row, below, number, percentile
from tools.browser import ARGUMENTS, find

STARTS = 3
TABS = 50
THINK_S = (2.0, 10.0)  # mean seconds that a learner stays on a page: hurried, and still quick for a lesson
PLACES = ("", LESSON, "my_progress")
SWITCHES_S = 30.0  # how long the tabs go on switching
JOIN_S = 10.0  # over which they arrive
EDITS = 40

PAINT = """
() => Object.fromEntries(performance.getEntriesByType("paint").map((one) => [one.name, one.startTime]))
"""


def cold_start(home: Path, times: int = STARTS) -> list[Row]:
    """From the start of the server's process to the home page's heading in a browser that is open already."""
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        return [Row("start", "home page to first paint", "no browser", note="python tools/browser.py finds one")]
    listening, painted, drawn, torch = [], [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        for _ in range(times):
            page = browser.new_context(locale="en-US").new_page()  # nothing cached
            with serving(home) as server:
                listening.append(time.perf_counter() - server.started)
                asked = time.perf_counter()
                page.goto(f"{server.url}/", wait_until="commit")
                page.locator("h1").first.wait_for(state="visible")
                drawn.append(time.perf_counter() - server.started)
                paints = page.evaluate(PAINT)
                painted.append(asked - server.started + paints.get("first-contentful-paint", float("nan")) / 1000)
                torch.append(torch_in(server.process.pid))
            page.context.close()
        browser.close()
    first = statistics.median(painted)
    raw = {"listening": listening, "painted": painted, "drawn": drawn}
    note = f"median of {times}; python's start to the open port {number(statistics.median(listening))} s"
    return [
        below(
            "start", "process start to home's heading in the browser", statistics.median(drawn), 3.0, note=note, raw=raw
        ),
        Row(
            "start", "process start to the first contentful paint", f"{number(first)} s", note="Streamlit's empty frame"
        ),
        torch_row("start", "torch in the web process after home", torch),
    ]


def torch_row(part: str, what: str, found: Sequence[bool | None]) -> Row:
    """A row for :func:`torch_in`."""
    if None in found:
        return Row(part, what, "not measured", "none", note="this system does not tell what a process has mapped")
    return Row(part, what, "yes" if any(found) else "none", "none", not any(found))


async def tab(
    session: Session, rng: random.Random, think_s: float, until: float, taken: dict[str, list[float]]
) -> None:
    """One learner who goes from page to page until the time is up."""
    here = ""
    while True:
        think = rng.expovariate(1 / think_s)
        if time.perf_counter() + think > until:
            return
        await asyncio.sleep(think)
        here = rng.choice([place for place in PLACES if place != here])
        taken[here].append(await session.open(here, lang="en"))


async def switching(server: Server, think_s: float, tabs: int, lasting_s: float) -> dict[str, Any]:
    """Seconds of every page switch by ``tabs`` learners, and what the server used meanwhile."""
    rng = random.Random(0)
    taken: dict[str, list[float]] = {place: [] for place in PLACES}
    sessions = [Session(server.url) for _ in range(tabs)]
    joins = []
    for session in sessions:
        await session.__aenter__()
        joins.append(await session.open("", lang="en"))
        await asyncio.sleep(max(0.0, JOIN_S / tabs - joins[-1]))
    used, own, began = cpu_s(server.process), time.process_time(), time.perf_counter()
    until = began + lasting_s
    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(tab(session, random.Random(rng.random()), think_s, until, taken))
    lasted = time.perf_counter() - began
    found = {
        "joins": joins,
        "taken": taken,
        "cpu": (cpu_s(server.process) - used) / lasted,
        "own_cpu": (time.process_time() - own) / lasted,
        "rss_mib": server.rss_mib(),
        "rate": sum(len(values) for values in taken.values()) / lasted,
    }
    for session in sessions:
        await session.__aexit__()
    return found


def page_switches(server: Server, tabs: int = TABS, lasting_s: float = SWITCHES_S) -> list[Row]:
    """The rows for page switches and memory."""
    rows = []
    for think_s in THINK_S:
        before = server.rss_mib()
        found = asyncio.run(switching(server, think_s, tabs, lasting_s))
        every = [value for values in found["taken"].values() for value in values]
        p50, p95 = (1000 * percentile(every, share) for share in (0.5, 0.95))
        by_page = ", ".join(
            f"{place or 'home'} {number(1000 * percentile(values, 0.95))}"
            for place, values in found["taken"].items()
            if values
        )
        note = (
            f"p50 {number(p50)} ms, {len(every)} switches, {number(found['rate'])} a second; p95 by page: {by_page}; "
            f"server {found['cpu']:.0%} of a core, {number(1000 * found['cpu'] / found['rate'])} ms a switch, "
            f"load generator {found['own_cpu']:.0%}"
        )
        what = f"page switch p95, {tabs} tabs, {think_s:g} s on a page"
        rows.append(below("pages", what, p95, 300.0, "ms", note=note, raw=found))
        if think_s == THINK_S[0]:
            note = f"{number(before)} MiB before them; 400 MB are {number(400e6 / MIB)} MiB"
            mb = found["rss_mib"] * MIB / 1e6
            rows.append(below("pages", f"web process with {tabs} tabs", mb, 400.0, "MB", note=note))
    rows.append(torch_row("pages", "torch in the web process after all pages", [torch_in(server.process.pid)]))
    return rows


async def editing(server: Server, edits: int) -> list[float]:
    """Seconds of the page's answer to an edit in the history editor: the model asked, the list and pictures drawn."""
    rng = random.Random(0)
    taken = []
    key = f"lab.{LESSON}.editor"
    async with Session(server.url) as session:
        await session.open("", lang="en")
        await session.open(LESSON, lang="en")
        for turn in range(1, edits + 2):
            data = session.widgets[key].data
            history = [int(item["id"]) for item in data["items"]]
            rng.shuffle(history)
            edit = {"base": data["base"], "turn": turn, "history": history}
            taken.append(await session.send(key, {"edit": edit}))
            shown = [int(item["id"]) for item in session.widgets[key].data["items"]]
            if shown != history:
                raise RuntimeError("the page did not take the edit")
    return taken[1:]  # the first one loads the model


def history_edit(server: Server, edits: int = EDITS) -> list[Row]:
    """The row for an edit as the browser's side of the connection sees it."""
    run_id = lesson_config().run_id
    taken = asyncio.run(editing(server, edits))
    p50, p95 = (1000 * percentile(taken, share) for share in (0.5, 0.95))
    note = f"p50 {number(p50)} ms of {len(taken)} edits of run {run_id[:6]}; without the browser's own part"
    return [below("edit", "edited history, the page's answer, p95", p95, 150.0, "ms", note=note)]


def measure(home: Path) -> list[Row]:
    """The rows of cold start, edits, switches and memory. ``home`` holds the lesson's finished run."""
    rows = cold_start(home)
    with serving(home) as server:
        wait_until_warm(server.process.pid)
        asyncio.run(visit(server))
        rows += history_edit(server)
        rows += page_switches(server)
    return rows


async def visit(server: Server) -> None:
    """Every page once: what is imported or read at the first visit is not what a page switch takes."""
    async with Session(server.url) as session:
        for place in PLACES:
            await session.open(place, lang="en")
