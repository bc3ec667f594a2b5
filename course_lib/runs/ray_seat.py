"""A worker's seat on a node of a Ray cluster: starts the worker process there and passes its messages on.

Ray carries the class to the node as it is, so that a node without the course can say so in a sentence of ours: only the
standard library is used here. The worker is a process of its own, the same as on one machine: what ends it does not end
the seat, which then tells how it died; and when the seat goes with its node, the run can go on elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

Message = dict[str, Any]
LISTEN_S = 5.0  # how long one call waits for the worker's next message
# What training depends on; the pages and the command line may differ from node to node.
ROOMS = ("shop", "data", "models", "evaluation", "training", "explain", "experiments", "runs")


def course_digest(project: str) -> str:
    """16 hexadecimal digits over the code that trains, as it lies in ``project``; "" where it does not lie there."""
    rooms = [Path(project) / "course_lib" / room for room in ROOMS]
    paths = [path for room in rooms for path in sorted(room.rglob("*.py"))]
    paths += sorted((Path(project) / "data" / "shop").rglob("*.toml"))
    if not paths:
        return ""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(project).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def memory_kills() -> int:
    """How many processes this node has ended for want of memory since it started; 0 where it does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


class Seat:
    """The Ray actor. ``wanted`` has ``arguments`` (after Python's own name), ``environment``, ``project``, ``digest``
    and ``proof``, a file in the home that only a node with the same home can read."""

    def __init__(self, wanted: Message) -> None:
        self._heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        trouble = self._trouble(wanted)
        if trouble is not None:
            self._heard.put({"kind": "cannot", "error": trouble})
            return
        project, kills = wanted["project"], memory_kills()
        paths = [project, os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, *wanted["arguments"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **wanted["environment"], "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
            cwd=project,
            start_new_session=True,
        )
        self._heard.put({"kind": "seated", "node": platform.node(), "pid": self._process.pid})
        threading.Thread(target=self._read, args=(self._process, kills), daemon=True).start()

    @staticmethod
    def _trouble(wanted: Message) -> Message | None:
        """Why no worker of this course can work on this node: a CourseError's key and parameters."""
        node = platform.node()
        here = course_digest(wanted["project"])
        if not here:
            return {"key": "cluster_no_course", "params": {"node": node, "path": wanted["project"]}}
        if here != wanted["digest"]:
            return {"key": "cluster_other_course", "params": {"node": node, "path": wanted["project"]}}
        if not os.path.exists(wanted["proof"]):
            return {"key": "cluster_home_not_shared", "params": {"node": node, "path": wanted["home"]}}
        return None

    def _read(self, process: subprocess.Popen[bytes], kills: int) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                try:
                    self._heard.put(json.loads(line))
                except ValueError:  # torn by its death, which is told next
                    continue
        code = process.wait()
        self._heard.put({"kind": "dead", "out_of_memory": code == -signal.SIGKILL and memory_kills() > kills})

    def hear(self) -> list[Message]:
        """What the worker has said since the last call, in order; waits a while for the first."""
        said: list[Message] = []
        try:
            said.append(self._heard.get(timeout=LISTEN_S))
            while True:
                said.append(self._heard.get_nowait())
        except queue.Empty:
            return said

    def send(self, message: Message) -> bool:
        """Hand one message to the worker; False if it has died."""
        if self._process is None or self._process.stdin is None:
            return False
        try:
            with self._writing:
                self._process.stdin.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
                self._process.stdin.flush()
        except (OSError, ValueError):  # a broken pipe, or closed by us
            return False
        return True

    def kill(self) -> None:
        """End the worker now; its death is heard."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Tell the worker to end at its next event; its death is heard."""
        if self._process is not None and self._process.stdin is not None:
            with self._writing, contextlib.suppress(OSError):  # it may have died with our last message unread
                self._process.stdin.close()
