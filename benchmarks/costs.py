"""``python -m benchmarks.costs``: what each experiment's runs cost, for the estimate before any has been measured here.

One run of each experiment, chosen model and dataset that a lab offers, and of each experiment's defaults, one after the
other in this process: the processor's seconds, so that a busy machine counts the same as a quiet one. A quarter of an
hour on a quiet core. Written to data/costs.toml, where course_lib/runs/durations.py reads them.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.labs import runs_of_labs
from course_lib.data.dataset import Address
from course_lib.data.registry import built_in, load, table_shape
from course_lib.experiments.catalogue import experiment_cards
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.runs.durations import COSTS, like
from course_lib.runs.worker import course_perform

HEAD = "# What runs cost on one core, before any has been measured here. Written by: python -m benchmarks.costs\n"


def configurations() -> dict[tuple[str, ...], RunConfig]:
    """One of each kind; what the labs show before what an experiment would do by itself."""
    found: dict[tuple[str, ...], RunConfig] = {}
    for config in runs_of_labs(full=True).values():
        found.setdefault(like(config), config)
    for card in experiment_cards().values():
        if not card.light:
            config = RunConfig.make(card.name)
            found.setdefault(like(config), config)
    return found


def seconds_of(config: RunConfig) -> float:
    """Processor seconds of one run."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / config.run_id
        folder.mkdir()
        began = time.process_time()
        for _ in course_perform(config, Folder(folder)):
            pass
        return time.process_time() - began


def rows() -> dict[str, int]:
    """Rows of the datasets that come with the course: interactions, or those of all tables where it has none."""
    found = {}
    for name, source in built_in().items():
        for size in source.sizes:
            address = Address(name, size, source.version(size))
            if source.load is not None:
                found[f"{name}/{size}"] = len(load(address).events)
            else:
                found[f"{name}/{size}"] = sum(table_shape(address, table)[0] for table in source.tables)
    return found


def main() -> None:
    """Measures everything and writes the file anew after each run, so that it can be left at any time."""
    lines: list[str] = []
    for key, config in configurations().items():
        for address in config.data.values():
            load(address)  # prepared once on every machine, and not a part of a run
        try:
            seconds = seconds_of(config)
        except Exception as problem:  # such as an encoder that is not there: the others count all the same
            print(key, problem, flush=True)
            continue
        epochs = config.settings.get("epochs")
        lines.append(f"[[run]]\nlike = {list(key)!r}\nseconds = {seconds:.1f}\n".replace("'", '"'))
        if epochs is not None:
            lines[-1] += f"epochs = {epochs}\n"
        print(lines[-1], flush=True)
        COSTS.write_text(HEAD + "\n" + "\n".join(lines), encoding="utf-8")
    counted = "".join(f'"{name}" = {count}\n' for name, count in rows().items())
    COSTS.write_text(f"{HEAD}\n[rows]\n{counted}\n" + "\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
