"""How far the recipe from the data carries: what 30 seconds reach beside 300, and beside the best counted model.

    python -m benchmarks recipe           small data, half an hour on one core; with --full large data too, hours

Real data: ml-100k from RecBole's wheel, Complete Journey, and whichever of RETAIL and MOVIES somebody has added to the
benchmark's home (`data add`). The shop in its sizes. Made-up shops (:func:`made`), in which what comes next follows
taste, popularity and, with a known chance, the product before. Seconds are the processor's, on one thread: training and
the scores on the way, which is what the budget is for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers.data import ml_100k
from benchmarks.peers.environments import MissingError
from benchmarks.table import Row, above, below, number
from benchmarks.training import trainer_of
from course_lib.data.columns import Columns
from course_lib.data.counts import Counts
from course_lib.data.dataset import Address, Dataset
from course_lib.data.registry import load, resolve
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.protocol import evaluate
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_card
from course_lib.training.recipe import BUDGET_S, Recipe, recipe
from course_lib.training.references import COUNTED, EASE_ITEMS, ELSEWHERE
from course_lib.training.settings import SETTINGS as TRAINING

PART = "recipe"
MODEL, METRIC = "sasrec", "ndcg@10"
TIMES = 10
GOAL_SHARE, GOAL_S = 0.9, 60.0
SCORED = 1000  # validation targets after each epoch, as the experiment takes
RETAIL, MOVIES = "online-retail", "movielens-small"
# By name: rows, shoppers, products, and the chance that a product follows from the one before
SHOPS = {
    "200 rows": (200, 40, 60, 0.4),
    "200 rows without order": (200, 60, 100, 0.0),
    "2,000 rows": (2_000, 300, 200, 0.3),
    "20,000 rows": (20_000, 2_000, 1_000, 0.3),
    "20,000 rows without order": (20_000, 4_000, 2_000, 0.0),
    "200,000 rows": (200_000, 20_000, 5_000, 0.3),
}
LARGE = {"a million rows": (1_000_000, 60_000, 30_000, 0.3)}


def made(rows: int, shoppers: int, products: int, order: float, seed: int = 0) -> Dataset:
    """A made-up shop of about ``rows`` rows: tastes in three categories each, popularity by Zipf's law, some order."""
    rng = np.random.default_rng(seed)
    lengths = np.maximum(1, rng.negative_binomial(2, 2 / (2 + rows / shoppers), shoppers))
    kinds = max(2, int(products**0.5))
    kind = rng.integers(0, kinds, products)
    popular = (1 / np.arange(1, products + 1) ** 0.8)[rng.permutation(products)]
    members = [found if len(found := np.flatnonzero(kind == one)) else np.array([0]) for one in range(kinds)]
    until = [np.cumsum(popular[one]) / popular[one].sum() for one in members]
    follows = rng.integers(0, products, (products, 3))
    users, items = np.repeat(np.arange(shoppers), lengths), np.empty(int(lengths.sum()), np.int64)
    first = np.concatenate([[True], users[1:] != users[:-1]])
    taste, which = rng.integers(0, kinds, (shoppers, 3)), rng.integers(0, 3, len(items))
    ordered, liked, point = rng.random(len(items)) < order, rng.random(len(items)) < 0.7, rng.random(len(items))
    for row in range(len(items)):
        if ordered[row] and not first[row]:
            items[row] = follows[items[row - 1], which[row]]
        elif liked[row]:
            one = taste[users[row], which[row]]
            items[row] = members[one][min(np.searchsorted(until[one], point[row]), len(members[one]) - 1)]
        else:
            items[row] = int(point[row] * products)
    items = np.unique(items, return_inverse=True)[1]
    events = pd.DataFrame(
        {
            Columns.USER: users.astype(np.int32),
            Columns.ITEM: items.astype(np.int32) + np.int32(1),
            Columns.TIME: np.arange(len(items), dtype=np.int64),
            Columns.BASKET: np.arange(len(items), dtype=np.int64),
        }
    )
    catalogue = pd.DataFrame({Columns.ITEM: np.arange(1, int(items.max()) + 2)})
    return Dataset(Address("made-up", str(rows), f"{seed:012x}"), events, catalogue)


def tasks(full: bool) -> Iterator[tuple[str, Callable[[], Dataset]]]:
    """Each dataset's name and how to have it."""
    yield "ml-100k", ml_100k
    for name in (MOVIES, RETAIL):
        yield name, lambda name=name: load(resolve(name))  # type: ignore[misc]
    for name, size in (("complete-journey", "small"), ("shop", "tiny"), ("shop", "small")):
        yield f"{name}, {size}", lambda name=name, size=size: load(resolve(name, size))  # type: ignore[misc]
    if full:
        yield "shop, large", lambda: load(resolve("shop", "large"))
    for name, shape in (SHOPS | (LARGE if full else {})).items():
        yield f"made up, {name}", lambda shape=shape: made(*shape)  # type: ignore[misc]


def measure(full: bool = False) -> list[Row]:
    """Three rows a dataset; one that says so where a dataset is not to be had."""
    rows: list[Row] = []
    for name, get in tasks(full):
        try:
            rows += of_one(name, get())
        except (CourseError, MissingError) as problem:
            rows.append(Row(PART, name, "–", note=str(problem)))
    return rows


def of_one(name: str, dataset: Dataset) -> list[Row]:
    """The rows of one dataset."""
    split = leave_one_out(dataset)
    baskets = int(dataset.events[Columns.BASKET].nunique())
    counts = Counts(dataset.num_users, dataset.num_items, len(dataset.events), baskets)
    counted: dict[str, float] = {}
    for model in (*COUNTED, *ELSEWHERE):
        if model != "ease" or dataset.num_items <= EASE_ITEMS:
            settings = check_settings(model, model_card(model).settings, {})
            fitted = model_class(model).fit(split.train, dataset.num_items, settings, 0)
            counted[model] = float(evaluate(fitted.score, split.test).metrics[METRIC]["value"])
    best = max(counted, key=lambda model: counted[model])
    short, long = (trained(dataset, split, recipe(counts, MODEL, times * BUDGET_S)) for times in (1, TIMES))
    goal = counted[best] if long["score"] >= counted[best] else 0.0
    note = (
        f"{short['score']:.4f} in {number(short['seconds'])} s and {short['epochs']} epochs, {long['score']:.4f} in "
        f"{number(long['seconds'])} s; {best} {counted[best]:.4f}; {dict(short['settings'])}"
    )
    raw = {"short": short, "long": long, "counted": counted}
    share = short["score"] / max(long["score"], 1e-9)
    return [
        above(PART, f"{name}: share of ten times its budget", share, GOAL_SHARE, note=note, raw=raw),
        above(PART, f"{name}: NDCG@10, the best counted model's where more time passes it", short["score"], goal),
        below(PART, f"{name}: seconds of the processor", short["seconds"], GOAL_S),
    ]


def trained(dataset: Dataset, split: Any, found: Recipe, seed: int = 1) -> Mapping[str, Any]:
    """A training by a recipe, as the experiment does it: NDCG@10 of the test targets by the best epoch's weights."""
    own = {name: found.settings[name] for name in model_card(MODEL).settings if name in found.settings}
    loop = {name: found.settings[name] for name in TRAINING if name in found.settings}
    few = int(found.settings.get("shoppers", 0))
    train = split.train.take(np.arange(min(few, len(split.train)))) if few else split.train
    began = time.process_time()
    trainer = trainer_of(MODEL, dataset.num_items, train, own, loop, seed)
    rows = np.sort(np.random.default_rng(0).permutation(len(split.validation))[:SCORED])
    asked, kept = split.validation.take(rows), {}
    state = trainer.progress
    while state.epoch < found.epochs and not (state.scores and state.is_enough(int(loop["patience"]))):
        for _ in trainer.epoch():
            pass
        with trainer.shown():
            state.scores.append(float(evaluate(trainer.model.score, asked).metrics[METRIC]["value"]))
            if state.best == len(state.scores) - 1:
                kept = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    seconds = time.process_time() - began
    trainer.model.load_state_dict(kept)
    score = float(evaluate(trainer.model.score, split.test).metrics[METRIC]["value"])
    return {"score": score, "seconds": seconds, "epochs": state.epoch, "settings": dict(found.settings)}
