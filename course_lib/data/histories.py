"""Many histories of different length in two arrays, and the split of a dataset into training and held-out targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Histories:
    """``N`` histories, oldest event first. History ``n`` is ``items[offsets[n]:offsets[n + 1]]``."""

    items: NDArray[np.int32]  # (E,) item ids 1..V
    offsets: NDArray[np.int64]  # (N + 1,)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, n: int) -> NDArray[np.int32]:
        return self.items[self.offsets[n] : self.offsets[n + 1]]

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[n] for n in range(len(self)))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) number of events of each history."""
        return np.diff(self.offsets)

    @classmethod
    def from_lists(cls, histories: Sequence[Sequence[int]]) -> Histories:
        """From lists of item ids."""
        lengths = np.array([len(history) for history in histories], dtype=np.int64)
        items = np.array([item for history in histories for item in history], dtype=np.int32)
        return cls(items, np.concatenate([[0], np.cumsum(lengths)]))

    def take(self, rows: NDArray[np.int64]) -> Histories:
        """The histories named by ``rows``, in that order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[rows], lengths)
        return Histories(self.items[index], offsets)

    def padded(self, length: int) -> NDArray[np.int64]:
        """(N, length) the last ``length`` events of each history, padded with 0 on the left."""
        position = np.arange(length)[None, :] - length + self.offsets[1:, None]  # (N, length) index into items
        inside = position >= self.offsets[:-1, None]
        return np.where(inside, self.items[np.where(inside, position, 0)] if len(self.items) else 0, 0).astype(np.int64)


Score = Callable[[Histories], NDArray[np.floating[Any]]]  # n histories -> (n, V + 1); column i is item i, 0 is ignored


@dataclass(frozen=True)
class Holdout:
    """Targets to predict: row ``n`` asks for ``targets[n]`` after ``histories[n]``, for user ``users[n]``."""

    users: NDArray[np.int32]  # (N,)
    histories: Histories  # N histories, everything before the target
    targets: NDArray[np.int32]  # (N,) item ids

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: NDArray[np.int64]) -> Holdout:
        """The rows named, in that order."""
        return Holdout(self.users[rows], self.histories.take(rows), self.targets[rows])


@dataclass(frozen=True)
class Split:
    """What a model may learn from, and what it is asked afterwards."""

    name: str  # "leave-one-out" or "global-time"
    train: Histories
    validation: Holdout
    test: Holdout
