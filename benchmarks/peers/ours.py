"""The course's own models and trainer, called as a training run calls them.

Run by the benchmark as a worker (see protocol.py). Steps are counted at the trainer's own events, which come a few
times a second: what they cost is part of the figure.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from benchmarks import training
from benchmarks.peers.protocol import Settings, begin
from course_lib.data.histories import Histories
from course_lib.models.catalogue import model_card
from course_lib.training.loop import Trainer


def histories_of(histories: list[Any]) -> Histories:
    """The protocol's histories as the course keeps them."""
    offsets = np.cumsum([0, *(len(history) for history in histories)]).astype(np.int64)
    return Histories(np.concatenate([np.zeros(0, np.int64), *histories]).astype(np.int32), offsets)


def trainer_of(wanted: Settings, train: Histories) -> Trainer:
    """The model of the work's size and its trainer; ``extra["training"]`` goes to the trainer as it is."""
    sizes = asdict(wanted) | {"history_length": wanted.length}
    settings = {name: sizes[name] for name in model_card(wanted.model).settings}
    loop = {"batch_size": wanted.batch, "learning_rate": wanted.learning_rate, **wanted.extra.get("training", {})}
    return training.trainer_of(wanted.model, wanted.num_items, train, settings, loop, wanted.seed, wanted.threads)


def read_a_target(trainer: Trainer) -> float:
    """Items read for a target: a window with gaps is read twice, once with the newest item hidden, in full."""
    windows = trainer.windows
    return 1.0 if trainer.masking is None else 2 * float((windows.stop - windows.start).sum()) / trainer.targets


def main() -> None:
    """The worker."""
    work, channel = begin()
    began = time.perf_counter()
    trainer = trainer_of(work.settings, histories_of(work.train))
    read = read_a_target(trainer)
    channel.ready(
        targets=round(trainer.targets * read),
        parameters=sum(p.numel() for p in trainer.model.parameters()),
        torch=torch.__version__,
        version="this checkout",
        prepared=time.perf_counter() - began,
    )
    asked, seen = histories_of(work.asked), (0, 0)

    def count() -> None:
        nonlocal seen
        before, seen = seen, (trainer.progress.targets, trainer.progress.step)
        if seen != before:
            channel.step(round((seen[0] - before[0]) * read), seen[1] - before[1])

    while True:
        for _ in trainer.epoch():
            count()
        count()
        channel.epoch(lambda: trainer.model.score(asked))


if __name__ == "__main__":
    main()
