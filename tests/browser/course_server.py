"""The course as a learner starts it, in a process of its own, with a home of its own and one training worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from course_lib.settings import PROJECT
from tests.ports import free_port

PATIENCE_S = 60.0
ENDED = {"finished", "stopped", "failed"}


class CourseServer:
    """``python -m course_lib start`` on a free port; the files in its home tell what it has done."""

    def __init__(self, home: Path, port: int | None = None, **variables: str) -> None:
        """``variables`` are more of its environment."""
        self.home = home
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = home / f"server-{self.port}.log"
        environment = {**os.environ, "LIVEREC_HOME": str(home), "LIVEREC_WORKERS": "1", **variables}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "course_lib", "start", "--port", str(self.port)],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_up(self) -> None:
        """Returns once the server answers; says what it wrote if it does not."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        raise RuntimeError(f"the course did not start:\n{self.log.read_text(encoding='utf-8')}")

    def close(self) -> None:
        """Ends the server; its workers end with it."""
        workers = self.workers("train") + self.workers("predict")
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for worker in psutil.wait_procs(workers, timeout=10)[1]:
            worker.kill()

    def workers(self, role: str) -> list[psutil.Process]:
        """The server's worker processes that train, or those that predict."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                command = child.cmdline()
            except psutil.Error:  # it has ended meanwhile
                continue
            if "course_lib.runs.worker" in command and role in command:
                found.append(child)
        return found

    def runs(self, seed: int) -> list[Path]:
        """The folders of the runs with this seed."""
        return [path.parent for path in self._configs() if json.loads(path.read_text("utf-8"))["seed"] == seed]

    def events(self, folder: Path, kind: str) -> list[dict[str, Any]]:
        """What a run has told of one kind so far."""
        path = folder / "events.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        told = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in told if event["kind"] == kind]

    def rest(self) -> None:
        """Sees to it that nothing trains any more; ends what a failed test has left under way."""
        calm = time.monotonic() + 3
        end = calm + PATIENCE_S
        while self._live() and time.monotonic() < end:
            if time.monotonic() > calm:
                for worker in self.workers("train"):
                    worker.kill()
            time.sleep(0.2)

    def _configs(self) -> list[Path]:
        return sorted((self.home / "runs").glob("*/config.json"))

    def _live(self) -> bool:
        return any(not _ended(path.parent / "events.jsonl") for path in self._configs())


def _ended(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return bool(lines) and lines[-1].endswith("}") and json.loads(lines[-1])["kind"] in ENDED
