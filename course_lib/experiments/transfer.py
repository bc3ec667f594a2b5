"""Transfer: what is learned in a rich department, taken to one with few purchases, against learning there alone.

    python -m course_lib run transfer --product text --few_purchases 450 --json

SASRec learns from a department with many purchases. Another department has few of them (training/departments.py), and
a model for it can begin in two ways: from scratch, or with everything that the first has learned and that still means
something there. What that is depends on where a product's vector comes from (models/product_tables.py):

    ids          a row for each product: the rows stay behind, only the body moves   (pre-training for new products)
    text         e_i = W x_i + c of the title's vector x_i: W and c move too    (Hou et al., UniSRec, KDD 2022)
    attributes   e_i = sum of a vector for department, type, brand and price band: brands and prices are shared

Biases stay behind in each, for they are the popularity of other products. Both beginnings then learn alike from the
same few purchases and are asked what shoppers of whom
nothing was learned buy last in this department, among its products only. Markov and popularity are counted on the same
few. With ``source`` "dataset" the rich side is the other of the shop and Complete Journey: two catalogues that share
nothing but language. Without any purchase there, a transferred model has only its text or attributes to go by.

An interval is Student's t over the repeats: each has its own few purchases, its own pre-training and its own weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import over_seeds
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.base import untrained
from course_lib.models.markov import MarkovModel
from course_lib.models.popularity import PopularityModel
from course_lib.models.product_tables import SummedTable, TextTable, attribute_codes, title_features
from course_lib.training.checkpoint import one_thread
from course_lib.training.departments import Departments
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "product": ("ids", "ids", "text", "attributes"),  # where a product's vector is from
    "source": ("department", "department", "others", "dataset"),  # what is pre-trained on
    "few_purchases": (450, 50, 3000),  # purchases of the poor department that the measures are of
    "draws": (3, 2, 10),
    "epochs": (2, 1, 20),  # of pre-training
}
MEASURES = {
    "transferred_ndcg@10": "score",  # with ``few_purchases`` of the poor department
    "scratch_ndcg@10": "score",
    "markov_ndcg@10": "score",
    "popularity_ndcg@10": "score",
    "transfer_gain": "difference",  # of transferred over scratch
    "over_markov": "difference",  # of transferred
    "unseen_ndcg@10": "score",  # transferred, without any purchase of the poor department
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"few_purchases": (450, 50, 3000)}
TINY = {"draws": 2, "epochs": 1, "few_purchases": 100}

POINTS = (150, 450, 1200, 3000)  # purchases of the poor department
WAYS = ("transferred", "scratch", "markov", "popularity")
OWN = {"width": 48, "layers": 2, "heads": 1}
RATE = 0.02  # of AdamW at its highest, in both trainings
STEPS, FEWEST_EPOCHS, MOST_EPOCHS, BATCH = 120, 10, 40, 32  # of learning from few: steps about, between so many epochs
OTHER = {"shop": "complete-journey", "complete-journey": "shop"}


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Pre-trains and goes through the points of the curve, as often as ``draws`` says; a frame a repeat and point.

    Raises CourseError where the dataset has no two departments with enough purchases, lacks titles or attributes, or
    no other dataset is known. It takes seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    repeats = int(settings["draws"])
    yield plan(frame=repeats * (len(POINTS) + 1))
    two, tables = _material(config)
    most = len(two.pool.items)
    asked = min(int(settings["few_purchases"]), most)
    points = sorted({asked, *(min(one, most) for one in POINTS)})
    yield plan(frame=repeats * len(points))
    curve = Curve(points)
    for repeat in range(repeats):
        seed = config.seed * 1000 + repeat
        rich = _model(tables, "rich", two, seed)
        _learn(rich, two.rich, int(settings["epochs"]), 64, seed)
        moved = _moved(rich, _model(tables, "poor", two, seed + 500))
        curve.add("unseen", 0, _ndcg(moved.score, two))
        for at, purchases in enumerate(points):
            few = two.few(purchases, repeat)
            epochs = int(np.clip(round(STEPS * BATCH / len(few)), FEWEST_EPOCHS, MOST_EPOCHS))
            scratch = _model(tables, "poor", two, seed + 500)
            moved = _moved(rich, _model(tables, "poor", two, seed + 500))
            for model in (scratch, moved):
                _learn(model, few, epochs, BATCH, seed)
            counted = (MarkovModel.fit(few, two.sizes[1], {"blend": 10.0}), PopularityModel.fit(few, two.sizes[1], {}))
            for way, one in zip(WAYS, (moved, scratch, *counted), strict=True):
                curve.add(way, purchases, _ndcg(one.score, two))
            number = repeat * len(points) + at
            yield folder.frame(number, curve.view(), None, repeat=repeat + 1, events=purchases)
    measures = curve.measures(asked)
    measures["parameters"] = exact(int(sum(one.numel() for one in moved.parameters())))
    measures["seconds"] = exact(round(time.perf_counter() - began, 3))
    yield result(
        measures, curve=curve.view()["curve"], table=curve.table(), rich=two.names[0], poor=two.names[1],
        products=list(two.sizes), purchases=[len(two.rich.items), len(two.pool.items)],
        tested=len(two.test), seconds={"total": measures["seconds"]["value"]},
    )  # fmt: skip


Tables = Mapping[str, Any]  # "rich" and "poor": features, codes, or None for a row each


def _material(config: RunConfig) -> tuple[Departments, Tables]:
    """Both departments, and what each one's product vectors are made of."""
    address = config.data["dataset"]
    dataset, other = registry.load(address), None
    if config.settings["source"] == "dataset":
        if address.name not in OTHER:
            raise CourseError("no_other_dataset", name=address.name, known=", ".join(OTHER))
        other = registry.load(registry.resolve(OTHER[address.name]))
    two = Departments.make(dataset, other, str(config.settings["source"]), config.seed)
    poor = two.items["poor"].to_numpy()
    found: Any = None
    if config.settings["product"] == "text":
        found = title_features(_titles(two, dataset, other), np.ones(len(poor), bool))
    elif config.settings["product"] == "attributes":
        found = attribute_codes(two.items, np.ones(len(poor), bool))
        if not found.shape[1]:
            raise CourseError("no_attributes", name=address.name)
    return two, {"rich": None if found is None else found[~poor], "poor": None if found is None else found[poor]}


def _titles(two: Departments, dataset: Dataset, other: Dataset | None) -> Any:
    """(R + P, T) title vectors of the products of both, in their order."""
    poor = two.items["poor"].to_numpy()
    own = text_vectors(dataset)
    ids = two.items["item_id"].to_numpy() - 1  # within its own catalogue
    rich = text_vectors(other) if other is not None else own
    return np.concatenate([rich[ids[~poor]], own[ids[poor]]])


def _model(tables: Tables, side: str, two: Departments, seed: int) -> Any:
    """An untrained SASRec for one side; its weights depend on the seed alone."""
    model = untrained("sasrec", two.sizes[side == "poor"], OWN, seed)
    torch.manual_seed(seed)
    table = tables[side]
    if isinstance(table, Tensor):
        model.item = TextTable(table, OWN["width"])
    elif table is not None:
        model.item = _summed(tables, side)
    return model


def _summed(tables: Tables, side: str) -> SummedTable:
    """One side's attributes, with a vector for each value that either side has: so that both have the same vectors."""
    made = SummedTable(np.concatenate([tables["rich"], tables["poor"]]), OWN["width"])
    rich = len(tables["rich"])
    made.codes = made.codes[:rich] if side == "rich" else made.codes[rich:]
    return made


def _moved(rich: Any, model: Any) -> Any:
    """``model`` with all that ``rich`` has learned but what belongs to single products: rows and biases."""
    kept = {
        name: value
        for name, value in rich.state_dict().items()
        if name not in ("bias", "item.weight", "item.features", "item.codes")
    }
    model.load_state_dict({**model.state_dict(), **kept})
    return model


def _learn(model: Any, histories: Histories, epochs: int, batch: int, seed: int) -> None:
    training = {"epochs": epochs, "learning_rate": RATE, "batch_size": batch, "loss": "softmax"}
    trainer = Trainer(model, histories, training, seed)
    for _ in range(epochs):
        for _ in trainer.epoch():
            pass


def _ndcg(score: Any, two: Departments) -> float:
    return float(evaluate(score, two.test).metrics["ndcg@10"]["value"])


@dataclass
class Curve:
    """NDCG@10 of each way at each number of purchases, a value a repeat."""

    points: list[int]
    values: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def add(self, way: str, purchases: int, value: float) -> None:
        """One more repeat."""
        self.values.setdefault((way, purchases), []).append(value)

    def view(self) -> dict[str, Any]:
        """``{"curve": [{"way", "events", "value", "low", "high", "repeats"}]}``; no ends after one repeat."""
        told = []
        for (way, purchases), values in sorted(self.values.items(), key=lambda one: one[0][1]):
            alone = {"value": round(float(np.mean(values)), 5), "low": None, "high": None}
            ends: Mapping[str, float | None] = _ends(values) if len(values) > 1 else alone
            told.append({"way": way, "events": purchases, **ends, "repeats": len(values)})
        return {"curve": told}

    def table(self) -> dict[str, dict[str, dict[str, float]]]:
        """``{way: {purchases: {"value", "low", "high"}}}``, and as a way of its own the gain of transferred, paired."""
        found: dict[str, dict[str, dict[str, float]]] = {way: {} for way in (*WAYS, "gain")}
        for purchases in self.points:
            own = {way: np.array(self.values[way, purchases]) for way in WAYS}
            own["gain"] = own["transferred"] - own["scratch"]
            for way, values in own.items():
                found[way][str(purchases)] = _ends(values)
        return found

    def measures(self, purchases: int) -> dict[str, dict[str, float]]:
        """Those of MEASURES that are NDCGs, at one of the points."""
        own = {way: np.array(self.values[way, purchases]) for way in WAYS}
        found = {f"{way}_ndcg@10": values for way, values in own.items()}
        found["transfer_gain"] = own["transferred"] - own["scratch"]
        found["over_markov"] = own["transferred"] - own["markov"]
        found["unseen_ndcg@10"] = np.array(self.values["unseen", 0])
        return {name: _ends(values) for name, values in found.items()}


def _ends(values: Any) -> dict[str, float]:
    return {name: round(value, 5) for name, value in over_seeds(values).to_dict().items()}


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps."""

    curve: list[dict[str, Any]]


def open(folder: Path, at: int | None) -> Artefact:
    """The curve as far as frame ``at``, or the whole."""
    return Artefact(view_at(folder, at)["curve"])


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"events", "best", "ways": [{"way", "value", ...}]}`` at the point of the curve nearest to ``asked``."""
    wanted = int(asked["few_purchases"])
    points = {one["events"] for one in artefact.curve if one["way"] != "unseen"}
    nearest = min(points, key=lambda one: (abs(one - wanted), one))
    ways = [one for one in artefact.curve if one["events"] == nearest and one["way"] != "unseen"]
    best = max(ways, key=lambda one: one["value"])["way"]
    return {"events": nearest, "best": best, "ways": ways}
