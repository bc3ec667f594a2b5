"""How the stages of a cascade learn: two towers against the products of their batch, rankers against drawn negatives.

In-batch softmax. With the query w_a of each purchase a in a batch, and the products b bought in that batch:

    loss = mean over a of -log softmax over b of (w_a . e_b + b_b - log q(b)),   taken at b = a

A product stands in the batch as often as it is bought, so without log q(b), the logarithm of how often it is drawn, the
popular ones are punished (Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations,
RecSys 2019).

Rankers. Each purchase comes with K negatives: any products at random, or random ones of the candidates that the first
stage puts before it, which is what the ranker will see when it is asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.models.rankers import Ranker
from course_lib.models.two_tower import TwoTowerModel
from course_lib.training.batches import epoch_batches, make_windows
from course_lib.training.loop import CLIP, Trainer
from course_lib.training.rate import learning_rate

IN_BATCH = 256  # purchases that are each other's negatives
WINDOWS = 64  # histories a step
PLACES = 4  # purchases of each that a ranker's step learns from
CELLS = 2**21  # candidates times width scored at once, so that memory does not grow with the number of candidates


class InBatchTrainer(Trainer):
    """The training loop with the in-batch softmax in place of the full one."""

    def __init__(
        self, model: TwoTowerModel, train: Histories, settings: Mapping[str, Any], seed: int, correct: bool
    ) -> None:
        super().__init__(model, train, settings, seed)
        times = np.bincount(train.items, minlength=model.num_items + 1)
        drawn = torch.from_numpy(np.maximum(times, 1) / max(len(train.items), 1)).float()
        self.log_q = drawn.log() if correct else torch.zeros(model.num_items + 1)

    def _loss(self, wanted: Tensor, targets: Tensor) -> Tensor:
        order = torch.randperm(len(targets))  # neighbours in the batch are one shopper's
        parts = [
            in_batch_loss(wanted[some], self.model.item(targets[some]), self.model.bias[targets[some]], targets[some],
                          self.log_q)
            * (len(some) / len(order))
            for some in order.tensor_split(max(1, round(len(order) / IN_BATCH)))
        ]  # fmt: skip
        return torch.stack(parts).sum()


def in_batch_loss(wanted: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor, log_q: Tensor) -> Tensor:
    """The loss of the module's docstring: (T, D), (T, D), (T,), (T,) ids, (V + 1,) log q to a scalar.

    A product that was bought twice in the batch is no negative of itself.
    """
    logits = wanted @ vectors.T + (bias - log_q[targets])
    twin = (targets[:, None] == targets) & ~torch.eye(len(targets), dtype=torch.bool)
    return functional.cross_entropy(logits.masked_fill(twin, -torch.inf), torch.arange(len(targets)))


class RankerTraining:
    """A ranker, what it learns from, and its optimiser. Equal seeds give equal weights, bit for bit, on one thread."""

    def __init__(
        self, ranker: Ranker, retriever: TwoTowerModel, train: Histories, epochs: int, candidates: int, seed: int
    ) -> None:
        """``candidates``: of the first stage, that negatives are drawn from; 0: drawn from the whole catalogue."""
        self.ranker, self.retriever, self.candidates, self.seed = ranker, retriever, candidates, seed
        self.windows = make_windows(train, int(retriever.config.history_length))
        self.steps = epochs * -(-len(self.windows.start) // WINDOWS)
        self.optimizer = torch.optim.Adam(ranker.parameters(), lr=ranker.rate)
        self.epochs = self.step = 0
        self.seconds = 0.0

    def epoch(self) -> float:
        """Trains one epoch; the mean loss in nats. Raises CourseError where it is no number."""
        began = time.perf_counter()
        torch.manual_seed(self.seed * 1_000_003 + 500_000 + self.epochs)  # places and negatives
        rng = np.random.default_rng([self.seed, 5, self.epochs])
        self.ranker.train()
        losses = [
            self._step(torch.from_numpy(inputs), torch.from_numpy(targets))
            for inputs, targets in epoch_batches(self.windows, WINDOWS, rng)
        ]
        self.epochs += 1
        self.seconds += time.perf_counter() - began
        return float(np.mean(losses)) if losses else 0.0

    def _step(self, inputs: Tensor, targets: Tensor) -> float:
        places = torch.randperm(inputs.shape[1])[:PLACES].sort().values
        asked = targets[:, places]  # (B, P), 0 where there is none
        choices = torch.cat([asked[..., None], self._negatives(inputs, places, asked)], -1)  # (B, P, 1 + K)
        scores = self.ranker(inputs, places, choices)[asked != 0]  # (T, 1 + K)
        if not len(scores):  # all places drawn lie before the histories begin
            return 0.0
        twin = choices[..., 1:][asked != 0] == asked[asked != 0][:, None]
        loss = (binary_loss if self.ranker.binary else choice_loss)(scores, twin)
        if not torch.isfinite(loss):
            raise CourseError("ranker_diverged", epoch=self.epochs + 1)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.ranker.parameters(), 10 * CLIP)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.steps, self.ranker.rate)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _negatives(self, inputs: Tensor, places: Tensor, asked: Tensor) -> Tensor:
        """(B, P, K) products, drawn with replacement."""
        shape = (*asked.shape, self.ranker.negatives)
        if not self.candidates:
            return torch.randint(1, self.retriever.num_items + 1, shape)
        logits = self.retriever.logits(self.retriever(inputs)[0][:, places])
        logits[..., 0] = -torch.inf
        best = logits.topk(self.candidates, sorted=False).indices  # (B, P, C)
        return best.gather(-1, torch.randint(0, self.candidates, shape))


def binary_loss(scores: Tensor, twin: Tensor) -> Tensor:
    """Binary cross-entropy: the first of (T, 1 + K) was bought, the others not; ``twin`` (T, K) are left out."""
    bought = torch.zeros_like(scores)
    bought[:, 0] = 1
    counts = functional.pad(~twin, (1, 0), value=True)
    return functional.binary_cross_entropy_with_logits(scores[counts], bought[counts])


def choice_loss(scores: Tensor, twin: Tensor) -> Tensor:
    """Cross-entropy of the first among (T, 1 + K); ``twin`` (T, K) are no negatives of it."""
    masked = functional.pad(twin, (1, 0), value=False)
    return functional.cross_entropy(scores.masked_fill(masked, -torch.inf), torch.zeros(len(scores), dtype=torch.long))


@torch.inference_mode()
def rank_scores(
    ranker: Ranker, histories: Histories, candidates: NDArray[np.int64], length: int
) -> NDArray[np.float32]:
    """(N, C) scores of each history's candidates after its last product, ``length`` products read at most."""
    ranker.eval()
    scores = np.empty(candidates.shape, np.float32)
    order = np.argsort(histories.lengths, kind="stable")  # little padding
    size = max(1, CELLS // (candidates.shape[1] * 64))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        some = histories.take(rows)
        inputs = torch.from_numpy(some.padded(int(min(max(some.lengths.max(), 1), length))))
        last = torch.tensor([inputs.shape[1] - 1])
        scores[rows] = ranker(inputs, last, torch.from_numpy(candidates[rows])[:, None])[:, 0].numpy()
    return scores
