"""``python -m benchmarks``: measures speed and size on this machine, prints one table, writes it to benchmarks/results.

    python -m benchmarks                        everything, about five minutes on two quiet cores
    python -m benchmarks simulator watchers     some parts
    python -m benchmarks lesson --no-long-run   without the run of ten times the epochs

The long run is kept in benchmarks/results/home and trained again only when the code it depends on has changed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from benchmarks import lesson, pages, processes, simulator, watchers
from benchmarks.table import Row, text_table, write

RESULTS = Path(__file__).parent / "results"
PARTS = ("simulator", "lesson", "pages", "watchers")
BUSY = 0.7  # load above which figures are worth little


def main() -> int:
    """The benchmark; 0 whether or not goals are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and size of the course.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; all of them by default")
    parser.add_argument("--home", type=Path, default=RESULTS / "home", help="where runs and prepared data go")
    parser.add_argument("--no-long-run", action="store_true", help="leave out the run of ten times the epochs")
    parser.add_argument("--fresh", action="store_true", help="throw away runs and data of an earlier benchmark first")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    wanted = [part for part in PARTS if not arguments.parts or part in arguments.parts]
    home = arguments.home.absolute()
    if arguments.fresh:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    for old in home.glob("course.sqlite*"):  # a learner who has done nothing yet
        old.unlink()

    facts = processes.machine()
    began = time.perf_counter()
    rows: list[Row] = []
    facts["load before"] = processes.load()
    if wanted != ["simulator"]:
        say("preparing the default dataset ...")
        processes.prepare(home)
    for part in wanted:
        say(f"{part} ...")
        if part == "simulator":
            rows += simulator.measure()
        elif part == "lesson":
            rows += lesson.measure(home, long_run=not arguments.no_long_run)
        elif part == "pages":
            lesson.finished(home)
            rows += pages.measure(home)
        else:
            rows += watchers.measure(home)
    facts["took"] = f"{time.perf_counter() - began:.0f} s"
    if facts["load before"] > BUSY:
        facts["warning"] = "other processes used this machine when the benchmark began: the figures are upper bounds"
    print(text_table(rows))
    print()
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    for path in write(RESULTS, rows, facts):
        say(f"written to {path.relative_to(RESULTS.parent.parent)}")
    return 0


def say(words: str) -> None:
    """Progress, on standard error."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
