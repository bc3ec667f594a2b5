"""Private training: DP-SGD hides every single shopper; what clipping costs the lists, and what the noise costs.

    python -m course_lib run private_training --protection private --epsilon 8 --json

One SASRec is trained by training/private.py in three ways that differ in nothing else: ``plain`` steps, steps that
nobody moves by more than the clip (``clipped``), and the same with the noise that the promise epsilon takes.
The noise comes from training/accountant.py, for delta = 0.00001. Both attacks of evaluation/membership.py follow.
The reference model is the attacker's: trained plainly, on shoppers who are neither members nor outsiders.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.data import registry
from course_lib.errors import CourseError
from course_lib.evaluation.likelihood import attack
from course_lib.evaluation.membership import Crowd
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.base import untrained
from course_lib.models.sasrec import SASRecModel
from course_lib.training.accountant import DELTA, epsilon_of, noise_for
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer
from course_lib.training.private import PrivateTrainer

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "protection": ("private", "plain", "clipped", "private"),
    "epsilon": (8.0, 0.1, 100.0),  # the promise
    "clip": (1.0, 0.01, 100.0),  # C, how long a shopper's gradient may be
    "members": (6000, 8, 1_000_000),
    "lot": (512, 4, 8192),  # shoppers that are drawn for a step, on average
    "updates": (60, 1, 500),
    "learning_rate": (0.06, 0.0001, 1.0),
    "width": (16, 8, 128),
}
MEASURES = {
    "ndcg@10": "score",  # of outsiders' next purchases
    "attack_auc": "share",  # that a member scores above an outsider, by the loss
    "auc_reference": "share",
    "caught_reference": "share",  # members found out where 1% of outsiders are accused
    "spent": "number",  # epsilon that the steps have spent; only where there is noise
    "noise": "number",  # sigma, deviation of the noise divided by the clip
    "clipped": "share",  # shoppers whose gradients were cut
    "members": "count",
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"updates": (60, 1, 500)}
TINY = {"members": 60, "lot": 20, "updates": 6, "width": 8}

LOOKS = 5  # frames after the first
WATCHED = 500  # members, and outsiders, who are attacked on the way; at the end all are
STRICT = 0.01  # share of outsiders that "caught" may accuse
EPOCHS, REFERENCE_RATE = 4, 0.02  # of the reference model


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains in the chosen way and attacks on the way.

    Raises CourseError where the dataset has too few shoppers, or more are to be drawn than there are. It takes seconds,
    so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    steps, lot, members = (int(settings[name]) for name in ("updates", "lot", "members"))
    stops = sorted({round(steps * n / LOOKS) for n in range(1, LOOKS + 1)} - {0})
    yield plan(step=steps, frame=len(stops) + 1)
    if lot > members:
        raise CourseError("lot_above_members", lot=lot, members=members)
    dataset = registry.load(config.data["dataset"])
    crowd = Crowd.make(dataset, members, config.seed)
    protection, epsilon, clip = str(settings["protection"]), float(settings["epsilon"]), float(settings["clip"])
    noise = noise_for(epsilon, lot / members, steps) if protection == "private" else 0.0
    own = {"width": int(settings["width"]), "layers": 1, "heads": 1}
    model, reference = (untrained("sasrec", dataset.num_items, own, config.seed + n) for n in (0, 1))
    assert isinstance(model, SASRecModel)
    rate = float(settings["learning_rate"])
    trainer = PrivateTrainer(
        model, crowd.members, steps, lot, rate, None if protection == "plain" else clip, noise, config.seed
    )
    beside = Trainer(reference, crowd.reference, {"epochs": EPOCHS, "learning_rate": REFERENCE_RATE}, config.seed + 1)
    for _ in range(EPOCHS):
        for _ in beside.epoch():
            pass
    few = crowd.some(WATCHED)
    cut, trained = [0.0], 0.0
    for at, stop in enumerate([0, *stops]):
        while trainer.step < stop:
            since = time.perf_counter()
            trainer.go()
            trained += time.perf_counter() - since
            if len(trainer.lengths):
                cut.append(float((trainer.lengths > clip).mean()))
            yield {"kind": "step", "at": trainer.step, "seconds": round(trained, 4)}
        seen = crowd if stop == steps else few
        attacks = attack(model, reference, seen)
        told = {
            "ndcg@10": dict(evaluate(model.score, seen.test).metrics["ndcg@10"]),
            "attack_auc": attacks["loss"].auc().to_dict(),
            "auc_reference": attacks["reference"].auc().to_dict(),
            "caught_reference": attacks["reference"].caught(STRICT).to_dict(),
        }
        spent = epsilon_of(noise, lot / members, stop, near=epsilon) if noise and stop else 0.0
        lengths = trainer.lengths.round(4).tolist()[:400]
        view = {**told, "step": stop, "spent": round(spent, 4), "lengths": lengths, "clip": clip, "noise": noise}
        yield folder.frame(at, view, None, step=stop, **{name: one["value"] for name, one in told.items()})
    measures = {
        **told,
        "noise": exact(round(noise, 5)),
        "clipped": exact(round(float(np.mean(cut[1:] or cut)), 5)),
        "members": exact(members),
        "parameters": exact(sum(one.numel() for one in model.parameters())),
        "seconds": exact(round(trained, 3)),
    }
    if noise:
        measures["spent"] = exact(round(spent, 4))
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(trained, 3)}
    yield result(measures, delta=DELTA, protection=protection, epsilon=epsilon, seconds=seconds)


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps, and how its steps were drawn."""

    view: Mapping[str, Any]
    chance: float  # q


def open(folder: Path, at: int | None) -> Artefact:
    """The training at frame ``at``, or at the end."""
    settings = RunConfig.read(folder).settings
    return Artefact(view_at(folder, at), int(settings["lot"]) / int(settings["members"]))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the same noise would promise after another number of steps.

    ``{"steps", "noise", "promised": [{"steps", "epsilon"}]}``; ``promised`` is empty where there is no noise: then
    nothing is promised, however few the steps.
    """
    noise, most = float(artefact.view["noise"]), int(asked["updates"])
    steps = sorted({max(1, round(most * part / 4)) for part in range(1, 5)})
    found = [
        {"steps": one, "epsilon": round(epsilon_of(noise, artefact.chance, one, near=3.0), 3)}
        for one in (steps if noise else [])
    ]
    return {"steps": most, "noise": round(noise, 4), "promised": found}
