"""Configurations, waiting, and run folders written by hand."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import plan
from course_lib.runs.files import EventWriter
from course_lib.runs.view import RunView

FAKE = (sys.executable, str(Path(__file__).parent / "fake_worker.py"))
PATIENCE_S = 30.0
_tens = itertools.count(1)


def make(kind: int = 1, epochs: int = 2) -> RunConfig:
    """A configuration that no other test has; the seed's last digit is what the fake training does."""
    return RunConfig.make(seed=10 * next(_tens) + kind, settings={"epochs": epochs})


def write_run(runs: Path, config: RunConfig, *events: dict[str, Any], result: bool = False) -> Path:
    """A run's folder as another process would have left it."""
    folder = runs / config.run_id
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json())
    if events:
        with EventWriter(folder) as writer:
            for event in events:
                writer.append(event)
    if result:
        (folder / "result.json").write_text(json.dumps({"measures": {}, "seconds": {"total": 3.0}}))
    return folder


def kinds(folder: Path) -> list[str]:
    """What happened in a run, in order."""
    return [json.loads(line)["kind"] for line in (folder / "events.jsonl").read_text().splitlines()]


STARTED = {"kind": "started", "attempt": 1, "pid": 1}
PLAN = plan(step=4, score=3)


CHECKPOINT = {"kind": "checkpoint", "at": 1}


def score(number: int, **more: Any) -> dict[str, Any]:
    return {"kind": "score", "at": number, "epoch": number, "metrics": {}, **more}


def step(number: int) -> dict[str, Any]:
    return {"kind": "step", "at": number, "loss": 1.0}


def until(watch: Callable[[], RunView], *states: str, patience_s: float = PATIENCE_S) -> RunView:
    """The first view in one of ``states``; fails after a while and says what came instead."""
    return wait_for(watch, lambda view: view.state in states, patience_s)


def wait_for(
    watch: Callable[[], RunView], wanted: Callable[[RunView], bool], patience_s: float = PATIENCE_S
) -> RunView:
    end = time.monotonic() + patience_s
    while not wanted(view := watch()):
        assert time.monotonic() < end, f"still {view.state} {view.error}"
        time.sleep(0.01)
    return view
