"""Where a run can go on after an interruption: the weights, the optimiser's state and the count of steps, no pickle.

Written at the end of each epoch. Everything random is drawn from the seed and the number of the epoch, so a run that
was interrupted and resumed ends in the same weights, bit for bit.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from course_lib.training.loop import Progress, Trainer

FILE = "checkpoint.safetensors"


def save_checkpoint(folder: Path, trainer: Trainer) -> None:
    """Replaces the checkpoint in ``folder`` by the present state, atomically."""
    tensors: dict[str, Tensor] = {f"model.{name}": value for name, value in trainer.model.state_dict().items()}
    if trainer.average is not None:
        tensors |= {f"average.{name}": value for name, value in trainer.average.weights.items()}
    for kind, optimizer in _optimizers(trainer).items():
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{kind}.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    draft = folder / f".{FILE}"
    save_file(tensors, draft, metadata={"progress": json.dumps(asdict(trainer.progress))})
    os.replace(draft, folder / FILE)


def load_checkpoint(folder: Path, trainer: Trainer) -> bool:
    """Brings ``trainer`` to the state in ``folder``; False, and nothing done, where there is none."""
    if not (folder / FILE).exists():
        return False
    weights: dict[str, Tensor] = {}
    average: dict[str, Tensor] = {}
    states: dict[str, dict[int, dict[str, Tensor | int]]] = {}
    with safe_open(folder / FILE, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (safe_open is no dict)
            kind, rest = name.split(".", 1)
            if kind == "model":
                weights[rest] = file.get_tensor(name)
            elif kind == "average":
                average[rest] = file.get_tensor(name)
            else:
                number, key = rest.split(".", 1)
                value = file.get_tensor(name)
                kept = value if value.is_floating_point() else int(value)  # RowAdam counts steps in a plain number
                states.setdefault(kind, {}).setdefault(int(number), {})[key] = kept
        progress = json.loads(file.metadata()["progress"])
    trainer.model.load_state_dict(weights)
    if trainer.average is not None:
        trainer.average.restore(average)
    for kind, optimizer in _optimizers(trainer).items():
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": states.get(kind, {}), "param_groups": groups})
    trainer.progress = Progress(**progress)
    return True


def _optimizers(trainer: Trainer) -> dict[str, torch.optim.Optimizer]:
    """The optimisers that a training has, by their name in the file."""
    return {"optimizer": trainer.optimizer} | ({"rows": trainer.rows} if trainer.rows else {})


def remove_checkpoint(folder: Path) -> None:
    """A finished run needs none."""
    (folder / FILE).unlink(missing_ok=True)


def one_thread() -> None:
    """One thread a training process: two on a busy core wait for each other at every barrier (20 times slower)."""
    torch.set_num_threads(1)
