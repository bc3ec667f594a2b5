"""Does the order of the models hang on the shop's parameters? Measured, not believed.

The shop is made anew with one main parameter halved or doubled, five seeds each (a seed decides the shoppers, the
weights and the batches), and every model is asked for its NDCG@10 on the test targets. ``python -m course_lib shop
order`` runs it and writes the table into the shop's data card.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.data.dataset import Address, Dataset
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import Interval, over_seeds
from course_lib.evaluation.protocol import evaluate, summarise
from course_lib.models.base import model_class, untrained
from course_lib.models.catalogue import check_settings, model_card
from course_lib.settings import source_digest
from course_lib.shop.parameters import Parameters, load_parameters
from course_lib.shop.simulate import events_frame
from course_lib.shop.world import make_world
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer
from course_lib.training.references import BASELINES, oracle_ranks
from course_lib.training.settings import loop_settings

ORDER = (*BASELINES, "sasrec", "filtered", "known")  # from worst to best, as expected
SEEDS = (1, 2, 3, 4, 5)
MAIN: dict[str, tuple[str, ...]] = {  # what decides how much can be predicted, and from what; by the row's name
    "catalogue.popularity_exponent": (),
    "shopper.events": ("shopper.events_mean", "shopper.events_minimum", "shopper.events_maximum"),
    "choice.taste": (),
    "choice.loyalty": (),
    "need.impulse": (),
    "need.refill": (),
    "need.mission_end": (),
    "need.drift": (),
    "need.order": (),
    "need.exhaustion": (),
    "need.memory": (),
    "need.completion": (),
}
METRIC = "ndcg@10"


@dataclass(frozen=True)
class Row:
    """One shop: which parameter was changed by which factor, and each model's NDCG@10 over the seeds."""

    parameter: str  # "" for the shop as published
    factor: float
    scores: dict[str, Interval]

    @property
    def separate(self) -> bool:
        """Whether each model's interval lies wholly above that of the model before it, up to SASRec and the oracle."""
        chain = [self.scores[name] for name in ORDER[:-1]]
        return all(low.high < high.low for low, high in itertools.pairwise(chain))


def rows() -> Iterator[tuple[str, float]]:
    """The shops of the table: as published, then each main parameter halved and doubled."""
    yield "", 1.0
    for parameter in MAIN:
        yield parameter, 0.5
        yield parameter, 2.0


def changed(parameter: str, factor: float) -> Parameters:
    """The shop with one parameter multiplied; a history's mean, minimum and maximum go together."""
    parameters = load_parameters()
    for path in (MAIN[parameter] or (parameter,)) if parameter else ():
        parameters = parameters.scaled(path, factor)
    return parameters


def one_seed(parameters: Parameters, seed: int) -> dict[str, float]:
    """NDCG@10 of every model on the test targets of one shop."""
    one_thread()
    world, shoppers = make_world(parameters), int(parameters["sizes.small"])
    dataset = Dataset(Address("shop", "small", "changed"), events_frame(world, shoppers, seed), world.catalogue.items)
    split = leave_one_out(dataset)
    scores: dict[str, float] = {}
    for name in BASELINES:
        settings = check_settings(name, model_card(name).settings, {})
        model: Any = model_class(name).fit(split.train, dataset.num_items, settings)
        scores[name] = evaluate(model.score, split.test).metrics[METRIC]["value"]
    scores["sasrec"] = _sasrec(dataset, split.train, split.test, seed)
    for name, ranks in oracle_ranks(world, [split.test.targets], (1,), seed)[0].items():
        scores[name] = summarise(ranks)[METRIC]["value"]
    return scores


def _sasrec(dataset: Dataset, train: Any, test: Any, seed: int) -> float:
    """The lesson's default run without its frames."""
    settings = check_settings("sasrec", model_card("sasrec").settings, {})
    training = check_settings("training", loop_settings("sasrec"), {})
    net = untrained("sasrec", dataset.num_items, settings, seed)
    trainer = Trainer(net, train, training, seed)
    for _ in range(int(training["epochs"])):
        for _ in trainer.epoch():
            pass
    value: float = evaluate(net.score, test).metrics[METRIC]["value"]
    return value


def order_table(results: Path, seeds: Sequence[int] = SEEDS, workers: int = 1) -> Iterator[tuple[int, int, list[Row]]]:
    """Makes the table in ``workers`` processes, one thread each. Every finished training is kept in ``results`` (JSON
    lines), so that hours of them can be stopped and continued.

    Yields (done, total, rows) after each training; the rows are there when all is done.
    """
    version = f"{load_parameters().digest()} {source_digest('data', 'shop', 'models', 'training', 'evaluation')}"
    jobs = {f"{version} {name} {factor} {seed}": (name, factor, seed) for name, factor in rows() for seed in seeds}
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    known = {record["key"]: record["scores"] for record in map(json.loads, lines) if record["key"] in jobs}
    yield len(known), len(jobs), []
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        asked = {pool.submit(_one_shop, *job): key for key, job in jobs.items() if key not in known}
        try:
            for done in as_completed(asked):
                known[asked[done]] = done.result()
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": asked[done], "scores": done.result()}) + "\n")
                yield len(known), len(jobs), []
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    found: dict[tuple[str, float], list[dict[str, float]]] = {}
    for key, (parameter, factor, _) in jobs.items():
        found.setdefault((parameter, factor), []).append(known[key])
    table = [
        Row(*shop, {name: over_seeds([one[name] for one in some]) for name in ORDER}) for shop, some in found.items()
    ]
    yield len(jobs), len(jobs), table


def _one_shop(parameter: str, factor: float, seed: int) -> dict[str, float]:
    """What one process is asked for."""
    return one_seed(changed(parameter, factor), seed)


def oracle_error(points: Sequence[int] = (512, 1024, 2048), draws: int = 3) -> dict[int, list[float]]:
    """NDCG@10 of the filtered bound for different numbers of taste points and independent draws of them."""
    world, shoppers = make_world(load_parameters()), int(load_parameters()["sizes.small"])
    events = events_frame(world, shoppers)
    targets = leave_one_out(Dataset(Address("shop", "small", "own"), events, world.catalogue.items)).test.targets
    return {
        number: [
            summarise(oracle_ranks(world, [targets], (1,), None, number, skip)[0]["filtered"])[METRIC]["value"]
            for skip in range(draws)
        ]
        for number in points
    }
