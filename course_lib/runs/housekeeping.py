"""Keeps the runs within their share of the disk: when to delete old ones, and what to say when nothing may go."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection

from course_lib.errors import CourseError
from course_lib.runs.store import RunStore
from course_lib.runs.view import RunView

WATCHED_S = 30.0  # a run that somebody looked at so recently is deleted last

log = logging.getLogger(__name__)


class Housekeeping:
    """Evicts after each run, and before one where the disk is used up. Called under the owner's lock, but `seen`."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._used: int | None = None  # bytes of all runs, where known
        self._tidy_at: float | None = 0.0  # unix seconds of the next eviction; None: nothing has changed
        self._watched: dict[str, float] = {}  # run id -> monotonic seconds

    def seen(self, view: RunView) -> None:
        """Somebody looks at this run. From any thread."""
        if view.state != "missing":
            self._watched[view.run_id] = time.monotonic()

    def runs_changed(self) -> None:
        """A run has ended: look at the disk soon."""
        self._tidy_at = 0.0

    def _recent(self) -> set[str]:
        since = time.monotonic() - WATCHED_S
        self._watched = {run_id: when for run_id, when in self._watched.copy().items() if when > since}
        return set(self._watched)

    def tidy(self, wanted: Collection[str]) -> None:
        """Delete the oldest runs if it is time and they take too much; those in ``wanted`` stay."""
        if self._tidy_at is None or time.time() < self._tidy_at:
            return
        self._tidy_at = None
        try:
            self._used = self._store.evict(keep={*wanted, *self._recent()})
        except CourseError as error:  # nobody waits for this; whoever starts a run is told
            log.warning("old runs could not be deleted: %s", error)
            return
        if self._used > self._store.limit:  # what is being looked at now can go later
            self._tidy_at = time.time() + WATCHED_S

    def make_room(self, wanted: Collection[str]) -> None:
        """Before a new run: raises CourseError ``runs_full`` where nothing may be deleted to make room for it."""
        if self._used is not None and self._used < self._store.limit:
            return
        self._used = self._store.evict(keep={*wanted, *self._recent()})
        if self._used >= self._store.limit:
            self._used = self._store.evict(keep=set(wanted))
        if self._used >= self._store.limit:
            mib = 2**20
            raise CourseError("runs_full", used=self._used // mib, limit=self._store.limit // mib)
