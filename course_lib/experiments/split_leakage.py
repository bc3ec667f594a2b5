"""Splits and leakage: what a split's score owes to what the model could not have known, and what to its targets.

    python -m course_lib run split_leakage --data shop-trends --model item-knn --json

Three protocols hold a basket of each shopper back: the first from a moment on (global time), the last one (leave one
out), any one (random). Their scores differ for two reasons. They ask for other purchases; and the last two learn from
what was bought later, the random one even from the same shopper's later purchases, which it also reads. Changing only
one thing at a time tells the two apart (course_lib/evaluation/leakage.py):

    random - global  =   other targets      the same honest model, asked for other purchases of the same shoppers
                       + others' future     learned from as many purchases as before, some of them later, of others
                       + more purchases     learned from all purchases of others
                       + own, learned       learned from the shopper's own later purchases too
                       + own, read          the history that is read holds them too
                       + the rest           targets at all times, of all shoppers, and both halves' later purchases

All terms but the rest are paired: the same shoppers, the same targets but for the first term. ``moment`` is the share
of all purchases that lie before it. Which model wins may change with the split too: all four are scored under each.

Sources: Meng et al., Exploring Data Splitting Strategies for the Evaluation of Recommendation Models, RecSys 2020;
Ji et al., A Critical Study on Data Leakage in Recommender System Offline Evaluation, TOIS 2023.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.histories import Histories, Score
from course_lib.evaluation.intervals import Interval, bootstrap, bootstrap_ratio, paired_difference
from course_lib.evaluation.leakage import (
    GLOBAL,
    LAST,
    PROTOCOLS,
    RANDOM,
    STEPS,
    Integers,
    Log,
    Parted,
    Protocol,
    Values,
    late_targets,
    ndcg_of,
    protocol,
)
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.catalogue import check_settings, model_card
from course_lib.models.ease import EASEModel
from course_lib.models.item_knn import ItemKNNModel
from course_lib.models.markov import MarkovModel
from course_lib.models.popularity import PopularityModel

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "model": ("item-knn", "popularity", "item-knn", "ease", "markov"),  # whose score is taken apart
    "moment": (0.8, 0.3, 0.95),  # share of the purchases before the moment that divides learned from asked
    "shoppers": (0, 0, 100_000_000),  # how many there are, the first ones; 0: all
}
MEASURES = {
    "global_ndcg@10": "score",  # of the chosen model, as each protocol would report it
    "last_ndcg@10": "score",
    "random_ndcg@10": "score",
    "other_targets": "difference",  # these six add up to random - global
    "others_future": "difference",
    "more_purchases": "difference",
    "own_learned": "difference",
    "own_read": "difference",
    "other_rest": "difference",
    "leaked": "difference",  # the four in the middle together: the same targets, all leaks against none
    "last_over_markov": "difference",  # the chosen model against Markov, under two protocols
    "random_over_markov": "difference",
    "seconds": "seconds",
}
ASKS = {"protocol": ("random", "random", "leave-one-out", "global-time")}
TINY = {"model": "markov"}

MODELS: Mapping[str, Any] = {
    "popularity": PopularityModel, "item-knn": ItemKNNModel, "ease": EASEModel, "markov": MarkovModel
}  # fmt: skip
WORDS = ("global", "last", "random")  # PROTOCOLS, in the names of measures
TERMS = {"later": "others_future", "more": "more_purchases", "own": "own_learned", "read": "own_read"}  # by step
DRAWN, SHORTEST, LONGEST = 6, 5, 9  # shoppers in the drawing of the splits, and how many baskets they may have
RISING, FALLING, BINS = 3, 2, 24  # products whose sales changed most around the moment, and pieces of time
DAY = 86_400


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Draws the splits, scores four models under each, then takes the chosen model's score apart.

    Frames: the splits; the four models; the terms under global time, leave-one-out and random. Raises CourseError where
    the data cannot be had or has nobody to ask. It takes seconds, so a run that was interrupted begins again.
    """
    began = time.perf_counter()
    yield plan(frame=2 + len(PROTOCOLS))
    settings, dataset = config.settings, registry.load(config.data["dataset"])
    log = Log.make(dataset, int(settings["shoppers"]), config.seed)
    random = np.random.default_rng(config.seed)
    moment = log.moment(float(settings["moment"]))
    protocols = {name: protocol(log, name, moment, random) for name in PROTOCOLS}
    targets = {name: late_targets(log, name, moment, random) for name in PROTOCOLS}
    view: dict[str, Any] = {"splits": drawn(log, protocols, moment), "changed": changed(log, dataset.items, moment)}
    yield folder.frame(0, view)

    reported = {name: _reported(name, dataset.num_items, log, protocols) for name in MODELS}
    means = {
        model: {name: bootstrap(values).to_dict() for name, values in found.items()}
        for model, found in reported.items()
    }
    view |= {"reported": means}
    yield folder.frame(1, view)

    chosen = str(settings["model"])
    parted, terms = Parted.make(log, moment, random), {}
    whole: Values = np.zeros(0)  # the global split's honest values, which the others' targets are held against
    for at, name in enumerate(PROTOCOLS, 2):
        scores = parted.scores(lambda train: _fit(chosen, train, dataset.num_items), (name,), targets)[name]
        whole = scores["honest"] if name == GLOBAL else whole
        asked = log.users[targets[name]], log.users[protocols[name].targets]
        terms[name] = terms_of(name, scores, whole, reported[chosen][name], asked)
        yield folder.frame(at, {**view, "terms": dict(terms)})

    told = {one["term"]: {end: one[end] for end in ("value", "low", "high")} for one in terms[RANDOM]}
    measures = {f"{word}_ndcg@10": means[chosen][name] for word, name in zip(WORDS, PROTOCOLS, strict=True)}
    measures |= {name: told[name] for name in ("other_targets", *TERMS.values(), "other_rest")}
    measures["leaked"] = paired_difference(scores["read"], scores["honest"]).to_dict()
    for word, name in (("last", LAST), ("random", RANDOM)):
        against = paired_difference(reported[chosen][name], reported["markov"][name])
        measures[f"{word}_over_markov"] = against.to_dict()
    seconds = round(time.perf_counter() - began, 3)
    yield result(
        {**measures, "seconds": exact(seconds)}, seconds={"total": seconds}, reported=means, terms=terms,
        asked=len(targets[GLOBAL]), honest={name: _honest(terms[name], means[chosen][GLOBAL]) for name in PROTOCOLS},
    )  # fmt: skip


def _honest(terms: list[dict[str, Any]], whole: Mapping[str, float]) -> float:
    """What the honest model scores on a protocol's late targets."""
    return float(whole["value"] + sum(one["value"] for one in terms if one["term"] == "other_targets"))


def _fit(name: str, train: Histories, products: int) -> Score:
    """A counted model with its own defaults."""
    found: Score = MODELS[name].fit(train, products, check_settings(name, model_card(name).settings, {})).score
    return found


def _reported(name: str, products: int, log: Log, protocols: Mapping[str, Protocol]) -> dict[str, Values]:
    """NDCG@10 of each target of each protocol, after the protocol's own training."""
    return {
        split: ndcg_of(_fit(name, log.learned(one.kept), products), one.holdout(log))
        for split, one in protocols.items()
    }


def terms_of(
    name: str, scores: Mapping[str, Values], whole: Values, reported: Values, asked: tuple[Integers, Integers]
) -> list[dict[str, Any]]:
    """What lies between the global split's score and a protocol's: ``[{"term", "value", "low", "high"}]``.

    Args:
        name: one of PROTOCOLS.
        scores: NDCG@10 (N',) of the protocol's late targets after each of STEPS.
        whole: NDCG@10 (N',) of the global split's targets of the same shoppers, after honest training.
        reported: NDCG@10 (M,) of all targets of the protocol as it is commonly used.
        asked: the shoppers of the late targets (N',) and of all targets (M,).
    """
    found = {} if name == GLOBAL else {"other_targets": paired_difference(scores["honest"], whole)}
    for before, after in itertools.pairwise(STEPS):
        if after != "read" or name == RANDOM:  # the others read what came before the target and nothing else
            found[TERMS[after]] = paired_difference(scores[after], scores[before])
    if name != GLOBAL:
        found["other_rest"] = unpaired(reported, scores["read"], *reversed(asked))
    return [{"term": part, **interval.to_dict()} for part, interval in found.items()]


def unpaired(ours: Values, theirs: Values, our_users: Integers, their_users: Integers) -> Interval:
    """mean(ours) - mean(theirs), of two sets of shoppers that overlap and are resampled together."""
    users = np.union1d(our_users, their_users)
    above, below = np.zeros((len(users), 2)), np.zeros((len(users), 2))
    for column, (values, own, sign) in enumerate(((ours, our_users, 1), (theirs, their_users, -1))):
        rows = np.searchsorted(users, own)
        above[rows, column], below[rows, column] = sign * values, 1
    return bootstrap_ratio(above, below)


# What pictures draw of the data


def drawn(log: Log, protocols: Mapping[str, Protocol], moment: int) -> dict[str, Any]:
    """A few shoppers' baskets under each protocol: ``{"moment": day, "shoppers": [...], "points": [[...], ...]}``.

    ``points`` is ``{protocol: [[place of the shopper, day, role], ...]}``; roles are "early" and "late" for what is
    learned before and from the moment on, "own" for what the target's shopper bought after it and is learned and read,
    "target", and "out" for what is not used.
    """
    counts, zero = np.diff(log.first), int(log.times.min())
    shared = np.isin(np.arange(log.shoppers), log.users[protocols[GLOBAL].targets])
    fitting = np.flatnonzero(shared & (counts >= SHORTEST) & (counts <= LONGEST))
    closest = [int(np.diff(log.times[log.first[user] : log.first[user + 1]]).min()) for user in fitting]
    some = np.sort(fitting[np.argsort(closest, kind="stable")[::-1][:DRAWN]])  # whose baskets lie farthest apart
    points: dict[str, list[list[Any]]] = {}
    for name, one in protocols.items():
        points[name] = []
        of = dict(zip(log.users[one.targets].tolist(), one.targets.tolist(), strict=True))
        for place, user in enumerate(some.tolist()):
            for basket in range(int(log.first[user]), int(log.first[user + 1])):
                late = "late" if log.times[basket] >= moment else "early"
                role = late if one.kept[basket] else "out"
                if basket == of[user]:
                    role = "target"
                elif one.everything and basket > of[user]:
                    role = "own"
                points[name].append([place, round((int(log.times[basket]) - zero) / DAY, 2), role])
    return {"moment": round((moment - zero) / DAY, 2), "shoppers": some.tolist(), "points": points}


def changed(log: Log, items: pd.DataFrame, moment: int) -> dict[str, Any]:
    """Products whose share of all purchases rose and fell most around the moment, over time.

    ``{"days": [...], "moment": day, "products": [{"item", TITLE_ZH, TITLE_EN, "first", "share": [...]}]}``: ``days``
    are the middles of the pieces of time, a share is per piece, ``first`` the day of the first sale.
    """
    times, zero = np.repeat(log.times, log.sizes), int(log.times.min())
    days: NDArray[np.float64] = (times - zero) / DAY
    ends = np.linspace(0, np.quantile(days, 0.98), BINS + 1)
    early = times < moment
    share = [
        np.bincount(log.items[part], minlength=len(items) + 1) / max(int(part.sum()), 1) for part in (early, ~early)
    ]
    order = np.argsort(share[1] - share[0], kind="stable")
    total = np.maximum(np.histogram(days, ends)[0], 1)
    products = []
    for item in [*order[::-1][:RISING].tolist(), *order[:FALLING].tolist()]:
        own = days[log.items == item]
        if item and len(own):
            names = {name: str(items[name].iloc[item - 1]) for name in (Columns.TITLE_ZH, Columns.TITLE_EN)}
            curve = [round(float(one), 6) for one in np.histogram(own, ends)[0] / total]
            products.append({"item": item, **names, "first": round(float(own.min()), 2), "share": curve})
    middles = [round(float(day), 2) for day in (ends[1:] + ends[:-1]) / 2]
    return {"days": middles, "moment": round((moment - zero) / DAY, 2), "products": products}


# Questions


def open(folder: Path, at: int | None) -> dict[str, Any]:
    """What was known at frame ``at``, or at the end."""
    return view_at(folder, at)


def answer(artefact: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"protocol", "terms": [{"term", "value", "low", "high"}]}``; no terms where the run has not come so far."""
    name = str(asked["protocol"])
    return {"protocol": name, "terms": artefact.get("terms", {}).get(name, [])}
