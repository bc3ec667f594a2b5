"""MLP: a multi-layer perceptron on a fixed number of vectors, the simplest network that can recommend.

    x = [E[i_t]; E[i_(t-1)]; ...; E[i_(t-P+1)]]      reads = "last": the P newest products side by side, order kept
    x = (E[i_1] + ... + E[i_t]) / t                  reads = "bag": the mean of all products, order lost
    wanted = norm(W2 gelu(W1 x + b1) + b2)

It has neither a memory (GRU4Rec) nor attention (SASRec): what is not in x, it does not know. It is the yardstick for
both. With "bag" it is the network that Covington, Adams & Sargin, Deep Neural Networks for YouTube
Recommendations, RecSys 2016, use for candidates (there with more features); with "last" it is the language model of
Bengio, Ducharme, Vincent & Jauvin, A Neural Probabilistic Language Model, JMLR 2003, with products for words.

Shapes: B histories, L places, D width, P products side by side, S hidden units, V products (0 is padding). Histories
are padded on the left: the newest product is at place L - 1. Before the start of a history stands the zero vector.

    model = MLPModel(MLPConfig(num_items=1224, width=48))
    model.save_pretrained("folder");  MLPModel.from_pretrained("folder")
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from course_lib.models.neural import NeuralBase

TASK = "next_item"
SETTINGS = {  # name: (default, lowest, highest) or (default, *choices)
    "width": (48, 8, 256),  # D, numbers that describe a product
    "hidden": (128, 8, 1024),  # S, units of the hidden layer
    "reads": ("last", "last", "bag"),  # the newest products in order, or the mean of all
    "places": (3, 1, 20),  # P, how many products stand side by side; "bag" takes all
    "history_length": (20, 2, 200),  # L, products that the model looks back
    "dropout": (0.0, 0.0, 0.9),
}


class MLPConfig(PretrainedConfig):
    """What it takes to build the model; saved beside the weights."""

    model_type = "mlp"

    def __init__(
        self,
        num_items: int = 1,  # V
        width: int = 48,  # D
        hidden: int = 128,  # S
        reads: str = "last",
        places: int = 3,  # P
        history_length: int = 20,  # L
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.num_items = num_items
        self.width = width
        self.hidden = hidden
        self.reads = reads
        self.places = places
        self.history_length = history_length
        self.dropout = dropout
        super().__init__(**kwargs)


class MLPModel(NeuralBase):
    """Product embeddings, what is read of them, and two layers that turn it into a wish."""

    config_class = MLPConfig
    base_model_prefix = "mlp"

    def __init__(self, config: MLPConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.dropout = nn.Dropout(config.dropout)
        read = config.width * (config.places if config.reads == "last" else 1)
        self.layers = nn.Sequential(nn.Linear(read, config.hidden), nn.GELU(), nn.Linear(config.hidden, config.width))
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))  # a product's own popularity
        self.post_init()

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What the shopper wants after each place: ``input_ids`` (B, L) to (B, L, D); and no attention."""
        x = self.dropout(self.item(input_ids) * self.config.width**0.5)  # (B, L, D)
        read = side_by_side(x, self.config.places) if self.config.reads == "last" else running_mean(x, input_ids != 0)
        return self.norm(self.layers(read)), []


def side_by_side(x: Tensor, places: int) -> Tensor:
    """(B, L, D) to (B, L, P D): at each place its own vector, then those 1 to P - 1 places before; zeros before the
    first."""
    L = x.shape[1]
    before = nn.functional.pad(x, (0, 0, places - 1, 0))  # (B, P - 1 + L, D)
    return torch.cat([before[:, places - 1 - ago : places - 1 - ago + L] for ago in range(places)], dim=-1)


def running_mean(x: Tensor, real: Tensor) -> Tensor:
    """(B, L, D), ``real`` (B, L) false at padding, to (B, L, D): at each place the mean of the vectors up to it."""
    return x.cumsum(1) / real.cumsum(1).clamp(min=1)[..., None]
