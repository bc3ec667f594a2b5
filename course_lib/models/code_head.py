"""A recommender that writes a product's word: SASRec's trunk reads the history, a small head writes code after code.

    x_t  = sum over levels l of e_l(c_l)                       a product going in is the sum of its codes' vectors
    h_1  = trunk(x_1 ... x_t)                                  what is wanted after place t
    p(c_l | h_l) = softmax(h_l . o_l(c) + b_l(c))              the codes of level l
    h_{l+1} = h_l + W_l gelu(U_l [h_l, e_l(c_l)])              what is wanted once c_l is written
    loss = sum over levels l of -log p(c_l | h_l)              teacher forcing: c_1 ... c_{l-1} are the true ones

TIGER (Rajput et al., Recommender Systems with Generative Retrieval, NeurIPS 2023) gives every code a place of its own
in the history and trains an encoder and a decoder for hours. One place a product needs a quarter of the places, and a
head that sees what the trunk wants needs no attention; so this one trains in seconds. No table grows with the
catalogue.

Before the first product a learned vector stands for "nothing is known"; whoever trains the model trains it too.

Shapes: B histories, L places, D width, V products (0 is padding); K codes of a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib.data.histories import Histories
from course_lib.models.base import Objective
from course_lib.models.sasrec import Block, SASRecConfig

LAYERS, HEADS, LENGTH = 2, 2, 20  # of the trunk, as SASRec has them by default


class CodeHead(nn.Module):
    """Writes a word: scores for each level's codes, and what is wanted after one has been written."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.output = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        self.input = nn.ModuleList(nn.Embedding(size, width) for size in sizes)
        self.step = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)) for _ in sizes[1:]
        )

    def logits(self, level: int, state: Tensor) -> Tensor:
        """(..., D) to (..., K) scores of the level's codes."""
        scores: Tensor = self.output[level](state)
        return scores

    def after(self, level: int, state: Tensor, codes: Tensor) -> Tensor:
        """(..., D) and the codes (...) written at ``level`` to (..., D)."""
        written = self.input[level](codes) * state.shape[-1] ** 0.5
        changed: Tensor = state + self.step[level](torch.cat([state, written], -1))
        return changed

    def losses(self, state: Tensor, words: Tensor) -> Tensor:
        """(levels,) mean of -log p of the true codes ``words`` (T, levels) after ``state`` (T, D), in nats."""
        found = []
        for level in range(len(self.sizes)):
            found.append(cross_entropy(self.logits(level, state), words[:, level]))
            if level + 1 < len(self.sizes):
                state = self.after(level, state, words[:, level])
        return torch.stack(found)


class CodeModel(nn.Module):
    """The trunk and the head, for a catalogue whose words are fixed."""

    objective: ClassVar[Objective] = "next"
    words: Tensor

    def __init__(self, words: Tensor, sizes: Sequence[int], width: int) -> None:
        """``words`` (V, levels), row ``i - 1`` for item ``i``."""
        super().__init__()
        self.config = SASRecConfig(
            num_items=len(words), width=width, layers=LAYERS, heads=HEADS if width % HEADS == 0 else 1,
            history_length=LENGTH,
        )  # fmt: skip
        self.register_buffer("words", torch.cat([words.new_zeros(1, words.shape[1]), words]))  # (V + 1, levels)
        self.head = CodeHead(sizes, width)
        self.blocks = nn.ModuleList(Block(self.config) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(width)
        self.nothing = nn.Parameter(torch.zeros(width))  # what is wanted before the first product
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    @classmethod
    def from_weights(cls, weights: Mapping[str, Tensor]) -> Self:
        """The model whose ``state_dict`` is given; sizes are those of its tensors."""
        words, width = weights["words"], len(weights["nothing"])
        sizes = [len(weights[f"head.output.{level}.bias"]) for level in range(words.shape[1])]
        model = cls(words[1:], sizes, width)
        model.load_state_dict(dict(weights))
        return model

    @property
    def num_items(self) -> int:
        """V."""
        return len(self.words) - 1

    def forward(self, input_ids: Tensor) -> tuple[Tensor, list[Tensor]]:
        """What is wanted after each place, (B, L) to (B, L, D); and each layer's attention (B, H, L, L)."""
        L, real = input_ids.shape[1], input_ids != 0
        past = torch.ones(L, L, dtype=torch.bool).tril()
        mask = ((past & real[:, None, :]) | torch.eye(L, dtype=torch.bool))[:, None]  # as in sasrec.py
        words = self.words[input_ids]  # (B, L, levels)
        x = torch.stack([vectors(words[..., level]) for level, vectors in enumerate(self.head.input)]).sum(0)
        x = x * real[..., None] * self.config.width**0.5
        attentions = []
        for block in self.blocks:
            x, weights = block(x, mask)
            attentions.append(weights)
        return self.norm(x), attentions

    @torch.inference_mode()
    def wanted(self, histories: Histories) -> Tensor:
        """(N, D) what each shopper wants after a history, of which the last ``history_length`` products are read."""
        self.eval()
        length = int(min(max(histories.lengths.max(initial=0), 1), self.config.history_length))
        wanted: Tensor = self(torch.from_numpy(histories.padded(length)))[0][:, -1]
        begun = torch.from_numpy(histories.lengths > 0)[:, None]
        return torch.where(begun, wanted, self.nothing)
