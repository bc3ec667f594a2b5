"""A shop on disk: the same events as in memory, whole or not there, in a block's memory, told and stopped midway."""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from course_lib.data import cache
from course_lib.data.columns import ITEM_COLUMNS
from course_lib.errors import CourseError
from course_lib.settings import PROJECT
from course_lib.shop import disk, source
from course_lib.shop.disk import MOST, bytes_needed, write_shop
from course_lib.shop.logs import PARTS
from course_lib.shop.simulate import events_frame
from course_lib.shop.world import World

Blocks = Callable[[int], None]


def write(folder: Path, world: World, shoppers: int, **options: Any) -> list[tuple[int, int]]:
    """All the way; what was told on it."""
    return list(write_shop(folder, world, shoppers, **options))


@pytest.mark.parametrize(("shoppers", "seed"), [(1, None), (50, None), (130, None), (130, 7)])
def test_the_same_events_as_in_memory(
    shoppers: int, seed: int | None, world: World, blocks_of: Blocks, tmp_path: Path
) -> None:
    """Bit for bit, types and index too, however many blocks they were written in."""
    blocks_of(50)
    told = write(tmp_path / "shop", world, shoppers, seed=seed)
    assert told == [(done, shoppers) for done in sorted({*range(50, shoppers + 1, 50), shoppers})]
    found = cache.read(tmp_path / "shop", ("events", "items"))
    assert found is not None, "the checksums are right"
    wanted = events_frame(world, shoppers, seed)
    pd.testing.assert_frame_equal(found[0], wanted, check_exact=True)
    pd.testing.assert_frame_equal(found[1], world.catalogue.items)
    made_from = json.loads((tmp_path / "shop" / "shop.json").read_text())
    assert made_from["events"] == len(wanted)
    assert made_from["shoppers"] == shoppers
    assert made_from["seed"] == (world.parameters["seed"] if seed is None else seed)


@pytest.mark.parametrize("shoppers", [1, 130])
def test_the_parts_beside_the_events(shoppers: int, world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    """Each table is what the part makes by itself, and the events are as without parts."""
    blocks_of(50)
    told = write(tmp_path / "shop", world, shoppers, parts=tuple(PARTS))
    assert told[-1] == (shoppers, shoppers)
    assert len(told) == -(-shoppers // 50)
    names = [name for part in PARTS.values() for name in (*part.once, *part.tables)]
    found = cache.read(tmp_path / "shop", ("events", "items", *names))
    assert found is not None, "the checksums are right"
    pd.testing.assert_frame_equal(found[0], events_frame(world, shoppers), check_exact=True)
    rows = json.loads((tmp_path / "shop" / "shop.json").read_text())["rows"]
    assert rows == {name: len(frame) for name, frame in zip(names, found[2:], strict=True)} | {"events": len(found[0])}
    expected: dict[str, pd.DataFrame] = {}
    for part in PARTS.values():
        blocks = list(part.blocks(world, shoppers, None))
        expected |= {name: make(world) for name, make in part.once.items()}
        expected |= {name: pd.concat([block[name] for block in blocks], ignore_index=True) for name in part.tables}
    for name, frame in zip(names, found[2:], strict=True):
        pd.testing.assert_frame_equal(frame, expected[name], check_exact=True)


def test_another_seed_reaches_the_parts(world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    blocks_of(50)
    for seed in (None, 7):
        write(tmp_path / str(seed), world, 60, seed=seed, parts=tuple(PARTS))
    for part in PARTS.values():
        for name in part.tables:
            ours, theirs = (pd.read_parquet(tmp_path / str(seed) / f"{name}.parquet") for seed in (None, 7))
            assert not ours.equals(theirs), name


def test_one_piece_a_block_so_that_it_can_be_read_in_pieces(world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    blocks_of(50)
    write(tmp_path / "shop", world, 120)
    file = pq.ParquetFile(tmp_path / "shop" / "events.parquet")
    assert file.num_row_groups == 3
    assert set(pq.ParquetFile(tmp_path / "shop" / "items.parquet").schema_arrow.names) == set(ITEM_COLUMNS)


def test_the_registrys_sizes_are_written_the_same_way(
    world: World, blocks_of: Blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block by block: the events are never asked for as one frame; what is read back is what memory would hold."""
    blocks_of(250)
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    wanted = events_frame(world, source.sizes()["tiny"])
    monkeypatch.setattr(source, "events_frame", lambda *_: pytest.fail("all events at once"))
    for _ in range(2):  # written, then read
        pd.testing.assert_frame_equal(source.load("tiny")[0], wanted, check_exact=True)
    (events,) = tmp_path.rglob("events.parquet")
    assert pq.ParquetFile(events).num_row_groups == 3
    events.write_bytes(events.read_bytes()[:-1])
    pd.testing.assert_frame_equal(source.load("tiny")[0], wanted, check_exact=True)  # damaged: made anew


def test_a_home_that_cannot_be_written_still_gets_its_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "file" / "home"))
    events, _ = source.load("tiny")
    assert events["user_id"].nunique() == source.sizes()["tiny"]


@pytest.mark.parametrize("parts", [(), tuple(PARTS)])
def test_memory_does_not_grow_with_the_shop(
    parts: tuple[str, ...], world: World, blocks_of: Blocks, tmp_path: Path
) -> None:
    """Ten times the shoppers need the memory of one block; what Arrow holds outside Python is given back too."""
    import pyarrow as pa

    blocks_of(40)

    def peak(shoppers: int) -> tuple[int, int]:
        gc.collect()
        arrow = 0
        tracemalloc.start()
        try:
            for _ in write_shop(tmp_path / str(shoppers), world, shoppers, parts=parts):
                arrow = max(arrow, pa.total_allocated_bytes())
            return tracemalloc.get_traced_memory()[1], arrow
        finally:
            tracemalloc.stop()

    write(tmp_path / "warm", world, 40, parts=parts)
    few, many = peak(80), peak(800)
    assert many[0] < 1.3 * few[0]
    assert many[1] < 1.3 * few[1] + 2**20


@pytest.mark.parametrize("stop", ["close", "error"])
def test_whoever_stops_leaves_nothing(stop: str, world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    blocks_of(20)
    writing = write_shop(tmp_path / "shop", world, 100, parts=tuple(PARTS))
    assert next(writing) == (20, 100)
    assert next(writing) == (40, 100)
    assert not (tmp_path / "shop").exists(), "nothing is to be seen before the end"
    if stop == "close":
        writing.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            writing.throw(KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from course_lib.shop.disk import write_shop
from course_lib.shop.published import shop
for done, total in write_shop(Path(sys.argv[1]), shop(), 1_000_000):
    print(done, flush=True)
"""


def test_a_killed_process_leaves_no_half_dataset(world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    """Its draft stays hidden; the next one to write there clears it away, but never one that is being written."""
    folder = tmp_path / "shop"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "2000\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not folder.exists()
    (draft,) = tmp_path.iterdir()
    assert draft.name.startswith(".shop-")

    blocks_of(20)
    write(folder, world, 40)
    assert draft.exists(), "it could be another process's, at work"
    old = time.time() - 2 * cache.ABANDONED_S
    for path in (*draft.iterdir(), draft):
        os.utime(path, (old, old))
    write(folder, world, 60, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]
    assert json.loads((folder / "shop.json").read_text())["shoppers"] == 60


def test_what_is_there_already_stays(world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    blocks_of(20)
    full, file, empty = tmp_path / "full", tmp_path / "file", tmp_path / "empty"
    for folder in (full, empty):
        folder.mkdir()
    for path in (full / "mine.txt", file):
        path.write_text("mine")
    for folder in (full, file):
        with pytest.raises(CourseError) as caught:
            write_shop(folder, world, 20)  # at once, before anything is simulated
        assert caught.value.key == "shop_folder_taken"
    assert (full / "mine.txt").read_text() == file.read_text() == "mine"
    write(empty, world, 20)
    assert (empty / "events.parquet").exists()


def test_what_was_put_there_meanwhile_stays_too(world: World, blocks_of: Blocks, tmp_path: Path) -> None:
    blocks_of(20)
    writing = write_shop(tmp_path / "shop", world, 40)
    next(writing)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        list(writing)
    assert [path.name for path in tmp_path.rglob("*")] == ["shop", "mine.txt"]


def test_a_disk_without_room_is_told_before_the_work(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = bytes_needed(world, 1000)
    monkeypatch.setattr(disk, "_free", lambda _: room - 1)
    with pytest.raises(CourseError) as caught:
        write_shop(tmp_path / "shop", world, 1000)
    assert caught.value.key == "shop_disk_full"
    monkeypatch.setattr(disk, "_free", lambda _: room)
    write_shop(tmp_path / "shop", world, 1000).close()


def test_a_disk_that_fills_up_on_the_way(
    world: World, blocks_of: Blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks_of(20)
    writing = write_shop(tmp_path / "shop", world, 60)
    next(writing)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", refuse)
    with pytest.raises(CourseError) as caught:
        list(writing)
    assert caught.value.key == "shop_disk_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PARTS)
def test_the_estimate_of_a_parts_room_is_enough_and_not_absurd(name: str, world: World, tmp_path: Path) -> None:
    write(tmp_path / "shop", world, 4000, parts=[name])
    size = sum((tmp_path / "shop" / f"{table}.parquet").stat().st_size for table in PARTS[name].tables)
    assert size < 4000 * PARTS[name].shopper_bytes < 1.6 * size
    assert bytes_needed(world, 4000, [name]) - bytes_needed(world, 4000) > 4000 * PARTS[name].shopper_bytes


def test_the_estimate_of_room_is_enough_and_not_absurd(world: World, tmp_path: Path) -> None:
    write(tmp_path / "shop", world, 4000)
    size = sum(path.stat().st_size for path in (tmp_path / "shop").iterdir())
    assert size < bytes_needed(world, 4000) < 4 * size
    per_shopper = (tmp_path / "shop" / "events.parquet").stat().st_size / 4000
    assert per_shopper * 1e6 < bytes_needed(world, 1_000_000) < 1.5 * per_shopper * 1e6


@pytest.mark.parametrize("shoppers", [0, -1, MOST + 1])
def test_numbers_out_of_range_are_refused(shoppers: int, world: World, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        write_shop(tmp_path / "shop", world, shoppers)
