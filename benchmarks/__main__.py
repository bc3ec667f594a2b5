"""``python -m benchmarks``: measures speed and size on this machine, prints one table, writes it to benchmarks/results.

    python -m benchmarks                        everything, about five minutes on two quiet cores
    python -m benchmarks simulator watchers     some parts
    python -m benchmarks lesson --no-long-run   without the run of ten times the epochs
    python -m benchmarks labs                   one run of each lab of each lesson; with --full every run
    python -m benchmarks peers --full           the long form of a part: more cases, more rounds
    python -m benchmarks quality                the counted models, tuned alike; with --full the trained ones too

The long run is kept in benchmarks/results/home and trained again only when the code it depends on has changed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import (
    arithmetic,
    classroom,
    full_ranking,
    labs,
    lesson,
    pages,
    passing,
    presets,
    processes,
    quality,
    recipe,
    sampled,
    searching,
    simulator,
    tabs,
    watchers,
)
from benchmarks.peers import report
from benchmarks.table import Row, replace_text, text_table, write
from course_lib.settings import PROJECT

RESULTS = Path(__file__).parent / "results"
HOURS = (quality.PART, passing.PART, sampled.PART, presets.PART, recipe.PART)  # of trainings, together
SERVED = ("lesson", "pages", "watchers", classroom.PART, tabs.PART)
PARTS = ("simulator", "arithmetic", full_ranking.PART, *SERVED, searching.PART, labs.PART, *report.PARTS, *HOURS)
# Only when they are asked for, or with --full
LONG = (labs.PART, *(part for part in report.PARTS if part not in report.SHORT), *HOURS)
BUSY = 0.7  # load above which figures are worth little


def parse(line: list[str] | None = None) -> argparse.Namespace:
    """The command line, checked; exits with 2 and a sentence where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and size of the course.")
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="part",
        help=f"some of {', '.join(PARTS)}; all of them by default, with --full {', '.join(LONG)} too",
    )
    parser.add_argument("--home", type=Path, default=RESULTS / "home", help="where runs and prepared data go")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where tables and pictures go")
    parser.add_argument("--no-long-run", action="store_true", help="leave out the run of ten times the epochs")
    parser.add_argument("--full", action="store_true", help="the long form of the parts that compare and grow")
    parser.add_argument("--fresh", action="store_true", help="throw away runs and data of an earlier benchmark first")
    arguments = parser.parse_args(line)
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    return arguments


def main() -> int:
    """The benchmark; 0 whether or not goals are met."""
    arguments = parse()
    default = [part for part in PARTS if arguments.full or part not in LONG]
    wanted = [part for part in PARTS if part in (arguments.parts or default)]
    home, results = arguments.home.absolute(), arguments.results.absolute()
    if arguments.fresh:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    for old in home.glob("course.sqlite*"):  # a learner who has done nothing yet
        old.unlink()

    facts = processes.machine()
    began = time.perf_counter()
    rows: list[Row] = []
    facts["load before"] = processes.load()
    if set(wanted) & {*SERVED, labs.PART}:
        say("preparing the default dataset ...")
        processes.prepare(home)
    for part in wanted:
        say(f"{part} ...")
        if part == "simulator":
            rows += simulator.measure(full=arguments.full)
        elif part == "lesson":
            rows += lesson.measure(home, long_run=not arguments.no_long_run)
        elif part == "pages":
            lesson.finished(home)
            rows += pages.measure(home)
        elif part == "watchers":
            rows += watchers.measure(home)
        elif part == tabs.PART:
            rows += tabs.measure(home, arguments.full)
        elif part == classroom.PART:
            rows += classroom.measure(home, full=arguments.full)
        elif part == labs.PART:
            rows += labs.measure(home, arguments.full)
        elif part == searching.PART:
            with processes.home_at(home):
                rows += searching.measure()
        elif part == arithmetic.PART:
            with processes.home_at(home):
                rows += arithmetic.measure()
        elif part == full_ranking.PART:
            rows += full_ranking.measure()
        elif part == sampled.PART:
            with processes.home_at(home):
                rows += sampled.measure(arguments.full)
        elif part == recipe.PART:
            with processes.home_at(home):
                rows += recipe.measure(arguments.full)
        elif part == quality.PART:
            with processes.home_at(home):
                rows += quality.measure(models=() if arguments.full else quality.counted(), results=results)
        else:
            if part in report.PARTS:
                found, pictures = report.PARTS[part](arguments.full)
            else:
                with processes.home_at(home):
                    found, pictures = presets.measure() if part == presets.PART else passing.measure(arguments.full)
            rows += found
            keep(results, found, pictures, facts, part)
    facts["took"] = f"{time.perf_counter() - began:.0f} s"
    if facts["load before"] > BUSY:
        facts["warning"] = "other processes used this machine when the benchmark began: the figures are upper bounds"
    print(text_table(rows))
    print()
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    for path in write(results, rows, facts):
        say(f"written to {path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path}")
    return 0


def keep(results: Path, rows: list[Row], pictures: Mapping[str, str], facts: Mapping[str, Any], part: str) -> None:
    """Writes a long part's pictures, and its table by itself too: the long parts are run one at a time."""
    for name, picture in pictures.items():
        replace_text(results / name, picture)
    write(results / part, rows, facts)


def say(words: str) -> None:
    """Progress, on standard error."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
