"""Cold start: a tenth of the products is kept out of training, and what can be recommended of them.

    python -m course_lib run cold_start --product text --boost 0.9 --json

SASRec reads a history of known products and scores product i by

    s_i = h . e_i + b_i

Training knows nothing of the new products: they are in no history, and the softmax adds up known products only. The
setting ``product`` says where e_i comes from (models/product_tables.py), and so what a new product has: a row that
nothing has moved ("ids"), the mean row of the five known products whose titles are nearest ("neighbours"), what its
title ("text"), its attributes ("attributes") or its codes ("semantic-ids") make of it.

No purchase has taught b_i either, and b_i is what popularity becomes. A new product gets the ``boost`` quantile of the
biases that the known products of its type have learned: 0 the lowest of them, 0.5 the median, 1 the highest. Where no
known product has its type, or there are no types, all known products stand in.

``shoppers`` says how many of them are learned from: with few, what products share tells more than rows of their own.
With ``seen`` = n, the purchases of a window in which each new product is bought n times then move its vector and bias,
the rest frozen (training/late_rows.py). DropoutNet (Volkovs, Yu & Poutanen, NeurIPS 2017) and Vartak et al. (A
Meta-Learning Perspective on Cold-Start Recommendations for Items, NeurIPS 2017) are other ways to serve both kinds.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout
from course_lib.data.launch import Launch
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.evaluation.cold_start import Standing
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import Neighbours, type_numbers
from course_lib.models.base import untrained
from course_lib.models.product_tables import (
    SummedTable,
    TextTable,
    attribute_codes,
    neighbour_rows,
    semantic_codes,
    title_features,
)
from course_lib.training.checkpoint import one_thread
from course_lib.training.late_rows import Context, late_rows
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "product": ("text", "ids", "neighbours", "text", "attributes", "semantic-ids"),  # where a product's vector is from
    "boost": (0.0, 0.0, 1.0),  # quantile of the biases of its type that a new product gets
    "seen": (0, 0, 20),  # purchases of each new product that are learned from after all
    "shoppers": (0, 0, 100_000_000),  # how many shoppers it learns from, the first ones; 0: all
    "epochs": (3, 1, 20),
    "width": (48, 4, 128),  # numbers of a product's vector
    "rate": (0.02, 0.0001, 0.1),  # of AdamW, at its highest
}
MEASURES = {
    "warm_ndcg@10": "score",  # targets that are known products, against all products
    "cold_ndcg@10": "score",  # targets that are new ones, against all products
    "cold_among_new@10": "score",  # the same targets, against the new products only
    "new_share": "share",  # of the places in all lists of ten that new products take
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"items": "items", "k": (10, 1, 10)}  # what stands nearest to the last of the products
TINY = {"epochs": 2, "width": 8}

BOOSTS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
SEEN = (0, 1, 2, 5, 10, 20)
EARLY = (1 / 4, 1 / 2)  # of the first epoch, in which most happens
NEIGHBOURS, K = 5, 10
SMALL = 1e-6  # variance, at least
AT_ONCE = 512  # histories read together

Shape = tuple[Tensor, Tensor]  # (M, D) vectors of the new products and (M,) their biases


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains on known products, and after each part of the training ranks known and new ones.

    Raises CourseError where the data cannot be had or is too small, lacks the titles or attributes that ``product``
    reads, or the training diverges. Frames on the way ask a third of the shoppers, the last one asks all. It takes
    seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    epochs = int(config.settings["epochs"])
    moments = [0.0, *EARLY, *range(1, epochs + 1)]
    yield plan(frame=len(moments))
    dataset = registry.load(config.data["dataset"])
    launch = Launch.make(dataset, config.seed, int(config.settings["shoppers"]))
    shop = Shop.make(config, dataset, launch)
    trainer = Trainer(shop.model, launch.train, _training(config), config.seed)
    looks = [round(moment * trainer.steps_per_epoch) for moment in moments]
    some = launch.test.take(np.sort(np.random.default_rng(0).permutation(len(launch.test))[: len(launch.test) // 3]))
    at = 0
    for step in _steps(trainer, looks, epochs):
        for _ in range(looks.count(step)):
            last = at == len(moments) - 1
            now = shop.now(launch.test if last else some)
            boosts, curve = now.boosts(), now.seen() if last else []
            view = {**now.nearest(), "boosts": boosts, "seen": curve}
            yield folder.frame(at, view, None, epoch=float(moments[at]), **now.standing.told(now.scores(now.start)))
            at += 1
    found = now.standing.measures(now.scores(now.moved(int(config.settings["seen"]))))
    trained = round(trainer.progress.seconds, 3)
    found |= {"parameters": exact(shop.parameters), "seconds": exact(trained)}
    seconds = {"total": round(time.perf_counter() - began, 3), "train": trained}
    yield result(
        found, seconds=seconds, boosts=boosts, seen=curve,
        products=dataset.num_items, new=int(launch.new.sum()), warm=len(now.standing.warm), cold=len(now.standing.cold),
    )  # fmt: skip


def _training(config: RunConfig) -> dict[str, Any]:
    return {
        "epochs": int(config.settings["epochs"]),
        "learning_rate": float(config.settings["rate"]),
        "loss": "softmax",
    }


def _steps(trainer: Trainer, looks: list[int], epochs: int) -> Iterator[int]:
    """Trains; stops at each of ``looks``."""
    yield 0
    while trainer.progress.epoch < epochs:
        for event in trainer.epoch(set(looks)):
            if event["kind"] == "pause":
                yield int(event["step"])


# The model, and what it makes of new products


@dataclass(frozen=True)
class Shop:
    """SASRec on a launch, with the product table that the run chose."""

    config: RunConfig
    launch: Launch
    model: Any  # SASRecModel; ``item`` may be a computed table
    titles: NDArray[np.float32] | None  # for "neighbours"
    kind: NDArray[np.integer] | None  # (V,) product types

    @classmethod
    def make(cls, config: RunConfig, dataset: Dataset, launch: Launch) -> Shop:
        """The untrained model; its weights depend on the seed alone."""
        settings, known = config.settings, launch.known[1:]
        own = {"width": int(settings["width"]), "heads": 1}
        model = untrained("sasrec", dataset.num_items, own, config.seed)
        titles = text_vectors(dataset) if settings["product"] in ("neighbours", "text", "semantic-ids") else None
        table = _table(config, dataset, titles, known)
        if table is not None:
            model.item = table
        with torch.no_grad():
            model.bias[torch.from_numpy(launch.new)] = -torch.inf  # exp(-inf) = 0: the softmax does not see them
        return cls(config, launch, model, titles, type_numbers(dataset.items))

    @property
    def parameters(self) -> int:
        """How many numbers are learned, those of the new products left out where each product has its own."""
        total = int(sum(p.numel() for p in self.model.parameters()))
        rows = int(self.model.item.weight.shape[1]) if isinstance(self.model.item, nn.Embedding) else 0
        return total - int(self.launch.new.sum()) * (rows + 1)

    @torch.no_grad()
    def now(self, asked: Holdout) -> Now:
        """What the model makes of all products and of the histories in ``asked`` at this moment."""
        launch, known = self.launch, self.launch.known[1:]
        rows = self.model.item.weight[1:]
        if self.config.settings["product"] == "neighbours":
            assert self.titles is not None
            rows = neighbour_rows(rows, self.titles, known, NEIGHBOURS)
        rows, bias = rows.clone(), self.model.bias[1:].clone()
        wanted = self.wanted(asked.histories)
        kept, level = rows[known].T, bias[known]
        standing = Standing.make(lambda some: torch.addmm(level, wanted[some], kept).numpy(), asked.targets, launch.new)
        return Now(self, rows, bias, wanted, standing)

    @torch.no_grad()
    def wanted(self, histories: Histories) -> Tensor:
        """(N, D) what each shopper wants next; zeros before the first purchase, where only biases speak."""
        self.model.eval()
        found = torch.zeros(len(histories), int(self.config.settings["width"]))
        order = np.argsort(histories.lengths, kind="stable")
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            some = histories.take(rows)
            length = int(min(max(some.lengths.max(), 1), self.model.config.history_length))
            begun = torch.from_numpy(some.lengths > 0)[:, None]
            found[rows] = self.model.wanted_next(torch.from_numpy(some.padded(length))) * begun
        return found


def _table(
    config: RunConfig, dataset: Dataset, titles: NDArray[np.float32] | None, known: NDArray[np.bool_]
) -> nn.Module | None:
    """The computed table that the run chose; None for a row each."""
    width = int(config.settings["width"])
    match config.settings["product"]:
        case "text":
            assert titles is not None
            return TextTable(title_features(titles, known), width)
        case "semantic-ids":
            assert titles is not None
            return SummedTable(semantic_codes(titles, known, config.seed), width)
        case "attributes":
            codes = attribute_codes(dataset.items, known)
            if not codes.shape[1]:
                raise CourseError("no_attributes", name=dataset.address.name)
            return SummedTable(codes, width)
    return None


@dataclass(frozen=True)
class Now:
    """The model at one moment of its training."""

    shop: Shop
    rows: Tensor  # (V, D)
    bias: Tensor  # (V,) learned; of no meaning for new products
    wanted: Tensor  # (N, D) of the test
    standing: Standing

    @property
    def start(self) -> Shape:
        """The new products on the day of the launch, with the run's own boost."""
        return self.boosted(float(self.shop.config.settings["boost"]))

    def boosted(self, boost: float) -> Shape:
        """The new products with a quantile of their types' biases."""
        new, kind = self.shop.launch.new[1:], self.shop.kind
        learned = self.bias.numpy()
        everybody = np.quantile(learned[~new], boost)
        given = np.full(int(new.sum()), everybody, np.float32)
        if kind is not None:
            for at, own in enumerate(kind[new]):
                alike = learned[~new & (kind == own)] if own >= 0 else learned[:0]
                given[at] = np.quantile(alike, boost) if len(alike) else everybody
        return self.rows[new], torch.from_numpy(given)

    def moved(self, seen: int) -> Shape:
        """The new products after ``seen`` purchases each."""
        if not seen:
            return self.start
        known = self.shop.launch.known[1:]
        rows, bias = (max(float(one[known].var()), SMALL) for one in (self.rows, self.bias))
        purchases = self.window.until(seen)
        return late_rows(purchases, *self.start, (rows, bias)) if len(purchases.target) else self.start

    @functools.cached_property
    def window(self) -> Context:
        """The purchases of the longest window, as the model sees them now."""
        launch = self.shop.launch
        known = torch.from_numpy(launch.known[1:])
        window = launch.window(max(*SEEN, int(self.shop.config.settings["seen"])))
        wanted = self.shop.wanted(window.purchases.histories)
        kept, level = self.rows[known].T, self.bias[known]
        total = torch.cat([torch.addmm(level, some, kept).logsumexp(1) for some in torch.split(wanted, AT_ONCE)])
        number = np.where(launch.new, np.cumsum(launch.new) - 1, -1)[window.purchases.targets]
        return Context(wanted, total, *(torch.from_numpy(one) for one in (number, window.since, window.counts)))

    def scores(self, shape: Shape) -> NDArray[np.float32]:
        """(N, M) of the new products."""
        found: NDArray[np.float32] = torch.addmm(shape[1], self.wanted, shape[0].T).numpy()
        return found

    def boosts(self) -> list[dict[str, float]]:
        """``[{"boost", measures}]`` on the day of the launch."""
        return [{"boost": boost, **self.standing.told(self.scores(self.boosted(boost)))} for boost in BOOSTS]

    def seen(self) -> list[dict[str, float]]:
        """``[{"seen", measures}]`` with the run's own boost."""
        return [{"seen": seen, **self.standing.told(self.scores(self.moved(seen)))} for seen in SEEN]

    def nearest(self) -> dict[str, Any]:
        """``{"neighbours": [[item, ...]], "scores": [[cosine, ...]], "new": [item, ...]}``, a row a product."""
        unit = nn.functional.normalize(self.rows, dim=1)
        near, cosines = [], []
        for start in range(0, len(unit), AT_ONCE):
            block = unit[start : start + AT_ONCE] @ unit.T
            block.diagonal(start).fill_(-2)  # itself: below any cosine
            best = block.topk(min(K, len(unit) - 1), dim=1)
            near += (best.indices + 1).tolist()
            cosines += best.values.tolist()
        scores = [[round(value, 4) for value in row] for row in cosines]
        new = np.flatnonzero(self.shop.launch.new).tolist()
        return {"neighbours": near, "scores": scores, "new": new}


# Questions


def open(folder: Path, at: int | None) -> Neighbours:
    """The nearest products of each at frame ``at``, or at the end."""
    return Neighbours.read(folder, at)


def answer(artefact: Neighbours, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"item", "new", "near": [{"item", "score", "role"}]}``, as :meth:`Neighbours.answer`."""
    return artefact.answer(asked)
