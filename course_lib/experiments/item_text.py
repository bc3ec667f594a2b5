"""What a title knows: products as vectors of their text, how few numbers do, and what can be read off them.

    python -m course_lib run item_text --encoder ngrams --numbers 128 --json

An encoder (data/encoders.py) gives each title a vector. The best ``d`` numbers of it are its coordinates along the
first ``d`` right singular vectors of the matrix X (V, D) of all products' vectors:

    X = U S W^T,    x_d = W_d^T x

(Deerwester et al., Indexing by Latent Semantic Analysis, JASIS 1990). For each d it is asked which products stand near
each other, by cosine, and what a linear probe reads off the vectors: a ridge regression, fitted on four fifths of the
products and asked about the others (Alain & Bengio, Understanding Intermediate Layers Using Linear Classifier Probes,
2016). The map is t-SNE's (van der Maaten & Hinton, JMLR 9, 2008).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.manifold import TSNE
from sklearn.model_selection import KFold, cross_val_predict
from threadpoolctl import threadpool_limits

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.encoders import Encoder, Vectors
from course_lib.data.text_vectors import TITLES, encoder_of, title_vectors, titles, unit
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, bootstrap_ratio
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import product_asked, type_numbers, view_at

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "encoder": ("sentences", "sentences", "ngrams", "own"),  # data/encoders.py
    "titles": ("both", "both", "zh", "en"),  # which of a product's titles are read
    "numbers": (512, 2, 2048),  # of a product's vector, at most
}
MEASURES = {
    "same_type@10": "share",  # of the ten nearest: those of the product's own type
    "same_brand@10": "share",
    "own_translation": "share",  # of Chinese titles: those that have their own English title nearest
    "translated_type@10": "share",  # of the ten English titles nearest to a Chinese one: those of the product's type
    "probe_type": "share",  # of products that are left out: those whose type a linear probe tells
    "probe_brand": "share",
    "probe_price": "share",  # of the variance of log prices that a linear probe tells
    "kept": "share",  # of the squared lengths of the encoder's vectors
    "seconds": "seconds",
}
ASKS = {"items": "items", "text": "text", "k": (10, 1, 100)}  # near the last of the products, or near a line of text
TINY = {"encoder": "ngrams", "numbers": 8}

K = 10
ASKED = 2000  # products that are asked about, at most; all others can be answers
MAPPED = 3000  # products on the map, at most
FEWEST = 50  # products without which there is nothing to compare; with a price or a brand, to fit a probe
FOLDS, RIDGE = 5, 0.1
PERPLEXITY, TSNE_ROUNDS = 12, 300
BLOCK = 512


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Measures what the titles' vectors know, from two numbers a product up to all.

    Raises CourseError where the data cannot be had, has too few products or no such titles, or where the learner's own
    encoder cannot be read. It takes seconds, so a run that was interrupted begins again.
    """
    began = time.perf_counter()
    sizes = _sizes(int(config.settings["numbers"]))
    yield plan(frame=len(sizes))
    dataset = registry.load(config.data["dataset"])
    if dataset.num_items < FEWEST:
        raise CourseError("too_few_products", name=dataset.address.name, products=dataset.num_items, fewest=FEWEST)
    with threadpool_limits(1):  # the same sums everywhere on a machine, and one core for one run
        space = Space.make(dataset, config)
        facts = Facts.make(dataset, config.seed)
        sizes = [size for size in sizes if size < space.rank] + [min(sizes[-1], space.rank)]
        yield plan(frame=len(sizes))
        across = _across(dataset, config, facts)
        yield {"kind": "across", "at": 0, **{name: round(one["value"], 4) for name, one in across.items()}}
    found: dict[str, dict[str, float]] = {}
    for at, size in enumerate(sizes):
        with threadpool_limits(1):
            vectors = space.first(size)
            found = facts.measures(vectors)
            found["kept"] = exact(round(float(np.square(vectors).sum() / space.total), 5))
            flat = size == 2
            view = {"numbers": size, "map": _map(vectors, flat, config.seed) if flat or size == sizes[-1] else None}
        told = {name: round(one["value"], 4) for name, one in found.items()}
        yield folder.frame(at, view, None, numbers=size, **told)
    seconds = round(time.perf_counter() - began, 3)
    yield result(
        {**found, **across, "seconds": exact(seconds)}, seconds={"total": seconds}, products=dataset.num_items,
        numbers=sizes[-1],
    )  # fmt: skip


def _sizes(most: int) -> list[int]:
    """Powers of two below ``most``, and ``most`` itself.

    >>> _sizes(24)
    [2, 4, 8, 16, 24]
    """
    return [2**n for n in range(1, 12) if 2**n < most] + [most]


@dataclass(frozen=True)
class Space:
    """The products' vectors along their best directions."""

    reduced: Vectors  # (V, R) coordinates, the most telling first
    directions: TruncatedSVD  # brings any other text's vector here
    encoder: Encoder
    total: float  # sum of the squared lengths of the encoder's vectors

    @property
    def rank(self) -> int:
        """How many numbers there are at most."""
        return int(self.reduced.shape[1])

    @classmethod
    def make(cls, dataset: Dataset, config: RunConfig) -> Space:
        """Encodes the titles and finds the directions; raises CourseError as ``title_vectors`` does."""
        settings = config.settings
        vectors = title_vectors(dataset, str(settings["encoder"]), str(settings["titles"]))
        most = min(int(settings["numbers"]), *vectors.shape)
        directions = TruncatedSVD(most, algorithm="randomized", random_state=config.seed)
        with np.errstate(divide="ignore", invalid="ignore"):  # its shares of a variance of 0, which are not used here
            reduced = np.asarray(directions.fit_transform(vectors), np.float32)
        total = float(np.square(vectors).sum() if isinstance(vectors, np.ndarray) else vectors.multiply(vectors).sum())
        return cls(reduced, directions, encoder_of(dataset, str(settings["encoder"])), total)

    def first(self, size: int) -> Vectors:
        """(V, size) the best numbers alone."""
        return self.reduced[:, :size]

    def place(self, text: str, size: int) -> Vectors:
        """(1, size) where a line of text would stand."""
        return np.asarray(self.directions.transform(self.encoder.encode([text])), np.float32)[:, :size]


@dataclass(frozen=True)
class Facts:
    """What is known about the products from elsewhere, and who is asked."""

    asked: NDArray[np.int64]  # rows of products that are asked about
    kind: NDArray[np.integer] | None  # (V,) type; None where no product has one
    brand: NDArray[np.integer] | None  # (V,) brand, -1 where a product has none
    price: NDArray[np.float64] | None  # (V,) logarithm, NaN where there is none
    seed: int

    @classmethod
    def make(cls, dataset: Dataset, seed: int) -> Facts:
        """From the columns of the catalogue."""
        items, rng = dataset.items, np.random.default_rng(seed)
        asked = np.sort(rng.permutation(dataset.num_items)[:ASKED])
        price: NDArray[np.float64] | None = None
        if Columns.PRICE in items:
            known = pd.to_numeric(items[Columns.PRICE], errors="coerce").to_numpy(np.float64)
            price = np.log(np.where(known > 0, known, np.nan))
        return cls(asked, type_numbers(items), _numbers(items, Columns.BRAND), price, seed)

    def measures(self, vectors: Vectors) -> dict[str, dict[str, float]]:
        """Neighbours' and probes' measures of (V, d) vectors; those are left out for which nothing is known."""
        found: dict[str, dict[str, float]] = {}
        near = nearest(unit(vectors)[self.asked], unit(vectors), self.asked)
        for name, known in (("type", self.kind), ("brand", self.brand)):
            if known is None or (known >= 0).sum() < FEWEST:
                continue
            found[f"same_{name}@10"] = self.agreeing(near, known)
            rows = self.asked[known[self.asked] >= 0]
            guessed = self._probed(RidgeClassifier(alpha=RIDGE), vectors[rows], known[rows])
            found[f"probe_{name}"] = bootstrap(guessed == known[rows]).to_dict()
        if self.price is not None and np.isfinite(self.price).sum() >= FEWEST:
            rows = self.asked[np.isfinite(self.price[self.asked])]
            true = self.price[rows]
            wrong = np.square(self._probed(Ridge(alpha=RIDGE), vectors[rows], true) - true)[:, None]
            if np.ptp(true) > 0:
                lost = bootstrap_ratio(wrong, np.square(true - true.mean())[:, None])
                found["probe_price"] = {"value": 1 - lost.value, "low": 1 - lost.high, "high": 1 - lost.low}
        return found

    def agreeing(self, near: NDArray[np.int64], known: NDArray[np.integer]) -> dict[str, float]:
        """The share of the neighbours (A, 10) of the asked that agree with them in what is known."""
        rows = self.asked[known[self.asked] >= 0]
        same = (known[near] == known[self.asked][:, None])[known[self.asked] >= 0].mean(1)
        assert len(rows)
        return bootstrap(same).to_dict()

    def _probed(self, probe: Any, vectors: Vectors, known: NDArray[Any]) -> NDArray[Any]:
        """What a probe says of each product, fitted without that product's fifth."""
        folds = KFold(FOLDS, shuffle=True, random_state=self.seed)
        return np.asarray(cross_val_predict(probe, vectors, known, cv=folds))


def _numbers(items: pd.DataFrame, column: str) -> NDArray[np.integer] | None:
    known = items.get(column)
    return None if known is None or known.isna().all() else known.astype("category").cat.codes.to_numpy()


def _across(dataset: Dataset, config: RunConfig, facts: Facts) -> dict[str, dict[str, float]]:
    """From a Chinese title to English ones; nothing where the catalogue has one language."""
    encoder = str(config.settings["encoder"])
    if not all(any(titles(dataset, language)) for language in TITLES):
        return {}
    zh, en = (title_vectors(dataset, encoder, language) for language in TITLES)
    near = nearest(zh[facts.asked], en, None)
    found = {"own_translation": bootstrap(near[:, 0] == facts.asked).to_dict()}
    if facts.kind is not None:
        found["translated_type@10"] = facts.agreeing(near, facts.kind)
    return found


def nearest(queries: Any, table: Any, own: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """(Q, 10) rows of ``table`` with the greatest products, each query's ``own`` row left out; equals in order.

    Both may be dense or sparse.
    """
    found = []
    for start in range(0, queries.shape[0], BLOCK):
        block = queries[start : start + BLOCK] @ table.T
        scores = np.array(block.todense() if isinstance(block, csr_array) else block, np.float32)
        if own is not None:
            scores[np.arange(len(scores)), own[start : start + BLOCK]] = -np.inf
        found.append(np.argsort(-scores, axis=1, kind="stable")[:, :K])
    return np.concatenate(found)


def _map(vectors: Vectors, flat: bool, seed: int) -> dict[str, list[float | None]]:
    """``{"x", "y"}``: two numbers as they are, more by t-SNE; None for products beyond MAPPED, an even sample."""
    size = len(vectors)
    rows = np.arange(size) if size <= MAPPED else np.linspace(0, size - 1, MAPPED).astype(int)
    if flat:
        places = vectors[rows]
    else:
        perplexity = min(PERPLEXITY, max(1.0, (len(rows) - 1) / 3))
        mapper = TSNE(2, perplexity=perplexity, max_iter=TSNE_ROUNDS, init="pca", random_state=seed, n_jobs=1)
        places = np.asarray(mapper.fit_transform(vectors[rows]))
    found: dict[str, list[float | None]] = {}
    for name, column in zip("xy", places.T, strict=True):
        all_of: list[float | None] = [None] * size
        for row, value in zip(rows.tolist(), column.tolist(), strict=True):
            all_of[row] = round(value, 4)
        found[name] = all_of
    return found


@dataclass(frozen=True)
class Titles:
    """What a question is put to."""

    space: Space
    size: int  # numbers of a vector at the frame on show
    kinds: list[str]  # product types; empty where there are none


def open(folder: Path, at: int | None) -> Titles:
    """The titles' vectors with as many numbers as at frame ``at``, or at the end."""
    config = RunConfig.read(folder)
    dataset = registry.load(config.data["dataset"])
    with threadpool_limits(1):
        space = Space.make(dataset, config)
    items = dataset.items
    kinds = items[Columns.TYPE].fillna("").astype(str).tolist() if Columns.TYPE in items else []
    return Titles(space, int(view_at(folder, at)["numbers"]), kinds)


def answer(artefact: Titles, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"item", "text", "near": [{"item", "score", "role"}]}`` of the text, where there is one, else the last product.

    The role is "same" for a product of the same type, "other" for another one, and "" where there is no type to
    compare. Raises CourseError for products that the catalogue does not have.
    """
    vectors = unit(artefact.space.first(artefact.size))
    assert isinstance(vectors, np.ndarray)
    item, text = product_asked(asked, len(vectors)), str(asked["text"]).strip()
    if item is None and not text:
        return {"item": None, "text": "", "near": []}
    with threadpool_limits(1):
        query = unit(artefact.space.place(text, artefact.size)) if text else vectors[[item - 1]]  # type: ignore[operator]
    scores = (vectors @ np.asarray(query)[0]).astype(np.float64)
    if not text and item is not None:
        scores[item - 1] = -np.inf
    order = [int(row) for row in np.argsort(-scores, kind="stable")[: asked["k"]] if np.isfinite(scores[row])]

    def role(row: int) -> str:
        if text or not artefact.kinds or item is None or not artefact.kinds[item - 1]:
            return ""
        return "same" if artefact.kinds[row] == artefact.kinds[item - 1] else "other"

    near = [{"item": row + 1, "score": round(float(scores[row]), 4), "role": role(row)} for row in order]
    return {"item": None if text else item, "text": text, "near": near}
