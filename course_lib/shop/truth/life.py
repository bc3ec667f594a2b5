"""Shoppers' lives at the end of a week: the state of weeks.py, kept in an .npz without pickle."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.shop.world import Floats, Ints, Memory, World


@dataclass(frozen=True)
class Occasions:
    """``n`` occasions to buy with what is true of them, by shopper and time."""

    users: Ints  # (n,)
    days: NDArray[np.float64]  # (n,) days since the shop's start
    number: Ints  # (n,) how many occasions the shopper had before
    slate: NDArray[np.int32]  # (n, K) products shown by position, 0-based; -1 where the place is empty
    looked: NDArray[np.bool_]  # (n, K) which of them were looked at
    bought: NDArray[np.int32]  # (n,) 0-based, -1 for nothing
    position: Ints  # (n,) 1..K of a purchase from the slate, 0 for an organic one or none
    wanted: Floats  # (n,) chance of what was bought before anything was shown, 0 for nothing
    relevance: Floats  # (n,) sum of those chances over the slate
    taste: Floats  # (n, S) the shopper's, at the time

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def joined(cls, parts: list[Occasions]) -> Occasions:
        """All parts as one, by shopper and time."""
        arrays = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        order = np.lexsort((arrays["number"], arrays["users"]))
        return cls(**{name: array[order] for name, array in arrays.items()})


@dataclass
class Life:
    """The truth about ``N`` shoppers after ``week`` weeks. A recommender gets weeks.log and never this."""

    seed: int
    week: int  # weeks lived
    taste: Floats  # (N, S)
    first_taste: Floats  # (N, S) before any drift
    budget: Floats  # (N,) as in simulate.Shoppers
    interest: Ints  # (N,)
    mission: Ints  # (N,) -1 before the first
    gap: NDArray[np.float64]  # (N,) mean days between visits
    next_day: NDArray[np.float64]  # (N,) of the next occasion to buy, days since the shop's start
    occasions: Ints  # (N,) so far
    memory: Memory
    items: NDArray[np.int32]  # (N, T) item ids bought, oldest first; 0 beyond ``length``
    length: Ints  # (N,)
    last: Occasions | None = None  # of the week that has just ended

    def __len__(self) -> int:
        return len(self.length)

    def histories(self, rows: Ints | None = None) -> Histories:
        """What some shoppers, or all, have bought so far."""
        items = self.items if rows is None else self.items[rows]
        length = self.length if rows is None else self.length[rows]
        used = np.arange(items.shape[1])[None] < length[:, None]
        return Histories(items[used], np.concatenate([[0], np.cumsum(length)]).astype(np.int64))

    def remember(self, rows: Ints, items: NDArray[np.int32], days: Floats, world: World) -> None:
        """Shoppers ``rows`` bought ``items`` (0-based) on ``days``."""
        self.memory.remember(rows, items, days, world)
        if len(rows) and self.length[rows].max() >= self.items.shape[1]:
            self.items = np.pad(self.items, [(0, 0), (0, self.items.shape[1])])
        self.items[rows, self.length[rows]] = items + np.int32(1)
        self.length[rows] += 1


ARRAYS = tuple(field.name for field in fields(Life) if field.name not in ("seed", "week", "memory", "last"))
PARTS = {"memory": Memory, "last": Occasions}  # what else a life holds, arrays too


def save(world: World, life: Life, path: Path) -> None:
    """Writes ``life`` to ``path`` (.npz), whole or not at all."""
    arrays: dict[str, Any] = {name: getattr(life, name) for name in ARRAYS}
    for part, kind in PARTS.items():
        if getattr(life, part) is not None:
            arrays |= {f"{part}_{field.name}": getattr(getattr(life, part), field.name) for field in fields(kind)}
    about = {"seed": life.seed, "week": life.week, "shop": world.parameters.digest()}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def load(world: World, path: Path) -> Life:
    """Reads what :func:`save` wrote; raises CourseError for a damaged file or one of another shop."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about["shop"] != world.parameters.digest():
                raise CourseError("weeks_of_other_shop", file=path.name)
            parts = {
                part: kind(**{field.name: file[f"{part}_{field.name}"] for field in fields(kind)})
                for part, kind in PARTS.items()
                if any(name.startswith(f"{part}_") for name in file)
            }
            return Life(about["seed"], about["week"], **{name: file[name] for name in ARRAYS}, **parts)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        raise CourseError("weeks_unreadable", file=path.name, reason=f"{type(error).__name__}: {error}") from error
