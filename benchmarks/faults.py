"""``python -m benchmarks.faults``: kills the course's processes again and again, and looks whether anything was lost.

    python -m benchmarks.faults                               a few kills of each kind, some minutes
    python -m benchmarks.faults --answers 100 --web 20 --workers 200      the long form, about an hour
    python -m benchmarks.faults --only workers --workers 20

Each kind has a home of its own, ``kill -9`` at random moments, and one question at its end:

answers   the web process is killed while it records answers: is every answer that was acknowledged in the database?
web       the web process is killed in mid-run and started again: are the weights those of an uninterrupted run?
workers   the process that trains is killed, and Train is pressed again: the same question
second    two web processes on one home want the same run; the one that trains is killed: the same question
clock     the web process is killed, and started again with its clock two days back: both questions
stop      nothing is killed: Stop is pressed at random moments of every experiment; how soon is it carried out?
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fault_server import LESSON, POLL_S
from benchmarks.processes import home_at, wait_for
from course_lib.course.store import open_store
from course_lib.experiments.catalogue import experiment_cards
from course_lib.experiments.config import RunConfig
from course_lib.runs.local import LocalRuns
from course_lib.settings import PROJECT, load_settings

PATIENCE_S = 300.0
TWO_DAYS_S = 2 * 86_400.0
EPOCHS = 12


class LostError(Exception):
    """Something that was acknowledged is not there, or the weights differ."""


class Server:
    """One ``benchmarks.fault_server`` on a home, and what it has said so far."""

    def __init__(self, home: Path, config: RunConfig | None = None, answers_from: int | None = None, clock: float = 0):
        """``config``: trained to its end. ``answers_from``: the number of its first answer; None: none."""
        environment = {**os.environ, "LIVEREC_HOME": str(home), "LIVEREC_WORKERS": "1", "OMP_NUM_THREADS": "1"}
        environment.pop("LIVEREC_DATABASE", None)
        line = [sys.executable, "-m", "benchmarks.fault_server", "--clock", str(clock)]
        line += ["--config", config.to_json()] if config else []
        line += ["--answers-from", str(answers_from)] if answers_from is not None else []
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE, env=environment, cwd=PROJECT)
        self.said: list[dict[str, Any]] = []
        self._new: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # a line torn by the kill was not said
                    self._new.put(json.loads(line))
        self._new.put(None)

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """The next thing said that is wanted; None where it has ended before."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                one = self._new.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise LostError(f"nothing happened in {PATIENCE_S:.0f} s after {self.said[-3:]}") from None
            if one is None:
                return None
            self.said.append(one)
            if wanted(one):
                return one

    def kill(self) -> None:
        """kill -9, and hear what it had said before."""
        self.process.kill()
        self.until(lambda one: False)
        self.process.wait()

    @property
    def answers(self) -> list[int]:
        """The answers that it has acknowledged."""
        return [one["answer"] for one in self.said if "answer" in one]

    @property
    def pressed(self) -> int:
        """How often Train had to be pressed again."""
        return sum("pressed" in one for one in self.said)


def config() -> RunConfig:
    """A small training: SASRec on the smallest shop, a checkpoint every half a second."""
    return RunConfig.tiny("next_item", {"epochs": EPOCHS})


def training(one: dict[str, Any]) -> bool:
    """It has told a step."""
    return one.get("state") == "running" and one["step"] > 0


def digest(home: Path, of: RunConfig) -> str:
    """Of the weights of a finished run."""
    return hashlib.sha256((home / "runs" / of.run_id / "model" / "model.safetensors").read_bytes()).hexdigest()


def finish(home: Path, of: RunConfig, clock: float = 0) -> Server:
    """Let the run come to its end."""
    server = Server(home, of, clock=clock)
    if server.until(lambda one: one.get("state") == "finished") is None:
        raise LostError(f"the web process ended by itself: {server.said[-3:]}")
    server.process.wait()
    return server


def compare(home: Path, of: RunConfig, reference: str) -> None:
    """Raises LostError where the weights differ from those of the uninterrupted run."""
    if digest(home, of) != reference:
        raise LostError("the weights differ from those of an uninterrupted run")


def check_answers(home: Path, acknowledged: list[int]) -> int:
    """How many answers are there; raises LostError where one that was acknowledged is not."""
    store = open_store(f"sqlite:///{home / 'course.sqlite'}")
    with closing(store):
        there = {int(one.question) for one in store.learner("ann").attempts(LESSON)}
    if missing := set(acknowledged) - there:
        raise LostError(f"answers {sorted(missing)[:5]} were acknowledged and are gone")
    return len(there)


def kill_during_answers(home: Path, kills: int) -> str:
    """The web process, while it records answers."""
    acknowledged: list[int] = []
    for number in range(kills):
        server = Server(home, answers_from=number * 1_000_000)
        server.until(lambda one: "answer" in one)
        time.sleep(random.uniform(0.0, 0.3))
        server.kill()
        acknowledged += server.answers
        check_answers(home, acknowledged)
    return f"{len(acknowledged)} answers acknowledged, all there"


def kill_web(home: Path, kills: int, of: RunConfig, reference: str) -> str:
    """The web process in mid-run, and with it its workers; then it is started again."""
    pressed = 0
    done = 0
    while done < kills:
        server = Server(home, of)
        if server.until(training) is None or server.said[-1]["state"] == "finished":
            raise LostError("the run ended before it could be killed")
        time.sleep(random.uniform(0.0, 1.0))
        server.kill()
        done += 1
        pressed += server.pressed
        if (home / "runs" / of.run_id / "result.json").exists() and done < kills:
            finish(home, of)
            compare(home, of, reference)
            shutil.rmtree(home / "runs" / of.run_id)
    pressed += finish(home, of).pressed
    compare(home, of, reference)
    return f"the same weights; Train pressed again {pressed} times"


def kill_workers(home: Path, kills: int, of: RunConfig, reference: str) -> str:
    """The process that trains; the web process says that it has died, and Train is pressed again."""
    done = pressed = finished = 0
    while done < kills:
        server = Server(home, of)
        while done < kills:
            one = server.until(lambda one: training(one) or one.get("state") == "finished")
            if one is None or one["state"] == "finished":
                break
            time.sleep(random.uniform(0.0, 0.7))
            try:
                os.kill(one["worker"], signal.SIGKILL)
            except ProcessLookupError:
                continue
            done += 1
            server.until(lambda one: one.get("state") in ("failed", "finished", "queued"))
        server.until(lambda one: one.get("state") == "finished")
        server.process.wait()
        pressed += server.pressed
        compare(home, of, reference)
        finished += 1
        if done < kills:
            shutil.rmtree(home / "runs" / of.run_id)
    return f"{finished} runs finished with the same weights; Train pressed again {pressed} times"


def kill_one_of_two(home: Path, kills: int, of: RunConfig, reference: str) -> str:
    """Two web processes on one home: whichever trains is killed, the other goes on."""
    for number in range(kills):
        first = Server(home, of)
        first.until(training)
        second = Server(home, of)
        second.until(lambda one: one.get("state") in ("running", "finished"))
        first.kill()
        if second.until(lambda one: one.get("state") == "finished") is None:
            raise LostError(f"the second process ended by itself: {second.said[-3:]}")
        second.process.wait()
        compare(home, of, reference)
        if number < kills - 1:
            shutil.rmtree(home / "runs" / of.run_id)
    return "the other process went on, the same weights"


def put_clock_back(home: Path, of: RunConfig, reference: str) -> str:
    """Killed in mid-run, and started again two days earlier."""
    first = Server(home, of, answers_from=0)
    first.until(training)
    time.sleep(1.0)
    first.kill()
    second = Server(home, of, answers_from=1_000_000, clock=-TWO_DAYS_S)
    second.until(lambda one: one.get("state") == "finished")
    second.process.wait()
    compare(home, of, reference)
    there = check_answers(home, first.answers + second.answers)
    return f"the same weights, {there} answers there"


def begun(runs: LocalRuns, run_id: str) -> bool:
    """A worker has taken it."""
    return runs.watch(run_id).state != "queued"


def stop_at_random(home: Path, stops: int) -> str:
    """How long it takes from the press of Stop until the state says so, whatever the run is doing."""
    names = [card.name for card in experiment_cards().values() if not card.light]
    command = (sys.executable, "-m", "benchmarks.fault_server", "--worker")
    taken: list[tuple[float, str]] = []
    with home_at(home):
        runs = LocalRuns(replace(load_settings(), workers=1), command)
        try:
            for number in range(stops):
                name = names[number % len(names)]
                run_id = runs.start(RunConfig.make(name, seed=number + 1), "ann")
                wait_for(partial(begun, runs, run_id), f"{name} to begin", PATIENCE_S)
                time.sleep(random.uniform(0.0, 8.0))
                if not runs.watch(run_id).live:
                    continue
                began = time.monotonic()
                runs.stop(run_id, "ann")
                while runs.watch(run_id).live:
                    time.sleep(POLL_S)
                taken.append((time.monotonic() - began, name))
                print(f"  {taken[-1][0]:.2f} s {name}", file=sys.stderr, flush=True)
        finally:
            runs.close()
    if not taken:
        return "every run ended before it could be stopped"
    middle, (longest, name) = sorted(taken)[len(taken) // 2][0], max(taken)
    return f"{len(taken)} stops, half of them within {middle:.2f} s, the longest {longest:.2f} s ({name})"


def main() -> int:
    """0 where nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.splitlines()[0])
    kinds = ("answers", "web", "workers", "second", "clock", "stop")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, metavar="KIND", help=", ".join(kinds))
    parser.add_argument("--answers", type=int, default=5, metavar="KILLS")
    parser.add_argument("--web", type=int, default=3, metavar="KILLS")
    parser.add_argument("--workers", type=int, default=5, metavar="KILLS")
    parser.add_argument("--second", type=int, default=1, metavar="KILLS")
    parser.add_argument("--stop", type=int, default=5, metavar="STOPS")
    given = parser.parse_args()
    of, failed = config(), 0
    with tempfile.TemporaryDirectory() as place:
        straight = Path(place) / "straight"
        reference = ""
        if set(given.only) - {"answers", "stop"}:
            finish(straight, of)
            reference = digest(straight, of)
        steps: dict[str, tuple[int, Callable[[Path], str]]] = {
            "answers": (given.answers, lambda home: kill_during_answers(home, given.answers)),
            "web": (given.web, lambda home: kill_web(home, given.web, of, reference)),
            "workers": (given.workers, lambda home: kill_workers(home, given.workers, of, reference)),
            "second": (given.second, lambda home: kill_one_of_two(home, given.second, of, reference)),
            "clock": (1, lambda home: put_clock_back(home, of, reference)),
            "stop": (given.stop, lambda home: stop_at_random(home, given.stop)),
        }
        for kind in given.only:
            home = Path(place) / kind
            if (straight / "datasets").exists():
                shutil.copytree(straight / "datasets", home / "datasets")
            kills, step = steps[kind]
            began = time.monotonic()
            try:
                words = step(home)
            except LostError as problem:
                words, failed = f"LOST: {problem}", 1
            print(f"{kind:8} {kills:4} times {time.monotonic() - began:6.0f} s  {words}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
