"""What published.toml expects, and the published tasks' files as datasets: MovieLens 1M, and the S3-Rec sequences.

Of MovieLens the reader is the course's own (course_lib/data/intake), up to where it would take ratings of one second
for a set: published tables keep the order of the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake.batch import Batch, cell_text
from course_lib.data.intake.formats import format_called
from course_lib.data.intake.guards import Part, contents, digest, identify
from course_lib.data.intake.limits import LIMITS
from course_lib.data.intake.reading import open_table
from course_lib.data.intake.report import shown
from course_lib.errors import CourseError
from course_lib.models.catalogue import check_settings, model_card
from course_lib.training.settings import loop_settings

FILE = Path(__file__).with_name("published.toml")
MODEL = "sasrec"
DIGITS = r"^\d{1,18}$"
Integers = NDArray[np.int64]


class UnusableError(Exception):
    """A file that the published task cannot be made from; its sentence says why and what to do."""


@dataclass(frozen=True)
class Published:
    """One published figure with all it takes to make it again: a section of published.toml."""

    name: str
    title: str
    file: str  # its name as it is published
    page: str  # where it comes from
    core: int  # users and items with fewer events are removed
    users: int
    items: int
    events: int
    figures: Mapping[str, float]  # ndcg, hr
    tolerance: float  # share of the figure
    seconds: int  # promised; 0 where no time was
    source: str
    verified: Sequence[str]
    unverified: Sequence[str]
    model: Mapping[str, Any]
    training: Mapping[str, Any]
    format: str = ""  # of course_lib/data/intake/formats.toml; "" where each line is a user's sequence

    @property
    def counts(self) -> dict[str, int]:
        """The size of the published task."""
        return {"users": self.users, "items": self.items, "events": self.events}

    def settings(self, epochs: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
        """Settings of model and loop, checked; ``epochs`` where others are wanted, as many as one likes."""
        loop = {name: value for name, value in self.training.items() if name != "epochs"}
        model = check_settings(MODEL, model_card(MODEL).settings, self.model)
        return model, check_settings("training", loop_settings(MODEL), loop) | {
            "epochs": epochs or int(self.training["epochs"])
        }


def published() -> dict[str, Published]:
    """All sections of published.toml by name."""
    sections = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Published(name=name, **section) for name, section in sections.items()}


def chosen(path: Path, want: Published) -> Part:
    """The file of that name in a folder or zip, or the only file there is; raises UnusableError, CourseError."""
    parts = contents(path, LIMITS)
    named = [part for part in parts if part.name.lower() == want.file.lower()]
    if len(named) == 1 or len(parts) == 1:
        return (named or parts)[0]
    problem = f"holds {len(named)} files called" if named else "holds no file called"
    raise UnusableError(f"{shown(path)} {problem} {want.file}: give the path of the one to read, from {want.page}.")


def ratings(part: Part, want: Published) -> tuple[Integers, Integers, Integers]:
    """User, item and second of every rating, in the file's order; raises UnusableError at the first bad line."""
    given = format_called(want.format).events
    user, item, when = (given.mapping.columns[role] for role in ("user", "item", "time"))
    form = given.given.delimiter.join(given.given.names)

    def refuse(row: int, text: str) -> NoReturn:
        raise UnusableError(
            f"{part.name}, line {row:,}: {shown(text)!r} is not {form}; give {want.file} as it comes from {want.page}."
        )

    def integers(batch: Batch, name: str) -> Integers:
        cells = cell_text(batch.columns[name])
        good = np.asarray(pc.match_substring_regex(cells, DIGITS))
        if not good.all():
            place = int(np.argmin(good))
            refuse(int(batch.rows[place]), f"{name} {cells[place].as_py()}")
        return np.asarray(pc.cast(cells, pa.int64()), np.int64)

    found: dict[str, list[Integers]] = {name: [] for name in (user, item, when)}
    try:
        for batch in open_table(part, LIMITS, given.given).batches([user, item, when]):
            for row, text in batch.broken:
                if text.strip():
                    refuse(row, text.replace("\x1f", given.given.delimiter))
            for name, values in found.items():
                values.append(integers(batch, name))
    except CourseError as error:
        if error.key == "intake_other_columns":
            refuse(int(error.params["row"]), f"a line of {error.params['found']} columns")
        raise
    users, items, times = (np.concatenate([np.zeros(0, np.int64), *values]) for values in found.values())
    return users, items, times


def sequences(part: Part, want: Published) -> tuple[Integers, Integers, Integers]:
    """User, item and place of every event of a file with a line a user; raises UnusableError at the first bad line."""
    if identify(part) != "text":
        raise UnusableError(f"{part.name} is no text: give {want.file} as it comes from {want.page}.")
    lines = b"".join(part.chunks(LIMITS)).decode("utf-8", "replace").splitlines()
    users: dict[str, int] = {}
    found: list[list[int]] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        problem = ""
        if not all(word.isascii() and word.isdigit() and len(word) <= 18 for word in words):
            problem = f"{shown(line)!r} holds something else than whole numbers"
        elif len(words) < 2:
            problem = f"user {words[0]} has no items"
        elif words[0] in users:
            problem = f"user {words[0]} has a line already, number {users[words[0]]:,}"
        if problem:
            raise UnusableError(
                f"{part.name}, line {number:,}: {problem}, and each line must be one user's id and item ids in "
                f"order of time; give {want.file} as it comes from {want.page}."
            )
        users[words[0]] = number
        found.append([int(word) for word in words[1:]])
    lengths = np.array([len(one) for one in found], np.int64)
    items = np.array([item for one in found for item in one], np.int64)
    return np.repeat(np.arange(len(found)), lengths), items, np.arange(len(items))


def core(user: Integers, item: Integers, least: int) -> NDArray[np.bool_]:
    """(E,) what is left when users and items with fewer than ``least`` events are removed until there are none."""
    kept = np.ones(len(user), bool)
    while True:
        few = np.zeros(len(user), bool)
        for side in (user, item):
            few |= np.bincount(side[kept], minlength=int(side.max(initial=0)) + 1)[side] < least
        if not (few & kept).any():
            return kept
        kept &= ~few


def read(path: Path, want: Published) -> Dataset:
    """The events of the task, filtered as published; equal times keep the file's order."""
    part = chosen(path, want)
    user, item, when = (ratings if want.format else sequences)(part, want)
    user, item = (np.unique(one, return_inverse=True)[1] for one in (user, item))
    kept = core(user, item, want.core)
    if not kept.any():
        raise UnusableError(
            f"{part.name}: no user and item has {want.core or 1} events or more, so nothing is left; give {want.file} "
            f"as it comes from {want.page}."
        )
    user, item = (np.unique(one[kept], return_inverse=True)[1] for one in (user, item))
    order = np.lexsort((when[kept], user))  # stable
    events = pd.DataFrame(
        {
            Columns.USER: user[order].astype(np.int32),
            Columns.ITEM: item[order].astype(np.int32) + np.int32(1),
            Columns.TIME: when[kept][order],
            Columns.BASKET: np.arange(len(order), dtype=np.int64),  # each event by itself: their order is known
        }
    )
    catalogue = pd.DataFrame({Columns.ITEM: np.arange(1, int(item.max()) + 2)})
    return Dataset(Address(want.name, "", digest([part])[1][:12]), events, catalogue)


def counts_of(dataset: Dataset) -> dict[str, int]:
    """A dataset's size, as published tables state it."""
    return {"users": dataset.num_users, "items": dataset.num_items, "events": len(dataset.events)}


def sized(counts: Mapping[str, int]) -> str:
    """Counts in words."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
