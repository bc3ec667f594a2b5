"""A worker whose training is a few lines of Python: the real worker's loop without torch.

The run's seed decides what happens, so that a test chooses it by its configuration.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, plan, result
from course_lib.runs.worker import main

QUICK, SLOW, NO_MEMORY, BROKEN, FULL_DISK, OWN_ERROR, DIES, STUCK = 1, 2, 3, 4, 5, 6, 7, 8
STEP_S = 0.05
INTERVAL = {"ndcg@10": {"value": 0.1, "low": 0.05, "high": 0.15}}


def perform(config: RunConfig, folder: Folder) -> Generator[Event, None, None]:
    """Training as a real one tells of it: two steps an epoch, and after each a checkpoint, a score and a frame."""
    kind = config.seed % 10
    epochs = int(config.settings["epochs"])
    if kind == NO_MEMORY:
        raise MemoryError
    if kind == BROKEN:
        raise ZeroDivisionError("a mistake of the course")
    if kind == FULL_DISK:
        raise OSError(28, "No space left on device")
    if kind == OWN_ERROR:
        raise CourseError("scores_not_numbers")
    yield plan(step=2 * epochs, score=epochs + 1, frame=epochs + 1)
    checkpoint = folder.path / "checkpoint.json"
    done = 0
    if checkpoint.exists():
        done = json.loads(checkpoint.read_text())
        yield {"kind": "resumed", "epoch": done, "keep": {"step": 2 * done, "score": done, "frame": done}}
        if done:  # told again: it may have been left between the checkpoint and the telling
            yield {"kind": "score", "at": done, "epoch": done, "loss": 1 / done, "metrics": INTERVAL}
            yield folder.frame(done, {"epoch": done}, epoch=done)
    else:
        yield {"kind": "score", "at": 0, "epoch": 0, "metrics": INTERVAL, "seconds": 0.0}
        yield folder.frame(0, {"epoch": 0}, epoch=0)
    if kind == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == STUCK:
        time.sleep(60)
    for epoch in range(done + 1, epochs + 1):
        for half in (1, 0):
            if kind == SLOW:
                time.sleep(STEP_S)
            yield {"kind": "step", "at": 2 * epoch - half, "loss": 1 / epoch, "seconds": 0.1 * epoch}
        frame = folder.frame(epoch, {"epoch": epoch}, epoch=epoch)
        checkpoint.write_text(str(epoch))
        yield {"kind": "checkpoint", "at": epoch}
        yield {"kind": "score", "at": epoch, "epoch": epoch, "loss": 1 / epoch, "metrics": INTERVAL}
        yield frame
    (folder.path / "model").mkdir(exist_ok=True)
    (folder.path / "model" / "config.json").write_text("{}")
    (folder.path / "model" / "model.safetensors").write_bytes(b"\0" * 1000)
    checkpoint.unlink(missing_ok=True)
    yield result(INTERVAL, seconds={"total": 0.5, "train": 0.4}, epochs=epochs)


class Answers:
    """Recommends the products after the last one; some histories make it misbehave."""

    def ask(self, folder: Path, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        last = asked["history"][-1]
        print("a library that prints")  # must not disturb the messages
        if last == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        if last == 777:
            time.sleep(60)
        if last == 888:
            raise ZeroDivisionError("a mistake of the course")
        if last > 1000:
            raise CourseError("unknown_items", items=str(last))
        top = [{"item": last + i, "score": 1.0 / i, "p": 0.1} for i in range(1, asked["k"] + 1)]
        return {"top": top, "at": at, "attention": [[[1.0]]], "ms": 0.1}

    def size(self, config: RunConfig) -> dict[str, Any]:
        return {"parameters": int(config.settings["width"]) * 100}


if __name__ == "__main__":
    if "--never-ready" in sys.argv:
        sys.exit(1)
    if "--once-deaf" in sys.argv:  # the first process dies when it is handed a job, before it takes it
        mark = Path(os.environ["LIVEREC_HOME"]) / "deaf"
        if sys.argv[-1] == "train" and not mark.exists():
            mark.touch()
            os.write(1, b'{"kind": "ready"}\n')
            sys.stdin.readline()
            sys.exit(1)
    main(perform, lambda: None, Answers, sys.argv[-1:])
