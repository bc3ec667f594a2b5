"""Explanations: eight answers to "because of which purchase?" for one model, and whether they are true.

    python -m course_lib run explanations --model sasrec --json

A model is trained as in next_item. For each of some test shoppers its first recommendation is explained in the ways of
explain/attributions.py, and every answer is put to the test: the named products are taken away, or all others are, and
the model is asked again. What is lost is measured in nats of log p. ``idle`` is an answer whose named product can go
for less than IDLE nats: as a reason it is untrue. Leave-one-out names what a single deletion costs most, so it must win
that test; it is judged by keeping two and by deleting three.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_lib.data import registry
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.shoppers import followed
from course_lib.explain import attributions as ways
from course_lib.models.base import untrained
from course_lib.models.catalogue import model_card
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {
    "shoppers": (6000, 0, 100_000_000),  # how many it learns from, the first ones; 0: all
    "explained": (120, 2, 2000),  # test shoppers whose recommendations are explained
}
MEASURES = {
    "delete_attention": "nats",  # lost without the product that is named first
    "delete_leave_one_out": "nats",
    "delete_recent": "nats",
    "recent_over_attention": "difference",  # the same shoppers: lost without the newest less without attention's first
    "keep_recent": "nats",  # lost where only the first two are kept
    "keep_leave_one_out": "nats",
    "idle_attention": "share",  # shoppers for whom the named product hardly matters
    "idle_recent": "share",
    "gap_zero": "share",  # by which integrated gradients miss their sum, of that sum
    "gap_mean": "share",
    "ndcg@10": "score",
    "parameters": "count",
    "seconds": "seconds",  # of training
}
ASKS = {
    "history": "items",
    "k": (10, 1, 100),
    "way": (
        "attention", "attention", "rollout", "gradient", "integrated_zero", "integrated_mean", "leave_one_out",
        "recent", "random",
    ),
    "named": (1, 1, 5),  # how many products it names
    "place": (1, 1, 10),  # of the list: which recommendation is explained
}  # fmt: skip
TINY = {
    "model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2, "shoppers": 0,
    "explained": 12,
}  # fmt: skip

TESTS = {"delete_1": 1, "delete_3": 3, "keep_2": 2}
IDLE = 0.05  # nats
SHORTEST = 5  # purchases of a history that is explained in the test, where there are such
ON_THE_WAY = 24  # shoppers explained at a frame before the last
ASKED = 2000  # test targets of the score, at most
FINISHED = "model"


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains the model and explains it after each epoch.

    Raises CourseError for a model that is counted, or whose training diverges. It takes seconds, so a run that was
    interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    card = model_card(str(config.settings["model"]))
    if not card.neural:
        raise CourseError("no_gradient_of_products")
    epochs, few = int(config.settings["epochs"]), int(config.settings["shoppers"])
    yield plan(frame=epochs + 1)
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    train = split.train.take(np.arange(min(few, len(split.train)))) if few else split.train
    model = _build(config, dataset.num_items)
    trainer = Trainer(model, train, config.settings, config.seed)
    yield plan(step=trainer.steps, frame=epochs + 1)
    people = followed(split.test, int(config.settings["history_length"]))
    chosen = explained(split.test, int(config.settings["explained"]), config.seed)
    for epoch in range(epochs + 1):
        if epoch:
            yield from trainer.epoch()
        last = epoch == epochs
        if last and trainer.average is not None:
            trainer.average.settle()
        with trainer.shown():
            judged = Judged.make(model, chosen if last else chosen.take(np.arange(min(ON_THE_WAY, len(chosen)))))
            table = judged.table()
            yield folder.frame(
                epoch, {"shoppers": people, "faithful": table}, model.state_dict(), epoch=float(epoch), faithful=table
            )
    model.save(folder.path / FINISHED)
    test = evaluate(model.score, split.test.take(np.arange(min(ASKED, len(split.test)))))
    trained = round(trainer.progress.seconds, 3)
    measures = {
        **judged.measures(),
        "ndcg@10": dict(test.metrics["ndcg@10"]),
        "parameters": exact(sum(one.numel() for one in model.parameters())),
        "seconds": exact(trained),
    }
    seconds = {"total": round(time.perf_counter() - began, 3), "train": trained}
    yield result(measures, faithful=judged.table(), explained=len(chosen), seconds=seconds)


def explained(test: Holdout, count: int, seed: int) -> Holdout:
    """Test shoppers drawn at random, with long enough histories where there are any."""
    long = np.flatnonzero(test.histories.lengths >= SHORTEST)
    rows = long if len(long) else np.flatnonzero(test.histories.lengths > 0)
    return test.take(np.sort(np.random.default_rng([seed, 5]).permutation(rows)[:count]))


def _build(config: RunConfig, num_items: int) -> Any:
    card = model_card(str(config.settings["model"]))
    return untrained(card.name, num_items, {name: config.settings[name] for name in card.settings}, config.seed)


@dataclass(frozen=True)
class Judged:
    """What each way's answers cost, shopper by shopper."""

    lost: Mapping[str, Mapping[str, Sequence[float]]]  # by way and test, (N,)
    gaps: Mapping[str, Sequence[float]]  # by baseline, (N,)

    @classmethod
    def make(cls, model: Any, test: Holdout) -> Judged:
        """Explains the first recommendation of each shopper of ``test``."""
        model.eval()
        lost: dict[str, dict[str, list[float]]] = {}
        gaps: dict[str, list[float]] = {"zero": [], "mean": []}
        length = int(model.config.history_length)
        for history in test.histories:
            window = history[-length:].tolist()
            product = int(model.score(Histories.from_lists([window]))[0].argmax())
            found = ways.attributions(model, window, product)
            for way, by_test in ways.faithful(model, window, product, found, TESTS).items():
                for name, value in by_test.items():
                    lost.setdefault(way, {}).setdefault(name, []).append(value)
            for name, own in gaps.items():
                baseline = torch.zeros(model.item.weight.shape[1]) if name == "zero" else ways.mean_vector(model)
                wanted = ways.log_range(model, window, product, baseline)
                own.append(abs(float(found[f"integrated_{name}"].sum()) - wanted) / max(abs(wanted), 0.01))
        return cls(lost, gaps)

    def table(self) -> dict[str, dict[str, dict[str, float]]]:
        """``{way: {test: {"value", "low", "high"}, "idle": ...}}``."""
        return {
            way: {
                **{name: bootstrap(values).to_dict() for name, values in by_test.items()},
                "idle": bootstrap([float(value < IDLE) for value in by_test["delete_1"]]).to_dict(),
            }
            for way, by_test in self.lost.items()
        }

    def measures(self) -> dict[str, dict[str, float]]:
        """Those of MEASURES that explanations have; without those of attention for a model that has none."""
        table = self.table()
        found = {
            "delete_leave_one_out": table["leave_one_out"]["delete_1"],
            "delete_recent": table["recent"]["delete_1"],
            "keep_recent": table["recent"]["keep_2"],
            "keep_leave_one_out": table["leave_one_out"]["keep_2"],
            "idle_recent": table["recent"]["idle"],
            **{f"gap_{name}": bootstrap(values).to_dict() for name, values in self.gaps.items()},
        }
        if "attention" in table:
            by_hand, own = self.lost["recent"]["delete_1"], self.lost["attention"]["delete_1"]
            found |= {
                "delete_attention": table["attention"]["delete_1"],
                "idle_attention": table["attention"]["idle"],
                "recent_over_attention": paired_difference(by_hand, own).to_dict(),
            }
        return found


# Questions


def open(folder: Path, at: int | None) -> Any:
    """The finished model of a run, or the model as it was at frame ``at``."""
    config = RunConfig.read(folder)
    model = _build(config, len(registry.load_items(config.data["dataset"])))
    if at is None:
        return type(model).load(folder / FINISHED)
    model.load_state_dict(Folder(folder).weights(at))
    return model


def answer(model: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A history's list, one of its recommendations explained in all ways, and one way's reason put to the test.

    ``{"list": [{"item", "p"}], "way", "explained", "window", "ways": {way: [share of each place]}, "lost": [nats lost
    without each place], "named": [place], "p", "p_without", "p_only", "lost_nats", "true"}``. Shares are the absolute
    numbers of a way divided by their sum. Without a history nothing is explained: ``window`` is empty.
    Raises CourseError for products that are not known, and for a way that the model does not have.
    """
    history = [int(one) for one in asked["history"]]
    unknown = [item for item in history if not 1 <= item <= model.num_items]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    way, count = str(asked["way"]), int(asked["named"])
    window = history[-int(model.config.history_length) :]
    scores = model.score(Histories.from_lists([window]))[0]
    best = np.argsort(-scores, kind="stable")[: min(int(asked["k"]), model.num_items)]
    listed = [{"item": int(one), "p": _probability(scores[one])} for one in best]
    product = int(best[min(int(asked["place"]), len(best)) - 1])
    told: dict[str, Any] = {"list": listed, "way": way, "explained": product, "window": window, "ways": {}, "lost": []}
    if not window:
        return told
    found = ways.attributions(model, window, product)
    if way not in found:
        raise CourseError("no_attention", way=way)
    named = ways.ranked(found[way])[:count].tolist()
    rest = [item for n, item in enumerate(window) if n not in named]
    whole, without, only = ways.log_probability(model, [window, rest, [window[n] for n in sorted(named)]], product)
    return told | {
        "ways": {name: _shares(values) for name, values in found.items()},
        "lost": [round(float(one), 4) for one in found["leave_one_out"]],
        "named": named,
        "p": _probability(whole),
        "p_without": _probability(without),
        "p_only": _probability(only),
        "lost_nats": round(float(whole - without), 4),
        "true": bool(whole - without >= IDLE),
    }


def _probability(score: float) -> float:
    return float(f"{np.exp(float(score)):.4g}")


def _shares(values: ways.Scores) -> list[float]:
    sizes = np.abs(values)
    return [round(float(one), 4) for one in sizes / max(float(sizes.sum()), 1e-12)]
