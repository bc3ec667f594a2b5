"""A dataset at a glance: how active its shoppers are, how popular its products, and a few histories as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset

SAMPLES = 60  # histories kept for looking at
NEWEST = 12  # events kept of each
FIRST = 5  # users 0 to 4 always are among them: in the shop they are the five who return in every lesson


@dataclass(frozen=True)
class Sample:
    """One shopper's newest events, oldest first."""

    user: int
    items: tuple[int, ...]  # item ids, at most NEWEST
    times: tuple[int, ...]  # seconds since 1970 UTC, as many
    baskets: tuple[int, ...]  # as many
    events: int  # of the whole history


@dataclass(frozen=True)
class Overview:
    """What a page shows of a dataset; small, whatever the size of the data."""

    address: Address
    baskets: int
    first: int  # seconds since 1970 UTC, of the first and the last event; 0 without any
    last: int
    per_shopper: NDArray[np.int64]  # (N,) events of each shopper
    per_product: NDArray[np.int64]  # (V,) events of each product, never bought ones too
    samples: tuple[Sample, ...]

    @property
    def events(self) -> int:
        """All events."""
        return int(self.per_product.sum())


def make_overview(dataset: Dataset) -> Overview:
    """The overview of a dataset; the same for the same data."""
    events, histories = dataset.events, dataset.histories()
    times, baskets = events[Columns.TIME].to_numpy(), events[Columns.BASKET].to_numpy()
    samples = []
    for user in chosen(dataset.num_users):
        stop = int(histories.offsets[user + 1])
        start = max(int(histories.offsets[user]), stop - NEWEST)
        newest = slice(start, stop)
        samples.append(
            Sample(
                user,
                tuple(histories.items[newest].tolist()),
                tuple(times[newest].tolist()),
                tuple(baskets[newest].tolist()),
                int(histories.lengths[user]),
            )
        )
    return Overview(
        dataset.address,
        int(events[Columns.BASKET].nunique()),
        int(times.min()) if len(times) else 0,
        int(times.max()) if len(times) else 0,
        histories.lengths,
        np.bincount(histories.items, minlength=dataset.num_items + 1)[1:].astype(np.int64),
        tuple(samples),
    )


def chosen(users: int) -> list[int]:
    """The first FIRST users, then others drawn evenly without repetition, SAMPLES in all where there are so many."""
    others = np.random.default_rng(0).permutation(np.arange(min(FIRST, users), users))
    return [*range(min(FIRST, users)), *others[: SAMPLES - FIRST].tolist()]
