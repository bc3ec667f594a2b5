"""A Ray cluster on this machine: a head without cores, and nodes with two each that can be killed like a machine."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.ports import free_port

TRIES = 3
SMALL = ("--object-store-memory", str(80 * 2**20), "--include-log-monitor", "false", "--no-monitor", "--block")


class RayNodes:
    """Started by ``ray start`` as an administrator would; its secret is its own, and so is its folder."""

    def __init__(self, nodes: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # short: sockets lie in it
        self.port, self.client_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            # A node that is gone is noticed within seconds; by itself Ray asks five times, every three seconds.
            "RAY_health_check_initial_delay_ms": "500",
            "RAY_health_check_period_ms": "500",
            "RAY_health_check_timeout_ms": "5000",
            "RAY_health_check_failure_threshold": "3",
        }
        self.nodes: list[subprocess.Popen[bytes]] = []
        head = ["--head", "--port", str(self.port), "--num-cpus", "0", "--include-dashboard", "false"]
        head += ["--ray-client-server-port", str(self.client_port), "--temp-dir", str(self.folder)]
        try:
            self.head = self._start(head)
            for _ in range(nodes):
                self.add()
        except BaseException:
            self.close()
            raise

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        """Start a node and wait until it is one. Ray gives itself half a minute, which is not enough where all wait."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *SMALL]
        told = ""
        for attempt in range(TRIES):
            log = self.folder / f"node-{len(self.nodes)}-{attempt}.log"
            with log.open("wb") as file:
                node = subprocess.Popen(command, env=self.environment, stdout=file, stderr=file, start_new_session=True)
            self.nodes.append(node)
            while node.poll() is None:
                told = log.read_text()
                if "Ray runtime started" in told:
                    return node
                time.sleep(0.1)
            self.kill(node)
        raise AssertionError(f"a Ray node did not start: {told}")

    def add(self) -> subprocess.Popen[bytes]:
        """One more node with two cores."""
        return self._start(["--address", self.address, "--num-cpus", "2"])

    @staticmethod
    def kill(node: subprocess.Popen[bytes]) -> None:
        """End everything on a node at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(node.pid, signal.SIGKILL)
        node.wait()

    def close(self) -> None:
        """End all nodes and remove what they have left."""
        for node in reversed(self.nodes):
            self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)
