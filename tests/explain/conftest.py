"""A run folder as a run leaves it: two snapshots and the finished model, each with other weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.data.histories import Histories, Holdout
from course_lib.training.job import build
from course_lib.training.snapshots import Snapshots

PRODUCTS = 30
SETTINGS = {"width": 16, "layers": 2, "heads": 2, "history_length": 6, "dropout": 0.3}


def make_run(folder: Path, seed: int) -> list[Any]:
    """Writes a run folder; the models of epoch 0, epoch 1 and the finished one."""
    histories = Histories.from_lists([[1, 2, 3], [4, 5], [6], [7, 8, 9, 10], [3, 3]])
    test = Holdout(np.arange(5, dtype=np.int32), histories, np.array([4, 6, 7, 11, 3], np.int32))
    models = [build("sasrec", PRODUCTS, SETTINGS, seed * 10 + n) for n in range(3)]
    for model in models:
        with torch.no_grad():
            model.bias.normal_()
    folder.mkdir(exist_ok=True)
    for epoch in (0, 1):
        Snapshots(folder, models[epoch], test, range(5)).write(epoch)
    models[2].save(folder / "model")
    return models


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """The folder, and its three models in memory."""
    folder = tmp_path_factory.mktemp("run")
    return folder, make_run(folder, 1)


@pytest.fixture
def write_run() -> Any:
    """The function ``write_run(folder, seed)``."""
    return make_run
