"""The training loop: one for every neural model. Events come out; no screen, no folder, no clock on the wall inside.

    for event in fit(model, train, settings, seed=1):
        ...   # {"kind": "step", ...} a few times a second, {"kind": "epoch_end", ...} after each epoch

AdamW (Loshchilov & Hutter, ICLR 2019), a learning rate that rises over the first tenth of the steps and falls along a
cosine to zero, gradients clipped to length CLIP. Equal settings and seed give equal weights, bit for bit, on one
thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.training.batches import Windows, epoch_batches, make_windows
from course_lib.training.losses import softmax_loss

TICK = 0.2  # seconds between step events
WARM_UP = 0.1  # share of the steps in which the learning rate rises
CLIP = 0.5  # length that a gradient may have


@dataclass
class Progress:
    """Where a training is: enough, with the model and the optimiser, to go on exactly."""

    epoch: int = 0  # epochs done
    step: int = 0
    targets: int = 0  # targets learned from
    seconds: float = 0.0  # spent in training steps
    losses: list[float] = field(default_factory=list)  # mean loss of each epoch


class Trainer:
    """A model, its data and its optimiser. :meth:`epoch` trains one epoch and yields events."""

    def __init__(self, model: Any, train: Histories, settings: Mapping[str, Any], seed: int) -> None:
        self.model = model
        self.settings = settings
        self.seed = seed
        self.windows: Windows = make_windows(train, model.config.history_length)
        self.steps_per_epoch = math.ceil(len(self.windows.start) / int(settings["batch_size"]))
        self.steps = self.steps_per_epoch * int(settings["epochs"])
        self.progress = Progress()
        decayed = [p for p in model.parameters() if p.ndim >= 2]
        plain = [p for p in model.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=settings["learning_rate"], betas=(0.9, 0.98), fused=True)

    def learning_rate(self, step: int) -> float:
        """The rate of a step: linear warm-up, then a cosine to zero."""
        peak, warm = float(self.settings["learning_rate"]), max(1, int(WARM_UP * self.steps))
        if step < warm:
            return peak * (step + 1) / warm
        return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))

    def epoch(self) -> Iterator[dict[str, Any]]:
        """Trains one epoch; a step event about every TICK seconds. Raises CourseError if the loss is not finite."""
        state, began = self.progress, time.perf_counter()
        before = state.seconds
        torch.manual_seed(self.seed * 1_000_003 + state.epoch)  # dropout
        rng = np.random.default_rng([self.seed, 3, state.epoch])
        self.model.train()
        total, last, recent, recent_targets = 0.0, began, 0.0, 0
        epoch_targets = 0
        for inputs, targets in epoch_batches(self.windows, int(self.settings["batch_size"]), rng):
            loss, count = self.step(torch.from_numpy(inputs), torch.from_numpy(targets))
            if not math.isfinite(loss):
                raise CourseError("training_diverged", step=state.step, rate=self.settings["learning_rate"])
            total, recent = total + loss * count, recent + loss * count
            epoch_targets, recent_targets = epoch_targets + count, recent_targets + count
            state.targets += count
            now = time.perf_counter()
            state.seconds = before + now - began
            if now - last >= TICK:
                yield self._step_event(recent / recent_targets)
                pause = time.perf_counter() - now  # what the listener did is not training time
                began, last, recent, recent_targets = began + pause, now + pause, 0.0, 0
        if recent_targets:
            yield self._step_event(recent / recent_targets)
        state.epoch += 1
        state.losses.append(total / max(epoch_targets, 1))

    def step(self, inputs: Tensor, targets: Tensor) -> tuple[float, int]:
        """One optimiser step on inputs (B, L) and targets (B, L); the mean loss in nats and the number of targets."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(self.progress.step)
        wanted, _ = self.model(inputs)  # (B, L, D)
        asked = targets != 0
        loss = softmax_loss(wanted[asked], self.model.item.weight, self.model.bias, targets[asked])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.progress.step += 1
        return loss.item(), int(asked.sum())

    def _step_event(self, loss: float) -> dict[str, Any]:
        state = self.progress
        return {
            "kind": "step",
            "epoch": state.epoch + 1,
            "step": state.step,
            "loss": round(loss, 5),
            "targets": state.targets,
            "seconds": round(state.seconds, 4),
        }
