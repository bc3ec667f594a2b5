"""The course's trainer on made-up histories of any number, length and catalogue; run by the benchmark as a worker.

Items follow Zipf's law. Histories are made here, not sent, so that a million shoppers cost no more memory than the
course itself needs for them.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks.memory import peak_mib
from benchmarks.peers.ours import trainer_of
from benchmarks.peers.protocol import begin
from course_lib.data.histories import Histories


def made_up(shoppers: int, num_items: int, longest: int, full: bool, seed: int = 0) -> Histories:
    """``shoppers`` histories of ``longest`` items, or of 2 to ``longest`` unless ``full``."""
    rng = np.random.default_rng(seed)
    lengths = np.full(shoppers, longest) if full else rng.integers(2, longest + 1, shoppers)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    chances = 1 / np.arange(1, num_items + 1)
    cumulated = np.cumsum(chances / chances.sum())
    items = np.empty(offsets[-1], np.int32)
    for start in range(0, len(items), 1_000_000):
        part = items[start : start + 1_000_000]
        part[:] = np.minimum(np.searchsorted(cumulated, rng.random(len(part))), num_items - 1) + 1
    return Histories(items, offsets)


def main() -> None:
    """The worker; ``extra`` has "shoppers" and "full". Its epochs are never judged."""
    work, channel = begin()
    wanted = work.settings
    before = peak_mib()
    train = made_up(wanted.extra["shoppers"], wanted.num_items, wanted.length + 1, wanted.extra["full"])
    made = peak_mib()
    began = time.perf_counter()
    trainer = trainer_of(wanted, train)
    channel.ready(
        prepared=time.perf_counter() - began,
        targets=int((train.lengths - 1).sum()),
        before_mib=before,
        data_mib=made,
        torch=torch.__version__,
    )
    seen = (0, 0)
    while True:
        for _ in trainer.epoch():
            now = (trainer.progress.targets, trainer.progress.step)
            channel.step(now[0] - seen[0], now[1] - seen[1])
            seen = now


if __name__ == "__main__":
    main()
