"""Histories as training batches: the input, and at every place the product that came next.

    history   ball  shoes  jersey  pump
    input     ball  shoes  jersey
    target    shoes jersey pump

For a model that fills gaps ("masked") some products of the input are hidden, and the target is what was there:

    input     ball  ?      jersey  pump        ball  shoes  jersey  ?
    target          shoes                                           pump

A history longer than the model's window is cut into windows from the newest product back, so that nothing is lost.
Windows of similar length share a batch, and a batch is only as wide as its longest window: little padding is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]  # inputs (B, L), targets (B, L)


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


@dataclass(frozen=True)
class Masking:
    """How products are hidden from a model that learns to fill gaps."""

    share: float  # of a window's products
    mask_id: int  # what stands in their place

    def hidden(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of a window's ``lengths`` products are hidden: a share, at least one, never all."""
        hidden: NDArray[np.int64] = np.clip(np.rint(self.share * lengths).astype(np.int64), 1, lengths - 1)
        return hidden


def masking_of(model: Any) -> Masking | None:
    """What a model's objective asks for; None for the objective "next"."""
    return Masking(model.config.mask_share, model.config.mask_id) if model.objective == "masked" else None


def targets_in_epoch(windows: Windows, masking: Masking | None) -> int:
    """How many targets an epoch has."""
    if masking is None:
        return windows.targets
    return int(masking.hidden(windows.stop - windows.start).sum()) + len(windows.start)


def epoch_batches(
    windows: Windows, batch_size: int, rng: np.random.Generator, masking: Masking | None = None
) -> Iterator[Batch]:
    """Batches of one epoch: inputs (B, L) padded with 0 on the left, and targets (B, L), 0 where there is none.

    B is ``batch_size``, or fewer at the end; twice that with ``masking``.

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
        yield next_batch(windows, batches[n]) if masking is None else masked_batch(windows, batches[n], masking, rng)


def next_batch(windows: Windows, rows: NDArray[np.int64]) -> Batch:
    """Every product of the windows ``rows`` but the newest, and at each place the product that came next."""
    width = int((windows.stop[rows] - windows.start[rows]).max()) - 1
    index = windows.stop[rows, None] - width - 1 + np.arange(width)[None]  # (B, L) where the inputs are
    inside = index >= windows.start[rows, None]
    index = np.where(inside, index, 0)
    return (
        np.where(inside, windows.items[index], 0).astype(np.int64),
        np.where(inside, windows.items[index + 1], 0).astype(np.int64),
    )


def masked_batch(windows: Windows, rows: NDArray[np.int64], masking: Masking, rng: np.random.Generator) -> Batch:
    """Each window twice: with products hidden at random, and with the newest one hidden, as when it is asked."""
    lengths = windows.stop[rows] - windows.start[rows]
    width = int(lengths.max())
    index = windows.stop[rows, None] - width + np.arange(width)[None]
    inside = index >= windows.start[rows, None]
    items = np.where(inside, windows.items[np.where(inside, index, 0)], 0).astype(np.int64)
    lots = np.where(inside, rng.random(items.shape), 2.0)  # the lowest are hidden, padding never
    hidden = lots.argsort(1).argsort(1) < masking.hidden(lengths)[:, None]
    newest = np.zeros_like(hidden)
    newest[:, -1] = True
    items, hidden = np.concatenate([items, items]), np.concatenate([hidden, newest])
    return np.where(hidden, masking.mask_id, items), np.where(hidden, items, 0)
