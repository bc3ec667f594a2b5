"""One run's folder as it is read: each byte of its events once, however many watch.

Tolerant: a last line that is still being written waits for its end; a damaged file makes the run "failed" with a
sentence, never a traceback. Damaged is what was read and is wrong: where the system cannot read now (no descriptors, no
memory, no permission, a disk that does not answer), a run stays what it was.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from course_lib.errors import CourseError
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.runs.files import EVENTS, RESULT, read_object
from course_lib.runs.view import ENDED, EventFold, RunView


@dataclass(frozen=True)
class Reading:
    """A run's folder as read: the view, and what only the scheduler wants to know."""

    view: RunView
    attempts: int = 0  # "started" events
    without_checkpoint: int = 0  # attempts in a row that kept nothing to go on from
    said: bool = False  # the events say that it has finished
    spent_s: float = 0.0  # seconds on the clock that all attempts have trained
    told_at: float = 0.0  # unix seconds of the last event
    went_on: bool = False  # the last attempt has gone on from a checkpoint


class RunReader:
    """Reads one run's folder, each byte of its events once. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events = str(folder / EVENTS)
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None  # the events as they were when last read
        # What others are told: a whole reading and the events that it is of, None where it must be read again. They
        # are told without the lock, so it is replaced at once and never while a reading is under way.
        self._told: tuple[tuple[int, int, int] | None, Reading] = (None, Reading(RunView(folder.name, "missing")))
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
            of, told = self._told
            if of is not None and of == self._look():
                return told
            with self._lock:
                return self._read()
        except (OSError, MemoryError) as problem:
            return self._unreadable(problem)

    def _look(self) -> tuple[int, int, int]:
        """Inode, size and time of the events."""
        try:
            stat = os.stat(self._events)
        except (FileNotFoundError, NotADirectoryError):  # queued and not yet begun, or not there at all
            return (0, 0, 0)
        return stat.st_ino, stat.st_size, stat.st_mtime_ns

    def _read(self) -> Reading:
        seen = self._look()  # with the lock: a look from before would be older than what another has read since
        if seen == self._seen and self._loaded:
            return self._reading
        damaged = self._is_damaged()
        if seen[1] < self._offset or damaged or (self._seen and self._seen[0] not in (0, seen[0])):
            self._reset()  # begun afresh by someone
        first = self._offset
        try:
            self._reading = self._update()
            if self._is_damaged() and first:  # perhaps another file under the same inode: judge it from its beginning
                self._reset()
                self._reading = self._update()
        except (OSError, MemoryError):
            self._reset()  # what was folded may be half a line: the next reading begins anew
            self._seen, self._told = None, (None, self._told[1])
            raise
        self._seen = seen
        self._told = (seen if self._loaded else None, self._reading)
        return self._reading

    def _is_damaged(self) -> bool:
        error = self._reading.view.error
        return error is not None and error["key"] == "run_corrupt"

    def _unreadable(self, problem: Exception) -> Reading:
        """The run as it was when it could be read last; a sentence where it never was."""
        told = self._told[1]
        if told.view.state != "missing":
            return told
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
        if not changed and self._result is not None and self._reading.view.result is self._result:
            return self._reading  # the last lines came between the look at the file and its reading: all is known
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
        return Reading(view, fold.attempts, fold.without_checkpoint, said, fold.spent_s, fold.told_at, fold.went_on)

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
