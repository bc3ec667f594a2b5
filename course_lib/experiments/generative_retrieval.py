"""Generative retrieval: a model writes a product's ID code after code, and a trie keeps every answer a real product.

    python -m course_lib run generative_retrieval --ids semantic --beam 20 --json

A word of codes stands for a product (product_words.py). A transformer reads the history and a head writes the word of
the next product; after Rajput et al., Recommender Systems with Generative Retrieval (TIGER), NeurIPS 2023, but with one
place a product (models/code_head.py has the formulas). Beam search finds the likeliest words, and a trie rules out
those that are no product's, after De Cao et al., Autoregressive Entity Retrieval, ICLR 2021 (models/code_trie.py).

    log p(product | history) = sum over levels l of log p(c_l | history, c_1 ... c_{l-1})

Split and targets are those of next_item, so NDCG@10 may stand beside SASRec's. A target that is not among the beams
counts as not found. A word without a product takes a place in the list, as it would on a page.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_lib.data import registry
from course_lib.data.histories import Histories, Holdout
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.protocol import summarise
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.product_words import product_words
from course_lib.experiments.shoppers import followed
from course_lib.models.code_head import LENGTH, CodeModel
from course_lib.models.code_trie import Trie, beam_search, beam_tree
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "ids": ("semantic", "semantic", "behaviour", "taxonomy", "random"),  # what a product's word is made of
    "epochs": (4, 1, 20),
    "width": (48, 8, 128),  # D
    "rate": (0.014, 0.0001, 0.1),  # peak of the learning rate
    "beam": (20, 1, 100),  # beginnings that are kept when the model is measured
    "trie": ("on", "on", "off"),
}
MEASURES = {
    "ndcg@10": "score",
    "hr@10": "score",
    "invalid": "share",  # of the beams, without the trie, that are no product's word
    "parameters": "count",
    "seconds": "seconds",  # of training, evaluation left out
}
ASKS = {
    "history": "items", "k": (10, 1, 100), "beam": (20, 1, 100), "trie": ("on", "on", "off"),
    "temperature": (1.0, 0.1, 5.0),
}  # fmt: skip
TINY = {"epochs": 1, "width": 8, "beam": 10}

DECAY = 0.1  # of the weights; three times as much or as little changes NDCG@10 by less than .002
PRIOR = 8  # one of so many targets is learned without its history too
EARLY = (0, 1 / 16, 1 / 8, 1 / 4)  # of the first epoch: frames stand close while most is learned
PER_EPOCH = 2  # frames
SCORED = (1, 5, 10, 20)  # beams with which the finished model's NDCG is measured: more change nothing
WRITTEN = (10, 20, 50, 100)  # and those for the share of invalid words: fewer write hardly any
SEEN = 400  # validation targets that a frame is measured on
FREE = 1000  # test targets for whose shoppers the model also writes without the trie
BATCH, CELLS = 512, 2**21  # shoppers, and scores, at once
TREE = 20  # words in an answer's tree
FINISHED = "model/weights.safetensors"


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Makes the words, trains, and measures on the test targets, with the trie and without.

    Raises CourseError where the data cannot be had or is not enough for the words, and where training diverges. It
    takes seconds, so a run that was interrupted begins again.
    """
    from safetensors.torch import save_file

    one_thread()
    began = time.perf_counter()
    settings, beam, widths = config.settings, int(config.settings["beam"]), sorted({*SCORED, *WRITTEN})
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    words = product_words(dataset, str(settings["ids"]), config.seed)
    torch.manual_seed(config.seed)
    model = CodeModel(torch.from_numpy(words.codes), words.sizes, int(settings["width"]))
    training = {"epochs": settings["epochs"], "learning_rate": settings["rate"], "weight_decay": DECAY}
    trainer = CodeTrainer(model, split.train, {**training, "loss": "softmax"}, config.seed)
    steps = frame_steps(trainer.steps_per_epoch, int(settings["epochs"]))
    yield plan(step=trainer.steps, frame=len(steps), test=len(widths) + 1)
    watch = Watch(Artefact(model, Trie(words.codes, words.sizes)), beam, settings["trie"] == "on")
    looked = split.validation.take(chosen(len(split.validation), SEEN))
    people = followed(split.test, LENGTH)

    def frame(step: int, beams: list[dict[str, Any]]) -> Event:
        view = watch.view(looked)
        told = {"epoch": round(step / trainer.steps_per_epoch, 4), **view}
        return folder.frame(steps.index(step), {**view, "beams": beams, "shoppers": people}, model.state_dict(), **told)

    yield frame(0, [])
    for _ in range(int(settings["epochs"])):
        for event in trainer.epoch(steps):
            if event["kind"] != "pause":
                yield event
            elif event["step"] != steps[-1]:
                yield frame(event["step"], [])
    beams, test = [], watch.read(split.test)
    for number, wide in enumerate(widths, 1):
        beams.append(watch.beam_measured(test, wide))
        yield {"kind": "test", "at": number}
    yield frame(steps[-1], beams)
    measures = watch.measures(test, beams)
    yield {"kind": "test", "at": len(widths) + 1}
    (folder.path / FINISHED).parent.mkdir(exist_ok=True)
    save_file(model.state_dict(), folder.path / FINISHED)
    asked = [{"history": history.tolist(), "k": 10, "beam": 20, "trie": "on", "temperature": 1.0}
             for history in split.test.histories.take(chosen(len(split.test), 2))]  # fmt: skip
    folder.keep_answers([(one, answer(watch.artefact, one)) for one in asked])
    measures["parameters"] = exact(sum(p.numel() for p in model.parameters()))
    measures["seconds"] = exact(round(trainer.progress.seconds, 3))
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(trainer.progress.seconds, 3)}
    yield result(measures, seconds=seconds, beams=beams, sizes=list(words.sizes), products=dataset.num_items)


def frame_steps(steps_per_epoch: int, epochs: int) -> list[int]:
    """The training steps after which a frame is kept, from 0 to the end.

    >>> frame_steps(16, 2)
    [0, 1, 2, 4, 8, 16, 24, 32]
    """
    moments = [*EARLY, *(n / PER_EPOCH for n in range(1, PER_EPOCH * epochs + 1))]
    return sorted({round(moment * steps_per_epoch) for moment in moments})


def chosen(total: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` of ``total`` rows, the same ones each time, in order."""
    return np.sort(np.random.default_rng(0).permutation(total)[:most])


class CodeTrainer(Trainer):
    """The course's training loop, with the loss of writing codes."""

    def _loss(self, wanted: Tensor, targets: Tensor) -> Tensor:
        """Summed over levels; and for some targets once more, as if no history were known."""
        model: CodeModel = self.model
        words = model.words[targets]
        few = words[::PRIOR]
        prior = model.head.losses(model.nothing.expand(len(few), -1), few).sum()
        return model.head.losses(wanted, words).sum() + prior / PRIOR


# Measuring


@dataclass(frozen=True)
class Artefact:
    """What a question is put to."""

    model: CodeModel
    trie: Trie


@dataclass(frozen=True)
class Watch:
    """Measures a model as it is now."""

    artefact: Artefact
    beam: int
    bound: bool  # whether the trie is on

    def read(self, holdout: Holdout) -> tuple[Tensor, Tensor]:
        """(N, D) what each shopper of a holdout wants, and (N,) the targets: read once, written with many beams."""
        model = self.artefact.model
        order = np.argsort(holdout.histories.lengths, kind="stable")  # alike lengths together: little padding
        wanted = torch.empty(len(holdout), model.config.width)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            wanted[torch.from_numpy(rows)] = model.wanted(holdout.histories.take(rows))
        return wanted, torch.from_numpy(holdout.targets).long()

    def search(
        self, asked: tuple[Tensor, Tensor], beam: int, bound: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(N,) rank of each target, V where it is not found, and (N,) the share of words without a product."""
        head, trie = self.artefact.model.head, self.artefact.trie
        at_once = max(1, min(BATCH, CELLS // (beam * max(head.sizes))))
        ranks, invalid = [], []
        for wanted, targets in zip(*(torch.split(part, at_once) for part in asked), strict=True):
            found = beam_search(head, wanted, trie, beam, bound=bound)
            ranks.append(found.ranks(targets, self.artefact.model.num_items))
            invalid.append(found.invalid())
        return np.concatenate(ranks), np.concatenate(invalid)

    def view(self, holdout: Holdout) -> dict[str, Any]:
        """``{"ndcg@10", "invalid", "losses": [of each level], "sizes": [codes of each level]}``."""
        wanted, targets = asked = self.read(holdout)
        ranks, invalid = self.search(asked, self.beam, self.bound)
        if self.bound:
            invalid = self.search(asked, self.beam, False)[1]
        model = self.artefact.model
        with torch.inference_mode():
            losses = model.head.losses(wanted, model.words[targets]).tolist()
        return {
            "ndcg@10": round(summarise(ranks)["ndcg@10"]["value"], 5),
            "invalid": round(float(invalid.mean()), 5),
            "losses": [round(loss, 4) for loss in losses],
            "sizes": list(model.head.sizes),
        }

    def beam_measured(self, test: tuple[Tensor, Tensor], beam: int) -> dict[str, Any]:
        """``{"beam", "ndcg@10" and "hr@10" with the trie, "invalid" without it}``, with intervals.

        The first two only for beams in SCORED, the last only for those in WRITTEN.
        """
        told: dict[str, Any] = {"beam": beam}
        if beam in SCORED:
            told |= self._scored(test, beam, True)
        if beam in WRITTEN:
            told["invalid"] = self._invalid(test, beam)
        return told

    def measures(self, test: tuple[Tensor, Tensor], beams: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
        """What the result says of the test targets; ``beams`` are those that were measured already."""
        known: Mapping[str, Any] = next((one for one in beams if one["beam"] == self.beam), {})
        scored = known if self.bound and "ndcg@10" in known else self._scored(test, self.beam, self.bound)
        invalid = known.get("invalid") or self._invalid(test, self.beam)
        return {"ndcg@10": scored["ndcg@10"], "hr@10": scored["hr@10"], "invalid": invalid}

    def _scored(self, test: tuple[Tensor, Tensor], beam: int, bound: bool) -> dict[str, Any]:
        scored = summarise(self.search(test, beam, bound)[0])
        return {"ndcg@10": scored["ndcg@10"], "hr@10": scored["hr@10"]}

    def _invalid(self, test: tuple[Tensor, Tensor], beam: int) -> dict[str, float]:
        wanted, targets = test
        rows = torch.from_numpy(chosen(len(targets), FREE))
        return bootstrap(self.search((wanted[rows], targets[rows]), beam, False)[1]).to_dict()


# Questions


def open(folder: Path, at: int | None) -> Artefact:
    """The finished model of a run with its trie, or the model as it was at frame ``at``."""
    from safetensors.torch import load_file

    weights = load_file(folder / FINISHED) if at is None else Folder(folder).weights(at)
    model = CodeModel.from_weights(weights)
    return Artefact(model, Trie(model.words[1:].numpy(), model.head.sizes))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"list": [{"item", "score", "p", "word"}], "tree", "invalid", "sizes"}`` for a history, oldest first.

    ``score`` is the log-probability of the product's word and ``p`` the probability; ``invalid`` counts the words
    without a product among the beams, and ``tree`` has the best beams with all their beginnings (code_trie.py). After
    no history the model answers with what is bought most. Of a long one it reads the last places.
    Raises CourseError for products that the model does not know.
    """
    model, history = artefact.model, asked["history"]
    unknown = [item for item in history if not 1 <= item <= model.num_items]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    wanted = model.wanted(Histories.from_lists([history[-LENGTH:]]))
    found = beam_search(
        model.head, wanted, artefact.trie, int(asked["beam"]), bound=asked["trie"] == "on",
        temperature=float(asked["temperature"]),
    )  # fmt: skip
    both = zip(found.items[0].tolist(), found.scores[0].tolist(), strict=True)
    there = [(item, score) for item, score in both if score > float("-inf")]
    listed = [
        {
            "item": item, "score": round(score, 5), "p": float(f"{np.exp(score):.4g}"),
            "word": model.words[item].tolist(),
        }
        for item, score in there if item
    ]  # fmt: skip
    return {
        "list": listed[: asked["k"]],
        "tree": beam_tree(found, 0, TREE),
        "invalid": sum(not item for item, _ in there),
        "sizes": list(model.head.sizes),
    }
