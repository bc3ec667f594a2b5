"""The files of a run's folder and how they are written: whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from course_lib.errors import CourseError
from course_lib.experiments.events import Event

EVENTS, RESULT, LOCK, LOG = "events.jsonl", "result.json", "lock", "worker.log"
WANTED = "wanted.json"  # who waits for it; kept by the web process, not a part of the run
FULL = (errno.ENOSPC, errno.EDQUOT)


def storage_error(problem: OSError, place: Path) -> CourseError:
    """The sentence for a file that could not be written: a full disk, or a folder that may not be written to."""
    if problem.errno in FULL:
        return CourseError("disk_full", path=place)
    return CourseError("home_read_only", path=place, reason=problem.strerror or type(problem).__name__)


def write_whole(path: Path, text: str) -> None:
    """Write ``path`` so that a reader sees the old text or the new one, never a part. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; raises OSError, or ValueError for anything else."""
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds {type(value).__name__}, not an object")
    return value


def note_wanted(folder: Path, learners: Sequence[str], since: float) -> None:
    """Remember across a restart who wants the run and since when (unix seconds); nobody: forget it. Raises OSError."""
    if learners:
        write_whole(folder / WANTED, json.dumps({"learners": list(learners), "since": since}, ensure_ascii=False))
    else:
        (folder / WANTED).unlink(missing_ok=True)


def read_wanted(folder: Path) -> tuple[list[str], float | None]:
    """Who wants the run and since when; nobody where that is not known."""
    try:
        record = read_object(folder / WANTED)
        return [str(learner) for learner in record["learners"]], float(record["since"])
    except (OSError, KeyError, TypeError, ValueError):
        return [], None


def run_lock(folder: Path) -> FileLock:
    """The lock that the one process holds that trains (or mends, or deletes) the run in ``folder``."""
    return FileLock(folder / LOCK, poll_interval=0.02, thread_local=False)


def is_held(folder: Path) -> bool:
    """Whether some process is training the run in ``folder``."""
    if not (folder / LOCK).exists():
        return False
    try:
        with run_lock(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # the folder cannot be written to, so nobody trains in it
        return False


class EventWriter:
    """Appends events to ``events.jsonl``; hold the run's lock. The only code that writes this file.

    A line is written by one call. After a write that failed half-way, and after a process that died in one, the
    torn end is cut off, so that every line that stays is whole.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / EVENTS).open("a+b", buffering=0)
        self._mend()

    def _mend(self) -> None:
        size = position = self._file.seek(0, os.SEEK_END)
        keep = 0
        while position > 0:  # look backwards for the last line's end
            start = max(0, position - 65536)
            self._file.seek(start)
            found = (self._file.read(position - start) or b"").rfind(b"\n")
            if found >= 0:
                keep = start + found + 1
                break
            position = start
        if keep < size:
            self._file.truncate(keep)

    def append(self, event: Event) -> Event:
        """Write ``event`` with the present time as "t"; returns what was written. Raises OSError."""
        stamped = {"t": round(time.time(), 3), **event}
        line = json.dumps(stamped, ensure_ascii=False).encode() + b"\n"
        before = os.fstat(self._file.fileno()).st_size
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a disk that fills up takes a part of a write
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(before)
            raise
        return stamped

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
