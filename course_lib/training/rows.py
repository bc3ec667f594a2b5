"""A step that touches a few thousand products of a million leaves the others alone.

AdamW reads and writes every number of the table of products at every step, and at a million products that takes
three times as long as all the rest. With the sampled loss only the rows of the products in the batch have a gradient.
PyTorch keeps such a gradient as a list of rows, and only those rows are moved ("lazy" Adam: a row's momentum and its
decay wait until the row takes part again).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class RowAdam(torch.optim.SparseAdam):
    """PyTorch's Adam for gradients that are lists of rows, with AdamW's decay of the rows that take part."""

    def __init__(self, table: nn.Parameter, lr: float, betas: tuple[float, float], weight_decay: float) -> None:
        super().__init__([table], lr=lr, betas=betas)
        self.table, self.weight_decay = table, weight_decay

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Moves the rows of the gradient, which must be coalesced (:func:`clip`)."""
        if self.table.grad is not None:
            rows = self.table.grad.indices()[0]
            self.table[rows] *= 1 - self.param_groups[0]["lr"] * self.weight_decay
        return super().step(closure)  # type: ignore[no-untyped-call]


@torch.no_grad()
def clip(parameters: Iterable[nn.Parameter], longest: float) -> float:
    """Shortens the gradient of all ``parameters`` together to length ``longest`` where it is longer.

    Returns the length it had, not finite if any part was not; a gradient made of rows is put in order on the way.
    """
    parts: list[Tensor] = []
    for parameter in parameters:
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()  # one entry a row
            parts.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
    length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(parts)))
    shorter = torch.clamp(longest / (length + 1e-6), max=1.0)
    torch._foreach_mul_(parts, shorter)
    return float(length)
