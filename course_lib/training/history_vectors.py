"""A transformer's vector of each history: SASRec learns what is bought next, and its last state describes the shopper.

    for event in vectors.learn(): ...      # {"kind": "part", "at"}: PARTS of them
    vectors.of(histories)                  # (N, WIDTH)

The vector is the one whose inner product with a product's embedding scores it as the next purchase. Nobody told the
model about coupons: whether what it knows of the next purchase helps to tell who is moved by one is to be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.histories import Histories
from course_lib.models.base import untrained
from course_lib.training.loop import Trainer

EPOCHS, RATE, WIDTH = 2, 0.01, 32  # good enough within seconds
PARTS = 10  # of the training, after each of which the progress moves
AT_ONCE = 1024  # histories


class HistoryVectors:
    """SASRec as a reader of histories."""

    def __init__(self, train: Histories, num_items: int, seed: int) -> None:
        self._model: Any = untrained("sasrec", num_items, {"width": WIDTH, "heads": 1}, seed)
        self._trainer = Trainer(self._model, train, {"epochs": EPOCHS, "learning_rate": RATE, "loss": "softmax"}, seed)

    def learn(self) -> Iterator[dict[str, Any]]:
        """Trains it; raises CourseError where the training diverges."""
        steps = EPOCHS * self._trainer.steps_per_epoch
        looks = [round(part * steps / PARTS) for part in range(1, PARTS + 1)]
        told = 0
        while self._trainer.progress.epoch < EPOCHS:
            for event in self._trainer.epoch(set(looks)):
                for _ in range(looks.count(event["step"]) if event["kind"] == "pause" else 0):
                    told += 1
                    yield {"kind": "part", "at": told}

    @torch.inference_mode()
    def of(self, histories: Histories) -> NDArray[np.float64]:
        """(N, WIDTH)"""
        self._model.eval()
        length = int(self._model.config.history_length)
        parts = [
            self._model.wanted_next(torch.from_numpy(histories.take(rows).padded(length))).double().numpy()
            for rows in np.array_split(np.arange(len(histories)), max(1, len(histories) // AT_ONCE))
        ]
        return np.concatenate(parts)
