"""How long a run will still take, from the times between its own events: steps, evaluations, snapshots and the end."""

from __future__ import annotations

from collections import deque

RECENT = 50  # gaps between step events, about ten seconds: a machine that becomes busy is believed soon
TRUSTED_S = 1.0  # seconds of steps before anything is said


class Pace:
    """What one attempt has taken so far. All times are seconds on the clock, so whatever happens in between counts."""

    def __init__(self) -> None:
        self._gaps: deque[tuple[float, int]] = deque(maxlen=RECENT)  # seconds, and steps done in them
        self._step: int | None = None  # the last one told of
        self._begun = False  # the first gap is over: the first steps of a process are slow
        self._evaluation = self._snapshot = 0.0  # the last one's

    def steps(self, step: int, seconds: float) -> None:
        """``step`` has been done, ``seconds`` after the event before."""
        if self._begun and self._step is not None and step > self._step:
            self._gaps.append((seconds, step - self._step))
        self._step, self._begun = step, True

    def evaluated(self, step: int, seconds: float) -> None:
        """An epoch that ended with ``step`` has been evaluated, ``seconds`` after the event before."""
        self._step, self._evaluation = step, seconds

    def kept(self, seconds: float) -> None:
        """Its snapshot has been written."""
        self._snapshot = seconds

    def left(self, steps: int, epochs: int, evaluations: float) -> float | None:
        """Seconds for so many steps and ends of epochs, and at the end for an evaluation that is worth so many of an
        epoch's. None until it can be trusted."""
        spent, done = (sum(column) for column in zip(*self._gaps, strict=True)) if self._gaps else (0.0, 0)
        if spent < TRUSTED_S:
            return None
        return spent / done * steps + epochs * (self._evaluation + self._snapshot) + evaluations * self._evaluation
