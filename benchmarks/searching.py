"""Fifty learners at the search box of one finished run: how long an answer takes, from the question to the columns.

    python -m benchmarks searching

Each learner types a query, reads for a while (exponential, THINK seconds on average) and types the next: queries of the
shop, and odd ones. All questions go through the resident process that answers for a whole class, one after another, as
on the page; what the browser draws is not in the figure.
"""

from __future__ import annotations

import random
import threading
import time

from benchmarks.table import Row, below
from course_lib.experiments.config import RunConfig
from course_lib.runs.interface import Runs
from course_lib.runs.make import make_runs
from course_lib.settings import load_settings

PART = "searching"
LEARNERS, SECONDS, THINK = 50, 30.0, 4.0
GOAL_S = 0.1  # of the 95th percentile
QUERIES = (
    "篮球", "basketball", "baksetball", "送给10岁孩子的礼物", "gift for a ten-year-old", "室内篮球", "Brenlan shoes",
    "帐蓬", "баскетбол", "<script>alert(1)</script>", "SELECT 1", "x" * 500, "🏀", "wireless keyboard 104 keys",
)  # fmt: skip


def measure() -> list[Row]:
    """Trains the default run where it is not there, then lets everybody search."""
    runs = make_runs(load_settings())
    try:
        config = RunConfig.make("search_kinds")
        run_id = runs.start(config, "bench")
        while runs.watch(run_id).live:
            time.sleep(0.5)
        runs.ask(run_id, None, {"text": QUERIES[0]})  # the first one loads the engines
        took = _everybody(runs, run_id)
    finally:
        runs.close()
    took.sort()
    middle, high = took[len(took) // 2], took[int(0.95 * len(took))]
    note = f"{len(took)} searches in {SECONDS:.0f} s"
    return [
        below(PART, f"a search, median, {LEARNERS} learners", middle, GOAL_S, note=note),
        below(
            PART, f"a search, 95th percentile, {LEARNERS} learners", high, GOAL_S, note=note, raw={"longest": took[-1]}
        ),
    ]


def _everybody(runs: Runs, run_id: str) -> list[float]:
    took: list[float] = []
    end = time.monotonic() + SECONDS

    def learner(number: int) -> None:
        draw = random.Random(number)
        while True:
            pause = draw.expovariate(1 / THINK)
            if time.monotonic() + pause > end:
                return
            time.sleep(pause)
            began = time.perf_counter()
            runs.ask(run_id, None, {"text": draw.choice(QUERIES)})
            took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=learner, args=(number,)) for number in range(LEARNERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return took
