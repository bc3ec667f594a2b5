"""Weeks of sales: what a list sells in the simulated shop, purchases and money, beside the bestsellers' list.

    python -m course_lib run weeks_of_sales --model sasrec --price-weight 1 --json

The model is trained or counted as in next_item, and its NDCG@10 measured. Then ``shoppers`` of the shop, who are not
those that it learned from, live ``weeks`` weeks in front of its list (course_lib/shop/weeks.py): at each visit ten
products are shown, what is looked at stands out, and something is bought or nothing. The same shoppers live the same
weeks with the same random numbers in front of the bestsellers, so that the difference is the list's.

With a price weight w, products are ordered by what they would earn instead of by their chance alone:

    score_i = log P(i | history) + w log price_i

With w = 1 that is the expected revenue of a sale. A model that counts has counts for P. Nobody in this shop is annoyed
by expensive lists or stays away because of one: what greed costs later is not in these weeks.

That accuracy and revenue part: Jannach & Jugovac, Measuring the Business Value of Recommender Systems, ACM TMIS 10(4),
2019.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.histories import Histories, Score
from course_lib.data.splits import leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap_ratio
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.models.catalogue import model_card
from course_lib.shop.published import shop
from course_lib.shop.recommenders import popularity
from course_lib.shop.weeks import advance, begin, log
from course_lib.shop.world import World
from course_lib.training.checkpoint import one_thread
from course_lib.training.top_lists import Learning, asked

DATA = {"dataset": "histories"}
CHOOSES = {"model": "next_item"}
SETTINGS = {  # (default, lowest, highest)
    "price_weight": (0.0, 0.0, 2.0),  # w
    "shoppers": (3000, 100, 50_000),
    "weeks": (4, 1, 52),
}
MEASURES = {
    "ndcg@10": "score",
    "purchase_rate": "share",  # of the visits
    "order_value": "currency",  # mean price of what is bought
    "visit_revenue": "currency",
    "purchases_gain": "share",  # purchases, over those with the bestsellers, less 1
    "revenue_gain": "share",  # revenue, likewise
    "parameters": "count",
    "seconds": "seconds",  # of training
}
ASKS = {  # what the difference would mean for a shop of another size
    "monthly_visits": (100_000, 1000, 100_000_000),
    "gross_margin": (0.25, 0.01, 1.0),  # of revenue
    "monthly_cost": (20_000.0, 0.0, 10_000_000.0),  # of running it
}
TINY = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 1, "shoppers": 200,
        "weeks": 2}  # fmt: skip

TRUTH = "shop"  # the dataset that has one
APART = 7_919  # the seed of these weeks' shoppers is the run's and this, so that nobody is one of the shop's own
NORMAL = 1.959963985  # of a 95% interval
LEAST = 1e-12  # a chance below it counts as this
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Sales:
    """What was sold to each shopper in one life, summed over the weeks so far."""

    visits: Values  # (N,)
    purchases: Values  # (N,)
    revenue: Values  # (N,)

    @classmethod
    def none(cls, shoppers: int) -> Sales:
        """Before the first week."""
        return cls(np.zeros(shoppers), np.zeros(shoppers), np.zeros(shoppers))

    def after(self, events: pd.DataFrame, visits: NDArray[np.int64], prices: Values) -> Sales:
        """With one week more: what was bought, WEEK_EVENT_COLUMNS, and the shoppers' rows, one a visit."""
        n = len(self.visits)
        users, items = events[Columns.USER].to_numpy(), events[Columns.ITEM].to_numpy()
        return Sales(
            self.visits + np.bincount(visits, minlength=n),
            self.purchases + np.bincount(users, minlength=n),
            self.revenue + np.bincount(users, prices[items], minlength=n),
        )


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Trains or counts, then lives the weeks twice; a frame after each.

    Raises CourseError where the data cannot be had or has no truth, or training diverges. It takes seconds, so a run
    that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings, weeks = config.settings, int(config.settings["weeks"])
    yield plan(frame=weeks)
    dataset = registry.load(config.data["dataset"])
    if dataset.address.name != TRUTH:
        raise CourseError("no_truth", name=dataset.address.name)
    split = leave_one_out(dataset)
    learning = Learning.make(settings, dataset.num_items, split.train, split.validation, config.seed)
    if learning.trainer is not None:
        yield plan(step=learning.trainer.steps, frame=weeks)
    yield from (event for event in learning.go() if event["kind"] == "step")
    world = shop()
    prices = np.concatenate([[1.0], world.catalogue.items["price"].to_numpy(np.float64)])
    score = priced(learning.model.score, str(settings["model"]), prices, float(settings["price_weight"]))
    ndcg = evaluate(score, asked(split.test)).metrics["ndcg@10"]
    weekly: list[dict[str, Any]] = []
    ours = theirs = Sales.none(0)
    for at, (ours, theirs) in enumerate(lives(world, score, int(settings["shoppers"]), weeks, config.seed)):
        weekly.append({"week": at + 1, **{name: one["value"] for name, one in measures(ours, theirs).items()}})
        yield folder.frame(at, {"weeks": list(weekly)}, None, week=at + 1)
    measured = {"ndcg@10": ndcg, **measures(ours, theirs), "parameters": exact(learning.parameters)}
    measured["seconds"] = exact(round(learning.seconds, 3))
    seconds = {"total": round(time.perf_counter() - began, 3), "train": round(learning.seconds, 3)}
    yield result(measured, weeks=weekly, per_visit=per_visit(ours, theirs), seconds=seconds)


def priced(score: Score, model: str, prices: Values, weight: float) -> Score:
    """``score`` with ``weight`` times the logarithm of the price; ``prices`` (V + 1), the first for the padding.

    A neural model's scores are log chances up to a constant; a counted model's are taken as chances.
    """
    if weight == 0.0:
        return score
    neural, bonus = model_card(model).neural, weight * np.log(prices)

    def with_price(histories: Histories) -> NDArray[np.floating[Any]]:
        found = np.asarray(score(histories), np.float64)
        logs = found if neural else np.where(found == -np.inf, -np.inf, np.log(np.maximum(found, LEAST)))
        return logs + bonus

    return with_price


def lives(world: World, score: Score, shoppers: int, weeks: int, seed: int) -> Iterator[tuple[Sales, Sales]]:
    """After each week what was sold by the list of ``score``, and what the bestsellers sold to the same shoppers."""
    start = begin(world, shoppers, seed=seed + APART)
    prices = np.concatenate([[0.0], world.catalogue.items["price"].to_numpy(np.float64)])
    bestsellers = popularity(log(world, start))
    assert callable(bestsellers)

    def shown(histories: Histories) -> NDArray[np.floating[Any]]:
        """The list's scores; whoever has bought nothing yet sees the bestsellers."""
        known = np.flatnonzero(histories.lengths > 0)
        found = np.array(bestsellers(histories), np.float64)
        found[known] = score(histories.take(known))
        return found

    ours, theirs = copy.deepcopy(start), start
    sold = (Sales.none(shoppers), Sales.none(shoppers))
    for _ in range(weeks):
        parts = []
        for life, recommender, before in zip((ours, theirs), (shown, bestsellers), sold, strict=True):
            week = advance(world, life, recommender)
            assert life.last is not None
            parts.append(before.after(week.events, life.last.users, prices))
        sold = (parts[0], parts[1])
        yield sold


def measures(ours: Sales, theirs: Sales) -> dict[str, dict[str, float]]:
    """Rates of ours, and the gains over theirs, each with its 95% bootstrap interval over shoppers."""

    def ratio(above: Values, below: Values) -> dict[str, float]:
        return bootstrap_ratio(above[:, None], below[:, None]).to_dict()

    def gain(mine: Values, other: Values) -> dict[str, float]:
        return ratio(mine - other, other)

    return {
        "purchase_rate": ratio(ours.purchases, ours.visits),
        "order_value": ratio(ours.revenue, ours.purchases),
        "visit_revenue": ratio(ours.revenue, ours.visits),
        "purchases_gain": gain(ours.purchases, theirs.purchases),
        "revenue_gain": gain(ours.revenue, theirs.revenue),
    }


def per_visit(ours: Sales, theirs: Sales) -> dict[str, float]:
    """``{"value", "low", "high"}`` of revenue a visit, over the bestsellers'. Both have the same visits."""
    return bootstrap_ratio((ours.revenue - theirs.revenue)[:, None], ours.visits[:, None]).to_dict()


# Questions


def open(folder: Path, at: int | None) -> dict[str, Any]:
    """The difference in revenue a visit; empty before the run has ended."""
    view_at(folder, at)  # raises where there is no such frame
    try:
        record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return dict(record.get("per_visit") or {})


def answer(artefact: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """``{"visits", "revenue", "profit", "chance"}``: what the list would add a month to a shop of so many visits.

    Revenue and profit (margin times revenue, less the cost) have the interval of the difference; ``chance`` is that
    the profit is above 0, by the normal distribution. All three are None before the run has ended. The interval knows
    of these shoppers and weeks alone: that the learner's shop is like this one it cannot know.
    """
    visits, margin, cost = (float(asked[name]) for name in ("monthly_visits", "gross_margin", "monthly_cost"))
    found: dict[str, Any] = {"visits": visits, "revenue": None, "profit": None, "chance": None}
    if not artefact:
        return found
    revenue = {end: round(value * visits, 2) for end, value in artefact.items()}
    profit = {end: round(value * margin - cost, 2) for end, value in revenue.items()}
    spread = (profit["high"] - profit["low"]) / (2 * NORMAL)
    chance = float(ndtr(profit["value"] / spread)) if spread > 0 else float(profit["value"] > 0)
    return {**found, "revenue": revenue, "profit": profit, "chance": round(chance, 4)}
