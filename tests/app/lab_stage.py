"""A stage for the lab's tests: runs that are told, not trained, in a home of their own.

``Stage`` plays the web process's only door to training (the ``Runs`` protocol). It writes real snapshots into real run
folders, so that everything above that door is the product's own code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from course_lib.data.registry import load_items
from course_lib.errors import CourseError
from course_lib.runs.config import RunConfig
from course_lib.runs.interface import Prediction, ScoredItem
from course_lib.runs.view import RunView, epoch_folder
from course_lib.settings import load_settings

INTERVAL = {"value": 0.31, "low": 0.29, "high": 0.33}
METRICS = ("ndcg@10", "hr@10", "mrr@10", "recall@10", "precision@10", "map@10")


def scores(value: float) -> dict[str, dict[str, float]]:
    """The same score for every metric, give or take 0.01."""
    return {name: {"value": value, "low": value - 0.01, "high": value + 0.01} for name in METRICS}


REFERENCES = {
    "kind": "references",
    "baselines": {"popularity": scores(0.05), "item-knn": scores(0.12), "markov": scores(0.2)},
    "oracle": {"known": scores(0.45), "filtered": scores(0.33)},
}


class Stage:
    """Runs by id, each as far as a test has put it."""

    def __init__(self) -> None:
        self.views: dict[str, RunView] = {}
        self.started: list[tuple[str, str]] = []
        self.stopped: list[tuple[str, str]] = []
        self.asked: list[tuple[str, int | None, list[int]]] = []
        self.refuses: CourseError | None = None

    def start(self, config: RunConfig, learner: str) -> str:
        if self.refuses:
            raise self.refuses
        self.started.append((config.run_id, learner))
        if config.run_id not in self.views:
            self.put(config, "running", epochs=2)
        return config.run_id

    def watch(self, run_id: str) -> RunView:
        return self.views.get(run_id) or RunView(run_id, "missing")

    def stop(self, run_id: str, learner: str) -> None:
        self.stopped.append((run_id, learner))
        self.views[run_id] = replace(self.views[run_id], state="stopped")

    def predict(self, run_id: str, epoch: int | None, history: Sequence[int], k: int = 10) -> Prediction:
        """The ten products after the newest one."""
        self.asked.append((run_id, epoch, list(history)))
        top = tuple(ScoredItem(history[-1] + n, 5.0 - n, 0.2 / n) for n in range(1, k + 1))
        return Prediction(top, attention_of(len(history)), 3.0)

    def close(self) -> None:
        """Nothing runs."""

    def put(self, config: RunConfig, state: str, epochs: int | None = None, **changes: Any) -> RunView:
        """A run that has come to ``state`` with ``epochs`` snapshots beyond epoch 0."""
        whole = int(config.training["epochs"])
        done = whole if epochs is None else epochs
        items = len(load_items(config.dataset))
        write_snapshots(config, done, items)
        events = tuple(
            {
                "kind": "epoch", "epoch": n, "step": 32 * n, "loss": 6.0 - 0.2 * n, "seconds": 1.5 * n,
                "metrics": scores(0.02 + 0.28 * n / whole), "left": 1.5 * (whole - n),
            }
            for n in range(done + 1)
        )  # fmt: skip
        steps = tuple(
            {
                "kind": "step",
                "epoch": n // 32 + 1,
                "step": n,
                "loss": 7.0 - n / 80,
                "targets": 100 * n,
                "seconds": n / 20,
            }
            for n in range(4, 32 * done + 1, 4)
        )
        result = {
            "dataset": config.dataset.name, "model": "sasrec", "seed": config.seed, "parameters": 176_000,
            "seconds": {"total": 14.2, "train": 12.9}, "metrics": scores(0.3), "epochs": whole,
            "baselines": REFERENCES["baselines"], "oracle": REFERENCES["oracle"],
        }  # fmt: skip
        view = RunView(
            run_id=config.run_id,
            state=state,  # type: ignore[arg-type]
            config=config,
            progress=done / whole,
            left_s=1.5 * (whole - done),
            prepared={"kind": "prepared", "epochs": whole, "steps": 32 * whole, "items": items, "users": 400},
            references=REFERENCES,
            steps=steps,
            epochs=events,
            snapshots=tuple(range(done + 1)),
            result=result if state == "finished" else None,
        )
        self.views[config.run_id] = replace(view, **changes)
        return self.views[config.run_id]


def attention_of(length: int) -> list[list[list[float]]]:
    """Two layers of two heads that look everywhere alike."""
    return [[[1 / length] * length] * 2] * 2


def history_of(shopper: int) -> list[int]:
    """Six products, the shopper's own."""
    return [10 * shopper + n for n in range(1, 7)]


def write_snapshots(config: RunConfig, epochs: int, items: int) -> None:
    """``view.json`` of every epoch from 0: lists that move by one product an epoch."""
    for epoch in range(epochs + 1):
        shoppers = [
            {
                "user": shopper,
                "history": history_of(shopper),
                "target": 100 + 10 * shopper,
                "top": [
                    {"item": 100 + 10 * shopper + epoch + n, "score": 4.0 - n, "p": 0.3 / (n + 1)} for n in range(10)
                ],
                "attention": attention_of(6),
                "matrix": [[0.1] * place + [1 - 0.1 * place] for place in range(6)],
            }
            for shopper in range(5)
        ]
        places = {
            "x": [(n % 40) / 40 * (1 + epoch / 10) for n in range(items)],
            "y": [(n // 40) / 40 for n in range(items)],
        }
        folder = epoch_folder(load_settings().runs / config.run_id, epoch)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "view.json").write_text(json.dumps({"epoch": epoch, "shoppers": shoppers, "map": places}))
