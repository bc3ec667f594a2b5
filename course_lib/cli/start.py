"""``python -m course_lib start``: what ``make run`` calls. Looks whether the port is free, then serves app.py there.

The server takes this process's place, so Ctrl-C and signals reach it directly.
"""

from __future__ import annotations

import argparse
import errno
import importlib.util
import os
import socket
import subprocess
import sys
from typing import Any

from course_lib.cli.console import note, say
from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting
from course_lib.settings import PROJECT, load_settings

PORT = Setting("port", 8501, 1, 65535)
TRIED = 100  # ports above the wanted one among which a free one is looked for


def register(commands: Any) -> None:
    """Adds ``start``."""
    parser = commands.add_parser("start", help=say("help_start"), description=say("help_start"))
    parser.add_argument("--port", metavar="N", default=PORT.default, help=say("help_port", default=PORT.default))
    parser.set_defaults(run=run)


def trouble(port: int) -> int:
    """0 if a server may listen on ``port``, else the system's error number."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # as the server does: a port whose last connections are still closing is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
            probe.listen(1)
        except OSError as problem:
            return problem.errno or errno.EADDRINUSE
    return 0


def check_port(port: int) -> None:
    """Raises CourseError with a port to use instead, unless a server may listen on ``port``."""
    problem = trouble(port)
    if problem:
        above = range(max(port, 1024) + 1, min(max(port, 1024) + TRIED, 65536))
        free = next((other for other in above if not trouble(other)), PORT.default)
        key = "port_forbidden" if problem in (errno.EACCES, errno.EPERM) else "port_in_use"
        raise CourseError(key, port=port, free=free)


def command(port: int) -> list[str]:
    """The command that serves the course on ``port``."""
    return [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped; returns only on Windows or after an error."""
    port = int(PORT.check(arguments.port))
    if importlib.util.find_spec("streamlit") is None:
        raise CourseError("package_missing", name="streamlit", python=sys.executable)
    check_port(port)
    load_settings()  # a wrong variable is told here, not on the first page
    note(say("starting", address=f"http://localhost:{port}"))
    os.chdir(PROJECT)
    if os.name == "posix":
        os.execv(sys.executable, command(port))
    return subprocess.call(command(port))
