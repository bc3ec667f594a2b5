"""Checkpoints: a trainer brought back goes on as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.data.histories import Histories
from course_lib.models.base import untrained
from course_lib.training import checkpoint
from course_lib.training.checkpoint import load_checkpoint, remove_checkpoint, save_checkpoint
from course_lib.training.loop import Trainer

SETTINGS = {"width": 8, "layers": 2, "heads": 2, "history_length": 6, "dropout": 0.2}
TRAINING = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.1}
RNG = np.random.default_rng(0)
TRAIN = Histories.from_lists([RNG.integers(1, 21, RNG.integers(2, 15)).tolist() for _ in range(60)])


def trainer(seed: int = 1, **changed: Any) -> Trainer:
    return Trainer(untrained("sasrec", 20, SETTINGS, seed), TRAIN, {**TRAINING, **changed}, seed)


@pytest.mark.parametrize("loss", ["softmax", "sampled"])
def test_goes_on_exactly(loss: str, tmp_path: Path) -> None:
    """Two epochs, a checkpoint, and two more in a fresh trainer: the weights of four epochs in one go, bit for bit.

    The sampled loss has an optimiser more, and draws that must go on where they were.
    """
    whole, first, second = (trainer(loss=loss, negatives=16) for _ in range(3))
    for _ in range(4):
        list(whole.epoch())
    for _ in range(2):
        list(first.epoch())
    save_checkpoint(tmp_path, first)
    assert load_checkpoint(tmp_path, second)
    assert second.progress == first.progress
    for _ in range(2):
        list(second.epoch())
    for key, value in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[key], value), key
    assert second.progress.losses == whole.progress.losses
    assert second.progress.step == whole.progress.step


def test_the_optimiser_comes_back_too(tmp_path: Path) -> None:
    first, second = trainer(), trainer()
    list(first.epoch())
    save_checkpoint(tmp_path, first)
    load_checkpoint(tmp_path, second)
    expected, found = (one.optimizer.state_dict() for one in (first, second))
    assert found["state"].keys() == expected["state"].keys()
    for number, state in expected["state"].items():
        assert state.keys() == found["state"][number].keys()
        for key, value in state.items():
            assert torch.equal(found["state"][number][key], value), (number, key)
    assert [group["weight_decay"] for group in found["param_groups"]] == [0.1, 0.0]


def test_no_checkpoint_changes_nothing(tmp_path: Path) -> None:
    training = trainer()
    before = {key: value.clone() for key, value in training.model.state_dict().items()}
    assert not load_checkpoint(tmp_path, training)
    assert all(torch.equal(training.model.state_dict()[key], value) for key, value in before.items())
    assert training.progress.step == 0


def test_replaced_whole_and_removed(tmp_path: Path) -> None:
    training = trainer()
    list(training.epoch())
    save_checkpoint(tmp_path, training)
    list(training.epoch())
    save_checkpoint(tmp_path, training)
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.FILE]
    fresh = trainer()
    load_checkpoint(tmp_path, fresh)
    assert fresh.progress.epoch == 2
    remove_checkpoint(tmp_path)
    remove_checkpoint(tmp_path)  # none there: nothing to do
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_says_no_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = trainer()
    list(training.epoch())
    save_checkpoint(tmp_path, training)
    kept = (tmp_path / checkpoint.FILE).read_bytes()

    def half(tensors: object, path: Path, metadata: object = None) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(tmp_path, training)
    assert (tmp_path / checkpoint.FILE).read_bytes() == kept
