"""Interleaving: two recommenders of the shop, told apart by an A/B test and by one list made of both.

    python -m course_lib run interleaving --control markov --treatment sasrec --json

Both have learned from the same purchases and rank the products of the front page for each shopper who comes back. What
is clicked follows the shop's truth: position j is looked at with chance j^-attention, and product i is clicked by
shopper u, once looked at, with chance attractiveness(u, i) (course_lib/shop/truth/slates.py). So the difference between
the two is known, and so is what either test will say of it:

    A/B test       half of the shoppers see either list; who clicks anything has converted, with the chances
                   1 - prod over j of (1 - j^-attention attractiveness(u, i_j))
    interleaving   all see a team draft of both lists, and the sign test asks whose products were clicked more often

A draft of K places holds about the upper halves of both lists. Where one recommender is better at the top and the other
further down, the two tests may therefore prefer different ones, each of them surely: they ask different questions.

Formulas and sources: course_lib/evaluation/ab_tests.py and interleaving.py. Chapelle, Joachims, Radlinski & Yue
(Large-Scale Validation and Analysis of Interleaved Search Evaluation, ACM TOIS 2012) compare the two in practice.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.ab_tests import compare, power, shoppers_needed
from course_lib.evaluation.interleaving import interleaving_needed, interleaving_power, preferences, team_draft
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.models.base import Recommender, model_class, untrained
from course_lib.models.catalogue import model_card
from course_lib.shop.front_page import front_page
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.published import shop
from course_lib.shop.truth.search import examination
from course_lib.shop.truth.slates import attractiveness

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "control": ("markov", "popularity", "markov", "item-knn", "ease", "sasrec"),
    "treatment": ("sasrec", "popularity", "markov", "item-knn", "ease", "sasrec"),
    "list_length": (10, 2, 10),  # products in a list
    "visitors": (4000, 100, 12_000),  # different shoppers who may come; each draw is one of them
}
MEASURES = {
    "difference": "difference",  # treatment's share of visits with a click less the control's
    "control_rate": "share",  # visits with a click
    "treatment_rate": "share",
    "preferred": "share",  # of the visits that prefer one of the two, those that prefer the treatment
    "needed_ab": "count",  # shoppers for 80% power, both arms
    "needed_interleaving": "count",
    "sensitivity": "number",  # the former over the latter, where both tests prefer the same
    "seconds": "seconds",
}
ASKS = {"shoppers": (4000, 100, 200_000), "shopper": ("lin", "lin", "meng", "zhe", "zhou", "jia")}
TINY = {"control": "popularity", "treatment": "markov", "list_length": 4, "visitors": 200}

SHOPPERS = ("lin", "meng", "zhe", "zhou", "jia")  # users 0 to 4 of the shop
ARRIVED = tuple(250 * 2**n for n in range(10))  # visits after which is counted
CURVE = 25  # points of the power curves
EPOCHS, RATE, WIDTH = 2, 0.01, 32  # of SASRec, which is to be good enough quickly
PARTS = 10  # of its training, after each of which the progress moves
Ints = NDArray[np.int64]
Values = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Meeting:
    """Both recommenders and the shoppers who come back: ``N`` of them, ``n`` products on the page, ``K`` places."""

    items: Ints  # (n,) item ids of the page
    control: Ints  # (N, K) columns of the page, best first
    treatment: Ints  # (N, K)
    looked: Values  # (K,)
    attractive: Values  # (N, n)

    @classmethod
    def make(cls, histories: Histories, places: int, visitors: int, scores: Sequence[Scores]) -> Meeting:
        """The shop's first ``visitors``, and what control and treatment, (N, V + 1) scores each, show them."""
        world = shop()
        page, N = front_page(world), min(visitors, len(histories))
        blocks = (attractiveness(world, page, block) for block, _ in whole_blocks(world, SLATES, N, None))
        attractive = np.concatenate(list(blocks))[:N]
        items = page.items.astype(np.int64)
        control, treatment = (np.argsort(-one[:N, items], axis=1, kind="stable")[:, :places] for one in scores)
        return cls(items, control, treatment, examination(places, world.parameters["slates.attention"]), attractive)

    def rate(self, lists: Ints) -> float:
        """The exact share of visits with a click, if everybody sees the own row of ``lists`` (N, K)."""
        return float(1 - (1 - np.take_along_axis(self.attractive, lists, 1) * self.looked).prod(1).mean())

    def clicks(self, who: Ints, lists: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
        """(V, K) what visitors ``who`` (V,) click of ``lists`` (V, K)."""
        chances = self.attractive[who[:, None], lists] * self.looked
        clicked: NDArray[np.bool_] = rng.random(lists.shape) < chances
        return clicked


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Learns both, knows the truth, and lets shoppers come: twice as many by each frame, the same number to each test.

    Raises CourseError for data without a truth, and for one recommender against itself. It takes seconds, so a run that
    was interrupted begins again.
    """
    from course_lib.training.checkpoint import one_thread

    one_thread()
    began = time.perf_counter()
    names = [str(config.settings[name]) for name in ("control", "treatment")]
    if names[0] == names[1]:
        raise CourseError("ab_same", name=names[0])
    if config.data["dataset"].name != "shop":
        raise CourseError("ab_needs_shop", name=config.data["dataset"].name)
    stages = sum(map(_parts, names)) + len(ARRIVED)
    yield plan(stage=stages, frame=len(ARRIVED))
    dataset = registry.load(config.data["dataset"])
    histories, visitors, scores, stage = dataset.histories(), int(config.settings["visitors"]), [], 0
    guests = histories.take(np.arange(min(visitors, len(histories))))
    for name in names:
        model = yield from _learned(name, histories, dataset.num_items, config.seed, stage)
        stage += _parts(name)
        scores.append(model.score(guests))
    meeting = Meeting.make(histories, int(config.settings["list_length"]), visitors, scores)
    truth = _truth(meeting)
    learned = round(time.perf_counter() - began, 3)
    rng = np.random.default_rng([config.seed, 1])
    view = {"truth": truth, "lists": _lists(meeting, np.random.default_rng([config.seed, 2]))}
    counted = np.zeros(4, np.int64)  # converted with control, with treatment; preferring control, treatment
    arrived: list[dict[str, Any]] = []
    for at, now in enumerate(ARRIVED):
        counted += _visits(meeting, now - (ARRIVED[at - 1] if at else 0), rng)
        arrived.append({"shoppers": now, **_standing(counted, now)})
        yield {"kind": "stage", "at": stage + at + 1}
        yield folder.frame(at, view, None, **arrived[-1])
    measures = {name: exact(value) for name, value in _measured(truth).items()} | {"seconds": exact(learned)}
    seconds = {"total": round(time.perf_counter() - began, 3), "train": learned}
    yield result(measures, seconds=seconds, arrived=arrived, visitors=len(guests))


def _parts(name: str) -> int:
    """How many events a recommender's learning has."""
    return PARTS if model_card(name).neural else 1


def _learned(
    name: str, histories: Histories, products: int, seed: int, stage: int
) -> Generator[Event, None, Recommender]:
    """A recommender that learns from ``histories``, with an event after each part of it; it knows no truth."""
    card = model_card(name)
    if not card.neural:
        own = {key: setting.default for key, setting in card.settings.items()}
        counted: Recommender = model_class(name).fit(histories, products, own, seed)
        yield {"kind": "stage", "at": stage + 1}
        return counted
    from course_lib.training.loop import Trainer

    model: Recommender = untrained(name, products, {"width": WIDTH, "heads": 1}, seed)
    trainer = Trainer(model, histories, {"epochs": EPOCHS, "learning_rate": RATE, "loss": "softmax"}, seed)
    looks = [round(part * EPOCHS * trainer.steps_per_epoch / PARTS) for part in range(1, PARTS + 1)]
    while trainer.progress.epoch < EPOCHS:
        for event in trainer.epoch(set(looks)):
            for _ in range(looks.count(event["step"]) if event["kind"] == "pause" else 0):
                stage += 1
                yield {"kind": "stage", "at": stage}
    return model


def _truth(meeting: Meeting) -> dict[str, Any]:
    """What is exactly so: rates, chances to prefer, and how many shoppers each test needs (None: no number will do)."""
    p, q = meeting.rate(meeting.control), meeting.rate(meeting.treatment)
    win, lose = (
        float(one.mean()) for one in preferences(meeting.control, meeting.treatment, meeting.looked, meeting.attractive)
    )
    return {
        "control_rate": p,
        "treatment_rate": q,
        "win": win,
        "lose": lose,
        "needed_ab": 2 * shoppers_needed(p, q / p - 1) if p != q else None,
        "needed_interleaving": interleaving_needed(win, lose) if win != lose else None,
    }


def _measured(truth: Mapping[str, Any]) -> dict[str, float]:
    """The measures that the truth holds; without those that no number of shoppers could reach."""
    difference, lead = truth["treatment_rate"] - truth["control_rate"], truth["win"] - truth["lose"]
    found = {name: truth[name] for name in ("control_rate", "treatment_rate", "needed_ab", "needed_interleaving")}
    found |= {"difference": difference, "preferred": truth["win"] / (truth["win"] + truth["lose"])}
    if difference * lead > 0:
        found["sensitivity"] = truth["needed_ab"] / truth["needed_interleaving"]
    return {name: value for name, value in found.items() if value is not None}


def _visits(meeting: Meeting, visits: int, rng: np.random.Generator) -> Ints:
    """(4,) counts of so many new visitors of the A/B test, every second one treated, and as many interleaved ones."""
    K = len(meeting.looked)
    who = rng.integers(len(meeting.attractive), size=visits)
    treated = np.arange(visits) % 2 == 1
    lists = np.where(treated[:, None], meeting.treatment[who], meeting.control[who])
    converted = meeting.clicks(who, lists, rng).any(1)
    who = rng.integers(len(meeting.attractive), size=visits)
    coins = rng.random((visits, -(-K // 2))) < 0.5
    lists, team = team_draft(meeting.control[who], meeting.treatment[who], coins, K)
    lead = (meeting.clicks(who, lists, rng) * (2 * team - 1)).sum(1)
    return np.array([(converted & ~treated).sum(), (converted & treated).sum(), (lead < 0).sum(), (lead > 0).sum()])


def _standing(counted: Ints, visits: int) -> dict[str, Any]:
    """What both tests say after ``visits`` each; intervals of 95%."""
    ab = compare(counted[:2], [visits - visits // 2, visits // 2])
    lose, win = (int(one) for one in counted[2:])
    share = (win + 2) / (win + lose + 4)  # Agresti & Coull, The American Statistician 1998
    half = 1.96 * float(np.sqrt(share * (1 - share) / (win + lose + 4)))
    return {
        "ab": {**ab.difference.to_dict(), "z": ab.z},
        "interleaving": {
            "value": win / (win + lose) if win + lose else 0.5,
            "low": max(share - half, 0.0),
            "high": min(share + half, 1.0),
            "z": (win - lose) / float(np.sqrt(max(win + lose, 1))),
        },
    }


def _lists(meeting: Meeting, rng: np.random.Generator) -> list[dict[str, list[int]]]:
    """For each of the five shoppers: both lists and one draft of them, as item ids, and who put each product there."""
    five, K = np.arange(len(SHOPPERS)), len(meeting.looked)
    a, b = meeting.control[five], meeting.treatment[five]
    drafted, team = team_draft(a, b, rng.random((len(five), -(-K // 2))) < 0.5, K)
    parts = {
        name: meeting.items[lists].tolist() for name, lists in (("control", a), ("treatment", b), ("drafted", drafted))
    }
    return [{**{name: part[n] for name, part in parts.items()}, "team": team[n].tolist()} for n in five.tolist()]


# Questions


def open(folder: Path, at: int | None) -> dict[str, Any]:
    """What is exactly so, and the lists of the five, as the frame keeps them; all frames keep the same."""
    return Folder(folder).view(len(ARRIVED) - 1 if at is None else at)


def answer(artefact: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Both tests' power for so many shoppers and along a curve, and one shopper's two lists with a draft of them.

    ``{"shoppers", "ab", "interleaving", "curve": [{"shoppers", "ab", "interleaving"}], "lists", "shopper"}``.
    """
    truth, shoppers = artefact["truth"], int(asked["shoppers"])
    curve = np.unique(np.geomspace(100, 200_000, CURVE).round().astype(int)).tolist()
    return {
        "shoppers": shoppers,
        **_powers(truth, shoppers),
        "curve": [{"shoppers": n, **_powers(truth, n)} for n in curve],
        "shopper": str(asked["shopper"]),
        "lists": artefact["lists"][SHOPPERS.index(str(asked["shopper"]))],
    }


def _powers(truth: Mapping[str, Any], shoppers: int) -> dict[str, float]:
    p, q = float(truth["control_rate"]), float(truth["treatment_rate"])
    return {
        "ab": power(p, q / p - 1, shoppers - shoppers // 2, shoppers // 2),
        "interleaving": interleaving_power(float(truth["win"]), float(truth["lose"]), shoppers),
    }
