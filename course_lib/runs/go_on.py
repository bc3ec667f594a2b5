"""A finished training made longer, from where it is: the longer run's folder begins as what is left of the shorter one.

Only for runs whose schedule knows no end ("averaged", see training/rate.py): their first epochs are the same however
many are to come, so the longer run ends with the same bits as if it had been trained in one go. To whoever trains it
next it looks like a run that was stopped.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.runs.files import EVENTS, EventWriter, storage_error, write_whole
from course_lib.runs.store import RunStore

CHECKPOINT = "checkpoint.safetensors"  # as training/checkpoint.py, which needs torch, names it
FRAMES = "frames"
CARRIED = ("started", "prepared", "references", "step", "score", "frame", "checkpoint")  # kinds of events that hold


def can_go_on(store: RunStore, run_id: str) -> bool:
    """Whether a run has trained all its epochs, not fewer for want of patience, and kept what it takes to go on."""
    view = store.view(run_id)
    if view.state != "finished" or view.config is None or view.result is None:
        return False
    ended = view.result.get("epochs") == view.config.settings.get("epochs")
    return ended and (store.folder(run_id) / CHECKPOINT).is_file()


def begin_longer(store: RunStore, run_id: str, config: RunConfig) -> None:
    """Prepares the folder of ``config``, the run ``run_id`` with more epochs; nothing where that folder is there.

    Raises CourseError ``cannot_go_on`` where ``run_id`` has not kept what it takes or is another run, and where the
    folder cannot be written.
    """
    before = store.view(run_id).config
    if before is None or not can_go_on(store, run_id) or not _is_longer(before, config):
        raise CourseError("cannot_go_on", run=run_id)
    target = store.folder(config.run_id)
    if (target / CONFIG).exists():
        return
    draft = store.runs / f".longer-{secrets.token_hex(8)}"
    try:
        _fill(store.folder(run_id), draft, config)
        os.replace(draft, target)
    except OSError as problem:
        if (target / CONFIG).exists():  # somebody else was quicker, with the same
            return
        raise storage_error(problem, store.runs.parent) from problem
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    store.forget(config.run_id)


def _is_longer(before: RunConfig, after: RunConfig) -> bool:
    """Whether the two differ in nothing but that ``after`` has more epochs."""
    more = int(after.settings.get("epochs", 0)) > int(before.settings.get("epochs", 0))
    same = {**before.settings, "epochs": 0} == {**after.settings, "epochs": 0}
    rest = (before.experiment, before.data, before.seed, before.code)
    open_end = before.settings.get("schedule") == "averaged"
    return more and same and open_end and rest == (after.experiment, after.data, after.seed, after.code)


def _fill(source: Path, draft: Path, config: RunConfig) -> None:
    """What the shorter run has made, as a run that was stopped: files that are never changed in place, linked."""
    draft.mkdir(parents=True)
    shutil.copytree(source / FRAMES, draft / FRAMES, copy_function=_link)
    _link(str(source / CHECKPOINT), str(draft / CHECKPOINT))
    lines = (source / EVENTS).read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["kind"] in CARRIED]
    (draft / EVENTS).write_bytes(b"".join(kept))
    with EventWriter(draft) as events:
        events.append({"kind": "stopped"})
    write_whole(draft / CONFIG, config.to_json())


def _link(source: str, target: str) -> None:
    """The same file under a second name, or a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
