"""One run's folder read by many threads at once while it is written."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.runs.files import EVENTS
from course_lib.runs.reader import RunReader

LINES, WATCHERS = 1000, 8


def test_nobody_is_told_less_than_before(tmp_path: Path) -> None:
    """A look from before another's reading must not make a run seem begun afresh, or missing while it is read anew."""
    config = RunConfig.make()
    folder = tmp_path / config.run_id
    folder.mkdir()
    (folder / CONFIG).write_text(config.to_json())
    reader, written, seen = RunReader(folder), threading.Event(), list[list[int]]()

    def write() -> None:
        with (folder / EVENTS).open("w") as events:
            print(json.dumps({"kind": "started", "t": 1.0}), file=events, flush=True)
            for step in range(LINES):
                print(json.dumps({"kind": "step", "t": 1.0, "at": step}), file=events, flush=True)
        written.set()

    def watch() -> None:
        counts = []
        while not written.is_set():
            counts.append(len(reader.read().view.of("step")))
        seen.append([*counts, len(reader.read().view.of("step"))])

    threads = [threading.Thread(target=watch) for _ in range(WATCHERS)] + [threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == WATCHERS
    assert all(counts == sorted(counts) and counts[-1] == LINES for counts in seen)
