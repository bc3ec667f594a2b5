"""What all neural models share: a product's vector is also its output, scores for a holdout, saving and loading.

    score of product i = what the shopper wants . vector of i + bias of i

A model file adds how a history becomes "what the shopper wants". What it must have is written down as a Protocol in
base.py. Shapes: B histories in a batch, L places, D width, V products (0 is padding), histories padded on the left.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils import logging

from course_lib.data.histories import Histories
from course_lib.models.base import Objective, Scores

AT_ONCE = 256  # histories scored together


class NeuralBase(PreTrainedModel):
    """Keeps most of :class:`course_lib.models.base.NeuralModel`; a model adds ``item``, ``bias`` and ``forward``."""

    objective: ClassVar[Objective] = "next"
    item: nn.Embedding  # (V + 1, D)
    bias: nn.Parameter  # (V + 1,)

    def _init_weights(self, module: nn.Module) -> None:
        """Small normal weights, so that before training every product is about equally likely."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            with torch.no_grad():
                module.weight[module.padding_idx].zero_()

    def wanted_next(self, input_ids: Tensor) -> Tensor:
        """What each shopper wants after the whole history: ``input_ids`` (B, L) to (B, D)."""
        wanted: Tensor = self(input_ids)[0]
        return wanted[:, -1]

    def attention(self, input_ids: Tensor) -> list[Tensor]:
        """Where the model looks, layer by layer (B, H, places that ask, L); empty for a model without attention.

        The last place that asks is the one that answers.
        """
        layers: list[Tensor] = self(input_ids)[1]
        return layers

    def logits(self, wanted: Tensor) -> Tensor:
        """Score of every product: (..., D) to (..., V + 1), inner product with its embedding plus its bias."""
        return wanted @ self.item.weight.T + self.bias

    @property
    def num_items(self) -> int:
        """V."""
        return int(self.config.num_items)

    @torch.inference_mode()
    def score(self, histories: Histories) -> Scores:
        """(N, V + 1) log-probability of each product as the next one; -inf for padding."""
        self.eval()
        scores = np.empty((len(histories), self.num_items + 1), np.float32)
        for start in range(0, len(histories), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(histories)))
            some = histories.take(rows)
            length = int(min(max(some.lengths.max(), 1), self.config.history_length))
            wanted = self.wanted_next(torch.from_numpy(some.padded(length)))
            begun = torch.from_numpy(some.lengths > 0)[:, None]
            logits = self.logits(wanted * begun)  # before the first purchase only the biases speak
            logits[:, 0] = float("-inf")
            scores[rows] = logits.log_softmax(-1).numpy()
        return scores

    def save(self, folder: Path) -> None:
        """``save_pretrained``: config.json and model.safetensors."""
        logging.disable_progress_bar()  # one small file needs none
        self.save_pretrained(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """``from_pretrained`` from a local folder."""
        model: Self = cls.from_pretrained(folder, local_files_only=True)
        return model
