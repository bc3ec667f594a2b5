"""Finding the nearest of many: exact search against an index.

    python -m course_lib run vector_index --vectors random --products 50000 --json

A recommender's last step is to find, among the vectors of all products, those nearest to what the shopper wants. Exact
search compares with every one: n D multiplications a query for n products of D numbers. An index looks at a part of
them, and may miss some:

    recall@k = |k nearest by the index ∩ k nearest by exact search| / k      mean over the queries

HNSW links each product to a few near ones, in layers that thin out upwards, and walks from link to link (Malkov &
Yashunin, IEEE TPAMI 42(4), 2020; efSearch is how many candidates a walk keeps). IVF divides the products among centres
found by k-means and looks only behind the centres nearest to the query (Jégou, Douze & Schmid, IEEE TPAMI 33(1), 2011;
nprobe is how many). Both are those of the library faiss (Douze et al., The Faiss Library, arXiv:2401.08281).

All vectors have length 1, so that the nearest by distance is also the one with the largest inner product:
||q - x||^2 = 2 - 2 q x. Random ones are N(0, I) divided by their length: every product is about as far from a query
as every other. Clustered ones are alike within a kind, as products are: x = c_kind + N(0, I), c_kind from N(0, I) too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at

SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "vectors": ("clustered", "clustered", "random"),
    "products": (50_000, 1_000, 1_000_000),  # n, of the largest catalogue; smaller ones are its beginnings
    "width": (48, 4, 128),  # D, numbers a product
    "index": ("hnsw", "hnsw", "ivf", "exact"),
    "links": (16, 4, 64),  # M of HNSW: links a product on each layer, and twice as many on the lowest
    "searched": (32, 1, 512),  # efSearch of HNSW, nprobe of IVF
}
MEASURES = {  # of the largest catalogue
    "recall@10": "share",
    "exact_seconds": "seconds",  # a query by exact search: the median, one query at a time, one thread
    "index_seconds": "seconds",  # likewise by the index
    "build_seconds": "seconds",  # of the index
    "megabytes": "count",  # of the index, 10^6 bytes, the vectors in it included
    "seconds": "seconds",
}
ASKS = {"k": (10, 1, 100)}  # recall at this many
TINY = {"products": 1_000, "width": 8}

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)  # catalogues on the way to the largest
KIND = 100  # clustered products of a kind: a larger catalogue has more kinds, not larger ones
QUERIES, TIMED = 500, 100  # asked for recall, and one by one for the time
NEAREST = (1, 2, 5, 10, 20, 50, 100)  # k at which recall is measured
TRIED = {"hnsw": (10, 16, 32, 64, 128, 256), "ivf": (1, 4, 16, 32, 64, 128), "exact": ()}  # ``searched``, at the end
LISTS = 4  # IVF has so many times sqrt(n) centres; faiss's guidelines say 4 to 16
LIMIT = 2**30  # bytes that the vectors and the index may take
Vectors = NDArray[np.float32]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Fills exact search and the index with ever larger catalogues, and asks both the same.

    Times stand in the events and the result, never in a frame's view, which is the same for the same seed. Raises
    CourseError where the vectors would take too much memory. An interrupted run begins again.
    """
    settings = config.settings
    products, width, name = int(settings["products"]), int(settings["width"]), str(settings["index"])
    need = bytes_each(width, int(settings["links"]))
    if products * need > LIMIT:
        gib = {"needed": f"{products * need / 2**30:.1f}", "limit": f"{LIMIT / 2**30:.0f}"}
        raise CourseError("vectors_too_large", products=products, width=width, most=LIMIT // need, **gib)
    began = time.perf_counter()
    sizes = [*(size for size in SIZES if size < products), products]
    yield plan(frame=len(sizes))
    faiss = load_faiss()
    flat, index = faiss.IndexFlatL2(width), new_index(name, width, int(settings["links"]))
    drawn = Drawn(settings["vectors"] == "clustered", products, width, config.seed)
    building = 0.0
    for at, size in enumerate(sizes):
        more = drawn.products(flat.ntotal, size)
        flat.add(more)
        started = time.perf_counter()
        if name == "ivf":  # its centres depend on the whole catalogue, so it is built anew
            index, building = trained_lists(faiss.rev_swig_ptr(flat.get_xb(), size * width).reshape(size, width)), 0.0
        else:  # HNSW grows: what came before stays linked
            index.add(more)
        building += time.perf_counter() - started
        look_at(index, int(settings["searched"]))
        queries = drawn.queries(size)
        _, truth = flat.search(queries, max(NEAREST))
        recalls = {k: recalls_at(index, queries, truth, k) for k in NEAREST}
        times = {"exact_seconds": seconds_a_query(flat, queries), "index_seconds": seconds_a_query(index, queries)}
        counted = {**times, "build_seconds": round(building, 4), "megabytes": round(bytes_of(index) / 1e6, 3)}
        told = [round(float(recalls[k].mean()), 6) for k in NEAREST]
        view = {"products": size, "k": list(NEAREST), "recall": told}
        yield folder.frame(at, view, None, products=size, recall=told[NEAREST.index(10)], **counted)
    tradeoff = {}
    for searched in sorted({*TRIED[name], int(settings["searched"])}) if TRIED[name] else ():
        look_at(index, searched)
        found = round(float(recalls_at(index, queries, truth, 10).mean()), 6)
        tradeoff[str(searched)] = {"recall": found, "seconds": seconds_a_query(index, queries)}
    total = round(time.perf_counter() - began, 3)
    measures = {one: exact(value) for one, value in {**counted, "seconds": total}.items()}
    measures["recall@10"] = bootstrap(recalls[10]).to_dict()
    yield result(measures, seconds={"total": total}, products=products, tradeoff=tradeoff)


def bytes_each(width: int, links: int) -> int:
    """What a product takes at most: in exact search, in the index, and once more while it is drawn; and its links."""
    return 3 * 4 * width + 2 * 4 * links + 24


def load_faiss() -> Any:
    """The library, kept to one thread: times are those of one core, and HNSW is built the same way every time."""
    if sys.platform == "darwin":
        # There torch and faiss each bring an OpenMP of their own, and the second to start ends the process, unless
        # this is set (faiss-wheels issue 73). With one thread each they do not get into each other's way.
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


@dataclass
class Drawn:
    """Draws products and queries; a catalogue's beginning is the same however large it becomes."""

    clustered: bool
    most: int  # products of the largest catalogue
    width: int
    seed: int

    def products(self, start: int, stop: int) -> Vectors:
        """(stop - start, D) the products that a catalogue of ``start`` gets to become one of ``stop``.

        They bring kinds of their own, and come in no order: an index that is filled kind by kind is a worse one.
        """
        random = np.random.default_rng([self.seed, 1, start])
        kinds = np.arange(start, stop) // KIND
        random.shuffle(kinds)
        return self._around(kinds, random)

    def queries(self, size: int) -> Vectors:
        """(QUERIES, D) drawn as the first ``size`` products are, but none of them."""
        random = np.random.default_rng([self.seed, 2, size])
        return self._around(random.integers(0, size, QUERIES) // KIND, random)

    def _around(self, kinds: NDArray[np.int64], random: np.random.Generator) -> Vectors:
        x = random.standard_normal((len(kinds), self.width), dtype=np.float32)
        if self.clustered:
            centres = np.random.default_rng([self.seed, 0])
            c = centres.standard_normal((self.most // KIND + 1, self.width), dtype=np.float32)
            for rows in np.array_split(np.arange(len(x)), len(x) // 100_000 + 1):  # the sum needs no second x
                x[rows] += c[kinds[rows]]
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        return x


def new_index(name: str, width: int, links: int) -> Any:
    """An empty index; None for IVF, which is made of its vectors (:func:`trained_lists`)."""
    faiss = load_faiss()
    if name == "ivf":
        return None
    return faiss.IndexHNSWFlat(width, links) if name == "hnsw" else faiss.IndexFlatL2(width)


def trained_lists(vectors: Vectors) -> Any:
    """An IVF index of ``vectors``: centres by k-means, and each vector in the list of the nearest."""
    faiss = load_faiss()
    products, width = vectors.shape
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, int(LISTS * products**0.5))
    index.cp.min_points_per_centroid = 1  # else it complains of small catalogues on stderr
    index.cp.max_points_per_centroid = 64  # a sample is enough, and four times as quick as the library's 256
    index.train(vectors)
    index.add(vectors)
    return index


def look_at(index: Any, searched: int) -> None:
    """How much of the index a query looks at: efSearch or nprobe; exact search looks at everything."""
    if hasattr(index, "hnsw"):
        index.hnsw.efSearch = searched
    elif hasattr(index, "nprobe"):
        index.nprobe = searched


def recalls_at(index: Any, queries: Vectors, truth: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(Q,) each query's recall@k; ``truth`` is (Q, k or more), nearest first.

    The index is asked for exactly k: HNSW keeps at least as many candidates as it is asked for, so that the first ten
    of a hundred would be better than ten.
    """
    _, found = index.search(queries, k)
    return np.asarray((found[:, :, None] == truth[:, None, :k]).any(2).mean(1), np.float64)


def seconds_a_query(index: Any, queries: Vectors) -> float:
    """The median over queries that come one at a time, as shoppers do: asked together they would be quicker."""
    times = []
    for query in queries[:TIMED, None]:
        started = time.perf_counter()
        index.search(query, 10)
        times.append(time.perf_counter() - started)
    return round(float(np.median(times)), 8)


def bytes_of(index: Any) -> int:
    """What an index keeps: the vectors as float32; links, or lists of ids and their centres."""
    vectors = int(index.ntotal * index.d * 4)
    if hasattr(index, "hnsw"):
        graph = index.hnsw
        return int(vectors + graph.neighbors.size() * 4 + graph.offsets.size() * 8 + graph.levels.size() * 4)
    return int(vectors + index.ntotal * 8 + index.nlist * index.d * 4) if hasattr(index, "nprobe") else vectors


def open(folder: Path, at: int | None) -> Recalls:
    """What the index found in the catalogue of frame ``at``, or in the largest."""
    view = view_at(folder, at)
    return Recalls(view["products"], view["k"], view["recall"])


@dataclass(frozen=True)
class Recalls:
    """What a question is put to."""

    products: int
    k: Sequence[int]
    recall: Sequence[float]  # at each k


def answer(artefact: Recalls, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"products", "k", "recall"}``: recall@k; between the k that were measured, on the line that joins them."""
    recall = float(np.interp(asked["k"], artefact.k, artefact.recall))
    return {"products": artefact.products, "k": asked["k"], "recall": round(recall, 4)}
