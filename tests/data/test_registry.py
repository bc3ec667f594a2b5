"""The registry: tables beside events and items, and datasets that have tables alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Source, Table
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig

Made = list[str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Made:
    """Beside the shop a dataset "shown" of one table in two pieces, without histories; how often it was made."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    made: Made = []

    def pieces(size: str) -> list[pd.DataFrame]:
        made.append(size)
        return [pd.DataFrame({Columns.POSITION: [3, n]}) for n in (1, 2)]

    alone = Source(("all",), lambda size: "0" * 12, tables={"log": Table(lambda size: "1" * 12, pieces)})
    sorted_ = Source(
        ("all",), lambda size: "0" * 12,
        tables={"log": Table(lambda size: "2" * 12, pieces, order=(Columns.POSITION,))},
    )  # fmt: skip
    built_in = registry.built_in()
    monkeypatch.setattr(registry, "built_in", lambda: {**built_in, "shown": alone, "sorted": sorted_})
    return made


def test_a_table_is_made_once_in_the_order_of_its_pieces(shown: Made) -> None:
    address = registry.resolve("shown")
    for _ in range(3):
        found = registry.load_table(address, "log")
        assert found[Columns.POSITION].tolist() == [3, 1, 3, 2]
        assert found.index.equals(pd.RangeIndex(4))
        assert registry.table_shape(address, "log") == (4, (Columns.POSITION,))
    assert shown == ["all"]


def test_a_table_can_have_an_order_of_its_own(shown: Made) -> None:
    for _ in range(2):
        found = registry.load_table(registry.resolve("sorted"), "log")
        assert found[Columns.POSITION].tolist() == [1, 2, 3, 3]
        assert found.index.equals(pd.RangeIndex(4))


def test_another_version_is_another_folder(shown: Made) -> None:
    registry.load_table(registry.resolve("shown"), "log")
    registry.load_table(registry.resolve("sorted"), "log")
    assert len(shown) == 2


def test_the_tables_of_a_dataset(shown: Made) -> None:
    assert registry.tables("shown") == ("log",)
    assert registry.tables("shop")[:2] == ("events", "items")
    address = registry.resolve("shop", "tiny")
    pd.testing.assert_frame_equal(registry.load_table(address, "events"), registry.load(address).events)
    pd.testing.assert_frame_equal(registry.load_table(address, "items"), registry.load_items(address))
    assert registry.table_shape(address, "events")[0] == len(registry.load(address).events)


def train_on(name: str) -> object:
    return RunConfig.make(data={"dataset": name})


def load(name: str) -> object:
    return registry.load(registry.resolve(name))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("ask", [train_on, load, registry.need_histories])
def test_nothing_is_trained_without_histories(ask: Callable[[str], object], language: str, shown: Made) -> None:
    """The sentence says what there is instead, and which datasets can be trained on."""
    with pytest.raises(CourseError) as caught:
        ask("shown")
    sentence = caught.value.text(language)
    assert caught.value.key == "no_histories"
    assert all(part in sentence for part in ("shown", "log", "shop", "complete-journey"))
    assert "sorted" not in sentence
    assert shown == []


def test_only_datasets_with_histories_are_offered_for_training(shown: Made) -> None:
    assert {"shown", "sorted"} <= set(registry.sources())
    assert not {"shown", "sorted"} & set(registry.trainable())
    assert {"shop", "complete-journey"} <= set(registry.trainable())


@pytest.mark.parametrize("table", ["events", "items"])
def test_events_and_items_that_are_not_there_are_told(table: str, shown: Made) -> None:
    for ask in (registry.load_table, registry.table_shape):
        with pytest.raises(CourseError, match=f"no table “{table}”. Choose one of: log"):
            ask(registry.resolve("shown"), table)
    with pytest.raises(CourseError, match="no table “items”"):
        registry.load_items(registry.resolve("shown"))


def test_categories_and_their_order_outlive_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those that do not occur, those that come in another order, and which one is the larger; in several pieces."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))

    def piece(values: list[str | None]) -> pd.DataFrame:
        kinds = pd.Categorical(values, ["low", "middle", "high"], ordered=True)
        return pd.DataFrame({Columns.AGE: kinds, Columns.CHANNEL: pd.Categorical(values, ["high", "low", "none"])})

    pieces = [piece(["high", "low"]), piece([None, "low"]), piece(["high"] * 40)]
    alone = Source(("all",), lambda size: "0" * 12, tables={"log": Table(lambda size: "3" * 12, lambda size: pieces)})
    monkeypatch.setattr(registry, "built_in", lambda: {"shown": alone})
    found = registry.load_table(registry.resolve("shown"), "log")
    pd.testing.assert_frame_equal(found, pd.concat(pieces, ignore_index=True))
    assert found[Columns.AGE].max() == "high"


def test_a_later_piece_may_have_categories_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever reads a file in pieces gets only those that occur in each; no value may be lost."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    pieces = [pd.DataFrame({Columns.POLICY: pd.Categorical([name] * 20)}) for name in ("random", "bts", "random")]
    alone = Source(("all",), lambda size: "0" * 12, tables={"log": Table(lambda size: "4" * 12, lambda size: pieces)})
    monkeypatch.setattr(registry, "built_in", lambda: {"shown": alone})
    found = registry.load_table(registry.resolve("shown"), "log")
    assert found[Columns.POLICY].tolist() == ["random"] * 20 + ["bts"] * 20 + ["random"] * 20
    assert found[Columns.POLICY].cat.categories.tolist() == ["random", "bts"]
