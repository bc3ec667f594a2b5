"""The resident predictor: answers for any epoch of any run, with the last few models kept in memory."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from course_lib.explain.reading import read_history
from course_lib.models.base import model_class

KEPT = 8  # models in memory, under a megabyte each at the lesson's size


class Predictor:
    """Loads models from run folders on demand."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._models: OrderedDict[tuple[Path, int | None], Any] = OrderedDict()

    def predict(self, folder: Path, epoch: int | None, history: Sequence[int], k: int = 10) -> dict[str, Any]:
        """What :func:`read_history` says for the run in ``folder`` after ``epoch`` (None: the finished model).

        Adds ``ms``, milliseconds taken. Raises CourseError for unknown products; OSError where the files are gone.
        """
        began = time.perf_counter()
        answer = read_history(self._model(Path(folder), epoch), history, k)
        return {**answer, "ms": round((time.perf_counter() - began) * 1000, 2)}

    def _model(self, folder: Path, epoch: int | None) -> Any:
        key = (folder, epoch)
        if key not in self._models:
            self._models[key] = load_model(folder, epoch)
        self._models.move_to_end(key)
        while len(self._models) > KEPT:
            self._models.popitem(last=False)
        return self._models[key]


def load_model(folder: Path, epoch: int | None = None) -> Any:
    """The finished model of a run, or the model after one epoch (0: before training)."""
    made = folder / ("epochs" if epoch is not None else "model") / "config.json"
    kind = model_class(json.loads(made.read_text(encoding="utf-8"))["model_type"])
    if epoch is None:
        return kind.load(folder / "model")
    model = kind(kind.config_class.from_json_file(made))
    model.load_state_dict(load_file(folder / "epochs" / f"{epoch:03d}" / "weights.safetensors"))
    return model
