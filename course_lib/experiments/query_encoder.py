"""A query encoder trained on the shop's clicks, and what it finds for queries that it has never seen.

    python -m course_lib run query_encoder --reads letters --epochs 8 --json

A fifth of the shop's queries is held out with all its clicks. From the clicks on the others the encoder
(models/query_encoder.py) learns to bring a query's vector near the products that were clicked:

    loss = - sum over clicks w log P(product clicked | query) / sum of w

``learn_from`` says what a click weighs: 1; or 1 / the chance that its place is looked at, which is counted in the
searches whose results were shuffled (inverse propensity: Joachims, Swaminathan & Schnabel, WSDM 2017); or what would
have been clicked on average if every place were looked at, which only the shop's truth knows.

Judged on the held-out queries by the truth's relevance (evaluation/search_task.py), by kind of query, after each epoch.
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
from threadpoolctl import threadpool_limits
from torch import Tensor

from course_lib.data import registry
from course_lib.data.text_vectors import text_vectors
from course_lib.errors import CourseError
from course_lib.evaluation.click_log import ClickLog, examined
from course_lib.evaluation.search_engines import Engines, Scores, catalogue, fuse
from course_lib.evaluation.search_task import SHOP, SearchTask
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.experiments.search_columns import engines_of, note_on, read, with_reasons
from course_lib.models.query_encoder import QueryEncoder, padded_runs
from course_lib.training.checkpoint import one_thread

DATA = {"dataset": "histories"}  # the shop alone writes down searches
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "reads": ("both", "both", "meaning", "letters"),  # what of a text the encoder reads
    "learn_from": ("clicks", "clicks", "corrected", "truth"),
    "epochs": (4, 1, 20),
    "width": (64, 8, 256),  # numbers of a run's vector
    "learning_rate": (0.003, 0.0001, 0.03),
    "weight": (0.5, 0.0, 1.0),  # of the encoder in its sum with the words
}
MEASURES = {
    "trained": "score",  # NDCG@10 on queries that were held out, the mean over searches
    "words": "score",
    "before": "score",  # the pretrained encoder as it comes
    "both_before": "score",  # words and the pretrained encoder
    "both": "score",  # words and the trained one
    "gain_words": "difference",  # of the trained encoder over words
    "gain_before": "difference",  # of the trained encoder over itself before
    "gain_both": "difference",  # of the sum with it over the sum before
    "even": "score",  # of the sum, every kind of query alike
    "gain_misspelt": "difference",  # of the trained encoder over the pretrained one, by kind
    "gain_need": "difference",
    "gain_synonym": "difference",
    "gain_brand": "difference",
    "trained_misspelt": "score",
    "trained_mixed": "score",
    "both_misspelt": "score",
    "both_mixed": "score",
    "shown_need": "share",  # of the products relevant to a need: those that the old engine ever showed for it
    "shown_synonym": "share",
    "shown_head": "share",
    "pairs": "count",  # of a query and a product clicked for it
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"text": "text", "k": (10, 1, 50)}
TINY = {"epochs": 1, "width": 8}

HELD = 0.2  # of the queries
BATCH = 512  # pairs
POOL = 100  # candidates of each engine that enter the sum
EXACT = 7.0  # 2^3 - 1, the gain of an exact product: those that "ever shown" asks for


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains on the clicks of four fifths of the queries; looks at the others after each epoch.

    Raises CourseError where the data has no searches. It takes seconds, so an interrupted run begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings, epochs = config.settings, int(config.settings["epochs"])
    yield plan(frame=epochs + 1)
    need_searches(config)
    lesson = Material.make(config)
    pairs = lesson.pairs(str(settings["learn_from"]))
    steps = epochs * -(-len(pairs[0]) // BATCH)
    yield plan(step=steps, frame=epochs + 1)
    torch.manual_seed(config.seed)
    net = QueryEncoder(lesson.size, int(settings["width"]), str(settings["reads"]))
    optimizer = torch.optim.Adam(net.parameters(), float(settings["learning_rate"]))
    weight, step = float(settings["weight"]), 0
    values = lesson.judge(net, weight)
    yield folder.frame(0, lesson.view(values, 0), _weights(net), epoch=0, **lesson.told(values))
    for epoch in range(1, epochs + 1):
        for loss in _epoch(net, optimizer, lesson, pairs, [config.seed, epoch]):
            step += 1
            yield {"kind": "step", "at": step, "loss": round(loss, 4)}
        values = lesson.judge(net, weight)
        yield folder.frame(epoch, lesson.view(values, epoch), _weights(net), epoch=epoch, **lesson.told(values))
    yield _result(lesson, values, net, len(pairs[0]), time.perf_counter() - began)


def need_searches(config: RunConfig) -> None:
    """Raises CourseError where the data is not the shop: nothing else has searches, clicks and a truth."""
    address = config.data["dataset"]
    if address.name != SHOP:
        raise CourseError("search_shop", name=address.name)


Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]  # query, product's row, weight


@dataclass(frozen=True)
class Material:
    """Texts as tensors, clicks, and the queries that are held out."""

    task: SearchTask  # every query that was typed
    held: NDArray[np.bool_]  # (Q,)
    log: ClickLog  # by rows of the task
    vectors: Tensor  # (Q, 512)
    runs: Tensor  # (Q, G)
    titles: Tensor  # (V, 512)
    title_runs: Tensor  # (V, G')
    words: Scores  # (H, V) of the held-out queries
    meaning: Scores  # (H, V)

    @property
    def size(self) -> int:
        """Numbers of the sentence encoder's vector."""
        return int(self.titles.shape[1])

    @classmethod
    def make(cls, config: RunConfig) -> Material:
        """Reads the shop's log and encodes every text."""
        dataset = registry.load(config.data["dataset"])
        with threadpool_limits(1):
            task = SearchTask.make(dataset)
            engines = engines_of(dataset.address)
            vectors = engines.encode(task.texts)
            titles = text_vectors(dataset)
        held = np.zeros(len(task.texts), bool)  # the same ones whatever the seed, so that runs can be compared
        held[np.random.default_rng(0).permutation(len(held))[: int(HELD * len(held))]] = True
        log = ClickLog.make(dataset, task)
        texts = [task.texts[row] for row in np.flatnonzero(held)]
        titled = catalogue(dataset).agg(" ".join, axis=1).tolist()
        return cls(
            task, held, log, torch.from_numpy(vectors), padded_runs(task.texts), torch.from_numpy(titles),
            padded_runs(titled), engines.by_words(texts), engines.by_meaning(vectors[held]),
        )  # fmt: skip

    @property
    def asked(self) -> SearchTask:
        """The queries that are held out."""
        return self.task.take(self.held)

    def pairs(self, learn_from: str) -> Pairs:
        """Every query and product clicked for it, once, with the weight of all its clicks; none of held-out queries."""
        log = self.log
        if learn_from == "truth":
            weights = np.where(log.items > 0, log.attraction, 0.0)
        else:
            looked = examined(log)[0] if learn_from == "corrected" else np.ones(log.items.shape[1])
            weights = log.clicked / looked
        kept = (weights > 0) & ~self.held[log.query][:, None]
        row, place = np.nonzero(kept)
        key = log.query[row] * (self.task.gains.shape[1] + 1) + log.items[row, place]
        known, inverse = np.unique(key, return_inverse=True)
        total = np.bincount(inverse, weights=weights[row, place])
        query, item = np.divmod(known, self.task.gains.shape[1] + 1)
        return query, item - 1, (total / total.mean()).astype(np.float32)

    def score(self, net: QueryEncoder) -> Scores:
        """(H, V) cosines of the held-out queries plus 1: nothing is "not found"."""
        with torch.no_grad():
            rows = torch.from_numpy(np.flatnonzero(self.held))
            products = net(self.titles, self.title_runs)
            found = net(self.vectors[rows], self.runs[rows]) @ products.T + 1
        return np.asarray(found.numpy(), np.float32)

    def judge(self, net: QueryEncoder, weight: float) -> dict[str, NDArray[np.float64]]:
        """NDCG@10 of every held-out query by each engine."""
        trained, asked = self.score(net), self.asked
        scores = {
            "words": self.words, "before": self.meaning, "trained": trained,
            "both_before": fuse(self.words, self.meaning, weight, POOL),
            "both": fuse(self.words, trained, weight, POOL),
        }  # fmt: skip
        return {name: asked.ndcg(one) for name, one in scores.items()}

    def told(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What an epoch's event says: the mean of each engine."""
        return {name: self._mean(one) for name, one in values.items()}

    def view(self, values: Mapping[str, Any], epoch: int) -> dict[str, Any]:
        """The means by kind."""
        kinds = {kind: {name: self._mean(one, kind) for name, one in values.items()} for kind in self.asked.kinds}
        return {"epoch": epoch, "kinds": kinds, **self.told(values)}

    def _mean(self, values: NDArray[np.float64], kind: str | None = None) -> float:
        asked = self.asked
        rows = np.ones(len(values), bool) if kind is None else asked.kind == kind
        return round(float(np.average(values[rows], weights=asked.counts[rows])), 5)

    def ever_shown(self, kind: str) -> dict[str, float]:
        """Of the exact products of queries of a kind: those among the results that were ever shown for them."""
        rows = np.flatnonzero(self.task.kind == kind)
        exact_ones = self.task.gains[rows] >= EXACT
        shown = np.zeros(self.task.gains.shape, bool)
        row, place = np.nonzero(self.log.items > 0)
        shown[self.log.query[row], self.log.items[row, place] - 1] = True
        return exact(float((shown[rows] & exact_ones).sum() / max(exact_ones.sum(), 1)))


def _epoch(
    net: QueryEncoder, optimizer: torch.optim.Optimizer, lesson: Material, pairs: Pairs, seed: list[int]
) -> Iterator[float]:
    """One pass over the pairs in random order; yields each step's loss."""
    query, item, weight = pairs
    order = np.random.default_rng(seed).permutation(len(query))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        asked, place = np.unique(query[rows], return_inverse=True)
        found = net(lesson.vectors[asked], lesson.runs[asked]) @ net(lesson.titles, lesson.title_runs).T
        chances = torch.log_softmax(found * net.scale.exp(), dim=1)
        right = chances[torch.from_numpy(place), torch.from_numpy(item[rows])]
        counts = torch.from_numpy(weight[rows])
        loss = -(right * counts).sum() / counts.sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield float(loss.item())


def _result(lesson: Material, values: Mapping[str, Any], net: QueryEncoder, pairs: int, seconds: float) -> Event:
    asked = lesson.asked
    measures = {name: asked.measure(one).to_dict() for name, one in values.items()}
    for name, (one, other) in {
        "gain_words": ("trained", "words"), "gain_before": ("trained", "before"), "gain_both": ("both", "both_before"),
    }.items():  # fmt: skip
        measures[name] = asked.measure(values[one] - values[other]).to_dict()
    table: dict[str, Any] = {}
    for kind in asked.kinds:
        rows = asked.kind == kind
        table[kind] = {name: asked.measure(one, rows).to_dict() for name, one in values.items()}
        table[kind]["gain"] = asked.measure(values["trained"] - values["before"], rows).to_dict()
        table[kind]["over_words"] = asked.measure(values["trained"] - values["words"], rows).to_dict()
        table[kind] |= {"queries": int(rows.sum()), "searches": int(asked.counts[rows].sum())}
        named = {f"gain_{kind}": "gain", f"trained_{kind}": "trained", f"both_{kind}": "both"}
        measures |= {name: table[kind][engine] for name, engine in named.items() if name in MEASURES}
        if f"shown_{kind}" in MEASURES:
            measures[f"shown_{kind}"] = lesson.ever_shown(kind)
    measures["even"] = exact(float(np.mean([table[kind]["both"]["value"] for kind in table])))
    parameters = sum(one.numel() for one in net.parameters())
    measures |= {"pairs": exact(pairs), "parameters": exact(parameters)}
    total = round(seconds, 3)
    measures["seconds"] = exact(total)
    return result(
        measures, seconds={"total": total}, parameters=parameters, table=table, held=len(asked.texts),
        learned=int((~lesson.held).sum()), clicks=int(lesson.log.clicked.sum()),
    )  # fmt: skip


def _weights(net: QueryEncoder) -> dict[str, Tensor]:
    return {name: one.detach().clone() for name, one in net.state_dict().items()}


@dataclass(frozen=True)
class Trained:
    """What a query is put to."""

    engines: Engines
    net: QueryEncoder
    products: NDArray[np.float32]  # (V, D)


def open(folder: Path, at: int | None) -> Trained:
    """The encoder of frame ``at``, or of the last one, and every product's vector by it."""
    config = RunConfig.read(folder)
    settings = config.settings
    if at is None:
        at = int(view_at(folder, None)["epoch"])
    state = Folder(folder).weights(at)
    dataset = registry.load(config.data["dataset"])
    with threadpool_limits(1):
        engines, titles = engines_of(dataset.address), torch.from_numpy(text_vectors(dataset))
    net = QueryEncoder(titles.shape[1], int(settings["width"]), str(settings["reads"]))
    net.load_state_dict(state)
    with torch.no_grad():
        products = net(titles, padded_runs(catalogue(dataset).agg(" ".join, axis=1).tolist()))
    return Trained(engines, net.eval(), products.numpy())


def answer(artefact: Trained, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of :mod:`course_lib.experiments.search_columns`: words, the encoder before training, and trained."""
    engines, k = artefact.engines, int(asked["k"])
    text, problem = read(asked)
    if problem == "empty":
        return {"text": "", "note": "empty", "meant": "", "columns": [], "numbers": None}
    with threadpool_limits(1):
        words, vectors = engines.by_words([text]), engines.encode([text])
        before = engines.by_meaning(vectors) if not problem else np.zeros_like(words)
        with torch.no_grad():
            query = artefact.net(torch.from_numpy(vectors), padded_runs([text])).numpy()[0]
        trained = artefact.products @ query if not problem else np.zeros_like(words[0])
    columns = {"words": words[0], "before": before[0], "trained": trained}
    listed = with_reasons(engines, text, columns, {"before": before[0], "trained": trained}, k)
    meant = engines.meant(text) if not problem else ""
    note = note_on(words, before, problem)
    return {"text": text, "note": note, "meant": meant, "columns": listed, "numbers": None}
