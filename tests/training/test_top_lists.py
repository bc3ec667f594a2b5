"""Lists of a chosen model: its best products in order, as next_item trains it, and odd scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.training import top_lists
from course_lib.training.top_lists import Learning, asked, pool_of

HISTORIES = Histories.from_lists([[1], [2, 3, 1], [3, 1]])


def scored(table: Any) -> Any:
    """Scores by the length of a history, so that the order of asking shows."""
    rows = np.array(table, np.float32)
    return lambda some: rows[some.lengths - 1]


def test_a_pool_is_the_best_in_order_and_in_the_shoppers_order() -> None:
    table = [[9, 1, 5, 3, 3], [9, 8, 7, 6, 5], [9, 0, 0, 0, 1]]
    pool = pool_of(scored(table), HISTORIES, size=3)
    assert pool.items.tolist() == [[2, 3, 4], [4, 1, 2], [1, 2, 3]]
    assert pool.relevance.tolist() == [[1, 0, 0], [1, 0, 0], [1, 0.5, 0]]
    assert pool_of(scored(table), HISTORIES, size=99).items.shape == (3, 4), "all where there are fewer"


def test_what_is_never_recommended_is_an_empty_place() -> None:
    table = [[9, 1, -np.inf, 3, -np.inf]] * 3
    pool = pool_of(scored(table), HISTORIES, size=4)
    assert pool.items[0].tolist() == [3, 1, 0, 0]
    assert pool.relevance[0].tolist() == [1, 0, 0, 0]
    nothing = pool_of(scored([[-np.inf] * 5] * 3), HISTORIES, size=4)
    assert not nothing.items.any()
    assert np.isfinite(nothing.relevance).all()


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(CourseError) as caught:
        pool_of(scored([[9, 1, np.nan, 3, 2]] * 3), HISTORIES)
    assert caught.value.key == "scores_not_numbers"


@pytest.fixture(scope="module")
def learn() -> Any:
    """The function ``learn(**settings)`` that trains on the smallest shop and gives what was told."""
    dataset = registry.load(registry.resolve("shop", "tiny"))
    split = leave_one_out(dataset)

    def go(**settings: Any) -> tuple[Learning, list[dict[str, Any]]]:
        whole = experiment_card("next_item").check(settings)
        learning = Learning.make(whole, dataset.num_items, split.train, split.validation, 1)
        return learning, list(learning.go())

    return go


def test_a_counted_model_is_looked_at_once(learn: Any) -> None:
    learning, told = learn(model="markov")
    assert told == [{"kind": "epoch", "epoch": 0, "last": True}]
    assert learning.looks == 1
    assert learning.parameters > 0


def test_a_trained_model_is_looked_at_after_each_epoch(learn: Any) -> None:
    learning, told = learn(model="sasrec", width=8, layers=1, heads=1, epochs=2)
    ends = [one for one in told if one["kind"] == "epoch"]
    assert [one["epoch"] for one in ends] == [0, 1, 2]
    assert [one["last"] for one in ends] == [False, False, True]
    assert learning.looks == 3
    assert learning.parameters == sum(p.numel() for p in learning.model.parameters())
    assert max(one["at"] for one in told if one["kind"] == "step") == learning.trainer.steps


def test_patience_ends_with_the_best_epoch(learn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.3, 0.2, 0.2, 0.2])

    class Scored:
        @property
        def metrics(self) -> dict[str, dict[str, float]]:
            return {"ndcg@10": {"value": next(scores)}}

    kept = []

    def scored(score: Any, holdout: Any) -> Scored:
        kept.append(score.__self__.bias.detach().clone())
        return Scored()

    monkeypatch.setattr(top_lists, "evaluate", scored)
    learning, told = learn(model="sasrec", width=8, layers=1, heads=1, epochs=9, patience=2)
    ends = [one for one in told if one["kind"] == "epoch"]
    assert [one["epoch"] for one in ends] == [0, 1, 2, 3]
    assert ends[-1]["last"]
    assert (learning.model.bias.detach() == kept[1]).all(), "the first epoch was the best"


def test_so_many_shoppers_are_asked_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    test = leave_one_out(registry.load(registry.resolve("shop", "tiny"))).test
    assert len(asked(test)) == len(test)
    monkeypatch.setattr(top_lists, "MOST", 7)
    assert asked(test).users.tolist() == test.users[:7].tolist()
