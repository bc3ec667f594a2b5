"""GRU4Rec: a recurrent network that reads a history product by product and keeps one vector of what it has read.

Hidasi, Karatzoglou, Baltrunas & Tikk, Session-based Recommendations with Recurrent Neural Networks, ICLR 2016. As in
the authors' later code a product has one vector, going in and coming out, and the loss is the cross-entropy (Hidasi &
Karatzoglou, Recurrent Neural Networks with Top-k Gains, CIKM 2018), here over the whole catalogue and at every place.
How much third-party versions can differ from the authors' own: Hidasi & Czapp, RecSys 2023.

One step of a gated recurrent unit (GRU), from product vector x and memory h to the new memory:

    r = sigmoid(W_r x + U_r h)            how much of the memory is used for the proposal
    z = sigmoid(W_z x + U_z h)            how much of the memory is kept
    n = tanh(W_n x + r * (U_n h))         the proposal
    h = (1 - z) * n + z * h

Shapes: B histories, L places, D width of a product, S size of the memory, V products (0 is padding). Histories are
padded on the left: the newest product is at place L - 1.

    model = GRU4RecModel(GRU4RecConfig(num_items=1224, width=64))
    model.save_pretrained("folder");  GRU4RecModel.from_pretrained("folder")
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from course_lib.models.neural import NeuralBase

TASK = "next_item"
SETTINGS = {  # name: (default, lowest, highest)
    "width": (64, 8, 256),  # D, numbers that describe a product
    "memory": (128, 8, 512),  # S, numbers that the network remembers
    "layers": (1, 1, 4),
    "history_length": (20, 2, 200),  # L, products that the model looks back
    "dropout": (0.0, 0.0, 0.9),
}


class GRU4RecConfig(PretrainedConfig):
    """What it takes to build the model; saved beside the weights."""

    model_type = "gru4rec"

    def __init__(
        self,
        num_items: int = 1,  # V
        width: int = 64,  # D
        memory: int = 128,  # S
        layers: int = 1,
        history_length: int = 20,  # L
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.num_items = num_items
        self.width = width
        self.memory = memory
        self.layers = layers
        self.history_length = history_length
        self.dropout = dropout
        super().__init__(**kwargs)


class GRU4RecModel(NeuralBase):
    """Product embeddings, the recurrent network, and a way back from its memory to the products."""

    config_class = GRU4RecConfig
    base_model_prefix = "gru4rec"

    def __init__(self, config: GRU4RecConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.dropout = nn.Dropout(config.dropout)
        # No biases: padding is the zero vector, and without biases zero in and zero remembered make zero again. So the
        # memory is still empty when the first product comes, however much padding stood before it.
        self.gru = nn.GRU(config.width, config.memory, config.layers, bias=False, batch_first=True)
        self.output = nn.Linear(config.memory, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))  # a product's own popularity
        self.post_init()

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What the shopper wants after each place: ``input_ids`` (B, L) to (B, L, D); and no attention."""
        x = self.dropout(self.item(input_ids) * self.config.width**0.5)  # (B, L, D)
        memory, _ = self.gru(x)  # (B, L, S), the memory after each product
        return self.norm(self.output(self.dropout(memory))), []
