"""A running average of a model's weights, which scores better than the weights it is taken of, and has no end in view.

    after step k:   average += (WEIGHT + 1) / (k + WEIGHT) * (weights - average)

A constant rate keeps the weights moving about their goal; their average stands still. Later weights count more (the
weight of step k grows like k to the power WEIGHT), so that it is about the last tenth that is averaged, however long
the training already is.

Shamir & Zhang, Stochastic Gradient Descent for Non-smooth Optimization, ICML 2013 (polynomial-decay averaging).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

WEIGHT = 8
NUMBERS = 2**20  # of a model with more, the average is taken every second step, every third, ...: it must cost little


class RunningAverage:
    """The average of a model's parameters, by name."""

    def __init__(self, model: nn.Module) -> None:
        """Begins with the weights as they are."""
        self._own = dict(model.named_parameters())
        self.weights: dict[str, Tensor] = {name: one.detach().clone() for name, one in self._own.items()}
        self.every = 1 + sum(one.numel() for one in self.weights.values()) // NUMBERS  # steps

    @torch.no_grad()
    def take(self, step: int) -> None:
        """Takes in the weights after step ``step``, the first of which is 1."""
        if step % self.every == 0:
            share = (WEIGHT + 1) / (step // self.every + WEIGHT)
            torch._foreach_lerp_(list(self.weights.values()), list(self._own.values()), share)

    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """The average as it was when it was written down."""
        for name, one in self.weights.items():
            one.copy_(weights[name])

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Within this block the model has the average as its weights; what it learns with is back afterwards."""
        kept = {name: one.detach().clone() for name, one in self._own.items()}
        self.settle()
        try:
            yield
        finally:
            self._set(kept)

    def settle(self) -> None:
        """The model has the average as its weights from now on."""
        self._set(self.weights)

    @torch.no_grad()
    def _set(self, weights: Mapping[str, Tensor]) -> None:
        for name, one in self._own.items():
            one.copy_(weights[name])
