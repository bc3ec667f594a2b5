"""What an experiment tells while it runs, and where it keeps what can be looked at afterwards.

yield plan(step=560, score=17)                    # what is to come, by kind: progress and time left follow from it
yield {"kind": "step", "at": 12, "loss": 3.1}     # any kind of its own; with "at" a repeated one replaces the first
yield folder.frame(3, view, weights, epoch=0.25)  # what the slider scrubs
yield result(measures, parameters=67_000)         # the last one
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from torch import Tensor

Event = dict[str, Any]
VIEW, WEIGHTS = "view.json", "weights.safetensors"  # in a frame's folder
ANSWERS = "answers.json"  # in a run's folder: [{"asked", "answer"}]


def plan(like: Mapping[str, tuple[str, float]] | None = None, **counts: int) -> Event:
    """What is to come: how many events of each kind, the one that progress is measured by first.

    ``like`` says of a kind that comes late how long one of its events takes until one has been seen: ``{"test":
    ("score", 6.0)}`` is six times as long as a ``score``.
    """
    return {"kind": "plan", "counts": counts, "like": {name: list(one) for name, one in (like or {}).items()}}


def result(measures: Mapping[str, Mapping[str, float]], **more: Any) -> Event:
    """The end of a run: each measure with ``value``, ``low`` and ``high``, and whatever else its pictures need."""
    return {"kind": "result", "measures": {name: dict(one) for name, one in measures.items()}, **more}


def exact(value: float) -> dict[str, float]:
    """A measure that is counted, not estimated."""
    return {"value": value, "low": value, "high": value}


def frame_folder(folder: Path, at: int) -> Path:
    """Where frame ``at`` lies in a run's folder: the one place that knows."""
    return folder / "frames" / f"{at:04d}"


class Folder:
    """A run's folder as an experiment sees it: frames, and ``path`` for whatever else it keeps there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def frame(
        self, at: int, view: Mapping[str, Any], weights: Mapping[str, Tensor] | None = None, **more: Any
    ) -> Event:
        """Writes frame ``at``, whole or not at all, and returns its event.

        Args:
            at: its number, from 0 on without a gap.
            view: what pages draw, JSON-ready.
            weights: tensors by name, for questions to the artefact as it was then.
            more: what the slider says of it, such as the epoch.
        """
        place = frame_folder(self.path, at)
        draft = place.with_name(f".{place.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        if weights is not None:
            from safetensors.torch import save_file

            save_file(dict(weights), draft / WEIGHTS)
        (draft / VIEW).write_text(json.dumps(view, separators=(",", ":")), encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        os.replace(draft, place)
        return {"kind": "frame", "at": at, **more}

    def keep_answers(self, answers: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Keeps a few questions with what the finished artefact answers, so that whoever takes it home can compare."""
        record = [{"asked": asked, "answer": answer} for asked, answer in answers]
        (self.path / ANSWERS).write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")

    def view(self, at: int) -> dict[str, Any]:
        """What :meth:`frame` wrote; raises CourseError ``frame_missing`` or ``run_corrupt``."""
        path = frame_folder(self.path, at) / VIEW
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CourseError("frame_missing", run=self.path.name, frame=at) from None
        except (OSError, ValueError) as problem:
            raise CourseError("run_corrupt", run=self.path.name, file=f"frames/{at:04d}/{VIEW}") from problem
        if not isinstance(record, dict):
            raise CourseError("run_corrupt", run=self.path.name, file=f"frames/{at:04d}/{VIEW}")
        return record

    def weights(self, at: int) -> dict[str, Tensor]:
        """The tensors of frame ``at``; raises CourseError ``frame_missing``."""
        from safetensors.torch import load_file

        path = frame_folder(self.path, at) / WEIGHTS
        if not path.is_file():
            raise CourseError("frame_missing", run=self.path.name, frame=at)
        tensors: dict[str, Tensor] = load_file(path)
        return tensors
