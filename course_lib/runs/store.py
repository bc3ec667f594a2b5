"""The folder of run folders: what is in it, how each run stands, and how much disk it may use.

Each run has one reader (course_lib/runs/reader.py), so that a hundred watchers cost as much as one.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from course_lib.errors import CourseError
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.runs.files import LOCK, LOG, RESULT, run_lock, storage_error, write_whole
from course_lib.runs.reader import Reading, RunReader
from course_lib.runs.view import ENDED, RunView, valid_run_id
from course_lib.runs.wanted import WANTED
from course_lib.settings import Settings

READERS = 256  # runs whose events are kept in memory
ASIDE = ".damaged-"  # before the name of a folder that was set aside
ABANDONED_S = 24 * 3600  # an unfinished run that nobody trains may be deleted after this many seconds
# After these errors a run goes on from its checkpoint; after any other it starts afresh, as the checkpoint may be why.
RESUMABLE = (
    *("worker_died", "worker_out_of_memory", "worker_cannot_start", "disk_full", "home_read_only", "limit_reached"),
    *("cluster_unreachable", "cluster_full", "cluster_no_course", "cluster_other_course", "cluster_home_not_shared"),
)


class RunStore:
    """All runs of an installation. Thread-safe; several processes may use one folder."""

    def __init__(self, settings: Settings) -> None:
        self.runs = settings.runs.expanduser().absolute()
        self.datasets = settings.datasets.expanduser().absolute()
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
        """The ids of all run folders, the most recently asked for last; none where the folder cannot be read now."""
        try:
            return self.names()
        except OSError:
            return ()

    def names(self) -> tuple[str, ...]:
        """The same; raises OSError where the folder of runs is there and cannot be read."""
        try:
            with os.scandir(self.runs) as entries:
                names = [entry.name for entry in entries if valid_run_id(entry.name) and entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
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
                self._clear(folder, damaged=error["key"] == "run_corrupt")
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

    def _clear(self, folder: Path, damaged: bool) -> None:
        """Empty the folder; a damaged run, and one that had come to its end, is set aside: somebody may mend it."""
        aside = self.runs / f"{ASIDE}{folder.name}-{time.time_ns()}"
        try:
            with run_lock(folder).acquire(timeout=0):
                kept = damaged or os.path.lexists(folder / RESULT)
                if kept:
                    aside.mkdir()
                for path in folder.iterdir():
                    if path.name in (LOCK, LOG, WANTED, "pinned"):
                        continue
                    if kept:
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
