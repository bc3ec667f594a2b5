"""Membership: somebody who may only ask the trained model guesses which shoppers it was trained on.

    python -m course_lib run membership --members 1000 --epochs 8 --json

Some shoppers are learned from (members), others of the same shop are not (outsiders). After each epoch two attacks of
evaluation/membership.py score them all: by how likely the model finds a shopper's own history, and by how much likelier
than a reference model does, trained alike on a third group. Nothing else differs between the groups, so an attack that
beats a guess shows that the model remembers persons. ``ndcg@10`` is what the model is worth to shoppers whom it has
never seen, the same ones in all runs of a seed. All epochs are trained, whatever the patience: to watch it leak.
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
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.likelihood import attack
from course_lib.evaluation.membership import Attack, Crowd, Numbers
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.base import untrained
from course_lib.models.catalogue import model_card
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {
    "members": (1000, 4, 1_000_000),  # shoppers who are learned from
}
MEASURES = {
    "attack_auc": "share",  # that a member scores above an outsider, by the loss
    "auc_reference": "share",
    "caught": "share",  # members found out where 1% of outsiders are accused
    "caught_reference": "share",
    "ndcg@10": "score",  # of outsiders' next purchases
    "memory": "nats",  # members' mean log-probability less the outsiders'
    "members": "count",
    "parameters": "count",
    "seconds": "seconds",  # of training the model, its reference left out
}
ASKS = {
    "attack": ("reference", "loss", "reference"),
    "alarms": (0.05, 0.01, 0.5),  # share of outsiders whom the attacker may accuse
    "shopper": (1, 1, 40),  # one of those who are listed
}
TINY = {"model": "sasrec", "members": 60, "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2}

ATTACKS = ("loss", "reference")
STRICT = 0.01  # alarms of the measures "caught"
WATCHED = 1000  # members, and outsiders, who are attacked on the way; at the end all are
KEPT = 400  # members, and outsiders, whose scores a frame keeps
LISTED = 20  # members, and outsiders, who can be looked at one by one
HISTORY = 12  # products of theirs that are shown


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains the model and its reference side by side, and attacks after each epoch.

    Raises CourseError where the dataset has too few shoppers, the model gives no probability at each place, or a
    training diverges. It takes seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    card = model_card(str(config.settings["model"]))
    if not card.neural:
        raise CourseError("no_likelihood")
    epochs = int(config.settings["epochs"])
    yield plan(frame=epochs + 1)
    dataset = registry.load(config.data["dataset"])
    crowd = Crowd.make(dataset, int(config.settings["members"]), config.seed)
    own = {name: config.settings[name] for name in card.settings}
    model, reference = (untrained(card.name, dataset.num_items, own, config.seed + n) for n in (0, 1))
    trainer = Trainer(model, crowd.members, config.settings, config.seed)
    beside = Trainer(reference, crowd.reference, config.settings, config.seed + 1)
    yield plan(step=trainer.steps, frame=epochs + 1)
    few = crowd.some(WATCHED)
    for epoch in range(epochs + 1):
        if epoch:
            yield from trainer.epoch()
            for _ in beside.epoch():
                pass
        with trainer.shown(), beside.shown():
            seen = crowd if epoch == epochs else few
            attacks = attack(model, reference, seen)
            test = evaluate(model.score, seen.test)
        told = _told(attacks, test.metrics["ndcg@10"])
        view = {"attacks": _pictures(attacks), "people": _people(attacks, crowd, config.seed), **told}
        yield folder.frame(epoch, view, None, epoch=float(epoch), **{name: one["value"] for name, one in told.items()})
    loss = attacks["loss"]
    measures = {
        **told,
        "memory": bootstrap_gap(loss),
        "members": exact(len(crowd.members)),
        "parameters": exact(sum(one.numel() for one in model.parameters())),
        "seconds": exact(round(trainer.progress.seconds, 3)),
    }
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(trainer.progress.seconds, 3)}
    yield result(measures, outsiders=len(crowd.outsiders), seconds=seconds)


def bootstrap_gap(loss: Attack) -> dict[str, float]:
    """By how much likelier the model finds members' histories, with the interval of a difference of two means."""
    ours, theirs = bootstrap(loss.members), bootstrap(loss.outsiders)
    half = float(np.hypot(ours.high - ours.low, theirs.high - theirs.low)) / 2
    gap = ours.value - theirs.value
    return {"value": gap, "low": gap - half, "high": gap + half}


def _told(attacks: Mapping[str, Attack], ndcg: Mapping[str, float]) -> dict[str, dict[str, float]]:
    loss, reference = attacks["loss"], attacks["reference"]
    return {
        "attack_auc": loss.auc().to_dict(),
        "auc_reference": reference.auc().to_dict(),
        "caught": loss.caught(STRICT).to_dict(),
        "caught_reference": reference.caught(STRICT).to_dict(),
        "ndcg@10": dict(ndcg),
    }


def _pictures(attacks: Mapping[str, Attack]) -> dict[str, Any]:
    """What is drawn of each attack: its histogram, and some scores, the first ones, to answer at any threshold."""
    return {
        name: {
            **one.histogram(),
            "scores": [part[:KEPT].round(4).tolist() for part in (one.members, one.outsiders)],
        }
        for name, one in attacks.items()
    }


def _people(attacks: Mapping[str, Attack], crowd: Crowd, seed: int) -> list[dict[str, Any]]:
    """Members and outsiders in a mixed order, so that their place does not give them away."""
    count = min(LISTED, len(crowd.members), len(crowd.outsiders))
    found = []
    for member, group, users in (
        (True, crowd.members, crowd.member_users),
        (False, crowd.outsiders, crowd.outsider_users),
    ):
        for n in range(count):
            scores = {name: (one.members if member else one.outsiders)[n] for name, one in attacks.items()}
            found.append(
                {
                    "user": int(users[n]), "member": member, "history": group[n][-HISTORY:].tolist(),
                    **{name: round(float(value), 4) for name, value in scores.items()},
                }
            )  # fmt: skip
    return [found[n] for n in np.random.default_rng([seed, 3]).permutation(len(found))]


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps of the attacks."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """The attacks at frame ``at``, or at the end."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Who is called a member by an attack that may accuse a share of the outsiders.

    ``{"attack", "alarms", "threshold", "caught", "people": [{"user", "member", "score", "called"}], "shopper": {"user",
    "history", "member", "called", "score", "rank"}}``: ``caught`` is the share of members above the threshold, of those
    whose scores are kept; ``rank`` the share of outsiders whose score is lower than this shopper's.
    """
    name, alarms = str(asked["attack"]), float(asked["alarms"])
    inside, outside = (np.array(part, np.float64) for part in artefact.view["attacks"][name]["scores"])
    one = Attack(inside, outside)
    level = one.threshold(alarms)
    people = [
        {
            "user": who["user"],
            "member": who["member"],
            "score": who[name],
            "called": who[name] > level,
        }
        for who in artefact.view["people"]
    ]
    number = min(int(asked["shopper"]), len(people)) - 1
    chosen = {**people[number], "history": artefact.view["people"][number]["history"]}
    return {
        "attack": name,
        "alarms": alarms,
        "threshold": round(level, 5),
        "caught": one.caught(alarms).to_dict(),
        "people": people,
        "number": number + 1,
        "shopper": {**chosen, "rank": round(_rank(outside, chosen["score"]), 4)},
    }


def _rank(outside: Numbers, score: float) -> float:
    return float((outside < score).mean())
