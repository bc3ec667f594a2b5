"""The simulated shop: seconds for 4,000 shoppers, and whether time and memory stay linear when it streams to disk.

    python -m benchmarks.simulator 100000               one JSON line; a process of its own, so its peak memory is too
    python -m benchmarks.simulator 100000 search slates   with some parts of the shop's world, or "all"
    python -m benchmarks.simulator 100000 weeks           the shop run forward under a recommender

Time and memory without the making of the shop itself, which is the same at every size. The long form has every part of
the shop's world and the weeks at every size, each in a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.memory import peak_mib
from benchmarks.table import Row, below, number
from course_lib.runs.process import ONE_THREAD
from course_lib.settings import PROJECT

PART = "simulator"
DEFAULT, GOAL_S = 4000, 2.0
SIZES = (1_000, 10_000, 100_000, 1_000_000)
REPEATS = 3
PART_SIZE = 10_000  # shoppers with each part of the shop's world, in the short form
WEEKS = "weeks"
LIVED = 2  # weeks that are timed; one without a recommender comes before them
ROOM = 0.8  # of the free memory that a life may be expected to take


def in_memory(shoppers: int) -> dict[str, float]:
    """Seconds to simulate all events of ``shoppers`` as one frame; the shop itself is made before."""
    from course_lib.shop.published import shop
    from course_lib.shop.simulate import events_frame

    world = shop()
    began, cpu = time.perf_counter(), time.process_time()
    events = len(events_frame(world, shoppers))
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "events": events}


def to_disk(shoppers: int, folder: Path, parts: Sequence[str] = ()) -> dict[str, Any]:
    """Writes a shop as ``python -m course_lib shop simulate --with ...`` does."""
    from course_lib.shop.disk import write_shop
    from course_lib.shop.published import shop

    world = shop()
    before = peak_mib()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in write_shop(folder, world, shoppers, parts=parts):
        pass
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    rows = json.loads((folder / "shop.json").read_text(encoding="utf-8"))["rows"]
    return {
        "seconds": seconds,
        "cpu": cpu,
        "events": rows["events"],
        "rows": rows,
        "bytes": {path.stem: path.stat().st_size for path in sorted(folder.glob("*.parquet"))},
        "before_mib": before,
        "peak_mib": peak_mib(),
        "disk_mib": sum(path.stat().st_size for path in folder.iterdir()) / 2**20,
    }


def alone(shoppers: int, *parts: str) -> dict[str, Any]:
    """:func:`to_disk`, or :func:`lived`, in a process of its own."""
    import os

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulator", str(shoppers), *parts],
        cwd=PROJECT,
        env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def lived(shoppers: int) -> dict[str, Any]:
    """Lives weeks in which everyone is shown what has sold most; ``events`` are visits to the shop."""
    from course_lib.shop.published import shop
    from course_lib.shop.recommenders import popularity
    from course_lib.shop.weeks import begin, run

    world = shop()
    before = peak_mib()
    life = begin(world, shoppers, warmup=1)
    began, cpu, visits = time.perf_counter(), time.process_time(), 0
    for week in run(world, life, popularity, LIVED):
        visits += week.visits
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "events": visits,
        "before_mib": before,
        "peak_mib": peak_mib(),
    }


def purchases(shoppers: int) -> Row:
    """A shop without further parts."""
    one = alone(shoppers)
    return Row(
        PART,
        f"{shoppers:,} shoppers streamed to disk",
        f"{number(one['seconds'])} s, peak {number(one['peak_mib'])} MiB",
        note=f"{one['events']:,.0f} events, {number(one['disk_mib'])} MiB on disk; "
        f"before the first event the process held {number(one['before_mib'])} MiB",
        raw=one,
    )


def with_part(name: str, shoppers: int) -> Row:
    """A shop with one part of its world."""
    from course_lib.shop.logs import PARTS

    one = alone(shoppers, name)
    rows, size = (sum(one[kind][table] for table in PARTS[name].tables) for kind in ("rows", "bytes"))
    return Row(
        PART,
        f"{shoppers:,} shoppers with {name}",
        f"{number(one['seconds'])} s, peak {number(one['peak_mib'])} MiB",
        note=f"purchases too; {rows:,.0f} rows of {name}, {number(size / shoppers)} bytes a shopper on disk",
        raw=one,
    )


def weeks_at(shoppers: int, before: Row | None) -> Row:
    """Weeks of so many shoppers, unless the row of fewer ``before`` tells that they do not fit into memory."""
    what = f"{shoppers:,} shoppers, a week"
    if before is not None and before.raw:
        raw = before.raw
        need = (raw["peak_mib"] - raw["before_mib"]) * shoppers / raw["shoppers"]
        if need > (free := psutil.virtual_memory().available / 2**20 * ROOM):
            note = f"would take about {number(need / 1024)} GiB of the {number(free / 1024)} that are free"
            return Row(PART, what, "left out", note=note)
    one = {**alone(shoppers, WEEKS), "shoppers": shoppers}
    return Row(
        PART,
        what,
        f"{number(one['seconds'] / LIVED)} s, peak {number(one['peak_mib'])} MiB",
        note=f"mean of {LIVED} under a recommender of what sold most; {one['events'] / LIVED:,.0f} visits a week",
        raw=one,
    )


def linear(rows: Sequence[Row], sizes: Sequence[int], what: str = "", held: bool = False) -> list[Row]:
    """Time and memory of the last two of ``rows``, which are of ``sizes``; ``held``: everyone is in memory at once."""
    found = [(size, row.raw) for size, row in zip(sizes, rows, strict=True) if row.raw]
    if len(found) < 2:
        return []
    (fewer, small), (more, large) = found[-2:]
    per_event = (large["cpu"] / large["events"]) / (small["cpu"] / small["events"])
    grown = (large["peak_mib"] - large["before_mib"]) / max(small["peak_mib"] - small["before_mib"], 1e-9)
    span, one = f"{more:,} against {fewer:,}", "a visit" if held else "an event"
    time_row = below(PART, f"{what}processor time {one}, {span}", per_event, 1.2, "x", note="1 is linear")
    if held:
        note = "1 is linear: everyone's state, and the week's table, are in memory"
        return [
            time_row,
            below(PART, f"{what}memory on top a shopper, {span}", grown * fewer / more, 1.2, "x", note=note),
        ]
    return [time_row, below(PART, f"{what}memory on top, {span}", grown, 1.5, "x", note="1: the memory of one block")]


def measure(
    shoppers: int = DEFAULT,
    sizes: tuple[int, ...] = SIZES,
    repeats: int = REPEATS,
    part_size: int = PART_SIZE,
    full: bool = False,
) -> list[Row]:
    """The rows of this part."""
    from course_lib.shop.logs import PARTS

    runs = [in_memory(shoppers) for _ in range(repeats)]
    seconds = statistics.median(run["seconds"] for run in runs)
    rows = [
        below(
            PART,
            f"{shoppers:,} shoppers",
            seconds,
            GOAL_S,
            note=f"median of {repeats}; {runs[0]['events']:,.0f} events; "
            f"{number(statistics.median(run['cpu'] for run in runs))} s of processor",
            raw={"runs": runs},
        )
    ]
    streamed = [purchases(size) for size in sizes]
    rows += [*streamed, *linear(streamed, sizes)]
    if not full:
        return [*rows, *(with_part(name, part_size) for name in PARTS)]
    for name in PARTS:
        grown = [with_part(name, size) for size in sizes]
        rows += [*grown, *linear(grown, sizes, f"with {name}: ")]
    weeks: list[Row] = []
    for size in sizes:
        weeks.append(weeks_at(size, weeks[-1] if weeks else None))
    return [*rows, *weeks, *linear(weeks, sizes, "weeks: ", held=True)]


def main(shoppers: str, *parts: str) -> None:
    """One measurement, as a JSON line."""
    from course_lib.shop.logs import chosen

    if parts == (WEEKS,):
        print(json.dumps(lived(int(shoppers))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(to_disk(int(shoppers), Path(folder) / "shop", chosen(",".join(parts)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
