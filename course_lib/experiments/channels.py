"""Channels: app, web and store under one identity, stitched by device, or apart, and what each way of knowing is worth.

    python -m course_lib run channels --identity stitched --wrong 0.2 --json

The same visits of the same shoppers are kept under seven ways of knowing who came (evaluation/identity.py). A model
learns from the histories that come of it, and is asked for each shopper's last purchase online, after the history that
this way reads at that moment. Nothing else differs. The visits are those of a harder shop than the course's own
(shop/journeys.py): households share a device, and some visits do not buy what they view; matches may be wrong.

With ``evidence`` "views" the list is weighed by the types that were viewed (evaluation/viewed_types.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.errors import CourseError
from course_lib.evaluation.identity import Identity
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.metrics import all_metrics, rank_of_target
from course_lib.evaluation.viewed_types import weighed
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.base import untrained
from course_lib.shop.behaviour import CHANNELS, STORE
from course_lib.shop.journeys import journeys
from course_lib.shop.published import shop
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}  # always the shop: of no other dataset is it known who really came
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "identity": ("stitched", "true", "stitched", "devices", "known", "apart", "app", "web"),
    "wrong_matches": (0.1, 0.0, 1.0),  # share of the devices that are matched to another account
    "match_rule": ("last", "last", "sole"),  # who last logged in; only where nobody else ever did
    "shared_devices": (0.4, 0.0, 1.0),  # share of households whose two shoppers use one device
    "prompted": (0.0, 0.0, 1.0),  # share of guests who are asked to log in, and do
    "astray": (0.5, 0.0, 1.0),  # chance that a visit does not buy what it viewed
    "evidence": ("purchases", "purchases", "views"),
    "people": (3000, 20, 20_000),
    "epochs": (4, 1, 50),
}
MEASURES = {
    "ndcg@10": "score",  # of each shopper's last purchase online
    "ndcg_known": "score",  # of those who were logged in when they came
    "ndcg_guests": "score",  # of those who were not
    "guests": "share",  # of the visits that are asked about
    "strangers": "share",  # of the purchases read, those of somebody else
    "unread": "share",  # of a shopper's own earlier purchases, those that are not read
    "matched": "share",  # of guests' purchase visits online, those that are taken for an account's
    "matched_wrongly": "share",  # of these, the ones taken for somebody else's
    "histories": "count",  # that were learned from
    "seconds": "seconds",  # of training
}
ASKS = {"shopper": (1, 1, 12)}
TINY = {"people": 120, "epochs": 1}

TRUTH = "shop"
RATE = 0.02
LISTED = 12  # shoppers who can be looked at
VISITS = 24  # of theirs, the last ones before the purchase that is asked for
DAY = 86_400


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Makes the visits, keeps them one way, trains, and asks.

    Raises CourseError for another dataset than the shop, or where nobody's history has two purchases. It takes seconds,
    so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings, epochs = config.settings, int(config.settings["epochs"])
    yield plan(step=1, frame=1)
    name = config.data["dataset"].name
    if name != TRUTH:
        raise CourseError("channels_need_shop", name=name)
    world = shop()
    own = journeys(
        world, int(settings["people"]), float(settings["shared_devices"]), float(settings["astray"]),
        float(settings["prompted"]), config.seed,
    )  # fmt: skip
    way = str(settings["identity"])
    identity = Identity.of(own, way, float(settings["wrong_matches"]), settings["match_rule"] == "sole", config.seed)
    train = identity.train()
    if not len(train):
        raise CourseError("channels_nobody", way=way)
    model = untrained("sasrec", len(world.catalogue.type), {}, config.seed)
    trainer = Trainer(model, train, {"epochs": epochs, "learning_rate": RATE}, config.seed)
    yield plan(step=trainer.steps, frame=1)
    for _ in range(epochs):
        yield from trainer.epoch()
    test = identity.test()
    if settings["evidence"] == "views":
        scores = weighed(model.score, identity, world.catalogue.type.astype(np.int64), config.seed)
    else:
        scores = np.array(model.score(test.histories), np.float64)
    ndcg = all_metrics(rank_of_target(scores, test.targets), k=10)["ndcg@10"]
    yield folder.frame(0, {"people": _people(identity, ndcg)}, None)
    known = own.known[own.bought_in[identity.targets]]
    strangers, unread = identity.strangers_and_missing()
    measures = {
        "ndcg@10": bootstrap(ndcg).to_dict(),
        "guests": exact(round(float(1 - known.mean()), 6)),
        "strangers": bootstrap(strangers).to_dict(),
        "unread": bootstrap(unread).to_dict(),
        **(_matches(identity) if way == "stitched" else {}),
        "histories": exact(len(train)),
        "seconds": exact(round(trainer.progress.seconds, 3)),
    }
    for group, rows in (("ndcg_known", known), ("ndcg_guests", ~known)):
        if rows.any():
            measures[group] = bootstrap(ndcg[rows]).to_dict()
    yield result(
        measures,
        asked=len(ndcg),
        purchases=len(own.item),
        seconds={"train": measures["seconds"]["value"], "total": round(time.perf_counter() - began, 3)},
    )


def _matches(identity: Identity) -> dict[str, dict[str, float]]:
    """How many of the guests who bought online are taken for an account's, and how many of these wrongly."""
    own = identity.journeys
    visits = np.unique(own.bought_in)
    visits = visits[~own.known[visits] & (own.channel[visits] != STORE)]
    if not len(visits):
        return {}
    linked = identity.link[visits] >= 0
    found = {"matched": exact(round(float(linked.mean()), 6))}
    if linked.any():
        wrong = identity.link[visits[linked]] != own.shopper[visits[linked]]
        found["matched_wrongly"] = exact(round(float(wrong.mean()), 6))
    return found


def _people(identity: Identity, ndcg: Any) -> list[dict[str, Any]]:
    """The first LISTED shoppers who came as guests at least twice, with their visits and what is read of them.

    ``[{"user", "ndcg", "known", "day", "visits": [{"day", "channel", "known", "read", "bought"}], "strangers":
    [{"day", "channel"}]}]``: purchase visits before the target, days before it, ``read`` whether they are in the
    history that the list is made from; ``strangers`` are visits of others that are in it too.
    """
    own = identity.journeys
    rows, offsets = identity.read()
    guest = ~own.known[own.bought_in]
    times = np.bincount(own.buyer[guest], minlength=own.people)
    buyers = own.buyer[identity.targets]
    found = []
    for n in np.flatnonzero(times[buyers] >= 2)[:LISTED].tolist():
        user, target = int(buyers[n]), int(identity.targets[n])
        visit, end = int(own.bought_in[target]), int(own.second[target])
        read = rows[offsets[n] : offsets[n + 1]]
        before = np.flatnonzero((own.buyer == user) & (own.second < end))
        first = np.unique(own.bought_in[before], return_index=True)[1]
        ordered = before[np.sort(first)][-VISITS:]
        others = read[own.buyer[read] != user]
        found.append(
            {
                "user": user,
                "ndcg": round(float(ndcg[n]), 4),
                "channel": CHANNELS[own.channel[visit]],
                "known": bool(own.known[visit]),
                "visits": [
                    {
                        "ago": round((end - int(own.second[row])) / DAY, 3),
                        "channel": CHANNELS[own.channel[own.bought_in[row]]],
                        "known": bool(own.known[own.bought_in[row]]),
                        "read": bool(np.isin(row, read)),
                    }
                    for row in ordered
                ],
                "strangers": [
                    {
                        "ago": round((end - int(own.second[row])) / DAY, 3),
                        "channel": CHANNELS[own.channel[own.bought_in[row]]],
                    }
                    for row in others[-VISITS:]
                ],
            }
        )
    return found


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a run keeps of the shoppers who can be looked at."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """The shoppers at the end; there is one frame."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One of the listed shoppers, the last where fewer are listed: ``{"number", "user", "visits", ...}`` or {}."""
    people = artefact.view["people"]
    if not people:
        return {"number": 0}
    number = min(int(asked["shopper"]), len(people))
    return {"number": number, **people[number - 1]}
