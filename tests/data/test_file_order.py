"""Events of one moment keep the order of the file where each has a basket of its own, from the file to the windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_lib.data.cache import cached
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.intake.pipeline import look, prepare
from course_lib.data.splits import checksum, leave_one_out
from course_lib.training.batches import make_windows

USERS, EVENTS, PRODUCTS = 40, 9, 50


def tied(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Events at three moments only, three at each, and the products (USERS, EVENTS) in the file's order."""
    rng = np.random.default_rng(seed)
    items = np.stack([rng.permutation(PRODUCTS)[:EVENTS] + 1 for _ in range(USERS)])
    events = pd.DataFrame(
        {
            Columns.USER: np.repeat(np.arange(USERS, dtype=np.int32), EVENTS),
            Columns.ITEM: items.ravel().astype(np.int32),
            Columns.TIME: np.tile(np.arange(EVENTS, dtype=np.int64) // 3, USERS),
            Columns.BASKET: np.arange(USERS * EVENTS, dtype=np.int64),
        }
    )
    return events, items


def as_dataset(events: pd.DataFrame) -> Dataset:
    return Dataset(Address("x", "tiny", "0"), events, pd.DataFrame({"item_id": np.arange(1, PRODUCTS + 1)}))


def test_ties_keep_the_files_order_from_load_to_windows(tmp_path: Path) -> None:
    events, items = tied()
    (loaded,) = cached(tmp_path / "kept", ("events",), lambda: {"events": events})
    (again,) = cached(tmp_path / "kept", ("events",), lambda: pytest.fail("it is there already"))
    pd.testing.assert_frame_equal(loaded, again)
    split = leave_one_out(as_dataset(again))
    np.testing.assert_array_equal(split.test.targets, items[:, -1])
    np.testing.assert_array_equal(split.validation.targets, items[:, -2])
    assert [history.tolist() for history in split.test.histories] == items[:, :-1].tolist()
    windows = make_windows(split.train, 4)
    found = {(windows.items[start:stop]).tobytes() for start, stop in zip(windows.start, windows.stop, strict=True)}
    assert found == {row[part].astype(np.int32).tobytes() for row in items for part in (slice(2, 7), slice(0, 3))}


def test_a_file_with_ties_is_taken_in_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Baskets named so that neither their names nor the products' are in the file's order; the split is frozen."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    events, items = tied()
    names = np.random.default_rng(1).permutation(len(events))
    rows = [
        f"u{user:02d},i{item:02d},2024-01-0{time + 1} 10:00:00,b{name:03d}"
        for user, item, time, name in zip(
            events[Columns.USER], events[Columns.ITEM], events[Columns.TIME], names, strict=True
        )
    ]
    path = tmp_path / "shop.csv"
    path.write_text("user_id,item_id,timestamp,basket_id\n" + "\n".join(rows) + "\n", encoding="utf-8")
    made = prepare(look(path, "none"), None)
    split = leave_one_out(Dataset(Address("x", "full", "0"), made.events, made.items))
    codes = made.items[Columns.CODE].to_numpy()
    assert [codes[history - 1].tolist() for history in split.test.histories] == [
        [f"i{item:02d}" for item in row[:-1]] for row in items
    ]
    assert codes[split.test.targets - 1].tolist() == [f"i{item:02d}" for item in items[:, -1]]
    again = prepare(look(path, "none"), None)
    assert checksum(leave_one_out(Dataset(Address("x", "full", "0"), again.events, again.items))) == checksum(split)
