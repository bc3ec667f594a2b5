"""Two towers: a history becomes one vector, a product another, and their inner product says how well they match.

    x = (E[i_1] + ... + E[i_t]) / t                  history tower: the mean of the products' vectors, order lost,
    wanted = norm(x + W2 gelu(W1 x + b1) + b2)       and a small net that turns what was bought into what is wanted
    score of product i = wanted . E[i] + b_i         product tower: a table

Neither tower sees the other's input, so product vectors can be computed once and searched by an index. With b_i as one
more number of the product's vector, against a constant 1 in the history's, the score is a plain inner product. Mean
and net are those of Covington, Adams & Sargin, Deep Neural Networks for YouTube Recommendations, RecSys 2016.

It has no ``TASK``: it is the first stage of a cascade (experiments/cascade.py), not a model to be chosen alone.

Shapes: B histories, L places, D width, V products (0 is padding), histories padded on the left.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from course_lib.models.mlp import running_mean
from course_lib.models.neural import NeuralBase

HIDDEN = 128  # units of the net


class TwoTowerConfig(PretrainedConfig):
    """What it takes to build the model."""

    model_type = "two-tower"

    def __init__(self, num_items: int = 1, width: int = 48, history_length: int = 20, **kwargs: Any) -> None:
        self.num_items = num_items  # V
        self.width = width  # D
        self.history_length = history_length  # L
        super().__init__(**kwargs)


class TwoTowerModel(NeuralBase):
    """The mean of what was bought, against every product's vector."""

    config_class = TwoTowerConfig
    base_model_prefix = "two_tower"

    def __init__(self, config: TwoTowerConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.net = nn.Sequential(nn.Linear(config.width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, config.width))
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))  # a product's own popularity
        self.post_init()

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, L) to (B, L, D), what is wanted after each place; and no attention."""
        x = self.item(input_ids) * self.config.width**0.5
        mean = running_mean(x, input_ids != 0)
        return self.norm(mean + self.net(mean)), []
