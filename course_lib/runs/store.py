"""The folder of run folders: what is in it, how each run stands, and how much disk it may use.

Reading is tolerant: a last line that is still being written waits for its end; a damaged file makes that one run
"failed" with a sentence, never a traceback. Damaged is what was read and is wrong: where the system cannot read now
(no descriptors, no memory, no permission, a disk that does not answer), a run stays what it was.
Reading is incremental and shared: a hundred watchers cost one reader.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from filelock import Timeout

from course_lib.errors import CourseError
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.runs.files import EVENTS, LOCK, LOG, RESULT, read_object, run_lock, storage_error, write_whole
from course_lib.runs.view import ENDED, EventFold, RunView, valid_run_id
from course_lib.settings import Settings

READERS = 256  # runs whose events are kept in memory
ASIDE = ".damaged-"  # before the name of a folder that was set aside
ABANDONED_S = 24 * 3600  # an unfinished run that nobody trains may be deleted after this many seconds
# After these errors a run goes on from its checkpoint; after any other it starts afresh, as the checkpoint may be why.
RESUMABLE = ("worker_died", "worker_out_of_memory", "worker_cannot_start", "disk_full", "home_read_only")


@dataclass(frozen=True)
class Reading:
    """A run's folder as read: the view, and what only the scheduler wants to know."""

    view: RunView
    attempts: int = 0  # "started" events
    without_checkpoint: int = 0  # attempts in a row that kept nothing to go on from
    said: bool = False  # the events say that it has finished


class RunReader:
    """Reads one run's folder, each byte of its events once. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events = str(folder / EVENTS)
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None  # inode, size and time of the events when last read
        self._reset()

    def _reset(self) -> None:
        self._fold = EventFold()
        self._offset = 0
        self._config: RunConfig | None = None
        self._result: dict[str, Any] | None = None
        self._recorded = False
        self._loaded = False
        self._reading = Reading(RunView(self._folder.name, "missing"))

    def read(self) -> Reading:
        """The run as it is now; the same object until something changes."""
        try:
            stat = os.stat(self._events)
            seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        except (FileNotFoundError, NotADirectoryError):  # queued and not yet begun, or not there at all
            seen = (0, 0, 0)
        except OSError as problem:
            return self._unreadable(problem)
        if seen == self._seen and self._loaded:
            return self._reading
        with self._lock:
            if seen == self._seen and self._loaded:
                return self._reading
            damaged = self._reading.view.error is not None and self._reading.view.error["key"] == "run_corrupt"
            if seen[1] < self._offset or damaged or (self._seen and self._seen[0] not in (0, seen[0])):
                self._reset()  # begun afresh by someone
            first, before = self._offset, self._reading
            try:
                self._reading = self._update()
                damaged = self._reading.view.error is not None and self._reading.view.error["key"] == "run_corrupt"
                if damaged and first:  # perhaps another file under the same inode: judge it from its beginning
                    self._reset()
                    self._reading = self._update()
            except (OSError, MemoryError) as problem:
                self._reset()  # what was folded may be half a line: the next reading begins anew
                self._reading, self._seen = before, None
                return self._unreadable(problem)
            self._seen = seen
            return self._reading

    def _unreadable(self, problem: Exception) -> Reading:
        """The run as it was when it could be read last; a sentence where it never was."""
        if self._reading.view.state != "missing":
            return self._reading
        reason = getattr(problem, "strerror", None) or type(problem).__name__
        error = CourseError("run_unreadable", run=self._folder.name, reason=reason).to_dict()
        return Reading(RunView(self._folder.name, "failed", error=error))

    def _update(self) -> Reading:
        run_id = self._folder.name
        if not self._loaded:
            self._loaded = self._load()
            if self._config is None:
                return self._damaged(CONFIG) if self._loaded else Reading(RunView(run_id, "missing"))
        try:
            changed = self._take_lines()
        except (IsADirectoryError, KeyError, TypeError, ValueError, IndexError):
            return self._damaged(EVENTS)
        fold = self._fold
        said = (fold.state == "finished" and changed > 0) or self._reading.said
        if self._result is None and (changed == 0 or fold.state in ENDED or self._offset == changed):
            try:  # after the end; or, at first sight, from a process that died between the two
                self._result = self._read_result()
            except (IsADirectoryError, ValueError):
                return self._damaged(RESULT)
            if self._result is None and fold.state == "finished":
                return self._damaged(RESULT)
        if self._result is not None:  # whatever was tried with it since
            fold.state, fold.error = "finished", None
        view = fold.view(run_id, self._config, self._result, self._recorded)
        return Reading(view, fold.attempts, fold.without_checkpoint, said)

    def _load(self) -> bool:
        """Read the configuration; False where there is no run (yet)."""
        try:
            config = RunConfig.read(self._folder)
            if config.run_id == self._folder.name:
                self._config = config
        except FileNotFoundError:
            return os.path.exists(self._events)
        except (IsADirectoryError, KeyError, TypeError, ValueError):
            pass  # no configuration is known: said as damage by the caller
        self._recorded = (self._folder / "recorded").exists()
        return True

    def _take_lines(self) -> int:
        """Fold the whole lines that are new; returns their bytes. What follows the last line's end waits."""
        try:
            with open(self._events, "rb") as file:
                return self._take_from(file)
        except FileNotFoundError:
            return 0

    def _take_from(self, file: BinaryIO) -> int:
        file.seek(self._offset)
        text = file.read()
        end = text.rfind(b"\n") + 1
        for line in text[:end].splitlines():
            self._fold.apply(json.loads(line))
        self._offset += end
        return end

    def _read_result(self) -> dict[str, Any] | None:
        try:
            result = read_object(self._folder / RESULT)
        except FileNotFoundError:
            return None
        if not isinstance(result.get("measures"), dict):
            raise ValueError("measures are missing")
        return result

    def _damaged(self, file: str) -> Reading:
        error = CourseError("run_corrupt", run=self._folder.name, file=file).to_dict()
        view = self._fold.view(self._folder.name, self._config, None, self._recorded)
        return Reading(replace(view, state="failed", error=error), self._fold.attempts, self._fold.without_checkpoint)


class RunStore:
    """All runs of an installation. Thread-safe; several processes may use one folder."""

    def __init__(self, settings: Settings) -> None:
        self.runs = settings.runs.expanduser().absolute()
        self.limit = settings.run_bytes
        self._readers: OrderedDict[str, RunReader] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, run_id: str) -> Path:
        """Where the run ``run_id`` lies."""
        return self.runs / run_id

    def read(self, run_id: str) -> Reading:
        """How the run stands; "missing" for a name that is none."""
        reader = self._readers.get(run_id)
        if reader is None:
            if not valid_run_id(run_id):
                return Reading(RunView(run_id, "missing"))
            with self._lock:
                reader = self._readers.setdefault(run_id, RunReader(self.folder(run_id)))
                while len(self._readers) > READERS:
                    self._readers.popitem(last=False)
        return reader.read()

    def view(self, run_id: str) -> RunView:
        """The view of :meth:`read`."""
        return self.read(run_id).view

    def list(self) -> tuple[str, ...]:
        """The ids of all run folders, the most recently asked for last."""
        try:
            with os.scandir(self.runs) as entries:
                names = [entry.name for entry in entries if valid_run_id(entry.name) and entry.is_dir()]
        except OSError:
            return ()
        return tuple(sorted(names, key=self._age))

    def _age(self, run_id: str) -> float:
        """When the run was last asked for, unix seconds; ``config.json`` is touched each time."""
        for path in (self.folder(run_id) / CONFIG, self.folder(run_id)):
            with suppress(OSError):
                return path.stat().st_mtime
        return 0.0

    def check_writable(self) -> None:
        """Raises CourseError ``home_read_only`` or ``disk_full`` unless a run could be stored now."""
        probe = self.runs / f".writable-{os.getpid()}-{threading.get_ident()}"
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            try:
                probe.write_bytes(b"\n" * 4096)
            finally:
                probe.unlink(missing_ok=True)
        except OSError as problem:
            raise storage_error(problem, self.runs.parent) from problem

    def open_run(self, config: RunConfig) -> Path:
        """Make the run's folder ready to be trained in; one that failed for good or is damaged starts afresh.

        A stopped run keeps its checkpoint and its events; what is left of a run that had a result is set aside.
        Raises CourseError where it cannot be written, or ``run_unreadable``: nobody knows then what would be lost.
        """
        folder = self.folder(config.run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            error = self.view(config.run_id).error
            if error is not None and error["key"] == "run_unreadable":
                raise CourseError.from_dict(error)
            if error is not None and error["key"] not in RESUMABLE:
                self._clear(folder)
            if (folder / CONFIG).exists():
                os.utime(folder / CONFIG)
            else:
                write_whole(folder / CONFIG, config.to_json())
        except OSError as problem:
            raise storage_error(problem, self.runs.parent) from problem
        return folder

    def touch(self, run_id: str) -> None:
        """Note that the run was asked for, so that others are deleted before it."""
        with suppress(OSError):  # a home that cannot be written to still shows its runs
            os.utime(self.folder(run_id) / CONFIG)

    def _clear(self, folder: Path) -> None:
        """Empty the folder; a run that had come to its end is set aside, for somebody may mend it."""
        aside = self.runs / f"{ASIDE}{folder.name}-{time.time_ns()}"
        try:
            with run_lock(folder).acquire(timeout=0):
                ended = os.path.lexists(folder / RESULT)
                if ended:
                    aside.mkdir()
                for path in folder.iterdir():
                    if path.name in (LOCK, LOG, "pinned"):
                        continue
                    if ended:
                        path.rename(aside / path.name)
                    elif path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path)
                    else:
                        path.unlink()
        except Timeout:
            pass  # someone else has begun it afresh already
        self.forget(folder.name)

    def forget(self, run_id: str) -> None:
        """Read the run's folder from the beginning the next time."""
        with self._lock:
            self._readers.pop(run_id, None)

    def pin(self, run_id: str) -> None:
        """Never delete this run. Raises CourseError ``run_missing`` or where the folder cannot be written."""
        self._mark(run_id, True)

    def unpin(self, run_id: str) -> None:
        """Let this run be deleted when it is the oldest and the disk is needed. Raises CourseError like :meth:`pin`."""
        self._mark(run_id, False)

    def _mark(self, run_id: str, pinned: bool) -> None:
        if self.view(run_id).state == "missing":
            raise CourseError("run_missing", run=run_id)
        mark = self.folder(run_id) / "pinned"
        try:
            if pinned:
                mark.touch()
            else:
                mark.unlink(missing_ok=True)
        except OSError as problem:
            raise storage_error(problem, self.runs.parent) from problem

    def pinned(self, run_id: str) -> bool:
        """Whether the run is kept for good."""
        return valid_run_id(run_id) and (self.folder(run_id) / "pinned").exists()

    def evict(self, keep: Collection[str] = ()) -> int:
        """Delete the oldest ended runs until all take at most ``run_bytes``; returns the bytes that remain.

        Runs in ``keep``, pinned and recorded ones, and runs that some process trains or has queued stay.
        Raises CourseError where the folder cannot be written to.
        """
        try:
            self._sweep()
            sizes = {run_id: folder_bytes(self.folder(run_id)) for run_id in self.list()}
            used = sum(sizes.values())
            for path in sorted(self.runs.glob(f"{ASIDE}*"), reverse=True):  # before any run that can still be opened
                size = folder_bytes(path)
                if used + size > self.limit:
                    shutil.rmtree(path)
                else:
                    used += size
            for run_id, size in sizes.items():
                if used <= self.limit:
                    break
                if run_id not in keep and self._may_go(run_id) and self._delete(run_id):
                    used -= size
        except OSError as problem:
            raise storage_error(problem, self.runs.parent) from problem
        return used

    def _may_go(self, run_id: str) -> bool:
        if any((self.folder(run_id) / mark).exists() for mark in ("pinned", "recorded")):
            return False
        view = self.view(run_id)
        if view.error is not None and view.error["key"] == "run_unreadable":
            return False
        return view.state in ENDED or time.time() - self._age(run_id) > ABANDONED_S

    def _delete(self, run_id: str) -> bool:
        folder = self.folder(run_id)
        gone = self.runs / f".deleted-{run_id}-{os.getpid()}"
        try:
            with run_lock(folder).acquire(timeout=0):
                folder.rename(gone)  # at once and whole: nobody meets half a run
        except Timeout:
            return False  # some process trains it
        self.forget(run_id)
        shutil.rmtree(gone)
        return True

    def remove(self, run_id: str) -> None:
        """Delete one run, pinned or not. Raises CourseError ``run_missing``, ``run_elsewhere`` while it is trained."""
        if not valid_run_id(run_id) or not self.folder(run_id).is_dir():
            raise CourseError("run_missing", run=run_id)
        try:
            if not self._delete(run_id):
                raise CourseError("run_elsewhere", run=run_id)
        except OSError as problem:
            raise storage_error(problem, self.runs.parent) from problem

    def _sweep(self) -> None:
        """Delete what an eviction that was cut short has left."""
        for path in self.runs.glob(".deleted-*"):
            shutil.rmtree(path, ignore_errors=True)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under ``folder``; files that vanish meanwhile count as nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
