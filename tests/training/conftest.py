"""One run of the smallest shop, trained once and read by many tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Split
from course_lib.data.splits import leave_one_out
from course_lib.training.checkpoint import one_thread
from course_lib.training.settings import SETTINGS as LOOP

SETTINGS = {"width": 16, "layers": 1, "heads": 2, "history_length": 10, "dropout": 0.1}
TRAINING = {"epochs": 3, "batch_size": 32, "learning_rate": 0.02, "weight_decay": 0.01}


@dataclass(frozen=True)
class Run:
    """A run's folder and the events that made it."""

    folder: Path
    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind, in order."""
        return [event for event in self.events if event["kind"] == kind]

    def view(self, epoch: int) -> dict[str, Any]:
        """What a page draws of an epoch."""
        path = self.folder / "epochs" / f"{epoch:03d}" / "view.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record


@pytest.fixture(autouse=True, scope="session")
def single() -> None:
    """As in the workers: equal bits need one order of sums."""
    one_thread()


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """The smallest shop."""
    return registry.load(registry.resolve("shop", "tiny"))


@pytest.fixture(scope="session")
def split(dataset: Dataset) -> Split:
    """Its leave-one-out split."""
    return leave_one_out(dataset)


def begin(folder: Path, **changed: Any) -> Any:
    """``perform`` with this file's settings, some of them changed; nothing runs before the first event is asked for."""
    from course_lib.training.job import perform

    training = {**TRAINING, **{key: value for key, value in changed.items() if key in LOOP}}
    settings = {**SETTINGS, **{key: value for key, value in changed.items() if key in SETTINGS}}
    address = registry.resolve("shop", "tiny")
    return perform(address, "sasrec", settings, training, seed=changed.get("seed", 1), folder=folder)


@pytest.fixture(scope="session")
def start_run() -> Any:
    """The function ``start_run(folder, epochs=..., seed=...)`` that begins a run."""
    return begin


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run."""
    folder = tmp_path_factory.mktemp("run")
    return Run(folder, list(begin(folder)))
