"""Who trains next, and when: the queue's rules and estimates, without processes or files.

Fair: who has no run in training goes before who has one. Then a run's rank is when it was asked for, plus the seconds
that it will take, plus those that its learner has had a worker lately, as in weighted fair queueing: among equals the
shortest goes first, and whoever asks for much waits for it. A long run waits for about its own length longer, and then
goes before all that come after, so nobody waits for ever. A worker that would stand idle takes another run of the same
learner, so that a list of runs uses the machine while nobody else waits.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from course_lib.experiments.config import RunConfig
from course_lib.runs.wanted import Stamp

UNKNOWN_S = 15.0  # the wait while no worker is there at all
HALF_S = 300.0  # after so long half of what a learner has had is forgotten
ANYONE = ""  # wanted by nobody in particular: found unfinished when the course was started


@dataclass(eq=False)
class Job:
    """A run that somebody wants and that has not ended."""

    run_id: str
    config: RunConfig
    learners: dict[str, float | None]  # who wants it, in the order they came, and the longest each may; None: no limit
    since: float  # unix seconds of the first request, or of when it last made way for somebody else
    attempt: int  # the number of the "started" event that this attempt will write
    phase: Literal["queued", "sent", "working", "elsewhere"] = "queued"
    began: float = 0.0  # monotonic seconds when it was handed to a worker
    spent_s: float = 0.0  # that earlier attempts had trained
    retried: bool = False  # its worker had died before it took the job
    stopping: float | None = None  # monotonic seconds when it must have stopped
    first: float = 0.0  # put before all others: unix seconds of when; 0: not
    pausing: bool = False  # it rests at its next checkpoint, for somebody else's turn
    noted: Stamp | None = None  # who wants it is known as of this state of its file
    over: dict[str, Any] | None = None  # it is being ended for going on too long: CourseError.to_dict()
    over_at_s: float | None = None  # the limit that it had reached

    @property
    def longest_s(self) -> float | None:
        """Seconds that it may train: what the most generous limit of those who want it allows; None: no limit."""
        given = list(self.learners.values())
        allowed = [seconds for seconds in given if seconds is not None]
        return max(allowed) if allowed and len(allowed) == len(given) else None

    @property
    def may_go_on(self) -> bool:
        """It was ended for going on too long, and somebody who has come since may train it for longer."""
        return self.over is not None and bool(self.learners) and self.longest_s != self.over_at_s


class Turns:
    """How long each learner has had a worker lately."""

    def __init__(self, used: Mapping[str, tuple[float, float]] | None = None) -> None:
        self._used = dict(used or {})  # seconds, and when they were last counted

    def took(self, learners: Iterable[str], seconds: float, now: float | None = None) -> None:
        """A worker has trained for ``learners``, who share the seconds. ``now``: monotonic seconds."""
        now = time.monotonic() if now is None else now
        sharers = [one for one in learners if one != ANYONE]
        for one in sharers:
            self._used[one] = (self.used(one, now) + seconds / len(sharers), now)

    def used(self, learner: str, now: float) -> float:
        """The seconds of one learner; half of them are forgotten after HALF_S."""
        seconds, at = self._used.get(learner, (0.0, now))
        return seconds * math.exp2((at - now) / HALF_S)

    def of(self, learners: Iterable[str]) -> float:
        """The seconds of whoever of ``learners`` has had the least."""
        now = time.monotonic()
        return min((self.used(one, now) for one in learners), default=0.0)

    def copy(self) -> Turns:
        """To play with."""
        return Turns(self._used)


def next_job(
    queued: Iterable[Job],
    running: Iterable[Iterable[str]],
    expected: Callable[[Job], float],
    turns: Turns,
) -> Job | None:
    """The job to begin now. None if nothing waits.

    Args:
        queued: those that wait.
        running: the learners of each job in training.
        expected: about how many seconds a job will train.
        turns: how long each learner has had a worker lately.
    """
    busy = {learner for learners in running for learner in learners}

    def rank(job: Job) -> tuple[float, bool, float]:
        return -job.first, busy.issuperset(job.learners), job.since + expected(job) + turns.of(job.learners)

    return min(queued, key=rank, default=None)


@dataclass(frozen=True)
class Forecast:
    """What a waiting learner is told."""

    place: int  # 1 = next
    wait_s: float


def forecast(
    queued: Iterable[Job],
    running: Iterable[tuple[float, Sequence[str]]],
    free: Sequence[float],
    expected: Callable[[Job], float],
    turns: Turns | None = None,
) -> dict[str, Forecast]:
    """Plays the queue forward. ``running``: seconds left and learners of each job in training; ``free``: in how many
    seconds each of the other workers can take a job. Returns place and wait by run id."""
    running, waiting, turns = list(running), list(queued), (turns or Turns()).copy()
    for left, learners in running:
        turns.took(learners, left)
    number = 0  # makes the heap's entries comparable
    workers: list[tuple[float, int, Sequence[str]]] = []
    for left, learners in [*running, *((seconds, ()) for seconds in free)]:
        workers.append((left, number, learners))
        number += 1
    heapq.heapify(workers)
    told: dict[str, Forecast] = {}
    while waiting and workers:
        now, _, _ = heapq.heappop(workers)
        job = next_job(waiting, (learners for _, _, learners in workers), expected, turns)
        assert job is not None
        waiting.remove(job)
        told[job.run_id] = Forecast(len(told) + 1, round(now, 1))
        turns.took(job.learners, expected(job))
        heapq.heappush(workers, (now + expected(job), number, tuple(job.learners)))
        number += 1
    for job in sorted(waiting, key=lambda job: job.since):  # no worker at all just now
        told[job.run_id] = Forecast(len(told) + 1, UNKNOWN_S)
    return told
