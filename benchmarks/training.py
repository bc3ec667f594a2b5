"""A training as the benchmarks make it: checked settings, one thread unless more are asked for, no frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from course_lib.data.histories import Histories
from course_lib.models.catalogue import check_settings, model_card
from course_lib.training.settings import loop_settings

if TYPE_CHECKING:
    from course_lib.experiments.config import RunConfig
    from course_lib.training.loop import Trainer


def trainer_of(
    model: str,
    num_items: int,
    train: Histories,
    settings: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    threads: int = 1,
) -> Trainer:
    """A fresh training; what ``settings`` and ``training`` leave out is the model's default. Raises CourseError."""
    import torch

    from course_lib.models.base import untrained
    from course_lib.training.loop import Trainer

    torch.set_num_threads(threads)
    own = check_settings(model, model_card(model).settings, settings)
    loop = check_settings("training", loop_settings(model), training)
    return Trainer(untrained(model, num_items, own, seed), train, loop, seed)


def split_settings(config: RunConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run's settings: those of its model, and those of the training loop."""
    model = str(config.settings["model"])
    known = model_card(model).settings, loop_settings(model)
    own, loop = ({name: config.settings[name] for name in some} for some in known)
    return own, loop


def finish(trainer: Trainer) -> Trainer:
    """All epochs."""
    for _ in range(int(trainer.settings["epochs"])):
        for _ in trainer.epoch():
            pass
    return trainer
