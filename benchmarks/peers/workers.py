"""The contenders, and the benchmark's end of the channel to their processes."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import MissingError, environment, reason
from course_lib.settings import PROJECT

READY_S = 600.0
STEP_S = 1200.0  # a single step or epoch of the slowest


@dataclass(frozen=True)
class Contender:
    """One who is measured."""

    name: str  # in tables
    module: str  # benchmarks.peers.<module>
    environment: str | None  # None: the course's own
    width_note: str = "4 D"  # of the feed-forward layer


OURS = Contender("LiveRec", "ours", None)
TEXTBOOK = Contender("textbook loop", "textbook", None)
FLAT = Contender("RecTools FlatSASRecNet", "rectools_flat", "rectools")
MODEL = Contender("RecTools SASRecModel", "rectools_models", "rectools", "D")
REPLAY = Contender("replay-rec SasRec", "replay_models", "replay", "D")
RECBOLE = Contender("RecBole SASRec", "recbole_models", "recbole")
CONTENDERS = (OURS, TEXTBOOK, FLAT, MODEL, REPLAY, RECBOLE)
OTHER_MODELS = {
    "gru4rec": (
        replace(OURS, width_note="none"),
        replace(TEXTBOOK, width_note="none"),
        Contender("RecBole GRU4Rec", "recbole_models", "recbole", "none"),
    ),
    "bert4rec": (
        OURS,
        Contender("RecTools BERT4RecModel", "rectools_models", "rectools"),
        Contender("replay-rec Bert4Rec", "replay_models", "replay"),
        Contender("RecBole BERT4Rec", "recbole_models", "recbole"),
    ),
}


class Worker:
    """A contender's process, ready to train; raises MissingError where it cannot be installed or does not start."""

    def __init__(self, module: str, where: str | None, work: Path, threads: int) -> None:
        python = environment(where) if where else Path(sys.executable)
        number = str(threads)
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        self.errors = work.with_name("errors.txt")
        with self.errors.open("w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                [str(python), "-m", f"benchmarks.peers.{module}", str(work)],
                cwd=work.parent,  # some libraries leave logs where they run
                env={
                    **os.environ,
                    **dict.fromkeys(names, number),
                    "PYTHONPATH": str(PROJECT),
                    "PYTHONWARNINGS": "ignore",
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
            )
        try:
            self.facts = self._answer("ready", READY_S)
        except BaseException:
            self.close()
            raise

    def steps(self, seconds: float) -> dict[str, Any]:
        """Trains for ``seconds`` and to the end of the step begun; targets, steps, seconds, peak memory."""
        return self._ask({"do": "steps", "seconds": seconds}, "steps", seconds + STEP_S)

    def epoch(self, limit_s: float = STEP_S) -> dict[str, Any]:
        """Trains to the end of the epoch; the same and the path of the scores."""
        return self._ask({"do": "epoch"}, "epoch", limit_s)

    def close(self) -> None:
        """Ends the process."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def _ask(self, question: dict[str, Any], kind: str, limit_s: float) -> dict[str, Any]:
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: the answer says why
        return self._answer(kind, limit_s)

    def _answer(self, kind: str, limit_s: float) -> dict[str, Any]:
        assert self.process.stdout
        until = time.monotonic() + limit_s
        while not select.select([self.process.stdout], [], [], max(0.0, min(1.0, until - time.monotonic())))[0]:
            if time.monotonic() > until:
                raise MissingError(f"no answer within {limit_s:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise MissingError(f"ended: {reason(self.errors.read_text(encoding='utf-8', errors='replace'))}")
        message: dict[str, Any] = json.loads(line)
        if message["kind"] != kind:
            raise RuntimeError(f"a worker said {message['kind']}, expected {kind}")
        return message
