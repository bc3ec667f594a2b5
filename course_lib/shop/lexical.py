"""The shop's own search engine: BM25 over titles in both languages. It knows words, not meanings.

A title is cut as in Lucene's CJKAnalyzer: English into lower-case words without endings removed, Chinese into pairs of
neighbouring characters. A product is found if it shares at least one of these with the query, so a misspelt word, a
synonym or a need finds little or nothing.

    BM25(q, d) = sum over tokens t of q:  idf(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / mean |d|))
    idf(t) = ln(1 + (V - n_t + 0.5) / (n_t + 0.5)),   n_t = titles with t

Source: Robertson & Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from course_lib.data.columns import Columns

RUNS = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")
ROWS = 1000  # queries whose (n, V) scores exist at once


def tokens(text: str) -> list[str]:
    """The words of a text: English words and numbers, pairs of Chinese characters (a single one stays single).

    >>> tokens("Brenlan 篮球鞋, 42")
    ['brenlan', '篮球', '球鞋', '42']
    """
    found: list[str] = []
    for run in RUNS.findall(text.lower()):
        pairs = run[0] > "z" and len(run) > 1
        found += [run[n : n + 2] for n in range(len(run) - 1)] if pairs else [run]
    return found


class LexicalEngine:
    """BM25 over ``items`` (ITEM_COLUMNS, V rows): each title is the Chinese and the English one together."""

    def __init__(self, items: pd.DataFrame, k1: float = 1.2, b: float = 0.75) -> None:
        titles = zip(items[Columns.TITLE_ZH], items[Columns.TITLE_EN], strict=True)
        counts = [Counter(tokens(f"{zh} {en}")) for zh, en in titles]
        self.words = {word: n for n, word in enumerate(dict.fromkeys(word for count in counts for word in count))}
        rows = np.repeat(np.arange(len(counts)), [len(count) for count in counts])
        columns = np.array([self.words[word] for count in counts for word in count], np.int64)
        often = np.array([n for count in counts for n in count.values()], np.float64)
        length = np.array([count.total() for count in counts], np.float64)
        with_word = np.bincount(columns, minlength=len(self.words))
        idf = np.log(1 + (len(counts) - with_word + 0.5) / (with_word + 0.5))
        weight = often * (k1 + 1) / (often + k1 * (1 - b + b * length / length.mean())[rows])
        self.weights = sparse.csr_array((idf[columns] * weight, (columns, rows)), (len(self.words), len(counts)))

    def score(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """(n, V) the BM25 of each query and product, 0 where they share nothing. Column i is item i + 1."""
        found = [[self.words[word] for word in tokens(query) if word in self.words] for query in queries]
        rows = np.repeat(np.arange(len(found)), [len(words) for words in found])
        columns = np.array([word for words in found for word in words], np.int64)
        asked = sparse.csr_array((np.ones(len(rows)), (rows, columns)), (len(found), len(self.words)))
        scores: NDArray[np.float32] = (asked @ self.weights).toarray().astype(np.float32)
        return scores

    def search(self, queries: Sequence[str], size: int = 10) -> NDArray[np.int32]:
        """(n, size) item ids, best first, equal scores in the order of the catalogue; 0 beyond what was found."""
        found = np.zeros((len(queries), size), np.int32)
        for start in range(0, len(queries), ROWS):
            scores = self.score(queries[start : start + ROWS])
            best = np.argsort(-scores, axis=1, kind="stable")[:, :size]
            matched = np.take_along_axis(scores, best, 1) > 0
            found[start : start + ROWS, : best.shape[1]] = np.where(matched, best + 1, 0)
        return found
