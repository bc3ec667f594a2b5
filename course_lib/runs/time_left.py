"""How far a run is and how long it will take, from its plan and from what its events have taken so far.

A run's time goes into events of a few kinds: steps, scores, frames, tests. The time between two events is that of the
later one. What is still to come of each kind, at the pace of the last few, is the time left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

RECENT = 15  # gaps that a pace is taken from
TRUSTED_S = 1.0  # seconds of work of the first kind before anything is said


class TimeLeft:
    """One attempt. All times are seconds on the clock, so whatever happens in between counts."""

    def __init__(self) -> None:
        self._plan: Mapping[str, int] = {}
        self._like: Mapping[str, tuple[str, float]] = {}
        self._at: dict[str, int] = {}  # the last one told of, by kind
        self._gaps: dict[str, deque[tuple[float, int]]] = {}  # seconds, and how many were done in them
        self._begun: set[str] = set()  # kinds whose first gap is over: the first steps of a process are slow

    def expect(self, plan: Mapping[str, int], like: Mapping[str, tuple[str, float]]) -> None:
        """What is to come, as in course_lib/experiments/events.py; a later plan takes the place of an earlier one."""
        self._plan, self._like = plan, like

    def at(self, kind: str, number: int) -> None:
        """So many of a kind were done before this attempt."""
        self._at[kind] = number

    def told(self, kind: str, number: int, seconds: float) -> None:
        """Number ``number`` of a kind has been told, ``seconds`` after the event before."""
        done = number - self._at.get(kind, 0)
        first = next(iter(self._plan), None)
        if done > 0 and (kind != first or kind in self._begun):
            self._gaps.setdefault(kind, deque(maxlen=RECENT)).append((seconds, done))
        self._at[kind] = number
        self._begun.add(kind)

    @property
    def progress(self) -> float:
        """The share that is done of the kind that the plan names first, 0 to 1."""
        for kind, count in self._plan.items():
            return min(1.0, self._at.get(kind, 0) / count) if count else 0.0
        return 0.0

    @property
    def left(self) -> float | None:
        """Seconds from the last event to the end; None until the pace can be trusted."""
        first = next(iter(self._plan), None)
        if first is None or self._spent(first) < TRUSTED_S:
            return None
        return sum(
            max(0, count - self._at.get(kind, 0)) * (self._each(kind) or 0.0) for kind, count in self._plan.items()
        )

    def _spent(self, kind: str) -> float:
        return sum(seconds for seconds, _ in self._gaps.get(kind, ()))

    def _each(self, kind: str) -> float | None:
        """Seconds that one event of a kind takes, as far as is known."""
        gaps = self._gaps.get(kind)
        if gaps:
            return self._spent(kind) / sum(done for _, done in gaps)
        if kind in self._like:
            other, times = self._like[kind]
            each = self._each(other)
            return None if each is None else times * each
        return None
