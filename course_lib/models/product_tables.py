"""Where a product's vector comes from: a row of its own, its titles, or what it shares with other products.

    rows       e_i = a learned vector for each product
    text       e_i = W x_i + c               x_i: the product's title vector, whitened
    summed     e_i = sum_c E_c[code_c(i)]    a learned vector for each value of each column

A product that comes after training has an untrained row, but the other two give it a vector at once: Hou et al.,
UniSRec, KDD 2022 (text instead of ids); Singh et al., Better Generalization with Semantic IDs, RecSys 2024 (sums of
code vectors). Each stands where SASRec has ``nn.Embedding``: ``weight`` (V + 1, D), row 0 zero, and a lookup of ids.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from course_lib.data.columns import Columns
from course_lib.models.rq_vae import centres

Flags = NDArray[np.bool_]
START = 0.02  # spread of a vector's numbers before training, as in neural.py
PARTS = 128  # principal components of the title vectors that are kept
BANDS = 10  # of prices
ATTRIBUTES = (Columns.DEPARTMENT, Columns.TYPE, Columns.BRAND)
LEVELS, CODES, SHARING = 3, 64, 8  # of semantic ids


class ProductTable(nn.Module):
    """A table that is computed; a subclass says how."""

    def vectors(self) -> Tensor:
        """(V, D), row ``i - 1`` for item ``i``."""
        raise NotImplementedError

    @property
    def weight(self) -> Tensor:
        """(V + 1, D), row 0 for padding."""
        return functional.pad(self.vectors(), (0, 0, 1, 0))

    def forward(self, ids: Tensor) -> Tensor:
        """(...) item ids to (..., D)."""
        return functional.embedding(ids, self.weight)


class TextTable(ProductTable):
    """One linear layer on (V, P) title features."""

    features: Tensor

    def __init__(self, features: Tensor, width: int) -> None:
        super().__init__()
        self.register_buffer("features", features)
        self.tower = nn.Linear(features.shape[1], width)
        nn.init.normal_(self.tower.weight, std=START / features.shape[1] ** 0.5)
        nn.init.zeros_(self.tower.bias)

    def vectors(self) -> Tensor:
        """What the layer makes of every title."""
        made: Tensor = self.tower(self.features)
        return made


class SummedTable(ProductTable):
    """The sum of a learned vector for each of a product's (V, C) codes; a code below 0 adds nothing."""

    codes: Tensor
    sizes: Sequence[int]

    def __init__(self, codes: NDArray[np.int64], width: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.from_numpy(codes + 1))  # 0: nothing
        self.columns = nn.ModuleList(nn.Embedding(int(column.max()) + 2, width, padding_idx=0) for column in codes.T)
        for column in self.columns:
            assert isinstance(column, nn.Embedding)
            nn.init.normal_(column.weight, std=START / codes.shape[1] ** 0.5)
            with torch.no_grad():
                column.weight[0].zero_()

    def vectors(self) -> Tensor:
        """The sums."""
        made: Tensor = torch.stack([column(self.codes[:, at]) for at, column in enumerate(self.columns)]).sum(0)
        return made


def title_features(vectors: NDArray[np.float32], known: Flags) -> Tensor:
    """(V, P) principal components of (V, T) title vectors, each of variance 1 over the known products (V,)."""
    x = torch.from_numpy(vectors)
    mean = x[known].mean(0)
    _, spread, axes = torch.linalg.svd(x[known] - mean, full_matrices=False)
    kept = min(PARTS, int((spread > 1e-4 * spread[0]).sum()))
    found: Tensor = (x - mean) @ axes[:kept].T / spread[:kept] * int(known.sum()) ** 0.5
    return found


def attribute_codes(items: pd.DataFrame, known: Flags) -> NDArray[np.int64]:
    """(V, C) department, type, brand and price band of each product, as far as the catalogue has them; -1: unknown.

    A value that no known product has counts as unknown: nothing is learned of it. C is 0 where there is no such column.
    """
    columns = [items[name].astype("category").cat.codes.to_numpy(np.int64) for name in ATTRIBUTES if name in items]
    if Columns.PRICE in items:
        price = items[Columns.PRICE].to_numpy(np.float64)
        told = price[known & np.isfinite(price)]
        if len(told):
            edges = np.quantile(told, np.arange(1, BANDS) / BANDS)
            columns.append(np.where(np.isfinite(price), np.searchsorted(edges, price, side="right"), -1))
    columns = [np.where(np.isin(column, column[known]), column, -1) for column in columns]
    told_of = [column for column in columns if (column[known] >= 0).any()]
    return np.stack(told_of, axis=1) if told_of else np.empty((len(items), 0), np.int64)


def semantic_codes(vectors: NDArray[np.float32], known: Flags, seed: int) -> NDArray[np.int64]:
    """(V, LEVELS) codes by residual k-means, whose centres are those of the known products' title vectors.

    A small catalogue has fewer codes than CODES, so that about SHARING products share one.
    """
    count = max(2, min(CODES, int(known.sum()) // SHARING))
    left = torch.from_numpy(vectors - vectors[known].mean(0))
    codes = []
    for level in range(LEVELS):
        book = centres(torch.unique(left[known], dim=0), count, seed + level)  # k-means++ wants them apart
        chosen = torch.cdist(left, book).argmin(1)
        left = left - book[chosen]
        codes.append(chosen.numpy())
    return np.stack(codes, axis=1)


def neighbour_rows(rows: Tensor, vectors: NDArray[np.float32], known: Flags, count: int) -> Tensor:
    """``rows`` (V, D), where a product that is not known has the mean of its ``count`` nearest known ones by title."""
    x = torch.from_numpy(vectors)
    near = (x[~known] @ x[known].T).topk(min(count, int(known.sum())), dim=1).indices
    filled = rows.clone()
    filled[~known] = rows[known][near].mean(1)
    return filled
