"""Popularity, item-kNN and Markov, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.models.base import model_class

TRAIN = Histories.from_lists([[1, 2, 3], [1, 2], [2, 2, 4], [5]])


def scores(name: str, settings: dict[str, Any], *history: int) -> list[float]:
    """Scores of products 1.. after one history."""
    model = model_class(name).fit(TRAIN, 6, settings)
    return model.score(Histories.from_lists([list(history)]))[0, 1:].tolist()


def test_popularity_counts() -> None:
    assert scores("popularity", {}, 3) == [2, 4, 1, 1, 1, 0]


def test_item_knn_by_hand() -> None:
    """Shoppers of 1: two, of 2: three, of both: two. Similarity 2 / (sqrt(2 * 3) + shrinkage)."""
    settings = {"neighbours": 10, "shrinkage": 0.5}
    after_one = scores("item-knn", settings, 1)
    together = {2: 2 / (np.sqrt(6) + 0.5), 3: 1 / (np.sqrt(2) + 0.5)}
    assert after_one == pytest.approx([together.get(item, 0) for item in range(1, 7)])
    after_two = scores("item-knn", settings, 2)
    after_both = scores("item-knn", settings, 2, 1, 2)  # a product twice counts once
    assert after_both == pytest.approx([one + two for one, two in zip(after_one, after_two, strict=True)])


def test_item_knn_does_not_read_the_order() -> None:
    """The comparison with models that do is the lesson's."""
    settings = {"neighbours": 10, "shrinkage": 1.0}
    assert scores("item-knn", settings, 1, 2, 4) == scores("item-knn", settings, 4, 1, 2)


def test_item_knn_keeps_the_nearest_neighbours() -> None:
    """Of the neighbours of 2 (1: twice, 3 and 4: once) one is kept."""
    after = scores("item-knn", {"neighbours": 1, "shrinkage": 10.0}, 2)
    assert [item for item, score in enumerate(after, 1) if score > 0] == [1]


def test_markov_by_hand() -> None:
    """After 2 came 3, 2 and 4; nine purchases in all; the pair 3, 1 across two shoppers does not count."""
    popularity = np.array([2, 4, 1, 1, 1, 0]) / 9
    counts = np.array([0, 1, 1, 1, 0, 0])
    assert scores("markov", {"blend": 3.0}, 1, 2) == pytest.approx((counts + 3 * popularity) / (3 + 3))
    for unknown in ([], [3], [6]):  # nobody, never followed by anything, never sold
        assert scores("markov", {"blend": 3.0}, *unknown) == pytest.approx(popularity)


def test_markov_with_empty_histories_between() -> None:
    """An empty history neither joins nor cuts its neighbours."""
    train = Histories.from_lists([[], [1, 2], [], [], [3, 4], []])
    model = model_class("markov").fit(train, 4, {"blend": 0.001})
    best = model.score(Histories.from_lists([[1], [3]]))
    assert best.argmax(1).tolist() == [2, 4]
    after_two = model.score(Histories.from_lists([[2]]))[0, 1:]
    assert after_two.tolist() == pytest.approx([0.25] * 4)
