"""Products' titles as vectors: made once by an encoder (data/encoders.py) and kept beside the data.

A product's vector is the mean of those of its titles, so neither language weighs more.
Never called in the web process, which must not hold an encoder.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from threadpoolctl import threadpool_limits

from course_lib.code_version import code_version
from course_lib.data.cache import cached
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.encoders import Encoder, Vectors, make_encoder
from course_lib.data.own_encoder import fingerprint
from course_lib.errors import CourseError
from course_lib.settings import load_settings

TITLES = {"zh": Columns.TITLE_ZH, "en": Columns.TITLE_EN}


def text_vectors(dataset: Dataset) -> Vectors:
    """(V, 512) vectors of length 1 of the pretrained sentence encoder, row ``i - 1`` for item ``i``.

    Raises CourseError ``no_titles`` where no product has a title.
    """
    return np.asarray(title_vectors(dataset, "sentences"))


def title_vectors(dataset: Dataset, encoder: str, language: str = "both") -> Vectors | csr_array:
    """(V, D) vectors of length 1 by the encoder of that name, of the titles in "zh", in "en", or the mean of both.

    Raises CourseError ``no_titles`` where no product has such a title, and as ``make_encoder`` does.
    """
    languages = [one for one in TITLES if language in (one, "both") and any(titles(dataset, one))]
    if not languages:
        raise CourseError("no_titles", name=dataset.address.name)
    parts = [_of_language(dataset, encoder, one) for one in languages]
    return unit(sum(parts[1:], parts[0]))


def titles(dataset: Dataset, language: str) -> list[str]:
    """The titles in one language, of item 1, 2, ...; empty strings where there are none."""
    column = TITLES[language]
    if column not in dataset.items:
        return [""] * dataset.num_items
    return dataset.items[column].fillna("").astype(str).str.strip().tolist()


def encoder_of(dataset: Dataset, name: str) -> Encoder:
    """The encoder of that name, ready to read anything as it read the catalogue; raises as ``make_encoder`` does."""
    every: Sequence[str] = [one for language in TITLES for one in titles(dataset, language) if one]
    if not every:
        raise CourseError("no_titles", name=dataset.address.name)
    return make_encoder(name, every)


def unit(vectors: Vectors | csr_array) -> Vectors | csr_array:
    """Each row brought to length 1; a row of zeros stays."""
    if isinstance(vectors, np.ndarray):
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)
    lengths: NDArray[np.float32] = np.sqrt(vectors.multiply(vectors).sum(axis=1))
    return csr_array(diags_array((1 / np.maximum(lengths, 1e-9)).astype(np.float32)) @ vectors)


def _of_language(dataset: Dataset, encoder: str, language: str) -> Vectors | csr_array:
    """From the cache or made now; counts of characters are made as quickly as they are read."""
    if encoder == "ngrams":
        return _encoded(dataset, encoder, language)
    version = code_version(__name__) + fingerprint(encoder)
    folder = load_settings().datasets / f"{dataset.address.folder}-text-{encoder}-{language}-{version}"

    def prepare() -> dict[str, pd.DataFrame]:
        vectors = np.asarray(_encoded(dataset, encoder, language), np.float32)
        return {"vectors": pd.DataFrame(vectors, columns=[str(n) for n in range(vectors.shape[1])])}

    [frame] = cached(folder, ("vectors",), prepare)
    return np.ascontiguousarray(frame.to_numpy(np.float32))


def _encoded(dataset: Dataset, encoder: str, language: str) -> Vectors | csr_array:
    with threadpool_limits(1):  # sums of another number of threads differ in the last digit, and runs then in more
        return encoder_of(dataset, encoder).encode(titles(dataset, language))
