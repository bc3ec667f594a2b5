"""One run of next_item on the smallest shop, trained once and read by many tests."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Split
from course_lib.data.splits import leave_one_out
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder, frame_folder
from course_lib.training.checkpoint import one_thread

SETTINGS = {
    **{"width": 16, "layers": 1, "heads": 2, "history_length": 10, "dropout": 0.1},
    **{"epochs": 3, "batch_size": 32, "learning_rate": 0.02, "weight_decay": 0.01},
}


@dataclass(frozen=True)
class Run:
    """A run's folder and the events that made it."""

    folder: Path
    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind, in order."""
        return [event for event in self.events if event["kind"] == kind]

    def ends(self) -> list[dict[str, Any]]:
        """The scores before training and after each epoch."""
        return [event for event in self.of("score") if event["epoch"] == int(event["epoch"])]

    def frame(self, epoch: int) -> Path:
        """The folder of the frame after ``epoch``."""
        (at,) = (event["at"] for event in self.of("frame") if event["epoch"] == epoch)
        return frame_folder(self.folder, at)

    def view(self, epoch: int) -> dict[str, Any]:
        """What a page draws of the frame after an epoch."""
        record: dict[str, Any] = json.loads((self.frame(epoch) / "view.json").read_text(encoding="utf-8"))
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


def begin(folder: Path, seed: int = 1, **changed: Any) -> Iterator[Event]:
    """``run`` with this file's settings, some of them changed; nothing runs before the first event is asked for."""
    return start(
        RunConfig.make(data={"dataset": ("shop", "tiny")}, settings={**SETTINGS, **changed}, seed=seed), folder
    )


def start(config: RunConfig, folder: Path) -> Generator[Event, None, None]:
    """A run of ``config`` in ``folder``, which is one that an artefact can be opened from."""
    from course_lib.experiments import next_item

    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    yield from next_item.run(config, Folder(folder))


@pytest.fixture(scope="session")
def start_run() -> Any:
    """The function ``start_run(folder, epochs=..., seed=...)`` that begins a run."""
    return begin


@pytest.fixture(scope="session")
def start_config() -> Any:
    """The function ``start_config(config, folder)`` that begins a run of any configuration."""
    return start


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run."""
    folder = tmp_path_factory.mktemp("run")
    return Run(folder, list(begin(folder)))
