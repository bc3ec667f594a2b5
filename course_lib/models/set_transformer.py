"""A set transformer: reads the products of a basket in no order, and says what is missing from it.

    x = (missing, basket_1, ..., basket_n)         the vectors of a mask and of the products; no positions are added
    z = the mask's place after self-attention over x
    score(j) = z . e_j + b_j  +  r_j log(1 + SHARP s_j) + n_j [s_j = 0]

Without positions attention gives every order of the basket the same answer. ``s_j`` is the share of the household's
earlier baskets that held product j; ``r_j`` and ``n_j`` are learned for each product: how much it is bought by habit,
and how much it is for trying. Where the model reads the basket alone, the last two terms are not there.

It is trained as BERT is (Devlin et al., NAACL 2019), by masked products: some of a basket are hidden, and the mask has
to give them a high probability. Attention to sets: Lee et al., Set Transformer, ICML 2019. Only the mask's place is
read, so the last layer computes that place alone.

Shapes: B baskets, L places (the mask is place 0), D width, H heads, V products, 0 is padding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PretrainedConfig

from course_lib.data.histories import Histories
from course_lib.models.base import Scores
from course_lib.models.neural import AT_ONCE, NeuralBase

SHARP = 50.0  # so that one basket in fifty counts log 2
START = 0.05  # standard deviation of the vectors before training


class SetTransformerConfig(PretrainedConfig):
    """What it takes to build the model; saved beside the weights."""

    model_type = "set-transformer"

    def __init__(
        self,
        num_items: int = 1,  # V
        width: int = 64,  # D
        layers: int = 1,
        heads: int = 2,  # H
        household: bool = True,  # whether it reads the household's earlier baskets too
        **kwargs: Any,
    ) -> None:
        self.num_items = num_items
        self.width = width
        self.layers = layers
        self.heads = heads
        self.household = household
        super().__init__(**kwargs)


class SetBlock(nn.Module):
    """x + Attention(norm(x)), then x + FeedForward(norm(x)), for all places or for the mask's alone."""

    def __init__(self, config: SetTransformerConfig) -> None:
        super().__init__()
        D = config.width
        self.heads = config.heads
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(D), nn.LayerNorm(D)
        self.query, self.key_value, self.output = nn.Linear(D, D), nn.Linear(D, 2 * D), nn.Linear(D, D)
        self.feed_forward = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D))

    def forward(self, x: Tensor, real: Tensor, mask_alone: bool) -> Tensor:
        """``x`` (B, L, D) and ``real`` (B, L), true where a place holds something, to (B, L, D) or (B, 1, D)."""
        B, _, D = x.shape
        normed = self.attention_norm(x)
        asking = normed[:, :1] if mask_alone else normed
        x = x[:, :1] if mask_alone else x

        def in_heads(part: Tensor) -> Tensor:
            return part.view(B, -1, self.heads, D // self.heads).transpose(1, 2)

        queries = in_heads(self.query(asking))  # (B, H, places that ask, D / H)
        keys, values = (in_heads(part) for part in self.key_value(normed).chunk(2, dim=-1))
        logits = queries @ keys.transpose(-1, -2) / (D // self.heads) ** 0.5
        weights = logits.masked_fill(~real[:, None, None, :], float("-inf")).softmax(-1)
        x = x + self.output((weights @ values).transpose(1, 2).reshape(B, -1, D))
        mixed: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return mixed


class SetTransformerModel(NeuralBase):
    """Product vectors, blocks without positions, and a score of each product at the mask's place."""

    config_class = SetTransformerConfig
    base_model_prefix = "set_transformer"

    def __init__(self, config: SetTransformerConfig) -> None:
        super().__init__(config)
        self.item = nn.Embedding(config.num_items + 1, config.width, padding_idx=0)
        self.missing = nn.Parameter(torch.zeros(config.width))
        self.blocks = nn.ModuleList(SetBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 1))
        self.repeat = nn.Parameter(torch.full((config.num_items + 1,), 0.5 if config.household else 0.0))  # r
        self.novel = nn.Parameter(torch.zeros(config.num_items + 1))  # n
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Layers as PyTorch begins them: the loop is short, and has no time to grow weights from nearly nothing."""
        if module is self.item:
            with torch.no_grad():
                nn.init.normal_(module.weight[1:], std=START)
        if module is self:
            nn.init.normal_(self.missing, std=START)

    def forward(self, input_ids: Tensor, earlier: Tensor | None = None) -> Tensor:
        """Scores (B, V + 1) of what is missing; ``input_ids`` (B, L - 1), 0 is padding, ``earlier`` (B, V + 1) s."""
        mask = self.missing.expand(len(input_ids), 1, -1)
        x = torch.cat([mask, self.item(input_ids)], dim=1) * self.config.width**0.5  # (B, L, D)
        here = torch.ones(len(input_ids), 1, dtype=torch.bool, device=input_ids.device)
        real = torch.cat([here, input_ids != 0], dim=1)
        for number, block in enumerate(self.blocks, 1):
            x = block(x, real, mask_alone=number == len(self.blocks))
        scores: Tensor = self.norm(x[:, 0]) @ self.item.weight.T + self.bias
        if earlier is not None and self.config.household:
            scores = scores + self.repeat * torch.log1p(SHARP * earlier) + self.novel * (earlier == 0)
        return scores

    @torch.inference_mode()
    def complete(self, shown: Histories, earlier: NDArray[np.float32]) -> Scores:
        """(N, V + 1) log-probability of each product as one that is missing; -inf for padding and what is shown."""
        self.eval()
        scores = np.empty((len(shown), self.num_items + 1), np.float32)
        order = np.argsort(shown.lengths, kind="stable")  # so that little is padded
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            ids = torch.from_numpy(shown.take(rows).padded(int(shown.lengths[rows].max())))
            logits = self(ids, torch.from_numpy(earlier[rows]))
            logits.scatter_(1, ids, float("-inf"))
            logits[:, 0] = float("-inf")
            scores[rows] = logits.log_softmax(-1).numpy()
        return scores
