"""The processes that are measured: the server, started as a learner starts it, and what psutil tells of it."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from course_lib.runs.process import worker_environment
from course_lib.settings import PROJECT, load_settings

MIB = 2**20
READY_S = 120.0  # for anything that should take seconds, on a machine that does other things
HEAVY = ("libtorch", "torch_python")  # files that are mapped into memory where torch has been imported
WORKER = "course_lib.runs.worker"


def machine() -> dict[str, Any]:
    """What the figures depend on. No name of the machine, no path."""
    import importlib.metadata as packages

    names = ("torch", "streamlit", "numpy", "transformers")
    return {
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: packages.version(name) for name in names},
    }


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def load() -> float:
    """Processes that wanted a core in the last minute, on average; figures want it near 0 when they begin."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else float("nan")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], Any], what: str, limit_s: float = READY_S, step_s: float = 0.005) -> Any:
    """The first true value of ``condition``; raises TimeoutError."""
    until = time.perf_counter() + limit_s
    while time.perf_counter() < until:
        if value := condition():
            return value
        time.sleep(step_s)
    raise TimeoutError(f"waited {limit_s:.0f} s for {what}")


def workers_of(pid: int, role: str) -> list[psutil.Process]:
    """The worker processes below ``pid`` in one role, "train" or "answer"."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            command = child.cmdline()
        except psutil.Error:  # it has just ended
            continue
        if WORKER in command and command[-1] == role:
            found.append(child)
    return found


def cpu_s(process: psutil.Process) -> float:
    """Seconds of processor time that a process has used so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def wait_until_warm(pid: int) -> None:
    """Waits until the trainer and the one that answers below ``pid`` have started and come to rest.

    They load torch when the course starts; a learner presses Train minutes later.
    """

    def both() -> list[psutil.Process]:
        found = workers_of(pid, "train")[:1] + workers_of(pid, "answer")[:1]
        return found if len(found) == 2 else []

    wait_for(both, "the worker processes", step_s=0.1)
    quiet = 0
    used = [cpu_s(process) for process in both()]
    until = time.perf_counter() + READY_S
    while quiet < 3:
        time.sleep(0.5)
        now = [cpu_s(process) for process in both()]
        started = all(process.memory_info().rss > 150 * MIB for process in both())  # torch is in
        quiet = quiet + 1 if started and sum(now) - sum(used) < 0.05 else 0
        used = now
        if time.perf_counter() > until:
            raise TimeoutError(f"the workers were still busy after {READY_S:.0f} s")


def torch_in(pid: int) -> bool | None:
    """Whether a process has torch in memory; None where the system does not say."""
    try:
        maps = psutil.Process(pid).memory_maps()
    except (psutil.AccessDenied, AttributeError, NotImplementedError):
        return None
    return any(word in Path(one.path).name for one in maps for word in HEAVY)


def without_own_settings() -> dict[str, str]:
    """The environment without the reader's settings of the course: their database is not for benchmarks."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LIVEREC_")}


class Server:
    """The course's web server on a port of its own, as ``make run`` starts it."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the server)
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "course_lib", "start", "--port", str(self.port)],
            cwd=PROJECT,
            env={**without_own_settings(), "LIVEREC_HOME": str(home), "LIVEREC_WORKERS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.process = psutil.Process(self._process.pid)

    def wait_until_listening(self) -> None:
        """Until the server says that it is well; raises RuntimeError with its own words if it has ended instead.

        An open port is not enough: ``start`` opens it for a moment to see whether it is free.
        """

        def answers() -> bool:
            if self._process.poll() is not None:
                self.log.seek(0)
                raise RuntimeError(f"the server has ended: {self.log.read().decode(errors='replace')[-2000:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_for(answers, "the server")

    def rss_mib(self) -> float:
        """Memory of the web process alone, without its workers."""
        return float(self.process.memory_info().rss) / MIB

    def close(self) -> None:
        """Ends the server and its workers, and waits for them."""
        below = list(self.process.children(recursive=True)) if self._process.poll() is None else []
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for left in psutil.wait_procs(below, timeout=5)[1]:
            left.kill()
        self.log.close()


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server that listens and is warm."""
    server = Server(home)
    try:
        server.wait_until_listening()
        yield server
    finally:
        server.close()


@contextmanager
def home_at(folder: Path) -> Iterator[None]:
    """LIVEREC_HOME for this process; the settings are read at each call."""
    before = dict(os.environ)
    for name in set(os.environ) - set(without_own_settings()):
        del os.environ[name]
    os.environ |= {"LIVEREC_HOME": str(folder), "LIVEREC_WORKERS": "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def prepare(home: Path) -> None:
    """Has the default dataset and its reference lines made, which happens once in the life of an installation."""
    with home_at(home):
        subprocess.run(
            [sys.executable, "-c", "from course_lib.experiments.next_item import warm_up; warm_up()"],
            cwd=PROJECT,
            env=worker_environment(load_settings()),
            check=True,
        )
