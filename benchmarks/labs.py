"""Every lab's run as a learner starts it, one after the other in one worker: to the first event, and to the end.

A lab that compares is measured by the first of its runs, with --full by all. Data is prepared before the clock starts,
as it is after the first lesson. The beam of generative retrieval is asked for with its tree, like the page asks, and
the completion of a basket after each edit.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from benchmarks.lesson import clear
from benchmarks.processes import cpu_s, home_at, wait_for, wait_until_warm, workers_of
from benchmarks.table import Row, below, number, percentile
from course_lib.course.lessons import load_lessons
from course_lib.experiments.catalogue import check_asked
from course_lib.experiments.config import RunConfig
from course_lib.runs.local import LocalRuns
from course_lib.runs.view import RunView
from course_lib.settings import load_settings

PART = "labs"
RUN_S, FIRST_S, BEAM_MS, BASKET_MS = 20.0, 1.0, 300.0, 150.0  # goals
LONGEST_S = 1800.0
QUESTIONS = 50
BEAM, BASKET = "generative_retrieval", "basket_completion"
COMPLETED, BEAMED = "a basket completed after an edit, p95", "a beam of 20 with its tree, p95"


def runs_of_labs(full: bool) -> dict[str, RunConfig]:
    """``lesson/lab`` (and the run's name in it) to what Train starts there; the same run once, under its first name."""
    found: dict[str, RunConfig] = {}
    for lesson in load_lessons():
        for lab in lesson.labs if lesson.ready else ():
            if lab.card.light:
                continue
            configs = list(lab.configs().items())
            for id, config in configs if full else configs[:1]:
                if config.run_id not in {one.run_id for one in found.values()}:
                    found["/".join(part for part in (lesson.id, lab.id, id) if part)] = config
    return found


def measure(home: Path, full: bool) -> list[Row]:
    """The rows of this part. A run is made twice where it reads something that is prepared once: the second counts."""
    clear(home)
    rows: list[Row] = []
    with home_at(home):
        runs = LocalRuns(load_settings())
        try:
            wait_until_warm(os.getpid())
            warm: set[str] = set()
            for name, config in runs_of_labs(full).items():
                if config.experiment not in warm:
                    timed(runs, RunConfig.make(config.experiment, _data(config), config.settings, config.seed + 1))
                    warm.add(config.experiment)
                first, end, cpu = timed(runs, config)
                raw = {"first": first, "end": end, "cpu": cpu}
                rows.append(below(PART, name, end, RUN_S, note=f"{number(cpu)} s of processor", raw=raw))
                rows.append(below(PART, f"{name}, first event", first, FIRST_S))
                if config.experiment == BEAM and not any(row.what == BEAMED for row in rows):
                    rows.append(asked(runs, config, BEAMED, BEAM_MS, beam=20))
                if config.experiment == BASKET and not any(row.what == COMPLETED for row in rows):
                    rows.append(asked(runs, config, COMPLETED, BASKET_MS))
        finally:
            runs.close()
    return rows


def _data(config: RunConfig) -> dict[str, tuple[str, str]]:
    return {name: (one.name, one.size) for name, one in config.data.items()}


def timed(runs: LocalRuns, config: RunConfig) -> tuple[float, float, float]:
    """Seconds to the first event, to the end, and of the workers' processors."""
    workers = workers_of(os.getpid(), "train")
    cpu, began, wall = sum(map(cpu_s, workers)), time.perf_counter(), time.time()
    run_id = runs.start(config, learner="bench")

    def ended() -> RunView | None:
        view = runs.watch(run_id)
        return None if view.live else view

    view: RunView = wait_for(ended, config.experiment, LONGEST_S, step_s=0.02)
    if view.result is None:
        raise RuntimeError(f"{config.experiment} ended as {view.state}: {view.error}")
    events = (runs.store.folder(run_id) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(events[0])["t"] - wall
    return first, time.perf_counter() - began, sum(map(cpu_s, workers)) - cpu


def asked(runs: LocalRuns, config: RunConfig, what: str, goal_ms: float, **more: int) -> Row:
    """How long the page waits for an answer to an edited history, what answers being loaded."""
    question = check_asked(config.card, {"history": [1, 2, 3], "k": 10, **more})
    runs.ask(config.run_id, None, question)
    taken = []
    for n in range(QUESTIONS):
        began = time.perf_counter()
        runs.ask(config.run_id, None, {**question, "history": [1 + n, 2, 3]})
        taken.append(1000 * (time.perf_counter() - began))
    note = f"p50 {number(percentile(taken, 0.5))} ms of {len(taken)} questions"
    return below(PART, what, percentile(taken, 0.95), goal_ms, "ms", note=note)
