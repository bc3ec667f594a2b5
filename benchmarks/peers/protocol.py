"""What a worker and the benchmark say to each other, the same for every peer.

A worker is a process in its own environment: ``python -m benchmarks.peers.textbook work.json``. It knows numpy, torch
and its library, and nothing of the course. It reads one JSON of settings with the prepared histories beside it (npz),
builds its model, and then trains for ever; the channel decides when it pauses and when it ends. One JSON a line:

    worker   {"kind": "ready", "targets": 44000, "parameters": 190000, "torch": "2.13.0", "rss_mib": ..}
    asked    {"do": "steps", "seconds": 8}
    worker   {"kind": "steps", "targets": 330000, "steps": 63, "seconds": 8.1, "cpu": 8.0, ..}
    asked    {"do": "epoch"}
    worker   {"kind": "epoch", "epoch": 1, "targets": 44000, "seconds": 1.1, "scores": "scores.npy", ..}
    asked    {"do": "stop"}

BERT4Rec's peers hide different numbers of items of a history and show it more or less often: for that model the number
that stands under "targets" is of the real items read, padding left out, forward and back.

The clock runs only between a question and its answer, so workers that wait their turn can stay in memory, and scoring
the validation shoppers is never counted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import peak_mib

LIGHTNING: dict[str, Any] = {  # for the Trainer of a library that trains with it: for ever, and nothing but the steps
    "max_epochs": 1_000_000,
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


@dataclass(frozen=True)
class Settings:
    """What is held equal. ``extra`` is what one contender alone needs."""

    num_items: int  # V, items are 1..V
    model: str = "sasrec"  # or "gru4rec", "bert4rec"
    width: int = 64
    layers: int = 2
    heads: int = 1
    length: int = 50  # L
    batch: int = 128  # histories a step
    dropout: float = 0.2
    memory: int = 128  # of GRU4Rec
    mask_share: float = 0.2  # of the items, BERT4Rec
    learning_rate: float = 1e-3
    threads: int = 1
    seed: int = 1
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def masked(self) -> bool:
        """Whether items are hidden, and items read are counted in place of targets."""
        return self.model == "bert4rec"


@dataclass(frozen=True)
class Work:
    """Settings, the training histories (the last L + 1 items of each), and the histories that scores are wanted for."""

    settings: Settings
    folder: Path  # the worker's own, for what it must write
    train: list[NDArray[np.int64]]  # each 2 items or more
    asked: list[NDArray[np.int64]]  # N of them, the last L items of each

    @property
    def targets(self) -> int:
        """Real targets of an epoch: every item of a history but the first. Not for BERT4Rec."""
        return sum(len(history) - 1 for history in self.train)

    def scores(self, known: NDArray[np.floating], items: Sequence[int] | None = None) -> NDArray[np.float32]:
        """(N, V + 1) scores from a peer's (N, K) over the item ids ``items`` (1..V unless given); -inf elsewhere."""
        table = np.full((len(known), self.settings.num_items + 1), -np.inf, np.float32)
        table[:, np.arange(1, table.shape[1]) if items is None else np.asarray(items)] = known
        return table


def write_work(folder: Path, settings: Settings, train: Sequence[NDArray[Any]], asked: Sequence[NDArray[Any]]) -> Path:
    """Cuts the histories to what a model of length L learns from and sees, and writes them; the path of the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "train": [history[-settings.length - 1 :] for history in train if len(history) > 1],
        "asked": [history[-settings.length :] for history in asked],
    }
    arrays: dict[str, NDArray[np.int64]] = {}
    for name, histories in parts.items():
        arrays[name] = np.concatenate([np.zeros(0, np.int64), *histories]).astype(np.int64)
        arrays[f"{name}_ends"] = np.cumsum([len(history) for history in histories]).astype(np.int64)
    np.savez(folder / "work.npz", **arrays)  # type: ignore[arg-type]
    path = folder / "work.json"
    path.write_text(json.dumps(asdict(settings), indent=1), encoding="utf-8")
    return path


def read_work(path: Path) -> Work:
    """The work that :func:`write_work` wrote."""
    settings = Settings(**json.loads(path.read_text(encoding="utf-8")))
    with np.load(path.with_name("work.npz")) as arrays:
        parts = {name: np.split(arrays[name], arrays[f"{name}_ends"])[:-1] for name in ("train", "asked")}
    return Work(settings, path.parent, **parts)


def left_padded(histories: Sequence[NDArray[np.int64]], length: int) -> NDArray[np.int64]:
    """(N, length) the last items of each history, padded with 0 on the left."""
    table = np.zeros((len(histories), length), np.int64)
    for row, history in zip(table, histories, strict=True):
        if len(history):
            row[-min(len(history), length) :] = history[-length:]
    return table


class Channel:
    """The worker's end: :meth:`ready` once, :meth:`step` after each step, :meth:`epoch` after each epoch.

    Whatever libraries print goes to standard error from now on: standard output is the channel.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._wanted: dict[str, Any] = {}
        self._epochs = 0

    def ready(self, **facts: Any) -> None:
        """Says that training can begin, and waits for the first question."""
        self._say({"kind": "ready", "rss_mib": peak_mib(), **facts})
        self._wait()

    def step(self, targets: int, steps: int = 1) -> None:
        """Counts ``targets`` real targets; answers and waits when the time asked for is over."""
        self._targets += targets
        self._steps += steps
        if self._wanted["do"] == "steps" and time.perf_counter() - self._began >= self._wanted["seconds"]:
            self._say({"kind": "steps", **self._counts()})
            self._wait()

    def epoch(self, scores: Callable[[], NDArray[np.float32]]) -> None:
        """If an epoch was asked for: answers with the (N, V + 1) ``scores`` in a file, and waits."""
        self._epochs += 1
        if self._wanted["do"] != "epoch":
            return
        counts = self._counts()  # before scoring
        path = self.folder / "scores.npy"
        np.save(path, scores())
        self._say({"kind": "epoch", "epoch": self._epochs, "scores": str(path), **counts})
        self._wait()

    def _counts(self) -> dict[str, float]:
        return {
            "targets": self._targets,
            "steps": self._steps,
            "seconds": time.perf_counter() - self._began,
            "cpu": time.process_time() - self._cpu,  # of all threads
            "peak_mib": peak_mib(),
        }

    def _say(self, message: dict[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def _wait(self) -> None:
        line = sys.stdin.readline()
        self._wanted = json.loads(line) if line else {"do": "stop"}
        if self._wanted["do"] == "stop":
            sys.stderr.flush()
            os._exit(0)  # from deep inside a library's loop: there is nothing of worth to tidy up
        self._targets, self._steps = 0, 0
        self._began, self._cpu = time.perf_counter(), time.process_time()


def begin(with_torch: bool = True) -> tuple[Work, Channel]:
    """The start of every worker: its work, its channel, and torch on as many threads as the work says."""
    work = read_work(Path(sys.argv[1]))
    channel = Channel(work.folder)
    if not with_torch:
        return work, channel
    import torch

    torch.set_num_threads(work.settings.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(work.settings.seed)
    return work, channel
