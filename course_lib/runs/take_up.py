"""What the folder of runs says to whoever starts: how long runs take, and which of them were under way."""

from __future__ import annotations

import time
from contextlib import suppress

from course_lib.errors import CourseError
from course_lib.runs.durations import Durations
from course_lib.runs.files import is_held
from course_lib.runs.schedule import ANYONE, Job
from course_lib.runs.store import RESUMABLE, RunStore
from course_lib.runs.view import RunView
from course_lib.runs.wanted import Wanted, read_wanted, stamp_of
from course_lib.settings import Settings

MOST_ATTEMPTS = 3  # in a row without a checkpoint, after which a restart does not try again
MEASURED = 50  # finished runs that are read for their durations


def learn_duration(durations: Durations, view: RunView) -> None:
    """Remembers how long a finished run took."""
    if view.config is not None and view.result is not None:
        with suppress(KeyError, TypeError, ValueError, CourseError):  # no total, or an experiment gone
            durations.add(view.config, float(view.result["seconds"]["total"]))


def measured_durations(settings: Settings) -> Durations:
    """How long the last finished runs of an installation took."""
    store, durations = RunStore(settings), Durations()
    for run_id in store.list()[-MEASURED:]:
        learn_duration(durations, store.view(run_id))
    return durations


def take_up(store: RunStore, run_id: str) -> tuple[Job | None, CourseError | None]:
    """The job of a run that was under way, and why it cannot go on; no job for one that had ended.

    One that had ended and was asked for again since is under way.
    """
    reading = store.read(run_id)
    view, config, folder = reading.view, reading.view.config, store.folder(run_id)
    if config is None or view.state == "finished":
        return None, None
    try:
        stamp, wanted = stamp_of(folder), read_wanted(folder)
    except OSError:  # it cannot be told now; a later look may
        return None, None
    asked_again = bool(wanted.learners) and (view.state == "stopped" or _may_go_on(view, wanted, reading.told_at))
    if not view.live and not asked_again:
        return None, None
    learners, since = dict(wanted.learners) or {ANYONE: None}, wanted.since or time.time()
    job = Job(run_id, config, learners, since, reading.attempts + 1, first=wanted.first, noted=stamp)
    if is_held(folder):
        job.phase, job.attempt = "elsewhere", 0
        return job, None
    try:
        config.checked()
    except CourseError as error:
        return job, error
    ends_its_process = reading.without_checkpoint >= MOST_ATTEMPTS
    return job, CourseError("worker_died") if ends_its_process else None


def _may_go_on(view: RunView, wanted: Wanted, told_at: float) -> bool:
    return view.error is not None and view.error["key"] in RESUMABLE and wanted.since > told_at
