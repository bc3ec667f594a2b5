"""The simulated shop: seconds for 4,000 shoppers, and whether time and memory stay linear when it streams to disk.

    python -m benchmarks.simulator 100000               one JSON line; a process of its own, so its peak memory is too
    python -m benchmarks.simulator 100000 search slates   with some parts of the shop's world, or "all"

Time and memory without the making of the shop itself, which is the same at every size.
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

from benchmarks.table import Row, below, number
from course_lib.runs.process import ONE_THREAD
from course_lib.settings import PROJECT

PART = "simulator"
DEFAULT, GOAL_S = 4000, 2.0
SIZES = (1_000, 10_000, 100_000, 1_000_000)
REPEATS = 3
PART_SIZE = 10_000  # shoppers with each part of the shop's world


def peak_mib() -> float:
    """The most memory this process has had, MiB."""
    try:  # Linux; getrusage there counts what the process was before it became this program
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 2**10
    except (OSError, StopIteration):
        pass
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # macOS counts bytes, Linux KiB


def in_memory(shoppers: int) -> dict[str, float]:
    """Seconds to simulate all events of ``shoppers`` as one frame; the shop itself is made before."""
    from course_lib.shop.simulate import events_frame
    from course_lib.shop.source import shop

    world = shop()
    began, cpu = time.perf_counter(), time.process_time()
    events = len(events_frame(world, shoppers))
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "events": events}


def to_disk(shoppers: int, folder: Path, parts: Sequence[str] = ()) -> dict[str, Any]:
    """Writes a shop as ``python -m course_lib shop simulate --with ...`` does."""
    from course_lib.shop.disk import write_shop
    from course_lib.shop.source import shop

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
    """:func:`to_disk` in a process of its own."""
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


def measure(
    shoppers: int = DEFAULT, sizes: tuple[int, ...] = SIZES, repeats: int = REPEATS, part_size: int = PART_SIZE
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
    found = [alone(size) for size in sizes]
    rows += [
        Row(
            PART,
            f"{size:,} shoppers streamed to disk",
            f"{number(one['seconds'])} s, peak {number(one['peak_mib'])} MiB",
            note=f"{one['events']:,.0f} events, {number(one['disk_mib'])} MiB on disk; "
            f"before the first event the process held {number(one['before_mib'])} MiB",
            raw=one,
        )
        for size, one in zip(sizes, found, strict=True)
    ]
    if len(found) > 1:
        small, large = found[-2], found[-1]
        per_event = (large["cpu"] / large["events"]) / (small["cpu"] / small["events"])
        grown = (large["peak_mib"] - large["before_mib"]) / max(small["peak_mib"] - small["before_mib"], 1e-9)
        span = f"{sizes[-1]:,} against {sizes[-2]:,}"
        rows.append(below(PART, f"processor time an event, {span}", per_event, 1.2, "x", note="1 is linear"))
        rows.append(below(PART, f"memory on top, {span}", grown, 1.5, "x", note="1: the memory of one block"))
    rows += [with_part(name, part_size) for name in PARTS]
    return rows


def main(shoppers: str, *parts: str) -> None:
    """One measurement, as a JSON line."""
    from course_lib.shop.logs import chosen

    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(to_disk(int(shoppers), Path(folder) / "shop", chosen(",".join(parts)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
