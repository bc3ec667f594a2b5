"""A shop of any number of shoppers as a folder of Parquet files, written block by block: a million need little memory.

    for done, total in write_shop(Path("million"), shop(), 1_000_000, parts=("search", "slates")):
        print(done, total)

The folder holds ``events.parquet`` (EVENT_COLUMNS), ``items.parquet`` (ITEM_COLUMNS), the tables of the parts
(logs.py), ``shop.json`` (what it was made from, and the rows of each table) and the checksums of the tables. A block is
a row group of each. The registry keeps the shop's own sizes in the same way.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from course_lib.data.cache import Pieces, drafted
from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.logs import PARTS
from course_lib.shop.parts import shared_blocks
from course_lib.shop.world import World

Progress = Generator[tuple[int, int], None, None]
MOST = 100_000_000  # shoppers
BYTES_AN_EVENT = 7  # on disk, for the estimate of room; measured: 6.0 to 6.1, up to six million shoppers
REST = 2**20  # bytes: the items and everything else
FULL = (errno.ENOSPC, errno.EDQUOT)


def write_shop(
    folder: Path,
    world: World,
    shoppers: int,
    seed: int | None = None,
    replace: bool = False,
    parts: Sequence[str] = (),
) -> Progress:
    """Writes the events of ``shoppers`` (1 to MOST) as ``folder``; yields shoppers done and in all after each block.

    The events are those of :func:`course_lib.shop.simulate.events_frame`; ``seed`` defaults to the shop's own.
    ``parts`` are names of :data:`course_lib.shop.logs.PARTS` (KeyError for others) whose tables are written too.
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
    need = bytes_needed(world, shoppers, parts)
    full = CourseError("shop_disk_full", path=folder, shoppers=f"{shoppers:,}", need=f"{need / 2**20:,.0f}")
    if _free(folder) < need:
        raise full
    return _written(folder, world, shoppers, seed, replace, parts, full)


def _written(
    folder: Path, world: World, shoppers: int, seed: int, replace: bool, parts: Sequence[str], full: CourseError
) -> Progress:
    """Does what :func:`write_shop` has checked."""
    try:
        with drafted(folder, replace) as draft:
            yield from _write(draft, world, shoppers, seed, parts)
    except OSError as problem:
        if problem.errno in FULL:
            raise full from problem
        raise


def bytes_needed(world: World, shoppers: int, parts: Sequence[str] = ()) -> int:
    """How much disk a shop of so many shoppers takes with these parts, estimated from above."""
    events = shoppers * world.parameters["shopper.events_mean"] * BYTES_AN_EVENT
    return int(events) + REST + sum(PARTS[name].shopper_bytes * shoppers + REST for name in parts)


def _write(draft: Path, world: World, shoppers: int, seed: int, parts: Sequence[str]) -> Progress:
    """The files, into a folder that is there."""
    world.catalogue.items.to_parquet(draft / "items.parquet", index=False)
    with closing(Pieces(draft)) as out:
        for name in parts:
            for table, make in PARTS[name].once.items():
                out.add(table, make(world))
        beside = [PARTS[name].blocks(world, shoppers, seed) for name in parts]
        for block in shared_blocks(world, shoppers, seed):
            events = block.frame(world)
            out.add("events", events[events[Columns.USER] < shoppers])
            for blocks in beside:  # in step with the events: one block of one part at a time
                for table, frame in next(blocks).items():
                    out.add(table, frame)
            yield min(block.first + len(block.length), shoppers), shoppers
    made_from = {
        "shoppers": shoppers,
        "events": out.rows["events"],
        "seed": seed,
        "parameters": world.parameters.digest(),
        "rows": out.rows,
    }
    (draft / "shop.json").write_text(json.dumps(made_from), encoding="utf-8")


def _taken(folder: Path) -> bool:
    """Whether something is there that must stay: a file, a folder with something in it, a disk of its own."""
    return folder.exists() and (not folder.is_dir() or folder.is_mount() or any(folder.iterdir()))


def _free(folder: Path) -> int:
    """Free bytes on the disk where ``folder`` would be."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).free
