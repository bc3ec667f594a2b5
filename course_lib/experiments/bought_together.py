"""What goes with this product: neighbours from behaviour, by counting or by vectors, and whether they can replace it.

    python -m course_lib run bought_together --method two-towers --correction logq --json

A co-purchase is two products that one shopper buys in one visit: in the same basket, or within an hour of the purchase
before. Those of four fifths of the shoppers are learned from, those of the others asked for; a tenth of the products is
new, so training sees none of their purchases.

Towers are trained with in-batch softmax. With query a_i, candidates b_j of the batch and temperature t:

    loss = mean_i -log softmax_j(cos(f(a_i), g(b_j)) / t - log q(b_j))[i]

Popular candidates stand in more batches and so are punished more often; subtracting log q(b), the logarithm of how
often b is drawn, corrects that (Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
Recommendations, RecSys 2019). Without it the score tends to how much likelier b becomes by a, not to how likely it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, bootstrap_ratio
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import Neighbours, type_numbers
from course_lib.models.base import untrained
from course_lib.models.catalogue import model_card
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "method": ("two-towers", "two-towers", "one-tower", "counts", "sasrec", "text"),
    "correction": ("logq", "logq", "none"),  # of the in-batch softmax: for how often a candidate is drawn
    "epochs": (2, 1, 50),
    "width": (64, 4, 256),  # numbers of a product's vector
    "rate": (0.002, 0.0001, 0.1),  # of Adam
    "temperature": (0.1, 0.01, 1.0),  # by which cosines are divided
}
MEASURES = {
    "recall@10": "share",  # of held-out co-purchases of known products, against all products
    "recall_new@10": "share",  # of those from a known product to a new one, among the new ones only
    "counts_recall@10": "share",  # what raw counts reach on the same co-purchases
    "coverage": "count",  # products that stand in anybody's ten
    "same_type": "share",  # of the neighbours: what could replace the product
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"items": "items", "k": (10, 1, 10)}  # the neighbours of the last of the products
TINY = {"epochs": 2, "width": 8}

HOUR = 3600  # seconds between two purchases of one visit, at most
REACH = 100  # places apart within a visit: a bulk order must not outweigh everybody else
PAIRS = 200_000  # co-purchases that an epoch learns from, at most
FEWEST = 50  # co-purchases without which there is nothing to learn or to ask
TRAINED, NEW = 0.8, 0.1  # shares of the shoppers and of the products
HIDDEN, BATCH, K, BLOCK = 256, 512, 10, 512
EARLY = (1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the first epoch, in which most happens

Ids = NDArray[np.int64]
Scores = Callable[[Ids], NDArray[np.float32]]  # rows of products -> (n, V); -inf where nothing is known


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Finds ten neighbours for every product, by the chosen method.

    Raises CourseError where the data cannot be had, groups no purchases, or has no titles though the method reads
    them. It takes seconds, so a run that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings, method = config.settings, str(config.settings["method"])
    trains = method not in ("counts", "text")
    moments = [0.0, *EARLY, *range(1, int(settings["epochs"]) + 1)] if trains else [0.0]
    yield plan(frame=len(moments))
    dataset = registry.load(config.data["dataset"])
    asked = Asked.make(dataset, config.seed)
    counted = _counts(asked)
    reference = asked.hits(counted, asked.nearest(counted)[0])[0]
    torch.manual_seed(config.seed)
    if method == "sasrec":
        stages = _sasrec(config, dataset, asked, moments)
    elif trains:
        stages = _towers(config, text_vectors(dataset), asked, moments)
    else:
        stages = iter([(counted if method == "counts" else _cosines(text_vectors(dataset)), None)])
    net: nn.Module | None = None
    found: dict[str, Any] = {}
    for at, (scores, stage_net) in enumerate(stages):
        net = stage_net
        near, values = asked.nearest(scores)
        found = asked.measures(scores, near)
        told = {name: round(one["value"], 5) for name, one in found.items()}
        told |= {"counts_recall@10": round(reference["value"], 5), "coverage": found["coverage"]["value"] / asked.count}
        yield folder.frame(at, asked.view(near, values), None, epoch=float(moments[at]), **told)
    found["counts_recall@10"] = reference
    if net is not None:
        found["parameters"] = exact(sum(p.numel() for p in net.parameters()))
    seconds = round(time.perf_counter() - began, 3)
    yield result(
        {**found, "seconds": exact(seconds)}, seconds={"total": seconds}, products=asked.count,
        learned=len(asked.train), asked=len(asked.test),
    )  # fmt: skip


# What is learned from and asked for


def co_purchases(users: Ids, items: Ids, times: Ids, baskets: Ids) -> Ids:
    """(P, 3) shopper, product, other product, each both ways round, once a visit; rows sorted by user and time.

    >>> n = np.array
    >>> co_purchases(n([0, 0, 0]), n([5, 6, 7]), n([0, 60, 90_000]), n([1, 2, 3])).tolist()
    [[0, 5, 6], [0, 6, 5]]
    """
    goes_on = (users[1:] == users[:-1]) & ((baskets[1:] == baskets[:-1]) | (times[1:] - times[:-1] <= HOUR))
    visit = np.concatenate([[0], np.cumsum(~goes_on)]) if len(users) else np.empty(0, np.int64)
    parts = [np.empty((0, 4), np.int64)]
    for apart in range(1, REACH + 1):
        rows = np.flatnonzero(visit[apart:] == visit[:-apart])
        if not len(rows):
            break
        one, other = items[rows], items[rows + apart]
        parts.append(np.stack([visit[rows], users[rows], one, other], axis=1))
        parts.append(np.stack([visit[rows], users[rows], other, one], axis=1))
    pairs = np.unique(np.concatenate(parts).astype(np.int64), axis=0)
    return pairs[pairs[:, 2] != pairs[:, 3], 1:]


@dataclass(frozen=True)
class Asked:
    """Co-purchases to learn from and to find again. Products are rows from 0 here: item ``i`` is row ``i - 1``."""

    count: int  # V
    train: Ids  # (P, 2) of training shoppers and known products
    test: Ids  # (Q, 2) of the other shoppers
    new: NDArray[np.bool_]  # (V,) products that training does not see
    learners: NDArray[np.bool_]  # (N,) shoppers that are learned from
    kind: NDArray[np.integer] | None  # (V,) product type, where there is one

    @classmethod
    def make(cls, dataset: Dataset, seed: int) -> Asked:
        """Draws new products and training shoppers; raises CourseError where no visits hold several products."""
        events, rng = dataset.events, np.random.default_rng(seed)
        columns = (Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET)
        pairs = co_purchases(*(events[name].to_numpy(np.int64) for name in columns))
        new = np.zeros(dataset.num_items, bool)
        new[rng.permutation(dataset.num_items)[: int(NEW * dataset.num_items)]] = True
        learners = rng.random(dataset.num_users) < TRAINED
        rows, own = pairs[:, 1:] - 1, learners[pairs[:, 0]]
        train, test = rows[own & ~new[rows].any(1)], rows[~own & ~new[rows[:, 0]]]
        if len(train) < FEWEST or (~new[test[:, 1]]).sum() < FEWEST:
            raise CourseError("no_co_purchases", name=dataset.address.name, pairs=len(pairs), fewest=FEWEST)
        return cls(dataset.num_items, train, test, new, learners, type_numbers(dataset.items))

    def hits(self, scores: Scores, near: Ids) -> list[dict[str, float]]:
        """Recall@10 of known products against all, and of new ones among the new, where any were asked for."""
        found = []
        for fresh in (False, True):
            pairs = self.test[self.new[self.test[:, 1]] == fresh]
            if not len(pairs):
                continue
            listed = self.nearest(scores, self.new)[0] if fresh else near
            hit = (listed[pairs[:, 0]] == pairs[:, 1, None]).any(1)
            times = np.bincount(pairs[:, 0], minlength=self.count)
            right = np.bincount(pairs[:, 0], weights=hit, minlength=self.count)
            some = times > 0
            found.append(bootstrap_ratio(right[some, None], times[some, None]).to_dict())
        return found

    def measures(self, scores: Scores, near: Ids) -> dict[str, dict[str, float]]:
        """Recalls, coverage, and the share of neighbours with the product's own type."""
        found = dict(zip(("recall@10", "recall_new@10"), self.hits(scores, near), strict=False))
        found["coverage"] = exact(len(np.unique(near[near >= 0])))
        if self.kind is not None and (near >= 0).any():
            some = (near >= 0).any(1)
            same = ((self.kind[near] == self.kind[:, None]) & (near >= 0)).sum(1) / np.maximum((near >= 0).sum(1), 1)
            found["same_type"] = bootstrap(same[some]).to_dict()
        return found

    def nearest(self, scores: Scores, among: NDArray[np.bool_] | None = None) -> tuple[Ids, NDArray[np.float32]]:
        """(V, 10) rows of the best scored, itself left out, -1 where nothing is known; and their scores."""
        near, values = [], []
        for start in range(0, self.count, BLOCK):
            rows = np.arange(start, min(start + BLOCK, self.count))
            block = np.array(scores(rows), np.float32)
            block[np.arange(len(rows)), rows] = -np.inf
            if among is not None:
                block[:, ~among] = -np.inf
            order = np.argsort(-block, axis=1, kind="stable")[:, :K]  # equal scores in order of the catalogue
            best = np.take_along_axis(block, order, 1)
            near.append(np.where(np.isfinite(best), order, -1))
            values.append(np.where(np.isfinite(best), best, 0))
        return np.concatenate(near), np.concatenate(values)

    def view(self, near: Ids, values: NDArray[np.float32]) -> dict[str, Any]:
        """``{"neighbours": [[item, ...]], "scores": [[...]], "new": [item, ...]}``, a row a product, best first."""
        return {
            "neighbours": [[item + 1 for item in row if item >= 0] for row in near.tolist()],
            "scores": [
                [round(value, 4) for item, value in zip(*both, strict=True) if item >= 0]
                for both in zip(near.tolist(), values.tolist(), strict=True)
            ],
            "new": (np.flatnonzero(self.new) + 1).tolist(),
        }


# The methods: each yields how it scores now, and its network


Stage = tuple[Scores, nn.Module | None]


def _counts(asked: Asked) -> Scores:
    times = np.ones(len(asked.train), np.float32)
    table = csr_array((times, (asked.train[:, 0], asked.train[:, 1])), shape=(asked.count, asked.count))

    def scores(rows: Ids) -> NDArray[np.float32]:
        some = table[rows].toarray()
        return np.where(some > 0, some, -np.inf).astype(np.float32)

    return scores


def _cosines(queries: NDArray[np.float32], candidates: NDArray[np.float32] | None = None) -> Scores:
    def unit(table: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9), np.float32)

    one, other = unit(queries), unit(queries if candidates is None else candidates)
    return lambda rows: one[rows] @ other.T


class Towers(nn.Module):
    """Two small networks on text vectors, (B, D) to (B, width) of length 1; ``shared``: one network for both."""

    def __init__(self, inputs: int, width: int, shared: bool) -> None:
        super().__init__()
        towers = [
            nn.Sequential(nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, width))
            for _ in range(1 if shared else 2)
        ]
        self.towers = nn.ModuleList(towers)

    def forward(self, queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """The vectors of both sides."""
        one, other = self.towers[0](queries), self.towers[-1](candidates)
        return functional.normalize(one, dim=1), functional.normalize(other, dim=1)


def in_batch_loss(cosines: Tensor, candidates: Tensor, log_q: Tensor | None, temperature: float) -> Tensor:
    """The loss of the module's docstring. (B, B) cosines, (B,) candidates' rows, (B,) log q or no correction.

    A candidate that stands in the batch twice is no negative of itself.
    """
    logits = cosines / temperature
    if log_q is not None:
        logits = logits - log_q[None, :]
    twin = (candidates[:, None] == candidates[None, :]) & ~torch.eye(len(candidates), dtype=torch.bool)
    return functional.cross_entropy(logits.masked_fill(twin, -torch.inf), torch.arange(len(candidates)))


def _towers(config: RunConfig, vectors: NDArray[np.float32], asked: Asked, moments: list[float]) -> Iterator[Stage]:
    settings = config.settings
    table = torch.from_numpy(vectors)
    table = (table - table.mean(0)) / table.std(0).clamp_min(1e-6)
    model = Towers(table.shape[1], int(settings["width"]), settings["method"] == "one-tower")
    optimizer = torch.optim.Adam(model.parameters(), lr=float(settings["rate"]))
    generator = torch.Generator().manual_seed(config.seed)
    pairs = torch.from_numpy(asked.train)
    log_q = torch.from_numpy(np.bincount(asked.train[:, 1], minlength=asked.count) / len(asked.train)).log().float()

    def now() -> Stage:
        with torch.no_grad():
            one, other = model(table, table)
        return _cosines(one.numpy(), other.numpy()), model

    yield now()
    steps = math.ceil(min(len(pairs), PAIRS) / BATCH)
    looks = [round(moment * steps) for moment in moments[1:]]
    done = 0
    for epoch in range(1, int(settings["epochs"]) + 1):
        order = torch.randperm(len(pairs), generator=generator)[:PAIRS]
        for start in range(0, len(order), BATCH):
            some = pairs[order[start : start + BATCH]]
            one, other = model(table[some[:, 0]], table[some[:, 1]])
            correction = log_q[some[:, 1]] if settings["correction"] == "logq" else None
            loss = in_batch_loss(one @ other.T, some[:, 1], correction, float(settings["temperature"]))
            if not torch.isfinite(loss):
                raise CourseError("towers_diverged", epoch=epoch, rate=settings["rate"])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done += 1
            for _ in range(looks.count(done)):
                yield now()
    for _ in range(looks.count(0)):  # of an epoch of a few steps
        yield now()


def _sasrec(config: RunConfig, dataset: Dataset, asked: Asked, moments: list[float]) -> Iterator[Stage]:
    """SASRec learns what comes next (training/loop.py); what is asked of it are the cosines of its product table."""
    lists = [
        [int(item) for item in history if not asked.new[item - 1]]
        for user, history in enumerate(dataset.histories())
        if asked.learners[user]
    ]
    own = {name: setting.default for name, setting in model_card("sasrec").settings.items()}
    own |= {"width": int(config.settings["width"]), "heads": 1}
    model = untrained("sasrec", dataset.num_items, own, config.seed)
    training = {"epochs": int(config.settings["epochs"])}
    trainer = Trainer(model, Histories.from_lists([one for one in lists if len(one) > 1]), training, config.seed)
    looks = [round(moment * trainer.steps_per_epoch) for moment in moments]

    def now() -> Stage:
        return _cosines(model.item.weight.detach().numpy()[1:].copy()), model

    for _ in range(looks.count(0)):
        yield now()
    while trainer.progress.epoch < training["epochs"]:
        for event in trainer.epoch(sorted(set(looks))):
            if event["kind"] == "pause":
                for _ in range(looks.count(event["step"])):
                    yield now()


# Questions


def open(folder: Path, at: int | None) -> Neighbours:
    """All neighbours at frame ``at``, or at the end."""
    return Neighbours.read(folder, at)


def answer(artefact: Neighbours, asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"item", "new", "near": [{"item", "score", "role"}]}``, as :meth:`Neighbours.answer`."""
    return artefact.answer(asked)
