"""The basketball case (§4.3): from a query and a history to a list, with vectors counted from the shop's purchases.

The founding document turns a query into a vector u, learns from the history, turns products into vectors g, and
recommends. Here every one of these steps is a line of arithmetic on the running shop's numbers, and nothing is trained:

    N[i, j]   how often j is among the next three purchases after i
    M[i, j]   = max(0, log(N[i, j] N / (N[i] N[j])))          positive pointwise mutual information
    M         ≈ A Gᵀ, truncated singular value decomposition; a_i: i as something bought, g_j: j as what comes next
    q         mean of g over what BM25 finds for the query
    h         mean of a over the history, the newest counting most
    u         = (1 - w) q + w h,     r_j = u · g_j            a_i, g_j, q and h are scaled to length 1

Skip-gram with negative sampling implicitly factorises such a matrix (Levy & Goldberg, Neural Word Embedding as
Implicit Matrix Factorization, NIPS 2014).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import svds

from course_lib.data.columns import Columns
from course_lib.data.registry import load, resolve
from course_lib.errors import CourseError
from course_lib.shop.lexical import LexicalEngine

DATA: dict[str, str] = {}  # always the shop: the case is about its basketballs
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "shopper": ("lin", "lin", "meng", "zhe", "zhou", "jia"),  # the five who return in every lesson
    "history_weight": (0.0, 0.0, 1.0),  # w: 0 is the query alone, 1 the history alone
    "width": (8, 2, 32),  # numbers in a vector
}
MEASURES = {
    "as_asked": "share",  # of the list that is of the product type that the query finds first
    "explained": "share",  # of M's sum of squares that vectors of this width hold
}
ASKS: dict[str, Any] = {"query": "text", "history": "items", "k": (10, 1, 50)}
TINY = {"width": 2}

SHOPPERS = ("lin", "meng", "zhe", "zhou", "jia")  # users 0 to 4 of the shop
QUERY = "篮球 basketball"  # what is asked where nobody has typed anything
WIDEST = 32  # the highest width in SETTINGS
REACH = 3  # purchases after one that count as following it
FOUND = 10  # products that make the query's vector
FADES = 0.7  # weight of a purchase against the one after it
NAMES = (Columns.TITLE_ZH, Columns.TITLE_EN, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.EMOJI)  # for pictures
Array = NDArray[np.float64]


@functools.cache
def shop() -> tuple[pd.DataFrame, pd.DataFrame, LexicalEngine]:
    """Events and catalogue of the shop, and its search engine; read once a process."""
    data = load(resolve("shop"))
    return data.events, data.items, LexicalEngine(data.items)


def follows(user: NDArray[Any], item: NDArray[Any], products: int) -> sparse.csr_matrix:
    """N (V, V): how often product j + 1 is among the next REACH purchases of the same shopper after product i + 1.

    ``user`` and ``item`` have one entry a purchase, sorted by shopper and then by time.
    """
    counts = sparse.csr_matrix((products, products))
    for gap in range(1, REACH + 1):
        same = user[gap:] == user[:-gap]
        pairs = (item[:-gap][same] - 1, item[gap:][same] - 1)
        counts = counts + sparse.csr_matrix((np.ones(len(pairs[0])), pairs), shape=counts.shape)
    return counts


def information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """M (V, V): log of how much more often a pair occurs than by chance, 0 where it does not occur more often."""
    pairs = counts.tocoo()
    before, after = np.asarray(counts.sum(1)).ravel(), np.asarray(counts.sum(0)).ravel()
    gain = np.log(pairs.data * counts.sum() / (before[pairs.row] * after[pairs.col]))
    return sparse.csr_matrix((np.maximum(gain, 0), (pairs.row, pairs.col)), shape=counts.shape)


@functools.cache
def factors() -> tuple[Array, Array, Array, float]:
    """a (V, WIDEST), g (V, WIDEST), the singular values, strongest first, and M's sum of squares; once a process.

    Narrower vectors are the first columns of these.
    """
    events, items, _ = shop()
    M = information(follows(events[Columns.USER].to_numpy(), events[Columns.ITEM].to_numpy(), len(items)))
    left, strength, right = svds(M, k=WIDEST, random_state=0)
    order = np.argsort(-strength)
    signs = np.where(
        right[order].sum(1) < 0, -1.0, 1.0
    )  # a singular vector's sign is arbitrary: make each sum positive
    scale = np.sqrt(strength[order]) * signs
    return left[:, order] * scale, right[order].T * scale, strength[order], float((M.data**2).sum())


def unit(x: Array) -> Array:
    """Each row, or the one vector, made 1 long; zero stays zero."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12))


def answer(settings: Mapping[str, int | float | str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The vectors of query, history and both together, and the ``k`` products with the highest r.

    ``list`` has a row for each product: item, score, from_query and from_history (which add up to the score), g,
    and what it is called.
    ``asked`` may hold a query, a history (item ids, oldest first; else the shopper's own) and k. A query in which
    nothing is found has the vector 0, and ``found`` is empty; then the history alone decides. Raises CourseError for
    products that the shop does not have.
    """
    events, items, engine = shop()
    width = int(settings["width"])
    bought, following, strength, squares = factors()
    a, g = unit(bought[:, :width]), unit(following[:, :width])
    w = float(settings["history_weight"])
    query, k = str(asked.get("query") or QUERY), int(asked.get("k", 10))

    found = [int(item) for item in engine.search([query], FOUND)[0] if item]
    q = unit(g[np.array(found, int) - 1].sum(0))
    own = events.loc[events[Columns.USER] == SHOPPERS.index(str(settings["shopper"])), Columns.ITEM]
    mine = np.array(asked.get("history") or own, int)
    unknown = [int(item) for item in mine if not 1 <= item <= len(items)]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(str(item) for item in unknown[:10]))
    h = unit((FADES ** np.arange(len(mine))[::-1]) @ a[mine - 1])
    u = (1 - w) * q + w * h

    by_query, by_history = (1 - w) * g @ q, w * g @ h
    scores = by_query + by_history
    best = np.argsort(-scores, kind="stable")[:k]
    types = items[Columns.TYPE].to_numpy()
    names = items[[*NAMES]].to_dict("records")
    first = types[found[0] - 1] if found else None
    counted = {
        "as_asked": float(np.mean(types[best] == first)),
        "explained": float((strength[:width] ** 2).sum()) / squares,
    }
    return {
        "measures": {name: {"value": value, "low": value, "high": value} for name, value in counted.items()},
        "query": query,
        "found": found,
        "history": [int(item) for item in mine[-5:]],
        "vectors": {"q": q.tolist(), "h": h.tolist(), "u": u.tolist()},
        "list": [
            {
                "item": int(j) + 1,
                "score": float(scores[j]),
                "from_query": float(by_query[j]),
                "from_history": float(by_history[j]),
                "g": g[j].tolist(),
                **names[j],
            }
            for j in best
        ],
    }
