"""Models of contentment from stars: what they may see, what each of them learns, and data without ratings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Histories, Split
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.training import contentment
from course_lib.training.contentment import Ratings, learn, ratings_of, type_of


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """The smallest shop."""
    return registry.load(registry.resolve("shop", "tiny"))


@pytest.fixture(scope="module")
def split(dataset: Dataset) -> Split:
    return leave_one_out(dataset)


def small(stars: list[float], item: list[int], again: list[int], dear: list[float] | None = None) -> Ratings:
    return Ratings(
        np.array(item), np.array(stars), np.array(again, bool), np.array(dear or [0.0] * len(item), np.float64)
    )


def shelf(types: list[str], prices: list[float] | None = None) -> Dataset:
    items = pd.DataFrame({Columns.ITEM: np.arange(1, len(types) + 1), Columns.TYPE: types})
    if prices:
        items[Columns.PRICE] = prices
    return Dataset(Address("shop", "tiny", "0"), pd.DataFrame(), items)


def test_no_rating_of_what_is_asked_for_is_seen(dataset: Dataset, split: Split) -> None:
    feedback = registry.load_table(dataset.address, "feedback")
    given = feedback[feedback[Columns.STARS] > 0]
    number = given[Columns.BASKET] % 1000
    lengths = dataset.histories().lengths[given[Columns.USER]]
    allowed = given[number < lengths - 2]
    ratings = ratings_of(dataset, split)
    assert len(ratings.stars) == len(allowed) < len(given)
    assert sorted(ratings.item) == sorted(allowed[Columns.ITEM])
    assert ratings.stars.sum() == allowed[Columns.STARS].sum()
    assert 0 < ratings.again.mean() < 0.5


def test_a_products_stars_are_drawn_to_its_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contentment, "SHRINK", 2.0)
    ratings = small([5, 5, 1, 3], [1, 1, 2, 3], [0, 0, 0, 0])
    model = learn("stars", ratings, shelf(["a", "a", "b", "b"]))
    a, b = (11 + 2 * 3.5) / 5, (3 + 2 * 3.5) / 3
    assert model.product[1:] == pytest.approx([(10 + 2 * a) / 4, (1 + 2 * a) / 3, (3 + 2 * b) / 3, b])
    assert not model.again.any()


def test_what_is_owned_costs_stars_by_type() -> None:
    n = 40
    item, again = [1] * n + [2] * n, ([0] * 20 + [1] * 20) * 2
    stars = [4.0] * 20 + [1.0] * 20 + [4.0] * n  # a: a second one disappoints; b: it does not
    data = shelf(["a", "b"])
    for way in ("owned", "ridge"):
        model = learn(way, small(stars, item, again), data)
        assert model.again[0] < -1
        assert model.again[1] > -0.6
        [[first, other]] = model.expected(Histories.from_lists([[2]]), np.array([[1, 2]]))
        [[second, _]] = model.expected(Histories.from_lists([[2, 1]]), np.array([[1, 2]]))
        assert first - second > 1
        assert abs(first - other) < 2
    assert learn("stars", small(stars, item, again), data).expected(
        Histories.from_lists([[], [1]]), np.array([[1], [1]])
    )[0] == pytest.approx(2.5, abs=0.1), "the mean knows nothing of it"


def test_a_price_beyond_the_usual_costs_stars() -> None:
    rng = np.random.default_rng(0)
    dear = rng.random(400).round(2)
    ratings = small((4 - 2 * dear).tolist(), (rng.integers(1, 5, 400)).tolist(), [0] * 400, dear.tolist())
    model = learn("ridge", ratings, shelf(["a"] * 4, [1.0, 2.0, 3.0, 4.0]))
    assert model.dear == pytest.approx(-2, abs=0.2)
    [[cheap, costly]] = model.expected(Histories.from_lists([[1, 1]]), np.array([[1, 4]]))
    assert cheap - costly > 1
    [[same, _]] = model.expected(Histories.from_lists([[4]]), np.array([[4, 1]]))
    assert same > costly + 1, "who is used to it does not mind"


def test_without_types_every_product_is_its_own() -> None:
    items = pd.DataFrame({Columns.ITEM: [1, 2, 3]})
    assert type_of(items)[1:].tolist() == [0, 1, 2]
    items[Columns.TYPE] = ["a", None, "a"]
    assert type_of(items)[1:].tolist() == [0, 1, 0]
    data = Dataset(Address("shop", "tiny", "0"), pd.DataFrame(), pd.DataFrame({Columns.ITEM: [1, 2, 3]}))
    model = learn("ridge", small([5.0, 1.0] * 50, [1, 2] * 50, [0] * 100), data)
    assert model.product[1] > model.product[3] > model.product[2]


def test_data_without_ratings_is_refused(dataset: Dataset, split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Dataset(Address("complete-journey", "small", "0"), dataset.events, dataset.items)
    with pytest.raises(CourseError) as caught:
        ratings_of(other, split)
    assert caught.value.key == "no_ratings"
    assert "complete-journey" in caught.value.text("zh")
    feedback = registry.load_table(dataset.address, "feedback")

    def few(*_: Any) -> pd.DataFrame:
        return feedback.head(20)

    monkeypatch.setattr(registry, "load_table", few)
    with pytest.raises(CourseError) as caught:
        ratings_of(dataset, split)
    assert "100" in caught.value.text("en")


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="guess is none of"):
        learn("guess", small([5.0], [1], [0]), shelf(["a"]))
