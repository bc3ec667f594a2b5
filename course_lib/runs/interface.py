"""What starts, watches and stops runs, and answers questions to a trained model: one small interface.

:class:`course_lib.runs.local.LocalRuns` keeps it with worker processes on this machine; a cluster would keep it with
the same run folders on shared storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from course_lib.runs.config import RunConfig
from course_lib.runs.view import RunView


@dataclass(frozen=True)
class ScoredItem:
    """One product of a predicted list."""

    item: int  # 1..V
    score: float  # the model's own scale
    p: float  # its share of the softmax over the products that may be recommended, 0..1


@dataclass(frozen=True)
class Prediction:
    """A model's answer to one history."""

    top: tuple[ScoredItem, ...]  # best first
    attention: list[list[list[float]]]  # (layers, heads, history positions); empty for a model without attention
    ms: float  # milliseconds that the model took

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Prediction:
        """From what the predictor process sends."""
        top = tuple(ScoredItem(int(row["item"]), float(row["score"]), float(row["p"])) for row in answer["top"])
        return cls(top, answer["attention"], float(answer["ms"]))


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

    def predict(self, run_id: str, epoch: int | None, history: Sequence[int], k: int = 10) -> Prediction:
        """The ``k`` products that come next after ``history`` (item ids, oldest first).

        ``epoch`` names a snapshot; None means the finished model, or the latest snapshot until there is one.
        Raises CourseError.
        """
        ...

    def close(self) -> None:
        """End all processes. Runs in training go on from their checkpoint when the course is started again."""
        ...
