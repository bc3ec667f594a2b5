"""HSTU: a transformer without softmax and without feed-forward layers; what it reads, it gates.

Zhai et al., Actions Speak Louder than Words: Trillion-Parameter Sequential Transducers for Generative Recommendations,
ICML 2024, equations 1 to 3: a Hierarchical Sequential Transduction Unit is, with SiLU(x) = x sigmoid(x) in each number,

    U, V, Q, K = SiLU(W_1 norm(X))                  four vectors for each place
    A          = SiLU(Q K^T + recency) / N          how much each place takes up of each earlier one
    Y          = X + W_2 (U * norm(A V))            U lets through or holds back, number by number

Softmax shares out 1 among the products of a history, however many fit; SiLU weighs each on its own, so that A V also
says how many fit. N is the longest history, a constant. The gate U stands where other transformers have a feed-forward
layer, so a block has 5 D^2 weights where SASRec's has 12 D^2. Left out of the paper: the bias by time between
purchases, and actions other than a purchase. As in sasrec.py: the loss, and order as a weight for "how long ago".

Shapes: B histories in a batch, L places, D width, H heads, V products (0 is padding). Histories are padded on the left:
the newest product is at place L - 1.

    model = HSTUModel(HSTUConfig(num_items=1260, width=48))
    model.save_pretrained("folder");  HSTUModel.from_pretrained("folder")
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu
from transformers import PretrainedConfig

from course_lib.models.neural import NeuralBase

TASK = "next_item"
SETTINGS = {  # name: (default, lowest, highest); as SASRec's, so that the two compare
    "width": (48, 8, 256),  # D, numbers that describe a product
    "layers": (2, 1, 6),
    "heads": (2, 1, 8),  # H, must divide the width
    "history_length": (20, 2, 200),  # N, products that the model looks back
    "dropout": (0.0, 0.0, 0.9),
}


class HSTUConfig(PretrainedConfig):
    """What it takes to build the model; saved beside the weights."""

    model_type = "hstu"

    def __init__(
        self,
        num_items: int = 1,  # V
        width: int = 48,  # D
        layers: int = 2,
        heads: int = 2,  # H
        history_length: int = 20,  # N
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.num_items = num_items
        self.width = width
        self.layers = layers
        self.heads = heads
        self.history_length = history_length
        self.dropout = dropout
        super().__init__(**kwargs)


class Block(nn.Module):
    """x + W_2 (U * norm(A V)): one layer, attention and gate in one."""

    def __init__(self, config: HSTUConfig) -> None:
        super().__init__()
        self.heads, self.longest = config.heads, config.history_length
        self.norm = nn.LayerNorm(config.width)
        self.gate_value_query_key = nn.Linear(config.width, 4 * config.width)  # W_1
        self.recency = nn.Parameter(torch.zeros(config.heads, config.history_length))  # by how long ago a product was
        self.mixed_norm = nn.LayerNorm(config.width)
        self.output = nn.Linear(config.width, config.width)  # W_2
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` (B, L, D) in and out, ``mask`` (B, 1, L, L) true where place i may look at place j; A (B, H, L, L)."""
        B, L, D = x.shape
        gate, *others = silu(self.gate_value_query_key(self.norm(x))).chunk(4, dim=-1)  # (B, L, D) each
        values, queries, keys = (part.view(B, L, self.heads, D // self.heads).transpose(1, 2) for part in others)
        places = torch.arange(L, device=x.device)
        ago = (places[:, None] - places).clamp(min=0)  # (L, L) product j is i - j products before product i
        weights = silu(queries @ keys.transpose(-1, -2) + self.recency[:, ago]) / self.longest  # (B, H, L, L)
        weights = weights * mask  # SiLU(0) = 0: without softmax, what may not be seen simply weighs nothing
        mixed = (weights @ values).transpose(1, 2).reshape(B, L, D)
        return x + self.output(self.dropout(gate * self.mixed_norm(mixed))), weights


class HSTUModel(NeuralBase):
    """Product embeddings, a stack of blocks, and a score for each product by inner product with what comes out."""

    config_class = HSTUConfig
    base_model_prefix = "hstu"

    def __init__(self, config: HSTUConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))  # a product's own popularity
        self.post_init()

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What the shopper wants after each place: ``input_ids`` (B, L) to (B, L, D); and where each layer looks.

        L may be anything up to ``history_length``. A weight of HSTU may be negative, and they do not add up to 1; what
        is returned is each one's share of their sizes, |A_ij| / sum_j |A_ij|, so that a page can draw it as attention.
        """
        L = input_ids.shape[1]
        past = torch.ones(L, L, dtype=torch.bool, device=input_ids.device).tril()
        mask = (past & (input_ids != 0)[:, None, :])[:, None]  # (B, 1, L, L): itself and earlier real products
        x = self.dropout(self.item(input_ids) * self.config.width**0.5)  # (B, L, D)
        shares = []
        for block in self.blocks:
            x, weights = block(x, mask)
            sizes = weights.detach().abs()
            shares.append(sizes / sizes.sum(-1, keepdim=True).clamp(min=1e-12))
        return self.norm(x), shares
