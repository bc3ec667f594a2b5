"""What experiments share that a line of text is put to: the query as it is read, and a column of results an engine.

``{"text", "note", "meant", "columns": [{"name", "list": [{"item", "score", "why"}]}], "numbers"}``. ``why`` says what
matched: words with their part of BM25, or how near the meanings are. ``numbers`` has the whole way from the query to
the first product of the last column.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from course_lib.data import registry
from course_lib.data.dataset import Address
from course_lib.data.own_encoder import fingerprint
from course_lib.evaluation.search_engines import Engines, Scores, cleaned, has_words
from course_lib.evaluation.search_task import top
from course_lib.shop.lexical import tokens

UNSURE = 0.25  # cosine below which nothing is near; half of the shop's sane queries have .35 and more
SHOWN = 8  # numbers of a vector that are shown
Row = NDArray[np.floating]


def engines_of(address: Address, encoder: str = "sentences") -> Engines:
    """The engines over a catalogue, made once a process: every frame of every run asks the same ones.

    Raises CourseError as :meth:`Engines.make` does.
    """
    return _engines(address, encoder, fingerprint(encoder))


@functools.lru_cache(maxsize=3)
def _engines(address: Address, encoder: str, version: str) -> Engines:
    """``version`` tells one encoder of the learner's own from the next."""
    with threadpool_limits(1):
        return Engines.make(registry.load(address), encoder=encoder)


def ranked(scores: Row, k: int) -> list[dict[str, Any]]:
    """The ``k`` best of (V,) scores that are above 0."""
    rows = top(np.asarray(scores, np.float64)[None], k)[0]
    return [{"item": int(row) + 1, "score": round(float(scores[row]), 4)} for row in rows if scores[row] > 0]


def read(asked: Mapping[str, Any]) -> tuple[str, str]:
    """The query as it is read, and a note where there is nothing to read in it."""
    text = cleaned(str(asked["text"]))
    return text, "" if text and has_words(text) else ("sign" if text else "empty")


def with_reasons(
    engines: Engines, text: str, columns: Mapping[str, Row], nearness: Mapping[str, Row], k: int
) -> list[dict[str, Any]]:
    """A column for each of ``columns`` by name; ``nearness`` has the cosines that a column's entries show."""
    found = []
    for name, scores in columns.items():
        entries = ranked(scores, k)
        for one in entries:
            one["words"] = [[word, round(value, 2)] for word, value in engines.why(text, one["item"])]
            if name in nearness:
                one["near"] = round(float(nearness[name][one["item"] - 1]), 3)
        found.append({"name": name, "list": entries})
    return found


def note_on(words: Scores, meaning: Scores, read_note: str) -> str:
    """What a shop should say of a query: nothing to read, no word known and nothing near, or only no word known."""
    if read_note:
        return read_note
    if words.max(initial=0) > 0:
        return ""
    return "unsure" if meaning.max(initial=0) < UNSURE else "no_words"


def numbers_of(
    engines: Engines, text: str, item: int, query: Row, product: Row, near: float, parts: Mapping[str, float]
) -> dict[str, Any]:
    """The way from a query to one product: words with their weights, both vectors' first numbers, and what is added."""
    known = engines.words.words
    return {
        "item": item,
        "tokens": [[word, word in known] for word in dict.fromkeys(tokens(text))],
        "words": [[word, round(value, 3)] for word, value in engines.why(text, item)],
        "query": [round(float(one), 3) for one in query[:SHOWN]],
        "product": [round(float(one), 3) for one in product[:SHOWN]],
        "width": len(query),
        "near": round(near, 4),
        "parts": {name: round(float(one), 4) for name, one in parts.items()},
    }
