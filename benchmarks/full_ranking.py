"""Full ranking of everybody: 100,000 shoppers, 10,000 products, vectors of width 64, the top 10, what is seen removed.

    python -m benchmarks full-ranking                 against the bare matrix product with topk, by turns
    python -m benchmarks.full_ranking 100000 10000    one JSON line; a process of its own, so its peak memory is too

The bare form is what cannot be left out: the same blocks through the same product and the same ``topk``, nothing
removed and nothing checked. Both take turns on the same vectors in one process on one thread; the figure is the ratio
of their processor times, so that a busy neighbour counts for neither. Peak memory is that of a process that does the
course's form alone, libraries, vectors and histories included.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import peak_mib
from benchmarks.table import Row, below, number
from course_lib.data.histories import Histories
from course_lib.evaluation.full_ranking import CELLS, top_products
from course_lib.runs.process import ONE_THREAD
from course_lib.settings import PROJECT

PART = "full-ranking"
SHOPPERS, PRODUCTS, WIDTH, K = 100_000, 10_000, 64, 10
SEEN = 50  # products in a history, on average
GOAL_RATIO, GOAL_MIB = 1.2, 1000.0
ROUNDS = 5

Vectors = NDArray[np.float32]


def made(shoppers: int, products: int) -> tuple[Vectors, Vectors, Histories]:
    """Random vectors (N, D) and (V + 1, D), and histories of 1 to 99 random products."""
    rng = np.random.default_rng(7)
    lengths = rng.integers(1, 2 * SEEN, shoppers)
    items = rng.integers(1, products + 1, int(lengths.sum()), dtype=np.int32)
    seen = Histories(items, np.concatenate([[0], np.cumsum(lengths)]))
    left = rng.standard_normal((shoppers, WIDTH), np.float32)
    return left, rng.standard_normal((products + 1, WIDTH), np.float32), seen


def bare(shoppers: Vectors, products: Vectors) -> None:
    """The product and ``topk`` of every block, and nothing else."""
    import torch

    left, right = torch.from_numpy(shoppers), torch.from_numpy(products[1:]).T
    rows = max(1, min(len(shoppers), CELLS // (len(products) - 1)))
    block = torch.empty(rows, len(products) - 1)
    with torch.no_grad():
        for start in range(0, len(shoppers), rows):
            now = block[: min(rows, len(shoppers) - start)]
            torch.mm(left[start : start + rows], right, out=now)
            torch.topk(now, K, dim=1)


def alone(shoppers: int, products: int, rounds: int) -> dict[str, Any]:
    """Peak memory of one ranking, then ``rounds`` of both forms by turns: processor and wall seconds of each."""
    import torch

    torch.set_num_threads(1)
    left, right, seen = made(shoppers, products)
    before = peak_mib()
    top_products(left[: min(512, shoppers)], right, K)  # what is made once in a process
    times: dict[str, list[float]] = {"ours": [], "bare": [], "ours_wall": [], "bare_wall": []}
    peak = 0.0
    for turn in range(rounds):
        for name in ("ours", "bare"):
            cpu, wall = time.process_time(), time.perf_counter()
            if name == "ours":
                top_products(left, right, K, seen)
            else:
                bare(left, right)
            times[name].append(time.process_time() - cpu)
            times[f"{name}_wall"].append(time.perf_counter() - wall)
            peak = peak if turn or name == "bare" else peak_mib()
    return {"before_mib": before, "peak_mib": peak, **times}


def measure(shoppers: int = SHOPPERS, products: int = PRODUCTS, rounds: int = ROUNDS) -> list[Row]:
    """The rows of this part."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.full_ranking", str(shoppers), str(products), str(rounds)],
        cwd=PROJECT,
        env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
        check=True,
        capture_output=True,
        text=True,
    )
    one: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    ratio = statistics.median(ours / theirs for ours, theirs in zip(one["ours"], one["bare"], strict=True))
    seconds, theirs, wall = (statistics.median(one[name]) for name in ("ours", "bare", "ours_wall"))
    what = f"{shoppers:,} shoppers, {products:,} products, width {WIDTH}, top {K}, seen removed"
    note = (
        f"median of {rounds}, processor time, one thread: {number(seconds)} s against {number(theirs)} s; "
        f"{number(wall)} s by the clock, {number(shoppers / seconds)} shoppers a second"
    )
    memory = f"the whole process; {number(one['before_mib'])} MiB of it before the first score"
    return [
        below(PART, f"{what}: against the bare product with topk", ratio, GOAL_RATIO, "x", note=note, raw=one),
        below(PART, f"{what}: peak memory", one["peak_mib"], GOAL_MIB, "MiB", note=memory, raw=one),
    ]


def main(shoppers: str = str(SHOPPERS), products: str = str(PRODUCTS), rounds: str = str(ROUNDS)) -> None:
    """One measurement, as a JSON line."""
    print(json.dumps(alone(int(shoppers), int(products), int(rounds))))


if __name__ == "__main__":
    main(*sys.argv[1:])
