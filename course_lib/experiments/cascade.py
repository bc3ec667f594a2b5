"""Retrieve, rank, re-rank: what each stage keeps of the best list, and what it loses.

    python -m course_lib run cascade --ranker din --negatives candidates --rerank mmr --diversity 0.3 --json

No shop of a hundred million products scores them all with its best model. Two towers (models/two_tower.py) retrieve C
candidates, a ranker that sees shopper and product together (models/rankers.py) sorts those, and re-ranking
(evaluation/reranking.py) builds from the best a list that is not ten times the same (Covington, Adams & Sargin, Deep
Neural Networks for YouTube Recommendations, RecSys 2016). The targets are those of next_item: the last purchase of each
shopper, after training on all before the last two.

What is lost is counted against the filtered oracle, which knows the true chances given the history. With N(list) the
mean NDCG@10 of the held-out targets, O the oracle's list of all products and O_C its list of the candidates alone:

    lost_retrieval = N(O) - N(O_C)          even a perfect ranker could not get that back
    lost_ranking   = N(O_C) - N(ranked)     the right product was there, and stands too low
    lost_reranking = N(ranked) - N(re-ranked)
    N(O) - lost_retrieval - lost_ranking - lost_reranking = N(re-ranked), which is ndcg_reranked@10

A ranker's product vectors begin as the retriever's. The diversity d weighs a product's score, brought to 0..1, against
how like it is to the products above it by the retriever's vectors. Times are of one shopper at a time on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from threadpoolctl import threadpool_limits
from torch import Tensor

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.evaluation.metrics import ndcg
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import type_numbers
from course_lib.experiments.shoppers import followed
from course_lib.models.catalogue import model_card
from course_lib.models.matrix_factorization import MatrixFactorizationModel
from course_lib.models.rankers import RANKERS, Ranker, begin_with, untrained_ranker
from course_lib.models.two_tower import TwoTowerConfig, TwoTowerModel
from course_lib.training.candidate_oracle import oracle_order, oracle_ranks_among
from course_lib.training.cascade import POOL, Cascade, Listed, Outcome, go_through, seconds_a_shopper, types_in
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer
from course_lib.training.stages import InBatchTrainer, RankerTraining

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "retrieval": ("in-batch-logq", "full-softmax", "in-batch-logq", "in-batch"),  # how the two towers learn
    "candidates": (100, 10, 1000),  # C, products that the retriever hands on
    "ranker": ("din", "none", "mlp", "neumf", "mf", "din", "transformer"),
    "negatives": ("candidates", "random", "candidates"),  # what the ranker learns to tell the purchase from
    "rerank": ("mmr", "none", "mmr", "dpp"),
    "diversity": (0.3, 0.0, 1.0),  # 0: the ranker's order, 1: different products, relevant or not
    "epochs": (2, 1, 50),  # of the retriever, then of the ranker
    "width": (48, 8, 256),  # numbers of a product's vector
}
MEASURES = {
    "recall_candidates": "share",  # of targets that are among the candidates
    "ndcg_retrieval@10": "score",  # of the list as retrieved
    "ndcg@10": "score",  # as ranked
    "ndcg_reranked@10": "score",
    "types@10": "number",  # different product types in the ranked ten
    "types_reranked@10": "number",
    "lost_retrieval": "difference",  # NDCG@10 that each stage costs; see above
    "lost_ranking": "difference",
    "lost_reranking": "difference",
    "retrieve_seconds": "seconds",  # a shopper, the median
    "rank_seconds": "seconds",
    "rerank_seconds": "seconds",
    "parameters": "count",
    "seconds": "seconds",  # of training both stages
}
ASKS = {"history": "items", "k": (10, 1, 100), "diversity": (0.0, 0.0, 1.0)}
TINY = {"epochs": 1, "width": 8, "candidates": 20}

HISTORY = 20  # products that retriever and rankers look back
TRAINING = {"learning_rate": 0.014, "batch_size": 64, "weight_decay": 0.05}  # of the retriever
WATCHED = 500  # validation targets that a frame is scored on; the result uses all test targets
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)  # diversities of the frontier
MISSED = 10  # products that an answer names of those that a stage dropped, best first
FINISHED = "model/model.safetensors"  # the finished cascade, in a run's folder
KEPT = 3  # shoppers whose questions are kept with their answers


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains the retriever, then the ranker on what it retrieves, then tries every strength of re-ranking.

    Raises CourseError where the data cannot be had, has fewer products than candidates are asked for, or a training
    diverges. It takes seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    epochs, name = int(settings["epochs"]), str(settings["ranker"])
    ranked = epochs if name in RANKERS else int(name == "mf")
    yield plan(frame=epochs + ranked + 2)  # one before training, one re-ranked
    dataset = registry.load(config.data["dataset"])
    if int(settings["candidates"]) > dataset.num_items:
        raise CourseError(
            "too_many_candidates", candidates=settings["candidates"], products=dataset.num_items,
            name=dataset.address.name,
        )  # fmt: skip
    split = leave_one_out(dataset)
    watch = _Watch(config, folder, dataset, split)
    trained = 0.0
    for cascade, stage, epoch, seconds in _stages(config, dataset, split):
        yield watch.look(cascade, stage, epoch)
        trained = seconds
    way = (str(settings["rerank"]), float(settings["diversity"]))
    with threadpool_limits(1):  # for equal sums on every machine, and times that no other core has a part in
        outcome = go_through(cascade, split.test, *way)
        frontier = _frontier(cascade, outcome, watch.kinds)
    yield watch.look(cascade, "rerank", epochs + ranked, frontier)
    measures = _measures(outcome, dataset, watch.kinds)
    with threadpool_limits(1):
        times = seconds_a_shopper(cascade, split.test.histories, *way)
    measures |= {f"{stage}_seconds": exact(value) for stage, value in times.items()}
    measures |= {"parameters": exact(_parameters(cascade)), "seconds": exact(round(trained, 3))}
    _keep(Artefact(cascade, way[0]), folder, split.test, way[1])
    seconds = round(time.perf_counter() - began, 3)
    yield result(measures, counts=watch.counts, frontier=frontier, seconds={"total": seconds})


def _keep(artefact: Artefact, folder: Folder, test: Holdout, diversity: float) -> None:
    """The finished cascade, and what it answers to a few shoppers."""
    (folder.path / FINISHED).parent.mkdir(exist_ok=True)
    save_file(_weights(artefact.cascade), folder.path / FINISHED)
    read = [test.histories[n][-HISTORY:].tolist() for n in range(min(KEPT, len(test)))]
    asked = [{"history": one, "k": 10, "diversity": diversity} for one in read]
    folder.keep_answers([(one, answer(artefact, one)) for one in asked])


def _stages(config: RunConfig, dataset: Dataset, split: Split) -> Iterator[tuple[Cascade, str, int, float]]:
    """The cascade before training and after each epoch, the stage that has just learned, epochs and seconds so far."""
    settings, seed = config.settings, config.seed
    C, epochs, name = int(settings["candidates"]), int(settings["epochs"]), str(settings["ranker"])
    retriever = _retriever(config, dataset.num_items)
    training = TRAINING | {"epochs": epochs}
    trainer: Trainer
    if settings["retrieval"] == "full-softmax":
        trainer = Trainer(retriever, split.train, training, seed)
    else:
        correct = settings["retrieval"] == "in-batch-logq"
        trainer = InBatchTrainer(retriever, split.train, training, seed, correct)
    yield Cascade(retriever, None, C), "retrieve", 0, 0.0
    for epoch in range(1, epochs + 1):
        for _ in trainer.epoch():
            pass
        yield Cascade(retriever, None, C), "retrieve", epoch, trainer.progress.seconds
    retriever.eval()
    seconds = trainer.progress.seconds
    if name == "mf":
        began = time.perf_counter()
        with threadpool_limits(1):
            factors = MatrixFactorizationModel.fit(split.train, dataset.num_items, _factor_settings(), seed)
        yield Cascade(retriever, factors, C), "rank", epochs + 1, seconds + time.perf_counter() - began
    elif name in RANKERS:
        ranker = _ranker(config, dataset.num_items)
        begin_with(ranker, retriever.item.weight)
        drawn = C if settings["negatives"] == "candidates" else 0
        learning = RankerTraining(ranker, retriever, split.train, epochs, drawn, seed)
        for epoch in range(1, epochs + 1):
            learning.epoch()
            yield Cascade(retriever, ranker, C), "rank", epochs + epoch, seconds + learning.seconds


def _retriever(config: RunConfig, num_items: int) -> TwoTowerModel:
    torch.manual_seed(config.seed)
    return TwoTowerModel(TwoTowerConfig(num_items, int(config.settings["width"]), HISTORY))


def _ranker(config: RunConfig, num_items: int) -> Ranker:
    return untrained_ranker(
        str(config.settings["ranker"]), num_items, int(config.settings["width"]), HISTORY, config.seed
    )


def _factor_settings() -> dict[str, Any]:
    """Those that a search found for matrix factorisation, its defaults."""
    return {name: setting.default for name, setting in model_card("matrix-factorization").settings.items()}


def _parameters(cascade: Cascade) -> int:
    ranker = cascade.ranker
    own: int = sum(p.numel() for p in cascade.retriever.parameters())
    if isinstance(ranker, Ranker):
        return own + sum(p.numel() for p in ranker.parameters())
    return own if ranker is None else own + ranker.parameters


# What is measured


class _Watch:
    """Scores some validation targets with the cascade as it is now, and keeps the frame."""

    def __init__(self, config: RunConfig, folder: Folder, dataset: Dataset, split: Split) -> None:
        self.folder = folder
        self.way = (str(config.settings["rerank"]), float(config.settings["diversity"]))
        candidates = int(config.settings["candidates"])
        pool = min(POOL, candidates) if self.way[0] != "none" else 10  # without re-ranking the best ten are the list
        self.counts = [dataset.num_items, candidates, pool, 10]  # products before and after each of the three stages
        rows = np.random.default_rng(0).permutation(len(split.validation))[:WATCHED]
        self.asked: Holdout = split.validation.take(np.sort(rows))
        self.kinds = type_numbers(dataset.items)
        self.people = followed(split.test, HISTORY)
        self.at = 0

    def look(self, cascade: Cascade, stage: str, epoch: int, frontier: list[dict[str, Any]] | None = None) -> Event:
        """The frame of a stage: what is known only after a later stage is left out."""
        with threadpool_limits(1):
            outcome = go_through(cascade, self.asked, *(self.way if stage == "rerank" else ("none", 0.0)))
        known = {"retrieve": 1, "rank": 2, "rerank": 3}[stage]
        names = ("ndcg_retrieval@10", "ndcg@10", "ndcg_reranked@10")
        told = {"recall_candidates": round(float(outcome.recalled.mean()), 5)}
        scores = list(outcome.scores().values())[:known]
        told |= {name: round(float(own.mean()), 5) for name, own in zip(names, scores, strict=False)}
        if self.kinds is not None:
            told["types@10"] = round(float(types_in(outcome.final, self.kinds).mean()), 4)
        view = {
            "stage": stage, "epoch": epoch, "counts": self.counts, **told, "frontier": frontier or [],
            "shoppers": self.people,
        }  # fmt: skip
        event = self.folder.frame(self.at, view, _weights(cascade), stage=stage, epoch=float(epoch), **told)
        self.at += 1
        return event


def _frontier(cascade: Cascade, outcome: Outcome, kinds: NDArray[np.integer] | None) -> list[dict[str, Any]]:
    """NDCG@10 and different types in ten of both methods at every strength, on all test targets."""
    if kinds is None:
        return []
    ways = [(method, strength) for method in ("mmr", "dpp") for strength in STRENGTHS]
    found = []
    for (method, strength), final in zip(ways, cascade.rerank_all(outcome.ranked, ways), strict=True):
        score = Outcome(outcome.found, outcome.ranked, final, outcome.targets).scores()["rerank"]
        types = types_in(final, kinds)
        found.append({"method": method, "strength": strength, "ndcg": round(float(score.mean()), 5),
                      "types": round(float(types.mean()), 4)})  # fmt: skip
    return found


def _measures(outcome: Outcome, dataset: Dataset, kinds: NDArray[np.integer] | None) -> dict[str, dict[str, float]]:
    """What the result says of the test targets, with intervals over shoppers; losses only where there is a truth."""
    scores = outcome.scores()
    per_shopper = {
        "recall_candidates": outcome.recalled, "ndcg_retrieval@10": scores["retrieve"], "ndcg@10": scores["rank"],
        "ndcg_reranked@10": scores["rerank"],
    }  # fmt: skip
    if kinds is not None:
        per_shopper |= {
            "types@10": types_in(outcome.ranked.items, kinds), "types_reranked@10": types_in(outcome.final, kinds)
        }  # fmt: skip
    found = {name: bootstrap(values).to_dict() for name, values in per_shopper.items()}
    order = oracle_order(dataset)
    if order is not None:
        of_all = ndcg(order[np.arange(len(order)), outcome.targets].astype(np.int64) - 1)
        among = ndcg(oracle_ranks_among(order, outcome.found.items, outcome.targets))
        steps = (of_all, among, scores["rank"], scores["rerank"])
        for name, before, after in zip(("retrieval", "ranking", "reranking"), steps, steps[1:], strict=False):
            found[f"lost_{name}"] = paired_difference(before, after).to_dict()
    return found


# Questions


@dataclass(frozen=True)
class Artefact:
    """A cascade and how it re-ranks."""

    cascade: Cascade
    rerank: str


def _weights(cascade: Cascade) -> dict[str, Tensor]:
    kept = {f"retriever.{name}": value.contiguous() for name, value in cascade.retriever.state_dict().items()}
    if isinstance(cascade.ranker, Ranker):
        kept |= {f"ranker.{name}": value.contiguous() for name, value in cascade.ranker.state_dict().items()}
    elif cascade.ranker is not None:
        kept["factors"] = torch.from_numpy(cascade.ranker.arrays["items"])
    return kept


def open(folder: Path, at: int | None) -> Artefact:
    """The cascade as it was at frame ``at``, or at the end; before the ranker has begun it has none."""
    config = RunConfig.read(folder)
    weights = load_file(folder / FINISHED) if at is None else Folder(folder).weights(at)
    num_items = len(registry.load_items(config.data["dataset"]))

    def part(name: str) -> dict[str, Tensor]:
        return {key.removeprefix(name): value for key, value in weights.items() if key.startswith(name)}

    retriever = _retriever(config, num_items)
    retriever.load_state_dict(part("retriever."))
    retriever.eval()
    ranker: Ranker | MatrixFactorizationModel | None = None
    if "factors" in weights:
        arrays = {"items": weights["factors"].numpy()}
        ranker = MatrixFactorizationModel(num_items, _factor_settings(), arrays)
    elif part("ranker."):
        ranker = _ranker(config, num_items)
        ranker.load_state_dict(part("ranker."))
    cascade = Cascade(retriever, ranker, int(config.settings["candidates"]))
    return Artefact(cascade, str(config.settings["rerank"]))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"list": [{"item", "score", "p"}], "stages": [...]}`` for a history, oldest first; an empty one is allowed.

    Each stage is ``{"stage", "into", "products": [{"item", "score", "was"}], "dropped": [item, ...]}``: how many
    products went in, those that it puts first with the place that each had before (from 1; None at the first stage),
    and the best of those that it leaves out. ``score`` is the stage's own, ``p`` a probability where the ranker has
    one: among all products, among the candidates, or of being bought. A run that does not re-rank is asked by MMR.
    Raises CourseError for products that the shop does not have.
    """
    cascade, k = artefact.cascade, min(int(asked["k"]), artefact.cascade.candidates)
    num_items = cascade.retriever.num_items
    unknown = [item for item in asked["history"] if not 1 <= item <= num_items]
    if unknown:
        raise CourseError("unknown_items", items=", ".join(map(str, unknown[:10])))
    histories = Histories.from_lists([asked["history"]])
    whole = Cascade(cascade.retriever, None, min(cascade.candidates + MISSED, num_items)).retrieve(histories)
    found = Listed(whole.items[:, : cascade.candidates], whole.scores[:, : cascade.candidates])
    method = "mmr" if artefact.rerank == "none" else artefact.rerank
    with threadpool_limits(1):
        ranked = cascade.rank(histories, found)
        final = cascade.rerank(ranked, method, float(asked["diversity"]), k)[0].tolist()
    own = dict(zip(ranked.items[0].tolist(), ranked.scores[0].tolist(), strict=True))
    chances = dict(zip(ranked.items[0].tolist(), _chances(cascade, ranked), strict=True))
    stages = [_stage("retrieve", num_items, found.items[0].tolist(), found.scores[0].tolist(), [], whole.items[0])]
    before = found.items[0].tolist()
    if cascade.ranker is not None:
        first = ranked.items[0, :k].tolist()
        stages.append(_stage("rank", len(before), first, [own[item] for item in first], before, before[:k]))
        before = ranked.items[0].tolist()
    stages.append(_stage("rerank", len(before), final, [own[item] for item in final], before, before[:k]))
    listed = [{"item": item, "score": round(own[item], 5), "p": chances[item]} for item in final]
    return {"list": listed, "stages": stages}


def _stage(name: str, into: int, kept: list[int], scores: list[float], before: list[int], first: Any) -> dict[str, Any]:
    """One entry of an answer's ``stages``; ``first`` are the products that might have been kept."""
    was = {item: place for place, item in enumerate(before, 1)}
    inside = set(kept)
    return {
        "stage": name,
        "into": into,
        "products": [
            {"item": item, "score": round(score, 5), "was": was.get(item)}
            for item, score in zip(kept, scores, strict=True)
        ],
        "dropped": [int(item) for item in first if int(item) not in inside][:MISSED],
    }


def _chances(cascade: Cascade, ranked: Listed) -> list[float | None]:
    """What each ranked score means as a probability; None where it means none."""
    scores = torch.from_numpy(ranked.scores[0])
    if cascade.ranker is None:
        chances = scores.exp()
    elif not isinstance(cascade.ranker, Ranker):
        return [None] * len(scores)
    else:
        chances = scores.sigmoid() if cascade.ranker.binary else scores.softmax(0)
    return [float(f"{value:.4g}") for value in chances.tolist()]
