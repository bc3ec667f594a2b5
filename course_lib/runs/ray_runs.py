"""Runs on a Ray cluster: the same folders, queue and life cycle as on one machine; only the workers sit elsewhere.

    runs = RayRuns(replace(load_settings(), trains_on="ray"))    # or "host:6379", "ray://host:10001"

The home must be the same folder on every node. Each worker takes one core of the cluster for as long as this process
runs, wherever Ray gives it one. A run whose node is lost waits again and goes on from its checkpoint on another node.
What finished runs are asked is answered on this machine, so it is answered while there is no cluster too.
"""

from __future__ import annotations

import itertools
import os
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from course_lib.errors import CourseError
from course_lib.runs.answers import ANSWER_S
from course_lib.runs.local import LocalRuns
from course_lib.runs.process import ONE_THREAD, WORKER, Child, Message, worker_environment
from course_lib.runs.ray_seat import course_digest
from course_lib.runs.workers import OnDeath, OnMessage
from course_lib.settings import PROJECT, Settings

BRIDGE = (sys.executable, "-m", "course_lib.runs.ray_bridge")
# What a worker on another machine is told of this one's environment. The database's address, for one, is not.
CARRIED = (*ONE_THREAD, "TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE", "LIVEREC_HOME", "LIVEREC_ENCODER", "LIVEREC_WRITER")
PLACE_S = 90.0  # how long a worker may wait for a free core: a cluster that grows by itself needs a minute
PROOF = ".shared-"  # before the name of a file that a node must see
ENDS = ("cannot", "dead", "lost")  # the last that is heard of a seat


class RaySeat:
    """A worker in the cluster, as :class:`course_lib.runs.process.Child` is one on this machine."""

    def __init__(self, bridge: RayBridge, number: int, told: Callable[[RaySeat, Message], None]) -> None:
        self._bridge, self.number, self._told = bridge, number, told
        self.gone = threading.Event()
        self.closed = False
        self.pid = 0  # on its node
        self.node = ""

    def send(self, message: Message) -> bool:
        """Hand over one message; False where the cluster is known to be lost."""
        return self._bridge.order({"seat": self.number, "do": "send", "message": message})

    def kill(self) -> None:
        """End the worker now; its death is told."""
        self._bridge.order({"seat": self.number, "do": "kill"})

    def close(self) -> None:
        """Tell the worker to end, without waiting; nothing is told of it any more."""
        self.closed = True
        self._bridge.order({"seat": self.number, "do": "close"})

    def join(self, patience_s: float) -> None:
        """Wait until it has ended; the bridge's end ends it for certain."""
        self.gone.wait(patience_s)

    def tell(self, message: Message) -> None:
        """Something was heard of it."""
        if message["kind"] in ENDS:
            self.gone.set()
        if not self.closed:
            self._told(self, message)


class RayBridge:
    """This process's end of :mod:`course_lib.runs.ray_bridge`, which is started when a seat is wanted. Thread-safe."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._command, self._environment = command, environment
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._seats: dict[int, RaySeat] = {}
        self._child: Child | None = None

    def hire(self, wanted: Message, told: Callable[[RaySeat, Message], None]) -> RaySeat:
        """Ask for a seat; ``told`` hears what becomes of it, from a thread of its own.

        Raises OSError where no process can be started here.
        """
        with self._lock:
            if self._child is None:
                self._child = Child(self._command[:-1], self._command[-1], self._environment, self._told, self._lost)
            seat = RaySeat(self, next(self._numbers), told)
            self._seats[seat.number] = seat
        self.order({"seat": seat.number, "do": "hire", "wanted": wanted})
        return seat

    def order(self, message: Message) -> bool:
        """Pass an order on; False if there is no bridge."""
        child = self._child
        return child is not None and child.send(message)

    def _told(self, child: Child, message: Message) -> None:
        number = int(message.pop("seat"))
        if number == 0:
            if message["kind"] == "cannot":  # no cluster: so much for all who wait, and the process ends
                for waiting in self._empty(child):
                    waiting.tell(message)
            return
        with self._lock:
            seat = self._seats.pop(number, None) if message["kind"] in ENDS else self._seats.get(number)
        if seat is not None:
            seat.tell(message)

    def _empty(self, child: Child) -> list[RaySeat]:
        """All seats of a bridge that is gone; the next that is wanted has a new bridge."""
        with self._lock:
            if self._child is not child:
                return []
            seats, self._seats, self._child = list(self._seats.values()), {}, None
        return seats

    def _lost(self, child: Child, out_of_memory: bool) -> None:
        for seat in self._empty(child):
            seat.tell({"kind": "lost", "out_of_memory": False})

    def close(self, patience_s: float) -> None:
        """End the process, and with it every seat; waits for it."""
        with self._lock:
            child = self._child
        if child is not None:
            child.close()
            child.join(patience_s)


class RayRuns(LocalRuns):
    """Implements :class:`course_lib.runs.interface.Runs` with workers on a Ray cluster. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        command: Sequence[str] = WORKER,
        answer_s: float = ANSWER_S,
        place_s: float = PLACE_S,
    ) -> None:
        """``settings.trains_on``: "ray" joins the cluster of RAY_ADDRESS or of this machine, or starts one.

        A cluster that cannot be reached is told to whoever wants to train; see :func:`course_lib.runs.make.check_ray`.
        """
        environment = worker_environment(settings)
        self._arguments = list(command[1:])
        self._carried = {name: environment[name] for name in CARRIED if name in environment}
        self._home = settings.home.expanduser().absolute()
        self._proof = settings.runs.expanduser().absolute() / f"{PROOF}{os.getpid()}-{secrets.token_hex(4)}"
        self._bridge = RayBridge([*BRIDGE, settings.trains_on, str(place_s), str(settings.workers)], environment)
        super().__init__(settings, command, answer_s)

    def close(self) -> None:
        """See :meth:`Runs.close`."""
        super().close()
        self._bridge.close(patience_s=5.0)
        with suppress(OSError):
            self._proof.unlink()

    def _hire(self, on_message: OnMessage, on_death: OnDeath) -> RaySeat:
        """A worker somewhere in the cluster. Raises OSError where not even its bridge can be started."""
        self._proof.parent.mkdir(parents=True, exist_ok=True)
        self._proof.touch()
        wanted: dict[str, Any] = {
            "arguments": [*self._arguments, "train"],
            "environment": self._carried,
            "project": str(PROJECT),
            "digest": course_digest(str(PROJECT)),
            "home": str(self._home),
            "proof": str(self._proof),
        }

        def told(seat: RaySeat, message: Message) -> None:
            """What is heard from the cluster, as it would be heard from a process here."""
            kind = message["kind"]
            if kind == "seated":
                seat.node, seat.pid = message["node"], message["pid"]
            elif kind == "cannot":
                self._dispatcher.refused(seat, CourseError.from_dict(message["error"]))
            elif kind == "dead" or message.get("out_of_memory"):
                on_death(seat, bool(message["out_of_memory"]))
            elif kind == "lost":
                self._dispatcher.moved(seat)
            else:
                on_message(seat, message)

        return self._bridge.hire(wanted, told)
