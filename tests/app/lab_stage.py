"""A stage for the lab's tests: runs that are told, not trained, in a home of their own.

``Stage`` plays the web process's only door to training (the ``Runs`` protocol). It writes real frames into real run
folders and folds real events, so that everything above that door is the product's own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from course_lib.data.registry import load_items
from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan
from course_lib.runs.interface import RunSize, Waiting
from course_lib.runs.limits import RunLimits
from course_lib.runs.view import EventFold, RunView
from course_lib.settings import load_settings

METRICS = ("ndcg@10", "hr@10", "mrr@10", "recall@10", "precision@10", "map@10")
AN_EPOCH = 2  # frames an epoch
STEPS = 32  # of an epoch


def around(value: float, half: float = 0.01) -> dict[str, float]:
    """An estimate, give or take ``half``."""
    return {"value": value, "low": value - half, "high": value + half}


def scores(value: float) -> dict[str, dict[str, float]]:
    """The same score for every metric, give or take 0.01."""
    return {name: around(value) for name in METRICS}


REFERENCES = {
    "baselines": {"popularity": scores(0.05), "item-knn": scores(0.12), "markov": scores(0.2)},
    "oracle": {"known": scores(0.45), "filtered": scores(0.33)},
}
MEASURES: Mapping[str, Mapping[str, float]] = {
    **scores(0.3),
    "over_popularity": around(0.25),
    "over_item_knn": around(0.18),
    "over_markov": around(0.1),
    "share_of_filtered_oracle": around(0.91, 0.02),
    "share_of_known_oracle": around(0.67, 0.02),
    "shuffle_cost": around(0.3, 0.02),
    "loss": around(4.1, 0.03),
    "parameters": exact(176_000),
    "seconds": exact(12.9),
}


def epochs_of(config: RunConfig) -> int:
    """How many epochs a run has; 0 for a model that is counted."""
    return int(config.settings.get("epochs", 0))


def last_frame(config: RunConfig) -> int:
    """The number of a run's last frame."""
    return AN_EPOCH * epochs_of(config)


class Stage:
    """Runs by id, each as far as a test has put it."""

    def __init__(self) -> None:
        self.views: dict[str, RunView] = {}
        self.started: list[tuple[str, str]] = []
        self.stopped: list[tuple[str, str]] = []
        self.asked: list[tuple[str, int | None, list[int]]] = []
        self.refuses: CourseError | None = None
        self.limits: list[RunLimits | None] = []  # of each start
        self.waiting: tuple[Waiting, ...] = ()
        self.first: list[str] = []

    def start(self, config: RunConfig, learner: str, limits: RunLimits | None = None) -> str:
        if self.refuses:
            raise self.refuses
        self.limits.append(limits)
        self.started.append((config.run_id, learner))
        if config.run_id not in self.views:
            self.put(config, "running", frames=min(2, last_frame(config)))
        return config.run_id

    def watch(self, run_id: str) -> RunView:
        return self.views.get(run_id) or RunView(run_id, "missing")

    def stop(self, run_id: str, learner: str) -> None:
        self.stopped.append((run_id, learner))
        self.views[run_id] = replace(self.views[run_id], state="stopped")

    def stop_for_all(self, run_id: str) -> None:
        self.stop(run_id, "everybody")

    def queue(self) -> tuple[Waiting, ...]:
        return self.waiting

    def put_first(self, run_id: str) -> None:
        self.first.append(run_id)

    def ask(self, run_id: str, at: int | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The ten products after the newest one."""
        history = list(asked["history"])
        self.asked.append((run_id, at, history))
        top = [{"item": history[-1] + n, "score": 5.0 - n, "p": 0.2 / n} for n in range(1, 11)]
        return {"top": top, "attention": attention_of(len(history)), "ms": 3.0}

    def size(self, config: RunConfig) -> RunSize:
        return RunSize(176_000 if epochs_of(config) else None, 14.0)

    def close(self) -> None:
        """Nothing runs."""

    def put(self, config: RunConfig, state: str, frames: int | None = None, **changes: Any) -> RunView:
        """A run that has come to ``state`` with ``frames`` frames beyond frame 0; all of them unless it says."""
        done = last_frame(config) if frames is None else frames
        folder = Folder(load_settings().runs / config.run_id)
        fold = EventFold()
        for n, event in enumerate(told(config, folder, done)):
            fold.apply({"t": n / 4, **event})
        if state in ("finished", "stopped", "failed"):
            ending = {"error": {"key": "run_crashed", "params": {}}} if state == "failed" else {}
            fold.apply({"t": 99.0, "kind": state, **ending})
        view = fold.view(config.run_id, config, result_of(config) if state == "finished" else None)
        self.views[config.run_id] = replace(view, **{"state": state, **changes})
        return self.views[config.run_id]


def told(config: RunConfig, folder: Folder, done: int) -> list[Event]:
    """The events of a run up to frame ``done``, with its frames in ``folder``: lists move by one product a frame."""
    items = len(load_items(config.data["dataset"]))
    whole, steps = last_frame(config), STEPS * epochs_of(config)
    events: list[Event] = [
        {"kind": "started"},
        plan(step=steps, score=whole + 1, frame=whole + 1, test=2) if steps else plan(score=1, frame=1, test=2),
        {"kind": "prepared", "users": 400, "items": items, "parameters": 176_000, "targets": 9000, "seconds": 0.2},
        {"kind": "references", **REFERENCES},
    ]
    for at in range(done + 1):
        step = at * STEPS // AN_EPOCH
        events += [
            {"kind": "step", "at": n, "loss": 7.0 - n / 80, "targets": 100 * n, "seconds": n / 20}
            for n in range(step - STEPS // AN_EPOCH + 4, step + 1, 4)
            if n > 0
        ]
        when = {"epoch": at / AN_EPOCH, "step": step}
        metrics = scores(0.02 + 0.28 * at / max(whole, 1))
        events.append({"kind": "score", "at": at, **when, "loss": 6.0, "metrics": metrics, "seconds": step / 20})
        events.append(folder.frame(at, view_of(at, items), None, **when))
    return events


def result_of(config: RunConfig) -> dict[str, Any]:
    """What a finished run says."""
    return {
        "kind": "result", "measures": {name: dict(one) for name, one in MEASURES.items()}, "metrics": scores(0.3),
        **REFERENCES, "oracle_loss": {"filtered": around(3.33)}, "parameters": 176_000,
        "seconds": {"total": 14.2, "train": 12.9}, "epochs": epochs_of(config), "kept_epoch": epochs_of(config),
    }  # fmt: skip


def attention_of(length: int) -> list[list[list[float]]]:
    """Two layers of two heads that look everywhere alike."""
    return [[[1 / length] * length] * 2] * 2


def history_of(shopper: int) -> list[int]:
    """Six products, the shopper's own."""
    return [10 * shopper + n for n in range(1, 7)]


def view_of(at: int, items: int) -> dict[str, Any]:
    """What is drawn of frame ``at``: five shoppers, and the map of all products."""
    shoppers = [
        {
            "user": shopper,
            "history": history_of(shopper),
            "target": 100 + 10 * shopper,
            "top": [{"item": 100 + 10 * shopper + at + n, "score": 4.0 - n, "p": 0.3 / (n + 1)} for n in range(10)],
            "attention": attention_of(6),
            "matrix": [[0.1] * place + [1 - 0.1 * place] for place in range(6)],
        }
        for shopper in range(5)
    ]
    places = {
        "x": [(n % 40) / 40 * (1 + at / 10) for n in range(items)],
        "y": [(n // 40) / 40 for n in range(items)],
    }
    return {"shoppers": shoppers, "map": places}
