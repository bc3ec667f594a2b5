"""What starts, watches and stops runs, and answers questions to what they made: one small interface.

:class:`course_lib.runs.local.LocalRuns` keeps it with worker processes on this machine; a cluster would keep it with
the same run folders on shared storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from course_lib.experiments.config import RunConfig
from course_lib.runs.view import RunView


@dataclass(frozen=True)
class RunSize:
    """What is known of a run before it starts."""

    parameters: int | None  # None where nothing is trained, or the experiment cannot tell
    seconds: float  # about how long it will take


class Runs(Protocol):
    """Starts, watches and stops runs. Safe to call from many threads."""

    def start(self, config: RunConfig, learner: str) -> str:
        """Train ``config`` for ``learner``, or join whoever trains it already; returns the run's id at once.

        Raises CourseError for a bad configuration and where the run cannot be stored.
        """
        ...

    def watch(self, run_id: str) -> RunView:
        """The run as it is now; cheap enough to be asked by everyone every second. Never raises."""
        ...

    def stop(self, run_id: str, learner: str) -> None:
        """``learner`` no longer wants the run; it ends when nobody does. Raises CourseError ``run_elsewhere``."""
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
