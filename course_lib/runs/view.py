"""What a page knows about a run: everything that its events have told so far, in one immutable object.

:class:`EventFold` takes a run's events one by one and remembers what they add up to; :class:`RunView` is what it shows.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from course_lib.errors import CourseError
from course_lib.runs.config import RunConfig
from course_lib.runs.pace import Pace
from course_lib.settings import load_settings

State = Literal["missing", "queued", "starting", "running", "finished", "stopped", "failed"]
LIVE: tuple[State, ...] = ("queued", "starting", "running")
ENDED: tuple[State, ...] = ("finished", "stopped", "failed")
Event = dict[str, Any]
LAST_EVALUATIONS = 2  # a run's end scores all test targets, and once more with shuffled histories


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
    prepared: Event | None = None
    references: Event | None = None
    steps: tuple[Event, ...] = ()
    epochs: tuple[Event, ...] = ()
    snapshots: tuple[int, ...] = ()  # epochs whose folder is complete
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None  # CourseError.to_dict()
    recorded: bool = False  # shipped with the course, not trained here
    resumed: bool = False  # it went on from a checkpoint
    kept: Mapping[str, int] | None = None  # of a run with patience: epoch (kept), trained, epochs (planned), patience
    watchers_shared: bool = False  # more than one learner asked for it

    @property
    def live(self) -> bool:
        """It waits or trains: watch it again in a second."""
        return self.state in LIVE


class EventFold:
    """What the events of one run add up to. Tells of earlier attempts stay until the new attempt overtakes them."""

    def __init__(self) -> None:
        self.state: State = "queued"
        self.attempts = 0  # how often a process has begun to train it
        self.fruitless = 0  # attempts in a row, the present one included, that have not completed an epoch
        self.prepared: Event | None = None
        self.references: Event | None = None
        self.steps: list[Event] = []
        self.epochs: list[Event] = []
        self.snapshots: list[int] = []
        self.error: dict[str, Any] | None = None
        self.resumed = False
        self.kept: Mapping[str, int] | None = None
        self._resumed_at = 0  # the epoch that this attempt found done
        self._now = 0.0  # "t" of the last event
        self._pace = Pace()  # of this attempt
        self._end_worth = 0.0  # the run's last evaluation, in evaluations of an epoch

    def apply(self, event: Event) -> None:
        """Take one event; kinds not known are skipped. Raises KeyError, TypeError or ValueError if it is malformed."""
        kind, now = event["kind"], float(event["t"])
        take = self._takes.get(kind)
        if take is not None:
            take(self, event, now)
        self._now = now

    def _started(self, event: Event, now: float) -> None:
        self.state, self.error, self.kept = "starting", None, None
        self.attempts += 1
        self.fruitless += 1
        self._resumed_at = 0
        self._pace = Pace()

    def _prepared(self, event: Event, now: float) -> None:
        self.state, self.prepared = "running", {**event, "steps": int(event["steps"]), "epochs": int(event["epochs"])}
        asked = float(event.get("eval_users", 0))
        self._end_worth = LAST_EVALUATIONS * float(event.get("users", 0)) / asked if asked else 0.0

    def _references(self, event: Event, now: float) -> None:
        self.references = event

    def _step(self, event: Event, now: float) -> None:
        step = int(event["step"])
        self.state = "running"
        while self.steps and self.steps[-1]["step"] >= step:  # a new attempt repeats what the last one had not saved
            self.steps.pop()
        self.steps.append(event)
        self._pace.steps(step, now - self._now)

    def _epoch(self, event: Event, now: float) -> None:
        epoch, step = int(event["epoch"]), int(event["step"])
        self.state = "running"
        while self.epochs and self.epochs[-1]["epoch"] >= epoch:
            self.epochs.pop()
        while self.steps and self.steps[-1]["step"] > step:
            self.steps.pop()
        self.epochs.append(event)
        if epoch > self._resumed_at:
            self.fruitless = 0
        self._pace.evaluated(step, now - self._now)

    def _snapshot(self, event: Event, now: float) -> None:
        epoch = int(event["epoch"])
        while self.snapshots and self.snapshots[-1] >= epoch:
            self.snapshots.pop()
        self.snapshots.append(epoch)
        self._pace.kept(now - self._now)

    def _resumed(self, event: Event, now: float) -> None:
        epoch = int(event["epoch"])
        self.resumed, self._resumed_at = True, epoch
        self.epochs = [record for record in self.epochs if record["epoch"] <= epoch]
        self.steps = [record for record in self.steps if record["epoch"] <= epoch]
        self.snapshots = [number for number in self.snapshots if number <= epoch]

    def _kept(self, event: Event, now: float) -> None:
        self.kept = {name: int(event[name]) for name in ("epoch", "trained", "epochs", "patience")}
        if self.prepared is not None:  # training is over, as planned or earlier
            self.prepared = {**self.prepared, "steps": self._done, "epochs": self.kept["trained"]}

    def _finished(self, event: Event, now: float) -> None:
        self.state, self.error = "finished", None

    def _stopped(self, event: Event, now: float) -> None:
        self.state, self.error = "stopped", None

    def _failed(self, event: Event, now: float) -> None:
        error = event["error"]
        self.state, self.error = "failed", {"key": str(error["key"]), "params": dict(error.get("params", {}))}

    _takes: ClassVar[Mapping[str, Callable[[EventFold, Event, float], None]]] = {
        "started": _started,
        "prepared": _prepared,
        "references": _references,
        "step": _step,
        "epoch": _epoch,
        "snapshot": _snapshot,
        "resumed": _resumed,
        "kept": _kept,
        "finished": _finished,
        "stopped": _stopped,
        "failed": _failed,
    }

    @property
    def progress(self) -> float:
        """The share of the training steps that is done, 0 to 1."""
        if self.state == "finished":
            return 1.0
        if not self.prepared or not self.prepared["steps"]:
            return 0.0
        return min(1.0, self._done / int(self.prepared["steps"]))

    @property
    def _done(self) -> int:
        """The last training step that is told of."""
        return max((int(records[-1]["step"]) for records in (self.steps, self.epochs) if records), default=0)

    @property
    def left_s(self) -> float | None:
        """Seconds from the last event to the end, evaluations included; None until the pace is known."""
        if self.state != "running" or self.prepared is None:
            return None
        epochs = int(self.prepared["epochs"]) - (int(self.epochs[-1]["epoch"]) if self.epochs else 0)
        steps = int(self.prepared["steps"]) - self._done
        return self._pace.left(max(0, steps), max(0, epochs), self._end_worth)

    def view(
        self, run_id: str, config: RunConfig | None, result: dict[str, Any] | None, recorded: bool = False
    ) -> RunView:
        """The present view; ``result`` is what ``result.json`` says, where there is one."""
        return RunView(
            run_id=run_id,
            state=self.state,
            config=config,
            progress=self.progress,
            left_s=self.left_s,
            prepared=self.prepared,
            references=self.references,
            steps=tuple(self.steps),
            epochs=tuple(self.epochs),
            snapshots=tuple(self.snapshots),
            result=result,
            error=self.error,
            recorded=recorded,
            resumed=self.resumed,
            kept=self.kept,
        )


class SnapshotCache:
    """The last snapshots read, bounded by the bytes of their text (parsed they take about twice that)."""

    def __init__(self, limit: int = 16 * 2**20) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[tuple[str, int], tuple[int, dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: Path) -> dict[str, Any]:
        """The JSON object in ``path``; raises OSError or ValueError."""
        key = (str(path), path.stat().st_mtime_ns)  # a run that was trained again has new snapshots
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


_snapshots = SnapshotCache()


def epoch_folder(folder: Path, epoch: int) -> Path:
    """Where the snapshot of ``epoch`` lies in a run's folder."""
    return folder / "epochs" / f"{epoch:03d}"


def snapshot_view(run_id: str, epoch: int, runs: Path | None = None) -> Mapping[str, Any]:
    """``epochs/NNN/view.json`` of a run, from memory if it was read before. Do not change it: it is shared.

    ``runs`` is the folder of runs, by default that of the installation.
    Raises CourseError ``snapshot_missing`` or ``run_corrupt``.
    """
    path = epoch_folder((runs or load_settings().runs) / run_id, epoch) / "view.json"
    if not valid_run_id(run_id):
        raise CourseError("snapshot_missing", run=run_id, epoch=epoch)
    try:
        return _snapshots.read(path)
    except FileNotFoundError:
        raise CourseError("snapshot_missing", run=run_id, epoch=epoch) from None
    except (OSError, ValueError) as problem:
        raise CourseError("run_corrupt", run=run_id, file=f"epochs/{epoch:03d}/view.json") from problem


def valid_run_id(run_id: str) -> bool:
    """Whether ``run_id`` has the shape of one; it comes from links, so it may not lead out of the folder of runs."""
    return len(run_id) == 16 and set(run_id) <= set("0123456789abcdef")
