"""Whose a run is: nobody's, for equal configurations are trained once for all, unless it was made of private data.

A learner's own dataset, its tables and the runs on it can be read by that learner alone. The registry's name of such a
dataset holds a mark made from its owner (course_lib/data/intake/store.py), so a run's configuration says whose it is,
also after the dataset has been deleted. To everybody else the run is missing, with nothing said of what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.data.intake.store import public_name
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.interface import Runs, RunSize
from course_lib.runs.view import RunView

HERE = "local"  # the machine's own learner: who uses the command line is that one


def may_read(dataset: str, learner: str) -> bool:
    """Whether a dataset, by its registry's name, is shared or ``learner``'s own."""
    name, mark, _ = dataset.partition("~")
    return not mark or public_name(name, learner) == dataset


def check_readable(datasets: Iterable[str], learner: str) -> None:
    """Raises CourseError ``dataset_not_yours`` unless ``learner`` may read all of them."""
    for dataset in datasets:
        if not may_read(dataset, learner):
            raise CourseError("dataset_not_yours", name=dataset.partition("~")[0][:60])


def as_seen(view: RunView, learner: str) -> RunView:
    """The run as ``learner`` may see it: the same, or missing."""
    data = view.config.data.values() if view.config is not None else ()
    return view if all(may_read(one.name, learner) for one in data) else RunView(view.run_id, "missing")


@dataclass(frozen=True)
class LearnersRuns:
    """The runs as one learner may read and start them; every page and callback gets them from here."""

    runs: Runs
    learner: str

    def start(self, config: RunConfig, learner: str, *more: Any, **named: Any) -> str:
        """As :meth:`Runs.start`; raises CourseError ``dataset_not_yours`` too."""
        self._check(config)
        return self.runs.start(config, learner, *more, **named)

    def watch(self, run_id: str) -> RunView:
        """As :meth:`Runs.watch`; a run on somebody else's data is missing."""
        return as_seen(self.runs.watch(run_id), self.learner)

    def stop(self, run_id: str, learner: str) -> None:
        """As :meth:`Runs.stop`."""
        self.runs.stop(run_id, learner)

    def ask(self, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """As :meth:`Runs.ask`; raises CourseError ``run_missing`` for a run on somebody else's data."""
        if self.watch(run_id).state == "missing":
            raise CourseError("run_missing", run=run_id)
        return self.runs.ask(run_id, at, asked)

    def size(self, config: RunConfig) -> RunSize:
        """As :meth:`Runs.size`; raises CourseError ``dataset_not_yours`` too."""
        self._check(config)
        return self.runs.size(config)

    def close(self) -> None:
        """Nothing: the runs are everybody's."""

    def _check(self, config: RunConfig) -> None:
        check_readable((one.name for one in config.data.values()), self.learner)
