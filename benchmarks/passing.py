"""How soon SASRec passes on ml-100k what counting reaches in a second: seconds of training until its NDCG@10 is higher.

    python -m benchmarks passing        about two minutes; with --full five seeds instead of three

Leave one out, full ranking, films of the history removed, the split frozen by its checksum. The recipe was chosen by
the validation targets among four that were tried; the figures are of the test targets, asked after every epoch while
the clock stands still. One thread.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from benchmarks.peers.environments import MissingError
from benchmarks.peers.pictures import lines
from benchmarks.quality import K, Task, learned, task, values
from benchmarks.table import Row, below, number
from benchmarks.training import trainer_of
from course_lib.evaluation.intervals import bootstrap, over_seeds
from course_lib.evaluation.protocol import evaluate, unseen

PART = "passing"
SEEDS = (1, 2, 3, 4, 5)
SHORT = 3  # seeds of the short form
# What was measured on this split before this course was written, and how soon it is to be passed on two cores.
GOALS = {"EASE's": (0.0737, 20.0), "item-kNN with recency's": (0.0797, 60.0)}
COUNTED = ({"model": "ease", "regularisation": 500.0}, {"model": "item-knn", "recency": 0.9})
RECIPE: dict[str, Any] = {"width": 64, "layers": 1, "heads": 2, "history_length": 50, "dropout": 0.2}
TRAINING: dict[str, Any] = {"epochs": 16, "batch_size": 16, "learning_rate": 0.004, "weight_decay": 0.3}

Curve = list[tuple[float, float]]  # (seconds trained, NDCG@10 on the test targets) after each epoch


def asked(one: Task, model: Any) -> tuple[float, list[int]]:
    """NDCG@10 on the test targets, and the ranks up to K."""
    ranks = np.minimum(evaluate(unseen(model.score), one.split.test, k=K).ranks, K).tolist()
    return float(values(ranks).mean()), ranks


def trained(one: Task, seed: int, recipe: dict[str, Any], training: dict[str, Any]) -> tuple[Curve, list[int]]:
    """One training's curve and the ranks at its end."""
    trainer = trainer_of("sasrec", one.dataset.num_items, one.split.train, recipe, training, seed)
    curve: Curve = []
    ranks: list[int] = []
    for _ in range(int(training["epochs"])):
        for _ in trainer.epoch():
            pass
        score, ranks = asked(one, trainer.model)
        curve.append((trainer.progress.seconds, score))
    return curve, ranks


def passed(curve: Curve, goal: float) -> float | None:
    """Seconds trained when the score was first above ``goal``."""
    return next((seconds for seconds, score in curve if score > goal), None)


def measure(full: bool) -> tuple[list[Row], dict[str, str]]:
    """The rows of this part and the curve; one row with the reason where ml-100k cannot be had."""
    try:
        one = task("ml-100k")
    except MissingError as error:
        return [Row(PART, "ml-100k", "not measured", note=str(error))], {}
    rows = []
    for given in COUNTED:
        model = str(given["model"])
        score, _ = asked(one, learned(one, model, given, 1, one.split.train))
        told = ", ".join(f"{name} {value}" for name, value in given.items() if name != "model")
        rows.append(Row(PART, f"ml-100k, {model} with {told}, NDCG@10", number(score)))
    runs = [trained(one, seed, RECIPE, TRAINING) for seed in SEEDS[: None if full else SHORT]]
    return [*rows, *passing_rows(runs)], picture(runs)


def passing_rows(runs: list[tuple[Curve, list[int]]]) -> list[Row]:
    """One row a goal, and how good the runs are at their end."""
    rows = []
    raw = {"curves": [curve for curve, _ in runs]}
    for whose, (goal, limit_s) in GOALS.items():
        what = f"ml-100k, seconds until SASRec's NDCG@10 is above {whose} {goal:g}"
        times = [passed(curve, goal) for curve, _ in runs]
        reached = [seconds for seconds in times if seconds is not None]
        if len(reached) < len(runs):
            note = f"not reached by {len(runs) - len(reached)} of {len(runs)} seeds"
            rows.append(Row(PART, what, "not reached", f"<= {number(limit_s)} s", False, note, raw))
            continue
        note = f"median of {len(runs)} seeds, {number(min(reached))} to {number(max(reached))} s; one thread"
        rows.append(below(PART, what, statistics.median(reached), limit_s, note=note, raw=raw))
    scores = np.stack([values(ranks) for _, ranks in runs])
    shoppers, seeds = bootstrap(scores.mean(0)), over_seeds(scores.mean(1).tolist())
    seconds = statistics.median(curve[-1][0] for curve, _ in runs)
    note = (
        f"95% over shoppers {shoppers.low:.4f} to {shoppers.high:.4f}, over {len(runs)} seeds {seeds.low:.4f} to "
        f"{seeds.high:.4f}; {number(seconds)} s of training"
    )
    rows.append(
        Row(PART, f"ml-100k, SASRec after {TRAINING['epochs']} epochs, NDCG@10", f"{shoppers.value:.4f}", note=note)
    )
    return rows


def picture(runs: list[tuple[Curve, list[int]]]) -> dict[str, str]:
    """Mean curve over the seeds beside what counting reaches."""
    steps = list(zip(*(curve for curve, _ in runs), strict=True))
    own = [(statistics.fmean(x for x, _ in step), statistics.fmean(y for _, y in step)) for step in steps]
    own = [own[n - 1] for n in (1, 2, 4, 8, 16) if n <= len(own)]
    series = {"SASRec": own}
    for whose, (goal, _) in GOALS.items():
        series[whose.removesuffix("'s")] = [(own[0][0], goal), (own[-1][0], goal)]
    return {
        "passing.svg": lines("NDCG@10 on ml-100k's test targets", "seconds of training, one thread", "NDCG@10", series)
    }
