"""What finished runs made, opened on demand and asked; the last few stay in memory."""

from __future__ import annotations

import importlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.experiments.config import RunConfig

KEPT = 8  # artefacts in memory, under a megabyte each at a lesson's size


class Artefacts:
    """Opens the artefact of any frame of any run by its experiment's ``open``."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int | None], tuple[Any, Any]] = OrderedDict()

    def ask(self, folder: Path, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the run in ``folder`` answers as it was at frame ``at`` (None: finished), and ``ms`` taken.

        Raises CourseError as its experiment does; OSError where the files are gone.
        """
        began = time.perf_counter()
        experiment, artefact = self._artefact(Path(folder), at)
        answer = experiment.answer(artefact, asked)
        return {**answer, "ms": round((time.perf_counter() - began) * 1000, 2)}

    def size(self, config: RunConfig) -> dict[str, Any]:
        """How large a run of ``config`` would be, where its experiment can tell: ``{"parameters": 67_000}``."""
        experiment = importlib.import_module(config.card.module)
        found: dict[str, Any] = experiment.size(config) if hasattr(experiment, "size") else {}
        return found

    def _artefact(self, folder: Path, at: int | None) -> tuple[Any, Any]:
        key = (folder, at)
        if key not in self._kept:
            experiment = importlib.import_module(RunConfig.read(folder).card.module)
            self._kept[key] = (experiment, experiment.open(folder, at))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]
