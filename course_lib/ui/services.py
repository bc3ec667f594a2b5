"""What all learners of one server share: the training runs, the uploads and the course's memory.

They are made once per process, at the first call from any thread, and never hold a learner's own state.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from course_lib.settings import Settings, load_settings

if TYPE_CHECKING:
    from course_lib.course.store import Store
    from course_lib.runs.interface import Runs
    from course_lib.runs.store import RunStore
    from course_lib.ui.uploads import Uploads

_lock = threading.RLock()
_runs: dict[Settings, Runs] = {}
_stores: dict[str, Store] = {}
_uploads: dict[Settings, Uploads] = {}


def runs() -> Runs:
    """What starts, watches and stops training; one set of workers per process. Raises CourseError."""
    from course_lib.runs.local import LocalRuns

    settings = load_settings()
    with _lock:
        if settings not in _runs:
            _runs[settings] = LocalRuns(settings)
        return _runs[settings]


def run_store() -> RunStore:
    """The run folders themselves, for what needs no worker: keeping and deleting them."""
    from course_lib.runs.store import RunStore

    return RunStore(load_settings())


def uploads() -> Uploads:
    """What takes in the learners' own files; one for each process."""
    from course_lib.ui.uploads import Uploads

    settings = load_settings()
    with _lock:
        if settings not in _uploads:
            _uploads[settings] = Uploads(settings)
        return _uploads[settings]


def store() -> Store:
    """The course's memory: answers, guesses, progress. Raises CourseError when the database cannot be used."""
    from course_lib.course.store import open_store

    url = load_settings().database_url
    with _lock:
        if url not in _stores:
            _stores[url] = open_store(url)
        return _stores[url]


def close() -> None:
    """Ends the workers; called when the server stops."""
    with _lock:
        while _uploads:
            _uploads.popitem()[1].close()
        while _runs:
            _runs.popitem()[1].close()
        while _stores:
            _stores.popitem()[1].close()
