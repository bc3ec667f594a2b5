"""What search is judged by: graded NDCG by hand, kinds and counts of the shop, queries of other catalogues, clicks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.evaluation.click_log import ClickLog, examined
from course_lib.evaluation.redrawn_clicks import likings, redraw
from course_lib.evaluation.search_task import OWN_KINDS, SearchTask, top
from course_lib.shop.truth.search import examination


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return registry.load(registry.resolve("shop", "tiny"))


@pytest.fixture(scope="module")
def task(shop: Dataset) -> SearchTask:
    return SearchTask.make(shop)


def one_query(gains: list[float]) -> SearchTask:
    kind = np.array(["head"])
    return SearchTask(["q"], kind, np.array(["zh"]), np.array([1]), np.array([gains], np.float32))


def test_ndcg_by_hand() -> None:
    """Grades 3, 1 and 0 in the order 0, 3, 1 of twelve products; the ideal order is 3, 1."""
    gains = [0.0, 7.0, 1.0] + [0.0] * 9
    found = one_query(gains).ndcg(np.array([[3.0, 2.0, 1.0] + [0.0] * 9]))
    expected = (7 / np.log2(3) + 1 / np.log2(4)) / (7 + 1 / np.log2(3))
    assert found[0] == pytest.approx(expected)


def test_what_is_not_found_is_not_in_the_list() -> None:
    """An engine that finds nothing gets nothing, not the order of the catalogue."""
    assert one_query([7.0, 0.0]).ndcg(np.zeros((1, 2)))[0] == 0


def test_equal_scores_stand_in_the_order_of_the_catalogue() -> None:
    scores = np.random.default_rng(0).integers(0, 4, (50, 300)).astype(np.float32)
    assert (top(scores) == np.argsort(-scores, axis=1, kind="stable")[:, :10]).all()


def test_the_shop_counts_its_searches(shop: Dataset, task: SearchTask) -> None:
    searches = registry.load_table(shop.address, "searches")
    assert task.counts.sum() == len(searches)
    assert task.counts.min() == 1
    assert set(task.kinds) == {"head", "tail", "brand", "misspelt", "need", "synonym", "mixed"}
    assert (task.gains.max(1) == 7).all(), "every query has a product that is exactly what is asked for"


def titled(count: int, **columns: object) -> Dataset:
    items = pd.DataFrame({"item_id": range(1, count + 1), **columns})
    return Dataset(Address("own~x", "whole", "0" * 12), pd.DataFrame(), items)


def test_another_catalogue_asks_for_its_own_titles() -> None:
    names = [f"Product number {n} of {('red', 'blue')[n % 2]} wool" for n in range(40)]
    task = SearchTask.make(titled(40, title_en=names))
    assert set(task.kinds) == set(OWN_KINDS)
    assert task.gains.sum(1).tolist() == [1.0] * len(task.texts)
    whole = [text for text, kind in zip(task.texts, task.kind, strict=True) if kind == "whole"]
    assert sorted(whole) == sorted(names)


def test_a_catalogue_without_titles_or_with_few_products_is_refused() -> None:
    with pytest.raises(CourseError) as caught:
        SearchTask.make(titled(40))
    assert caught.value.key == "no_titles"
    with pytest.raises(CourseError) as caught:
        SearchTask.make(titled(3, title_en=["a", "b", "c"]))
    assert caught.value.key == "too_few_products"


def test_shuffled_searches_tell_what_a_place_is_worth(shop: Dataset, task: SearchTask) -> None:
    """Half of the searches shuffled: the estimate is near the truth, whatever order the others have."""
    log = ClickLog.make(shop, task)
    assert (log.items > 0).sum() == len(registry.load_table(shop.address, "results"))
    grades = np.rint(np.log2(task.gains + 1)).astype(np.int8)[log.query[:, None], log.items - 1]
    liked, mean = likings(log.user, log.items)
    assert mean.shape == (shop.num_items,)
    prices = shop.items["price"].to_numpy(np.float64)
    for order in ("engine", "dear"):
        drawn = redraw(log, grades, liked, prices, order, 1.0, 0.7, 1)
        value, low, high = examined(drawn)
        truth = examination(10, 0.7)
        assert np.abs(value - truth).mean() < 0.08
        assert ((low <= truth) & (truth <= high)).sum() >= 7


def test_the_dearest_come_first_where_the_log_says_so(shop: Dataset, task: SearchTask) -> None:
    log = ClickLog.make(shop, task)
    grades = np.zeros(log.items.shape, np.int8)
    prices = shop.items["price"].to_numpy(np.float64)
    drawn = redraw(log, grades, np.zeros(log.items.shape), prices, "dear", 0.0, 0.7, 1)
    shown = np.where(drawn.items > 0, prices[drawn.items - 1], 0.0)
    assert (np.diff(shown, axis=1) <= 0).all()
    assert (np.sort(drawn.items, 1) == np.sort(log.items, 1)).all(), "the same results, in another order"
