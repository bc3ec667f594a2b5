"""Next item: one model learns what is bought next, and is drawn against counting and the oracle.

Leave-one-out: the last purchase of each shopper is asked for, after training on everything before the last two (Kang &
McAuley, Self-Attentive Sequential Recommendation, ICDM 2018). Every target competes with the whole catalogue.

    python -m course_lib run next_item --model sasrec --width 48 --json
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import bootstrap, bootstrap_ratio, paired_difference
from course_lib.evaluation.metrics import all_metrics
from course_lib.evaluation.protocol import Evaluation, evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.explain.followed import Followed
from course_lib.explain.reading import read_history
from course_lib.models.base import model_class, untrained
from course_lib.models.catalogue import model_card
from course_lib.training.checkpoint import load_checkpoint, one_thread, remove_checkpoint, save_checkpoint
from course_lib.training.loop import Trainer
from course_lib.training.references import BASELINES, BOUNDS, ELSEWHERE, References, references

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {
    "shoppers": (0, 0, 100_000_000),  # how many shoppers it learns from, the first ones; 0: all
}
MEASURES = {
    "ndcg@10": "score",
    "hr@10": "score",
    "mrr@10": "score",
    "recall@10": "score",
    "precision@10": "score",
    "map@10": "score",
    "over_popularity": "difference",  # NDCG@10 less that of popularity, the same shoppers asked
    "over_item_knn": "difference",
    "over_markov": "difference",
    "over_personal_frequency": "difference",  # not on the simulated shop
    "over_ease": "difference",  # as well, and not where the catalogue is too large for it
    "share_of_filtered_oracle": "share",  # NDCG@10 divided by that of the best possible list
    "share_of_known_oracle": "share",
    "shuffle_cost": "share",  # NDCG@10 lost when each history is read in random order
    "loss": "nats",  # mean -log p of the test targets; only a model that gives probabilities has one
    "parameters": "count",
    "examples": "count",  # purchases that it learned to expect, or counted; each once, however many epochs
    "seconds": "seconds",  # of training, evaluation left out
}
ASKS = {"history": "items", "k": (10, 1, 100)}
TINY = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2}

METRIC = "ndcg@10"  # comparisons are made in this one
METRICS = ("ndcg@10", "hr@10", "mrr@10", "recall@10", "precision@10", "map@10")
SCORED = 1000  # validation targets scored at each frame, which must cost little; the result uses all test targets
EARLY = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4)  # of the first epoch: frames stand close while a model learns most
LATER = (1 / 3, 2 / 3)  # of each further epoch
SHORT_RUN = 8  # epochs up to which there are frames within an epoch at all; a longer run is seen to move by its epochs
FINISHED = "model"  # the finished model's folder


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains, or counts, the chosen model. Goes on from the folder's checkpoint if there is one.

    Raises CourseError where the data cannot be had or the training diverges.
    """
    one_thread()
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    few = int(config.settings["shoppers"])
    train = split.train.take(np.arange(min(few, len(split.train)))) if few else split.train
    kind = _train if model_card(str(config.settings["model"])).neural else _count
    yield from kind(config, folder, dataset, split, train)


def open(folder: Path, at: int | None) -> Any:
    """The finished model of a run, or the model as it was at frame ``at``."""
    config = RunConfig.read(folder)
    kind = model_class(str(config.settings["model"]))
    if at is None or not model_card(str(config.settings["model"])).neural:
        return kind.load(folder / FINISHED)
    num_items = len(registry.load_items(config.data["dataset"]))
    model = build(config, num_items)
    model.load_state_dict(Folder(folder).weights(at))
    return model


def answer(artefact: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The list that follows a history and where the model's attention goes; see explain/reading.py."""
    return read_history(artefact, asked["history"], asked["k"])


def build(config: RunConfig, num_items: int) -> Any:
    """An untrained neural model; its weights depend on the seed alone."""
    return untrained(str(config.settings["model"]), num_items, _own(config), config.seed)


def _own(config: RunConfig) -> dict[str, Any]:
    """The settings of the model itself."""
    return {name: config.settings[name] for name in model_card(str(config.settings["model"])).settings}


def size(config: RunConfig) -> dict[str, int]:
    """How many parameters the model has, counted on tensors without content; a counted model is known once counted."""
    if not model_card(str(config.settings["model"])).neural:
        return {"parameters": 0}
    with torch.device("meta"):
        net = build(config, len(registry.load_items(config.data["dataset"])))
    return {"parameters": sum(p.numel() for p in net.parameters())}


def frame_steps(steps_per_epoch: int, epochs: int, open_end: bool = False) -> list[int]:
    """The training steps after which a frame is kept, 0 and the end of each epoch among them.

    Of a run that may be made longer (``open_end``) those of the first epochs are the same however many there are.

    >>> frame_steps(16, 2)
    [0, 1, 2, 4, 8, 12, 16, 21, 27, 32]
    >>> frame_steps(16, 2, open_end=True)
    [0, 1, 2, 4, 8, 12, 16, 32]
    """
    steps = {0}
    for epoch in range(epochs):
        parts = (EARLY if epoch == 0 else LATER) if epochs <= SHORT_RUN else ()
        if open_end:
            parts = EARLY if epoch == 0 else ()
        steps |= {round((epoch + part) * steps_per_epoch) for part in parts}
        steps.add((epoch + 1) * steps_per_epoch)
    return sorted(steps)


def _train(config: RunConfig, folder: Folder, dataset: Dataset, split: Split, train: Histories) -> Iterator[Event]:
    began = time.perf_counter()
    settings = config.settings
    net = build(config, dataset.num_items)
    trainer = Trainer(net, train, settings, config.seed)
    watch = _Watch(trainer, folder, split)
    epochs, patience = int(settings["epochs"]), int(settings["patience"])
    parameters = sum(p.numel() for p in net.parameters())
    late = {"test": ("score", len(split.test) / len(watch.asked))}
    yield plan(late, step=trainer.steps, score=len(watch.steps), frame=len(watch.steps), test=2)
    yield _prepared(dataset, train, parameters, trainer.targets * epochs, len(watch.asked), began)
    lines = references(dataset, split)
    yield {"kind": "references", **lines.scores("validation", watch.rows)}

    if load_checkpoint(folder.path, trainer):
        yield watch.resume()
    # A resumed run tells of its last epoch again: it may have been stopped between the checkpoint and the telling.
    yield from watch.look()
    while trainer.progress.epoch < epochs and not trainer.progress.is_enough(patience):
        for event in trainer.epoch(watch.steps):
            if event["kind"] != "pause":
                yield event
            elif event["step"] % trainer.steps_per_epoch:  # the end of an epoch is looked at after its checkpoint
                yield from watch.look(event["loss"])
        save_checkpoint(folder.path, trainer)
        yield {"kind": "checkpoint", "at": trainer.progress.epoch}
        yield from watch.look()
    if trainer.average is not None:
        trainer.average.settle()
    trained = kept = trainer.progress.epoch
    if patience:
        kept = trainer.progress.best
        at = watch.steps.index(kept * trainer.steps_per_epoch)
        net.load_state_dict(folder.weights(at))
        yield {"kind": "kept", "frame": at, "epoch": kept, "trained": trained, "epochs": epochs, "patience": patience}
        looks = watch.steps.index(trainer.progress.step) + 1
        yield plan(late, step=trainer.progress.step, score=looks, frame=looks, test=2)  # nothing more is trained
    measures = yield from _test(net, split, lines)
    _keep(net, folder, split.test)
    if trainer.average is None:  # with one the training can be made longer, from where it is
        remove_checkpoint(folder.path)
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(trainer.progress.seconds, 3)}
    measures["examples"] = exact(trainer.targets)
    yield _result(measures, lines, parameters, seconds, trained, kept)


def _count(config: RunConfig, folder: Folder, dataset: Dataset, split: Split, train: Histories) -> Iterator[Event]:
    began = time.perf_counter()
    rows = _some(len(split.validation), SCORED)
    counting = time.perf_counter()
    counted = model_class(str(config.settings["model"])).fit(train, dataset.num_items, _own(config), config.seed)
    counting = time.perf_counter() - counting
    yield plan(score=1, frame=1, test=2)
    yield _prepared(dataset, train, counted.parameters, len(train.items), len(rows), began)
    lines = references(dataset, split)
    yield {"kind": "references", **lines.scores("validation", rows)}
    _keep(counted, folder, split.test)
    scored = evaluate(counted.score, split.validation.take(rows))
    when = {"epoch": 0.0, "step": 0}
    yield {"kind": "score", "at": 0, **when, "loss": None, "metrics": scored.metrics, "seconds": round(counting, 3)}
    yield folder.frame(0, Followed(counted, split.test).view(), None, **when)
    measures = yield from _test(counted, split, lines)
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(counting, 3)}
    measures["examples"] = exact(len(train.items))
    yield _result(measures, lines, counted.parameters, seconds, 0, 0)


def _prepared(dataset: Dataset, train: Histories, parameters: int, targets: int, asked: int, began: float) -> Event:
    return {
        "kind": "prepared",
        "targets": targets,
        "users": len(train),
        "items": dataset.num_items,
        "parameters": parameters,
        "eval_users": asked,
        "seconds": round(time.perf_counter() - began, 3),
    }


def _result(
    measures: Mapping[str, Mapping[str, float]],
    lines: References,
    parameters: int,
    seconds: Mapping[str, float],
    trained: int,
    kept: int,
) -> Event:
    exactly = {"parameters": exact(parameters), "seconds": exact(seconds["train"])}
    metrics = {name: measures[name] for name in METRICS}
    return result(
        {**measures, **exactly}, metrics=metrics, **lines.scores("test"), oracle_loss=lines.losses("test"),
        parameters=parameters, seconds=dict(seconds), epochs=trained, kept_epoch=kept,
    )  # fmt: skip


def _keep(model: Any, folder: Folder, test: Holdout) -> None:
    """The finished model, and what it recommends to the shoppers who are followed."""
    model.save(folder.path / FINISHED)
    asked = [{"history": history, "k": 10} for _, history, _ in Followed(model, test).shoppers]
    folder.keep_answers([(one, answer(model, one)) for one in asked])


class _Watch:
    """Scores and keeps a model as it is now, at each of the steps in ``steps``."""

    def __init__(self, trainer: Trainer, folder: Folder, split: Split) -> None:
        self.trainer, self.folder = trainer, folder
        self.steps = frame_steps(trainer.steps_per_epoch, int(trainer.settings["epochs"]), trainer.average is not None)
        self.rows = _some(len(split.validation), SCORED)
        self.asked = split.validation.take(self.rows)
        self.followed = Followed(trainer.model, split.test)

    def resume(self) -> Event:
        """Goes on where the checkpoint is: what stood before it stays."""
        step = self.trainer.progress.step
        before = self.steps.index(step) - 1
        if before >= 0:
            self.followed.resume(self.folder.view(before))
        kept = {"step": step, "score": before, "frame": before}
        return {"kind": "resumed", "epoch": self.trainer.progress.epoch, "keep": kept}

    def look(self, loss: float | None = None) -> Iterator[Event]:
        """The score on some validation targets, and the frame; ``loss`` is that since the look before."""
        progress = self.trainer.progress
        at, ended = self.steps.index(progress.step), progress.step % self.trainer.steps_per_epoch == 0
        when = {"epoch": round(progress.step / self.trainer.steps_per_epoch, 4), "step": progress.step}
        with self.trainer.shown():
            scored = evaluate(self.trainer.model.score, self.asked)
            frame = self.folder.frame(at, self.followed.view(), self.trainer.model.state_dict(), **when)
        if ended:
            progress.scores.append(scored.metrics[METRIC]["value"])
            loss = round(progress.losses[-1], 5) if progress.losses else None
        yield {
            "kind": "score", "at": at, **when, "loss": loss, "metrics": scored.metrics,
            "seconds": round(progress.seconds, 3),
        }  # fmt: skip
        yield frame


def _test(model: Any, split: Split, lines: References) -> Generator[Event, None, dict[str, Mapping[str, float]]]:
    """What every result says of the test targets, the model intact and with shuffled histories."""
    test = evaluate(model.score, split.test)
    yield {"kind": "test", "at": 1}
    shuffled = evaluate(model.score, shuffle(split.test))
    yield {"kind": "test", "at": 2}
    own = test.per_row()[METRIC]
    measures: dict[str, Mapping[str, float]] = dict(test.metrics)
    counted = [name for name in (*BASELINES, *ELSEWHERE) if name in lines.test]
    ranks = {name: lines.test[name].to_numpy() for name in (*counted, *BOUNDS) if name in lines.test}
    rows = {name: all_metrics(some, k=test.k)[METRIC] for name, some in ranks.items()}
    for name in counted:
        measures[f"over_{name.replace('-', '_')}"] = paired_difference(own, rows[name]).to_dict()
    for name in BOUNDS:
        if name in rows and rows[name].any():
            measures[f"share_of_{name}_oracle"] = bootstrap_ratio(own[:, None], rows[name][:, None]).to_dict()
    measures["shuffle_cost"] = _shuffle_cost(test, shuffled)
    if isinstance(model, torch.nn.Module):
        measures["loss"] = bootstrap(-test.scores.astype(np.float32).round(4)).to_dict()
    return measures


def shuffle(holdout: Holdout) -> Holdout:
    """The same histories, each in random order, the same one each time."""
    rng = np.random.default_rng(0)
    histories = holdout.histories
    order = np.lexsort((rng.random(len(histories.items)), np.repeat(np.arange(len(histories)), histories.lengths)))
    return Holdout(holdout.users, Histories(histories.items[order], histories.offsets), holdout.targets)


def _shuffle_cost(intact: Evaluation, shuffled: Evaluation) -> dict[str, float]:
    """The share of NDCG@10 that is lost: (intact - shuffled) / intact."""
    lost = paired_difference(intact.per_row()[METRIC], shuffled.per_row()[METRIC]).to_dict()
    whole = max(intact.metrics[METRIC]["value"], 1e-9)
    return {name: value / whole for name, value in lost.items()}


def _some(total: int, wanted: int) -> NDArray[np.int64]:
    """``wanted`` of ``total`` rows, the same ones each time, in order."""
    return np.sort(np.random.default_rng(0).permutation(total)[:wanted])


def warm_up() -> None:
    """What is slow the first time in a process: torch, one optimiser step, the default data and its reference lines."""
    one_thread()
    dataset = registry.load(registry.resolve("shop"))
    split = leave_one_out(dataset)
    references(dataset, split)
    config = RunConfig.make(settings={"width": 8, "layers": 1, "heads": 1, "history_length": 4, "batch_size": 8})
    few: Sequence[Sequence[int]] = [[1, 2, 3], [2, 3, 4]]
    for _ in Trainer(build(config, dataset.num_items), Histories.from_lists(few), config.settings, seed=0).epoch():
        pass
