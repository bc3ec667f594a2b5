"""What a web process keeps, without its pages: the database and the runs. ``benchmarks/faults.py`` starts and kills it.

It gives answers, one after the other, and presses Train until the run is finished. What it prints has been
acknowledged: an answer's number when it has been recorded, a run's state as a page would show it. ``--clock`` moves the
process's clock and that of its workers by so many seconds before anything else is loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

LESSON = "faults"
POLL_S = 0.02


def move_clock(seconds: float) -> None:
    """From now on it is ``seconds`` later for everything in this process that asks for the time."""
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)


def say(**what: object) -> None:
    """One line for who watches."""
    os.write(1, json.dumps(what).encode() + b"\n")


def serve(config_json: str | None, answers_from: int | None, clock: float) -> None:
    """Gives answers from a number on, and trains a configuration to its end; what is None is left out."""
    from course_lib.course.store import open_store
    from course_lib.errors import CourseError
    from course_lib.experiments.config import RunConfig
    from course_lib.runs.local import LocalRuns
    from course_lib.settings import load_settings

    settings = load_settings()
    learner = open_store(settings.database_url).learner("ann") if answers_from is not None else None
    runs = run_id = config = None
    if config_json is not None:
        command = (sys.executable, "-m", "benchmarks.fault_server", "--clock", str(clock), "--worker")
        config = RunConfig.from_json(config_json)
        runs = LocalRuns(settings, command)
        run_id = runs.start(config, "ann")
    number = answers_from or 0
    said = None
    while True:
        if learner is not None:
            learner.record_answer(LESSON, str(number), [number % 4], correct=True)
            say(answer=number)
            number += 1
        if runs is None or run_id is None or config is None:
            continue
        view = runs.watch(run_id)
        worker = runs._dispatcher.workers.posts[0].child
        now = {"state": view.state, "step": len(view.of("step")), "worker": worker.pid if worker else None}
        if now != said:
            say(**now)
            said = now
        if view.state == "finished":
            runs.close()
            return
        if view.state in ("failed", "stopped"):
            say(pressed=(view.error or {}).get("key", view.state))
            try:
                runs.start(config, "ann")
            except CourseError as error:
                say(refused=error.key)
        time.sleep(POLL_S)


def main() -> None:
    """The server, or one of its workers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock", type=float, default=0.0)
    parser.add_argument("--worker", metavar="ROLE")
    parser.add_argument("--config")
    parser.add_argument("--answers-from", type=int)
    arguments = parser.parse_args()
    if arguments.clock:
        move_clock(arguments.clock)
    if arguments.worker:
        from course_lib.runs import worker

        # As its main does, but not more patient than others: on a busy machine a kill would only meet what waits.
        answers = os.dup(1)
        os.dup2(2, 1)
        one = worker.Worker(worker.course_perform, worker.course_answers, sys.stdin.buffer, answers)
        one.run(arguments.worker, worker.course_warm_up)
    else:
        serve(arguments.config, arguments.answers_from, arguments.clock)


if __name__ == "__main__":
    main()
