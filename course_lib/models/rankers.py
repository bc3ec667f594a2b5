"""Rankers: models that read a history and one candidate together, and give that candidate a score.

    mlp          w4 relu(W3 relu(W2 relu(W1 [u; e_c])))               256-128-64-1, binary cross-entropy
    neumf        h [p_u * q_c; relu layers on [p'_u; q'_c]]
                 He et al., Neural Collaborative Filtering, WWW 2017
    din          u_c = sum over i of a(e_i, e_c) e_i;  net [u_c; e_c; u_c * e_c] + u_c . e_c + b_c
                 Zhou et al., Deep Interest Network for Click-Through Rate Prediction, KDD 2018
    transformer  trunk(history) . e_c + b_c                           SASRec's trunk, models/sasrec.py

u is the mean of the history's vectors: a table of shoppers would know nobody who is new, nor anything that was bought
since it was trained. So it is in NeuMF, whose paper has such a table. DIN's weight a is a small net on e_i, e_c and
e_i . M e_c, not normalised, as in the paper; it has no order. Its first layer is taken apart into what depends on the
product, on the candidate and on both: the same sums, many fewer of them.

The first two learn to tell bought from not bought (binary cross-entropy), the last two to put the bought product above
those drawn with it (softmax). Shapes: B histories of L places, padded on the left; P places that ask, C candidates
each; D width, H hidden units, V products (0 is padding).
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from course_lib.models.mlp import running_mean
from course_lib.models.sasrec import SASRecConfig, SASRecModel


class Ranker(nn.Module):
    """``forward(inputs (B, L), places (P,), candidates (B, P, C))`` scores each candidate after each place: (B, P, C).

    No place sees what comes after it.
    """

    binary: ClassVar[bool] = False  # learns bought or not, rather than which of several
    negatives: ClassVar[int] = 20  # drawn for each product bought
    rate: ClassVar[float] = 0.005  # of Adam

    def __init__(self, num_items: int, width: int, length: int) -> None:
        super().__init__()


def table(num_items: int, width: int) -> nn.Embedding:
    """A vector for each product; padding's is zero."""
    vectors = nn.Embedding(num_items + 1, width, padding_idx=0)
    with torch.no_grad():
        vectors.weight.normal_(std=0.1)[0] = 0
    return vectors


class MeanRanker(Ranker):
    """What the two binary ones share: the mean of the history, and four negatives a purchase as in He et al."""

    binary = True
    negatives = 4
    rate = 0.002

    @staticmethod
    def mean(vectors: nn.Embedding, inputs: Tensor, places: Tensor) -> Tensor:
        """(B, P, 1, D) the mean of the products up to each place."""
        return running_mean(vectors(inputs), inputs != 0)[:, places, None]


class MLPRanker(MeanRanker):
    """A plain net on a shopper's and a product's vector, side by side."""

    def __init__(self, num_items: int, width: int, length: int) -> None:
        super().__init__(num_items, width, length)
        self.item = table(num_items, width)
        self.layers = nn.Sequential(
            nn.Linear(2 * width, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, inputs: Tensor, places: Tensor, candidates: Tensor) -> Tensor:
        """As in :class:`Ranker`: logits, whose sigmoid is the chance that it is bought."""
        of = self.item(candidates)
        scores: Tensor = self.layers(torch.cat([self.mean(self.item, inputs, places).expand_as(of), of], -1))
        return scores[..., 0]


class NeuMFRanker(MeanRanker):
    """Matrix factorisation and a net, each with vectors of its own, joined by one last layer."""

    def __init__(self, num_items: int, width: int, length: int) -> None:
        super().__init__(num_items, width, length)
        self.factors, self.item = table(num_items, width), table(num_items, width)
        sizes = [2 * width, width, max(width // 2, 1), max(width // 4, 1)]
        layers = [part for n, m in pairwise(sizes) for part in (nn.Linear(n, m), nn.ReLU())]
        self.layers = nn.Sequential(*layers)
        self.joined = nn.Linear(width + sizes[-1], 1)

    def forward(self, inputs: Tensor, places: Tensor, candidates: Tensor) -> Tensor:
        """As in :class:`Ranker`: logits, whose sigmoid is the chance that it is bought."""
        product = self.mean(self.factors, inputs, places) * self.factors(candidates)
        of = self.item(candidates)
        deep = self.layers(torch.cat([self.mean(self.item, inputs, places).expand_as(of), of], -1))
        scores: Tensor = self.joined(torch.cat([product, deep], -1))
        return scores[..., 0]


class DINRanker(Ranker):
    """Each candidate weighs the history anew: a ball looks at what goes with balls."""

    rate = 0.01
    hidden: ClassVar[int] = 8  # H, units of the weight's net

    def __init__(self, num_items: int, width: int, length: int) -> None:
        super().__init__(num_items, width, length)
        self.item = table(num_items, width)
        self.of_item = nn.Linear(width, self.hidden)
        self.of_candidate = nn.Linear(width, self.hidden, bias=False)
        self.of_both = nn.Linear(width, width, bias=False)  # M
        self.share = nn.Parameter(torch.full((self.hidden,), 1 / self.hidden))  # of e_i . M e_c in each unit
        self.slope = nn.PReLU()
        self.weight = nn.Linear(self.hidden, 1)
        self.layers = nn.Sequential(nn.Linear(3 * width, 64), nn.PReLU(), nn.Linear(64, 1))
        self.bias = nn.Parameter(torch.zeros(num_items + 1))  # a product's own popularity

    def forward(self, inputs: Tensor, places: Tensor, candidates: Tensor) -> Tensor:
        """As in :class:`Ranker`."""
        L = inputs.shape[1]
        history, of = self.item(inputs), self.item(candidates)  # (B, L, D), (B, P, C, D)
        B, P, C, D = of.shape
        both = (self.of_both(of).view(B, P * C, D) @ history.transpose(1, 2)).view(B, P, C, 1, L)
        each = self.of_item(history).transpose(1, 2)[:, None, None] + self.of_candidate(of)[..., None]
        units = self.slope(both * self.share[:, None] + each)  # (B, P, C, H, L)
        weights = (units * self.weight.weight[0, :, None]).sum(3) + self.weight.bias  # (B, P, C, L)
        past = (torch.arange(L) <= places[:, None]) & (inputs != 0)[:, None]  # (B, P, L)
        weights = weights * past[:, :, None]
        wanted = (weights.view(B, P * C, L) @ history).view(B, P, C, D)
        deep: Tensor = self.layers(torch.cat([wanted, of, wanted * of], -1))[..., 0]
        scores: Tensor = deep + (wanted * of).sum(-1) + self.bias[candidates]
        return scores


class TransformerRanker(Ranker):
    """SASRec's trunk reads the history in order; a candidate's score is an inner product with what comes out."""

    rate = 0.01

    def __init__(self, num_items: int, width: int, length: int) -> None:
        super().__init__(num_items, width, length)
        heads = 2 if width % 2 == 0 else 1
        self.trunk = SASRecModel(SASRecConfig(num_items=num_items, width=width, heads=heads, history_length=length))

    def forward(self, inputs: Tensor, places: Tensor, candidates: Tensor) -> Tensor:
        """As in :class:`Ranker`."""
        begun = (inputs != 0).any(1)[:, None, None]  # before the first purchase only the biases speak
        wanted = self.trunk(inputs)[0][:, places] * begun  # (B, P, D)
        scores: Tensor = (self.trunk.item(candidates) @ wanted[..., None])[..., 0] + self.trunk.bias[candidates]
        return scores


RANKERS: dict[str, type[Ranker]] = {
    "mlp": MLPRanker, "neumf": NeuMFRanker, "din": DINRanker, "transformer": TransformerRanker
}  # fmt: skip


def untrained_ranker(name: str, num_items: int, width: int, length: int, seed: int) -> Ranker:
    """A ranker before its training; its weights depend on the seed alone."""
    torch.manual_seed(seed)
    return RANKERS[name](num_items, width, length)


@torch.no_grad()
def begin_with(ranker: Ranker, vectors: Tensor) -> None:
    """Gives a ranker's products the ``vectors`` (V + 1, D) of the stage before it, to learn on from.

    Stages often share what they know of products. In a lesson's few seconds vectors that begin from nothing would be
    all that a ranker learns.
    """
    for name, module in ranker.named_modules():
        if isinstance(module, nn.Embedding) and name.rpartition(".")[2] in ("item", "factors"):
            module.weight.copy_(vectors)
