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
from course_lib.runs.files import (
    FULL,
    LOG,
    RESULT,
    EventWriter,
    passes,
    read_object,
    run_lock,
    storage_error,
    write_whole,
)
from course_lib.runs.reader import RunReader

Perform = Callable[[RunConfig, Folder], Iterator[Event]]  # an experiment's run
# leave: unfinished, to be resumed later; pause: leave after the next checkpoint, so that nothing is done twice;
# an error: it fails with that sentence, such as a limit that it has reached
Wish = Literal["go on", "stop", "leave", "pause"] | CourseError
LOCK_PATIENCE_S = 2.0  # others hold the lock for a moment when they look whether the run is alive
UNWRITABLE = (*FULL, errno.EROFS, errno.EACCES, errno.EPERM)
NO_DESCRIPTORS = ("too many open files",)
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
    if wanted in ("go on", "pause"):
        checkpoint = _checkpoint(folder)
        try:
            wanted = _perform(perform, config, folder, wish, tell)
        except Exception as problem:
            if checkpoint is None or not _is_damage(problem, checkpoint, folder, reading.attempts + 1):
                raise
            checkpoint.rename(checkpoint.with_name(f".damaged-{checkpoint.name}"))
            tell("afresh", file=checkpoint.name)
            wanted = _perform(perform, config, folder, wish, tell)
    if (folder / RESULT).exists():
        tell("finished", seconds=round(time.perf_counter() - begun, 3))
        return "finished"
    if isinstance(wanted, CourseError):
        raise wanted
    if wanted == "stop":
        tell("stopped")
        return "stopped"
    if wanted == "leave":
        return "left"
    raise RuntimeError("the experiment ended without a result")


def _perform(
    perform: Perform, config: RunConfig, folder: Path, wish: Callable[[], Wish], tell: Callable[..., None]
) -> Wish:
    """Take the experiment's events until it ends, or somebody wants something else; returns the last wish."""
    wanted: Wish = "go on"
    events = perform(config, Folder(folder))
    with _closing(events):
        for event in events:
            if event["kind"] == "result":
                _keep_result(folder, {name: value for name, value in event.items() if name not in ("kind", "t")})
            else:
                tell(**event)
            wanted = wish()
            if wanted == "pause":
                wanted = "leave" if event["kind"] == "checkpoint" else "go on"
            if wanted != "go on" and not (folder / RESULT).exists():
                break
    return wanted


def _checkpoint(folder: Path) -> Path | None:
    """What an earlier attempt has left to go on from."""
    return next(iter(sorted(folder.glob("checkpoint.*"))), None)


def _is_damage(problem: Exception, checkpoint: Path, folder: Path, attempt: int) -> bool:
    """Whether the checkpoint is to blame: it could be opened, and the run failed before it had gone on from it."""
    if error_of(problem, folder).key != "internal_error" or not checkpoint.exists():
        return False
    reading = RunReader(folder).read()
    return reading.attempts == attempt and not reading.went_on


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
    cause = problem.__cause__ if isinstance(problem, CourseError) else problem
    if isinstance(cause, OSError) and passes(cause) and cause.errno not in UNWRITABLE:
        return CourseError("run_unreadable", run=folder.name, reason=cause.strerror or type(cause).__name__)
    if isinstance(problem, CourseError):
        return problem
    text = str(problem).lower()
    if isinstance(problem, MemoryError) or any(words in text for words in NO_MEMORY):
        return CourseError("worker_out_of_memory")
    if any(words in text for words in NO_DESCRIPTORS):  # safetensors and torch wrap the system's error in their own
        return CourseError("run_unreadable", run=folder.name, reason=os.strerror(errno.EMFILE))
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
