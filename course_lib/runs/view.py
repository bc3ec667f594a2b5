"""What a page knows about a run: everything that its events have told so far, in one immutable object.

:class:`EventFold` takes a run's events one by one and remembers what they add up to; :class:`RunView` is what it shows.
Of what an experiment tells it knows the plan, what is resumed and checkpoints; everything else it keeps by kind.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import VIEW, Event, frame_folder
from course_lib.runs.time_left import TimeLeft
from course_lib.settings import load_settings

State = Literal["missing", "queued", "starting", "running", "finished", "stopped", "failed"]
LIVE: tuple[State, ...] = ("queued", "starting", "running")
ENDED: tuple[State, ...] = ("finished", "stopped", "failed")


@dataclass(frozen=True)
class RunView:
    """One run as it is now. Do not change the dicts in it: all watchers share them."""

    run_id: str
    state: State
    config: RunConfig | None = None
    place: int | None = None  # 1 = next, while queued
    wait_s: float | None = None  # estimated seconds until it starts, while queued
    progress: float = 0.0  # 0..1
    left_s: float | None = None  # estimated seconds until it ends
    plan: Mapping[str, int] = field(default_factory=dict)  # how many events of each kind are to come in all
    events: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)  # what the experiment told, by kind
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None  # CourseError.to_dict()
    recorded: bool = False  # shipped with the course, not trained here
    resumed: bool = False  # it went on from a checkpoint
    watchers_shared: bool = False  # more than one learner asked for it

    @property
    def live(self) -> bool:
        """It waits or trains: watch it again in a second."""
        return self.state in LIVE

    def of(self, kind: str) -> tuple[Event, ...]:
        """All events of a kind, in order."""
        return self.events.get(kind, ())

    def last(self, kind: str) -> Event | None:
        """The newest event of a kind."""
        told = self.of(kind)
        return told[-1] if told else None

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that can be looked at."""
        return tuple(int(one["at"]) for one in self.of("frame"))


class EventFold:
    """What the events of one run add up to. Tells of earlier attempts stay until the new attempt overtakes them."""

    def __init__(self) -> None:
        self.state: State = "queued"
        self.attempts = 0  # how often a process has begun to train it
        self.without_checkpoint = 0  # attempts in a row, the present one included, that have kept nothing to go on from
        self.error: dict[str, Any] | None = None
        self.resumed = False
        self.went_on = False  # this attempt has gone on from a checkpoint
        self.spent_s = 0.0  # seconds on the clock that all attempts have trained
        self.plan: dict[str, int] = {}
        self.events: dict[str, list[Event]] = {}
        self.told_at = 0.0  # "t" of the last event
        self._time = TimeLeft()  # of this attempt

    def apply(self, event: Event) -> None:
        """Take one event. Raises KeyError, TypeError or ValueError if it is malformed."""
        kind, now = str(event["kind"]), float(event["t"])
        take = self._takes.get(kind)
        if take is not None:
            take(self, event)
        else:
            self._told(kind, event, now)
        if kind != "started":  # the time before it nobody trained
            self.spent_s += max(0.0, now - self.told_at) if self.told_at else 0.0
        self.told_at = now

    def _told(self, kind: str, event: Event, now: float) -> None:
        """Whatever an experiment tells. An event with "at" takes the place of earlier ones from there on."""
        told = self.events.setdefault(kind, [])
        at = int(event["at"]) if "at" in event else None
        while at is not None and told and told[-1].get("at", -1) >= at:
            told.pop()
        told.append(event)
        self._time.told(kind, _done(told), now - self.told_at)

    def _started(self, event: Event) -> None:
        self.state, self.error = "starting", None
        self.attempts += 1
        self.without_checkpoint += 1
        self.went_on = False
        self._time = TimeLeft()

    def _plan(self, event: Event) -> None:
        self.state = "running"
        self.plan = {str(kind): int(count) for kind, count in event["counts"].items()}
        like = {str(kind): (str(one[0]), float(one[1])) for kind, one in event.get("like", {}).items()}
        self._time.expect(self.plan, like)

    def _resumed(self, event: Event) -> None:
        """Goes on after what ``keep`` names by kind; what an attempt before had told beyond it is told again."""
        self.resumed = self.went_on = True
        for kind, last in event["keep"].items():
            self.events[kind] = [one for one in self.events.get(kind, []) if int(one["at"]) <= int(last)]
            self._time.at(kind, max(int(last), len(self.events[kind])))

    def _afresh(self, event: Event) -> None:
        """What there was to go on from could not be used: this attempt tells everything anew."""
        self.resumed, self.events = False, {"afresh": [event]}

    def _checkpoint(self, event: Event) -> None:
        self.without_checkpoint = 0

    def _finished(self, event: Event) -> None:
        self.state, self.error = "finished", None

    def _stopped(self, event: Event) -> None:
        self.state, self.error = "stopped", None

    def _failed(self, event: Event) -> None:
        error = event["error"]
        self.state, self.error = "failed", {"key": str(error["key"]), "params": dict(error.get("params", {}))}

    _takes: ClassVar[Mapping[str, Callable[[EventFold, Event], None]]] = {
        "started": _started,
        "plan": _plan,
        "resumed": _resumed,
        "afresh": _afresh,
        "checkpoint": _checkpoint,
        "finished": _finished,
        "stopped": _stopped,
        "failed": _failed,
    }

    def view(
        self, run_id: str, config: RunConfig | None, result: dict[str, Any] | None, recorded: bool = False
    ) -> RunView:
        """The present view; ``result`` is what ``result.json`` says, where there is one."""
        return RunView(
            run_id=run_id,
            state=self.state,
            config=config,
            progress=1.0 if self.state == "finished" else self._time.progress,
            left_s=self._time.left if self.state == "running" else None,
            plan=self.plan,
            events={kind: tuple(told) for kind, told in self.events.items()},
            result=result,
            error=self.error,
            recorded=recorded,
            resumed=self.resumed,
        )


def _done(told: Sequence[Event]) -> int:
    """How many of a kind are done: steps are told of now and then, by their number; frames one by one, from 0 on."""
    return max(int(told[-1].get("at", 0)), len(told))


class FrameCache:
    """The last frames read, bounded by the bytes of their text (parsed they take about twice that)."""

    def __init__(self, limit: int = 16 * 2**20) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[tuple[str, int], tuple[int, dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path) -> dict[str, Any]:
        """The JSON object in ``path``; raises OSError or ValueError."""
        key = (str(path), path.stat().st_mtime_ns)  # a run that was trained again has new frames
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        text = path.read_bytes()
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError(f"{path.name} holds {type(value).__name__}, not an object")
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (len(text), value)
                self._size += len(text)
            while self._size > self._limit and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1][0]
        return value


_frames = FrameCache()


def frame_view(run_id: str, at: int, runs: Path | None = None) -> Mapping[str, Any]:
    """What is drawn of frame ``at`` of a run, from memory if it was read before. Do not change it: it is shared.

    ``runs`` is the folder of runs, by default that of the installation.
    Raises CourseError ``frame_missing``, ``run_corrupt``, or ``run_unreadable`` where the system cannot read it now.
    """
    if not valid_run_id(run_id):
        raise CourseError("frame_missing", run=run_id, frame=at)
    path = frame_folder((runs or load_settings().runs) / run_id, at) / VIEW
    try:
        return _frames.read(path)
    except FileNotFoundError:
        raise CourseError("frame_missing", run=run_id, frame=at) from None
    except (IsADirectoryError, NotADirectoryError, ValueError) as problem:
        raise CourseError("run_corrupt", run=run_id, file=f"{path.parent.name}/{VIEW}") from problem
    except (OSError, MemoryError) as problem:  # not damage: the next reading may succeed
        reason = getattr(problem, "strerror", None) or type(problem).__name__
        raise CourseError("run_unreadable", run=run_id, reason=reason) from problem


def valid_run_id(run_id: str) -> bool:
    """Whether ``run_id`` has the shape of one; it comes from links, so it may not lead out of the folder of runs."""
    return len(run_id) == 16 and set(run_id) <= set("0123456789abcdef")
