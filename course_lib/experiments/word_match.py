"""Matching by words: what BM25 gives each product for a query, word by word.

    score(q, d) = sum over words t of q:  idf(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / mean |d|))
    idf(t) = ln(1 + (V - n_t + 0.5) / (n_t + 0.5)),   n_t: titles that have t

Robertson & Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009. It is the engine of the running shop
(shop/lexical.py): English words, Chinese pairs of neighbouring characters. The queries here are eight of the shop's own
and one of those that people send to break things; what is relevant to the eight is the shop's truth.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.experiments.events import exact
from course_lib.shop.lexical import LexicalEngine, tokens
from course_lib.shop.published import shop
from course_lib.shop.truth.intents import Intent, grades, make_intents

DATA: dict[str, str] = {}  # always the shop: the queries are its own
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "query": (
        "ball_zh", "ball_zh", "ball_en", "slip_zh", "synonym_en", "tail_zh", "mixed", "brand_en", "gift_zh", "script",
    ),
    "titles": ("both", "both", "zh", "en"),  # which of a product's titles are searched
    "k1": (1.2, 0.0, 3.0),  # how soon a repeated word stops to count
    "b": (0.75, 0.0, 1.0),  # how much long titles are held back
}  # fmt: skip
MEASURES = {
    "found": "count",  # products that share a word with the query
    "relevant": "count",  # products that are exactly what is asked for
    "right@10": "share",  # of the first ten places: those with such a product
}
TINY = {"query": "ball_en"}

TEXTS = {  # queries of the shop, by the names in SETTINGS
    "ball_zh": "篮球", "ball_en": "basketball", "slip_zh": "帐蓬", "synonym_en": "hoops ball", "tail_zh": "室内篮球",
    "mixed": "室内 basketball", "brand_en": "Brenlan basketball", "gift_zh": "送给10岁孩子的礼物",
    "script": "<script>alert('basketball')</script>",
}  # fmt: skip
K = 10
EXACT = 3  # the grade of a product that is exactly what is asked for
NAMES = (Columns.TITLE_ZH, Columns.TITLE_EN, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.EMOJI)  # for pictures


@functools.cache
def intents() -> dict[str, Intent]:
    """The queries as the truth has them, by their texts in small letters; read once a process."""
    wanted = {text.lower() for text in TEXTS.values()}
    return {one.text.lower(): one for one in make_intents(shop()) if one.text.lower() in wanted}


@functools.lru_cache(maxsize=32)
def engine(titles: str, k1: float, b: float) -> LexicalEngine:
    """BM25 over the titles chosen."""
    items: pd.DataFrame = shop().catalogue.items[[Columns.TITLE_ZH, Columns.TITLE_EN]].copy()
    if titles != "both":
        items[Columns.TITLE_EN if titles == "zh" else Columns.TITLE_ZH] = ""
    return LexicalEngine(items, k1, b)


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The query's words, the ten best products with the part of each word, and three counts."""
    text = TEXTS[str(settings["query"])]
    found = engine(str(settings["titles"]), float(settings["k1"]), float(settings["b"]))
    items = shop().catalogue.items
    words = list(dict.fromkeys(tokens(text)))
    # tf and idf are inside the weights: a column of them for each word that any title has.
    parts = np.zeros((len(words), len(items)))
    for row, word in enumerate(words):
        if word in found.words:
            parts[row] = np.asarray(found.weights[[found.words[word]], :].todense())[0] * tokens(text).count(word)
    scores = parts.sum(0)
    best = [int(one) for one in np.argsort(-scores, kind="stable")[:K] if scores[one] > 0]
    intent = intents().get(text.lower())
    relevant = grades(shop(), (intent,))[0] if intent is not None else np.zeros(len(items), np.int8)
    names = items[[*NAMES]].to_dict("records")
    right = sum(int(relevant[row] >= EXACT) for row in best)
    return {
        "query": text,
        "words": [
            {"word": word, "titles": int((parts[row] > 0).sum()), "idf": _idf(int((parts[row] > 0).sum()), len(items))}
            for row, word in enumerate(words)
        ],
        "list": [
            {
                "item": row + 1, "score": float(scores[row]), "parts": [float(one) for one in parts[:, row]],
                "grade": int(relevant[row]), **names[row],
            }
            for row in best
        ],
        "measures": {
            "found": exact(int((scores > 0).sum())), "relevant": exact(int((relevant >= EXACT).sum())),
            "right@10": exact(right / K),
        },
    }  # fmt: skip


def _idf(titles: int, products: int) -> float:
    """0 for a word that no title has: it cannot count."""
    return float(np.log(1 + (products - titles + 0.5) / (titles + 0.5))) if titles else 0.0
