"""Histories as training batches: the input, and at every place the product that came next.

    history   ball  shoes  jersey  pump
    input     ball  shoes  jersey
    target    shoes jersey pump

A history longer than the model's window is cut into windows from the newest product back, so that nothing is lost.
Windows of similar length share a batch, and a batch is only as wide as its longest window: little padding is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories


@dataclass(frozen=True)
class Windows:
    """Training windows over the histories' items; window ``n`` is ``items[start[n]:stop[n]]``, 2 items or more."""

    items: NDArray[np.int32]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    @property
    def targets(self) -> int:
        """How many targets an epoch has."""
        return int((self.stop - self.start - 1).sum())


def make_windows(train: Histories, length: int) -> Windows:
    """Windows of at most ``length`` inputs; neighbours overlap in one item, a target here and an input there."""
    starts, stops = [], []
    low, high = train.offsets[:-1], train.offsets[1:]
    while len(high):
        fits = high - low >= 2
        low, high = low[fits], high[fits]
        start = np.maximum(low, high - length - 1)
        starts.append(start)
        stops.append(high)
        high = start + 1
    none = np.zeros(0, np.int64)
    return Windows(train.items, np.concatenate([none, *starts]), np.concatenate([none, *stops]))


def epoch_batches(
    windows: Windows, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Batches of one epoch: inputs (B, L) padded with 0 on the left, and targets (B, L), 0 where there is none.

    Random order, then sorted by length inside groups of 8 batches, then the batches in random order.
    """
    order = rng.permutation(len(windows.start))
    lengths = windows.stop - windows.start
    group = batch_size * 8
    batches = []
    for first in range(0, len(order), group):
        some = order[first : first + group]
        some = some[np.argsort(lengths[some], kind="stable")]
        batches += [some[n : n + batch_size] for n in range(0, len(some), batch_size)]
    for n in rng.permutation(len(batches)):
        rows = batches[n]
        width = int(lengths[rows].max()) - 1
        index = windows.stop[rows, None] - width - 1 + np.arange(width)[None]  # (B, L) where the inputs are
        inside = index >= windows.start[rows, None]
        index = np.where(inside, index, 0)
        yield (
            np.where(inside, windows.items[index], 0).astype(np.int64),
            np.where(inside, windows.items[index + 1], 0).astype(np.int64),
        )
