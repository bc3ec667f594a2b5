"""Runs on this machine: a few warm worker processes, one queue, one process that answers. Torch is never loaded here.

    runs = LocalRuns(load_settings())
    run_id = runs.start(RunConfig.make(), learner="local")
    runs.watch(run_id).progress
    runs.close()

A run's state is its folder; this object remembers only who wants what. After a restart it reads the folders again:
what was under way is queued and goes on from its checkpoint, and what another process trains is watched.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.answers import ANSWER_S, Answerer, check_question
from course_lib.runs.files import EventWriter, is_held, note_wanted, run_lock
from course_lib.runs.housekeeping import Housekeeping
from course_lib.runs.interface import RunSize
from course_lib.runs.process import WORKER, Child, Message, worker_environment
from course_lib.runs.schedule import ANYONE, Durations, Forecast, Job, forecast, next_job
from course_lib.runs.store import RunStore
from course_lib.runs.take_up import MEASURED, learn_duration, take_up
from course_lib.runs.view import ENDED, RunView
from course_lib.runs.workers import Workers
from course_lib.settings import Settings

TICK_S = 0.25  # how often waiting and training runs are looked after
IDLE_TICK_S = 30.0
STOP_PATIENCE_S = 20.0  # a worker that does not heed "stop" for so long is ended
SIZES = 50  # configurations whose size is remembered
START_S = 3.0  # from a worker's start to its being ready

log = logging.getLogger(__name__)


class LocalRuns:
    """Implements :class:`course_lib.runs.interface.Runs` for one web process with many sessions. Thread-safe."""

    def __init__(self, settings: Settings, command: Sequence[str] = WORKER, answer_s: float = ANSWER_S) -> None:
        """Starts the workers in the background and takes up what was under way. ``command`` starts a worker."""
        self.store = RunStore(settings)
        self._changed = threading.Condition(threading.RLock())
        self._jobs: dict[str, Job] = {}
        self._errors: dict[str, dict[str, Any]] = {}  # of failed runs whose folder could not be told
        self._forecast: dict[str, Forecast] = {}
        self._shown: dict[str, tuple[RunView, tuple[Any, ...], RunView]] = {}
        self._probed: dict[str, tuple[float, bool]] = {}  # is some other process training it? monotonic seconds
        self._durations = Durations()
        self._sizes: dict[str, dict[str, Any]] = {}  # by run id
        self._disk = Housekeeping(self.store)
        self._closed = False
        environment = worker_environment(settings)
        self._workers = Workers(
            settings.workers, lambda: Child(command, "train", environment, on_message=self._heard, on_death=self._died)
        )
        self._answerer = Answerer(
            lambda on_message, on_death: Child(command, "answer", environment, on_message, on_death), answer_s
        )
        self._warm_answerer = False
        with self._changed:
            self._workers.fill()
        self._supervisor = threading.Thread(target=self._supervise, name="runs", daemon=True)
        self._supervisor.start()

    # What pages call

    def start(self, config: RunConfig, learner: str) -> str:
        """See :meth:`Runs.start`."""
        config = config.checked()
        run_id = config.run_id
        with self._changed:
            if self._closed:
                raise CourseError("course_closing")
            job = self._jobs.get(run_id)
            if job is not None:
                job.learners.pop(ANYONE, None)
                job.learners[learner] = None
                self._note_wanted(job)
                return run_id
            if self.store.view(run_id).state == "finished":
                self.store.touch(run_id)
                return run_id
            self.store.check_writable()
            self._disk.make_room(self._jobs.keys())
            folder = self.store.open_run(config)
            job = Job(run_id, config, {learner: None}, time.time(), self.store.read(run_id).attempts + 1)
            if is_held(folder):
                job.phase = "elsewhere"
                job.attempt -= 1
            self._enlist(job)
            self._note_wanted(job)
            self._workers.try_again()
            self._dispatch()
        return run_id

    def watch(self, run_id: str) -> RunView:
        """See :meth:`Runs.watch`. The same object as long as nothing has changed."""
        job = self._jobs.get(run_id)  # before the folder: a run that ends in between is read as ended
        reading = self.store.read(run_id)
        view = reading.view
        self._disk.seen(view)
        if job is None:
            error = self._errors.get(run_id)
            if error is not None:
                return replace(view, state="failed", error=error)
            return self._unattended(view) if view.live else view
        told = self._forecast.get(run_id) if job.phase == "queued" else None
        state, left_s = view.state, view.left_s
        if job.phase == "queued":
            state, left_s = "queued", None
        elif reading.attempts < job.attempt:  # what is read is of the attempt before
            state, left_s = "starting", None
        shared = len(job.learners) > 1
        overlay = (state, left_s, told, shared)
        shown = self._shown.get(run_id)
        if shown is not None and shown[0] is view and shown[1] == overlay:
            return shown[2]
        result = replace(
            view,
            state=state,
            place=told.place if told else None,
            wait_s=told.wait_s if told else None,
            left_s=left_s,
            error=view.error if state in ENDED else None,
            watchers_shared=shared,
        )
        self._shown[run_id] = (view, overlay, result)
        return result

    def stop(self, run_id: str, learner: str) -> None:
        """See :meth:`Runs.stop`."""
        with self._changed:
            job = self._jobs.get(run_id)
            if job is None or not job.learners.keys() & {learner, ANYONE}:
                return
            rest = {other: None for other in job.learners if other not in (learner, ANYONE)}
            if job.phase == "elsewhere" and not rest:
                raise CourseError("run_elsewhere", run=run_id)
            job.learners = rest
            self._note_wanted(job)
            if rest:
                return
            if job.phase == "queued":
                self._record(run_id, {"kind": "stopped"})
                self._discharge(job)
            elif (post := self._workers.post_with(job)) is not None and post.child is not None:
                job.stopping = time.time() + STOP_PATIENCE_S
                post.child.send({"do": "stop", "run": run_id})
            self._dispatch()

    def ask(self, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`Runs.ask`."""
        at, question = check_question(self.store.view(run_id), at, asked)
        return self._answerer.ask({"folder": str(self.store.folder(run_id)), "at": at, "asked": question})

    def size(self, config: RunConfig) -> RunSize:
        """See :meth:`Runs.size`."""
        with self._changed:
            seconds = self._durations.estimate(config)
        known = self._sizes.get(config.run_id)
        if known is None:
            known = self._sizes[config.run_id] = self._answerer.ask({"do": "size", "config": config.to_json()})
            while len(self._sizes) > SIZES:
                self._sizes.pop(next(iter(self._sizes)))
        return RunSize(known.get("parameters") or None, seconds)

    def close(self) -> None:
        """See :meth:`Runs.close`. May be called more than once."""
        with self._changed:
            self._closed = True
            children = [post.child for post in self._workers.posts if post.child is not None]
            self._changed.notify_all()
        answerer = self._answerer.close()
        for child in children:
            child.close()
        for child in [*children, *([answerer] if answerer else [])]:
            child.join(patience_s=1.0)
        self._supervisor.join()

    # Jobs; all below is called under the lock

    def _enlist(self, job: Job) -> None:
        self._errors.pop(job.run_id, None)
        self._jobs[job.run_id] = job
        self._changed.notify_all()

    def _discharge(self, job: Job) -> None:
        self._jobs.pop(job.run_id, None)
        self._shown.pop(job.run_id, None)
        self._probed.pop(job.run_id, None)
        job.learners = {}
        self._note_wanted(job)
        self._disk.runs_changed()
        self._changed.notify_all()

    def _note_wanted(self, job: Job) -> None:
        with suppress(OSError):  # it matters only after a restart, and there a run without it is queued as well
            note_wanted(self.store.folder(job.run_id), [name for name in job.learners if name != ANYONE], job.since)

    def _record(self, run_id: str, event: Message) -> bool:
        """Append an event on behalf of a worker that cannot; False where the folder cannot be written to."""
        folder = self.store.folder(run_id)
        try:
            with run_lock(folder).acquire(timeout=1.0), EventWriter(folder) as events:
                events.append(event)
        except OSError:  # filelock's Timeout is one too
            return False
        return True

    def _rest(self, job: Job, view: RunView) -> float:
        """Seconds until a job in training ends."""
        if view.left_s is not None:
            return view.left_s
        return max(0.0, self._durations.estimate(job.config) - (time.time() - (job.began or job.since)))

    def _dispatch(self) -> None:
        """Hand jobs to idle workers, and tell the others their place."""
        while (post := self._workers.idle()) is not None and post.child is not None:
            queued = [job for job in self._jobs.values() if job.phase == "queued"]
            job = next_job(queued, (other.job.learners for other in self._workers.posts if other.job))
            if job is None:
                break
            job.attempt = self.store.read(job.run_id).attempts + 1
            job.phase, job.began, job.stopping, post.job = "sent", time.time(), None, job
            if not post.child.send({"do": "train", "folder": str(self.store.folder(job.run_id))}):
                job.phase, post.job, post.ready = "queued", None, False  # it has died, which is about to be told
        self._foretell()

    def _foretell(self) -> None:
        queued = [job for job in self._jobs.values() if job.phase == "queued"]
        if not queued:
            self._forecast = {}
            return
        running = [
            (self._rest(post.job, self.store.view(post.job.run_id)), tuple(post.job.learners))
            for post in self._workers.posts
            if post.job
        ]
        free = [0.0 if post.ready else START_S for post in self._workers.posts if post.job is None]
        self._forecast = forecast(queued, running, free, self._durations.estimate)

    def _ended(self, job: Job, outcome: str, error: dict[str, Any] | None) -> None:
        """A worker has done with ``job``."""
        if outcome == "elsewhere":
            job.phase, job.attempt = "elsewhere", 0
            return
        if outcome in ("stopped", "left") and job.learners:  # wanted again since
            job.phase, job.stopping = "queued", None
            return
        view = self.store.view(job.run_id)
        if view.result is not None:
            learn_duration(self._durations, view)
        if outcome == "failed" and view.state != "failed" and error is not None:
            self._errors[job.run_id] = error
        self._discharge(job)

    def _lost(self, job: Job, out_of_memory: bool) -> None:
        """The worker that had ``job`` has died."""
        self.store.forget(job.run_id)
        state = self.store.view(job.run_id).state
        if state == "finished":
            self._ended(job, "finished", None)
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

    def _heard(self, child: Child, message: Message) -> None:
        with self._changed:
            post = self._workers.post_of(child)
            if post is None or self._closed:
                return
            if message["kind"] == "ready":
                post.ready, post.quick_deaths = True, 0
                self._warm_answerer = True  # after the trainer, so that the two do not slow each other's start
            elif message["kind"] == "took" and post.job is not None:
                post.job.phase = "working"
            elif message["kind"] == "done" and post.job is not None:
                job, post.job = post.job, None
                self._ended(job, message["outcome"], message["error"])
            self._dispatch()
            self._changed.notify_all()

    def _died(self, child: Child, out_of_memory: bool) -> None:
        with self._changed:
            post = self._workers.post_of(child)
            if post is None or self._closed:
                return
            job = self._workers.vacate(post)
            if job is not None:
                self._lost(job, out_of_memory)
            if self._workers.none_can_start:
                for waiting in [job for job in self._jobs.values() if job.phase == "queued"]:
                    self._fail(waiting, CourseError("worker_cannot_start"))
            self._workers.fill()
            self._dispatch()
            self._changed.notify_all()

    # The supervisor's thread

    def _supervise(self) -> None:
        self._guarded(self._take_up)
        while True:
            with self._changed:
                if self._closed:
                    return
                self._guarded(self._tick)
                warm, self._warm_answerer = self._warm_answerer, False
                if not warm:
                    self._changed.wait(TICK_S if self._jobs or self._workers.incomplete else IDLE_TICK_S)
            if warm:
                with suppress(OSError, CourseError):  # said to whoever asks it first
                    self._answerer.warm()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Nothing may end the supervisor; an error of ours goes to the server's log."""
        try:
            step()
        except Exception:
            log.exception("the supervisor of the runs met an error")

    def _tick(self) -> None:
        now = time.time()
        self._workers.fill()
        for job in list(self._jobs.values()):
            if job.phase == "elsewhere" and not is_held(self.store.folder(job.run_id)):
                if self.store.view(job.run_id).state in ("finished", "failed"):
                    self._ended(job, "finished", None)
                else:  # stopped there, or that process has died: still wanted here
                    job.phase = "queued"
            elif job.stopping is not None and now > job.stopping:
                post = self._workers.post_with(job)
                if post is not None and post.child is not None:
                    post.child.kill()
        self._dispatch()
        self._disk.tidy(self._jobs.keys())

    def _unattended(self, view: RunView) -> RunView:
        """A run that is under way but not ours: someone else trains it, or its process is gone."""
        now = time.monotonic()
        seen = self._probed.get(view.run_id)
        if seen is None or now - seen[0] > 1.0:
            seen = self._probed[view.run_id] = (now, is_held(self.store.folder(view.run_id)))
        if seen[1]:
            return view
        view = self.store.view(view.run_id)  # it may have ended between reading and probing
        return replace(view, state="stopped", left_s=None) if view.live else view

    def _take_up(self) -> None:
        """At the start: queue what was under way, and learn from what has finished."""
        run_ids = self.store.list()
        for number, run_id in enumerate(run_ids):
            with self._changed:
                if self._closed:
                    return
                if run_id in self._jobs:
                    continue
                finished = (self.store.folder(run_id) / "result.json").exists()
                if finished and number >= len(run_ids) - MEASURED:
                    learn_duration(self._durations, self.store.view(run_id))
                elif not finished:
                    self._take_up_run(run_id)

    def _take_up_run(self, run_id: str) -> None:
        job, error = take_up(self.store, run_id)
        if job is not None and error is not None:
            self._fail(job, error)
        elif job is not None:
            self._enlist(job)
