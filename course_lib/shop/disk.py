"""A shop of any number of shoppers as a folder of Parquet files, written block by block: a million need little memory.

    for done, total in write_shop(Path("million"), shop(), 1_000_000):
        print(done, total)

The folder holds ``events.parquet`` (EVENT_COLUMNS), ``items.parquet`` (ITEM_COLUMNS), ``shop.json`` (what it was made
from) and the checksums of the tables. The registry keeps the shop's own sizes in the same way.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Generator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from course_lib.data.cache import drafted
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.simulate import simulate
from course_lib.shop.world import World

Progress = Generator[tuple[int, int], None, None]
MOST = 100_000_000  # shoppers
BYTES_AN_EVENT = 7  # on disk, for the estimate of room; measured: 6.0 to 6.1, up to six million shoppers
REST = 2**20  # bytes: the items and everything else
FULL = (errno.ENOSPC, errno.EDQUOT)


def write_shop(folder: Path, world: World, shoppers: int, seed: int | None = None, replace: bool = False) -> Progress:
    """Writes the events of ``shoppers`` (1 to MOST) as ``folder``; yields shoppers done and in all after each block.

    The events are those of :func:`course_lib.shop.simulate.events_frame`; ``seed`` defaults to the shop's own.
    ``folder`` appears, whole, when the iteration ends. Whoever stops before (closes the generator, raises, is killed)
    leaves nothing there. With ``replace`` whatever is at ``folder`` gives way to it, else only an empty folder does.
    Raises CourseError, at once where possible, if something is there already or the disk is full; OSError where the
    system refuses otherwise.
    """
    if not 1 <= shoppers <= MOST:
        raise ValueError(f"shoppers is {shoppers}; it must lie between 1 and {MOST}")
    seed = world.parameters["seed"] if seed is None else seed
    folder = folder.resolve()
    if not replace and _taken(folder):
        raise CourseError("shop_folder_taken", path=folder)
    need = bytes_needed(world, shoppers)
    full = CourseError("shop_disk_full", path=folder, shoppers=f"{shoppers:,}", need=f"{need / 2**20:,.0f}")
    if _free(folder) < need:
        raise full
    return _written(folder, world, shoppers, seed, replace, full)


def _written(folder: Path, world: World, shoppers: int, seed: int, replace: bool, full: CourseError) -> Progress:
    """Does what :func:`write_shop` has checked."""
    try:
        with drafted(folder, replace) as draft:
            yield from _write(draft, world, shoppers, seed)
    except OSError as problem:
        if problem.errno in FULL:
            raise full from problem
        raise


def bytes_needed(world: World, shoppers: int) -> int:
    """How much disk a shop of so many shoppers takes, estimated from above."""
    return int(shoppers * world.parameters["shopper.events_mean"] * BYTES_AN_EVENT) + REST


def _write(draft: Path, world: World, shoppers: int, seed: int) -> Progress:
    """The files, into a folder that is there."""
    world.catalogue.items.to_parquet(draft / "items.parquet", index=False)
    writer, events = None, 0
    try:
        for block in simulate(world, shoppers, seed):
            rows = pa.Table.from_pandas(block.frame(world), preserve_index=False)
            # Only products repeat; a dictionary for the other columns would make the file twice as large.
            writer = writer or pq.ParquetWriter(
                draft / "events.parquet", rows.schema, compression="zstd", use_dictionary=[Columns.ITEM]
            )
            writer.write_table(rows)
            events += rows.num_rows
            yield block.first + len(block.length), shoppers
    finally:
        if writer is not None:
            writer.close()
    made_from = {"shoppers": shoppers, "events": events, "seed": seed, "parameters": world.parameters.digest()}
    (draft / "shop.json").write_text(json.dumps(made_from), encoding="utf-8")


def _taken(folder: Path) -> bool:
    """Whether something is there that must stay: a file, a folder with something in it, a disk of its own."""
    return folder.exists() and (not folder.is_dir() or folder.is_mount() or any(folder.iterdir()))


def _free(folder: Path) -> int:
    """Free bytes on the disk where ``folder`` would be."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free
