"""What a search engine is judged by: queries, what is relevant to each, and how often each is typed.

    task = SearchTask.make(dataset, most=0, seed=1)
    task.ndcg(scores)                      # (Q,) one a query
    task.measure(task.ndcg(scores), rows)  # mean over searches with its interval

In the simulated shop queries and relevance are the truth's (shop/truth/intents.py, grades 0 to 3), and a query counts
as often as the shop's log has it. Any other catalogue has no such truth: there the queries are made of its titles, and
the one product relevant to each is the one that the title is of (known-item search: Azzopardi, de Rijke & Balog,
Building Simulated Queries for Known-Item Topics, SIGIR 2007).

    NDCG@10 = DCG / max DCG,   DCG = sum over places j = 1..10 of (2^g_j - 1) / log2(j + 1)

(Burges et al., Learning to Rank using Gradient Descent, ICML 2005). The maximum is that of the whole catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.text_vectors import TITLES, titles
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import Interval, bootstrap_ratio

SHOP = "shop"
PLACES = 10
OWN_KINDS = ("whole", "half", "misspelt")  # of queries that are made of titles
FEWEST = 20  # products without which there is nothing to search
OWN_QUERIES = 600  # products whose titles are made into queries, at most
CELLS = 20_000_000  # numbers of a table of queries and products, at most
TIE = 1e-12  # of a score, a column
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SearchTask:
    """``Q`` queries on a catalogue of ``V`` products."""

    texts: list[str]
    kind: NDArray[np.str_]  # (Q,)
    language: NDArray[np.str_]  # (Q,) "zh", "en", "mixed", or "" where it is not known
    counts: NDArray[np.int64]  # (Q,) searches
    gains: NDArray[np.float32]  # (Q, V) 2^grade - 1

    @classmethod
    def make(cls, dataset: Dataset, most: int = 0, seed: int = 1) -> SearchTask:
        """The shop's queries that were typed, or queries of the titles; ``most`` draws so many of them, 0 takes all.

        Raises CourseError where the catalogue has no titles or too few products.
        """
        task = _of_the_shop(dataset) if dataset.address.name == SHOP else _of_titles(dataset, seed)
        if not most or most >= len(task.texts):
            return task
        return task.take(np.sort(np.random.default_rng(seed).permutation(len(task.texts))[:most]))

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> SearchTask:
        """Some of the queries."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        texts = [self.texts[row] for row in rows]
        return SearchTask(texts, self.kind[rows], self.language[rows], self.counts[rows], self.gains[rows])

    @property
    def kinds(self) -> list[str]:
        """Those that occur, in the order of the queries."""
        return list(dict.fromkeys(self.kind.tolist()))

    def ndcg(self, scores: NDArray[np.floating]) -> Floats:
        """(Q,) of (Q, V) scores; what is scored 0 or less is not in the list, equal scores stand in catalogue order."""
        best = top(scores)
        gain = np.take_along_axis(self.gains, best, 1) * (np.take_along_axis(scores, best, 1) > 0)
        places = min(PLACES, best.shape[1])
        discount = 1 / np.log2(np.arange(places) + 2.0)
        ideal = -np.sort(np.partition(-self.gains, places - 1, axis=1)[:, :places], axis=1) @ discount
        found: Floats = np.divide(gain @ discount, ideal, out=np.zeros(len(gain)), where=ideal > 0)
        return found

    def measure(self, values: Floats, rows: NDArray[np.bool_] | None = None) -> Interval:
        """The mean over searches of values (Q,), of ``rows`` alone; resampled by query, with all its searches."""
        kept = self.counts > 0 if rows is None else rows & (self.counts > 0)
        weight = self.counts[kept].astype(np.float64)[:, None]
        return bootstrap_ratio(values[kept][:, None] * weight, weight)

    def by_kind(self, values: Floats) -> Iterator[tuple[str, Interval]]:
        """Each kind that was searched for."""
        for kind in self.kinds:
            rows = (self.kind == kind) & (self.counts > 0)
            if rows.any():
                yield kind, self.measure(values, rows)


def top(scores: NDArray[np.floating], size: int = PLACES) -> NDArray[np.int64]:
    """(Q, size) columns of the highest scores, best first; equal ones in the order of the catalogue.

    Later columns are lowered by far less than float32 can tell apart, so that no two are equal and a partition will do.

    >>> top(np.array([[1.0, 3.0, 2.0, 3.0]]), 3)
    array([[1, 3, 2]])
    """
    size = min(size, scores.shape[1])
    keys = scores - TIE * np.arange(scores.shape[1])
    best = np.argpartition(-keys, size - 1, axis=1)[:, :size]
    order = np.argsort(-np.take_along_axis(keys, best, 1), axis=1, kind="stable")
    found: NDArray[np.int64] = np.take_along_axis(best, order, 1)
    return found


def _of_the_shop(dataset: Dataset) -> SearchTask:
    """Queries as the truth has them, counted in the log of this size."""
    from course_lib.shop.published import shop
    from course_lib.shop.truth.search import KIND, queries, search_truth

    truth = search_truth(shop())
    frame = queries(shop())
    searches = registry.load_table(dataset.address, "searches")
    counts = np.bincount(searches[Columns.QUERY].to_numpy(np.int64), minlength=len(frame))
    gains = np.exp2(truth.grades.astype(np.float32)) - 1
    task = SearchTask(
        frame[Columns.TEXT].tolist(), frame[KIND].to_numpy(str), frame[Columns.LANGUAGE].to_numpy(str),
        counts.astype(np.int64), gains,
    )  # fmt: skip
    return task.take(counts > 0)


def _of_titles(dataset: Dataset, seed: int) -> SearchTask:
    """Each product's title whole, half of it, and with one slip; in each language that there is."""
    if dataset.num_items < FEWEST:
        raise CourseError("too_few_products", name=dataset.address.name, products=dataset.num_items, fewest=FEWEST)
    rng = np.random.default_rng(seed)
    most = max(FEWEST, min(OWN_QUERIES, CELLS // (len(OWN_KINDS) * len(TITLES) * dataset.num_items)))
    asked = np.sort(rng.permutation(dataset.num_items)[:most])
    rows: list[tuple[str, str, str, int]] = []
    for language in TITLES:
        known = titles(dataset, language)
        for item in asked.tolist():
            for kind in OWN_KINDS:
                if text := _part(known[item], kind, rng):
                    rows.append((text, kind, language, item))
    if not rows:
        raise CourseError("no_titles", name=dataset.address.name)
    frame = pd.DataFrame(rows, columns=["text", "kind", "language", "item"]).drop_duplicates(["text", "kind"])
    frame = frame.sort_values("kind", key=lambda one: one.map(OWN_KINDS.index), kind="stable")
    gains = np.zeros((len(frame), dataset.num_items), np.float32)
    gains[np.arange(len(frame)), frame["item"]] = 1.0
    ones = np.ones(len(frame), np.int64)
    return SearchTask(frame["text"].tolist(), frame["kind"].to_numpy(str), frame["language"].to_numpy(str), ones, gains)


def _part(title: str, kind: str, rng: np.random.Generator) -> str:
    """What somebody might type who looks for this title; a title without spaces is cut by characters."""
    from course_lib.shop.truth.intents import slip

    if not title or kind == "whole":
        return title
    words = title.split()
    if kind == "half":
        pieces, between = (words, " ") if len(words) > 1 else (list(title), "")
        size = max(1, len(pieces) // 2)
        start = int(rng.integers(len(pieces) - size + 1))
        return between.join(pieces[start : start + size])
    return slip(" ".join(words), rng) if max(map(len, words)) > 2 else ""
