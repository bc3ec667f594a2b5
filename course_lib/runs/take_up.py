"""What the folder of runs says to whoever starts: how long runs take, and which of them were under way."""

from __future__ import annotations

import time
from contextlib import suppress

from course_lib.errors import CourseError
from course_lib.runs.files import is_held, read_wanted
from course_lib.runs.schedule import ANYONE, Durations, Job
from course_lib.runs.store import RunStore
from course_lib.runs.view import RunView
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
    """The job of a run that was under way, and why it cannot go on; no job for one that had ended."""
    reading = store.read(run_id)
    config = reading.view.config
    if not reading.view.live or config is None:
        return None, None
    folder = store.folder(run_id)
    learners, since = read_wanted(folder)
    first = since if since is not None else time.time()
    job = Job(run_id, config, dict.fromkeys(learners or [ANYONE]), first, reading.attempts + 1)
    if is_held(folder):
        job.phase, job.attempt = "elsewhere", 0
        return job, None
    try:
        config.checked()
    except CourseError as error:
        return job, error
    ends_its_process = reading.without_checkpoint >= MOST_ATTEMPTS
    return job, CourseError("worker_died") if ends_its_process else None
