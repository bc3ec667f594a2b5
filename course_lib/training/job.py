"""One run from its configuration to its result, as a stream of events. Used by the workers and the command line.

    for event in perform(address, "sasrec", settings, training, seed=1, folder=folder):
        ...   # prepared, references, epoch, snapshot, step, ..., result; see course_lib/runs

Close the generator to stop. It resumes from the folder's checkpoint if there is one.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.dataset import Address
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.protocol import Evaluation, evaluate
from course_lib.models.base import model_class
from course_lib.models.catalogue import model_card
from course_lib.training.checkpoint import load_checkpoint, one_thread, remove_checkpoint, save_checkpoint
from course_lib.training.loop import Trainer
from course_lib.training.references import References, references
from course_lib.training.snapshots import Snapshots, shoppers_to_follow

Event = dict[str, Any]
EPOCH_TARGETS = 2000  # validation targets scored after each epoch; the result uses all test targets


def perform(
    address: Address, model: str, settings: Mapping[str, Any], training: Mapping[str, Any], seed: int, folder: Path
) -> Generator[Event, None, None]:
    """Trains ``model`` and writes snapshots, checkpoint and the finished model into ``folder``; the last event is the
    result. A counted model has no epochs: only "prepared", "references" and "result" are told, and it takes no
    ``training``. Raises CourseError where the data cannot be had or the training diverges."""
    one_thread()
    kind = _train if model_card(model).neural else _count
    yield from kind(address, model, settings, training, seed, folder)


def _train(
    address: Address, model: str, settings: Mapping[str, Any], training: Mapping[str, Any], seed: int, folder: Path
) -> Generator[Event, None, None]:
    began = time.perf_counter()
    dataset = registry.load(address)
    split = leave_one_out(dataset)
    net = build(model, dataset.num_items, settings, seed)
    trainer = Trainer(net, split.train, training, seed)
    rows = _some(len(split.validation), EPOCH_TARGETS)
    asked = split.validation.take(rows)
    parameters = sum(p.numel() for p in net.parameters())
    yield {
        "kind": "prepared",
        "epochs": int(training["epochs"]),
        "steps": trainer.steps,
        "targets": trainer.targets * int(training["epochs"]),
        "users": dataset.num_users,
        "items": dataset.num_items,
        "parameters": parameters,
        "eval_users": len(asked),
        "seconds": round(time.perf_counter() - began, 3),
    }
    lines = references(dataset, split)
    yield {"kind": "references", **lines.scores("validation", rows)}

    snapshots = Snapshots(folder, net, split.test, shoppers_to_follow(split.test))
    if load_checkpoint(folder, trainer):
        snapshots.resume(trainer.progress.epoch - 1)
        yield {"kind": "resumed", "epoch": trainer.progress.epoch}
    # A resumed run tells of its last epoch again: it may have been stopped between the checkpoint and the telling.
    yield from _end_of_epoch(trainer, asked, snapshots)
    epochs, patience = int(training["epochs"]), int(trainer.settings["patience"])
    while trainer.progress.epoch < epochs and not trainer.progress.is_enough(patience):
        yield from trainer.epoch()
        save_checkpoint(folder, trainer)
        yield from _end_of_epoch(trainer, asked, snapshots)
    kept = trained = trainer.progress.epoch
    if patience:
        kept = trainer.progress.best
        snapshots.restore(kept)
        yield {"kind": "kept", "epoch": kept, "trained": trained, "epochs": epochs, "patience": patience}

    scores = _test(net, split, lines)
    net.save(folder / "model")
    remove_checkpoint(folder)
    yield {
        "kind": "result",
        "dataset": address.name,
        "model": model,
        "seed": seed,
        "parameters": parameters,
        "seconds": {
            "total": round(time.perf_counter() - began, 3),
            "train": round(trainer.progress.seconds, 3),
        },
        **scores,
        "epochs": trained,
        "kept_epoch": kept,
    }


def _count(
    address: Address, model: str, settings: Mapping[str, Any], training: Mapping[str, Any], seed: int, folder: Path
) -> Generator[Event, None, None]:
    began = time.perf_counter()
    dataset = registry.load(address)
    split = leave_one_out(dataset)
    rows = _some(len(split.validation), EPOCH_TARGETS)
    counting = time.perf_counter()
    counted = model_class(model).fit(split.train, dataset.num_items, dict(settings), seed)
    counting = time.perf_counter() - counting
    yield {
        "kind": "prepared",
        "epochs": 0,
        "steps": 0,
        "targets": len(split.train.items),
        "users": dataset.num_users,
        "items": dataset.num_items,
        "parameters": counted.parameters,
        "eval_users": len(rows),
        "seconds": round(time.perf_counter() - began, 3),
    }
    lines = references(dataset, split)
    yield {"kind": "references", **lines.scores("validation", rows)}
    scores = _test(counted, split, lines)
    counted.save(folder / "model")
    yield {
        "kind": "result",
        "dataset": address.name,
        "model": model,
        "seed": seed,
        "parameters": counted.parameters,
        "seconds": {"total": round(time.perf_counter() - began, 3), "train": round(counting, 3)},
        **scores,
        "epochs": 0,
        "kept_epoch": 0,
    }


def _test(model: Any, split: Split, lines: References) -> dict[str, Any]:
    """What every result says of the test targets: the model, the lines it is drawn against, what order is worth."""
    test = evaluate(model.score, split.test)
    measures = {"shuffle_cost": shuffle_cost(model, split.test, test)}
    return {"metrics": test.metrics, **lines.scores("test"), "measures": measures}


def build(model: str, num_items: int, settings: Mapping[str, Any], seed: int) -> Any:
    """An untrained neural model; its weights depend on the seed alone."""
    torch.manual_seed(seed)
    kind = model_class(model)
    return kind(kind.config_class(num_items=num_items, **settings))


def warm_up() -> None:
    """What is slow the first time in a process: torch, one optimiser step, the default data and its reference lines."""
    one_thread()
    dataset = registry.load(registry.resolve("shop"))
    split = leave_one_out(dataset)
    references(dataset, split)
    net = build("sasrec", dataset.num_items, {"width": 8, "layers": 1, "heads": 1, "history_length": 4}, seed=0)
    few = Histories.from_lists([[1, 2, 3], [2, 3, 4]])
    training = {"epochs": 1, "batch_size": 2, "learning_rate": 0.001, "weight_decay": 0.0}
    for _ in Trainer(net, few, training, seed=0).epoch():
        pass


def shuffle_cost(net: Any, holdout: Holdout, intact: Evaluation) -> dict[str, float]:
    """The share of NDCG@10 lost when each history is read in random order: (intact - shuffled) / intact."""
    rng = np.random.default_rng(0)
    histories = holdout.histories
    order = np.lexsort((rng.random(len(histories.items)), np.repeat(np.arange(len(histories)), histories.lengths)))
    shuffled = Holdout(holdout.users, Histories(histories.items[order], histories.offsets), holdout.targets)
    metric = f"ndcg@{intact.k}"
    lost = paired_difference(intact.per_row()[metric], evaluate(net.score, shuffled).per_row()[metric]).to_dict()
    whole = max(intact.metrics[metric]["value"], 1e-9)
    return {name: value / whole for name, value in lost.items()}


def _end_of_epoch(trainer: Trainer, asked: Holdout, snapshots: Snapshots) -> Generator[Event, None, None]:
    """Scores and keeps the model as it is now."""
    progress = trainer.progress
    scored = evaluate(trainer.model.score, asked)
    progress.scores.append(scored.metrics[f"ndcg@{scored.k}"]["value"])
    yield {
        "kind": "epoch",
        "epoch": progress.epoch,
        "step": progress.step,
        "loss": round(progress.losses[-1], 5) if progress.losses else None,
        "metrics": scored.metrics,
        "seconds": round(progress.seconds, 3),
    }
    snapshots.write(progress.epoch)
    yield {"kind": "snapshot", "epoch": progress.epoch}


def _some(total: int, wanted: int) -> NDArray[np.int64]:
    """``wanted`` of ``total`` rows, the same ones each time, in order."""
    return np.sort(np.random.default_rng(0).permutation(total)[:wanted])
