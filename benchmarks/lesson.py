"""The lesson's default run through ``LocalRuns``: how soon, how long, how good; and how fast its model answers."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

from benchmarks.processes import cpu_s, home_at, wait_for, wait_until_warm, workers_of
from benchmarks.table import Row, above, below, number, percentile
from course_lib.course.lessons import load_course
from course_lib.experiments.config import RunConfig
from course_lib.runs.local import LocalRuns
from course_lib.runs.store import RunStore
from course_lib.runs.view import RunView, frame_view
from course_lib.settings import load_settings

PART = "lesson"
LESSON = "user_understanding"
METRIC = "ndcg@10"
TIMES = 10  # the long run has so many times the epochs
QUESTIONS = 200
RUN_S = 1800.0  # the long run on a busy machine


def lesson_config(epochs_times: int = 1, seed: int | None = None, **changes: Any) -> RunConfig:
    """The configuration that the lesson's Train button starts, with other settings where wanted."""
    lab = load_course().lesson(LESSON).lab()
    settings, seed = {**lab.settings, **changes}, lab.seed if seed is None else seed
    config = RunConfig.make(lab.experiment, lab.data, settings, seed)
    if epochs_times == 1:
        return config
    epochs = int(config.settings["epochs"]) * epochs_times
    return RunConfig.make(lab.experiment, lab.data, {**settings, "epochs": epochs}, seed)


def clear(home: Path, keep: str | None = None) -> None:
    """Removes the runs of an earlier benchmark, all but ``keep``."""
    with home_at(home):
        store = RunStore(load_settings())
        for run_id in store.list():
            if run_id != keep:
                store.remove(run_id)


def timed_run(runs: LocalRuns, config: RunConfig) -> dict[str, Any]:
    """Starts a run and watches it to the end, as a page does, only more often.

    Seconds from ``start()`` to the first event on record, to what the page draws first (the size of the task), to the
    first point of the loss curve, and to the end; and processor seconds of the worker.
    """
    worker = workers_of(os.getpid(), "train")[0]
    cpu, began, wall = cpu_s(worker), time.perf_counter(), time.time()
    run_id = runs.start(config, learner="bench")
    seen: dict[str, float] = {}

    def look() -> RunView | None:
        view = runs.watch(run_id)
        for name, there in (("prepared", view.of("prepared")), ("step", view.of("step")), ("end", not view.live)):
            if there and name not in seen:
                seen[name] = time.perf_counter() - began
        return None if view.live else view

    view: RunView = wait_for(look, "the run", RUN_S, step_s=0.02)
    if view.result is None:
        raise RuntimeError(f"the run ended as {view.state}: {view.error}")
    events = (runs.store.folder(run_id) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    seen["event"] = json.loads(events[0])["t"] - wall
    return {"seen": seen, "cpu": cpu_s(worker) - cpu, "run": run_id, "result": view.result, "curve": curve(view)}


def curve(view: RunView) -> list[float]:
    """NDCG@10 on the validation targets, epoch by epoch, before training first."""
    ends = [score for score in view.of("score") if score["epoch"] == int(score["epoch"])]
    return [float(score["metrics"][METRIC]["value"]) for score in ends]


def questions(runs: LocalRuns, run_id: str, count: int = QUESTIONS) -> list[float]:
    """Seconds of each of ``count`` answers for an edited history, after one that loads the model."""
    rng = random.Random(0)
    view = runs.watch(run_id)
    prepared, at = view.last("prepared"), view.frames[-1]
    assert prepared is not None
    items = int(prepared["items"])
    history = [int(item) for item in frame_view(run_id, at)["shoppers"][0]["history"]]
    runs.ask(run_id, at, {"history": history})
    taken = []
    for _ in range(count):
        edited = history.copy()
        edited[rng.randrange(len(edited))] = rng.randint(1, items)
        rng.shuffle(edited)
        began = time.perf_counter()
        runs.ask(run_id, at, {"history": edited})
        taken.append(time.perf_counter() - began)
    return taken


def measure(home: Path, long_run: bool = True) -> list[Row]:
    """The rows of this part. The long run is kept in ``home`` for the next time: equal code, equal result."""
    long_config = lesson_config(TIMES)
    clear(home, keep=long_config.run_id)
    with home_at(home):
        runs = LocalRuns(load_settings())
        try:
            wait_until_warm(os.getpid())
            short = timed_run(runs, lesson_config())
            taken = questions(runs, short["run"])
            before = runs.watch(long_config.run_id)
            kept = before.result is not None
            if kept:
                long: dict[str, Any] | None = {"result": before.result, "curve": curve(before)}
            else:
                long = timed_run(runs, long_config) if long_run else None
        finally:
            runs.close()
    return rows_of(short, long, kept, taken)


def finished(home: Path) -> str:
    """The id of the lesson's default run in ``home``, trained now where it is not there: pages show it."""
    config = lesson_config()
    with home_at(home):
        if RunStore(load_settings()).view(config.run_id).result is None:
            runs = LocalRuns(load_settings())
            try:
                wait_until_warm(os.getpid())
                timed_run(runs, config)
            finally:
                runs.close()
    return config.run_id


def rows_of(short: dict[str, Any], long: dict[str, Any] | None, kept: bool, taken: list[float]) -> list[Row]:
    """The rows of what has been measured."""
    seen, result = short["seen"], short["result"]
    score = result["measures"][METRIC]
    interval = f"95% interval {number(score['low'])} to {number(score['high'])}"
    rows = [
        below(PART, "start() to the first event", seen["event"], 1.0, raw=seen),
        below(PART, "start() to the task's size on the page", seen["prepared"], 1.0),
        Row(PART, "start() to the first point of the loss curve", f"{number(seen['step'])} s"),
        below(
            PART,
            "the whole run",
            seen["end"],
            15.0,
            note=f"one worker, one thread: {number(short['cpu'])} s of processor, "
            f"{number(result['seconds']['train'])} s of them in training steps ({result['epochs']} epochs)",
            raw={"cpu": short["cpu"], **result["seconds"]},
        ),
        Row(PART, "NDCG@10 on the test targets", number(score["value"]), note=interval, raw=score),
    ]
    if result["oracle"] is not None:
        bound = result["oracle"]["filtered"][METRIC]["value"]
        note = f"filtered oracle {number(bound)}, known oracle {number(result['oracle']['known'][METRIC]['value'])}"
        rows.append(above(PART, "share of the filtered oracle", 100 * score["value"] / bound, 90.0, "%", note=note))
    if long is not None:
        best = long["result"]["measures"][METRIC]["value"]
        share = 100 * score["value"] / best
        note = f"NDCG@10 {number(best)} after {long['result']['epochs']} epochs"
        if kept:
            note += ", a run kept from an earlier benchmark of the same code"
        rows.append(above(PART, f"share of {TIMES} times the epochs", share, 95.0, "%", note=note, raw=long["result"]))
        # Where the long run overfits, its end is no measure of what can be reached: its best epoch is a harder one.
        top = max(long["curve"])
        share = 100 * short["curve"][-1] / top
        best_epoch = long["curve"].index(top)
        note = f"validation NDCG@10 {number(short['curve'][-1])} against {number(top)} after epoch {best_epoch}"
        what = f"share of the best epoch of {TIMES} times the epochs"
        rows.append(above(PART, what, share, 95.0, "%", note=note, raw={"curve": long["curve"]}))
    p50, p95 = (1000 * percentile(taken, share) for share in (0.5, 0.95))
    what = "edited history, runs.ask, p95"
    rows.append(below("edit", what, p95, 150.0, "ms", note=f"p50 {number(p50)} ms of {len(taken)} questions"))
    return rows
