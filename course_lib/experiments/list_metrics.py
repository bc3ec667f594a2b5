r"""Metrics by hand: five shoppers with a list of ten each, and every metric written out as the sum that it is.

    HR = 1 if a hit is among the first k              Precision = hits / k         Recall = hits / relevant
    MRR = 1 / place of the first hit                  MAP = sum of precision at each hit / relevant
    DCG = \sum 1 / log2(place + 1) over hits          NDCG = DCG / IDCG
    AUC = (right pairs + ties / 2) / pairs            GAUC = \sum_u impressions_u AUC_u / \sum_u impressions_u

The lists. Two weeks before a shopper's last purchase the clock is stopped. Relevant is what they bought in those two
weeks. A counted model (what others bought after the shopper's last five purchases, and a little popularity) ranks all
products. The ten are the relevant ones that it has among its first 256, at most six, and others from the same 256,
evenly spread over the logarithm of the rank, in the model's order. So some relevant products are never shown, as in a
real shop: they count in recall's divisor.

The scores. Place p has 1.1 - p / 10, plus ``level`` times the share of the list that the shopper bought: a model of
purchase chances learns who buys much. It moves no product in any list; AUC over all lists in one pot rises with it, and
GAUC does not. Sources: metrics.py and auc.py of the evaluation folder, which compute every number here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.registry import load, resolve
from course_lib.evaluation import written_out
from course_lib.evaluation.auc import auc, count_pairs, gauc
from course_lib.evaluation.metrics import METRICS
from course_lib.evaluation.orders import Order, moved, order_of
from course_lib.experiments.basketball_case import follows

DATA: dict[str, str] = {}  # always the shop: these are its five shoppers
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "shopper": ("lin", "lin", "meng", "zhe", "zhou", "jia"),  # whose list is in hand
    "k": (5, 1, 10),  # places that count; AUC looks at all ten
    "level": (0.0, 0.0, 5.0),  # how much of how much a shopper buys goes into every score of their list
    "visits": (1, 1, 20),  # how often Lin's list was shown; every other once
    "list_lin": (0, 0, 3628799),  # the order of a list, by its number among the 10! orders; 0 is the model's
    "list_meng": (0, 0, 3628799),
    "list_zhe": (0, 0, 3628799),
    "list_zhou": (0, 0, 3628799),
    "list_jia": (0, 0, 3628799),
}
MEASURES = {  # means over the five
    "hr": "score",
    "precision": "score",
    "recall": "score",
    "mrr": "score",
    "map": "score",
    "ndcg": "score",
    "auc": "score",  # of all lists in one pot
    "gauc": "score",
    "auc_over_gauc": "difference",
    "places_moved": "count",  # swaps of neighbours that make these lists of the model's
}
ASKS: dict[str, Any] = {}
TINY = {"k": 3}

SHOPPERS = ("lin", "meng", "zhe", "zhou", "jia")  # users 0 to 4 of the shop
TEN = 10  # products in a list
MOST = 6  # relevant ones among them, at the most
REACH = 256  # the model's products that a list is made from
AFTER = 14 * 86400  # seconds in which a purchase makes a product relevant
NEWEST, FADES = 5, 0.8  # purchases that the counted model reads, and the weight of one against the next
POPULAR = 0.5  # weight of popularity, for what has never followed


@functools.cache
def lists() -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """For each shopper the ten products in the model's order, and all relevant ones; counted once a process."""
    events = load(resolve("shop"))
    user, item, time = (events.events[name].to_numpy() for name in (Columns.USER, Columns.ITEM, Columns.TIME))
    products = len(events.items)
    first = np.flatnonzero(np.r_[True, user[1:] != user[:-1]])
    before = time <= np.repeat(np.maximum.reduceat(time, first), np.diff(np.r_[first, len(user)])) - AFTER
    counts = follows(user[before], item[before], products)
    popular = np.bincount(item[before] - 1, minlength=products)
    found = []
    for one in range(len(SHOPPERS)):
        mine = user == one
        newest = item[mine & before][-NEWEST:]
        weights = FADES ** np.arange(len(newest))[::-1]
        scores = np.asarray(weights @ counts[newest - 1].toarray()) + POPULAR * popular / popular.max()
        relevant = tuple(dict.fromkeys(item[mine & ~before].tolist()))
        found.append((ten(np.argsort(-scores, kind="stable") + 1, relevant), relevant))
    return tuple(found)


def ten(ranked: NDArray[np.int64], relevant: Sequence[int]) -> Order:
    """The products of a list in the order of ``ranked`` (V,), which holds every product, best first."""
    near = ranked[:REACH]
    places = [int(n) for n in np.flatnonzero(np.isin(near, relevant))[:MOST]]
    others = [int(n) for n in np.flatnonzero(~np.isin(near, relevant))]
    for wanted in np.geomspace(1, len(near), TEN - len(places)) - 1:
        place = min(others, key=lambda n, wanted=wanted: abs(n - wanted))  # type: ignore[misc]
        others.remove(place)
        places.append(place)
    return tuple(int(ranked[n]) for n in sorted(places))


def exact(value: float) -> dict[str, float]:
    """A counted number, which has no interval."""
    return {"value": float(value), "low": float(value), "high": float(value)}


def answer(settings: Mapping[str, int | float | str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every metric of every list, with what each place adds, the pairs, and the sums written out.

    ``shoppers`` has one entry each: who, list (item, hit, score, was: its place in the model's list, from 1), relevant
    (how many), missing (relevant items that are not in the list), values,
    adds (metric -> TEN numbers whose sum is the value), pairs, written (metric -> LaTeX). ``written`` beside them has
    the means, ``model`` those of the model's own lists. Places count from 1.
    """
    k = int(settings["k"])
    shoppers = [shopper(who, number, settings, k) for number, who in enumerate(SHOPPERS)]
    scores, hits, whose, shown = pot(shoppers, settings)
    pooled, grouped = count_pairs(scores, hits, shown), gauc(scores, hits, whose, shown)
    values = {name: float(np.mean([one["values"][name] for one in shoppers])) for name in METRICS}
    values |= {"auc": pooled.auc, "gauc": grouped.value, "auc_over_gauc": pooled.auc - grouped.value}
    values["places_moved"] = sum(moved(order_of(int(settings[f"list_{who}"]))) for who in SHOPPERS)
    written = written_out.means([one["values"] for one in shoppers], pooled, grouped)
    return {
        "measures": {name: exact(values[name]) for name in MEASURES},
        "k": k,
        "shoppers": shoppers,
        "pooled": {"right": pooled.right, "tied": pooled.tied, "all": pooled.all},
        "left_out": grouped.left_out,
        "model": of_model(settings),
        "written": written,
    }


def of_model(settings: Mapping[str, Any]) -> dict[str, float]:
    """The means of the model's own lists, with everything else as it is."""
    own = {**settings, **{f"list_{who}": 0 for who in SHOPPERS}}
    shoppers = [shopper(who, number, own, int(own["k"])) for number, who in enumerate(SHOPPERS)]
    scores, hits, whose, shown = pot(shoppers, own)
    found = {name: float(np.mean([one["values"][name] for one in shoppers])) for name in METRICS}
    return {**found, "auc": auc(scores, hits, shown), "gauc": gauc(scores, hits, whose, shown).value}


def pot(
    shoppers: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]
) -> tuple[list[float], list[bool], list[int], list[int]]:
    """Score, hit, shopper and impressions of every product of every list."""
    rows = [
        (row["score"], row["hit"], number, int(settings["visits"]) if number == 0 else 1)
        for number, one in enumerate(shoppers)
        for row in one["list"]
    ]
    score, hit, whose, shown = (list(column) for column in zip(*rows, strict=True))
    return score, hit, whose, shown


def shopper(who: str, number: int, settings: Mapping[str, Any], k: int) -> dict[str, Any]:
    """One entry of ``shoppers``."""
    products, relevant = lists()[number]
    order = order_of(int(settings[f"list_{who}"]))
    hits = [products[place] in relevant for place in order]
    level = float(settings["level"]) * sum(hits) / TEN
    score = [(TEN - place) / TEN + level for place in range(TEN)]
    pairs = count_pairs(score, hits)
    values, adds = place_by_place(hits, len(relevant), k)
    values["auc"] = pairs.auc
    adds["auc"] = [hit * hits[place:].count(False) / pairs.all for place, hit in enumerate(hits)]
    return {
        "who": who,
        "list": [
            {"item": products[was], "hit": hit, "score": own, "was": was + 1}
            for was, hit, own in zip(order, hits, score, strict=True)
        ],
        "relevant": len(relevant),
        "missing": [item for item in relevant if item not in products],
        "values": values,
        "adds": adds,
        "pairs": {"right": pairs.right, "tied": pairs.tied, "all": pairs.all},
        "written": written_out.of_list(hits, len(relevant), k, pairs),
    }


def place_by_place(hits: Sequence[bool], relevant: int, k: int) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Each metric of metrics.py, and what each place adds to it: the value with its hit less the value without.

    A place adds what it changes when the list is read from the top, so the parts of a row sum to its value.
    """
    found = np.flatnonzero(hits)
    ranks = np.full((len(hits) + 1, max(len(found), 1)), -1)
    for read in range(len(hits) + 1):  # the first ``read`` places alone
        known = found[found < read]
        ranks[read, : len(known)] = known
    total = np.full(len(ranks), relevant)
    values = {name: metric(ranks, total, k) for name, metric in METRICS.items()}
    return (
        {name: float(value[-1]) for name, value in values.items()},
        {name: np.diff(value).tolist() for name, value in values.items()},
    )
