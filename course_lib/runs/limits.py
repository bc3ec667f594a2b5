"""How long a learner's run may take and how large it may be, and the sentences for one that is larger.

A limit refuses a run before it starts, or ends one that goes beyond its seconds. A run that is finished, or that
somebody else trains already, costs nothing more: it is never refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from course_lib.data.dataset import Address
from course_lib.data.intake import store as intake
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig


@dataclass(frozen=True)
class RunLimits:
    """What one learner may start; None: no limit."""

    seconds: float | None = None  # the longest training, on the clock
    parameters: int | None = None  # of the trained model
    rows: int | None = None  # interactions of its largest dataset


def refuse_long(seconds: float, limits: RunLimits) -> None:
    """Raises CourseError ``limit_seconds`` where a run that takes ``seconds`` is too long."""
    if limits.seconds is not None and seconds > limits.seconds:
        raise CourseError("limit_seconds", seconds=_whole(seconds), limit=_whole(limits.seconds))


def refuse_large(parameters: int | None, limits: RunLimits) -> None:
    """Raises CourseError ``limit_parameters`` where a model has too many; one whose number is not known passes."""
    if limits.parameters is not None and parameters is not None and parameters > limits.parameters:
        raise CourseError("limit_parameters", parameters=f"{parameters:,}", limit=f"{limits.parameters:,}")


def refuse_rows(config: RunConfig, limits: RunLimits, datasets: Path) -> None:
    """Raises CourseError ``limit_rows`` where one of the run's datasets is too large; an uncounted one passes."""
    if limits.rows is None:
        return
    for address in config.data.values():
        rows = rows_of(address, datasets)
        if rows is not None and rows > limits.rows:
            raise CourseError("limit_rows", name=address.name, rows=f"{rows:,}", limit=f"{limits.rows:,}")


def rows_of(address: Address, datasets: Path) -> int | None:
    """The interactions of a dataset, without reading it: as its card or its prepared file says. None: not known."""
    try:
        card = intake.find(address.name)
    except CourseError:  # damaged: the run will say so
        return None
    if card is not None:
        return int(card.counts["events"])
    try:
        return int(pq.read_metadata(datasets / address.folder / "events.parquet").num_rows)
    except (OSError, ValueError):
        return None


def _whole(seconds: float) -> str:
    return f"{seconds:,.0f}"
