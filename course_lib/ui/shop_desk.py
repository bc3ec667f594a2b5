"""The web process's end of the processes that make shops: one for what they would be like, one that makes them.

One for a server. Both are started when the page is first opened, so that they have loaded what they need by the time
somebody has moved a slider, and end with the server. What a shop would be like is kept: the same one is asked for by
everybody who opens it ready-made.
"""

from __future__ import annotations

import itertools
import queue
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from course_lib.data.intake import store
from course_lib.errors import CourseError
from course_lib.runs.process import Child, Message, worker_environment
from course_lib.settings import Settings
from course_lib.shop.made import MadeShop

MAKER = (sys.executable, "-m", "course_lib.runs.shop_maker")
PATIENCE_S = 60.0  # for an answer to what a shop would be like; it takes two seconds on a free core
SILENCE_S = 120.0  # without a word from a process that makes a shop
POLL_S = 0.2
KEPT = 64  # previews, 30 kB each


class Desk:
    """One process, and those who wait for its answers. Thread-safe."""

    def __init__(self, settings: Settings, command: Sequence[str] = MAKER) -> None:
        self._settings, self._command = settings, command
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[Message]] = {}
        self._child: Child | None = None
        self._closed = False

    def open(self) -> None:
        """Starts the process where it does not run; raises CourseError."""
        with self._lock:
            self._started()

    def ask(self, silence_s: float, **order: Any) -> Generator[Message]:
        """What the process says about an order, the answer last; an error is raised as CourseError.

        Between its words comes an empty message now and then, so that who waits can be interrupted. A generator that
        is closed before its end ends the process: what it makes is not wanted any more.
        """
        said: queue.SimpleQueue[Message] = queue.SimpleQueue()
        with self._lock:
            child, number = self._started(), next(self._numbers)
            self._waiting[number] = said
        if not child.send({**order, "id": number}):
            self._died(child, False)
        heard, done = time.monotonic(), False
        try:
            while True:
                try:
                    message = said.get(timeout=POLL_S)
                except queue.Empty:
                    if time.monotonic() - heard > silence_s:
                        raise CourseError("shop_not_made") from None
                    yield {}
                    continue
                heard = time.monotonic()
                if "error" in message:
                    done = True
                    raise CourseError.from_dict(message["error"])
                done = "answer" in message
                yield message
                if done:
                    return
        finally:
            with self._lock:
                self._waiting.pop(number, None)
                if not done and self._child is child:
                    self._child = None  # the next order must not go to a process that is about to end
            if not done:
                child.kill()

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
        if child is not None:
            child.close()
            child.join(2.0)

    def _started(self) -> Child:
        """The process, started if need be; called with the lock held."""
        if self._closed:
            raise CourseError("shop_not_made")
        if self._child is None:
            try:
                environment = worker_environment(self._settings)
                self._child = Child(self._command, "shops", environment, self._told, self._died)
            except OSError as problem:
                raise CourseError("shop_not_made") from problem
        return self._child

    def _told(self, child: Child, message: Message) -> None:
        with self._lock:
            said = self._waiting.get(int(message.get("id", 0)))
        if said is not None:
            said.put(message)

    def _died(self, child: Child, out_of_memory: bool) -> None:
        """Everybody who waited hears that it has ended; the next order starts another."""
        with self._lock:
            if self._child is not child:
                return
            self._child = None
            waiting = list(self._waiting.values())
        error = CourseError("shop_too_large_here" if out_of_memory else "shop_not_made").to_dict()
        for said in waiting:
            said.put({"error": error})


@dataclass(frozen=True)
class Making:
    """How the shop that a learner has ordered stands."""

    made: MadeShop
    name: str
    share: float = 0.0
    key: str = ""  # the name that the registry knows, when it is done
    error: CourseError | None = None

    @property
    def live(self) -> bool:
        """Is it still being made, or waiting for that?"""
        return not self.key and self.error is None


class ShopDesk:
    """What the page asks: previews, which are kept, and shops to be made. Thread-safe, and nobody waits in it."""

    def __init__(self, settings: Settings, command: Sequence[str] = MAKER) -> None:
        self._previews, self._makes = Desk(settings, command), Desk(settings, command)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, Any] | CourseError] = OrderedDict()
        self._wanted: OrderedDict[str, MadeShop] = OrderedDict()  # by learner: of a moved slider the last place counts
        self._busy = False
        self._one_at_a_time = threading.Lock()
        self._jobs: dict[str, Making] = {}
        self._stopped: set[str] = set()

    def open(self) -> None:
        """Starts what answers first; raises CourseError."""
        self._previews.open()

    def preview(self, made: MadeShop, learner: str) -> dict[str, Any] | None:
        """What a shop would be like: training/shop_preview.py says what is in it. None while that is worked out.

        Raises the CourseError that came of it, once; after that it is tried again.
        """
        with self._lock:
            found = self._kept.get(made.key())
            if isinstance(found, CourseError):
                del self._kept[made.key()]
                raise found
            if found is None:
                self._wanted[learner] = made
                if not self._busy:
                    self._busy = True
                    threading.Thread(target=self._work, name="shop previews", daemon=True).start()
            return found

    def _work(self) -> None:
        """Works out what is wanted until nothing is."""
        while True:
            with self._lock:
                if not self._wanted:
                    self._busy = False
                    return
                made = self._wanted.popitem(last=False)[1]
                if made.key() in self._kept:
                    continue
            found: dict[str, Any] | CourseError
            try:
                answers = self._previews.ask(PATIENCE_S, do="preview", shop=made.to_dict())
                found = next(message["answer"] for message in answers if "answer" in message)
            except CourseError as error:
                found = error
            with self._lock:
                self._kept[made.key()] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)

    def make(self, made: MadeShop, name: str, learner: str) -> None:
        """Begins to make the shop a dataset of the learner; raises CourseError where the name cannot be had."""
        store.check_free(name, learner)
        with self._lock:
            if learner in self._jobs and self._jobs[learner].live:
                raise CourseError("shop_being_made", name=self._jobs[learner].name)
            self._jobs[learner] = Making(made, name)
            self._stopped.discard(learner)
        threading.Thread(target=self._make, args=(learner,), name="shop", daemon=True).start()

    def making(self, learner: str) -> Making | None:
        """The shop that the learner has ordered last, until it was :meth:`taken`."""
        with self._lock:
            return self._jobs.get(learner)

    def taken(self, learner: str) -> None:
        """The learner has been told what became of the order."""
        with self._lock:
            self._jobs.pop(learner, None)

    def stop(self, learner: str) -> None:
        """The shop is not wanted any more; nothing of it is left."""
        with self._lock:
            self._stopped.add(learner)

    def _make(self, learner: str) -> None:
        with self._one_at_a_time:
            job = self._jobs[learner]
            order = {"do": "save", "shop": job.made.to_dict(), "name": job.name, "owner": learner}
            try:
                with closing(self._makes.ask(SILENCE_S, **order)) as said:
                    for message in said:
                        if learner in self._stopped:
                            raise CourseError("shop_stopped", name=job.name)
                        share = max(job.share, float(message.get("share", 0.0)))
                        job = replace(job, share=share, key=message.get("answer", ""))
                        self._tell(learner, job)
            except CourseError as error:
                self._tell(learner, replace(job, error=error))

    def _tell(self, learner: str, job: Making) -> None:
        with self._lock:
            self._jobs[learner] = job

    def close(self) -> None:
        """Ends both processes."""
        self._previews.close()
        self._makes.close()
