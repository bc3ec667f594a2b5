"""The training workers: who is ready, who trains what, and how soon a dead one is replaced. Not thread-safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from course_lib.runs.schedule import Job

GIVE_UP = 3  # deaths in a row before being ready: then no worker can start here, and learners are told
SLOWEST_RESTART_S = 30.0


class Trainer(Protocol):
    """One worker process, here (:class:`course_lib.runs.process.Child`) or elsewhere."""

    @property
    def pid(self) -> int:
        """The process's id on its machine."""
        ...

    def send(self, message: dict[str, Any]) -> bool:
        """Hand over one message; False if the process has died."""
        ...

    def kill(self) -> None:
        """End it now; its death is told."""
        ...

    def close(self) -> None:
        """Tell it to end, without waiting; its death is not told."""
        ...

    def join(self, patience_s: float) -> None:
        """Wait until it has ended, for about ``patience_s`` at most."""
        ...


OnMessage = Callable[[Trainer, dict[str, Any]], None]
OnDeath = Callable[[Trainer, bool], None]  # and whether it was for want of memory


@dataclass(eq=False)
class Post:
    """One worker's place; the process in it may change."""

    child: Trainer | None = None
    ready: bool = False
    job: Job | None = None
    quick_deaths: int = 0  # in a row, before it was ready
    again: float = 0.0  # unix seconds before which no new process is started here


class Workers:
    """``size`` posts, filled by ``hire``. All methods are called under the owner's lock."""

    def __init__(self, size: int, hire: Callable[[], Trainer]) -> None:
        self._hire = hire
        self.posts = [Post() for _ in range(max(1, size))]

    def fill(self) -> None:
        """Start a process on every empty post whose time has come."""
        for post in self.posts:
            if post.child is None and time.time() >= post.again:
                try:
                    post.child = self._hire()
                except OSError:  # no memory or no process to be had: later, perhaps
                    self._delay(post)

    def _delay(self, post: Post) -> None:
        post.quick_deaths += 1
        post.again = time.time() + min(SLOWEST_RESTART_S, 0.25 * 2**post.quick_deaths)

    def post_of(self, child: Trainer) -> Post | None:
        """Where ``child`` works; None if it has been replaced."""
        return next((post for post in self.posts if post.child is child), None)

    def idle(self) -> Post | None:
        """A worker that can take a job now."""
        return next((post for post in self.posts if post.child and post.ready and post.job is None), None)

    def post_with(self, job: Job) -> Post | None:
        """Who trains ``job``."""
        return next((post for post in self.posts if post.job is job), None)

    def vacate(self, post: Post) -> Job | None:
        """The process on ``post`` has died; returns the job that it had."""
        job, was_ready = post.job, post.ready
        post.child, post.job, post.ready = None, None, False
        if was_ready:
            post.quick_deaths, post.again = 0, 0.0
        else:
            self._delay(post)
        return job

    @property
    def incomplete(self) -> bool:
        """Some post waits for a new process."""
        return any(post.child is None for post in self.posts)

    @property
    def none_can_start(self) -> bool:
        """No worker has managed to start, several times in a row."""
        return all(post.quick_deaths >= GIVE_UP for post in self.posts)

    def try_again(self) -> None:
        """Someone wants to train: if all had given up, try again now."""
        if self.none_can_start:
            for post in self.posts:
                post.quick_deaths, post.again = 0, 0.0
        self.fill()
