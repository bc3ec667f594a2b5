"""Deleting a learner's own dataset with all that was made of it, and the receipt that says what went."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from course_lib.data.intake import store
from course_lib.data.receipts import Receipt
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.store import RunStore
from course_lib.settings import load_settings

PATIENCE_S = 3.0  # for a run that was told to stop
Stop = Callable[[str], None]  # takes the name of a run that is not wanted any more


@dataclass(frozen=True)
class Gone:
    """What one deletion took away."""

    receipt: Receipt
    runs: int  # that were trained on the dataset: they hold histories of its shoppers
    left: int = 0  # runs that had not ended yet, and stay


def remove_dataset(name: str, owner: str, stop: Stop | None = None) -> Gone:
    """Deletes one dataset of a learner and its runs; raises CourseError where it is not there or cannot be deleted."""
    return _with_traces(store.remove(name, owner), stop)


def remove_datasets(owner: str, stop: Stop | None = None) -> tuple[Gone, ...]:
    """Deletes all that a learner has added. Raises CourseError."""
    return tuple(_with_traces(receipt, stop) for receipt in store.remove_all(owner))


def _with_traces(receipt: Receipt, stop: Stop | None) -> Gone:
    """Removes the runs of a dataset that is gone, and what was prepared for them."""
    settings = load_settings()
    runs, key = RunStore(settings), store.public_name(receipt.name, receipt.owner)
    mine = [run_id for run_id in runs.list() if key in _datasets_of(runs, run_id)]
    for run_id in mine:
        if stop is not None and runs.view(run_id).live:
            stop(run_id)
    end = time.monotonic() + PATIENCE_S
    left = [run_id for run_id in mine if not _removed(runs, run_id)]
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = [run_id for run_id in left if not _removed(runs, run_id)]
    for folder in settings.datasets.glob(f"{key}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    return Gone(receipt, len(mine) - len(left), len(left))


def _datasets_of(runs: RunStore, run_id: str) -> set[str]:
    with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
        return {one.name for one in RunConfig.read(runs.folder(run_id)).data.values()}
    return set()


def _removed(runs: RunStore, run_id: str) -> bool:
    try:
        runs.remove(run_id)
    except CourseError as error:
        return error.key == "run_missing"
    return True
