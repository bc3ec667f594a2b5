"""The best lab settings for 5, 10 and 15 seconds of training on one core, by a search of equal budget for each.

    python -m benchmarks presets        about a quarter of an hour on two quiet cores

For each number of seconds: DRAWS random configurations from SPACE and the lesson's present preset. A configuration's
speed is timed over a few steps, which gives the epochs that fit; one of which not even one epoch fits is drawn again.
All are trained with one seed, the FINALISTS best on the validation targets with two more, and the best mean wins.
The test targets are looked at once, for the winner. Two trainings run side by side, one thread each, as in the lab.
"""

from __future__ import annotations

import math
import multiprocessing
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.lesson import METRIC, lesson_config
from benchmarks.table import Row, number

PART = "presets"
BUDGETS_S = (5.0, 10.0, 15.0)  # seconds in training steps
DRAWS, FINALISTS, SEEDS = 24, 4, (1, 2, 3)
SEARCH_SEED = 0
PROBE_STEPS = (5, 30)  # steps before the clock starts, and steps that are timed
SPACE: dict[str, tuple[Any, ...]] = {
    "width": (32, 48, 64, 96, 128),
    "layers": (1, 2, 3),
    "heads": (2, 4),
    "history_length": (5, 10, 20),
    "dropout": (0.0, 0.0, 0.1),
    "batch_size": (32, 64, 128, 256),
    "learning_rate": (0.003, 0.03),  # between these, evenly in the logarithm
    "weight_decay": (0.03, 0.1, 0.3, 0.5),
}
OF_MODEL = ("width", "layers", "heads", "history_length", "dropout")


@dataclass(frozen=True)
class Candidate:
    """One configuration at one budget, and what came of it: validation scores by seed."""

    settings: Mapping[str, Any]
    training: Mapping[str, Any]  # without epochs
    budget_s: float
    epochs: int = 0  # that fit; 0: not timed yet, or none fits
    seconds: float = 0.0  # in training steps, mean over the seeds
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


def preset(budget_s: float) -> Candidate:
    """The lesson's present preset."""
    config = lesson_config()
    training = {name: value for name, value in config.training.items() if name != "epochs"}
    return Candidate(dict(config.settings), training, budget_s)


def _trainer(candidate: Candidate, seed: int) -> tuple[Any, Any]:
    """A trainer for the default dataset, and its split."""
    from course_lib.data import registry
    from course_lib.data.splits import leave_one_out
    from course_lib.training.checkpoint import one_thread
    from course_lib.training.job import build
    from course_lib.training.loop import Trainer

    one_thread()
    config = lesson_config()
    dataset = registry.load(config.address)
    split = leave_one_out(dataset)
    net = build("sasrec", dataset.num_items, candidate.settings, seed)
    training = {**config.training, **candidate.training, "epochs": max(candidate.epochs, 1)}
    return Trainer(net, split.train, training, seed), split


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
            began = time.perf_counter()
        trainer.step(torch.from_numpy(inputs), torch.from_numpy(targets))
    epoch_s = (time.perf_counter() - began) / counted * trainer.steps_per_epoch
    return replace(candidate, epochs=int(candidate.budget_s / epoch_s + 0.05))


def trained(candidate: Candidate, seed: int) -> Candidate:
    """``candidate`` with one more score."""
    from course_lib.evaluation.protocol import evaluate

    trainer, split = _trainer(candidate, seed)
    for _ in range(candidate.epochs):
        for _ in trainer.epoch():
            pass
    score = evaluate(trainer.model.score, split.validation).metrics[METRIC]["value"]
    count = len(candidate.scores)
    seconds = (candidate.seconds * count + trainer.progress.seconds) / (count + 1)
    return replace(candidate, scores=(*candidate.scores, score), seconds=seconds)


def tested(candidate: Candidate, seed: int) -> float:
    """NDCG@10 of the test targets."""
    from course_lib.evaluation.protocol import evaluate

    trainer, split = _trainer(candidate, seed)
    for _ in range(candidate.epochs):
        for _ in trainer.epoch():
            pass
    return float(evaluate(trainer.model.score, split.test).metrics[METRIC]["value"])


def candidates(pool: ProcessPoolExecutor, budget_s: float) -> list[Candidate]:
    """The preset and DRAWS configurations of which at least one epoch fits."""
    rng = np.random.default_rng([SEARCH_SEED, int(budget_s)])
    found = list(pool.map(timed, [preset(budget_s)]))
    while len(found) < DRAWS + 1:
        some = pool.map(timed, [drawn(rng, budget_s) for _ in range(DRAWS + 1 - len(found))])
        found += [one for one in some if one.epochs >= 1]
    return found


def measure() -> list[Row]:
    """The rows of this part; ``raw`` has every configuration with its scores."""
    rows = []
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for budget_s in BUDGETS_S:
            tried = list(pool.map(trained, candidates(pool, budget_s), [SEEDS[0]] * (DRAWS + 1)))
            finalists = sorted(tried, key=lambda one: -one.mean)[:FINALISTS]
            if tried[0] not in finalists:
                finalists.append(tried[0])  # the present preset
            for seed in SEEDS[1:]:
                finalists = list(pool.map(trained, finalists, [seed] * len(finalists)))
            best = max(finalists, key=lambda one: one.mean)
            present = next(one for one in finalists if one.settings == tried[0].settings
                           and one.training == tried[0].training)  # fmt: skip
            tests = list(pool.map(tested, [best] * len(SEEDS), SEEDS))
            rows.append(_row(budget_s, best, present, tests, tried))
    return rows


def _row(budget_s: float, best: Candidate, present: Candidate, tests: list[float], tried: list[Candidate]) -> Row:
    """One budget's winner."""
    spread = statistics.stdev(best.scores)
    note = (
        f"{best.words}; {number(best.seconds)} s in steps; validation {number(best.mean)} (standard deviation over "
        f"{len(best.scores)} seeds {number(spread)}), test {number(statistics.fmean(tests))}; the present preset: "
        f"{number(present.mean)} with {present.epochs} epochs"
    )
    raw = {
        "winner": vars(best) | {"tests": tests},
        "present": vars(present),
        "tried": [vars(one) for one in tried],
    }
    return Row(PART, f"best validation NDCG@10 in {budget_s:g} s of training", number(best.mean), note=note, raw=raw)
