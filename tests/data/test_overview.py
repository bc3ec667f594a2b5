"""A dataset's overview against counting by hand, for a small dataset and for those that come with the course."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

from course_lib.data.dataset import Address, Dataset
from course_lib.data.overview import FIRST, NEWEST, SAMPLES, chosen, make_overview
from course_lib.data.registry import load, resolve


def toy() -> Dataset:
    """Three shoppers, five products of which one is never bought."""
    rows = [(0, 1, 100, 1), (0, 2, 100, 1), (0, 1, 300, 2), (1, 5, 50, 3), (2, 1, 400, 4), (2, 3, 500, 5)]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "basket_id"])
    return Dataset(Address("toy", "full", "0"), events, pd.DataFrame({"item_id": [1, 2, 3, 4, 5]}))


def test_a_toy_by_hand() -> None:
    seen = make_overview(toy())
    assert (seen.events, seen.baskets, seen.first, seen.last) == (6, 5, 50, 500)
    assert seen.per_shopper.tolist() == [3, 1, 2]
    assert seen.per_product.tolist() == [3, 1, 1, 0, 1]
    first = seen.samples[0]
    assert (first.user, first.items, first.times, first.baskets) == (0, (1, 2, 1), (100, 100, 300), (1, 1, 2))
    assert {one.user for one in seen.samples} == {0, 1, 2}


@pytest.mark.parametrize("name", ["shop", "complete-journey"])
def test_a_real_one_against_its_events(name: str) -> None:
    dataset = load(resolve(name, "tiny" if name == "shop" else "small"))
    seen, events = make_overview(dataset), dataset.events
    users = Counter(events["user_id"].tolist())
    assert seen.per_shopper.tolist() == [users[user] for user in range(dataset.num_users)]
    products = Counter(events["item_id"].tolist())
    assert seen.per_product.tolist() == [products[item] for item in range(1, dataset.num_items + 1)]
    assert len(seen.samples) == SAMPLES
    for sample in seen.samples[:8]:
        own = events[events["user_id"] == sample.user]
        assert list(sample.items) == own["item_id"].tolist()[-NEWEST:]
        assert list(sample.times) == own["timestamp"].tolist()[-NEWEST:]
        assert sample.events == len(own)


def test_nobody_at_all() -> None:
    empty = toy()
    seen = make_overview(Dataset(empty.address, empty.events.iloc[:0], empty.items))
    assert (seen.events, seen.baskets, seen.samples) == (0, 0, ())


@pytest.mark.parametrize("users", [0, 3, 5, 40, 1000])
def test_samples_are_different_shoppers_and_the_same_each_time(users: int) -> None:
    found = chosen(users)
    assert found == chosen(users)
    assert len(set(found)) == len(found) == min(users, SAMPLES)
    assert found[:FIRST] == list(range(min(users, FIRST)))
    assert all(0 <= user < users for user in found)
