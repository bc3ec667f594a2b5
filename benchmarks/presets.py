"""The best lab settings for 5, 10 and 15 seconds of training on one core, by a search of equal budget for each.

    python -m benchmarks presets        about a quarter of an hour on two cores

For each number of seconds: the lesson's present preset, DRAWS random configurations from SPACE, then NEIGHBOURS that
differ in two settings from one of the three best so far. A configuration's speed is timed over a few steps, which gives
the epochs that fit; one of which not even one epoch fits is drawn again. All are trained with one seed, the FINALISTS
best on the validation targets with two more, and the best mean wins. The test targets are looked at once, for the
winner. Two trainings run side by side, one thread each; seconds are the processor's, so that what else the machine does
counts for little.
"""

from __future__ import annotations

import functools
import math
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.lesson import METRIC, lesson_config
from benchmarks.peers.pictures import lines
from benchmarks.table import Row, number
from benchmarks.training import finish, split_settings, trainer_of
from course_lib.data import registry
from course_lib.data.dataset import Address
from course_lib.data.histories import Split
from course_lib.data.splits import leave_one_out

if TYPE_CHECKING:
    from course_lib.training.loop import Trainer

PART = "presets"
BUDGETS_S = (5.0, 10.0, 15.0)  # seconds in training steps
DRAWS, NEIGHBOURS, FINALISTS, SEEDS = 16, 12, 4, (1, 2, 3)
SEARCH_SEED = 0
ROUNDS = 20  # of drawing until enough configurations fit
PROBE_STEPS = (5, 30)  # steps before the clock starts, and steps that are timed
SPACE: dict[str, tuple[Any, ...]] = {
    "width": (32, 40, 48, 64, 80, 96),
    "layers": (1, 2, 3),
    "heads": (2, 4),
    "history_length": (5, 10, 20),
    "dropout": (0.0, 0.0, 0.1),
    "batch_size": (32, 48, 64, 96, 128),
    "learning_rate": (0.005, 0.03),  # between these, evenly in the logarithm
    "weight_decay": (0.03, 0.1, 0.2, 0.3, 0.5),
}
OF_MODEL = ("width", "layers", "heads", "history_length", "dropout")


@dataclass(frozen=True)
class Candidate:
    """One configuration at one budget, and what came of it: validation scores by seed."""

    settings: Mapping[str, Any]
    training: Mapping[str, Any]  # without epochs
    budget_s: float
    epochs: int = 0  # that fit; 0: not timed yet, or none fits
    seconds: float = 0.0  # of the processor in training, mean over the seeds
    scores: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Mean validation NDCG@10."""
        return statistics.fmean(self.scores)

    @property
    def words(self) -> str:
        """The configuration on one line."""
        own = {**self.settings, **self.training, "epochs": self.epochs}
        return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                         for name, value in own.items())  # fmt: skip


def drawn(rng: np.random.Generator, budget_s: float) -> Candidate:
    """A random configuration."""
    low, high = (math.log(rate) for rate in SPACE["learning_rate"])
    chosen = {name: rng.choice(values).item() for name, values in SPACE.items() if name != "learning_rate"}
    chosen["learning_rate"] = round(math.exp(rng.uniform(low, high)), 5)
    settings = {name: chosen.pop(name) for name in OF_MODEL}
    return Candidate(settings, chosen, budget_s)


def neighbour(rng: np.random.Generator, one: Candidate) -> Candidate:
    """``one`` with two settings changed: one step up or down in SPACE, or another rate within a factor of 1.5."""
    own = {**one.settings, **one.training}
    for name in rng.choice(list(SPACE), 2, replace=False):
        if name == "learning_rate":
            own[name] = round(float(own[name]) * math.exp(rng.uniform(-0.4, 0.4)), 5)
            continue
        values = sorted({*SPACE[name], own[name]})
        place = values.index(own[name]) + rng.choice((-1, 1))
        own[name] = values[min(max(place, 0), len(values) - 1)]
    return Candidate({name: own.pop(name) for name in one.settings}, own, one.budget_s)


def preset(budget_s: float) -> Candidate:
    """The lesson's present preset."""
    own, training = split_settings(lesson_config())
    return Candidate(own, {name: value for name, value in training.items() if name in SPACE}, budget_s)


@functools.cache
def _data(address: Address) -> tuple[int, Split]:
    """V and the split, made once a process."""
    dataset = registry.load(address)
    return dataset.num_items, leave_one_out(dataset)


def _trainer(candidate: Candidate, seed: int) -> tuple[Trainer, Split]:
    """A trainer for the lesson's dataset, and its split."""
    config = lesson_config()
    assert config.dataset is not None
    num_items, split = _data(config.dataset)
    training = {**split_settings(config)[1], **candidate.training, "epochs": max(candidate.epochs, 1)}
    return trainer_of("sasrec", num_items, split.train, candidate.settings, training, seed), split


def timed(candidate: Candidate) -> Candidate:
    """``candidate`` with the number of epochs that fit into its budget."""
    import torch

    from course_lib.training.batches import epoch_batches

    trainer, _ = _trainer(candidate, 0)
    batches = epoch_batches(trainer.windows, int(candidate.training["batch_size"]), np.random.default_rng(0))
    skipped, counted = PROBE_STEPS
    began = 0.0
    for number_, (inputs, targets) in zip(range(skipped + counted), batches, strict=False):
        if number_ == skipped:
            began = time.process_time()
        trainer.step(torch.from_numpy(inputs), torch.from_numpy(targets))
    epoch_s = (time.process_time() - began) / counted * trainer.steps_per_epoch
    return replace(candidate, epochs=int(candidate.budget_s / epoch_s + 0.05))


def trained(candidate: Candidate, seed: int) -> Candidate:
    """``candidate`` with one more score."""
    from course_lib.evaluation.protocol import evaluate

    trainer, split = _trainer(candidate, seed)
    began = time.process_time()
    finish(trainer)
    taken = time.process_time() - began
    score = evaluate(trainer.model.score, split.validation).metrics[METRIC]["value"]
    count = len(candidate.scores)
    seconds = (candidate.seconds * count + taken) / (count + 1)
    return replace(candidate, scores=(*candidate.scores, score), seconds=seconds)


def tested(candidate: Candidate, seed: int) -> float:
    """NDCG@10 of the test targets."""
    from course_lib.evaluation.protocol import evaluate

    trainer, split = _trainer(candidate, seed)
    return float(evaluate(finish(trainer).model.score, split.test).metrics[METRIC]["value"])


def fitting(pool: ProcessPoolExecutor, count: int, draw: Callable[[], Candidate]) -> list[Candidate]:
    """``count`` configurations from ``draw`` of which at least one epoch fits; ValueError where hardly any does."""
    found: list[Candidate] = []
    for _ in range(ROUNDS):
        found += [one for one in pool.map(timed, [draw() for _ in range(count - len(found))]) if one.epochs >= 1]
        if len(found) == count:
            return found
    raise ValueError(f"not one epoch of {count} configurations fits: this machine needs more seconds")


def search(pool: ProcessPoolExecutor, budget_s: float) -> list[Candidate]:
    """Every configuration of one budget with the scores of the first seed, and the finalists with those of all seeds.

    The present preset comes first and is always a finalist.
    """

    def try_out(some: list[Candidate], seed: int = SEEDS[0]) -> list[Candidate]:
        return list(pool.map(trained, some, [seed] * len(some)))

    rng = np.random.default_rng([SEARCH_SEED, int(budget_s)])
    tried = try_out([*fitting(pool, 1, lambda: preset(budget_s)), *fitting(pool, DRAWS, lambda: drawn(rng, budget_s))])
    for _ in range(3):  # neighbours of neighbours too
        best = sorted(tried, key=lambda one: -one.mean)[:3]
        tried += try_out(fitting(pool, NEIGHBOURS // 3, lambda best=best: neighbour(rng, best[rng.integers(3)])))  # type: ignore[misc]
    chosen = sorted(tried[1:], key=lambda one: -one.mean)[:FINALISTS]
    finalists = [tried[0], *chosen]
    for seed in SEEDS[1:]:
        finalists = try_out(finalists, seed)
    return [*finalists, *(one for one in tried[1:] if one not in chosen)]


def measure() -> tuple[list[Row], dict[str, str]]:
    """The rows of this part, whose ``raw`` has every configuration with its scores, and the curve."""
    rows: list[Row] = []
    curves: dict[str, list[tuple[float, float]]] = {
        "the best found": [],
        "the lesson's preset, more or fewer epochs": [],
    }
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for budget_s in BUDGETS_S:
            tried = search(pool, budget_s)
            finalists = [one for one in tried if len(one.scores) == len(SEEDS)]
            best, present = max(finalists, key=lambda one: one.mean), tried[0]
            tests = list(pool.map(tested, [best] * len(SEEDS), SEEDS))
            rows.append(_row(budget_s, best, present, tests, tried))
            for curve, one in zip(curves.values(), (best, present), strict=True):
                curve.append((budget_s, one.mean))
    return rows, {"presets.svg": picture(curves)}


def picture(curves: dict[str, list[tuple[float, float]]]) -> str:
    """The curve; its axis does not begin at zero, and says so."""
    base = math.floor(20 * min(score for curve in curves.values() for _, score in curve)) / 20
    title = "NDCG@10 on the validation targets by seconds of training, one core, mean of three seeds"
    return lines(title, "seconds of training", f"NDCG@10, from {base:g}", curves, base)


def _row(budget_s: float, best: Candidate, present: Candidate, tests: list[float], tried: list[Candidate]) -> Row:
    """One budget's winner."""
    spread = statistics.stdev(best.scores)
    note = (
        f"{best.words}; {number(best.seconds)} s of the processor; validation {number(best.mean)} (standard deviation "
        f"over {len(best.scores)} seeds {number(spread)}), test {number(statistics.fmean(tests))}; the present preset: "
        f"{number(present.mean)} with {present.epochs} epochs"
    )
    raw = {
        "winner": vars(best) | {"tests": tests},
        "present": vars(present),
        "tried": [vars(one) for one in tried],
    }
    return Row(PART, f"best validation NDCG@10 in {budget_s:g} s of training", number(best.mean), note=note, raw=raw)
