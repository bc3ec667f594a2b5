"""Hands wanted runs to workers and settles how they end. Every method is called under the owner's lock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from course_lib.errors import CourseError
from course_lib.runs.durations import Durations
from course_lib.runs.files import EventWriter, is_held, run_lock
from course_lib.runs.process import Message
from course_lib.runs.schedule import ANYONE, Forecast, Job, Turns, forecast, next_job
from course_lib.runs.store import RunStore
from course_lib.runs.take_up import MOST_ATTEMPTS, learn_duration, take_up
from course_lib.runs.view import ENDED
from course_lib.runs.wanted import Wanted, change_wanted, read_wanted, stamp_of
from course_lib.runs.workers import GIVE_UP, OnDeath, OnMessage, Post, Trainer, Workers

STOP_PATIENCE_S = 1.0  # a worker that does not heed "stop" for so long is ended: whatever it does cannot look
START_S = 4.0  # from a worker's start to its being ready
FORESIGHT_S = 1.0
TURN_S = 30.0  # a run that has trained for so long makes way at its next checkpoint when another's turn has come

log = logging.getLogger(__name__)


class Dispatcher:
    """The wanted runs of one web process, and its workers."""

    def __init__(
        self,
        store: RunStore,
        changed: threading.Condition,
        size: int,
        hire: Callable[[OnMessage, OnDeath], Trainer],
        on_end: Callable[[str], None],
    ) -> None:
        """``hire`` starts a worker; ``on_end`` is told of each run that has left the list."""
        self.store = store
        self.durations = Durations()
        self.jobs: dict[str, Job] = {}
        self.errors: dict[str, dict[str, Any]] = {}  # of failed runs whose folder could not be told
        self.closed = False
        self.trouble: CourseError | None = None  # why the last worker that was wanted could not be had
        self.seasoned = False  # a worker has become ready since the owner last looked
        self.workers = Workers(size, lambda: hire(self._heard, self._died))
        self._changed = changed
        self._on_end = on_end
        self._turns = Turns()
        self._forecast: dict[str, Forecast] = {}
        self._foretold = 0.0  # monotonic seconds; 0: something has changed since

    # Who wants what

    def enlist(self, job: Job) -> None:
        """A run to be trained."""
        self.errors.pop(job.run_id, None)
        self.jobs[job.run_id] = job
        self._foretold = 0.0
        self._changed.notify_all()

    def want(self, job: Job, learner: str, longest_s: float | None) -> None:
        """``learner`` wants it too."""
        job.learners.pop(ANYONE, None)
        job.learners[learner] = longest_s
        self._share(job, lambda wanted: wanted.joined(learner, longest_s, job.since))

    def withdraw(self, job: Job, learner: str | None) -> None:
        """``learner`` no longer wants it; None: nobody does. It ends where nobody is left."""
        rest = {one: s for one, s in job.learners.items() if learner is not None and one not in (learner, ANYONE)}
        if job.phase == "elsewhere" and not rest and not self.heeded(job.run_id):
            raise CourseError("run_elsewhere", run=job.run_id)
        job.learners = rest
        self._share(job, lambda wanted: replace(wanted, learners={}) if learner is None else wanted.without(learner))
        if not job.learners:
            self._unwanted(job)
            self.dispatch()

    def withdraw_elsewhere(self, run_id: str, learner: str | None) -> None:
        """The same for a run that this process does not have: another one of this home may."""
        folder = self.store.folder(run_id)
        with suppress(OSError):
            wanted = read_wanted(folder)
            left = {} if learner is None else wanted.without(learner).learners
            if left == wanted.learners:
                return
            if not left and is_held(folder) and not wanted.heeded:
                raise CourseError("run_elsewhere", run=run_id)
            change_wanted(folder, lambda now: replace(now, learners={}) if learner is None else now.without(learner))

    def heeded(self, run_id: str) -> bool:
        """Whether the process that trains the run looks who wants it."""
        try:
            return read_wanted(self.store.folder(run_id)).heeded
        except OSError:
            return False

    def put_first(self, job: Job) -> None:
        """It begins before all others."""
        job.first = time.time()
        self._share(job, lambda wanted: replace(wanted, first=job.first))
        self._foretold = 0.0

    def _share(self, job: Job, change: Callable[[Wanted], Wanted]) -> None:
        """Tell the other processes of this home, and those after a restart; hear from them who wants it."""
        with suppress(OSError):  # a home that cannot be written to: this process alone knows
            wanted, job.noted = change_wanted(self.store.folder(job.run_id), change)
            if ANYONE not in job.learners:
                job.learners = dict(wanted.learners)

    def _look(self, job: Job) -> None:
        """Somebody in another process may have joined it, withdrawn from it or put it first."""
        folder = self.store.folder(job.run_id)
        try:
            stamp = stamp_of(folder)
            if stamp == job.noted:
                return
            wanted = read_wanted(folder)
        except OSError:  # it cannot be told now
            return
        job.noted, job.learners, job.first = stamp, dict(wanted.learners), wanted.first
        if job.phase == "queued" and wanted.heeded and is_held(folder):  # another process has begun it
            job.phase, job.attempt = "elsewhere", 0
        if not job.learners and job.stopping is None:
            self._unwanted(job)

    def _unwanted(self, job: Job) -> None:
        if job.phase == "queued":
            if self.store.view(job.run_id).state not in ENDED:
                self._record(job.run_id, {"kind": "stopped"})
            self._discharge(job)
        elif job.phase == "elsewhere":
            self._discharge(job)
        else:
            self._end(job)

    def _discharge(self, job: Job) -> None:
        self.jobs.pop(job.run_id, None)
        self._on_end(job.run_id)
        self._foretold = 0.0
        self._changed.notify_all()

    # Turns

    def dispatch(self) -> None:
        """Hand jobs to idle workers, and tell the others their place."""
        while (post := self.workers.idle()) is not None and post.child is not None:
            job = self._next()
            if job is None:
                break
            folder = self.store.folder(job.run_id)
            if is_held(folder):
                job.phase, job.attempt = "elsewhere", 0
                continue
            reading = self.store.read(job.run_id)
            job.attempt, job.spent_s = reading.attempts + 1, reading.spent_s
            job.stopping, job.over, job.pausing = None, None, False
            job.phase, job.began, post.job = "sent", time.monotonic(), job
            self._share(job, lambda wanted: replace(wanted, heeded=True))
            if not post.child.send({"do": "train", "folder": str(folder)}):
                job.phase, post.job, post.ready = "queued", None, False  # it has died, which is about to be told
            self._foretold = 0.0

    def _next(self) -> Job | None:
        """The job whose turn it is."""
        queued = [job for job in self.jobs.values() if job.phase == "queued"]
        running = [post.job.learners for post in self.workers.posts if post.job]
        return next_job(queued, running, self.expected, self._turns)

    def expected(self, job: Job) -> float:
        """About how many seconds it trains from now, or from its start."""
        view = self.store.view(job.run_id)
        if job.phase != "queued" and view.left_s is not None:
            return view.left_s
        whole = self.durations.estimate(job.config)
        if job.phase == "queued":
            return whole * (1.0 - view.progress)
        return max(0.0, whole * (1.0 - view.progress) - (time.monotonic() - job.began if job.began else 0.0))

    def told(self, run_id: str) -> Forecast | None:
        """Place and wait of a waiting run, not older than a second."""
        if time.monotonic() - self._foretold > FORESIGHT_S:
            self._forecast, self._foretold = self._foretell(), time.monotonic()
        return self._forecast.get(run_id)

    def _foretell(self) -> dict[str, Forecast]:
        queued = [job for job in self.jobs.values() if job.phase == "queued"]
        running = [(self.expected(post.job), tuple(post.job.learners)) for post in self.workers.posts if post.job]
        free = [0.0 if post.ready else START_S for post in self.workers.posts if post.job is None]
        expected = {job.run_id: self.expected(job) for job in queued}
        turns = self._turns.copy()
        for post in self.workers.posts:
            if post.job:
                turns.took(post.job.learners, time.monotonic() - post.job.began)
        return forecast(queued, running, free, lambda job: expected[job.run_id], turns)

    def _make_way(self, post: Post, job: Job) -> None:
        """Let it rest at its next checkpoint where somebody else's turn has come: nobody holds a worker for long."""
        if job.phase != "working" or job.pausing or time.monotonic() - job.began < TURN_S:
            return
        queued = [one for one in self.jobs.values() if one.phase == "queued" and one.learners.keys() - job.learners]
        running = [other.job.learners for other in self.workers.posts if other.job and other is not post]
        rested = replace(job, since=time.time(), first=0.0)  # as it would stand in the queue
        turns = self._turns.copy()
        turns.took(job.learners, time.monotonic() - job.began)
        if queued and next_job([*queued, rested], running, self.expected, turns) is not rested and post.child:
            job.pausing = post.child.send({"do": "pause", "run": job.run_id})

    # How a job ends

    def _end(self, job: Job) -> None:
        """Let its worker end it: because nobody wants it, or because of ``job.over``."""
        if (post := self.workers.post_with(job)) is not None and post.child is not None:
            job.stopping = time.monotonic() + STOP_PATIENCE_S
            post.child.send({"do": "stop", "run": job.run_id, "error": job.over})

    def _end_long(self, job: Job) -> None:
        """End it if it has gone on for longer than it may."""
        seconds = job.spent_s + time.monotonic() - job.began
        if job.longest_s is not None and seconds > job.longest_s:
            job.over_at_s = job.longest_s
            job.over = CourseError("limit_reached", seconds=f"{job.longest_s:,.0f}").to_dict()
            self._end(job)

    def _record(self, run_id: str, event: Message) -> bool:
        """Append an event on behalf of a worker that cannot; False where the folder cannot be written to."""
        folder = self.store.folder(run_id)
        try:
            with run_lock(folder).acquire(timeout=1.0), EventWriter(folder) as events:
                events.append(event)
        except OSError:  # filelock's Timeout is one too
            return False
        return True

    def _ended(self, job: Job, outcome: str, error: dict[str, Any] | None) -> None:
        """A worker has done with ``job``."""
        self._turns.took(job.learners, time.monotonic() - job.began if job.began else 0.0)
        if outcome == "elsewhere":
            job.phase, job.attempt, job.began = "elsewhere", 0, 0.0
            return
        with suppress(OSError):  # who came while it was being stopped
            if job.noted is not None:
                job.learners = dict(read_wanted(self.store.folder(job.run_id)).learners)
        if (outcome in ("stopped", "left") and job.learners) or (outcome == "failed" and job.may_go_on):
            job.since = time.time() if job.pausing else job.since
            job.phase, job.stopping, job.pausing, job.began = "queued", None, False, 0.0
            return
        view = self.store.view(job.run_id)
        if view.result is not None:
            learn_duration(self.durations, view)
        if outcome == "failed" and view.state != "failed" and error is not None:
            self.errors[job.run_id] = error
        job.learners = {}
        self._share(job, lambda wanted: replace(wanted, learners={}))
        self._discharge(job)

    def _lost(self, job: Job, out_of_memory: bool) -> None:
        """The worker that had ``job`` has died."""
        self.store.forget(job.run_id)
        state = self.store.view(job.run_id).state
        if state == "finished":
            self._ended(job, "finished", None)
        elif job.over is not None:
            self._fail(job, CourseError.from_dict(job.over))
        elif job.stopping is not None:
            self._record(job.run_id, {"kind": "stopped"})
            self._ended(job, "stopped", None)
        elif job.phase == "sent" and not job.retried:  # it died before it took the job
            job.phase, job.retried = "queued", True
        else:
            self._fail(job, CourseError("worker_out_of_memory" if out_of_memory else "worker_died"))

    def _fail(self, job: Job, error: CourseError) -> None:
        self._record(job.run_id, {"kind": "failed", "error": error.to_dict()})
        self._ended(job, "failed", error.to_dict())

    # What workers say

    def _heard(self, child: Trainer, message: Message) -> None:
        with self._changed:
            post = self.workers.post_of(child)
            if post is None or self.closed:
                return
            if message["kind"] == "ready":
                post.ready, post.quick_deaths, self.trouble = True, 0, None
                self.seasoned = True
            elif message["kind"] == "took" and post.job is not None:
                post.job.phase = "working"
            elif message["kind"] == "done" and post.job is not None:
                job, post.job = post.job, None
                self._ended(job, message["outcome"], message["error"])
            self.dispatch()
            self._changed.notify_all()

    def _died(self, child: Trainer, out_of_memory: bool) -> None:
        with self._changed:
            post = self.workers.post_of(child)
            if post is None or self.closed:
                return
            job = self.workers.vacate(post)
            if job is not None:
                self._lost(job, out_of_memory)
            if self.workers.none_can_start:
                for waiting in [job for job in self.jobs.values() if job.phase == "queued"]:
                    self._fail(waiting, self.trouble or CourseError("worker_cannot_start"))
            self.workers.fill()
            self.dispatch()
            self._changed.notify_all()

    def refused(self, child: Trainer, error: CourseError) -> None:
        """A worker cannot be had: said at once to whoever waits, since trying again at once would change nothing."""
        with self._changed:
            self.trouble = error
            post = self.workers.post_of(child)
            if post is not None:
                post.quick_deaths = max(post.quick_deaths, GIVE_UP - 1)
            self._died(child, False)

    def moved(self, child: Trainer) -> None:
        """A worker's machine is lost. Its run is not to blame: it waits, and goes on from its checkpoint elsewhere."""
        with self._changed:
            post = self.workers.post_of(child)
            job = None if post is None else post.job
            if post is not None and job is not None and job.stopping is None:
                self.store.forget(job.run_id)
                if self.store.read(job.run_id).without_checkpoint < MOST_ATTEMPTS:
                    post.job = None
                    job.phase, job.pausing, job.began = "queued", False, 0.0
            self._died(child, False)

    # Now and then

    def tick(self) -> None:
        """Look after what waits and what trains."""
        self.workers.fill()
        for job in list(self.jobs.values()):
            job.since = min(job.since, time.time())  # the clock was put back: nobody waits until it has caught up
            if job.phase == "elsewhere" and not is_held(self.store.folder(job.run_id)):
                self._let_go(job)
            if job.run_id in self.jobs:
                self._look(job)
        for post in self.workers.posts:
            job_now, now = post.job, time.monotonic()
            if job_now is None or post.child is None:
                continue
            if job_now.stopping is None:
                self._end_long(job_now)
                self._make_way(post, job_now)
            elif now > job_now.stopping:
                post.child.kill()
        self.dispatch()

    def _let_go(self, job: Job) -> None:
        """Another process no longer trains it: it has ended there, or that process has died."""
        view = self.store.view(job.run_id)
        if view.state in ("finished", "failed"):
            self._ended(job, view.state, view.error)
        else:  # stopped there by somebody who did not know of us, or abandoned: still wanted here
            job.phase = "queued"

    def take_up(self, run_ids: Collection[str]) -> None:
        """Queue those that were under way, and those that another process has queued."""
        for run_id in run_ids:
            if run_id in self.jobs:
                continue
            job, error = take_up(self.store, run_id)
            if job is not None and error is not None:
                self._fail(job, error)
            elif job is not None:
                self.enlist(job)
