"""The shop's searches once more, with results in another order and other attention: the truth draws the clicks again.

    shown = redraw(log, found, prices, liked, order="dear", shuffled=0.05, attention=0.7, seed=1)

Who searches for what stays as in the shop's log. What is found stays as well; its order is the engine's, or the dearest
first, as where places are sold or the margin decides. Clicks come about as shop/truth/search.py says:

    P(click) = j^-attention * sigmoid(logit(attraction of the grade) + liking * l)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.click_log import ClickLog
from course_lib.shop.parts import SEARCH, liking, whole_blocks
from course_lib.shop.published import shop
from course_lib.shop.truth.search import click_chances, examination

ORDERS = ("engine", "dear")
Floats = NDArray[np.float64]


def likings(users: NDArray[np.int64], items: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(S, 10) how much each shopper likes each result within its type, and (V,) the mean over all shoppers asked."""
    found, total, count = np.zeros(items.shape), np.zeros(0), 0
    for block, _ in whole_blocks(shop(), SEARCH, int(users.max(initial=0)) + 1):
        liked = liking(shop(), block.truth.taste, block.truth.budget)
        rows = (users >= block.first) & (users < block.first + len(liked))
        found[rows] = liked[users[rows] - block.first][np.arange(int(rows.sum()))[:, None], items[rows] - 1]
        total, count = liked.sum(0) + (total if len(total) else 0.0), count + len(liked)
    return np.where(items > 0, found, 0.0), total / max(count, 1)


def chances(grades: NDArray[np.int8], liked: Floats, items: NDArray[np.int64]) -> Floats:
    """(S, 10) of a click once looked at; 0 where nothing stands."""
    found: Floats = np.where(items > 0, click_chances(shop(), grades, liked.astype(np.float32))[0], 0.0)
    return found


def redraw(
    log: ClickLog,
    grades: NDArray[np.int8],
    liked: Floats,
    prices: Floats,
    order: str,
    shuffled: float,
    attention: float,
    seed: int,
) -> ClickLog:
    """Another log of the same searches; ``log``, ``grades`` and ``liked`` have the results in the engine's order.

    Args:
        log: the searches.
        grades: (S, 10) true relevance of the results.
        liked: (S, 10) from :func:`likings`.
        prices: (V,)
        order: one of ORDERS.
        shuffled: the share of searches whose results stand in random order.
        attention: how quickly the chance of being looked at falls with the place.
        seed: of the order and the clicks.
    """
    rng = np.random.default_rng(seed)
    mixed = rng.random(len(log)) < shuffled
    by_order = np.where(log.items > 0, -prices[log.items - 1], 0.0) if order == "dear" else np.arange(10)[None] * 1.0
    key = np.where(mixed[:, None], rng.random(log.items.shape), by_order)
    place = np.argsort(np.where(log.items > 0, key, np.inf), axis=1, kind="stable")
    items, grade = np.take_along_axis(log.items, place, 1), np.take_along_axis(grades, place, 1)
    like, attraction = np.take_along_axis(liked, place, 1), np.take_along_axis(log.attraction, place, 1)
    looked = examination(items.shape[1], attention)
    clicked = rng.random(items.shape) < looked * chances(grade, like, items)
    return replace(log, shuffled=mixed, items=items, clicked=clicked, attraction=attraction)
