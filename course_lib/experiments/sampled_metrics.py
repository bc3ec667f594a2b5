"""Sampled metrics: two models ranked against a few random products instead of all, and which of the two seems better.

    python -m course_lib run sampled_metrics --one markov --other sasrec --json

Both models rank every test target (leave-one-out, as in next_item) among all V products, and the ranks are kept. What
HR@10 or NDCG@10 would be against m products drawn at random then follows without drawing any: the sampled rank of a
target of full rank r is hypergeometric (evaluation/sampled.py), so the expected metric is a weighted mean of the full
HR@n over all n,

    E[HR_m@10] = sum over n of (w(n - 1) - w(n)) HR@n,    w(r) = P(at most 9 of the r ahead are among the m drawn)

whose weight lies around n = 10 V / m: with 100 negatives of 1,260 products HR@10 asks about how many targets are among
the first 126. A model that is better at the top and worse further down then loses to one that is the other way round.

Source: Krichene & Rendle, On Sampled Metrics for Item Recommendation, KDD 2020. Intervals speak of other shoppers
(paired: both models are asked about the same ones); the draw of negatives is averaged out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Split
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.protocol import evaluate
from course_lib.evaluation.sampled import METRICS, compare, crossing, expected_metric, numbers_of_negatives
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.catalogue import check_settings, model_card
from course_lib.models.ease import EASEModel
from course_lib.models.item_knn import ItemKNNModel
from course_lib.models.markov import MarkovModel
from course_lib.models.matrix_factorization import MatrixFactorizationModel
from course_lib.models.popularity import PopularityModel
from course_lib.models.sasrec import SASRecConfig, SASRecModel
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer
from course_lib.training.settings import loop_settings

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "one": ("markov", "markov", "sasrec", "ease", "matrix-factorization", "item-knn", "popularity"),
    "other": ("sasrec", "markov", "sasrec", "ease", "matrix-factorization", "item-knn", "popularity"),
    "width": (8, 8, 128),  # of SASRec, where it is one of the two
    "layers": (1, 1, 4),
    "epochs": (3, 1, 20),
    "shoppers": (0, 0, 100_000_000),  # how many shoppers both learn from, the first ones; 0: all
}
MEASURES = {  # HR@10, or NDCG@10, of the first model less that of the second
    "full_difference": "difference",  # among all products
    "sampled_difference": "difference",  # among 100 drawn at random
    "few_difference": "difference",  # among 20
    "full_ndcg_difference": "difference",
    "sampled_ndcg_difference": "difference",
    "crossing": "number",  # of negatives at which the two models change places in HR@10; none where they never do
    "seconds": "seconds",
}
ASKS = {"negatives": (100, 1, 1259), "metric": ("hr", "hr", "ndcg")}
TINY = {"epochs": 1}

COUNTED: Mapping[str, Any] = {
    "markov": MarkovModel, "ease": EASEModel, "matrix-factorization": MatrixFactorizationModel,
    "item-knn": ItemKNNModel, "popularity": PopularityModel,
}  # fmt: skip
EARLY = (0.0, 1 / 4, 1 / 2)  # of the first epoch: what happens before the ends of the epochs
USUAL, FEW = 100, 20  # negatives in many papers
PLACES = 60  # points of a curve over the catalogue


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains or counts both models and ranks all test targets; a frame each time that SASRec is looked at.

    Raises CourseError ``same_model_twice``, or where the data cannot be had or training diverges. It takes seconds, so
    a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    names = [str(config.settings[side]) for side in ("one", "other")]
    if names[0] == names[1]:
        raise CourseError("same_model_twice", name=names[0])
    epochs = int(config.settings["epochs"])
    moments = [*EARLY, *range(1, epochs + 1)] if "sasrec" in names else [0.0]
    yield plan(frame=len(moments))
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    few = int(config.settings["shoppers"])
    train = split.train.take(np.arange(min(few, len(split.train)))) if few else split.train
    ranks = {name: _counted(name, config, dataset, split, train) for name in names if name != "sasrec"}
    for at, (moment, learned) in enumerate(_moments(config, dataset, split, train, moments)):
        known = {**ranks, **learned}
        both = Both(tuple(names), known[names[0]], known[names[1]], dataset.num_items)
        view = {"sampled": both.view()}
        yield folder.frame(at, view, both.tensors(), epoch=float(moment), **both.told())
    seconds = round(time.perf_counter() - began, 3)
    measures = {**both.measures(), "seconds": exact(seconds)}
    yield result(measures, seconds={"total": seconds}, sampled=view["sampled"], looks=both.looks())


def _counted(name: str, config: RunConfig, dataset: Dataset, split: Split, train: Histories) -> NDArray[np.int64]:
    """(N,) ranks of the test targets by a counted model with its own defaults."""
    settings = check_settings(name, model_card(name).settings, {})
    model = COUNTED[name].fit(train, dataset.num_items, settings, config.seed)
    return evaluate(model.score, split.test).ranks


def _moments(
    config: RunConfig, dataset: Dataset, split: Split, train: Histories, moments: list[float]
) -> Iterator[tuple[float, dict[str, NDArray[np.int64]]]]:
    """Each moment, in epochs, with SASRec's ranks then; one moment without any where there is nothing to train."""
    if len(moments) == 1:
        yield moments[0], {}
        return
    own = {name: int(config.settings[name]) for name in ("width", "layers")}
    torch.manual_seed(config.seed)
    model = SASRecModel(SASRecConfig(num_items=dataset.num_items, heads=1, **own))
    loop = {name: setting.default for name, setting in loop_settings("sasrec").items()}
    trainer = Trainer(model, train, {**loop, "epochs": config.settings["epochs"]}, config.seed)
    looks = [round(moment * trainer.steps_per_epoch) for moment in moments]
    at = 0
    for step in _steps(trainer, looks):
        for _ in range(looks.count(step)):  # in an epoch of a few steps several moments are one
            yield moments[at], {"sasrec": evaluate(model.score, split.test).ranks}
            at += 1


def _steps(trainer: Trainer, looks: list[int]) -> Iterator[int]:
    """Trains; stops at each of ``looks``."""
    yield 0
    while trainer.progress.step < trainer.steps:
        for event in trainer.epoch(set(looks)):
            if event["kind"] == "pause":
                yield int(event["step"])


@dataclass(frozen=True)
class Both:
    """The full ranks that two models give the same N targets among V products."""

    names: tuple[str, ...]
    one: NDArray[np.int64]  # (N,)
    other: NDArray[np.int64]  # (N,)
    products: int  # V

    def compare(self, metric: str, negatives: int) -> dict[str, Any]:
        """Both models and their difference against so many negatives, or all where there are not so many."""
        return compare(metric, negatives, self.products, self.one, self.other)

    def curves(self, metric: str) -> dict[str, list[dict[str, float]]]:
        """``{"one", "other", "difference"}`` for each of ``numbers_of_negatives``."""
        points = [self.compare(metric, m) for m in numbers_of_negatives(self.products)]
        return {name: [_short(point[name]) for point in points] for name in ("one", "other", "difference")}

    def reach(self) -> dict[str, list[float]]:
        """HR@n of both in full, for each n of :func:`places`: how many of the targets are among the first n."""
        n = np.array(places(self.products))
        found = {}
        for side, ranks in (("one", self.one), ("other", self.other)):
            below = np.cumsum(np.bincount(ranks, minlength=self.products)) / len(ranks)
            found[side] = below[n - 1].round(5).tolist()
        return found

    def view(self) -> dict[str, Any]:
        """What pictures draw of one moment."""
        return {
            "names": list(self.names),
            "products": self.products,
            "targets": len(self.one),
            "negatives": numbers_of_negatives(self.products),
            **{metric: self.curves(metric) for metric in METRICS},
            "places": places(self.products),
            "reach": self.reach(),
            **looked_at("hr", USUAL, self.products),
            "crossing": self.crossing(),
        }

    def crossing(self) -> float | None:
        """The number of negatives from which on HR@10 has the order of the full ranking; None where it always has."""
        differences = [point["value"] for point in self.curves("hr")["difference"]]
        at = crossing(numbers_of_negatives(self.products), differences)
        return None if at is None else round(at, 1)

    def told(self) -> dict[str, float]:
        """What a frame's event says."""
        named = {"full_difference": self.products - 1, "sampled_difference": USUAL}
        return {name: round(self.compare("hr", m)["difference"]["value"], 5) for name, m in named.items()}

    def measures(self) -> dict[str, dict[str, float]]:
        """Every measure but the seconds, each difference with its paired bootstrap interval."""
        asked = {
            "full_difference": ("hr", self.products - 1),
            "sampled_difference": ("hr", USUAL),
            "few_difference": ("hr", FEW),
            "full_ndcg_difference": ("ndcg", self.products - 1),
            "sampled_ndcg_difference": ("ndcg", USUAL),
        }
        found = {}
        for name, (metric, negatives) in asked.items():
            weight = expected_metric(metric, negatives, self.products)
            found[name] = paired_difference(weight[self.one], weight[self.other]).to_dict()
        at = self.crossing()
        return found if at is None else {**found, "crossing": exact(at)}

    def looks(self) -> dict[str, dict[str, Any]]:
        """Both models under both metrics against 20, against 100 and among all, for tables."""
        asked = {str(FEW): FEW, str(USUAL): USUAL, "all": self.products - 1}
        return {name: {metric: self.compare(metric, m) for metric in METRICS} for name, m in asked.items()}

    def tensors(self) -> dict[str, torch.Tensor]:
        """The ranks, to be kept."""
        return {side: torch.from_numpy(getattr(self, side).astype(np.int32)) for side in ("one", "other")}


def _short(interval: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in interval.items()}


def places(products: int) -> list[int]:
    """Lengths of lists, from 1 to the whole catalogue, at equal distances on a logarithmic axis; 10 among them.

    >>> places(12)[-3:]
    [10, 11, 12]
    """
    usual = [10] if products >= 10 else []
    return sorted({*np.geomspace(1, products, PLACES).round().astype(int).tolist(), *usual})


def looked_at(metric: str, negatives: int, products: int) -> dict[str, Any]:
    """``{"weight": [...], "half": n}``: what a target at each of :func:`places` counts on average, and the place from
    which on it counts less than half of what the top counts; None where none does."""
    weight = expected_metric(metric, negatives, products)
    low = np.flatnonzero(weight < weight[0] / 2)
    at = np.array(places(products)) - 1
    return {"weight": weight[at].round(5).tolist(), "half": int(low[0]) + 1 if len(low) else None}


# Questions


def open(folder: Path, at: int | None) -> Both:
    """The ranks at frame ``at``, or at the end."""
    view = view_at(folder, at)["sampled"]
    last = max(int(path.name) for path in (folder / "frames").iterdir() if path.name.isdigit()) if at is None else at
    ranks = {side: part.numpy().astype(np.int64) for side, part in Folder(folder).weights(last).items()}
    return Both(tuple(view["names"]), ranks["one"], ranks["other"], int(view["products"]))


def answer(artefact: Both, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"negatives", "metric", "one", "other", "difference", "weight", "half"}`` against so many negatives.

    More than there are other products are all of them, and ``negatives`` says so.
    """
    metric, negatives = str(asked["metric"]), min(int(asked["negatives"]), artefact.products - 1)
    compared = {name: _short(one) for name, one in artefact.compare(metric, negatives).items()}
    return {
        "negatives": negatives, "metric": metric, **compared, **looked_at(metric, negatives, artefact.products)
    }  # fmt: skip
