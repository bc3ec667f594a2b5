"""Clicks are not relevance: what a place is worth, and what a ranker learns that does not know it.

    python -m course_lib run click_bias --result_order dear --json

The shop's searches are drawn once more by its truth (evaluation/redrawn_clicks.py), with the results in the engine's
order or the dearest first, and a share of the searches shuffled. From the shuffled ones it is counted how often each
place is looked at (evaluation/click_log.py). From all others a ranker (models/click_ranker.py) learns three times:

    naive       each click counts 1
    corrected   each click counts 1 / the chance that its place is looked at
    from_truth  what would be clicked on average if every place were looked at, by relevance alone

and orders the candidates for queries that it has never seen. How much a personal order could gain is computed from the
true chances: clicks a search, by the best order for the average shopper and by the best order for each.

The frames are the log as it grows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.errors import CourseError
from course_lib.evaluation.click_log import ClickLog, click_rates, examined
from course_lib.evaluation.intervals import bootstrap_ratio
from course_lib.evaluation.redrawn_clicks import chances, likings, redraw
from course_lib.evaluation.search_engines import Engines, Scores, fuse
from course_lib.evaluation.search_task import PLACES, SHOP, SearchTask, top
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.experiments.search_columns import engines_of, note_on, read, with_reasons
from course_lib.models.click_ranker import FEATURES, features, fit, standard
from course_lib.shop.truth.search import examination
from course_lib.training.checkpoint import one_thread

DATA = {"dataset": "histories"}  # the shop alone writes down searches
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "result_order": ("engine", "engine", "dear"),  # of the results that the log shows
    "shuffled": (0.05, 0.005, 1.0),  # share of searches whose results are shown in random order
    "attention": (0.7, 0.0, 2.0),  # place j is looked at with chance j^-attention
    "searches": (80_000, 1_000, 80_000),  # of the log, at most
}
MEASURES = {
    "corrected": "score",  # NDCG@10 on queries that were held out, the mean over searches
    "naive": "score",
    "from_truth": "score",
    "as_shown": "score",  # of the order that the log shows, on the same queries
    "correction_gain": "difference",  # of the corrected ranker over the naive one
    "place_error": "score",  # mean error of a place's chance, from the shuffled searches
    "ranked_error": "score",  # the same from the others
    "rates_naive": "score",  # Spearman's correlation of click rates with the true attraction
    "rates_corrected": "score",
    "price_naive": "number",  # how much a price weighs, without its sign
    "price_corrected": "number",
    "words_naive": "number",
    "words_corrected": "number",
    "words_from_truth": "number",
    "clicks_engine": "score",  # clicks a search by the true chances, in the engine's order
    "clicks_same": "score",  # by the best order for the average shopper
    "clicks_personal": "score",  # by the best order for each
    "headroom": "share",  # what the personal order gains over the other
    "seconds": "seconds",
}
ASKS = {"text": "text", "k": (10, 1, 50)}
TINY = {"searches": 1_000}

HELD = 0.2  # of the queries
SIZES = (1_000, 3_000, 10_000, 30_000)  # of the log as it grows
POOL = 50  # candidates that the rankers order
OFTEN = 20  # times that a pair of query and product was shown, to have a rate
RANKERS = ("naive", "corrected", "from_truth")
RESAMPLES = 200
Floats = NDArray[np.float64]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Draws the log, then learns from ever more of it.

    Raises CourseError where the data is not the shop. It takes seconds, so an interrupted run begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    address = config.data["dataset"]
    yield plan(frame=len(SIZES) + 1)
    if address.name != SHOP:
        raise CourseError("search_shop", name=address.name)
    with threadpool_limits(1):
        case = Case.make(registry.load(address), config)
    total = min(int(settings["searches"]), len(case.log))
    sizes = [*(size for size in SIZES if size < total), total]
    yield plan(frame=len(sizes))
    values: dict[str, Floats] = {}
    view: dict[str, Any] = {}
    for at, size in enumerate(sizes):
        log = case.log.first(size)
        looked, low, high = examined(log, config.seed)
        weights = case.learn(log, looked)
        values = {name: case.judge(one) for name, one in weights.items()}
        told = {name: case.mean(one) for name, one in values.items()} | {"as_shown": case.mean(case.logged)}
        view = {
            "searches": size, "shuffled": int(log.shuffled.sum()), "scores": told,
            "places": {"value": _list(looked), "low": _list(low), "high": _list(high), "truth": _list(case.looked),
                       "ranked": _list(click_rates(log))},
            "rankers": {name: _list(one) for name, one in weights.items()}, "features": list(FEATURES),
        }  # fmt: skip
        yield folder.frame(at, view, None, searches=size, **told)
    yield _result(case, values, view, time.perf_counter() - began)


@dataclass(frozen=True)
class Case:
    """Everything that a log is judged by."""

    task: SearchTask
    held: NDArray[np.bool_]  # (Q,) queries that no ranker learns from
    log: ClickLog  # drawn as the settings say
    engine: ClickLog  # the same searches in the engine's order
    grades: NDArray[np.int8]  # (S, 10) of the engine's order
    liked: Floats  # (S, 10)
    mean_liked: Floats  # (V,)
    features: Scores  # (Q, V, F)
    pool: NDArray[np.int64]  # (H, 50) candidates for the held-out queries
    looked: Floats  # (10,) the true chances, against the first place
    logged: Floats  # (H,) NDCG@10 of the order that the log shows

    @classmethod
    def make(cls, dataset: Dataset, config: RunConfig) -> Case:
        """Reads the log, computes what each engine says, and draws the clicks."""
        settings = config.settings
        task, engines = SearchTask.make(dataset), engines_of(dataset.address)
        words, letters = engines.by_words(task.texts), engines.by_letters(task.texts)
        meaning = engines.by_meaning(engines.encode(task.texts))
        prices = dataset.items[Columns.PRICE].to_numpy(np.float64)
        sold = np.bincount(dataset.events[Columns.ITEM].to_numpy(np.int64), minlength=dataset.num_items + 1)[1:]
        table = features(words, letters, meaning, standard(sold.astype(np.float64) + 1.0), standard(prices))
        best = top(words.astype(np.float64))
        found = np.where(np.take_along_axis(words, best, 1) > 0, best + 1, 0)  # (Q, 10) the engine's results
        own = ClickLog.make(dataset, task)
        items = found[own.query]
        grades = np.where(items > 0, _grades(task)[own.query[:, None], items - 1], 0).astype(np.int8)
        liked, mean_liked = likings(own.user, items)
        engine = ClickLog(
            own.query, own.user, own.shuffled, items, own.clicked,
            np.where(items > 0, chances(grades, np.zeros_like(liked), items), 0.0),
        )  # fmt: skip
        order, attention = str(settings["result_order"]), float(settings["attention"])
        log = redraw(engine, grades, liked, prices, order, float(settings["shuffled"]), attention, config.seed)
        held = np.zeros(len(task.texts), bool)
        held[np.random.default_rng(0).permutation(len(held))[: int(HELD * len(held))]] = True
        rows = np.flatnonzero(held)
        pool = top(fuse(words[rows], meaning[rows], 0.5, 100).astype(np.float64), POOL)
        shown = np.zeros((len(rows), dataset.num_items))
        key = -prices[found[rows] - 1] if order == "dear" else np.broadcast_to(np.arange(PLACES), found[rows].shape)
        place = np.argsort(np.where(found[rows] > 0, key, np.inf), axis=1, kind="stable")
        ordered = np.take_along_axis(found[rows], place, 1)
        for at in range(PLACES):
            there = ordered[:, at] > 0
            shown[np.flatnonzero(there), ordered[there, at] - 1] = PLACES - at
        logged = task.take(rows).ndcg(shown)
        looked = examination(PLACES, attention)
        return cls(task, held, log, engine, grades, liked, mean_liked, table, pool, looked, logged)

    @property
    def asked(self) -> SearchTask:
        """The queries that are held out."""
        return self.task.take(self.held)

    def mean(self, values: Floats) -> float:
        """Over the searches for held-out queries."""
        return round(float(np.average(values, weights=self.asked.counts)), 5)

    def learn(self, log: ClickLog, looked: Floats) -> dict[str, Floats]:
        """(F,) the weights of each ranker, from the searches that were not shuffled and whose query is not held out."""
        rows = ~log.shuffled & ~self.held[log.query] & log.clicked.any(1)
        items = log.items[rows]
        x, there = self.features[log.query[rows][:, None], items - 1], items > 0
        clicks = log.clicked[rows].astype(np.float64)
        taught = {"naive": clicks, "corrected": clicks / looked, "from_truth": log.attraction[rows]}
        return {name: fit(x, there, one) for name, one in taught.items()}

    def judge(self, weights: Floats) -> Floats:
        """(H,) NDCG@10 of the candidates in a ranker's order."""
        rows = np.flatnonzero(self.held)
        scores = self.features[rows[:, None], self.pool] @ weights
        table = np.zeros((len(rows), self.features.shape[1]))
        np.put_along_axis(table, self.pool, scores - scores.min(1, keepdims=True) + 1e-3, 1)
        return self.asked.ndcg(table)


def _grades(task: SearchTask) -> NDArray[np.int8]:
    return np.rint(np.log2(task.gains + 1)).astype(np.int8)


def _list(values: Floats) -> list[float]:
    return [round(float(one), 4) for one in values]


def _result(case: Case, values: Mapping[str, Floats], view: Mapping[str, Any], seconds: float) -> Event:
    asked = case.asked
    measures = {name: asked.measure(one).to_dict() for name, one in values.items()}
    measures["as_shown"] = asked.measure(case.logged).to_dict()
    measures["correction_gain"] = asked.measure(values["corrected"] - values["naive"]).to_dict()
    places = {name: np.array(one) for name, one in view["places"].items()}
    measures["place_error"] = exact(float(np.abs(places["value"] - places["truth"]).mean()))
    measures["ranked_error"] = exact(float(np.abs(places["ranked"] - places["truth"]).mean()))
    log = case.log.first(int(view["searches"]))
    measures |= rates(log, examined(log)[0])
    price, words = FEATURES.index("price"), FEATURES.index("words")
    for name in RANKERS[:2]:
        measures[f"price_{name}"] = exact(abs(view["rankers"][name][price]))
    for name in RANKERS:
        measures[f"words_{name}"] = exact(abs(view["rankers"][name][words]))
    measures |= headroom(case)
    total = round(seconds, 3)
    measures["seconds"] = exact(total)
    return result(
        measures, seconds={"total": total}, view=dict(view), searches=int(view["searches"]),
        shuffled=int(view["shuffled"]), held=len(asked.texts),
    )  # fmt: skip


def rates(log: ClickLog, looked: Floats) -> dict[str, dict[str, float]]:
    """Spearman's correlation of the click rate of a pair of query and product with its true attraction.

    Naive: clicks / times shown. Corrected: clicks / times looked at, which is the sum of its places' chances.
    """
    rows = ~log.shuffled
    items, clicked = log.items[rows], log.clicked[rows]
    row, place = np.nonzero(items > 0)
    key = log.query[rows][row] * (items.max(initial=0) + 1) + items[row, place]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    shown = np.bincount(inverse)
    clicks = np.bincount(inverse, weights=clicked[row, place])
    seen = np.bincount(inverse, weights=looked[place])
    true = log.attraction[rows][row[first], place[first]]
    often = shown >= OFTEN
    found = {}
    for name, below in (("rates_naive", shown), ("rates_corrected", seen)):
        if often.sum() < OFTEN or len(np.unique(true[often])) < 2:
            continue
        rate, truth = (clicks / below)[often], true[often]
        rng = np.random.default_rng(0)
        drawn = []
        for _ in range(RESAMPLES):
            again = rng.integers(0, len(rate), len(rate))
            drawn.append(float(spearmanr(rate[again], truth[again]).statistic))
        value = float(spearmanr(rate, truth).statistic)
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        found[name] = {"value": value, "low": min(float(low), value), "high": max(float(high), value)}
    return found


def headroom(case: Case) -> dict[str, dict[str, float]]:
    """Clicks a search by the true chances: in the engine's order, in the best for the average shopper, for each."""
    log = case.engine
    own = chances(case.grades, case.liked, log.items)
    mean = chances(case.grades, case.mean_liked[log.items - 1], log.items)

    def clicks(key: Floats) -> Floats:
        order = np.argsort(-np.where(log.items > 0, key, -1.0), axis=1, kind="stable")
        found: Floats = (np.take_along_axis(own, order, 1) * case.looked).sum(1)
        return found

    engine = clicks(-np.arange(PLACES)[None].repeat(len(log), 0) / PLACES + 1.0)
    same, personal = clicks(mean), clicks(own)
    shopper = np.unique(log.user, return_inverse=True)[1]  # resampled with all their searches

    def by_shopper(values: Floats) -> Floats:
        return np.bincount(shopper, weights=values).astype(np.float64)[:, None]

    searches = by_shopper(np.ones(len(log)))
    found = {
        name: bootstrap_ratio(by_shopper(one), searches).to_dict()
        for name, one in {"clicks_engine": engine, "clicks_same": same, "clicks_personal": personal}.items()
    }
    found["headroom"] = bootstrap_ratio(by_shopper(personal - same), by_shopper(same)).to_dict()
    return found


@dataclass(frozen=True)
class Rankers:
    """What a query is put to."""

    engines: Engines
    sales: Floats  # (V,)
    price: Floats  # (V,)
    weights: Mapping[str, list[float]]  # of the frame on show


def open(folder: Path, at: int | None) -> Rankers:
    """The rankers of frame ``at``, or of the whole log."""
    dataset = registry.load(RunConfig.read(folder).data["dataset"])
    engines = engines_of(dataset.address)
    sold = np.bincount(dataset.events[Columns.ITEM].to_numpy(np.int64), minlength=dataset.num_items + 1)[1:]
    prices = standard(dataset.items[Columns.PRICE].to_numpy(np.float64))
    return Rankers(engines, standard(sold.astype(np.float64) + 1.0), prices, view_at(folder, at)["rankers"])


def answer(artefact: Rankers, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of :mod:`course_lib.experiments.search_columns`: the same candidates in each ranker's order."""
    engines, k = artefact.engines, int(asked["k"])
    text, problem = read(asked)
    if problem:
        return {"text": text, "note": problem, "meant": "", "columns": [], "numbers": None}
    with threadpool_limits(1):
        words, letters = engines.by_words([text]), engines.by_letters([text])
        meaning = engines.by_meaning(engines.encode([text]))
        pool = top(fuse(words, meaning, 0.5, 100).astype(np.float64), POOL)[0]
    table = features(words, letters, meaning, artefact.sales, artefact.price)[0]
    columns: dict[str, Any] = {}
    for name, weights in artefact.weights.items():
        scores = table[pool] @ np.asarray(weights)
        columns[name] = np.zeros(len(table))
        columns[name][pool] = scores - scores.min() + 1e-3
    listed = with_reasons(engines, text, columns, {}, k)
    note = note_on(words, meaning, problem)
    return {"text": text, "note": note, "meant": engines.meant(text), "columns": listed, "numbers": None}
