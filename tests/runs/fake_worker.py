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

from course_lib.data.dataset import Address
from course_lib.errors import CourseError
from course_lib.runs.worker import main

QUICK, SLOW, NO_MEMORY, BROKEN, FULL_DISK, OWN_ERROR, DIES, STUCK = 1, 2, 3, 4, 5, 6, 7, 8
STEP_S = 0.05
INTERVAL = {"ndcg@10": {"value": 0.1, "low": 0.05, "high": 0.15}}


def perform(
    address: Address, model: str, settings: Mapping[str, Any], training: Mapping[str, Any], seed: int, folder: Path
) -> Generator[dict[str, Any], None, None]:
    """Training as the real one tells of it: a checkpoint after each epoch, two steps an epoch."""
    kind = seed % 10
    epochs = int(training["epochs"])
    if kind == NO_MEMORY:
        raise MemoryError
    if kind == BROKEN:
        raise ZeroDivisionError("a mistake of the course")
    if kind == FULL_DISK:
        raise OSError(28, "No space left on device")
    if kind == OWN_ERROR:
        raise CourseError("scores_not_numbers")
    yield {"kind": "prepared", "epochs": epochs, "steps": 2 * epochs, "seconds": 0.0}
    checkpoint = folder / "checkpoint.json"
    done = 0
    if checkpoint.exists():
        done = json.loads(checkpoint.read_text())
        yield {"kind": "resumed", "epoch": done}
    else:
        yield {"kind": "epoch", "epoch": 0, "step": 0, "metrics": INTERVAL, "seconds": 0.0}
    if kind == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == STUCK:
        time.sleep(60)
    for epoch in range(done + 1, epochs + 1):
        for half in (1, 0):
            if kind == SLOW:
                time.sleep(STEP_S)
            yield {"kind": "step", "epoch": epoch, "step": 2 * epoch - half, "loss": 1 / epoch, "seconds": 0.1 * epoch}
        place = folder / "epochs" / f"{epoch:03d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "view.json").write_text(json.dumps({"epoch": epoch, "shoppers": [], "map": {"x": [], "y": []}}))
        checkpoint.write_text(str(epoch))
        yield {"kind": "epoch", "epoch": epoch, "step": 2 * epoch, "loss": 1 / epoch, "metrics": INTERVAL, "left": 1.0}
        yield {"kind": "snapshot", "epoch": epoch}
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "config.json").write_text("{}")
    (folder / "model" / "model.safetensors").write_bytes(b"\0" * 1000)
    checkpoint.unlink(missing_ok=True)
    seconds = {"total": 0.5, "train": 0.4}
    yield {"kind": "result", "model": model, "seed": seed, "seconds": seconds, "metrics": INTERVAL, "epochs": epochs}


class Predictor:
    """Recommends the products after the last one; some histories make it misbehave."""

    def predict(self, folder: Path, epoch: int | None, history: list[int], k: int = 10) -> dict[str, Any]:
        last = history[-1]
        print("a library that prints")  # must not disturb the messages
        if last == 666:
            os.kill(os.getpid(), signal.SIGKILL)
        if last == 777:
            time.sleep(60)
        if last == 888:
            raise ZeroDivisionError("a mistake of the course")
        if last > 1000:
            raise CourseError("unknown_items", items=str(last))
        top = [{"item": last + i, "score": 1.0 / i, "p": 0.1} for i in range(1, k + 1)]
        return {"top": top, "attention": [[[1.0]]], "ms": 0.1}


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
    main(perform, lambda: None, Predictor, sys.argv[-1:])
