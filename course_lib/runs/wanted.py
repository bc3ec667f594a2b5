"""Who wants a run: a small file in its folder, the one truth for all web processes that share a home.

What one process writes the others see within a quarter of a second, so that Stop reaches the process that trains, and
what is queued by one is queued by all. It outlives a restart, and goes when the run ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock

from course_lib.runs.files import read_object, write_whole

WANTED = "wanted.json"  # in a run's folder; not a part of the run
LOCK = ".wanted.lock"  # in the folder of runs: held for a moment by whoever changes one of them
PATIENCE_S = 2.0
Stamp = tuple[int, int]  # changes with the file: its inode, and its time in nanoseconds


@dataclass(frozen=True)
class Wanted:
    """Who wants one run."""

    learners: Mapping[str, float | None] = field(default_factory=dict)  # the longest seconds of each; None: no limit
    since: float = 0.0  # unix seconds of the first request
    first: float = 0.0  # put before all others: unix seconds of when; 0: not
    heeded: bool = False  # the process that trains it looks here; the command line does not

    def joined(self, learner: str, longest_s: float | None, since: float) -> Wanted:
        """With one more learner, or the learner's new limit."""
        return replace(self, learners={**self.learners, learner: longest_s}, since=self.since or since)

    def without(self, learner: str) -> Wanted:
        """Without one learner."""
        return replace(self, learners={one: s for one, s in self.learners.items() if one != learner})


def read_wanted(folder: Path) -> Wanted:
    """Who wants the run; nobody where the file is missing or damaged. Raises OSError where it cannot be read now."""
    try:
        record = read_object(folder / WANTED)
        limits = record.get("seconds", {})
        learners = {str(one): None if limits.get(one) is None else float(limits[one]) for one in record["learners"]}
        first, heeded = float(record.get("first", 0.0)), bool(record.get("heeded", False))
        return Wanted(learners, float(record["since"]), first, heeded)
    except (FileNotFoundError, NotADirectoryError, AttributeError, KeyError, TypeError, ValueError):
        return Wanted()


def change_wanted(folder: Path, change: Callable[[Wanted], Wanted]) -> tuple[Wanted, Stamp | None]:
    """Change who wants the run, one process after another; what is so now, and its stamp. Raises OSError."""
    with FileLock(folder.parent / LOCK, poll_interval=0.005, thread_local=False).acquire(timeout=PATIENCE_S):
        before = read_wanted(folder)
        after = change(before)
        if not after.learners:
            (folder / WANTED).unlink(missing_ok=True)
        elif after != before:
            limits = {one: seconds for one, seconds in after.learners.items() if seconds is not None}
            record = {"learners": list(after.learners), "seconds": limits, "since": after.since}
            more = {"first": after.first, "heeded": after.heeded}
            write_whole(folder / WANTED, json.dumps({**record, **more}, ensure_ascii=False), sync=False)
        return after, stamp_of(folder)


def stamp_of(folder: Path) -> Stamp | None:
    """Changes whenever somebody changes who wants the run; None where nobody does. Raises OSError."""
    try:
        stat = os.stat(folder / WANTED)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_ino, stat.st_mtime_ns
