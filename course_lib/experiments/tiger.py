"""TIGER: the published encoder-decoder writes the next product's codes, one token a code, from the command line.

    python -m course_lib run tiger
    python -m course_lib run tiger --dataset beauty --ids behaviour --epochs 40 --width 128 --layers 4

Rajput et al., Recommender Systems with Generative Retrieval, NeurIPS 2023 (models/tiger.py has the formulas). Words of
codes are those of generative_retrieval (product_words.py), and so are split, targets and the trie that keeps every
answer a real product. It is in no lab: by default it takes some minutes, and in these it stays undertrained, far below
what generative_retrieval reaches with one place a product in seconds. The paper trains 200,000 steps of 256 targets;
the default here is about a thousand of 128. More epochs, width and layers bring it nearer, and cost far more time.

After an epoch there is a checkpoint, so a run that was interrupted goes on there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.protocol import summarise
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.product_words import Words, product_words
from course_lib.experiments.shoppers import followed
from course_lib.models.code_trie import Beams, Trie, beam_search, beam_tree
from course_lib.models.tiger import TigerModel
from course_lib.training.checkpoint import load_checkpoint, one_thread, remove_checkpoint, save_checkpoint
from course_lib.training.loop import BETAS, TICK, Progress
from course_lib.training.rate import learning_rate
from course_lib.training.rows import clip

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "ids": ("semantic", "semantic", "behaviour", "taxonomy", "random"),  # what a product's word is made of
    "epochs": (1, 1, 1000),
    "width": (64, 8, 512),
    "layers": (2, 1, 8),  # of the encoder, and as many of the decoder
    "heads": (4, 1, 16),
    "history_length": (20, 1, 50),  # products that are read
    "batch_size": (128, 8, 1024),  # targets a step
    "rate": (0.003, 0.0001, 0.1),  # peak of the learning rate
    "beam": (20, 1, 100),
}
MEASURES = {
    "ndcg@10": "score",
    "hr@10": "score",
    "loss": "nats",  # mean -log p of the words of the last epoch's training targets
    "parameters": "count",
    "seconds": "seconds",  # of training, evaluation left out
}
ASKS = {"history": "items", "k": (10, 1, 100), "beam": (20, 1, 100), "temperature": (1.0, 0.1, 5.0)}
TINY = {"epochs": 2, "width": 8, "layers": 1, "heads": 1, "history_length": 3, "beam": 10}

DECAY = 0.01  # of the weights
CLIP = 1.0  # length that a gradient may have
POOL = 16  # batches that are made of one draw, alike lengths together: little padding
EARLY = (0, 1 / 4, 1 / 2)  # of the first epoch: frames, and then one an epoch
SEEN = 400  # validation targets that a frame is measured on
AT_ONCE = 128  # histories that are read at once
PARTS = 10  # events while the test targets are asked
TREE = 20  # words in an answer's tree
FINISHED = "model/weights.safetensors"


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Makes the words, trains, and asks for the test targets. Goes on from the folder's checkpoint if there is one.

    Raises CourseError where the data cannot be had or is not enough for the words, and where training diverges.
    """
    from safetensors.torch import save_file

    one_thread()
    began = time.perf_counter()
    settings, beam, epochs = config.settings, int(config.settings["beam"]), int(config.settings["epochs"])
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    words = product_words(dataset, str(settings["ids"]), config.seed)
    trainer = Trainer(build(words, settings, config.seed), split.train, settings, config.seed)
    steps = frame_steps(trainer.steps_per_epoch, epochs)
    parts = np.array_split(np.arange(len(split.test)), min(PARTS, len(split.test)))
    yield plan(step=trainer.steps, frame=len(steps), test=len(parts))
    artefact = Artefact(trainer.model, Trie(words.codes, words.sizes))
    looked = split.validation.take(chosen(len(split.validation), SEEN))
    people = followed(split.test, int(settings["history_length"]))

    def frame(loss: float | None = None) -> Event:
        step = trainer.progress.step
        scored = summarise(ranks(artefact, looked, beam))
        told = {"epoch": round(step / trainer.steps_per_epoch, 4), "ndcg@10": round(scored["ndcg@10"]["value"], 5)}
        view = {**told, "loss": loss, "shoppers": people}
        return folder.frame(steps.index(step), view, trainer.model.state_dict(), **told)

    if load_checkpoint(folder.path, trainer):  # type: ignore[arg-type]
        before = steps.index(trainer.progress.step) - 1
        keep = {"step": trainer.progress.step, "frame": before}
        yield {"kind": "resumed", "epoch": trainer.progress.epoch, "keep": keep}
    # A resumed run tells of its last epoch again: it may have been stopped between the checkpoint and the telling.
    yield frame(trainer.last_loss)
    while trainer.progress.epoch < epochs:
        for event in trainer.epoch(steps):
            if event["kind"] != "pause":
                yield event
            elif event["step"] % trainer.steps_per_epoch:  # the end of an epoch is looked at after its checkpoint
                yield frame(event["loss"])
        save_checkpoint(folder.path, trainer)  # type: ignore[arg-type]
        yield {"kind": "checkpoint", "at": trainer.progress.epoch}
        yield frame(trainer.last_loss)
    found = np.empty(len(split.test), np.int64)
    for number, rows in enumerate(parts, 1):
        found[rows] = ranks(artefact, split.test.take(rows), beam)
        yield {"kind": "test", "at": number}
    scored = summarise(found)
    (folder.path / FINISHED).parent.mkdir(exist_ok=True)
    save_file(trainer.model.state_dict(), folder.path / FINISHED)
    asked = [{"history": history.tolist(), "k": 10, "beam": beam, "temperature": 1.0}
             for history in split.test.histories.take(chosen(len(split.test), 2))]  # fmt: skip
    folder.keep_answers([(one, answer(artefact, one)) for one in asked])
    remove_checkpoint(folder.path)
    measures = {
        "ndcg@10": scored["ndcg@10"],
        "hr@10": scored["hr@10"],
        "loss": exact(round(trainer.progress.losses[-1], 5)),
        "parameters": exact(sum(p.numel() for p in trainer.model.parameters())),
        "seconds": exact(round(trainer.progress.seconds, 3)),
    }
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(trainer.progress.seconds, 3)}
    yield result(measures, seconds=seconds, sizes=list(words.sizes), products=dataset.num_items)


def build(words: Words, settings: Mapping[str, Any], seed: int) -> TigerModel:
    """An untrained model; its weights depend on words, settings and seed alone."""
    torch.manual_seed(seed)
    shape = [int(settings[name]) for name in ("width", "layers", "heads", "history_length")]
    return TigerModel(torch.from_numpy(words.codes), words.sizes, *shape)


def frame_steps(steps_per_epoch: int, epochs: int) -> list[int]:
    """The training steps after which a frame is kept, 0 and the end of each epoch among them.

    >>> frame_steps(16, 3)
    [0, 4, 8, 16, 32, 48]
    """
    moments = [*EARLY, *range(1, epochs + 1)]
    return sorted({round(moment * steps_per_epoch) for moment in moments})


def chosen(total: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``total`` rows, the same ones each time, in order."""
    return np.sort(np.random.default_rng(0).permutation(total)[:most])


# Training


class Trainer:
    """The model, every purchase as a target, and the optimiser; saved and loaded as training/loop.py's is."""

    rows = None  # no table that is moved row by row
    average = None  # the weights themselves are what is kept

    def __init__(self, model: TigerModel, train: Histories, settings: Mapping[str, Any], seed: int) -> None:
        self.model, self.seed, self.items = model, seed, train.items
        self.begun = np.repeat(train.offsets[:-1], train.lengths)  # (E,) where the history of each purchase begins
        self.batch, self.peak = int(settings["batch_size"]), float(settings["rate"])
        self.steps_per_epoch = math.ceil(len(train.items) / self.batch)
        self.steps = self.steps_per_epoch * int(settings["epochs"])
        self.progress = Progress()
        decayed = [p for p in model.parameters() if p.ndim >= 2]
        plain = [p for p in model.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=self.peak, betas=BETAS, fused=True)

    @property
    def last_loss(self) -> float | None:
        """The mean loss of the last epoch; None before there is one."""
        return round(self.progress.losses[-1], 5) if self.progress.losses else None

    def batches(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """Every purchase once, ``batch`` at a time; in a pool of batches alike lengths of history together."""
        rng = np.random.default_rng([self.seed, 3, epoch])
        order = rng.permutation(len(self.items))
        for pool in range(0, len(order), POOL * self.batch):
            drawn = order[pool : pool + POOL * self.batch]
            drawn = drawn[np.argsort(drawn - self.begun[drawn], kind="stable")]
            starts = np.arange(0, len(drawn), self.batch)
            for start in rng.permutation(starts):
                yield drawn[start : start + self.batch]

    def epoch(self, pauses: Collection[int]) -> Iterator[Event]:
        """Trains one epoch; events as those of training/loop.py. Raises CourseError where the loss is no number."""
        state, began = self.progress, time.perf_counter()
        before = state.seconds
        torch.manual_seed(self.seed * 1_000_003 + state.epoch)  # dropout
        self.model.train()
        total, counted, last, recent = 0.0, 0, began, [0.0, 0]
        for rows in self.batches(state.epoch):
            loss = self.step(rows)
            total, counted = total + loss * len(rows), counted + len(rows)
            recent = [recent[0] + loss * len(rows), recent[1] + len(rows)]
            state.targets += len(rows)
            now = time.perf_counter()
            state.seconds = before + now - began
            pausing = state.step in pauses
            if now - last >= TICK or pausing:
                told = round(recent[0] / recent[1], 5)
                yield {"kind": "step", "at": state.step, "epoch": state.epoch + 1, "loss": told,
                       "targets": state.targets, "seconds": round(state.seconds, 4)}  # fmt: skip
                if pausing:
                    yield {"kind": "pause", "step": state.step, "loss": round(total / counted, 5)}
                    self.model.train()  # whoever looked at it has switched dropout off
                waited = time.perf_counter() - now  # what the listener did is not training time
                began, last, recent = began + waited, now + waited, [0.0, 0]
        state.epoch += 1
        state.losses.append(total / counted)

    def step(self, rows: NDArray[np.int64]) -> float:
        """One optimiser step on the purchases ``rows``; the mean loss of their words in nats."""
        length = int(np.clip((rows - self.begun[rows]).max(), 1, self.model.history_length))
        place = rows[:, None] - length + np.arange(length)  # (B, length)
        history = np.where(place >= self.begun[rows, None], self.items[np.maximum(place, 0)], 0)
        items, targets = torch.from_numpy(history.astype(np.int64)), torch.from_numpy(self.items[rows].astype(np.int64))
        loss = self.model.loss(items, targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm, value = clip(self.model.parameters(), CLIP), loss.item()
        rate = learning_rate(self.progress.step, self.steps, self.peak)
        self.progress.step += 1
        if not math.isfinite(norm) or not math.isfinite(value):
            raise CourseError("training_diverged", step=self.progress.step, rate=self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return value


# Measuring and questions


@dataclass(frozen=True)
class Artefact:
    """What a question is put to."""

    model: TigerModel
    trie: Trie


def search(artefact: Artefact, histories: Histories, beam: int, temperature: float = 1.0) -> Beams:
    """The likeliest products' words after each history."""
    writing = artefact.model.after(histories)
    return beam_search(writing, writing.wanted, artefact.trie, beam, temperature=temperature)


def ranks(artefact: Artefact, holdout: Holdout, beam: int) -> NDArray[np.int64]:
    """(N,) rank of each target among the beams, V where it is not there."""
    order = np.argsort(holdout.histories.lengths, kind="stable")  # alike lengths together: little padding
    found = np.empty(len(holdout), np.int64)
    for start in range(0, len(order), AT_ONCE):
        rows = order[start : start + AT_ONCE]
        beams = search(artefact, holdout.histories.take(rows), beam)
        found[rows] = beams.ranks(torch.from_numpy(holdout.targets[rows]).long(), artefact.model.num_items)
    return found


def open(folder: Path, at: int | None) -> Artefact:
    """The finished model of a run with its trie, or the model as it was at frame ``at``."""
    from safetensors.torch import load_file

    weights = load_file(folder / FINISHED) if at is None else Folder(folder).weights(at)
    model = TigerModel.from_weights(weights)
    return Artefact(model, Trie(model.words[1:].numpy(), model.sizes))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"list": [{"item", "score", "p", "word"}], "tree", "sizes"}`` for a history, oldest first.

    As generative_retrieval's, always with the trie. Of a long history the last places are read.
    Raises CourseError for products that the model does not know.
    """
    model, history = artefact.model, asked["history"]
    unknown = [item for item in history if not 1 <= item <= model.num_items]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    beams = search(artefact, Histories.from_lists([history]), int(asked["beam"]), float(asked["temperature"]))
    both = zip(beams.items[0].tolist(), beams.scores[0].tolist(), strict=True)
    listed = [
        {
            "item": item, "score": round(score, 5), "p": float(f"{np.exp(score):.4g}"),
            "word": model.words[item].tolist(),
        }
        for item, score in both if item and score > float("-inf")
    ]  # fmt: skip
    return {"list": listed[: asked["k"]], "tree": beam_tree(beams, 0, TREE), "sizes": list(model.sizes)}
