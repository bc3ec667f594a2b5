"""SASRec: a transformer that reads a shopper's history and scores every product as the next one.

Kang & McAuley, Self-Attentive Sequential Recommendation, ICDM 2018, trained with the full softmax over the catalogue
(Klenitskiy & Vasilev, Turning Dross Into Gold Loss, RecSys 2023), with layer norm before each part (pre-norm), and
with order as a learned weight for "how long ago" (Shaw, Uszkoreit & Vaswani, Self-Attention with Relative Position
Representations, NAACL 2018) instead of a learned vector for each place: what is learned at one place serves at all.

Shapes used below: B histories in a batch, L places in a history, D width, H heads, V products (0 is padding).
Histories are padded on the left: the newest product is at place L - 1.

    model = SASRecModel(SASRecConfig(num_items=1260, width=48))
    model.save_pretrained("folder");  SASRecModel.from_pretrained("folder")
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from course_lib.models.neural import NeuralBase

TASK = "next_item"
SETTINGS = {  # name: (default, lowest, highest)
    "width": (48, 8, 256),  # D, numbers that describe a product
    "layers": (2, 1, 6),
    "heads": (2, 1, 8),  # H, must divide the width
    "history_length": (20, 2, 200),  # L, products that the model looks back
    "dropout": (0.0, 0.0, 0.9),
}
TRAINING = {"learning_rate": 0.02}  # the best that a search found for the lesson, as are the defaults above


class SASRecConfig(PretrainedConfig):
    """What it takes to build the model; saved beside the weights."""

    model_type = "sasrec"

    def __init__(
        self,
        num_items: int = 1,  # V
        width: int = 48,  # D
        layers: int = 2,
        heads: int = 2,  # H
        history_length: int = 20,  # L
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


class Attention(nn.Module):
    """Each place asks every earlier place: softmax(Q K^T / sqrt(D / H) + recency) V, in H heads side by side."""

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query_key_value = nn.Linear(config.width, 3 * config.width)
        self.output = nn.Linear(config.width, config.width)
        self.recency = nn.Parameter(torch.zeros(config.heads, config.history_length))  # by how long ago a product was

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` (B, L, D), ``mask`` (B, 1, L, L) true where place i may look at place j; weights are (B, H, L, L)."""
        B, L, D = x.shape
        queries, keys, values = (
            part.view(B, L, self.heads, D // self.heads).transpose(1, 2)  # (B, H, L, D / H)
            for part in self.query_key_value(x).chunk(3, dim=-1)
        )
        places = torch.arange(L, device=x.device)
        ago = (places[:, None] - places).clamp(min=0)  # (L, L) product j is i - j products before product i
        logits = queries @ keys.transpose(-1, -2) / (D // self.heads) ** 0.5 + self.recency[:, ago]  # (B, H, L, L)
        weights = logits.masked_fill(~mask, float("-inf")).softmax(-1)
        mixed = weights @ values  # (B, H, L, D / H)
        return self.output(mixed.transpose(1, 2).reshape(B, L, D)), weights


class Block(nn.Module):
    """x + Attention(norm(x)), then x + FeedForward(norm(x)): one layer of the transformer."""

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = nn.Sequential(
            nn.Linear(config.width, 4 * config.width), nn.GELU(), nn.Linear(4 * config.width, config.width)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` (B, L, D) in and out, and the attention weights (B, H, L, L)."""
        mixed, weights = self.attention(self.attention_norm(x), mask)
        x = x + self.dropout(mixed)
        x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return x, weights


class SASRecModel(NeuralBase):
    """Product embeddings, a stack of blocks, and a score for each product by inner product with what comes out."""

    config_class = SASRecConfig
    base_model_prefix = "sasrec"

    def __init__(self, config: SASRecConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))  # a product's own popularity
        self.post_init()

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What the shopper wants after each place: ``input_ids`` (B, L) to (B, L, D); and each layer's attention.

        L may be anything up to ``history_length``.
        """
        L = input_ids.shape[1]
        real = input_ids != 0  # (B, L)
        # Place i may look at itself and at earlier real products, never at the future.
        past = torch.ones(L, L, dtype=torch.bool, device=input_ids.device).tril()
        itself = torch.eye(L, dtype=torch.bool, device=input_ids.device)
        mask = ((past & real[:, None, :]) | itself)[:, None]  # (B, 1, L, L)

        x = self.dropout(self.item(input_ids) * self.config.width**0.5)  # (B, L, D)
        attentions = []
        for block in self.blocks:
            x, weights = block(x, mask)
            attentions.append(weights)
        return self.norm(x), attentions
