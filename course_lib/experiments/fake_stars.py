"""Fake stars: how many accounts that rate falsely bring a poor product into a list ranked by stars.

    python -m course_lib run fake_stars --stars_by bayesian --stars_defence surge --json

Each department of the shop has a list of its ten products with the best mean of stars, or the best Bayesian mean
(evaluation/star_ranking.py). The products that are pushed are of the third of their type with the lowest quality, which
no shopper sees before buying and the shop's truth knows; one may be listed anew before, which leaves its bad ratings
behind. An account gives a pushed product five stars, on a day drawn from the last ``attack_days``. A patient account
has rated another product before, so that it looks like a regular. Accounts come one after another until
``false_accounts``: which share of the pushed products is in its list then?

A defence drops honest ratings too. What that costs is measured where nobody attacks: the true quality of the listed
products, in standard deviations of quality within a type, and the places that are left for products which few have
rated. Numbers mu and the other products' scores are those without an attack.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Dataset
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import bootstrap
from course_lib.evaluation.star_ranking import BEST, Flags, Ints, Reviews, Values, needed, scores, surges
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop.published import shop
from course_lib.shop.truth import satisfaction

DATA = {"dataset": "histories"}
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "stars_by": ("bayesian", "mean", "bayesian"),
    "prior_ratings": (10, 1, 200),  # C, of the Bayesian mean
    "listing": ("kept", "kept", "new"),  # new: the product is listed again, without its ratings
    "reviewers": ("bare", "bare", "patient"),
    "attack_days": (7, 1, 180),
    "stars_defence": ("none", "none", "regulars", "surge"),
    "false_accounts": (60, 0, 200),  # the most that push one product
}
MEASURES = {
    "listed": "share",  # of the pushed products, with the number of accounts that brings most there
    "best_accounts": "count",  # the fewest such accounts
    "listed_before": "share",  # without any
    "accounts_half": "count",  # accounts after which half are; only where that is reached
    "list_quality": "number",  # true quality of the listed, where nobody attacks
    "quality_cost": "difference",  # without the defence less with it, by department
    "ratings_dropped": "share",  # of the honest ones
    "little_rated": "share",  # of the places: products with fewer than FEW honest ratings
    "ratings": "count",  # honest ones
    "seconds": "seconds",
}
ASKS = {"pushing": (10, 0, 200), "followed_product": (1, 1, 5)}
TINY = {"false_accounts": 20}

TRUTH = "shop"  # the dataset that has one
PLACES = 10
PUSHED = 200  # products, drawn among the poor ones with a rating
FEW = 5
FOLLOWED = 5
FEWEST = 100  # ratings without which nothing can be ranked
TABLE = "feedback"
DAY = 86_400
COUNTS = 12  # frames


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Attacks with more and more accounts. It takes seconds, so a run that was interrupted begins again.

    Raises CourseError ``no_truth`` for a dataset other than the shop, ``no_ratings`` for one with too few ratings.
    """
    began = time.perf_counter()
    market = Market.make(registry.load(config.data["dataset"]), config.settings)
    rng = np.random.default_rng([config.seed, 61])
    poor = market.poor()
    pushed = rng.permutation(poor)[:PUSHED]
    most = int(config.settings["false_accounts"])
    steps = sorted({round(most * n / (COUNTS - 1)) for n in range(COUNTS)})
    yield plan(frame=len(steps))
    attacks = [Attack.of(market, int(one), most, rng) for one in pushed]
    curve: list[dict[str, float]] = []
    listed = np.zeros((len(attacks), most + 1), bool)
    for at, step in enumerate(steps):
        for count in range(len(curve), step + 1):
            listed[:, count] = [one.place(count) is not None for one in attacks]
            curve.append({"accounts": count, "listed": round(float(listed[:, count].mean()), 5)})
        view = {"curve": curve, "followed": [one.told() for one in attacks[:FOLLOWED]]}
        yield folder.frame(at, view, None, accounts=step, listed=curve[-1]["listed"])
    total = round(time.perf_counter() - began, 3)
    best = int(listed.sum(0).argmax())
    measures = market.measures() | {
        "listed": bootstrap(listed[:, best].astype(float)).to_dict(),
        "best_accounts": exact(best),
        "listed_before": bootstrap(listed[:, 0].astype(float)).to_dict(),
        "seconds": exact(total),
    }
    half = next((one["accounts"] for one in curve if one["listed"] >= 0.5), None)
    if half is not None:
        measures["accounts_half"] = exact(half)
    yield result(measures, curve=curve, pushed=len(attacks), poor=len(poor), seconds={"total": total})


@dataclass(frozen=True)
class Market:
    """The honest ratings, what a defence leaves of them, and the lists that come of it."""

    reviews: Reviews
    department: Ints  # (V,)
    quality: Values  # (V,) the truth
    third: Values  # (V,) rank of quality within the type, of 1
    settings: Mapping[str, Any]
    kept: Flags
    sums: Values
    numbers: Values
    mean: float
    score: Values  # (V,)

    @classmethod
    def make(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Market:
        """Raises CourseError as :func:`run` does."""
        name = dataset.address.name
        if name != TRUTH:
            raise CourseError("no_truth", name=name)
        rated = registry.load_table(dataset.address, TABLE)
        rated = rated.loc[rated[Columns.STARS] > 0]
        if len(rated) < FEWEST:
            raise CourseError("no_ratings", name=name, ratings=len(rated), fewest=FEWEST)
        day = (rated[Columns.TIME].to_numpy(np.float64) - float(rated[Columns.TIME].min())) / DAY
        reviews = Reviews(
            rated[Columns.USER].to_numpy(np.int64), rated[Columns.ITEM].to_numpy(np.int64) - 1,
            rated[Columns.STARS].to_numpy(np.float64), day, dataset.num_items, float(np.ceil(day.max())),
        )  # fmt: skip
        kept = reviews.counted(str(settings["stars_defence"]))
        sums, numbers = reviews.totals(kept)
        mean = float(reviews.stars[kept].mean())
        score = scores(sums, numbers, prior_of(settings), mean)
        world = shop()
        quality = satisfaction.quality(world)
        third = np.asarray(pd.Series(quality).groupby(world.catalogue.type).rank(pct=True), np.float64)
        department = np.asarray(dataset.items["department"].astype("category").cat.codes, np.int64)
        return cls(reviews, department, quality, third, settings, kept, sums, numbers, mean, score)

    def poor(self) -> Ints:
        """Products that may be pushed: of poor quality, honestly rated, and not in their list by luck or merit."""
        had = self.reviews.totals(np.ones(len(self.reviews.stars), bool))[1] > 0
        return np.flatnonzero(had & (self.third <= 1 / 3))

    def listed(self, score: Values, numbers: Values) -> list[Ints]:
        """The PLACES best of each department; of equal ones those that more have rated."""
        found = []
        for one in np.unique(self.department):
            own = np.flatnonzero(self.department == one)
            order = own[np.lexsort((own, -numbers[own], -score[own]))]
            found.append(order[np.isfinite(score[order])][:PLACES])
        return found

    def measures(self) -> dict[str, dict[str, float]]:
        """What the lists are worth where nobody attacks, and what the defence costs."""
        everything = np.ones(len(self.reviews.stars), bool)
        sums, numbers = self.reviews.totals(everything)
        open_score = scores(sums, numbers, prior_of(self.settings), float(self.reviews.stars.mean()))
        shut, opened = self.listed(self.score, self.numbers), self.listed(open_score, numbers)
        places = np.concatenate(shut)
        cost = [self.quality[a].mean() - self.quality[b].mean() for a, b in zip(opened, shut, strict=True) if len(b)]
        return {
            "list_quality": bootstrap(np.array([self.quality[one].mean() for one in shut if len(one)])).to_dict(),
            "quality_cost": bootstrap(np.array(cost)).to_dict(),
            "ratings_dropped": bootstrap((~self.kept).astype(float)).to_dict(),
            "little_rated": bootstrap((numbers[places] < FEW).astype(float)).to_dict(),
            "ratings": exact(len(self.kept)),
        }


@dataclass(frozen=True)
class Attack:
    """One product that is pushed: its own ratings, and those of the fake accounts in the order in which they come."""

    market: Market
    product: int
    honest: Values  # (r,) days of its honest ratings that pass a look at accounts
    stars: Values  # (r,)
    false: Values  # (most,) days of the fake ratings that pass a look at accounts
    others: Ints  # (PLACES,) the department's best others, the best first

    @classmethod
    def of(cls, market: Market, product: int, most: int, rng: np.random.Generator) -> Attack:
        """A bare account has rated nothing else, so that no regular is among them."""
        reviews, settings = market.reviews, market.settings
        false = reviews.days - rng.random(most) * int(settings["attack_days"])
        if settings["stars_defence"] == "regulars" and settings["reviewers"] == "bare":
            false = false[:0]
        own = (reviews.item == product) & (settings["listing"] == "kept")
        rows = np.flatnonzero(own & market.kept if settings["stars_defence"] == "regulars" else own)
        rivals = np.flatnonzero((market.department == market.department[product]) & np.isfinite(market.score))
        rivals = rivals[rivals != product]
        best = rivals[np.lexsort((rivals, -market.numbers[rivals], -market.score[rivals]))][:PLACES]
        return cls(market, product, reviews.day[rows], reviews.stars[rows], false, best)

    def score(self, count: int) -> tuple[float, int]:
        """Its score after ``count`` accounts, and how many ratings that counts."""
        day = np.concatenate([self.honest, self.false[:count]])
        stars = np.concatenate([self.stars, np.full(len(day) - len(self.stars), BEST)])
        if self.market.settings["stars_defence"] == "surge":
            stars = stars[~surges(day, self.market.reviews.days)]
        told = scores(
            np.array([stars.sum()]), np.array([float(len(stars))]), prior_of(self.market.settings), self.market.mean
        )
        return float(told[0]), len(stars)

    def place(self, count: int) -> int | None:
        """From 1 among the others' PLACES, of equal ones behind those that as many have rated; None beyond."""
        score, ratings = self.score(count)
        market = self.market
        if not np.isfinite(score):
            return None
        level = np.isclose(market.score[self.others], score, rtol=0, atol=1e-9)
        before = np.where(level, market.numbers[self.others] >= ratings, market.score[self.others] > score)
        place = 1 + int(before.sum())
        return place if place <= PLACES else None

    def told(self) -> dict[str, Any]:
        """What a frame keeps of it: score, ratings and place after each number of accounts, and the others' list."""
        market = self.market
        path = [(*self.score(count), self.place(count)) for count in range(len(self.false) + 1)]
        numbers = (float(self.stars.sum()), float(len(self.stars)), prior_of(market.settings), market.mean)
        full = len(self.others) == PLACES
        least = needed(*numbers, float(market.score[self.others[-1]])) if full else 0.0
        return {
            "item": self.product + 1,
            "quality": round(float(market.quality[self.product]), 4),
            "path": [[round(score, 5) if np.isfinite(score) else None, ratings, at] for score, ratings, at in path],
            "needed": least if np.isfinite(least) else None,
            "others": [
                [int(one) + 1, round(float(market.score[one]), 5), int(market.numbers[one]),
                 round(float(market.quality[one]), 4)]
                for one in self.others
            ],
        }  # fmt: skip


def prior_of(settings: Mapping[str, Any]) -> float:
    """C: nothing for the plain mean."""
    return float(settings["prior_ratings"]) if settings["stars_by"] == "bayesian" else 0.0


# Questions


@dataclass(frozen=True)
class Artefact:
    """What a frame keeps."""

    view: Mapping[str, Any]


def open(folder: Path, at: int | None) -> Artefact:
    """The attack up to frame ``at``, or to the end."""
    return Artefact(view_at(folder, at))


def answer(artefact: Artefact, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The list of the followed product's department after some accounts.

    ``{"accounts", "item", "needed": accounts by the formula, which knows no defence, or None, "place": from 1 or None,
    "list": [{"item", "score", "ratings", "quality", "pushed"}]}``: the PLACES best, and the pushed product at the end
    where it is not among them. ``accounts`` is at most what the run tried.
    """
    followed = artefact.view["followed"]
    one = followed[min(int(asked["followed_product"]), len(followed)) - 1]
    accounts = min(int(asked["pushing"]), len(one["path"]) - 1)
    score, ratings, place = one["path"][accounts]
    own = {"item": one["item"], "score": score, "ratings": ratings, "quality": one["quality"], "pushed": True}
    rows = [dict(zip(("item", "score", "ratings", "quality"), row, strict=True), pushed=False) for row in one["others"]]
    listed = [*rows, own] if place is None else [*rows[: place - 1], own, *rows[place - 1 :]][:PLACES]
    return {"accounts": accounts, "item": one["item"], "needed": one["needed"], "place": place, "list": listed}
