"""Carries out a run in this process: what the command line does. Same folder, lock and events as a worker's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event
from course_lib.runs.execute import Perform, carry_out
from course_lib.runs.files import EVENTS, is_held
from course_lib.runs.housekeeping import Housekeeping
from course_lib.runs.store import RunStore
from course_lib.runs.wanted import change_wanted
from course_lib.settings import Settings

POLL_S = 0.1


def run_here(
    config: RunConfig, settings: Settings, on_event: Callable[[Event], None], perform: Perform | None = None
) -> dict[str, Any]:
    """Train ``config`` unless that is done already; returns what ``result.json`` says.

    A finished run is returned at once, an unfinished one goes on from its checkpoint, and one that another process
    trains is watched to its end (and taken over if that process leaves it). ``on_event`` sees every event.
    ``perform`` is the training, by default the course's own. Raises CourseError; Ctrl-C stops the run and is raised.
    """
    if perform is None:
        from course_lib.runs.worker import course_perform  # torch is loaded when the training begins

        perform = course_perform
    config = config.checked()
    run_id = config.run_id
    store = RunStore(settings)
    if (result := store.view(run_id).result) is not None:
        store.touch(run_id)
        return result
    store.check_writable()
    Housekeeping(store).make_room([run_id])
    folder = store.open_run(config)
    while True:
        before = store.read(run_id)
        if is_held(folder):
            for event in follow(folder):
                on_event(event)
            after = store.read(run_id)
            error = after.view.error if after.attempts > before.attempts or not before.view.error else None
        else:
            with suppress(OSError):  # Stop on a page does not reach a command: whoever presses it is told
                change_wanted(folder, lambda wanted: replace(wanted, heeded=False))
            error = carry_out(folder, perform, lambda: "go on", on_event).error
        if (result := store.view(run_id).result) is not None:
            store.evict(keep=[run_id])
            return result
        if error is not None:
            raise CourseError.from_dict(error)


def follow(folder: Path) -> Iterator[Event]:
    """The events of a run that another process trains, from the first on, until that process lets go of it."""
    offset = 0
    while True:
        held = is_held(folder)  # first: what it writes before it lets go is read below
        try:
            with (folder / EVENTS).open("rb") as file:
                file.seek(offset)
                text = file.read()
        except FileNotFoundError:
            text = b""
        end = text.rfind(b"\n") + 1
        offset += end
        for line in text[:end].splitlines():
            yield json.loads(line)
        if not held:
            return
        time.sleep(POLL_S)
