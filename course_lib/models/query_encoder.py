"""A query encoder that learns from clicks: the vector of a line of text, near those of the products clicked for it.

    m(x) = unit(A x)                          x (512): the pretrained sentence encoder's vector, A begins as identity
    l(x) = unit(sum over runs g of E[g])      g: runs of one to three characters, hashed to RUNS rows, E drawn at random
    f    = [m, l] / sqrt(2)                   or one of them alone
    P(product i | query q) = softmax_i of s f(q) . f(i)     over all products, s is learned

A product goes through the same A and E as a query, with the vector and the runs of its titles, so what is learned of a
word holds on both sides. The runs are those of fastText (Bojanowski, Grave, Joulin & Mikolov, Enriching Word Vectors
with Subword Information, TACL 2017); learning both sides from clicks is DSSM's idea (Huang et al., CIKM 2013).

It has no ``TASK``: it reads texts, not histories. Shapes: N texts, G runs of the longest one, D width.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

RUNS = 8_192  # rows of E; row 0 is padding
LONGEST = 3  # characters of a run
MOST = 400  # runs of a text that are read
SPREAD = 0.05  # of E before training
SCALE = 3.0  # log of s before training
PARTS = {"both": ("meaning", "letters"), "meaning": ("meaning",), "letters": ("letters",)}


class QueryEncoder(nn.Module):
    """``reads`` says what of a text is read: "meaning", "letters" or "both"."""

    def __init__(self, size: int, width: int, reads: str = "both") -> None:
        super().__init__()
        self.parts = PARTS[reads]
        if "meaning" in self.parts:
            self.turn = nn.Linear(size, size, bias=False)
            nn.init.eye_(self.turn.weight)
        if "letters" in self.parts:
            self.run = nn.Embedding(RUNS + 1, width, padding_idx=0)
            nn.init.normal_(self.run.weight, 0.0, SPREAD)
            with torch.no_grad():
                self.run.weight[0] = 0.0
        self.scale = nn.Parameter(torch.tensor(SCALE))

    def forward(self, vectors: Tensor, runs: Tensor) -> Tensor:
        """(N, size) vectors and (N, G) runs, 0 where there is none, to (N, D) of length 1."""
        found = []
        if "meaning" in self.parts:
            found.append(functional.normalize(self.turn(vectors), dim=-1))
        if "letters" in self.parts:
            summed = functional.embedding_bag(runs, self.run.weight, mode="sum", padding_idx=0)
            found.append(functional.normalize(summed, dim=-1))
        joined: Tensor = torch.cat(found, dim=-1) / len(found) ** 0.5
        return joined


def runs_of(text: str) -> list[int]:
    """Rows of E for every different run of 1 to LONGEST characters, a space before and after the text.

    >>> len(runs_of("ab"))  # ' ', 'a', 'b', ' a', 'ab', 'b ', ' ab', 'ab '
    8
    """
    padded = f" {text.lower()} "
    found = {padded[at : at + n] for n in range(1, LONGEST + 1) for at in range(len(padded) - n + 1)}
    return sorted({zlib.crc32(run.encode()) % RUNS + 1 for run in found})[:MOST]


def padded_runs(texts: Sequence[str]) -> Tensor:
    """(N, G) the runs of texts, filled up with 0."""
    each = [runs_of(text) for text in texts]
    table: NDArray[np.int64] = np.zeros((len(each), max(map(len, each), default=1)), np.int64)
    for row, runs in enumerate(each):
        table[row, : len(runs)] = runs
    return torch.from_numpy(table)
