"""Asks the resident process that answers questions, and replaces it when it dies or does not answer."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import check_asked
from course_lib.runs.process import Child, Message
from course_lib.runs.view import RunView

ANSWER_S = 10.0  # an answer takes a few milliseconds; the first about a model a little more
READY_S = 60.0  # loading torch on a slow disk
QUICK_DEATHS = 3  # in a row before it was ready: then only the next question starts it again

Spawn = Callable[[Callable[[Child, Message], None], Callable[[Child, bool], None]], Child]


def check_question(view: RunView, at: int | None, asked: Mapping[str, Any]) -> tuple[int | None, dict[str, Any]]:
    """The frame (None: the finished artefact) and the completed question; raises CourseError if it cannot be asked."""
    if view.state == "missing" or view.config is None:
        raise CourseError("run_missing", run=view.run_id)
    checked = check_asked(view.config.card, asked)
    if at is None and view.result is None:
        if not view.frames:
            raise CourseError("run_has_no_model", run=view.run_id)
        at = view.frames[-1]
    if at is not None and at not in view.frames:
        raise CourseError("frame_missing", run=view.run_id, frame=at)
    return at, checked


def _patience(end: float | None, usual_s: float) -> float:
    return usual_s if end is None else max(0.0, end - time.monotonic())


class _Seat:
    """One such process and what has been heard of it."""

    def __init__(self, spawn: Spawn, on_death: Callable[[_Seat], None]) -> None:
        self.heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()  # None: it has died
        self.settled = threading.Event()  # ready, or dead
        self.ready = self.dead = False
        self._on_death = on_death
        self.child = spawn(self._message, self._death)

    def _message(self, child: Child, message: Message) -> None:
        if message["kind"] == "ready":
            self.ready = True
            self.settled.set()
        else:
            self.heard.put(message)

    def _death(self, child: Child, out_of_memory: bool) -> None:
        self.dead = True
        self.heard.put(None)
        self.settled.set()
        self._on_death(self)


class Answerer:
    """One question at a time to one process; thread-safe."""

    def __init__(self, spawn: Spawn, answer_s: float = ANSWER_S, ready_s: float = READY_S) -> None:
        self._spawn, self._answer_s, self._ready_s = spawn, answer_s, ready_s
        self._turn = threading.Lock()  # held by the thread whose question it is
        self._seating = threading.Lock()
        self._numbers = itertools.count()
        self._quick_deaths = 0
        self._closed = False
        self._seat: _Seat | None = None

    def warm(self) -> None:
        """Start the process, so that the first question does not wait. Raises OSError if it cannot be started."""
        self._occupied()

    def _occupied(self) -> _Seat:
        with self._seating:
            if self._closed:
                raise CourseError("course_closing")
            if self._seat is None or self._seat.dead:
                self._seat = _Seat(self._spawn, self._died)
            return self._seat

    def _died(self, seat: _Seat) -> None:
        self._quick_deaths = 0 if seat.ready else self._quick_deaths + 1
        if self._quick_deaths < QUICK_DEATHS and not self._closed:
            try:
                self._occupied()
            except (OSError, CourseError):
                self._quick_deaths = QUICK_DEATHS  # said to whoever asks next

    def ask(self, question: dict[str, Any], patience_s: float | None = None) -> dict[str, Any]:
        """The answer. Raises CourseError: the model's own, ``answer_timeout`` or ``answer_died``.

        A question that meets the process's death is asked once more. ``patience_s`` is for whoever can do without an
        answer: after so long it is given up, and the process is left in peace.
        """
        end = None if patience_s is None else time.monotonic() + patience_s
        if not self._turn.acquire(timeout=self._answer_s if patience_s is None else patience_s):
            raise CourseError("answer_timeout", seconds=round(patience_s or self._answer_s))
        try:
            for _ in range(2):
                answer = self._ask_once(question, end)
                if answer is not None:
                    if "error" in answer:
                        raise CourseError.from_dict(answer["error"])
                    return dict(answer["answer"])
        finally:
            self._turn.release()
        raise CourseError("answer_died")

    def _ask_once(self, question: dict[str, Any], end: float | None = None) -> Message | None:
        """The answer to one attempt; None if the process died. ``end``: monotonic seconds, to be given up then."""
        try:
            seat = self._occupied()
        except OSError:
            return None
        if not seat.settled.wait(_patience(end, self._ready_s)):
            self._give_up(seat, end, self._ready_s)
        number = next(self._numbers)
        if seat.dead or not seat.child.send({"do": "answer", **question, "id": number}):
            return None
        while True:
            try:
                answer = seat.heard.get(timeout=_patience(end, self._answer_s))
            except queue.Empty:
                self._give_up(seat, end, self._answer_s)
            if answer is None or answer["id"] == number:  # not to a question that was given up
                return answer

    def _give_up(self, seat: _Seat, end: float | None, seconds: float) -> NoReturn:
        if end is None:
            seat.child.kill()  # a new one takes its place
        raise CourseError("answer_timeout", seconds=round(seconds)) from None

    @property
    def pid(self) -> int | None:
        """The process's id, where there is one."""
        seat = self._seat
        return None if seat is None or seat.dead else seat.child.pid

    def close(self) -> Child | None:
        """Tell the process to end; returns it, to be waited for."""
        with self._seating:
            self._closed = True
            seat = self._seat
        if seat is None or seat.dead:
            return None
        seat.child.close()
        seat.dead = True
        seat.heard.put(None)  # for whoever is asking
        seat.settled.set()
        return seat.child
