"""The files of a run's folder and how they are written: whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from course_lib.errors import CourseError
from course_lib.experiments.events import Event

EVENTS, RESULT, LOCK, LOG = "events.jsonl", "result.json", "lock", "worker.log"
FULL = (errno.ENOSPC, errno.EDQUOT)
SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
PASSING = (*SHORT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EACCES, errno.EPERM)


def passes(problem: BaseException | None) -> bool:
    """Whether an error says something of the machine just now, and nothing of the file that was asked for.

    No descriptor or memory left, a disk that does not answer; a file that is not there, or is a folder, is another
    matter.
    """
    return isinstance(problem, MemoryError) or (isinstance(problem, OSError) and problem.errno in PASSING)


def storage_error(problem: OSError, place: Path) -> CourseError:
    """The sentence for a file that could not be written: a full disk, a machine that has no descriptor left, or a
    folder that may not be written to."""
    if problem.errno in SHORT:
        return CourseError("machine_short", reason=problem.strerror or type(problem).__name__)
    if problem.errno in FULL:
        return CourseError("disk_full", path=place)
    return CourseError("home_read_only", path=place, reason=problem.strerror or type(problem).__name__)


def write_whole(path: Path, text: str, sync: bool = True) -> None:
    """Write ``path`` so that a reader sees the old text or the new one, never a part. Raises OSError.

    Without ``sync`` that holds for processes that die, not for a machine that does.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            if sync:
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


def run_lock(folder: Path) -> FileLock:
    """The lock that the one process holds that trains (or mends, or deletes) the run in ``folder``."""
    return FileLock(folder / LOCK, poll_interval=0.02, thread_local=False)


def is_held(folder: Path) -> bool:
    """Whether some process is training the run in ``folder``; yes where the system cannot tell just now."""
    if not (folder / LOCK).exists():
        return False
    try:
        with run_lock(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError as problem:  # a folder that cannot be written to nobody trains in; else it cannot be told now
        return problem.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR)


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
