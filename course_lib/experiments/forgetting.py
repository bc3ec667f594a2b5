"""Forgetting: some shoppers ask to be deleted; what a model still knows of them after each way of complying.

    python -m course_lib run forgetting --deletion retrain --json

A model learns from its members, and some of them leave. Then the model is kept as it is (``none``), trained on with the
others alone (``fine_tune``), pushed up the gradient of the leavers' loss (``ascent``: what it learned is to be undone),
or trained from the beginning without them (``retrain``). The attack of evaluation/membership.py tells the deleted from
outsiders: only where it is a guess is nothing left of them. A survey of the problem and of faster exact ways, which
retrain parts: Chen, Sun, Zhang & Ding, Recommendation Unlearning, WWW 2022.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.likelihood import likelihoods
from course_lib.evaluation.membership import Attack, Crowd
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.base import untrained
from course_lib.models.sasrec import SASRecModel
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer
from course_lib.training.private import loss_of

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "deletion": ("none", "none", "fine_tune", "ascent", "retrain"),
    "members": (1500, 8, 1_000_000),
    "deleted": (300, 2, 100_000),  # of the members
    "epochs": (8, 1, 50),
    "more_epochs": (2, 1, 20),  # of fine-tuning
    "climbs": (5, 1, 200),  # steps of ascent
}
MEASURES = {
    "left": "share",  # that one of the deleted scores above an outsider: 0.5 if nothing is left of them
    "ndcg@10": "score",  # of outsiders' next purchases
    "members": "count",
    "seconds": "seconds",  # of the deletion
}
ASKS = {"alarms": (0.05, 0.01, 0.5)}
TINY = {"members": 60, "deleted": 20, "epochs": 2, "deletion": "ascent", "climbs": 2}

RATE, CLIMB = 0.02, 0.003  # of learning, and of the ascent


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains, deletes, and attacks before and after.

    Raises CourseError where the dataset has too few shoppers or nobody would be left. It takes seconds, so a run that
    was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    members, leaving, epochs = (int(settings[name]) for name in ("members", "deleted", "epochs"))
    way = str(settings["deletion"])
    yield plan(frame=2)
    if leaving > members - 2:
        raise CourseError("nobody_left", deleted=leaving, members=members)
    dataset = registry.load(config.data["dataset"])
    crowd = Crowd.make(dataset, members, config.seed)
    order = np.random.default_rng([config.seed, 37]).permutation(members)
    gone, rest = (crowd.members.take(np.sort(some)) for some in (order[:leaving], order[leaving:]))
    model, reference = (untrained("sasrec", dataset.num_items, {}, config.seed + n) for n in (0, 1))
    assert isinstance(model, SASRecModel)
    _train(model, crowd.members, epochs, config.seed)
    _train(reference, crowd.reference, epochs, config.seed + 1)
    easy = [likelihoods(reference, some) for some in (gone, crowd.outsiders)]

    def look() -> Attack:
        own = [likelihoods(model, some) for some in (gone, crowd.outsiders)]
        return Attack(*(a - b for a, b in zip(own, easy, strict=True)))

    attack = look()
    yield folder.frame(0, _view(attack), None, left=round(attack.auc().value, 5))
    since = time.perf_counter()
    if way == "fine_tune":
        _train(model, rest, int(settings["more_epochs"]), config.seed + 2)
    elif way == "ascent":
        climb(model, gone, int(settings["climbs"]))
    elif way == "retrain":
        model = untrained("sasrec", dataset.num_items, {}, config.seed)
        _train(model, rest, epochs, config.seed)
    spent = time.perf_counter() - since
    attack = look()
    yield folder.frame(1, _view(attack), None, left=round(attack.auc().value, 5))
    measures = {
        "left": attack.auc().to_dict(),
        "ndcg@10": dict(evaluate(model.score, crowd.test).metrics["ndcg@10"]),
        "members": exact(members),
        "seconds": exact(round(spent, 3)),
    }
    yield result(measures, deleted=leaving, seconds={"total": round(time.perf_counter() - began, 3)})


def climb(model: Any, gone: Histories, steps: int) -> None:
    """Goes up the gradient of the mean loss of ``gone``, changing ``model``."""
    windows = torch.from_numpy(gone.padded(int(model.config.history_length) + 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=CLIMB)
    for _ in range(steps):
        optimizer.zero_grad()
        (-loss_of(model, dict(model.named_parameters()), windows).mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _train(model: Any, shoppers: Histories, epochs: int, seed: int) -> None:
    trainer = Trainer(model, shoppers, {"epochs": epochs, "learning_rate": RATE}, seed)
    for _ in range(epochs):
        for _ in trainer.epoch():
            pass


def _view(attack: Attack) -> dict[str, Any]:
    scores = [part[:400].round(4).tolist() for part in (attack.members, attack.outsiders)]
    return {**attack.histogram(), "scores": scores, "left": attack.auc().to_dict()}


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """Before the deletion (frame 0) or after it."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The share of the deleted who are still found where a share of outsiders is accused: ``{"alarms", "found"}``."""
    inside, outside = (np.array(part, np.float64) for part in artefact.view["scores"])
    alarms = float(asked["alarms"])
    return {"alarms": alarms, "found": Attack(inside, outside).caught(alarms).to_dict()}
