"""RQ-VAE: a vector becomes a short word of codes, each code the nearest to what the codes before it left over.

    z = encoder(x),  r_1 = z,  c_l = argmin_k ||r_l - e_lk||,  r_{l+1} = r_l - e_{l, c_l}
    x' = decoder(sum_l e_{l, c_l})
    loss = ||x - x'||^2 + sum_l ||sg[r_l] - e_{l, c_l}||^2 + beta ||r_l - sg[e_{l, c_l}]||^2

``sg`` stops the gradient; the argmin has none, so the decoder's gradient is handed to the encoder as it is
(straight-through: Bengio, Leonard & Courville, 2013; van den Oord et al., Neural Discrete Representation Learning,
NeurIPS 2017). Residual codes: Lee et al., Autoregressive Image Generation using Residual Quantization, CVPR 2022; as
names of products: Rajput et al., Recommender Systems with Generative Retrieval (TIGER), NeurIPS 2023.

What keeps codes in use: a start by k-means on the encoder's first vectors, codes that nobody takes put where somebody
is, or codes that follow the mean of those who take them (EMA) instead of a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn import functional as F

DECAY = 0.9  # of the moving means, a batch
SMALL = 1e-5


@dataclass(frozen=True)
class Quantised:
    """What the levels made of a batch of encoded vectors."""

    total: Tensor  # (B, D) sum of the chosen codes' vectors
    codes: Tensor  # (B, L) int64
    residuals: tuple[Tensor, ...]  # (B, D) before each level
    loss: Tensor  # codebooks and commitment, summed over a vector's numbers, mean over the batch


class RQVAE(nn.Module):
    """Encoder, ``levels`` codebooks of ``codes`` vectors of ``width`` numbers, decoder."""

    def __init__(self, inputs: int, hidden: int, width: int, levels: int, codes: int, beta: float, ema: bool) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.decoder = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, inputs))
        self.codebooks = nn.Parameter(torch.randn(levels, codes, width), requires_grad=not ema)
        self.register_buffer("share", torch.ones(levels, codes))  # moving count of those who take a code
        self.register_buffer("mean", self.codebooks.detach().clone())  # moving sum of their residuals
        self.beta, self.ema = beta, ema
        self.share: Tensor
        self.mean: Tensor

    def quantise(self, z: Tensor) -> Quantised:
        """(B, D) encoded vectors to codes, level by level."""
        left, total, loss = z, torch.zeros_like(z), z.new_zeros(())
        codes, residuals = [], []
        for book in self.codebooks:
            chosen = torch.cdist(left.detach(), book.detach()).argmin(1)
            vector = book[chosen]
            residuals.append(left.detach())
            codes.append(chosen)
            loss = loss + (left.detach() - vector).square().sum(1).mean()
            loss = loss + self.beta * (left - vector.detach()).square().sum(1).mean()
            total, left = total + vector, left - vector.detach()
        return Quantised(total, torch.stack(codes, 1), tuple(residuals), loss)

    def forward(self, x: Tensor) -> tuple[Tensor, Quantised]:
        """(B, inputs) vectors to what the decoder makes of their codes, and the codes."""
        z = self.encoder(x)
        found = self.quantise(z)
        return self.decoder(z + (found.total - z).detach()), found

    @torch.no_grad()
    def start_by_kmeans(self, x: Tensor, seed: int) -> None:
        """Puts each level's codes where k-means finds clusters of what is left of the encoded ``x``."""
        left = self.encoder(x)
        for level, book in enumerate(self.codebooks):
            book.copy_(centres(left, len(book), seed + level))
            left = left - book[torch.cdist(left, book).argmin(1)]
        self.mean.copy_(self.codebooks)

    @torch.no_grad()
    def follow(self, found: Quantised) -> None:
        """EMA: every code moves to the moving mean of the residuals that took it."""
        for level, book in enumerate(self.codebooks):
            taken = F.one_hot(found.codes[:, level], len(book)).to(book.dtype)
            self.share[level].mul_(DECAY).add_(taken.sum(0), alpha=1 - DECAY)
            self.mean[level].mul_(DECAY).add_(taken.T @ found.residuals[level], alpha=1 - DECAY)
            book.copy_(self.mean[level] / (self.share[level][:, None] + SMALL))

    @torch.no_grad()
    def reset_dead(self, x: Tensor, generator: torch.Generator) -> int:
        """Puts every code that none of ``x`` takes onto the residual of one of them, drawn at random; how many."""
        found, moved = self.quantise(self.encoder(x)), 0
        for level, book in enumerate(self.codebooks):
            dead = torch.bincount(found.codes[:, level], minlength=len(book)) == 0
            count = int(dead.sum())
            drawn = torch.randint(len(x), (count,), generator=generator)
            book[dead] = found.residuals[level][drawn]
            self.mean[level][dead], self.share[level][dead] = book[dead], 1.0
            moved += count
        return moved


def centres(points: Tensor, count: int, seed: int) -> Tensor:
    """(count, D) centres of clusters by k-means (Lloyd's algorithm, k-means++ start; scipy's).

    Where there are fewer points than centres, points repeat: the codes that are too many stay unused.
    """
    rows = points.detach().numpy().astype(np.float64)
    if len(rows) <= count:
        return torch.from_numpy(np.resize(rows, (count, rows.shape[1]))).to(points.dtype)
    found, _ = kmeans2(rows, count, iter=20, minit="++", rng=np.random.default_rng(seed))
    return torch.from_numpy(found).to(points.dtype)
