"""``python -m course_lib start``: what ``make run`` calls. Looks whether the port is free, the home can be written and
the database opened, then serves app.py there, to this machine alone unless another address is asked for.

The server takes this process's place, so Ctrl-C and signals reach it directly.
"""

from __future__ import annotations

import argparse
import errno
import importlib.util
import ipaddress
import os
import signal
import socket
import subprocess
import sys
from typing import Any

from course_lib.cli.console import note, say, sentence
from course_lib.errors import CourseError
from course_lib.models.catalogue import Setting
from course_lib.settings import PROJECT, Settings, load_settings

PORT = Setting("port", 8501, 1, 65535)
HOST = "127.0.0.1"  # the same as in .streamlit/config.toml
WILDCARDS = ("0.0.0.0", "::")
PASSING = ("disk_full", "machine_short", "database_busy", "database_full")
TRIED = 100  # ports above the wanted one among which a free one is looked for


def register(commands: Any) -> None:
    """Adds ``start``."""
    parser = commands.add_parser("start", help=say("help_start"), description=say("help_start"))
    parser.add_argument("--host", metavar="ADDRESS", default=HOST, help=say("help_host", default=HOST))
    parser.add_argument("--port", metavar="N", default=PORT.default, help=say("help_port", default=PORT.default))
    parser.set_defaults(run=run)


def trouble(host: str, port: int) -> int:
    """0 if a server may listen on ``port`` of ``host``, else the system's error number.

    "localhost" is 127.0.0.1 to some browsers and ::1 to others first, so for this machine alone neither may be taken:
    the address that is printed would otherwise lead some of them to somebody else's server.
    """
    problem = _bind(host, port)
    if not problem and host == HOST and _bind("::1", port) == errno.EADDRINUSE:
        return errno.EADDRINUSE
    return problem


def _bind(host: str, port: int) -> int:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # as the server does: a port whose last connections are still closing is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if ":" in host:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host == "::1"))
            probe.bind((host, port))
            probe.listen(1)
    except OSError as problem:
        return problem.errno or errno.EADDRINUSE
    return 0


def check_host(host: str) -> str:
    """The address itself, "localhost" as :data:`HOST`; raises CourseError unless it is one of this machine's."""
    address = HOST if host == "localhost" else host.strip("[]")
    try:
        ipaddress.ip_address(address)
    except ValueError as problem:
        raise CourseError("host_unavailable", host=host, reason=str(problem)) from problem
    if reason := _bind(address, 0):
        raise CourseError("host_unavailable", host=host, reason=os.strerror(reason))
    return address


def check_port(port: int, host: str = HOST) -> None:
    """Raises CourseError with a port to use instead, unless a server may listen on ``port``."""
    problem = trouble(host, port)
    if problem:
        above = range(max(port, 1024) + 1, min(max(port, 1024) + TRIED, 65536))
        free = next((other for other in above if not trouble(host, other)), PORT.default)
        key = "port_forbidden" if problem in (errno.EACCES, errno.EPERM) else "port_in_use"
        raise CourseError(key, port=port, free=free)


def addresses(host: str, port: int) -> tuple[str, str | None]:
    """Where the course is opened: on this machine, and from others in the network where it is served to them."""
    if host in WILDCARDS:
        seen = own_address()
        return f"http://localhost:{port}", seen and f"http://{seen}:{port}"
    if ipaddress.ip_address(host).is_loopback:
        return f"http://{'localhost' if host in (HOST, '::1') else host}:{port}", None
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return address, address


def own_address() -> str | None:
    """This machine's address in its network, None where it is in none. Nothing is sent to anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation; a datagram socket only looks for the way
            found = str(probe.getsockname()[0])
        except OSError:
            return None
    return None if ipaddress.ip_address(found).is_loopback else found


def command(host: str, port: int) -> list[str]:
    """The command that serves the course."""
    line = [sys.executable, "-m", "course_lib.ui.serve", "run", "app.py"]
    line += ["--server.address", host, "--server.port", str(port)]
    return [*line, "--logger.hideWelcomeMessage", "true"]  # it names localhost, which need not be the address


def check_home(settings: Settings) -> None:
    """Raises CourseError where nothing could be kept: the first page would be too late to learn that.

    What passes is told, and no reason not to start: lessons can be read while a disk is full.
    """
    from course_lib.course.store import open_store
    from course_lib.runs.make import check_ray
    from course_lib.runs.store import RunStore

    check_ray(settings)
    for check in (RunStore(settings).check_writable, lambda: open_store(settings.database_url).close()):
        try:
            check()
        except CourseError as error:
            if error.key not in PASSING:
                raise
            note(sentence(error))


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped; returns only on Windows or after an error."""
    port = int(PORT.check(arguments.port))
    if importlib.util.find_spec("streamlit") is None:
        raise CourseError("package_missing", name="streamlit", python=sys.executable)
    host = check_host(arguments.host)
    check_port(port, host)
    check_home(load_settings())
    here, elsewhere = addresses(host, port)
    note(say("starting", address=here))
    if elsewhere is not None and elsewhere != here:
        note(say("starting_network", address=elsewhere))
    elif ipaddress.ip_address(host).is_loopback:
        note(say("starting_alone"))
    os.chdir(PROJECT)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the server can end well
        os.execv(sys.executable, command(host, port))
    return subprocess.call(command(host, port))
