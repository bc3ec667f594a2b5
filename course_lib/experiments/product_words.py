"""The word of codes that a product has: by its titles, by who buys it, by its place in the catalogue, or by chance.

All words of a catalogue have the same length, and the last code only tells equal ones apart.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.splits import leave_one_out
from course_lib.data.text_vectors import TITLES, text_vectors, titles
from course_lib.errors import CourseError
from course_lib.experiments.behaviour_vectors import behaviour_vectors
from course_lib.experiments.products import type_numbers
from course_lib.experiments.semantic_ids import tell_apart
from course_lib.models.rq_vae import centres

CODES, LEVELS = 64, 3  # of semantic words, before the code that tells equal ones apart
AXES = 128  # principal axes of the vectors that k-means reads: 95% of their variance in half the time
PRICES = 4  # classes of price within a type: equally many products in each
SAME = 1e5  # vectors that differ by less than its inverse are the same one
ALIKE = 512  # products that may share all codes but the last; it has as many values

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """The words of V products."""

    codes: Codes  # (V, L), row ``i - 1`` for item ``i``, no two rows equal
    sizes: tuple[int, ...]  # (L,) how many codes a level has


def product_words(dataset: Dataset, ids: str, seed: int) -> Words:
    """Words of the kind ``ids``: "semantic", "behaviour", "taxonomy", or "random" (semantic ones dealt out anew).

    Those by behaviour are made of the training histories of the leave-one-out split alone.

    Raises CourseError: ``words_no_titles`` (semantic, random), ``no_types`` (taxonomy), ``catalogue_below_codebook``
    where there are fewer products than codes, ``words_too_alike`` where too many products would differ by the last code
    only, and for "behaviour" as :func:`leave_one_out` does.
    """
    if ids == "taxonomy":
        codes, sizes = _taxonomy(dataset)
    else:
        if dataset.num_items < CODES:
            name = dataset.address.name
            raise CourseError("catalogue_below_codebook", name=name, products=dataset.num_items, codes=CODES)
        codes, sizes = _residual(_by_behaviour(dataset) if ids == "behaviour" else _by_titles(dataset), seed)
    words = tell_apart(codes)
    alike = int(words[:, -1].max()) + 1
    if alike > ALIKE:
        raise CourseError("words_too_alike", name=dataset.address.name, alike=alike, most=ALIKE)
    if ids == "random":
        words = words[np.random.default_rng(seed).permutation(len(words))]
    return Words(words, (*sizes, alike))


def has_titles(dataset: Dataset) -> bool:
    """Does any product have a title? An added dataset without titles has the products' codes in their place."""
    codes = dataset.items[Columns.CODE].astype(str).tolist()
    return any(
        title and title != code for one in TITLES for title, code in zip(titles(dataset, one), codes, strict=True)
    )


def _by_titles(dataset: Dataset) -> Tensor:
    """(V, AXES) principal axes of the titles' vectors."""
    if not has_titles(dataset):
        raise CourseError("words_no_titles", name=dataset.address.name)
    vectors = torch.from_numpy(text_vectors(dataset))
    centred = vectors - vectors.mean(0)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -AXES:]
    found: Tensor = centred @ axes
    return found


def _by_behaviour(dataset: Dataset) -> Tensor:
    """(V, D) vectors of who is bought near whom in the training histories."""
    vectors = torch.from_numpy(behaviour_vectors(leave_one_out(dataset).train, dataset.num_items))
    return vectors - vectors.mean(0)


def _residual(left: Tensor, seed: int) -> tuple[Codes, tuple[int, ...]]:
    """Residual k-means: each level divides what the levels before it left over of (V, D)."""
    codes = []
    for level in range(LEVELS):
        book = _book(left, seed + level)
        chosen = torch.cdist(left, book).argmin(1)
        left = left - book[chosen]
        codes.append(chosen.numpy())
    return np.stack(codes, axis=1), (CODES,) * LEVELS


def _book(left: Tensor, seed: int) -> Tensor:
    """(CODES, D) centres; where no more points than codes differ, the points themselves: k-means could not begin.

    A code without products is no harm, so scipy need not warn of one.
    """
    different = torch.unique((left * SAME).round() / SAME, dim=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return centres(different if len(different) <= CODES else left, CODES, seed)


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
