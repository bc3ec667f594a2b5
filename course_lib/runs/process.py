"""The web process's end of a worker process: start it, talk to it, notice its death, end it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_lib.settings import PROJECT, Settings

WORKER = (sys.executable, "-m", "course_lib.runs.worker")
Message = dict[str, Any]
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")


def worker_environment(settings: Settings) -> dict[str, str]:
    """One thread each (two that share a core wait for each other), this home, this checkout, and no network."""
    paths = [str(PROJECT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        **dict.fromkeys(ONE_THREAD, "1"),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "LIVEREC_HOME": str(settings.home.expanduser().absolute()),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def memory_kills() -> int:
    """How many processes this machine has ended for want of memory since it started; 0 where it does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


class Child:
    """One worker process. ``on_message`` and ``on_death`` are called from a thread of its own.

    ``on_death(child, out_of_memory)`` comes once, after the last message, when the process has ended for any reason
    but :meth:`close`.
    """

    def __init__(
        self,
        command: Sequence[str],
        role: str,
        environment: Mapping[str, str],
        on_message: Callable[[Child, Message], None],
        on_death: Callable[[Child, bool], None],
    ) -> None:
        self._on_message, self._on_death = on_message, on_death
        self._writing = threading.Lock()
        self._closed = False
        self._kills_before = memory_kills()
        self._process = subprocess.Popen(
            [*command, role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            cwd=PROJECT,
            start_new_session=True,  # Ctrl-C in the terminal is for the web process
        )
        self._reader = threading.Thread(target=self._read, name=f"worker {self.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, message: Message) -> bool:
        """Hand over one message; False if the process has died."""
        assert self._process.stdin is not None
        line = json.dumps(message, ensure_ascii=False).encode() + b"\n"
        with self._writing:
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except (OSError, ValueError):  # a broken pipe, or closed by us
                return False
        return True

    def kill(self) -> None:
        """End it now; ``on_death`` follows."""
        self._process.kill()

    def close(self) -> None:
        """Tell it to end, without waiting; :meth:`join` waits."""
        self._closed = True
        assert self._process.stdin is not None
        with self._writing, contextlib.suppress(OSError):  # it may have died with our last message unread
            self._process.stdin.close()

    def join(self, patience_s: float) -> None:
        """Wait until it has ended, and end it by force after ``patience_s``."""
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:  # torn by its death, which is told next
                    continue
                self._on_message(self, message)
        code = self._process.wait()
        with self._writing, contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if not self._closed:
            self._on_death(self, code == -signal.SIGKILL and memory_kills() > self._kills_before)
