"""Every dataset of the registry in its smallest size keeps the schema's rules, and a broken frame is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.checks import check
from course_lib.data.columns import ITEM_COLUMNS, Columns
from course_lib.data.dataset import Address, Dataset


def smallest(name: str) -> str:
    sizes = registry.source(name).sizes
    return "tiny" if "tiny" in sizes else sizes[0]


@pytest.mark.parametrize("name", sorted(registry.trainable()))
def test_every_dataset_keeps_the_rules(name: str) -> None:
    dataset = registry.load(registry.resolve(name, smallest(name)))
    assert check(dataset) == ()
    pd.testing.assert_frame_equal(dataset.items, registry.load_items(dataset.address))


@pytest.mark.parametrize("name", sorted(registry.trainable()))
def test_who_changes_a_frame_changes_only_his_own(name: str) -> None:
    address = registry.resolve(name, smallest(name))
    for mine, others in (
        (registry.load_items(address), lambda: registry.load_items(address)),
        (registry.load(address).items, lambda: registry.load_items(address)),
        (registry.load(address).events, lambda: registry.load(address).events),
    ):
        before = others().copy()
        mine.loc[:, Columns.ITEM] = 7
        mine["note"] = "mine"
        del mine[mine.columns[1]]
        pd.testing.assert_frame_equal(others(), before)
        assert not others()[Columns.ITEM].to_numpy().flags.writeable


def toy() -> Dataset:
    events = pd.DataFrame(
        {
            Columns.USER: np.array([0, 0, 1], np.int32),
            Columns.ITEM: np.array([1, 2, 2], np.int32),
            Columns.TIME: np.array([5, 6, 1], np.int64),
            Columns.BASKET: np.array([1, 2, 3], np.int64),
        }
    )
    texts = {name: ["a", "b"] for name in ITEM_COLUMNS}
    items = pd.DataFrame(texts | {Columns.ITEM: np.array([1, 2], np.int32), Columns.PRICE: [1.0, 2.0]})
    items[Columns.COLOUR] = "#aabbcc"
    return Dataset(Address("toy", "tiny", "0"), events, items[list(ITEM_COLUMNS)])


def test_the_toy_is_sound() -> None:
    assert check(toy()) == ()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda d: d.events.pop(Columns.TIME), "columns"),
        (lambda d: d.events.__setitem__(Columns.ITEM, np.array([1, 2, 2])), "item_id is int64"),
        (lambda d: d.events.__setitem__(Columns.USER, np.array([0, 0, 2], np.int32)), "leave no number out"),
        (lambda d: d.events.__setitem__(Columns.USER, np.array([1, 0, 0], np.int32)), "sorted"),
        (lambda d: d.events.__setitem__(Columns.TIME, np.array([6, 5, 1])), "goes back in row 1"),
        (lambda d: d.events.__setitem__(Columns.ITEM, np.array([1, 3, 0], np.int32)), "lies in 0..3"),
        (lambda d: d.events.__setitem__(Columns.BASKET, np.array([1, 2, 2])), "more than one user"),
        (lambda d: d.items.__setitem__(Columns.ITEM, np.array([2, 1], np.int32)), "in order"),
        (lambda d: d.items.__setitem__(Columns.TITLE_ZH, ["a", "a"]), "twice"),
        (lambda d: d.items.__setitem__(Columns.TITLE_EN, ["a", " "]), "empty for item 2"),
        (lambda d: d.items.__setitem__(Columns.BRAND, ["a", None]), "brand must be text"),
        (lambda d: d.items.__setitem__(Columns.PRICE, [1.0, 0.0]), "price"),
        (lambda d: d.items.__setitem__(Columns.PRICE, [1.0, np.inf]), "price"),
        (lambda d: d.items.__setitem__(Columns.COLOUR, "red"), "colour"),
    ],
)
def test_each_broken_rule_is_named(spoil: Callable[[Dataset], object], sentence: str) -> None:
    dataset = toy()
    spoil(dataset)
    problems = check(dataset)
    assert any(sentence in problem for problem in problems), problems


def test_empty_events_are_named() -> None:
    dataset = toy()
    assert check(Dataset(dataset.address, dataset.events.iloc[:0], dataset.items)) == ("events are empty",)
