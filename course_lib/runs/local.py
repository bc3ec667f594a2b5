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
from course_lib.runs.dispatcher import Dispatcher
from course_lib.runs.files import RESULT, is_held
from course_lib.runs.housekeeping import Housekeeping
from course_lib.runs.interface import RunSize, Waiting
from course_lib.runs.limits import RunLimits, refuse_large, refuse_long, refuse_rows
from course_lib.runs.process import WORKER, Child, worker_environment
from course_lib.runs.schedule import ANYONE, Job
from course_lib.runs.store import RunStore
from course_lib.runs.take_up import MEASURED, learn_duration
from course_lib.runs.view import ENDED, RunView
from course_lib.runs.wanted import WANTED
from course_lib.runs.workers import OnDeath, OnMessage, Trainer
from course_lib.settings import Settings

TICK_S = 0.25  # how often waiting and training runs are looked after
IDLE_TICK_S = 5.0
SCAN_S = 5.0  # how often it is looked what other processes of this home have queued
SIZE_PATIENCE_S = 3.0  # that a press of Train waits to be told how large its model is
SIZES = 50  # configurations whose size is remembered

log = logging.getLogger(__name__)


class LocalRuns:
    """Implements :class:`course_lib.runs.interface.Runs` for one web process with many sessions. Thread-safe."""

    def __init__(self, settings: Settings, command: Sequence[str] = WORKER, answer_s: float = ANSWER_S) -> None:
        """Starts the workers in the background and takes up what was under way. ``command`` starts a worker."""
        self.store = RunStore(settings)
        self._changed = threading.Condition(threading.RLock())
        self._shown: dict[str, tuple[RunView, tuple[Any, ...], RunView]] = {}
        self._probed: dict[str, tuple[float, bool]] = {}  # is some other process training it? monotonic seconds
        self._sizes: dict[str, dict[str, Any]] = {}  # by run id
        self._disk = Housekeeping(self.store)
        self._closed = False
        self._scanned = time.monotonic()
        self._command, self._environment = command, (environment := worker_environment(settings))
        self._unread: set[str] = set()  # runs that could not be read at the start
        self._dispatcher = Dispatcher(
            self.store,
            self._changed,
            settings.workers,
            self._hire,
            on_end=self._left,
        )
        self._answerer = Answerer(
            lambda on_message, on_death: Child(command, "answer", environment, on_message, on_death), answer_s
        )
        with self._changed:
            self._dispatcher.workers.fill()
        self._supervisor = threading.Thread(target=self._supervise, name="runs", daemon=True)
        self._supervisor.start()

    def _hire(self, on_message: OnMessage, on_death: OnDeath) -> Trainer:
        """A new worker. Raises OSError where none can be started."""
        return Child(self._command, "train", self._environment, on_message, on_death)

    # What pages call

    def start(self, config: RunConfig, learner: str, limits: RunLimits | None = None) -> str:
        """See :meth:`Runs.start`."""
        config = config.checked()
        longest_s = limits.seconds if limits is not None else None
        with self._changed:
            if self._joined(config.run_id, learner, longest_s):
                return config.run_id
        if limits is not None:  # it may ask a process, which nobody else should wait for
            self._refuse(config, limits)
        with self._changed:
            if not self._joined(config.run_id, learner, longest_s):
                self._begin(config, learner, longest_s)
        return config.run_id

    def _joined(self, run_id: str, learner: str, longest_s: float | None) -> bool:
        """Whether the run is there: finished, or wanted by ``learner`` too from now on."""
        if self._closed:
            raise CourseError("course_closing")
        job = self._dispatcher.jobs.get(run_id)
        if job is not None:
            self._dispatcher.want(job, learner, longest_s)
            return True
        if self.store.view(run_id).state == "finished":
            self.store.touch(run_id)
            return True
        return False

    def _refuse(self, config: RunConfig, limits: RunLimits) -> None:
        if is_held(self.store.folder(config.run_id)):  # another process trains it: nothing more is asked for
            return
        refuse_rows(config, limits, self.store.datasets)
        with self._changed:
            seconds = self._dispatcher.durations.estimate(config)
        refuse_long(max(seconds, self.store.read(config.run_id).spent_s), limits)
        if limits.parameters is not None:
            try:
                parameters = self._parameters(config, SIZE_PATIENCE_S)
            except CourseError:  # not told in time: it is let in, and its seconds are bounded all the same
                return
            refuse_large(parameters, limits)

    def _begin(self, config: RunConfig, learner: str, longest_s: float | None) -> None:
        self.store.check_writable()
        self._disk.make_room(self._dispatcher.jobs.keys())
        folder = self.store.open_run(config)
        job = Job(config.run_id, config, {}, time.time(), self.store.read(config.run_id).attempts + 1)
        if is_held(folder):
            job.phase = "elsewhere"
            job.attempt -= 1
        self._dispatcher.enlist(job)
        self._dispatcher.want(job, learner, longest_s)
        self._dispatcher.workers.try_again()
        self._dispatcher.dispatch()

    def watch(self, run_id: str) -> RunView:
        """See :meth:`Runs.watch`. The same object as long as nothing has changed."""
        job = self._dispatcher.jobs.get(run_id)  # before the folder: a run that ends in between is read as ended
        reading = self.store.read(run_id)
        view = reading.view
        self._disk.seen(view)
        if job is None:
            error = self._dispatcher.errors.get(run_id)
            if error is not None:
                return replace(view, state="failed", error=error)
            return self._unattended(view) if view.live else view
        told = None
        state, left_s = view.state, view.left_s
        if job.phase == "queued":
            with self._changed:
                told = self._dispatcher.told(run_id)
            state, left_s = "queued", None
        elif reading.attempts < job.attempt:  # what is read is of the attempt before
            state, left_s = "starting", None
        overlay = (state, left_s, told, len(job.learners) > 1)
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
            watchers_shared=len(job.learners) > 1,
        )
        self._shown[run_id] = (view, overlay, result)
        return result

    def stop(self, run_id: str, learner: str) -> None:
        """See :meth:`Runs.stop`."""
        with self._changed:
            job = self._dispatcher.jobs.get(run_id)
            if job is None:
                self._withdraw_elsewhere(run_id, learner)
            elif job.learners.keys() & {learner, ANYONE}:
                self._dispatcher.withdraw(job, learner)

    def stop_for_all(self, run_id: str) -> None:
        """See :meth:`Runs.stop_for_all`."""
        with self._changed:
            job = self._dispatcher.jobs.get(run_id)
            if job is None:
                self._withdraw_elsewhere(run_id, None)
            else:
                self._dispatcher.withdraw(job, None)

    def _withdraw_elsewhere(self, run_id: str, learner: str | None) -> None:
        if self.store.view(run_id).state != "missing":
            self._dispatcher.withdraw_elsewhere(run_id, learner)

    def put_first(self, run_id: str) -> None:
        """See :meth:`Runs.put_first`."""
        with self._changed:
            job = self._dispatcher.jobs.get(run_id)
            if job is not None:
                self._dispatcher.put_first(job)

    def queue(self) -> tuple[Waiting, ...]:
        """See :meth:`Runs.queue`."""
        with self._changed:
            listed = [self._waiting(job) for job in self._dispatcher.jobs.values()]
        return tuple(sorted(listed, key=lambda one: (one.place or 0, one.since)))

    def _waiting(self, job: Job) -> Waiting:
        told = self._dispatcher.told(job.run_id) if job.phase == "queued" else None
        learners = tuple(one for one in job.learners if one != ANYONE)
        place, wait_s = (told.place, told.wait_s) if told else (None, None)
        left_s, running = self._dispatcher.expected(job), job.phase != "queued"
        return Waiting(job.run_id, job.config, learners, running, place, wait_s, left_s, job.since)

    def ask(self, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`Runs.ask`."""
        at, question = check_question(self.store.view(run_id), at, asked)
        return self._answerer.ask({"folder": str(self.store.folder(run_id)), "at": at, "asked": question})

    def size(self, config: RunConfig) -> RunSize:
        """See :meth:`Runs.size`."""
        with self._changed:
            seconds = self._dispatcher.durations.estimate(config)
        return RunSize(self._parameters(config), seconds)

    def _parameters(self, config: RunConfig, patience_s: float | None = None) -> int | None:
        known = self._sizes.get(config.run_id)
        if known is None:
            known = self._answerer.ask({"do": "size", "config": config.to_json()}, patience_s)
            self._sizes[config.run_id] = known
            while len(self._sizes) > SIZES:
                self._sizes.pop(next(iter(self._sizes)))
        return known.get("parameters") or None

    def close(self) -> None:
        """See :meth:`Runs.close`. May be called more than once."""
        with self._changed:
            self._closed = self._dispatcher.closed = True
            children = [post.child for post in self._dispatcher.workers.posts if post.child is not None]
            self._changed.notify_all()
        answerer = self._answerer.close()
        for child in children:
            child.close()
        for child in [*children, *([answerer] if answerer else [])]:
            child.join(patience_s=1.0)
        self._supervisor.join()

    def _left(self, run_id: str) -> None:
        """A run is no longer on the dispatcher's list."""
        self._shown.pop(run_id, None)
        self._probed.pop(run_id, None)
        self._disk.runs_changed()

    def _unattended(self, view: RunView) -> RunView:
        """A run that is under way but not ours: someone else trains or has queued it, or its process is gone."""
        now = time.monotonic()
        seen = self._probed.get(view.run_id)
        if seen is None or now - seen[0] > 1.0:
            seen = self._probed[view.run_id] = (now, is_held(self.store.folder(view.run_id)))
        if seen[1]:
            return view
        view = self.store.view(view.run_id)  # it may have ended between reading and probing
        if not view.live:
            return view
        with self._changed:  # asked for in another process a moment ago: queued for all
            asked_for = (self.store.folder(view.run_id) / WANTED).exists()
            if asked_for and view.run_id not in self._dispatcher.jobs:
                self._dispatcher.take_up([view.run_id])
        return replace(view, state="queued" if asked_for else "stopped", left_s=None)

    # The supervisor's thread

    def _supervise(self) -> None:
        self._guarded(self._take_up)
        while True:
            with self._changed:
                if self._closed:
                    return
                self._guarded(self._tick)
                warm, self._dispatcher.seasoned = self._dispatcher.seasoned, False
                if not warm:  # after the trainer, so that the two do not slow each other's start
                    busy = self._dispatcher.jobs or self._dispatcher.workers.incomplete
                    self._changed.wait(TICK_S if busy else IDLE_TICK_S)
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
        if time.monotonic() - self._scanned > SCAN_S:
            self._scanned = time.monotonic()
            asked_for = {path.parent.name for path in self.store.runs.glob(f"*/{WANTED}")}
            self._dispatcher.take_up(sorted(asked_for | self._unread))
            self._unread = {run_id for run_id in self._unread if self._unreadable(run_id)}
        self._dispatcher.tick()
        self._disk.tidy(self._dispatcher.jobs.keys())

    def _names(self) -> tuple[str, ...]:
        """All runs; waits where the folder cannot be read now."""
        while True:
            try:
                return self.store.names()
            except OSError as problem:
                log.warning("the folder of runs cannot be read: %s", problem)
            with self._changed:
                if self._closed or self._changed.wait_for(lambda: self._closed, SCAN_S):
                    return ()

    def _unreadable(self, run_id: str) -> bool:
        error = self.store.view(run_id).error
        return error is not None and error["key"] == "run_unreadable"

    def _take_up(self) -> None:
        """At the start: queue what was under way, and learn from what has finished."""
        run_ids = self._names()
        for number, run_id in enumerate(run_ids):
            with self._changed:
                if self._closed:
                    return
                if self._unreadable(run_id):
                    self._unread.add(run_id)
                elif not (self.store.folder(run_id) / RESULT).exists():
                    self._dispatcher.take_up([run_id])
                elif number >= len(run_ids) - MEASURED:
                    learn_duration(self._dispatcher.durations, self.store.view(run_id))
