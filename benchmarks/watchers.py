"""Fifty learners who watch one run while it trains, against nobody: does the run take longer?"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.lesson import LESSON, lesson_config
from benchmarks.load import Session
from benchmarks.processes import Server, cpu_s, serving, wait_until_warm
from benchmarks.table import Row, below, number, percentile
from course_lib.runs.store import RunStore
from course_lib.runs.view import RunView
from course_lib.settings import Settings

PART = "watchers"
TABS = 50
PAIRS = 2
EPOCHS = 3  # of a measured run
BLOCKER = 900  # the seed of the run that keeps the worker busy while the tabs arrive
FIRST_SEED = 901
RUN_S = 300.0
TRAIN, STOP = (f"lab.{LESSON}.train.{name}" for name in ("train", "stop"))  # of the lab "train"
SKIP = f"guess.{LESSON}.skip"


async def watch(session: Session, taken: list[float], late: list[float]) -> None:
    """Polls as the browser's timer does, once a second, for as long as the page asks for it."""
    due = time.perf_counter() + random.random()
    while session.timer is not None:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(max(0.0, time.perf_counter() - due))
        taken.append(await session.tick())
        due = max(due + 1.0, time.perf_counter())


async def one_run(server: Server, store: RunStore, seed: int, tabs: int) -> dict[str, Any]:
    """Trains the lesson's model with ``tabs`` watchers from its first step to its last.

    Another run holds the worker until all tabs are there, so that their arrival is not part of what is measured.
    """
    run_id = lesson_config(seed=seed, epochs=EPOCHS).run_id
    for former in (run_id, lesson_config(seed=BLOCKER, epochs=100).run_id):
        if store.view(former).state != "missing":
            store.remove(former)
    async with Session(server.url) as blocker, Session(server.url) as trainer:
        await open_lab(blocker, seed=BLOCKER, epochs=100)
        await blocker.press(TRAIN)
        await open_lab(trainer, seed=seed, epochs=EPOCHS)
        await trainer.press(TRAIN)
        watchers = []
        for _ in range(tabs):
            session = await Session(server.url).__aenter__()
            await open_lab(session, seed=seed, epochs=EPOCHS)
            if session.timer is None:
                raise RuntimeError(f"the page does not watch the run: it is {store.view(run_id).state}")
            watchers.append(session)
        taken: list[float] = []
        late: list[float] = []
        used, own, began = cpu_s(server.process), time.process_time(), time.perf_counter()
        await blocker.press(STOP)
        async with asyncio.TaskGroup() as group:
            for session in watchers:
                group.create_task(watch(session, taken, late))
            view = await ended(store, run_id)
        lasted = time.perf_counter() - began
        for session in watchers:
            await session.__aexit__()
    if view.result is None:
        raise RuntimeError(f"the run ended as {view.state}: {view.error}")
    return {
        "tabs": tabs,
        **view.result["seconds"],
        "polls": taken,
        "lasted": lasted,
        "late": late,
        "cpu": (cpu_s(server.process) - used) / lasted,
        "own_cpu": (time.process_time() - own) / lasted,
    }


async def open_lab(session: Session, **query: int) -> None:
    """The lesson's page with these choices; guessing is skipped where the page still waits for it."""
    asked = {name: str(value) for name, value in query.items()}
    await session.open("", lang="en")
    await session.open(LESSON, lang="en", **asked)
    if SKIP in session.widgets:
        await session.press(SKIP)


async def ended(store: RunStore, run_id: str) -> RunView:
    """The run after its end."""
    until = time.perf_counter() + RUN_S
    while time.perf_counter() < until:
        view = store.view(run_id)
        if view.state in ("finished", "stopped", "failed"):
            return view
        await asyncio.sleep(0.1)
    raise TimeoutError(f"the run did not end within {RUN_S:.0f} s")


def measure(home: Path, tabs: int = TABS, pairs: int = PAIRS) -> list[Row]:
    """The rows of this part: runs alone and watched by turns, so that a change in the machine's load meets both."""
    store = RunStore(Settings(home, "", 1, 2**40))
    alone, watched = [], []
    with serving(home) as server:
        wait_until_warm(server.process.pid)
        for pair in range(pairs):
            alone.append(asyncio.run(one_run(server, store, FIRST_SEED + 2 * pair, 0)))
            watched.append(asyncio.run(one_run(server, store, FIRST_SEED + 2 * pair + 1, tabs)))
    ratios = {
        name: statistics.median(run[name] for run in watched) / statistics.median(run[name] for run in alone)
        for name in ("total", "train")
    }
    polls = [seconds for run in watched for seconds in run["polls"]]
    cpu, own = (statistics.mean(run[name] for run in watched) for name in ("cpu", "own_cpu"))
    seconds = " ".join(f"{number(run['total'])}" for pair in zip(alone, watched, strict=True) for run in pair)
    note = (
        f"{pairs} pairs of {EPOCHS} epochs by turns, seconds alone, watched, ...: {seconds}; training steps alone "
        f"x {number(ratios['train'])}; server {cpu:.0%} of a core, load generator {own:.0%}"
    )
    answers = (1000 * percentile(polls, share) for share in (0.5, 0.95))
    p50, p95 = (number(value) for value in answers)
    behind = 1000 * percentile([seconds for run in watched for seconds in run["late"]], 0.95)
    used = sum(run["cpu"] * run["lasted"] for run in watched) / max(len(polls), 1)
    polled = (
        f"{len(polls)} polls, {number(1000 * used)} ms of the server's processor each; "
        f"asked {number(behind)} ms late at p95"
    )
    return [
        below(
            PART,
            f"a run's seconds with {tabs} watchers",
            ratios["total"],
            1.2,
            "x",
            note=note,
            raw={"runs": [*alone, *watched]},
        ),
        Row(PART, "a watcher's poll, p50 and p95", f"{p50} and {p95} ms", note=polled),
    ]
