"""The counted and the linear models, worked out by hand."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_card
from course_lib.models.matrix_factorization import solve

TRAIN = Histories.from_lists([[1, 2, 3], [1, 2], [2, 2, 4], [5]])


def scores(name: str, settings: dict[str, Any], *history: int) -> list[float]:
    """Scores of products 1.. after one history."""
    known = check_settings(name, model_card(name).settings, settings)
    model = model_class(name).fit(TRAIN, 6, known)
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


def test_recency_weighs_older_products_less_and_the_last_time_counts() -> None:
    settings = {"neighbours": 10, "shrinkage": 1.0}
    one, two = (np.array(scores("item-knn", settings | {"recency": 1.0}, item)) for item in (1, 2))
    fading = settings | {"recency": 0.5}
    assert scores("item-knn", fading, 1, 2) == pytest.approx(0.5 * one + two)
    assert scores("item-knn", fading, 2, 1) == pytest.approx(one + 0.5 * two)
    assert scores("item-knn", fading, 2, 1, 2, 2) == pytest.approx(0.25 * one + two)


def test_personal_frequency_by_hand() -> None:
    """Own counts first, then sales: 2 sold four times, 1 twice, 3, 4 and 5 once, 6 never."""
    after = scores("personal-frequency", {}, 3, 5, 3)
    assert [int(score) for score in after] == [0, 0, 2, 0, 1, 0]
    assert np.argsort(-np.array(after), kind="stable").tolist() == [2, 4, 1, 0, 3, 5]
    nobody = np.array(scores("personal-frequency", {}))
    assert nobody[[2, 3, 4]].tolist() == [nobody[2]] * 3  # equal sales, equal scores
    assert nobody[1] > nobody[0] > nobody[2] > nobody[5] >= 0
    assert nobody[1] < 1  # never outweighs a purchase


def test_ease_solves_its_regression() -> None:
    """Column j of B, found by ordinary ridge regression of product j on all the others."""
    rng = np.random.default_rng(0)
    table = (rng.random((40, 6)) < 0.4).astype(float)
    train = Histories.from_lists([(np.flatnonzero(row) + 1).tolist() for row in table])
    model = model_class("ease").fit(train, 6, {"regularisation": 3.0})
    for j in range(6):
        others = [i for i in range(6) if i != j]
        gram = table[:, others].T @ table[:, others] + 3.0 * np.eye(5)
        expected = np.linalg.solve(gram, table[:, others].T @ table[:, j])
        found = model.score(Histories.from_lists([[i + 1] for i in others]))[:, j + 1]
        assert found.tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert model.score(Histories.from_lists([[4]]))[0, 4] == 0  # nothing predicts itself
    both = model.score(Histories.from_lists([[1, 2], [1], [2]]))[:, 1:]
    np.testing.assert_allclose(both[0], both[1] + both[2], atol=1e-6)


def test_ease_refuses_what_would_not_fit_into_memory() -> None:
    with pytest.raises(CourseError) as caught:
        model_class("ease").fit(TRAIN, 1_000_000, {"regularisation": 100.0})
    assert caught.value.key == "ease_too_large"
    for language in ("en", "zh"):
        assert "1,000,000" in caught.value.text(language)


def objective(table: np.ndarray, users: np.ndarray, items: np.ndarray, settings: dict[str, Any]) -> float:
    """What matrix factorisation minimises, as its file states it."""
    guess, weight = users @ items.T, settings["unobserved_weight"]
    held = (table.sum(1) + weight * table.shape[1]) @ (users**2).sum(1)
    held += (table.sum(0) + weight * table.shape[0]) @ (items**2).sum(1)
    return float((table * (1 - guess) ** 2).sum() + weight * (guess**2).sum() + settings["regularisation"] * held)


def test_matrix_factorization_solves_each_side_exactly() -> None:
    """The objective is flat where a shopper's vector is: any step away from it makes it worse."""
    rng = np.random.default_rng(1)
    table = (rng.random((30, 12)) < 0.3).astype(float)
    table[4] = 0  # somebody without purchases
    settings = {"factors": 5, "regularisation": 0.05, "unobserved_weight": 0.2, "iterations": 3}
    items = rng.normal(size=(12, 5))
    users = solve(sparse.csr_matrix(table), items, 12, settings)
    assert users[4].tolist() == [0] * 5
    best = objective(table, users, items, settings)
    for _ in range(50):
        assert objective(table, users + rng.normal(0, 1e-3, users.shape), items, settings) > best


def test_matrix_factorization_solves_long_rows_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    table = sparse.csr_matrix((np.random.default_rng(2).random((50, 40)) < 0.5).astype(float))
    items = np.random.default_rng(3).normal(size=(40, 6))
    settings = {"regularisation": 0.05, "unobserved_weight": 0.2}
    whole = solve(table, items, 40, settings)
    monkeypatch.setattr("course_lib.models.matrix_factorization.BLOCK", 300)  # less than one row
    np.testing.assert_allclose(solve(table, items, 40, settings), whole, rtol=1e-9)


def test_matrix_factorization_learns_more_with_each_turn_and_serves_strangers() -> None:
    """Two groups of products that share no shopper: one purchase of a stranger says which group."""
    rng = np.random.default_rng(4)
    train = Histories.from_lists(
        [(6 * (n % 2) + 1 + rng.permutation(6)[:4]).tolist() for n in range(80)]  # 1..6 or 7..12
    )
    settings = {"factors": 4, "regularisation": 0.01, "unobserved_weight": 0.1, "iterations": 10}
    model = model_class("matrix-factorization").fit(train, 12, settings, 1)
    after = model.score(Histories.from_lists([[2], [9]]))[:, 1:]
    assert after[0, :6].min() > after[0, 6:].max()
    assert after[1, 6:].min() > after[1, :6].max()
    other = model_class("matrix-factorization").fit(train, 12, settings, 2)
    assert not np.array_equal(model.arrays["items"], other.arrays["items"])


@pytest.mark.parametrize("counted", ["ease", "item-knn", "matrix-factorization", "personal-frequency"])
def test_scoring_takes_the_memory_of_a_few_tables_of_scores(counted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 shoppers, 800 products: 10 MB of scores; what is needed on the way is no larger than some of them."""
    monkeypatch.setattr("course_lib.models.matrix_factorization.BLOCK", 200_000)
    rng = np.random.default_rng(0)
    asked = Histories.from_lists([rng.integers(1, 801, 12).tolist() for _ in range(3000)])
    settings = check_settings(counted, model_card(counted).settings, {})
    model = model_class(counted).fit(asked.take(np.arange(500)), 800, settings)
    tracemalloc.start()
    try:
        table = model.score(asked)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert table.nbytes <= peak < 4 * table.nbytes
