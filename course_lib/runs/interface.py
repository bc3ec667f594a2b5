"""What starts, watches and stops runs, and answers questions to what they made: one small interface.

:class:`course_lib.runs.local.LocalRuns` keeps it with worker processes on this machine; a cluster would keep it with
the same run folders on shared storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from course_lib.experiments.config import RunConfig
from course_lib.runs.limits import RunLimits
from course_lib.runs.view import RunView


@dataclass(frozen=True)
class RunSize:
    """What is known of a run before it starts."""

    parameters: int | None  # None where nothing is trained, or the experiment cannot tell
    seconds: float  # about how long it will take


@dataclass(frozen=True)
class Waiting:
    """One run in the queue or in training, as the instructor sees it."""

    run_id: str
    config: RunConfig
    learners: tuple[str, ...]  # who wants it, in the order they came; empty where that is not known any more
    running: bool  # in training, here or by another process
    place: int | None  # 1 = next; None in training
    wait_s: float | None  # about how many seconds until it starts; None in training
    left_s: float  # about how many seconds it trains from now, or from its start
    since: float  # unix seconds of the first request


class Runs(Protocol):
    """Starts, watches and stops runs. Safe to call from many threads."""

    def start(self, config: RunConfig, learner: str, limits: RunLimits | None = None) -> str:
        """Train ``config`` for ``learner``, or join whoever trains it already; returns the run's id at once.

        A run that goes beyond the seconds of its most generous learner is ended, ``limit_reached``.
        Raises CourseError for a bad configuration, where the run cannot be stored, and ``limit_seconds``,
        ``limit_parameters``, ``limit_rows`` for one that is larger than ``limits``, unless it is trained already.
        """
        ...

    def watch(self, run_id: str) -> RunView:
        """The run as it is now; cheap enough to be asked by everyone every second. Never raises."""
        ...

    def stop(self, run_id: str, learner: str) -> None:
        """``learner`` no longer wants the run; it ends when nobody does. Raises CourseError ``run_elsewhere``."""
        ...

    def queue(self) -> tuple[Waiting, ...]:
        """All runs in training, then those that wait, the next one first."""
        ...

    def put_first(self, run_id: str) -> None:
        """Let a waiting run begin before all others; nothing happens where it does not wait. Until the next restart."""
        ...

    def stop_for_all(self, run_id: str) -> None:
        """End the run whoever wants it; the instructor's. Raises CourseError ``run_elsewhere`` as :meth:`stop` does."""
        ...

    def ask(self, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the run's artefact answers, by the names in its experiment's ASKS; ``ms`` is how long it took.

        ``at`` names a frame; None means the finished artefact, or the newest frame until there is one.
        Raises CourseError.
        """
        ...

    def size(self, config: RunConfig) -> RunSize:
        """How large a run of ``config`` would be, and about how long it would take. Raises CourseError."""
        ...

    def close(self) -> None:
        """End all processes. Runs in training go on from their checkpoint when the course is started again."""
        ...
