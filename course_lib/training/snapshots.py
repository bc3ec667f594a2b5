"""What is kept of each epoch, so that a learner can go back and forth: the weights, and what the page draws."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file

from course_lib.data.histories import Holdout
from course_lib.explain.projection import Points, project
from course_lib.explain.reading import read_history, read_matrix

SHOPPERS = 5


class Snapshots:
    """Writes ``epochs/000``, ``epochs/001``, ... in a run folder."""

    def __init__(self, folder: Path, model: Any, test: Holdout, rows: Sequence[int]) -> None:
        self.folder = folder / "epochs"
        self.model = model
        self.shoppers = [(int(test.users[n]), test.histories[n].tolist(), int(test.targets[n])) for n in rows]
        self._before: Points | None = None

    def resume(self, epoch: int) -> None:
        """Takes up the map where the snapshot of ``epoch`` left it."""
        record = json.loads((self._place(epoch) / "view.json").read_text(encoding="utf-8"))["map"]
        self._before = np.stack([record["x"], record["y"]], axis=1)

    def restore(self, epoch: int) -> None:
        """Gives the model the weights that it had after ``epoch``."""
        self.model.load_state_dict(load_file(self._place(epoch) / "weights.safetensors"))

    def write(self, epoch: int) -> None:
        """Writes one epoch's snapshot, whole or not at all."""
        self._before = project(self.model.item.weight.detach().numpy()[1:], self._before)
        length = int(self.model.config.history_length)
        shoppers = [
            {
                "user": user,
                "history": history[-length:],
                "target": target,
                **read_history(self.model, history),
                "matrix": read_matrix(self.model, history),
            }
            for user, history, target in self.shoppers
        ]
        x, y = np.round(self._before, 4).T.tolist()
        view = {"epoch": epoch, "shoppers": shoppers, "map": {"x": x, "y": y}}

        self.folder.mkdir(exist_ok=True)
        if epoch == 0:
            self.model.config.to_json_file(self.folder / "config.json")
        draft = self.folder / f".{epoch:03d}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        save_file(dict(self.model.state_dict()), draft / "weights.safetensors")
        (draft / "view.json").write_text(json.dumps(view, separators=(",", ":")), encoding="utf-8")
        shutil.rmtree(self._place(epoch), ignore_errors=True)
        os.replace(draft, self._place(epoch))

    def _place(self, epoch: int) -> Path:
        return self.folder / f"{epoch:03d}"


def shoppers_to_follow(test: Holdout) -> list[int]:
    """Rows of the shoppers that snapshots follow: users 0 to 4 where all are asked (the shop's personas), else five
    whose histories are short, middling and long."""
    first = np.flatnonzero(test.users < SHOPPERS)
    if len(first) == SHOPPERS:
        return [int(n) for n in first]
    order = np.argsort(test.histories.lengths, kind="stable")
    places = np.linspace(0.1, 0.9, SHOPPERS) * (len(order) - 1)
    return [int(order[int(place)]) for place in places]
