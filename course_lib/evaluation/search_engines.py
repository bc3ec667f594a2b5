"""Three ways to find products for a line of text, and their sum: by words, by letters, by meaning.

    words     BM25 over both titles (shop/lexical.py): the words of the query that stand in the title
    letters   cosine of tf-idf counts of runs of one to three characters (data/encoders.py), of which a slip spares most
    meaning   cosine of the sentence encoder's vectors, the better one of a product's two titles
    both      (1 - w) * words / max + w * (meaning - min) / (max - min),   each over its own best ``candidates``,
              the weighted sum of scores that are normalised for each query (Bruch, Gai & Ingber, An Analysis of Fusion
              Functions for Hybrid Retrieval, ACM TOIS 2023); or 1 / (60 + rank of one) + 1 / (60 + rank of the other),
              reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009), of ``w`` and ``1 - w`` times these

Nothing here is trained. It stands in this room because the shop's engine is part of the shop, which no model may know.
Shapes: Q queries, V products; a score of 0 means "not found".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.encoders import Encoder, Vectors
from course_lib.data.text_vectors import TITLES, encoder_of, title_vectors, titles
from course_lib.errors import CourseError
from course_lib.shop.lexical import LexicalEngine, tokens

Scores = NDArray[np.float32]
RANK_CONSTANT = 60  # of reciprocal rank fusion, as in its paper
CLOSE = 0.72  # difflib's ratio from which a word of the catalogue may be what was meant
LONGEST = 300  # characters of a query that are read


@dataclass(frozen=True)
class Engines:
    """The engines over one catalogue."""

    words: LexicalEngine
    letters: Encoder
    letter_vectors: Any  # (V, number of runs), sparse
    sentences: Encoder
    meanings: list[Vectors]  # (V, 512) of the titles of each language that there is
    vocabulary: dict[str, int]  # words and names in the catalogue, with how often each stands there
    faces: dict[str, list[int]] = field(default_factory=dict)  # products by their emoji

    @classmethod
    def make(cls, dataset: Dataset, language: str = "both", encoder: str = "sentences") -> Engines:
        """Reads the titles in "zh", in "en" or in both; raises CourseError ``no_titles`` where there are none."""
        items = catalogue(dataset, language)
        languages = [one for one in TITLES if any(titles(dataset, one)) and language in (one, "both")]
        if not languages:
            raise CourseError("no_titles", name=dataset.address.name)
        return cls(
            LexicalEngine(items),
            encoder_of(dataset, "ngrams"),
            title_vectors(dataset, "ngrams", language),
            encoder_of(dataset, encoder),
            [np.asarray(title_vectors(dataset, encoder, one)) for one in languages],
            _vocabulary(items, dataset.items),
            _faces(dataset.items),
        )

    def by_words(self, texts: Sequence[str]) -> Scores:
        """(Q, V) BM25; a query that is a product's emoji alone finds the products that have it."""
        scores = self.words.score(texts)
        for row, text in enumerate(texts):
            for item in self.faces.get(text.strip(), ()):
                scores[row, item - 1] = 1.0
        return scores

    def by_letters(self, texts: Sequence[str]) -> Scores:
        """(Q, V) cosines of counts of runs of characters."""
        found: Any = csr_array(self.letters.encode(texts)) @ self.letter_vectors.T
        return np.asarray(found.todense(), np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(Q, 512) vectors of length 1."""
        return np.asarray(self.sentences.encode(list(texts)), np.float32)

    def by_meaning(self, vectors: Vectors) -> Scores:
        """(Q, V) cosines with the nearer title, above 0."""
        found = vectors @ self.meanings[0].T
        for other in self.meanings[1:]:
            np.maximum(found, vectors @ other.T, out=found)
        above: Scores = np.maximum(found, 0.0).astype(np.float32)
        return above

    def why(self, text: str, item: int) -> list[tuple[str, float]]:
        """Which words of the query stand in a product's titles, each with its part of BM25; the emoji, where it is."""
        parts: dict[str, float] = {}
        for word in tokens(text):
            if word in self.words.words:
                value = float(self.words.weights[[self.words.words[word]], :][0, item - 1])
                parts[word] = parts.get(word, 0.0) + value
        if item in self.faces.get(text.strip(), ()):
            parts[text.strip()] = 1.0
        return [(word, value) for word, value in parts.items() if value > 0]

    def meant(self, text: str) -> str:
        """The query with each word that the catalogue lacks replaced by the nearest that it has; "" where none is near.

        Nearest by the share of characters in common order (difflib's ratio), of the more frequent ones first.
        """
        import difflib

        changed, pieces = False, []
        for word in text.lower().split():
            if all(one in self.words.words for one in tokens(word)) or word in self.vocabulary or len(word) < 2:
                pieces.append(word)
                continue
            cut = CLOSE if word.isascii() else 0.5
            near = [one for one in self.vocabulary if abs(len(one) - len(word)) <= 1 and one[0] == word[0]]
            best = difflib.get_close_matches(word, near, n=1, cutoff=cut)
            pieces.append(best[0] if best else word)
            changed = changed or bool(best)
        return " ".join(pieces) if changed else ""


def catalogue(dataset: Dataset, language: str = "both") -> pd.DataFrame:
    """Both title columns as words, the other language's empty, as :class:`LexicalEngine` reads them."""
    return pd.DataFrame(
        {
            column: titles(dataset, one) if language in (one, "both") else [""] * dataset.num_items
            for one, column in TITLES.items()
        }
    )


def cleaned(text: str) -> str:
    """A query as it is read: one line without control characters, at most LONGEST characters.

    >>> cleaned("  篮球\\t\\x00 shoes ")
    '篮球 shoes'
    """
    plain = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    return " ".join(plain.split())[:LONGEST].strip()


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it, in any script."""
    return any(unicodedata.category(one)[0] in "LN" for one in text)


def fuse(words: Scores, meaning: Scores, weight: float, candidates: int, fusion: str = "weighted") -> Scores:
    """(Q, V) of "both", as this file's head has it: ``weight`` is the share of meaning."""
    one, other = best_of(words, candidates), best_of(meaning, candidates)
    if fusion == "ranks":
        return (1 - weight) * _by_rank(one) + weight * _by_rank(other)
    highest = np.maximum(one.max(1, keepdims=True), 1e-9)
    low = np.where(other > 0, other, np.inf).min(1, keepdims=True)
    low = np.where(np.isfinite(low), low, 0.0)
    spread = np.maximum(other.max(1, keepdims=True) - low, 1e-9)
    near = np.where(other > 0, (other - low) / spread, 0.0)
    return np.asarray((1 - weight) * one / highest + weight * near, np.float32)


def best_of(scores: Scores, candidates: int) -> Scores:
    """The scores of the best ``candidates`` of each row, and of what equals the last of them; 0 elsewhere."""
    if candidates >= scores.shape[1]:
        return scores
    last = -np.partition(-scores, candidates - 1, axis=1)[:, candidates - 1 : candidates]
    return np.where(scores >= np.maximum(last, 1e-9), scores, 0.0)


def _by_rank(scores: Scores) -> Scores:
    """1 / (60 + rank), 0 where nothing was found."""
    ranks = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable") + 1
    return np.where(scores > 0, 1 / (RANK_CONSTANT + ranks), 0.0).astype(np.float32)


def _vocabulary(titled: pd.DataFrame, items: pd.DataFrame) -> dict[str, int]:
    """Words of the titles and names of types and brands, the frequent ones first."""
    counts: dict[str, int] = {}
    columns = [titled[column] for column in TITLES.values()]
    columns += [items[name].fillna("") for name in (Columns.TYPE_ZH, Columns.TYPE_EN, Columns.BRAND) if name in items]
    for column in columns:
        for text in column.astype(str):
            for word in text.lower().replace(",", " ").replace("，", " ").split():
                counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


def _faces(items: pd.DataFrame) -> dict[str, list[int]]:
    """The products of each emoji."""
    found: dict[str, list[int]] = {}
    if Columns.EMOJI in items:
        for row, face in enumerate(items[Columns.EMOJI].fillna("").astype(str)):
            if face.strip():
                found.setdefault(face.strip(), []).append(row + 1)
    return found
