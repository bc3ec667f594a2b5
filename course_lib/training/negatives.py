"""Which products a large catalogue's loss is computed with: a few hundred, drawn anew for each batch.

A product that is bought often is a likelier mistake than one that nobody buys, so half of the draws follow how often
products were bought and half are even. :func:`course_lib.training.losses.sampled_softmax_loss` puts right what the
uneven draw does to the sum.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.histories import Histories

EVEN = 0.5  # share of the draws in which all products are equally likely


class Negatives:
    """Draws K products; ``chance`` (V,) is how likely each is in one draw, product i in place i - 1."""

    def __init__(self, train: Histories, num_items: int, number: int, even: float = EVEN) -> None:
        """``number`` is K, ``even`` the share of draws that do not look at what was bought in ``train``."""
        self.number = number
        bought = np.bincount(train.items, minlength=num_items + 1)[1:]
        popular = bought / max(bought.sum(), 1)
        self.chance: NDArray[np.float64] = even / num_items + (1 - even) * popular
        self.chance /= self.chance.sum()
        self._until = np.cumsum(self.chance)

    def draw(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(K,) products, and (K,) how often each is expected among K draws.

        The products lie side by side on a line, each as wide as it is likely; the line is cut into K equal pieces and
        a point drawn in each. So K even draws of K products give each product once.
        """
        points = (np.arange(self.number) + rng.random(self.number)) / self.number
        places = np.minimum(np.searchsorted(self._until, points, side="right"), len(self.chance) - 1)
        expected = self.number * self.chance[places]
        return torch.from_numpy(places + 1), torch.from_numpy(expected.astype(np.float32))
