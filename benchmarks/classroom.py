"""A class at one moment: a hundred tabs press Train on one configuration within two seconds, and watch it to its end.

Every tab is a learner of its own. Measured: the answer to the press, the polls while the run goes on, the last one of
them, which draws the whole page, how late a tab learns of the end, and the web process: processor and memory.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.lesson import LESSON, lesson_config
from benchmarks.load import Session
from benchmarks.processes import Server, cpu_s, serving, wait_until_warm
from benchmarks.table import Row, below, number, percentile
from benchmarks.watchers import SKIP, TRAIN, ended
from course_lib.runs.store import RunStore
from course_lib.settings import Settings

PART = "class"
TABS = 100
PRESSES_S = 2.0  # within which all press Train
SEED = 1001  # of the first measured run; each further one has the next
EPOCHS = 8  # of a measured run: half a minute, long enough for polls to be counted
LONG_S = 600.0  # of the long form
SAMPLE_S = 0.2  # how often memory is read


class Polls:
    """What the tabs of one run have noted, in seconds."""

    def __init__(self) -> None:
        self.presses: list[float] = []
        self.polls: list[float] = []  # while the run went on
        self.late: list[float] = []  # the load generator's own delay in asking
        self.redraws: list[float] = []  # the poll that found the end and drew the page
        self.told: list[float] = []  # clock (unix) at which a tab showed the end


@contextmanager
def memory_of(server: Server) -> Iterator[list[float]]:
    """MiB of the web process, read while the block lasts."""
    seen, over = [server.rss_mib()], threading.Event()

    def read() -> None:
        while not over.wait(SAMPLE_S):
            seen.append(server.rss_mib())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield seen
    finally:
        over.set()
        reader.join()


async def learner(session: Session, noted: Polls, wait_s: float) -> None:
    """Presses Train after ``wait_s``, and polls as the browser's timer does for as long as the page asks for it."""
    await asyncio.sleep(wait_s)
    noted.presses.append(await session.press(TRAIN))
    if session.timer is None:
        raise RuntimeError("the page does not watch the run after Train was pressed")
    due = time.perf_counter() + session.interval_s
    while session.timer is not None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late = max(0.0, time.perf_counter() - due)
        taken = await session.tick()
        if session.timer is None:
            noted.redraws.append(taken)
            noted.told.append(time.time())
        else:
            noted.late.append(late)
            noted.polls.append(taken)
        due = max(due + session.interval_s, time.perf_counter())


async def one_run(server: Server, store: RunStore, sessions: list[Session], seed: int, epochs: int) -> dict[str, Any]:
    """All tabs open the lab with one configuration, press Train within two seconds, and watch."""
    run_id = lesson_config(seed=seed, epochs=epochs).run_id
    if store.view(run_id).state != "missing":
        store.remove(run_id)
    opened = []
    for session in sessions:
        opened.append(await session.open(LESSON, lang="en", seed=str(seed), epochs=str(epochs)))
        if SKIP in session.widgets:
            await session.press(SKIP)
    noted, rng = Polls(), random.Random(seed)
    used, own, began = cpu_s(server.process), time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(learner(session, noted, rng.uniform(0.0, PRESSES_S)))
        view = await ended(store, run_id)
        lasted, before_end = time.perf_counter() - began, cpu_s(server.process) - used
    if view.result is None:
        raise RuntimeError(f"the run ended as {view.state}: {view.error}")
    events = store.folder(run_id) / "events.jsonl"
    over = events.stat().st_mtime
    return {
        "opened": opened,
        "presses": noted.presses,
        "polls": noted.polls,
        "late": noted.late,
        "redraws": noted.redraws,
        "told": [max(0.0, at - over) for at in noted.told],
        "lasted": lasted,
        "cpu": before_end,
        "cpu_end": cpu_s(server.process) - used - before_end,
        "own_cpu": (time.process_time() - own) / (time.perf_counter() - began),
        "train": view.result["seconds"],
    }


async def lesson_hour(server: Server, store: RunStore, tabs: int, lasting_s: float, watched: list[float]) -> list[Any]:
    """Runs one after another until the time is up, at least one; the tabs stay."""
    runs: list[Any] = []
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        sessions = []
        for _ in range(tabs):
            session = await stack.enter_async_context(Session(server.url))
            await session.open("", lang="en")
            sessions.append(session)
        while not runs or time.perf_counter() - began < lasting_s:
            runs.append(await one_run(server, store, sessions, SEED + len(runs), EPOCHS))
            runs[-1]["rss_mib"] = max(watched)
    return runs


def measure(home: Path, tabs: int = TABS, full: bool = False) -> list[Row]:
    """The rows of this part; in the long form runs follow one another for ten minutes, with the same tabs."""
    store = RunStore(Settings(home, "", 1, 2**40))
    with serving(home) as server:
        wait_until_warm(server.process.pid)
        with memory_of(server) as memory:
            runs = asyncio.run(lesson_hour(server, store, tabs, LONG_S if full else 0.0, memory))
    return rows_of(runs, tabs, max(memory))


def rows_of(runs: list[dict[str, Any]], tabs: int, rss_mib: float) -> list[Row]:
    """The rows of what has been measured."""

    def every(name: str) -> list[float]:
        return [value for run in runs for value in run[name]]

    def ms(name: str, share: float) -> float:
        return 1000 * percentile(every(name), share)

    polls, lasted = len(every("polls")), sum(run["lasted"] for run in runs)
    cpu, ends = sum(run["cpu"] for run in runs), sum(run["cpu_end"] for run in runs)
    pressed = f"p50 {number(ms('presses', 0.5))} ms; {tabs} presses within {PRESSES_S:g} s, {len(runs)} runs"
    polled = (
        f"p50 {number(ms('polls', 0.5))} ms of {polls} polls, {number(polls / lasted)} a second; "
        f"asked {number(ms('late', 0.95))} ms late at p95; web process {cpu / lasted:.0%} of a core, "
        f"load generator {sum(run['own_cpu'] for run in runs) / len(runs):.0%}"
    )
    drawn = (
        f"p50 {number(ms('redraws', 0.5))} ms; shown {number(percentile(every('told'), 0.5))} s after the end at p50, "
        f"{number(percentile(every('told'), 1.0))} s at the latest; {number(1000 * ends / len(every('redraws')))} ms "
        "of the web process's processor for each"
    )
    return [
        below(PART, f"{tabs} press Train within 2 s: the answer, p95", ms("presses", 0.95), 1000.0, "ms", note=pressed),
        below(PART, "a watcher's poll, p95", ms("polls", 0.95), 500.0, "ms", note=polled, raw={"runs": runs}),
        Row(PART, "the page drawn at the run's end, p95", f"{number(ms('redraws', 0.95))} ms", note=drawn),
        Row(
            PART,
            "web process's processor for each poll",
            f"{number(1000 * cpu / max(polls, 1))} ms",
            note="presses included",
        ),
        below(PART, f"web process with {tabs} tabs, at most", rss_mib, 400.0, "MiB"),
    ]
