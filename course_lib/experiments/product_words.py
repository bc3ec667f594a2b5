"""The word of codes that a product has: by what its titles say, by where it stands in the catalogue, or by chance.

All words of a catalogue have the same length, and the last code only tells equal ones apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.experiments.products import type_numbers
from course_lib.experiments.semantic_ids import tell_apart
from course_lib.models.rq_vae import centres

CODES, LEVELS = 64, 3  # of semantic words, before the code that tells equal ones apart
AXES = 128  # principal axes of the vectors that k-means reads: 95% of their variance in half the time
PRICES = 4  # classes of price within a type: equally many products in each
ALIKE = 512  # products that may share all codes but the last; it has as many values

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """The words of V products."""

    codes: Codes  # (V, L), row ``i - 1`` for item ``i``, no two rows equal
    sizes: tuple[int, ...]  # (L,) how many codes a level has


def product_words(dataset: Dataset, ids: str, seed: int) -> Words:
    """Words of the kind ``ids``: "semantic", "taxonomy", or "random", which are semantic ones dealt out anew.

    Raises CourseError: ``no_titles`` (semantic, random), ``no_types`` (taxonomy), ``catalogue_below_codebook`` where
    there are fewer products than codes, ``words_too_alike`` where too many products would differ by the last code only.
    """
    if ids == "taxonomy":
        codes, sizes = _taxonomy(dataset)
    else:
        codes, sizes = _semantic(dataset, seed)
    words = tell_apart(codes)
    alike = int(words[:, -1].max()) + 1
    if alike > ALIKE:
        raise CourseError("words_too_alike", name=dataset.address.name, alike=alike, most=ALIKE)
    if ids == "random":
        words = words[np.random.default_rng(seed).permutation(len(words))]
    return Words(words, (*sizes, alike))


def _semantic(dataset: Dataset, seed: int) -> tuple[Codes, tuple[int, ...]]:
    """Residual k-means on the titles' vectors: each level divides what the levels before it left over."""
    if dataset.num_items < CODES:
        name = dataset.address.name
        raise CourseError("catalogue_below_codebook", name=name, products=dataset.num_items, codes=CODES)
    vectors = torch.from_numpy(text_vectors(dataset))
    centred = vectors - vectors.mean(0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -AXES:]
    left, codes = centred @ axes, []
    for level in range(LEVELS):
        book = centres(left, CODES, seed + level)
        chosen = torch.cdist(left, book).argmin(1)
        left = left - book[chosen]
        codes.append(chosen.numpy())
    return np.stack(codes, axis=1), (CODES,) * LEVELS


def _taxonomy(dataset: Dataset) -> tuple[Codes, tuple[int, ...]]:
    """Product type, brand, and class of price within the type; a product without one of them has code 0 there."""
    items, kinds = dataset.items, type_numbers(dataset.items)
    if kinds is None:
        raise CourseError("no_types", name=dataset.address.name)
    brands: NDArray[np.int64] = np.zeros(len(items), np.int64)
    prices: NDArray[np.int64] = np.zeros(len(items), np.int64)
    if Columns.BRAND in items:
        brands = np.asarray(items[Columns.BRAND].astype("category").cat.codes, np.int64)
    if Columns.PRICE in items:
        share = pd.to_numeric(items[Columns.PRICE]).groupby(kinds).rank(pct=True, method="first")
        prices = np.asarray(np.ceil(share * PRICES).fillna(0), np.int64)
    three = (kinds.astype(np.int64), brands, prices)
    columns = [np.unique(column, return_inverse=True)[1].astype(np.int64) for column in three]
    return np.stack(columns, axis=1), tuple(int(column.max()) + 1 for column in columns)
