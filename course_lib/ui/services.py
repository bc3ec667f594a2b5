"""What all learners of one server share: the training runs, the uploads and the course's memory.

They are made once per process, at the first call from any thread, and never hold a learner's own state.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.settings import Settings, load_settings

if TYPE_CHECKING:
    from course_lib.course.store import Store
    from course_lib.runs.interface import Runs
    from course_lib.runs.store import RunStore
    from course_lib.ui.shop_desk import ShopDesk
    from course_lib.ui.uploads import Uploads

PAUSE_S = 2.0  # before a database that could not be opened is tried again

_lock = threading.RLock()
_store_lock = threading.Lock()  # of its own: whoever waits for a database keeps nobody from the runs
_runs: dict[Settings, Runs] = {}
_stores: dict[str, Store] = {}
_unopened: dict[str, tuple[float, CourseError]] = {}  # when, and why
_uploads: dict[Settings, Uploads] = {}
_shop_desks: dict[Settings, ShopDesk] = {}


def runs() -> Runs:
    """What starts, watches and stops training; one set of workers per process. Raises CourseError."""
    from course_lib.runs.make import make_runs

    settings = load_settings()
    with _lock:
        if settings not in _runs:
            _runs[settings] = make_runs(settings)
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


def shop_desk() -> ShopDesk:
    """What makes shops of one's own; one for each process, its processes started when they are first needed."""
    from course_lib.ui.shop_desk import ShopDesk

    settings = load_settings()
    with _lock:
        if settings not in _shop_desks:
            _shop_desks[settings] = ShopDesk(settings)
        return _shop_desks[settings]


def store() -> Store:
    """The course's memory: answers, guesses, progress. Raises CourseError when the database cannot be used.

    A file that was put in the place of the one in use, from a backup for instance, is opened. One that is gone is not
    made anew: that would hide the loss, and whoever moved it may put it back.
    """
    from course_lib.course.store import open_store

    url = load_settings().database_url
    with _store_lock:
        since, error = _unopened.get(url, (0.0, None))
        if error is not None and time.monotonic() - since < PAUSE_S:
            # A server that does not answer would otherwise be waited for by each part of each page.
            raise error.with_traceback(None)
        if url in _stores and _stores[url].replaced:
            _stores.pop(url).close()
        if url not in _stores:
            try:
                _stores[url] = open_store(url)
            except CourseError as problem:
                _unopened[url] = (time.monotonic(), problem)
                raise
            _unopened.pop(url, None)
        return _stores[url]


def close() -> None:
    """Ends the workers; called when the server stops."""
    with _lock:
        while _shop_desks:
            _shop_desks.popitem()[1].close()
        while _uploads:
            _uploads.popitem()[1].close()
        while _runs:
            _runs.popitem()[1].close()
    with _store_lock:
        while _stores:
            _stores.popitem()[1].close()
