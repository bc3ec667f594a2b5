"""Cut histories and wishes: what is kept of a history, how two scores are mixed, which searches count."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.wishes import Wishes, mixed_scores
from course_lib.experiments.personal_history import newest


@pytest.mark.parametrize(("count", "kept"), [(0, []), (1, [3, 4]), (2, [2, 3, 4]), (9, [1, 2, 3, 4])])
def test_the_newest_purchases_are_kept(count: int, kept: list[int]) -> None:
    cut = newest(Histories.from_lists([[1, 2, 3], [], [4]]), count)
    assert cut.items.tolist() == kept
    assert len(cut) == 3
    assert cut.lengths.tolist() == [min(count, n) for n in (3, 0, 1)]


def test_a_weight_of_0_is_the_history_and_1_the_words() -> None:
    words, history = np.array([[0, 2, 4]], np.float32), np.array([[0.5, 0.25, 0.0]], np.float32)
    assert mixed_scores(words, history, 0.0).tolist() == [[1, 0.5, 0]]
    assert mixed_scores(words, history, 1.0).tolist() == [[0, 0.5, 1]]


def test_words_that_find_nothing_leave_the_order_of_the_history() -> None:
    found = mixed_scores(np.zeros((1, 3), np.float32), np.array([[0.2, 0.1, 0.3]], np.float32), 0.7)
    assert np.argsort(-found[0]).tolist() == [2, 0, 1]


@pytest.fixture(scope="module")
def made() -> tuple[Wishes, Histories]:
    dataset = registry.load(registry.resolve("shop", "tiny"))
    return Wishes.make(dataset, leave_one_out(dataset)), dataset.histories()


def test_what_comes_after_the_search_is_in_no_history(made: tuple[Wishes, Histories]) -> None:
    wishes, whole = made
    lists = [one.tolist() for one in whole]
    for history, following in zip(wishes.histories, wishes.next, strict=True):
        own = history.tolist()
        assert any(one[: len(own) + 1] == [*own, following] for one in lists)


def test_the_right_answer_scores_one_and_the_wrong_one_nothing(made: tuple[Wishes, Histories]) -> None:
    wishes, _ = made
    items = wishes.task.gains.shape[1]
    for truth, answers in (("bought", wishes.bought), ("next", wishes.next)):
        rows = wishes.of(truth)
        right = np.zeros((len(wishes), items), np.float32)
        right[np.flatnonzero(rows), answers[rows] - 1] = 1
        assert wishes.ndcg(truth, right).tolist() == [1.0] * int(rows.sum())
        assert wishes.ndcg(truth, 1 - right).max() == 0
    assert wishes.ndcg("meant", wishes.task.gains).min() == pytest.approx(1)
    assert 0 < wishes.of("bought").sum() < len(wishes)
