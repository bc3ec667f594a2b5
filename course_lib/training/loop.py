"""The training loop: one for every neural model. Events come out; no screen, no folder, no clock on the wall inside.

    trainer = Trainer(model, train, settings, seed=1)
    for event in trainer.epoch():
        ...   # {"kind": "step", ...} a few times a second

AdamW (Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019), a learning rate that rises and falls
(rate.py), gradients clipped to length CLIP, and the full softmax, or for a large catalogue a sampled one
(negatives.py). Equal settings and seed give equal weights, bit for bit, on one thread.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.training.averages import RunningAverage
from course_lib.training.batches import Windows, epoch_batches, make_windows, masking_of, targets_in_epoch
from course_lib.training.losses import sampled_softmax_loss, softmax_loss
from course_lib.training.negatives import Negatives
from course_lib.training.rate import learning_rate
from course_lib.training.rows import RowAdam, clip
from course_lib.training.settings import DEFAULTS, is_sampled

TICK = 0.2  # seconds between step events
CLIP = 0.5  # length that a gradient may have
BETAS = (0.9, 0.98)


@dataclass
class Progress:
    """Where a training is: enough, with the model and the optimiser, to go on exactly."""

    epoch: int = 0  # epochs done
    step: int = 0
    targets: int = 0  # targets learned from
    seconds: float = 0.0  # spent in training steps
    losses: list[float] = field(default_factory=list)  # mean loss of each epoch
    scores: list[float] = field(default_factory=list)  # validation score before training and after each epoch

    @property
    def best(self) -> int:
        """The first epoch with the highest validation score; 0 is before training."""
        return self.scores.index(max(self.scores))

    def is_enough(self, patience: int) -> bool:
        """Whether ``patience`` epochs have gone by without a better validation score; 0 is patience without end."""
        return 0 < patience <= len(self.scores) - 1 - self.best


class Trainer:
    """A model, its data and its optimiser. :meth:`epoch` trains one epoch and yields events."""

    def __init__(self, model: Any, train: Histories, settings: Mapping[str, Any], seed: int) -> None:
        """``settings`` as in settings.py; what they leave out is as there by default."""
        self.model = model
        self.settings = settings = DEFAULTS | dict(settings)
        self.seed = seed
        self.windows: Windows = make_windows(train, model.config.history_length)
        self.masking = masking_of(model)
        self.targets = targets_in_epoch(self.windows, self.masking)  # in an epoch
        self.steps_per_epoch = math.ceil(len(self.windows.start) / int(settings["batch_size"]))
        self.steps = self.steps_per_epoch * int(settings["epochs"])
        self.progress = Progress()
        peak, decay = float(settings["learning_rate"]), float(settings["weight_decay"])
        self.negatives: Negatives | None = None  # the full softmax needs none
        self.rows: RowAdam | None = None  # moves the products' vectors where the loss is sampled
        if is_sampled(settings["loss"], model.num_items):
            self.negatives = Negatives(train, model.num_items, int(settings["negatives"]))
            self.rows = RowAdam(model.item.weight, peak, BETAS, decay)
            model.item.sparse = True  # its gradient is a list of rows
        others = [p for p in model.parameters() if self.rows is None or p is not model.item.weight]
        decayed = [p for p in others if p.ndim >= 2]
        plain = [p for p in others if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=peak, betas=BETAS, fused=True)
        self.average = RunningAverage(model) if settings["schedule"] == "averaged" else None

    def learning_rate(self, step: int) -> float:
        """The rate of a step."""
        return learning_rate(step, self.steps, float(self.settings["learning_rate"]), str(self.settings["schedule"]))

    def shown(self) -> contextlib.AbstractContextManager[None]:
        """A block in which the model has the weights to look at: their average, where the schedule asks for one."""
        return contextlib.nullcontext() if self.average is None else self.average.shown()

    def epoch(self, pauses: Collection[int] = ()) -> Iterator[dict[str, Any]]:
        """Trains one epoch; a step event about every TICK seconds. Raises CourseError as :meth:`step` does.

        After each step whose number is in ``pauses`` comes ``{"kind": "pause", "step", "loss"}`` with the mean loss
        since the pause before; the listener may look at the model there, which changes nothing in what it learns.
        """
        state, began = self.progress, time.perf_counter()
        before = state.seconds
        torch.manual_seed(self.seed * 1_000_003 + state.epoch)  # dropout
        rng = np.random.default_rng([self.seed, 3, state.epoch])
        self.model.train()
        total, last, recent, recent_targets = 0.0, began, 0.0, 0
        epoch_targets = paused_targets = 0
        paused = 0.0
        for inputs, targets in epoch_batches(self.windows, int(self.settings["batch_size"]), rng, self.masking):
            loss, count = self.step(torch.from_numpy(inputs), torch.from_numpy(targets))
            total, recent = total + loss * count, recent + loss * count
            epoch_targets, recent_targets = epoch_targets + count, recent_targets + count
            state.targets += count
            now = time.perf_counter()
            state.seconds = before + now - began
            pausing = state.step in pauses
            if now - last >= TICK or pausing:
                yield self._step_event(recent / recent_targets)
                if pausing:
                    since = (total - paused) / (epoch_targets - paused_targets)
                    paused, paused_targets = total, epoch_targets
                    yield {"kind": "pause", "step": state.step, "loss": round(since, 5)}
                    self.model.train()  # whoever looked at it has switched dropout off
                waited = time.perf_counter() - now  # what the listener did is not training time
                began, last, recent, recent_targets = began + waited, now + waited, 0.0, 0
        if recent_targets:
            yield self._step_event(recent / recent_targets)
        state.epoch += 1
        state.losses.append(total / max(epoch_targets, 1))

    def step(self, inputs: Tensor, targets: Tensor) -> tuple[float, int]:
        """One optimiser step on inputs (B, L) and targets (B, L); the mean loss in nats and the number of targets.

        Raises CourseError, the weights untouched, where the loss or its gradient is not a finite number.
        """
        rate = self.learning_rate(self.progress.step)
        wanted, _ = self.model(inputs)  # (B, L, D)
        asked = targets != 0
        loss = self._loss(wanted[asked], targets[asked])
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        length, value = clip(self.model.parameters(), CLIP), loss.item()
        self.progress.step += 1
        if not math.isfinite(length) or not math.isfinite(value):
            peak = self.settings["learning_rate"]
            raise CourseError("training_diverged", step=self.progress.step, rate=peak)
        for optimizer in (self.optimizer, self.rows):
            if optimizer is not None:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
        if self.average is not None:
            self.average.take(self.progress.step)
        return value, int(asked.sum())

    def _loss(self, wanted: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of what is wanted (T, D) against the targets (T,)."""
        model = self.model
        if self.negatives is None:
            return softmax_loss(wanted, model.item.weight, model.bias, targets)
        rng = np.random.default_rng([self.seed, 4, self.progress.step])
        return sampled_softmax_loss(wanted, model.item.weight, model.bias, targets, *self.negatives.draw(rng))

    def _step_event(self, loss: float) -> dict[str, Any]:
        state = self.progress
        return {
            "kind": "step",
            "at": state.step,
            "epoch": state.epoch + 1,
            "loss": round(loss, 5),
            "targets": state.targets,
            "seconds": round(state.seconds, 4),
        }
