"""Training of the set transformer: half of each basket is shown, drawn anew each epoch, and the other half asked for.

    loss = sum over baskets b, hidden j of w_b (-log p(j | shown, household)) / sum of w_b
    w_b  = 1 / sqrt(hidden in b)

so that a basket of sixty products weighs eight times one of a single product, not sixty times. What is shown does not
compete. A household's earlier baskets end before the basket that is learned from, as they will when it is asked.

AdamW with a rate that rises for WARM steps and then falls to nothing; gradients clipped. Baskets of like size stand in
one batch, so that little is padded. Equal settings and seed give equal weights on one thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from course_lib.data.baskets import Baskets
from course_lib.errors import CourseError
from course_lib.models.set_transformer import SetTransformerModel

BATCH = 256
CHUNK = 16  # batches that are sorted by size together
SHOWN = 24  # products of a basket that are read in training, at most
WARM, CLIP, DECAY, TICK = 100, 1.0, 0.01, 0.2
Ids = NDArray[np.int64]


class BasketTrainer:
    """A model, the baskets it learns from, and its optimiser."""

    def __init__(
        self, model: SetTransformerModel, baskets: Baskets, rows: Ids, epochs: int, rate: float, seed: int
    ) -> None:
        self.model, self.baskets, self.rows = model, baskets, rows
        self.rate, self.seed = rate, seed
        self.steps_per_epoch = math.ceil(len(rows) / BATCH)
        self.steps = self.steps_per_epoch * epochs
        self.step_number, self.epochs_done = 0, 0
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY, fused=True)

    def epoch(self) -> Iterator[dict[str, Any]]:
        """Trains one epoch; a step event about every TICK seconds. Raises CourseError where the loss is no number."""
        rng = np.random.default_rng([self.seed, self.epochs_done])
        self.model.train()
        last, losses = time.perf_counter(), []
        for rows in self._batches(rng):
            losses.append(self._step(rows, rng))
            now = time.perf_counter()
            if now - last >= TICK:
                yield self._event(losses)
                last, losses = time.perf_counter(), []
        if losses:
            yield self._event(losses)
        self.epochs_done += 1

    def _event(self, losses: list[float]) -> dict[str, Any]:
        mean = sum(losses) / len(losses)
        return {"kind": "step", "at": self.step_number, "epoch": self.epochs_done + 1, "loss": round(mean, 5)}

    def _batches(self, rng: np.random.Generator) -> Iterator[Ids]:
        order, sizes = rng.permutation(self.rows), self.baskets.sizes
        for start in range(0, len(order), BATCH * CHUNK):
            chunk = order[start : start + BATCH * CHUNK]
            chunk = chunk[np.argsort(sizes[chunk], kind="stable")]
            parts = [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
            yield from (parts[number] for number in rng.permutation(len(parts)))

    def _step(self, rows: Ids, rng: np.random.Generator) -> float:
        shown, (basket, item, weight) = halves(self.baskets, rows, rng)
        ids = torch.from_numpy(shown)
        household = self.model.config.household
        earlier = torch.from_numpy(self.baskets.shares_before(rows)) if household else None
        scores = self.model(ids, earlier).scatter(1, ids, float("-inf"))  # padding's too: column 0
        scores[:, 0] = float("-inf")
        chances = scores.log_softmax(1)[torch.from_numpy(basket), torch.from_numpy(item)]
        weights = torch.from_numpy(weight)
        loss = -(chances * weights).sum() / weights.sum()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1.0, (self.step_number + 1) / WARM) * (1 - self.step_number / self.steps)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        value = float(loss.item())
        if not math.isfinite(value):
            raise CourseError("training_diverged", step=self.step_number + 1, rate=self.rate)
        self.optimizer.step()
        self.step_number += 1
        return value


def halves(baskets: Baskets, rows: Ids, rng: np.random.Generator) -> tuple[Ids, tuple[Ids, Ids, NDArray[np.float32]]]:
    """A random half of each basket to show, (B, L) padded with 0; and the others as (basket, product, weight)."""
    sizes = baskets.sizes[rows]
    place = np.arange(int(sizes.max()))[None]
    inside = place < sizes[:, None]
    at = np.minimum(baskets.starts[rows][:, None] + place, len(baskets.items) - 1)
    items = np.where(inside, baskets.items[at], 0)
    order = np.argsort(np.where(inside, rng.random(items.shape), 2.0), axis=1)
    items = np.take_along_axis(items, order, 1)
    show = np.maximum(sizes // 2, 1)
    longest = int(min(SHOWN, show.max()))
    shown = np.where(place < np.minimum(show, SHOWN)[:, None], items, 0)[:, :longest]
    basket, column = np.nonzero((place >= show[:, None]) & inside)
    weight = (1 / np.sqrt(np.maximum(sizes - show, 1)))[basket].astype(np.float32)
    return np.ascontiguousarray(shown), (basket, items[basket, column], weight)
