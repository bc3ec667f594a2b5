"""Reads one upload in a process of its own: ``python -m course_lib.data.intake.reader FOLDER``.

A million rows would hold up every page of the web process, and their memory would stay with it. Here both end with the
process. A line of JSON on standard output tells the share that is done; all else is in the folder (upload.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from dataclasses import asdict, replace
from pathlib import Path

from course_lib.data.intake import store, upload
from course_lib.data.intake.layout import Given
from course_lib.data.intake.limits import PAGE, UPLOAD_MEMORY
from course_lib.data.intake.pipeline import look, prepare, scaled
from course_lib.errors import CourseError

PERIOD_S = 0.1  # between two lines


class Told:
    """Tells the share that is done, now and then."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, share: float) -> None:
        """A tick of the intake."""
        now = time.monotonic()
        if now - self._last >= PERIOD_S:
            self._last = now
            try:
                print(json.dumps({"share": round(share, 4)}), flush=True)
            except BrokenPipeError:  # the web process has gone, and nobody wants this any more
                os._exit(1)


def limit_memory(limit: int = UPLOAD_MEMORY) -> None:
    """Makes the system refuse memory beyond ``limit`` bytes, where it can: one upload fails, nobody else suffers."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def work(folder: Path, told: Told) -> None:
    """Looks, guesses, prepares and stages; raises CourseError for whatever the learner can mend."""
    what, file = upload.asked(folder), upload.file_of(folder)
    if what is None or file is None:
        raise CourseError("upload_interrupted")
    limits = replace(PAGE, minimum=what.minimum)
    given = Given(what.encoding, sheet=what.sheet) if what.encoding or what.sheet else None
    found = look(file, "none" if what.plain else "", limits, given, told)
    upload.put(folder / upload.SEEN, asdict(upload.Seen.of(found)))
    made = prepare(found, what.mapping(found), limits, tick=scaled(told, 0.0, 0.97))
    store.stage(made, folder / upload.DATASET)


def main(folder: Path) -> int:
    """0 where the folder tells what became of the upload, good or bad."""
    limit_memory()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # pages come first
    try:
        try:
            work(folder, Told())
        except CourseError as error:
            upload.fail(folder, error)
        except MemoryError:
            upload.fail(folder, CourseError("upload_memory", limit=f"{UPLOAD_MEMORY // 2**20:,}"))
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
