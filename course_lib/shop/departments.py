"""Data-rich and data-poor departments: the shop as if it had opened some departments only yesterday.

    view = departments(world, events)     # which departments are poor, and how poor, is in parameters.toml
    view.train                            # most shoppers' events in poor departments are gone
    view.test                             # other shoppers, with all that they bought
    view.holdout(world)                   # one product of a poor department each, after everything before it

Shoppers fall into three groups, each by a draw of its own: ``heldout`` of all are kept for testing, ``kept`` of the
others keep everything, and the rest lose what they bought in the poor departments. A history is therefore either whole
or has no poor department in it; none has a gap here and there that no shop would have. What may be carried over from
the rich departments is each shopper's taste, which is one and the same in all: truth/departments.py says how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories, Holdout
from course_lib.errors import CourseError
from course_lib.shop import simulate as simulator
from course_lib.shop.world import World

PART = 16  # random streams [seed, PART, block]


@dataclass(frozen=True)
class Departments:
    """A view of the shop's events. User and item ids are those of the shop."""

    poor: tuple[str, ...]  # department ids
    train: pd.DataFrame  # EVENT_COLUMNS, by user and time
    test: pd.DataFrame  # EVENT_COLUMNS, of other users than in ``train``

    def holdout(self, world: World) -> Holdout:
        """Each test shopper's last purchase in a poor department, after everything bought before it.

        Shoppers who bought nothing there are not asked, nor those who bought nothing before.
        """
        users, items = (self.test[name].to_numpy() for name in (Columns.USER, Columns.ITEM))
        targets = np.flatnonzero(in_departments(world, items, self.poor))
        targets = targets[np.flatnonzero(np.diff(users[targets], append=-1))]  # the last of each shopper
        starts = np.searchsorted(users, users[targets])
        asked = targets > starts
        targets, starts = targets[asked], starts[asked]
        histories = [items[start:target] for start, target in zip(starts, targets, strict=True)]
        offsets = np.concatenate([[0], np.cumsum(targets - starts)]).astype(np.int64)
        before = np.concatenate(histories) if histories else items[:0]
        return Holdout(users[targets], Histories(before, offsets), items[targets])


def departments(
    world: World,
    events: pd.DataFrame,
    poor: Sequence[str] | None = None,
    kept: float | None = None,
    heldout: float | None = None,
    seed: int | None = None,
) -> Departments:
    """The view of ``events`` (EVENT_COLUMNS, by user and time) where the departments ``poor`` have few events left.

    ``kept`` is the share of learning shoppers whose events there are kept, ``heldout`` the share of all shoppers kept
    for testing; what is not given is in parameters.toml. A shopper's group depends on ``seed``, the user id and the two
    shares alone, and with a larger ``kept`` nobody loses anything. Raises CourseError for an unknown department, for
    none or all of them, and for a share outside 0..1.
    """
    settings = world.parameters.numbers["departments"]
    chosen = tuple(settings["poor"] if poor is None else poor)
    kept = settings["kept"] if kept is None else kept
    heldout = settings["heldout"] if heldout is None else heldout
    known = [row["id"] for row in world.parameters.content["department"]]
    if not chosen or not set(chosen) < set(known):
        raise CourseError("poor_departments", names=", ".join(chosen) or "-", known=", ".join(known))
    for name, share in (("kept", kept), ("heldout", heldout)):
        if not 0 <= share <= 1:
            raise CourseError("setting_out_of_range", name=name, value=share, low=0, high=1)
    users = events[Columns.USER].to_numpy(np.int64)
    shoppers = int(users[-1]) + 1 if len(users) else 0
    seed = world.parameters["seed"] if seed is None else seed
    first = int(users[0]) // simulator.BLOCK if len(users) else 0  # the events may be those of later blocks alone
    blocks = range(first, -(-shoppers // simulator.BLOCK))
    draws = [np.random.default_rng([seed, PART, block]).random((2, simulator.BLOCK)) for block in blocks]
    lot = np.concatenate(draws, axis=1) if draws else np.zeros((2, 0))
    users = users - first * simulator.BLOCK
    testing = (lot[0] < heldout)[users]
    gone = in_departments(world, events[Columns.ITEM].to_numpy(), chosen) & (lot[1] >= kept)[users]
    train = events[~testing & ~gone].reset_index(drop=True)
    return Departments(chosen, train, events[testing].reset_index(drop=True))


def in_departments(world: World, items: NDArray[np.int32], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which of ``items`` (ids, any shape) are in one of the departments ``names``; same shape."""
    member = world.catalogue.items[Columns.DEPARTMENT].isin(names).to_numpy()
    found: NDArray[np.bool_] = member[items - 1]
    return found
