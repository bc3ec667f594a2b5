"""What a recommender may learn from and answer in the weeks of weeks.py, simple ones, and the slate made of scores.

A recommender is any ``(Histories) -> (n, V + 1) scores``, a data.histories.Score; a ``Refit`` makes one of the
:class:`Log` before each week:

    def markov(log): return MarkovModel.fit(log.histories, log.num_items, {"blend": 10.0}).score
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Score
from course_lib.errors import CourseError

Scores = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Recommender = Score | Literal["oracle"] | None  # "oracle" ranks by each shopper's true chances; None shows nothing


@dataclass(frozen=True)
class Log:
    """What the shop has seen by the beginning of a week; nothing of the truth is in it or behind it."""

    week: int  # the week to come, 0 is the shop's first
    num_items: int  # V
    histories: Histories  # everything bought so far, a history a shopper, empty ones too
    shown: pd.DataFrame  # what was shown in the week before, weeks.SHOWN_COLUMNS


Refit = Callable[[Log], Recommender]


def nothing(log: Log) -> Recommender:
    """No slate: every purchase is organic."""
    return None


def oracle(log: Log) -> Recommender:
    """Each shopper sees what that shopper most probably wants. Only the simulator can answer this one."""
    return "oracle"


def popularity(log: Log) -> Recommender:
    """Everyone sees what has sold most so far."""
    counts = np.bincount(log.histories.items, minlength=log.num_items + 1).astype(np.float64)
    return lambda histories: np.broadcast_to(counts, (len(histories), len(counts)))


def at_random(seed: int = 0) -> Refit:
    """Everyone sees products drawn evenly, anew at each occasion."""

    def refit(log: Log) -> Recommender:
        rng = np.random.default_rng([seed, log.week])
        return lambda histories: rng.random((len(histories), log.num_items + 1))

    return refit


def by_sales(seed: int = 0) -> Refit:
    """Slates drawn without replacement in proportion to (1 + number sold): popularity that still explores.

    The Gumbel-top-k trick: the K largest of log weight + Gumbel noise are such a draw (Kool, van Hoof & Welling, ICML
    2019).
    """

    def refit(log: Log) -> Recommender:
        rng = np.random.default_rng([seed, log.week])
        weights = np.log1p(np.bincount(log.histories.items, minlength=log.num_items + 1))
        return lambda histories: weights + rng.gumbel(size=(len(histories), len(weights)))

    return refit


BASELINES: dict[str, Refit] = {
    "nothing": nothing,
    "random": at_random(),
    "by_sales": by_sales(),
    "popularity": popularity,
    "oracle": oracle,
}


def slate_of(scores: Scores, size: int) -> Ints:
    """(n, size) the products of the highest scores by position, 0-based; -1 beyond products scored -inf.

    ``scores`` is (n, V + 1), column 0 ignored. Equal scores go in the order of the products, on any machine.
    Raises CourseError where a score is NaN.

    >>> slate_of(np.array([[9.0, 0.1, 0.7, 0.7, -np.inf]]), 2)
    array([[1, 2]])
    """
    products = scores[:, 1:]
    n, V = products.shape
    size = min(size, V)
    kth = np.partition(products, V - size, axis=1)[:, V - size, None]  # the value, which no tie can change
    if np.isnan(products.max(axis=1, initial=-np.inf)).any():  # the maximum of a row with a NaN is NaN
        raise CourseError("scores_not_numbers")
    above, equal = products > kth, products == kth
    room = size - above.sum(1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= room))
    items = np.nonzero(chosen)[1].reshape(n, size)
    values = np.take_along_axis(products, items, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    shown = np.where(np.isneginf(values), -1, items)
    return np.take_along_axis(shown, order, 1)
