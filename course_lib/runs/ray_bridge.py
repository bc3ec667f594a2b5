"""The one process of a server that speaks to Ray: it takes seats for workers in the cluster, and passes messages on.

    python -m course_lib.runs.ray_bridge ray 90 2        (the address, seconds to wait for a core, cores)

The web process stays without Ray: a driver ends together with its cluster, and a class must not. Orders come on
standard input and answers go to standard output, JSON objects, one a line, each with the number of its seat:
``{"seat": 1, "do": "hire", "wanted": {...}}``, ``send``, ``kill``, ``close``; back come the worker's own messages, and
``seated``, ``cannot`` (with the reason), ``dead`` (the worker), ``lost`` (the seat, with its node).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

from course_lib.errors import CourseError
from course_lib.runs import ray_seat
from course_lib.runs.ray_seat import Message, Seat

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody

LISTENS_S = 5.0  # how long a cluster's head may take to accept a connection
OBJECTS = 80 * 2**20  # bytes of Ray's store of objects in a cluster of our own: the least it takes; runs do not use it
ASKED = 3  # times that a client's server is asked to let it in
CALLS = 4  # one call listens, others send


class Bridge:
    """Seats by their number; a thread listens to each."""

    def __init__(self, answers: int, place_s: float) -> None:
        self._answers = answers  # file descriptor
        self._place_s = place_s  # how long a seat may wait for a free core
        self._saying = threading.Lock()
        self._seats: dict[int, Any] = {}  # Ray's handles

    def say(self, seat: int, message: Message) -> None:
        """Send one message to the web process; nothing happens if it is gone."""
        rest = memoryview(json.dumps({**message, "seat": seat}, ensure_ascii=False).encode() + b"\n")
        with self._saying, contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._answers, rest) :]

    def obey(self, order: Message) -> None:
        """Carry out one order; one for a seat that is gone is forgotten."""
        number = int(order["seat"])
        if order["do"] == "hire":
            threading.Thread(target=self._keep, args=(number, order["wanted"]), daemon=True).start()
            return
        seat = self._seats.get(number)
        if seat is None:
            return
        if order["do"] == "send":
            seat.send.remote(order["message"])
        elif order["do"] == "kill":
            seat.kill.remote()
        elif order["do"] == "close":
            seat.close.remote()

    def _keep(self, number: int, wanted: Message) -> None:
        """Take a seat and pass on what is heard there, until it is gone."""
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        try:
            seat = ray.remote(Seat).options(num_cpus=1, max_concurrency=CALLS).remote(wanted)
            self._seats[number] = seat
            heard = ray.get(seat.hear.remote(), timeout=self._place_s)
            while True:
                for message in heard:
                    self.say(number, message)
                if any(message["kind"] in ("cannot", "dead") for message in heard):
                    break
                heard = ray.get(seat.hear.remote())
        except GetTimeoutError:
            total = int(ray.cluster_resources().get("CPU", 0))
            self.say(number, {"kind": "cannot", "error": CourseError("cluster_full", cores=total).to_dict()})
        except (RayError, ConnectionError) as problem:
            memory = "node running low on memory" in str(problem) or "OutOfMemory" in type(problem).__name__
            print(problem, file=sys.stderr)
            self.say(number, {"kind": "lost", "out_of_memory": memory})
        finally:
            handle = self._seats.pop(number, None)
            if handle is not None:
                with contextlib.suppress(Exception):  # it gives its core back; one that is gone has done so
                    ray.kill(handle)


def check_listening(address: str) -> None:
    """Raises OSError where nothing listens at "host:port": Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=LISTENS_S).close()


def connect(address: str, cores: int, folder: str | None) -> None:
    """Join the cluster at ``address``; with "ray" the one that RAY_ADDRESS or this machine has, else start one.

    Raises CourseError ``cluster_unreachable``.
    """
    import ray

    ray.cloudpickle.register_pickle_by_value(ray_seat)  # a node need not have the course to say that it has not
    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}
    try:
        check_listening(os.environ.get("RAY_ADDRESS", "") if address == "ray" else address)
        if address != "ray":
            if "://" in address:
                _as_client(address)
            else:
                ray.init(address, **quiet)
            return
        try:
            ray.init("auto", **quiet)  # RAY_ADDRESS, or what "ray start" has started here
        except ConnectionError:
            if os.environ.get("RAY_ADDRESS"):
                raise
            quiet |= {"_temp_dir": folder} if folder else {}
            ray.init("local", num_cpus=cores, include_dashboard=False, object_store_memory=OBJECTS, **quiet)
    except Exception as problem:  # Ray raises what it likes: ConnectionError, RuntimeError (other versions), ValueError
        at = os.environ.get("RAY_ADDRESS") or address
        told = [line.strip() for line in str(problem).splitlines() if line.strip()]
        reason = next((line for line in told if not line.endswith(":")), type(problem).__name__)
        raise CourseError("cluster_unreachable", address=at, reason=reason) from problem


def _as_client(address: str) -> None:
    """Ray's client, which knows fewer options.

    Its server starts a process for each client and gives it half a minute, too little on a busy machine: it is asked
    again.
    """
    import ray

    for attempt in range(ASKED):
        try:
            ray.init(address)
            return
        except ConnectionError:
            if attempt == ASKED - 1:
                raise


def main(arguments: list[str]) -> None:
    """Serve until standard input ends. Arguments: the address, seconds to wait for a core, cores of our own cluster."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the web process decides when we end
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever Ray prints must not end up among the messages
    address, place_s, cores = arguments
    bridge = Bridge(answers, float(place_s))
    try:
        connect(address, int(cores), os.environ.get("RAY_TMPDIR"))
    except CourseError as error:
        bridge.say(0, {"kind": "cannot", "error": error.to_dict()})
        return
    bridge.say(0, {"kind": "connected"})
    for line in sys.stdin.buffer:
        bridge.obey(json.loads(line))
    import ray

    ray.shutdown()  # Ray ends the seats of a driver that has gone, and the cluster that it has started


if __name__ == "__main__":
    main(sys.argv[1:])
