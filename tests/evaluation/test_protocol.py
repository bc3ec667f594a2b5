"""The protocol: order of rows, batches, shapes, and numbers that a run keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Holdout
from course_lib.errors import CourseError
from course_lib.evaluation import protocol
from course_lib.evaluation.protocol import evaluate, summarise, unseen

ITEMS = 12


def holdout() -> Holdout:
    rng = np.random.default_rng(0)
    lists = [rng.integers(1, ITEMS + 1, rng.integers(0, 9)).tolist() for _ in range(37)]
    return Holdout(np.arange(37, dtype=np.int32), Histories.from_lists(lists), rng.integers(1, ITEMS + 1, 37, np.int32))


def next_number(histories: Histories) -> NDArray[np.float64]:
    """Scores item (last + 1) highest, then on in a circle; no two scores are equal."""
    last = histories.padded(1)
    return -((np.arange(ITEMS + 1)[None] - last - 1) % ITEMS).astype(float)


@pytest.mark.parametrize(("cells", "most"), [(10 * (ITEMS + 1), 10), (ITEMS, 1), (10**6, 37)])
def test_a_long_row_means_few_at_once(monkeypatch: pytest.MonkeyPatch, cells: int, most: int) -> None:
    """The catalogue is larger than any target tells: from the first scores on its true size counts."""
    asked, sizes = holdout(), []
    expected = evaluate(next_number, asked).ranks

    def score(histories: Histories) -> NDArray[np.float64]:
        sizes.append(len(histories))
        return next_number(histories)

    monkeypatch.setattr(protocol, "CELLS", cells)
    assert_array_equal(evaluate(score, asked).ranks, expected)
    assert sum(sizes) == len(asked)
    assert max(sizes) == most
    few = Holdout(asked.users, asked.histories, np.ones_like(asked.targets))
    sizes.clear()
    evaluate(score, few)
    assert max(sizes[1:], default=most) == most


@pytest.mark.parametrize("batch", [1, 5, 37, 512])
def test_ranks_come_back_in_the_holdouts_order_for_any_batch(batch: int) -> None:
    asked = holdout()
    sizes = []

    def score(histories: Histories) -> NDArray[np.float64]:
        sizes.append(len(histories))
        return next_number(histories)

    evaluation = evaluate(score, asked, batch=batch)
    last = np.array([history[-1] if len(history) else 0 for history in asked.histories])
    assert_array_equal(evaluation.ranks, (asked.targets - last - 1) % ITEMS)
    assert max(sizes) <= batch
    assert sum(sizes) == len(asked)


def test_metrics_are_means_of_rows_with_intervals_and_go_into_json() -> None:
    evaluation = evaluate(next_number, holdout(), k=5)
    rows = evaluation.per_row()
    assert sorted(evaluation.metrics) == ["hr@5", "map@5", "mrr@5", "ndcg@5", "precision@5", "recall@5"]
    for name, entry in evaluation.metrics.items():
        assert entry["value"] == pytest.approx(rows[name].mean())
        assert entry["low"] < entry["value"] < entry["high"]
    assert json.loads(json.dumps(evaluation.metrics)) == evaluation.metrics
    assert evaluation.seconds > 0


def test_equal_seed_equal_intervals() -> None:
    ranks = np.random.default_rng(0).integers(0, 20, 300)
    assert summarise(ranks, seed=1) == summarise(ranks, seed=1)
    assert summarise(ranks, seed=1) != summarise(ranks, seed=2)


def test_bad_scores_are_refused() -> None:
    asked = holdout()
    with pytest.raises(ValueError, match="expected"):
        evaluate(lambda histories: next_number(histories)[0], asked)
    with pytest.raises(CourseError, match="diverged"):
        evaluate(lambda histories: next_number(histories) * np.nan, asked)
    with pytest.raises(ValueError, match="no targets"):
        evaluate(next_number, asked.take(np.zeros(0, np.int64)))


def test_unseen_removes_the_history_and_nothing_else() -> None:
    asked = Holdout(np.arange(3, dtype=np.int32), Histories.from_lists([[3, 1, 3], [], [2]]), np.array([4, 1, 2]))
    table = np.tile(np.array([9.0, 8.0, 7.0, 6.0, 5.0]), (3, 1))

    def score(histories: Histories) -> NDArray[np.float64]:
        return table[: len(histories)]

    rest = unseen(score)(asked.histories)
    assert np.argwhere(np.isneginf(rest)).tolist() == [[0, 1], [0, 3], [2, 2]]
    assert_array_equal(rest[np.isfinite(rest)], table[np.isfinite(rest)])
    assert np.isfinite(table).all(), "the model's own scores were changed"
    assert evaluate(score, asked).ranks.tolist() == [3, 0, 1]
    # 4 stands behind 2 alone; 2 was bought before and cannot be found
    assert evaluate(unseen(score), asked).ranks.tolist() == [1, 0, 3]
