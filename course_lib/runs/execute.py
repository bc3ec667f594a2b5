"""Carries out one run in its folder: lock, events, result, errors. The worker and the command line share it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.runs.files import FULL, LOG, RESULT, EventWriter, read_object, run_lock, storage_error, write_whole
from course_lib.runs.store import RunReader

Perform = Callable[[RunConfig, Folder], Iterator[Event]]  # an experiment's run
Wish = Literal["go on", "stop", "leave"]  # leave: unfinished, to be resumed later
LOCK_PATIENCE_S = 2.0  # others hold the lock for a moment when they look whether the run is alive
UNWRITABLE = (*FULL, errno.EROFS, errno.EACCES, errno.EPERM)
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. ``elsewhere``: another process is training this run."""

    state: Literal["finished", "stopped", "failed", "left", "elsewhere"]
    error: dict[str, Any] | None = None  # CourseError.to_dict() of a failed one


def carry_out(
    folder: Path,
    perform: Perform,
    wish: Callable[[], Wish],
    on_event: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Train the run in ``folder`` to its end; ``on_event`` sees each event after it was written.

    ``wish`` is asked after every event. Errors end in a "failed" event and outcome; only KeyboardInterrupt and
    SystemExit are raised, after a "stopped" event.
    """
    lock = run_lock(folder)
    try:
        lock.acquire(timeout=LOCK_PATIENCE_S)
    except Timeout:
        return Outcome("elsewhere")
    except OSError as problem:
        return Outcome("failed", storage_error(problem, folder.parent.parent).to_dict())
    try:
        return _carry_out_locked(folder, perform, wish, on_event)
    finally:
        _release(lock)


def _release(lock: FileLock) -> None:
    with contextlib.suppress(OSError):  # the folder may be gone; the lock ends with its file descriptor
        lock.release()


def _carry_out_locked(
    folder: Path, perform: Perform, wish: Callable[[], Wish], on_event: Callable[[Event], None]
) -> Outcome:
    try:
        writer = EventWriter(folder)
    except OSError as problem:
        return Outcome("failed", storage_error(problem, folder.parent.parent).to_dict())

    def tell(kind: str, **fields: Any) -> None:
        on_event(writer.append({"kind": kind, **fields}))

    with writer:
        try:
            state = _train(folder, perform, wish, tell)
        except (KeyboardInterrupt, SystemExit):
            with contextlib.suppress(OSError):
                tell("stopped")
            raise
        except Exception as problem:
            error = error_of(problem, folder).to_dict()
            if error["key"] != "run_unreadable":  # it may be a finished one, and the next reading may succeed
                with contextlib.suppress(OSError):  # on a full disk the outcome alone says it
                    tell("failed", error=error)
            return Outcome("failed", error)
    return Outcome(state)


def _train(
    folder: Path, perform: Perform, wish: Callable[[], Wish], tell: Callable[..., None]
) -> Literal["finished", "stopped", "left"]:
    begun = time.perf_counter()
    reading = RunReader(folder).read()
    config, error = reading.view.config, reading.view.error
    if error is not None and error["key"] == "run_unreadable":
        raise CourseError.from_dict(error)
    if config is None:
        raise CourseError("run_corrupt", run=folder.name, file="config.json")
    if (folder / RESULT).exists():  # an earlier attempt died just before it could say so
        if not reading.said:
            tell("finished", seconds=_total_seconds(read_object(folder / RESULT)))
        return "finished"
    tell("started", attempt=reading.attempts + 1, pid=os.getpid())
    wanted = wish()
    if wanted == "go on":
        events = perform(config, Folder(folder))
        with _closing(events):
            for event in events:
                if event["kind"] == "result":
                    _keep_result(folder, {name: value for name, value in event.items() if name not in ("kind", "t")})
                else:
                    tell(**event)
                wanted = wish()
                if wanted != "go on" and not (folder / RESULT).exists():
                    break
    if (folder / RESULT).exists():
        tell("finished", seconds=round(time.perf_counter() - begun, 3))
        return "finished"
    if wanted == "stop":
        tell("stopped")
        return "stopped"
    if wanted == "leave":
        return "left"
    raise RuntimeError("the experiment ended without a result")


@contextlib.contextmanager
def _closing(events: Iterator[Event]) -> Iterator[None]:
    """An experiment that is left half-way is told so: a generator may have something to put away."""
    try:
        yield
    finally:
        if isinstance(events, Generator):
            events.close()


def _total_seconds(result: dict[str, Any]) -> float | None:
    seconds = result.get("seconds")
    return seconds.get("total") if isinstance(seconds, dict) else None


def _keep_result(folder: Path, result: dict[str, Any]) -> None:
    write_whole(folder / RESULT, json.dumps(result, ensure_ascii=False, indent=1))


def error_of(problem: Exception, folder: Path) -> CourseError:
    """The sentence for whatever ended a run; an error of the course itself leaves its traceback in ``worker.log``."""
    if isinstance(problem, CourseError):
        return problem
    text = str(problem).lower()
    if isinstance(problem, MemoryError) or any(words in text for words in NO_MEMORY):
        return CourseError("worker_out_of_memory")
    home = folder.parent.parent
    if isinstance(problem, OSError) and problem.errno in UNWRITABLE:
        return storage_error(problem, home)
    if "no space left on device" in text:  # safetensors and torch wrap the system's error in one of their own
        return CourseError("disk_full", path=home)
    if "read-only file system" in text:
        return CourseError("home_read_only", path=home, reason="read-only file system")
    trace = "".join(traceback.format_exception(problem))
    try:
        (folder / LOG).write_text(trace, encoding="utf-8")
    except OSError:
        print(trace, file=sys.stderr)
    return CourseError("internal_error", run=folder.name)
