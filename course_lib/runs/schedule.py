"""Who trains next, and when: the queue's rules and estimates, without processes or files.

Fair: who has no run in training goes before who has one; among equals the oldest request goes first. A worker that
would stand idle takes another run of the same learner, so that a list of runs uses the machine while nobody else waits.
"""

from __future__ import annotations

import heapq
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from course_lib.experiments.config import RunConfig

FIRST_GUESS_S = 15.0  # a lesson's default run, until one has been measured
ANYONE = ""  # wanted by nobody in particular: found unfinished when the course was started


@dataclass(eq=False)
class Job:
    """A run that somebody wants and that has not ended."""

    run_id: str
    config: RunConfig
    learners: dict[str, None]  # who wants it, in the order they came
    since: float  # unix seconds of the first request
    attempt: int  # the number of the "started" event that this attempt will write
    phase: Literal["queued", "sent", "working", "elsewhere"] = "queued"
    began: float = 0.0  # unix seconds when it was handed to a worker
    retried: bool = False  # its worker had died before it took the job
    stopping: float | None = field(default=None)  # unix seconds when it must have stopped


class Durations:
    """How long runs take, from those that have been measured. Seconds grow with the epochs (and one for the rest)."""

    def __init__(self) -> None:
        self._rates: dict[tuple[Any, ...], deque[float]] = {}  # seconds an epoch

    @staticmethod
    def _key(config: RunConfig) -> tuple[Any, ...]:
        chosen = [config.settings.get(name) for name in config.card.chooses]
        return config.experiment, *((one.name, one.size) for one in config.data.values()), *chosen

    @staticmethod
    def _epochs(config: RunConfig) -> float:
        return float(config.settings.get("epochs", 0)) + 1

    def add(self, config: RunConfig, seconds: float) -> None:
        """A run of ``config`` took ``seconds``."""
        self._rates.setdefault(self._key(config), deque(maxlen=15)).append(seconds / self._epochs(config))

    def estimate(self, config: RunConfig) -> float:
        """Seconds that a run of ``config`` will take: by its like, else by all runs, else a first guess."""
        rates = self._rates.get(self._key(config)) or [rate for some in self._rates.values() for rate in some]
        return statistics.median(rates) * self._epochs(config) if rates else FIRST_GUESS_S


def next_job(queued: Iterable[Job], running: Iterable[Iterable[str]]) -> Job | None:
    """The job to begin now; ``running`` has the learners of each job in training. None if nothing waits."""
    busy = {learner for learners in running for learner in learners}
    return min(queued, key=lambda job: (busy.issuperset(job.learners), job.since), default=None)


@dataclass(frozen=True)
class Forecast:
    """What a waiting learner is told."""

    place: int  # 1 = next
    wait_s: float


def forecast(
    queued: Iterable[Job],
    running: Iterable[tuple[float, Sequence[str]]],
    free: Sequence[float],
    estimate: Callable[[RunConfig], float],
) -> dict[str, Forecast]:
    """Plays the queue forward. ``running``: seconds left and learners of each job in training; ``free``: in how many
    seconds each of the other workers can take a job. Returns place and wait by run id."""
    waiting = sorted(queued, key=lambda job: job.since)
    number = 0  # makes the heap's entries comparable
    workers: list[tuple[float, int, Sequence[str]]] = []
    for left, learners in [*running, *((seconds, ()) for seconds in free)]:
        workers.append((left, number, learners))
        number += 1
    heapq.heapify(workers)
    told: dict[str, Forecast] = {}
    idle = 0  # workers that nobody may use until another run ends
    while waiting and workers:
        now, _, _ = heapq.heappop(workers)
        idle += 1
        while idle and (job := next_job(waiting, (learners for _, _, learners in workers))) is not None:
            waiting.remove(job)
            told[job.run_id] = Forecast(len(told) + 1, round(now, 1))
            heapq.heappush(workers, (now + estimate(job.config), number, tuple(job.learners)))
            number += 1
            idle -= 1
    for job in waiting:  # no worker at all just now
        told[job.run_id] = Forecast(len(told) + 1, FIRST_GUESS_S)
    return told
