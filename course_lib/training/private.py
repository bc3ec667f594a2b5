r"""DP-SGD per shopper: nobody moves a step by more than C, and noise hides whoever moved it.

    g_u     = gradient of shopper u's own mean loss
    step    = ( sum over the drawn u of g_u min(1, C / |g_u|)  +  sigma C normal ) / lot

The weights then go the way of Adam on these steps; whatever is computed from a private step stays private. Each shopper
is drawn with chance q = lot / N at every step. Source: Abadi et al., Deep Learning with Differential Privacy, CCS 2016.
Without clipping and noise the step is the ordinary gradient of the mean loss (a test says so).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, grad, vmap

from course_lib.data.histories import Histories
from course_lib.evaluation.likelihood import own_losses

Gradients = dict[str, Tensor]
CHUNK = 64  # shoppers whose own gradients exist at once: they stay in the processor's cache
BETAS = (0.9, 0.98)
WARM = 5  # steps in which the rate rises
NEVER = -1e9  # padding's score: a finite one, for gradients


def loss_of(model: Any, weights: Gradients, windows: Tensor) -> Tensor:
    """(B,) the shoppers' own mean losses with ``weights``; ``windows`` (B, L + 1) are padded histories."""
    inputs, targets = windows[:, :-1], windows[:, 1:]
    wanted, _ = functional_call(model, weights, (inputs,))
    logits = wanted @ weights["item.weight"].T + weights["bias"]
    padding = torch.zeros(logits.shape[-1])
    padding[0] = NEVER
    return own_losses(logits + padding, inputs, targets)


def weights_of(model: Any) -> Gradients:
    """The weights by name, without their history."""
    return {name: one.detach() for name, one in model.named_parameters()}


def per_shopper(model: Any) -> Callable[[Gradients, Tensor], Gradients]:
    """``(weights, windows (B, L + 1))`` to each shopper's own gradient: every tensor gets a first axis B."""

    def alone(weights: Gradients, window: Tensor) -> Tensor:
        return loss_of(model, weights, window[None])[0]

    found: Callable[[Gradients, Tensor], Gradients] = vmap(grad(alone), in_dims=(None, 0))
    return found


def clipped_sum(gradients: Gradients, length: float) -> tuple[Gradients, Tensor]:
    """The sum over B shoppers of gradients no longer than ``length``, and (B,) how long they were."""
    lengths = torch.stack([one.flatten(1).square().sum(1) for one in gradients.values()]).sum(0).sqrt()
    factor = (length / lengths.clamp(min=1e-12)).clamp(max=1.0)
    return {name: torch.tensordot(factor, one, 1) for name, one in gradients.items()}, lengths


@dataclass
class PrivateTrainer:
    """A model, its shoppers and its optimiser. ``clip`` None: ordinary gradients, and then no noise."""

    model: Any
    shoppers: Histories
    steps: int
    lot: int
    rate: float  # of learning
    clip: float | None
    noise: float  # sigma
    seed: int
    step: int = 0
    lengths: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # of the last step's gradients

    def __post_init__(self) -> None:
        length = int(self.model.config.history_length)
        self._windows = torch.from_numpy(self.shoppers.padded(length + 1))
        self._sizes = np.minimum(self.shoppers.lengths, length + 1)
        self._random = torch.Generator().manual_seed(self.seed)
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=self.rate, betas=BETAS)

    @functools.cached_property
    def _own(self) -> Callable[[Gradients, Tensor], Gradients]:
        return per_shopper(self.model)

    @property
    def chance(self) -> float:
        """q, that a shopper is drawn for a step."""
        return self.lot / len(self.shoppers)

    def go(self) -> float:
        """One step; the mean loss of the drawn shoppers where it is known, else their mean gradient's length."""
        drawn = np.flatnonzero(torch.rand(len(self.shoppers), generator=self._random).numpy() < self.chance)
        drawn = drawn[np.argsort(self._sizes[drawn], kind="stable")]
        total = self._plain(drawn) if self.clip is None else self._private(drawn, self.clip)
        warmed = min(1.0, (self.step + 1) / WARM) * (1 - self.step / self.steps)
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate * warmed
        for name, one in self.model.named_parameters():
            one.grad = total[name] / self.lot
        self._optimizer.step()
        self.step += 1
        return float(self.lengths.mean()) if len(self.lengths) else 0.0

    def _plain(self, drawn: NDArray[np.int64]) -> Gradients:
        """The ordinary gradient of the sum of the shoppers' losses."""
        self.model.zero_grad(set_to_none=True)
        own = dict(self.model.named_parameters())
        for some in self._chunks(drawn, 4 * CHUNK):
            loss_of(self.model, own, some).sum().backward()  # type: ignore[no-untyped-call]
        return {
            name: torch.zeros_like(one) if one.grad is None else one.grad.clone()
            for name, one in self.model.named_parameters()
        }

    def _private(self, drawn: NDArray[np.int64], clip: float) -> Gradients:
        weights = weights_of(self.model)
        total = {name: torch.zeros_like(one) for name, one in weights.items()}
        lengths = []
        for some in self._chunks(drawn, CHUNK):
            clipped, own = clipped_sum(self._own(weights, some), clip)
            lengths.append(own.double().numpy())
            for name, one in clipped.items():
                total[name] += one
        self.lengths = np.concatenate(lengths) if lengths else np.zeros(0)
        if self.noise > 0:
            for one in total.values():
                one += torch.randn(one.shape, generator=self._random) * self.noise * clip
        return total

    def _chunks(self, drawn: NDArray[np.int64], size: int) -> list[Tensor]:
        """The windows of the drawn shoppers, shortest first, no wider than the longest of a chunk."""
        parts = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        return [self._windows[part][:, -max(int(self._sizes[part].max()), 2) :] for part in parts]
