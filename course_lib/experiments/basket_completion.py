"""Basket completion: half of each household's last basket is hidden, and every method says what is missing.

    python -m course_lib run basket_completion --dataset complete-journey/full --reads both --json

Seven ways of counting (models/basket_counts.py) are compared with a set transformer (models/set_transformer.py) that is
trained here, on the same baskets. Two protocols (evaluation/completion.py): all products compete, or those alone that
are new to the household. All methods are asked for the same hidden halves, so differences are paired.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.baskets import Baskets, HalfBaskets, LastBaskets, last_baskets
from course_lib.data.histories import Histories, Holdout
from course_lib.errors import CourseError
from course_lib.evaluation.completion import PROTOCOLS, Judge, allowed
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.explain.followed import shoppers_to_follow
from course_lib.models.basket_counts import METHODS, WEIGHTS, BasketCounts
from course_lib.models.set_transformer import SetTransformerConfig, SetTransformerModel
from course_lib.training.basket_loop import BasketTrainer
from course_lib.training.checkpoint import one_thread

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "reads": ("both", "both", "basket"),  # what the transformer reads: the household's earlier baskets too, or not
    "epochs": (2, 1, 30),
    "width": (64, 8, 256),
    "layers": (1, 1, 4),
    "heads": (2, 1, 8),
    "rate": (0.01, 0.0001, 0.1),  # of AdamW, at its highest
}
MEASURES = {
    "transformer": "score",  # NDCG@10 of what is hidden, all products
    "popularity": "score",
    "personal": "score",
    "confidence": "score",
    "lift": "score",
    "item_knn": "score",
    "ease": "score",
    "ease_personal": "score",
    "transformer_new": "score",  # the same among what is new to the household
    "popularity_new": "score",
    "personal_new": "score",
    "confidence_new": "score",
    "lift_new": "score",
    "item_knn_new": "score",
    "ease_new": "score",
    "ease_personal_new": "score",
    "over_ease": "difference",  # the transformer less EASE, paired
    "over_ease_personal": "difference",  # less EASE with the household's habit
    "over_ease_new": "difference",
    "lift_over_confidence": "difference",
    "parameters": "count",
    "seconds": "seconds",  # of training
    "answer_seconds": "seconds",  # of one completion by the transformer
}
ASKS = {
    "history": "items",  # the basket
    "method": (
        "transformer", "transformer", "ease", "ease-personal", "item-knn", "confidence", "lift", "personal",
        "popularity",
    ),
    "among": ("all", "all", "new"),  # to the household
    "shopper": (1, 1, 5),  # whose earlier baskets are known
    "k": (10, 1, 50),
}  # fmt: skip
TINY = {"epochs": 1, "width": 8}

COUNTS = "counts"  # folder in the run's
ASKED_AGAIN = 20  # completions that are timed

Scores = NDArray[np.floating]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Counts, then trains the transformer, measured before training and after each epoch.

    Raises CourseError where the data cannot be had, has too few baskets, or the training diverges. An interrupted run
    begins again.
    """
    one_thread()
    began = time.perf_counter()
    epochs, seed = int(config.settings["epochs"]), config.seed
    yield plan(frame=epochs + 1)
    dataset = registry.load(config.data["dataset"])
    baskets = Baskets.of(dataset)
    asked = last_baskets(baskets, dataset.address.name)
    judge = Judge.make(asked.test)
    counts = _tuned(BasketCounts.fit(baskets.take(asked.train), baskets.num_items), asked)
    counts.save(folder.path / COUNTS)
    scored = {name: _judged(judge, counts.complete(name, asked.test.shown, asked.test.earlier)) for name in METHODS}
    model = _model(config, counts)
    trainer = BasketTrainer(model, baskets, asked.train, epochs, float(config.settings["rate"]), seed)
    yield plan(step=trainer.steps, frame=epochs + 1)
    followed = _followed(asked.test)
    levels = {
        name: {one: round(float(values.mean()), 5) for one, values in own.items()} for name, own in scored.items()
    }
    seconds, ours = 0.0, {}
    for at in range(epochs + 1):
        if at:
            since = time.perf_counter()
            yield from trainer.epoch()
            seconds += time.perf_counter() - since
        ours = _judged(judge, model.complete(asked.test.shown, asked.test.earlier))
        told = {one: round(float(values.mean()), 5) for one, values in ours.items()}
        view = {"shoppers": followed, "methods": {"transformer": told, **levels}}
        yield folder.frame(at, view, model.state_dict(), epoch=float(at), methods=view["methods"], **told)
    scored["transformer"] = ours
    measures = _measures(scored)
    measures["parameters"] = exact(sum(one.numel() for one in model.parameters()))
    measures["seconds"] = exact(round(seconds, 3))
    measures["answer_seconds"] = exact(_answer_seconds(folder))
    total = round(time.perf_counter() - began, 3)
    yield result(
        measures, seconds={"total": total, "train": round(seconds, 3)}, habit=counts.habit,
        learned=len(asked.train), asked={one: len(judge.rows(one)) for one in PROTOCOLS}, products=baskets.num_items,
    )  # fmt: skip


def _judged(judge: Judge, scores: Scores) -> dict[str, NDArray[np.float64]]:
    return {one: judge.ndcg(scores, one) for one in PROTOCOLS if len(judge.rows(one))}


def _tuned(counts: BasketCounts, asked: LastBaskets) -> BasketCounts:
    """With the weight of habit that completes the validation baskets best."""
    judge, part = Judge.make(asked.validation), asked.validation
    tried = [replace(counts, habit=weight) for weight in WEIGHTS]
    means = [float(judge.ndcg(one.complete("ease-personal", part.shown, part.earlier), "all").mean()) for one in tried]
    return tried[int(np.argmax(means))]


def _model(config: RunConfig, counts: BasketCounts) -> SetTransformerModel:
    """Untrained; its biases begin at the logarithm of popularity."""
    torch.manual_seed(config.seed)
    width, layers, heads = (int(config.settings[name]) for name in ("width", "layers", "heads"))
    household = config.settings["reads"] == "both"
    model = SetTransformerModel(SetTransformerConfig(len(counts.together) - 1, width, layers, heads, household))
    with torch.no_grad():
        start = np.log(np.maximum(counts.popularity, 1 / counts.n)).astype(np.float32)
        model.bias.copy_(torch.from_numpy(start))
    return model


def _measures(scored: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> dict[str, dict[str, float]]:
    """Every method under both protocols, and the differences that the lesson speaks of."""
    ends = {"all": "", "new": "_new"}
    found = {
        name.replace("-", "_") + ends[protocol]: bootstrap(values).to_dict()
        for name, own in scored.items()
        for protocol, values in own.items()
    }
    for name, one, other, protocol in (
        ("over_ease", "transformer", "ease", "all"),
        ("over_ease_personal", "transformer", "ease-personal", "all"),
        ("over_ease_new", "transformer", "ease", "new"),
        ("lift_over_confidence", "lift", "confidence", "all"),
    ):
        if protocol in scored[one]:
            found[name] = paired_difference(scored[one][protocol], scored[other][protocol]).to_dict()
    return found


def _followed(test: HalfBaskets) -> list[dict[str, Any]]:
    """Five baskets: what is shown, what is hidden, and what the household bought before."""
    last = np.array([hidden[0] for hidden in test.hidden], np.int32)
    rows = shoppers_to_follow(Holdout(test.users.astype(np.int32), test.shown, last))
    return [
        {
            "user": int(test.users[row]),
            "history": test.shown[row].tolist(),
            "target": None,
            "hidden": test.hidden[row].tolist(),
            "earlier": {
                str(item): round(float(test.earlier[row, item]), 4) for item in np.flatnonzero(test.earlier[row])
            },
        }
        for row in rows
    ]


def _answer_seconds(folder: Folder) -> float:
    """The median time of one completion of the first followed basket, asked as a page asks."""
    artefact = open(folder.path, None)
    asked = {"history": artefact.shoppers[0]["history"], "method": "transformer", "among": "all", "shopper": 1, "k": 10}
    times = []
    for _ in range(ASKED_AGAIN):
        since = time.perf_counter()
        answer(artefact, asked)
        times.append(time.perf_counter() - since)
    return round(float(np.median(times)), 6)


# Questions


@dataclass(frozen=True)
class Artefact:
    """All methods of a run, the transformer as it was at one frame."""

    counts: BasketCounts
    model: SetTransformerModel
    shoppers: list[dict[str, Any]]


def open(folder: Path, at: int | None) -> Artefact:
    """The methods at frame ``at``, or at the end."""
    config = RunConfig.read(folder)
    counts = BasketCounts.load(folder / COUNTS)
    model = _model(config, counts)
    if at is None:
        at = max(int(path.name) for path in (folder / "frames").iterdir() if path.name.isdigit())
    model.load_state_dict(Folder(folder).weights(at))
    return Artefact(counts, model, view_at(folder, at)["shoppers"])


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What completes a basket, best first; twins in it count once, and what it holds is never offered.

    ``{"user", "list": [{"item", "score", "hidden", "share"}], "hidden": [item], "missed": [item]}``: ``hidden`` whether
    the household's real basket held it, ``share`` that of its earlier baskets with it, ``missed`` the hidden products
    that are neither listed nor in the basket asked about. Raises CourseError for products that are not known.
    """
    width = len(artefact.counts.together)
    basket = list(dict.fromkeys(int(item) for item in asked["history"]))
    if unknown := [item for item in basket if not 1 <= item < width]:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    who = artefact.shoppers[min(int(asked["shopper"]), len(artefact.shoppers)) - 1]
    earlier = np.zeros((1, width), np.float32)
    for item, share in who["earlier"].items():
        earlier[0, int(item)] = share
    shown, method = Histories.from_lists([basket]), str(asked["method"])
    if method == "transformer":
        scores: Scores = artefact.model.complete(shown, earlier)
    else:
        scores = artefact.counts.complete(method, shown, earlier)
    scores = allowed(scores, earlier > 0, str(asked["among"]))[0]
    order = [int(item) for item in np.argsort(-scores, kind="stable")[: int(asked["k"])] if np.isfinite(scores[item])]
    hidden = set(who["hidden"])
    listed = [
        {
            "item": item, "score": round(float(scores[item]), 5), "hidden": item in hidden,
            "share": round(float(earlier[0, item]), 4),
        }
        for item in order
    ]  # fmt: skip
    missed = [item for item in who["hidden"] if item not in order and item not in basket]
    return {"user": who["user"], "list": listed, "hidden": list(who["hidden"]), "missed": missed}
