"""Personal history: how many purchases make a list personal, and what a wish in words adds to them.

    python -m course_lib run personal_history --known-purchases 3 --words-weight 0.7 --json

One SASRec learns from the whole shop. Then the histories of shoppers with twelve purchases or more are cut to their
newest n = 0, 1, 2, ... and the same model is asked what each of them buys next: NDCG@10 by n, against one list for
everyone (popularity) and against "what follows the last product" (Markov), which reads one purchase and no more.

A wish is what a shopper types (evaluation/wishes.py). With w_i the score of product i by the words of the query (words
and meaning half and half, search_engines.py) and p_i the model's probability after the history,

    score_i = a * w_i / max w + (1 - a) * p_i / max p

where a is the weight of the words. The query's own words are the wish; no large language model rewrites them. He et
al., Large Language Models as Zero-Shot Conversational Recommenders, CIKM 2023, give one such words *and* history.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap, paired_difference
from course_lib.evaluation.protocol import evaluate
from course_lib.evaluation.search_engines import Engines, fuse
from course_lib.evaluation.wishes import TRUTHS, Wishes, mixed_scores
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.experiments.query_encoder import need_searches
from course_lib.experiments.search_columns import engines_of, note_on, ranked, read, with_reasons
from course_lib.experiments.shoppers import followed
from course_lib.models.base import untrained
from course_lib.models.markov import MarkovModel
from course_lib.models.popularity import PopularityModel
from course_lib.training.checkpoint import one_thread
from course_lib.training.loop import Trainer

DATA = {"dataset": "searches"}
SETTINGS = {  # (default, lowest, highest)
    "known_purchases": (3, 0, 12),  # newest purchases that the model is told, in the measures
    "words_weight": (0.7, 0.0, 1.0),  # a, in the measures
    "epochs": (3, 1, 20),
}
MEASURES = {
    "known_ndcg@10": "score",  # with ``known_purchases`` of them
    "ndcg@10": "score",  # with all that there are; the same shoppers
    "markov_ndcg@10": "score",  # of the same shoppers
    "popularity_ndcg@10": "score",
    "over_popularity": "difference",  # of the list with ``known_purchases``
    "over_markov": "difference",
    "bought_words": "score",  # NDCG@10 of what is bought in the search, by the words alone
    "bought_history": "score",
    "bought_both": "score",
    "history_adds": "difference",  # bought_both - bought_words
    "meant_words": "score",  # of what the words ask for, by the truth
    "meant_history": "score",
    "meant_both": "score",
    "next_words": "score",  # of the next purchase outside the search
    "next_history": "score",
    "next_both": "score",
    "words_add": "difference",  # next_both - next_history
    "parameters": "count",
    "seconds": "seconds",
}
ASKS = {"text": "text", "shopper": (1, 1, 5), "words_weight": (0.7, 0.0, 1.0), "k": (10, 1, 20)}
TINY = {"epochs": 1}

CUTS = (0, 1, 2, 3, 4, 5, 8, 12)  # newest purchases that are told
LONG, ASKED = 12, 2000  # purchases of the shoppers who are cut, and how many of them are asked at the end
GLANCE = 400  # of them that are asked after each epoch
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RATE, HALF, POOL = 0.02, 0.5, 100  # of training; of meaning in the words' score, and candidates of each engine
READ = 20  # purchases that the model looks back


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains; after each epoch cuts the histories; at the end puts wishes beside them.

    Raises CourseError where the data has no searches, no long histories or too few wishes. It takes seconds, so a run
    that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    epochs = int(config.settings["epochs"])
    yield plan(step=1, frame=epochs + 2)
    need_searches(config)
    dataset = registry.load(config.data["dataset"])
    split = leave_one_out(dataset)
    model = _model(config, dataset.num_items)
    training = {"epochs": epochs, "learning_rate": RATE, "loss": "softmax"}
    trainer = Trainer(model, split.train, training, config.seed)
    yield plan(step=trainer.steps, frame=epochs + 2)
    cut = Cut.make(dataset, split, int(config.settings["known_purchases"]))
    glance = cut.glance()
    view: dict[str, Any] = {"shoppers": followed(split.test, READ), "wishes": []}
    for epoch in range(epochs + 1):
        view = {**view, "epoch": epoch, "cuts": glance.told(model)}
        yield folder.frame(epoch, view, model.state_dict(), epoch=epoch)
        if epoch < epochs:
            yield from trainer.epoch()
    measures = cut.measures(model, int(config.settings["known_purchases"]))
    told = Told.make(dataset, split, model)
    view = {
        **view,
        "cuts": cut.told(model),
        "wishes": told.curves(),
        "kinds": told.kinds(float(config.settings["words_weight"])),
    }
    yield folder.frame(epochs + 1, view, model.state_dict(), epoch=epochs)
    measures |= told.measures(float(config.settings["words_weight"]))
    measures["parameters"] = exact(int(sum(one.numel() for one in model.parameters())))
    seconds = round(time.perf_counter() - began, 3)
    measures["seconds"] = exact(seconds)
    asked = {truth: int(told.wishes.of(truth).sum()) for truth in TRUTHS}
    yield result(
        measures, cuts=view["cuts"], wishes=view["wishes"], kinds=view["kinds"], asked=asked, shoppers=len(cut.long),
        seconds={"total": seconds},
    )  # fmt: skip


def _model(config: RunConfig, num_items: int) -> Any:
    return untrained("sasrec", num_items, {"history_length": READ}, config.seed)


@dataclass(frozen=True)
class Cut:
    """Shoppers with long histories, and what needs no training to be asked about them."""

    long: Holdout
    counts: tuple[int, ...]  # of newest purchases
    popularity: NDArray[np.float64]  # (N,) NDCG@10
    markov: NDArray[np.float64]  # (N,) that of the whole history, and so of any cut from one purchase on

    @classmethod
    def make(cls, dataset: Dataset, split: Split, known: int) -> Cut:
        """At most ASKED of the test's shoppers with LONG purchases; raises CourseError where there are none."""
        rows = np.flatnonzero(split.test.histories.lengths >= LONG)
        if not len(rows):
            raise CourseError("no_long_histories", name=dataset.address.name, length=LONG)
        long = split.test.take(np.sort(np.random.default_rng(0).permutation(rows)[:ASKED]))
        counted = (kind.fit(split.train, dataset.num_items, own) for kind, own in (
            (PopularityModel, {}), (MarkovModel, {"blend": 10.0}),
        ))  # fmt: skip
        own = [evaluate(one.score, long).per_row()["ndcg@10"] for one in counted]
        return cls(long, tuple(sorted({*CUTS, known})), own[0], own[1])

    def rows(self, model: Any, known: int | None) -> NDArray[np.float64]:
        """(N,) NDCG@10 with the newest ``known_purchases``; None: all."""
        histories = self.long.histories if known is None else newest(self.long.histories, known)
        return evaluate(model.score, Holdout(self.long.users, histories, self.long.targets)).per_row()["ndcg@10"]

    def glance(self) -> Cut:
        """Some of them, for a look on the way."""
        few = np.arange(min(GLANCE, len(self.long)))
        return Cut(self.long.take(few), self.counts, self.popularity[few], self.markov[few])

    def told(self, model: Any) -> list[dict[str, Any]]:
        """``[{"way", "known", "value", "low", "high"}]``; popularity and Markov once, at their own number."""
        found = [("sasrec", known, self.rows(model, known)) for known in self.counts]
        found += [("popularity", 0, self.popularity), ("markov", 1, self.markov)]
        return [{"way": way, "known": known, **_ends(values)} for way, known, values in found]

    def measures(self, model: Any, known: int) -> dict[str, dict[str, float]]:
        """Those of MEASURES that are about cut histories."""
        own = self.rows(model, known)
        return {
            "known_ndcg@10": _ends(own),
            "ndcg@10": _ends(self.rows(model, None)),
            "markov_ndcg@10": _ends(self.markov),
            "popularity_ndcg@10": _ends(self.popularity),
            "over_popularity": paired_difference(own, self.popularity).to_dict(),
            "over_markov": paired_difference(own, self.markov).to_dict(),
        }


def newest(histories: Histories, count: int) -> Histories:
    """The last ``count`` purchases of each, fewer where there are fewer.

    >>> newest(Histories.from_lists([[1, 2, 3], [4]]), 2).items.tolist()
    [2, 3, 4]
    """
    if not count:
        return Histories(histories.items[:0], np.zeros(len(histories) + 1, np.int64))
    cut = histories.padded(count)
    kept = cut > 0
    return Histories(cut[kept].astype(np.int32), np.concatenate([[0], np.cumsum(kept.sum(1))]).astype(np.int64))


@dataclass(frozen=True)
class Told:
    """Wishes with what the words say and what the history says of every product."""

    wishes: Wishes
    words: NDArray[np.float32]  # (N, V)
    history: NDArray[np.float32]  # (N, V) probabilities

    @classmethod
    def make(cls, dataset: Dataset, split: Split, model: Any) -> Told:
        """Encodes every query once."""
        wishes = Wishes.make(dataset, split)
        texts, place = np.unique(wishes.task.texts, return_inverse=True)
        found = said(engines_of(dataset.address), texts.tolist())
        return cls(wishes, found[place], np.exp(model.score(wishes.histories))[:, 1:])

    def rows(self, truth: str, weight: float) -> NDArray[np.float64]:
        """(N,) NDCG@10."""
        return self.wishes.ndcg(truth, mixed_scores(self.words, self.history, weight))

    def curves(self) -> list[dict[str, Any]]:
        """``[{"truth", "weight", "value", "low", "high"}]``"""
        return [
            {"truth": truth, "weight": weight, **_ends(self.rows(truth, weight))}
            for truth in TRUTHS
            for weight in WEIGHTS
        ]

    def kinds(self, weight: float) -> list[dict[str, Any]]:
        """``[{"kind", "searches", "way", "value", "low", "high"}]`` of what is meant, by the kind of the query."""
        rows = {way: self.rows("meant", one) for way, one in _ways(weight).items()}
        kinds, found = self.wishes.task.kind[self.wishes.drawn], []
        for kind in dict.fromkeys(kinds.tolist()):
            of_it = kinds == kind
            found += [
                {"kind": kind, "searches": int(of_it.sum()), "way": way, **_ends(values[of_it])}
                for way, values in rows.items()
            ]
        return found

    def measures(self, weight: float) -> dict[str, dict[str, float]]:
        """Those of MEASURES that are about wishes."""
        rows = {f"{truth}_{way}": self.rows(truth, one) for truth in TRUTHS for way, one in _ways(weight).items()}
        found = {name: _ends(values) for name, values in rows.items()}
        found["history_adds"] = paired_difference(rows["bought_both"], rows["bought_words"]).to_dict()
        found["words_add"] = paired_difference(rows["next_both"], rows["next_history"]).to_dict()
        return found


def _ways(weight: float) -> dict[str, float]:
    return {"words": 1.0, "history": 0.0, "both": weight}


def said(engines: Engines, texts: list[str]) -> NDArray[np.float32]:
    """(Q, V) what words and meaning of each text say, half and half."""
    with threadpool_limits(1):
        return fuse(engines.by_words(texts), engines.by_meaning(engines.encode(texts)), HALF, POOL)


def _ends(values: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in bootstrap(values).to_dict().items()}


# Questions


@dataclass(frozen=True)
class Artefact:
    """The model at a frame, with the engines and the shoppers who may wish for something."""

    model: Any
    engines: Engines
    shoppers: list[dict[str, Any]]


def open(folder: Path, at: int | None) -> Artefact:
    """The model as it was at frame ``at``, or at the end."""
    config = RunConfig.read(folder)
    view = view_at(folder, at)
    address = config.data["dataset"]
    model = _model(config, len(registry.load_items(address)))
    last = int(config.settings["epochs"]) + 1
    model.load_state_dict(Folder(folder).weights(last if at is None else at))
    return Artefact(model, engines_of(address), view["shoppers"])


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of course_lib/experiments/search_columns.py: what was bought, by words, by history, and both."""
    text, problem = read(asked)
    k = int(asked["k"])
    shopper = artefact.shoppers[min(int(asked["shopper"]), len(artefact.shoppers)) - 1]
    history = np.exp(artefact.model.score(Histories.from_lists([shopper["history"]])))[:, 1:]
    words = np.zeros_like(history)
    note = problem
    if not problem:
        words = said(artefact.engines, [text])
        with threadpool_limits(1):
            vectors = artefact.engines.encode([text])
            note = note_on(artefact.engines.by_words([text]), artefact.engines.by_meaning(vectors), problem)
    both = mixed_scores(words, history, float(asked["words_weight"]))
    past = [{"item": item, "score": 0.0} for item in reversed(shopper["history"])][:k]
    columns = with_reasons(artefact.engines, text, {"wish": words[0]}, {}, k)
    columns += [{"name": name, "list": ranked(row[0], k)} for name, row in (("history", history), ("mixed", both))]
    return {
        "text": text, "note": note, "meant": "", "numbers": None, "shopper": shopper["user"],
        "columns": [{"name": "past", "list": past}, *columns],
    }  # fmt: skip
