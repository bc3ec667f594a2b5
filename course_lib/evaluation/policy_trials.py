"""A policy asked about again and again: logs of the shop's front page drawn anew, and Open Bandit's, of any length.

    trial = ShopTrial.make(world, scores, visitors=1000)      # scores (N, n): a model's, of the front page's products
    log = trial.draw(12_000, "mixture", random)               # who came, what was shown, what was clicked
    case = trial.case(log, sharpness=2.0)                     # weights, a model's predictions, the truth
    judged(case, most=10.0)                                   # every estimator beside the truth

Any model that scores products becomes a policy by its ranking:

    weight of product i  =  (rank of i)^-sharpness            0: all alike; 1: Zipf; the higher, the surer of its best

from which a slate is drawn without replacement (shop/plackett_luce.py). Ranks make all models comparable, whatever the
scale of their scores. Each slate's visitor is drawn from the same ``N`` shoppers, so that slates are independent and
the truth, the mean over those shoppers, is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import Interval
from course_lib.evaluation.off_policy import (
    CLIP,
    UNBIASED,
    Log,
    Predictions,
    Values,
    effective_size,
    mixed_propensity,
    normal_estimates,
)
from course_lib.evaluation.policy_values import ASKED, FOLDS, LOGGED, POSITIONS, fold_rates
from course_lib.shop.front_page import front_page, visitors
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.plackett_luce import position_chances, weights
from course_lib.shop.truth.slates import attractiveness, looked_at
from course_lib.shop.world import World

MIXTURE = "mixture"  # the log of all policies together, each slate's drawn by lot
WEIGHT_EDGES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, np.inf)
Ints = NDArray[np.int64]


def rank_weights(scores: NDArray[np.floating[Any]]) -> Values:
    """(N, n) -log rank of each product by ``scores`` (N, n), the highest first; equal ones by column.

    ``sharpness`` times this are the log weights of the policy. Raises CourseError for scores that are no numbers.
    """
    given = np.asarray(scores, np.float64)
    if given.ndim != 2 or 0 in given.shape:
        raise ValueError(f"scores {given.shape}: expected (N, n)")
    if np.isnan(given).any():
        raise CourseError("off_policy_scores", row=int(np.isnan(given).any(1).argmax()) + 1)
    order = np.argsort(-given, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, given.shape[1] + 1)[None], axis=1)
    found: Values = -np.log(rank)
    return found


@dataclass(frozen=True)
class Slates:
    """``S`` slates of a log, in the order in which they came."""

    visitor: Ints  # (S,) row of the trial's visitors
    made_by: Ints  # (S,) number of the logging policy
    shown: Ints  # (S, K) columns of the page's products
    clicked: Values  # (S, K)

    def first(self, count: int) -> Slates:
        """The log as it was after ``count`` slates."""
        return Slates(self.visitor[:count], self.made_by[:count], self.shown[:count], self.clicked[:count])


@dataclass(frozen=True)
class Case:
    """A policy and a log: all that estimators may see, and the truth beside it."""

    log: Log
    predictions: Predictions
    truth: Interval | None  # of no width where it is exact; None where nobody knows it

    @property
    def logged(self) -> float:
        """What the log's own policies earned a slate: the answer of who forgets to weigh."""
        return float(self.log.reward.sum(1).mean())


@dataclass(frozen=True)
class ShopTrial:
    """``N`` shoppers at the front page, the policies that log there, and a model that would like to."""

    rank: Values  # (N, n) rank_weights of the model's scores
    attractive: Values  # (N, n) chance of a click on what is looked at
    looked: Values  # (K,) chance that a position is looked at
    logits: Mapping[str, Values]  # by logging policy, (N, n) log weights

    @classmethod
    def make(cls, world: World, scores: NDArray[np.floating[Any]]) -> ShopTrial:
        """The shop's first ``N`` shoppers; ``scores`` (N, n) are those of the page's products after their histories."""
        page = front_page(world)
        N = len(scores)
        attractive, logits = [], {name: [] for name in page.policies}  # type: ignore[var-annotated]
        for block, _ in whole_blocks(world, SLATES, N):
            attractive.append(attractiveness(world, page, block))
            for name, policy in page.policies.items():
                logits[name].append(policy(visitors(block)))
        logged = {name: np.concatenate(parts)[:N] for name, parts in logits.items()}
        return cls(rank_weights(scores), np.concatenate(attractive)[:N], looked_at(world), logged)

    @property
    def loggers(self) -> tuple[str, ...]:
        """What a log may be made by: each policy alone, or all together."""
        return (MIXTURE, *self.logits)

    def draw(self, slates: int, logger: str, random: np.random.Generator) -> Slates:
        """A log of so many slates."""
        N = len(self.rank)
        names = list(self.logits)
        visitor = random.integers(N, size=slates)
        if logger == MIXTURE:
            made_by = random.integers(len(names), size=slates)
        else:
            made_by = np.full(slates, names.index(logger))
        shown = np.empty((slates, len(self.looked)), np.int64)
        for number in np.unique(made_by):
            rows = np.flatnonzero(made_by == number)
            shown[rows] = draw_without_replacement(self.logits[names[number]], visitor[rows], len(self.looked), random)
        chance = self.attractive[visitor[:, None], shown] * self.looked
        return Slates(visitor, made_by, shown, (random.random(shown.shape) < chance).astype(np.float64))

    def chances(self, sharpness: float) -> Values:
        """(N, K, n) what the asked policy shows where."""
        return position_chances(sharpness * self.rank, len(self.looked))

    def case(self, slates: Slates, sharpness: float, chances: Values | None = None) -> Case:
        """What the estimators get to see of ``slates``; ``chances`` are those of the same sharpness, where known.

        The model of the reward is fitted without the visitors whose slates it judges (FOLDS of them). Raises
        CourseError for fewer than two slates.
        """
        if len(slates.visitor) < 2:
            raise CourseError("off_policy_one_slate")
        chances = self.chances(sharpness) if chances is None else chances
        K, n = chances.shape[1:]
        who, at = slates.visitor[:, None], np.arange(K)
        p = np.stack([one[who, at, slates.shown] for one in self._logged()])  # (L, S, K)
        own = p[slates.made_by, np.arange(len(who))]
        fold = slates.visitor % FOLDS
        rates = fold_rates(np.broadcast_to(at, slates.shown.shape), slates.shown, slates.clicked, fold, (K, n))
        expected = np.empty(chances.shape[:2])
        for number in range(FOLDS):
            expected[number::FOLDS] = (chances[number::FOLDS] * rates[number]).sum(2)
        log = Log(slates.clicked, own, chances[who, at, slates.shown], mixed_propensity(p, slates.made_by))
        predictions = Predictions(rates[fold[:, None], at, slates.shown], expected[slates.visitor])
        value = float(((chances * self.attractive[:, None]).sum(2) @ self.looked).mean())
        return Case(log, predictions, Interval(value, value, value))

    def _logged(self) -> list[Values]:
        """By logging policy, (N, K, n) what it shows where; computed once."""
        if not hasattr(self, "_kept"):
            K = len(self.looked)
            object.__setattr__(self, "_kept", [position_chances(one, K) for one in self.logits.values()])
        return self._kept  # type: ignore[attr-defined,no-any-return]


def draw_without_replacement(logits: Values, rows: Ints, positions: int, random: np.random.Generator) -> Ints:
    """(S, positions) columns drawn by Plackett-Luce from the log weights ``logits`` (N, n) of ``rows`` (S,).

    Each position is drawn from all weights until it is none of those before it, which is a draw from what is left. For
    many slates from a few rows this is quicker than :func:`draw_slates`, which draws n numbers a slate.
    """
    N, n = logits.shape
    if not 1 <= positions <= n:
        raise ValueError(f"{positions} positions of {n} products")
    ends = np.cumsum(weights(logits), axis=1)
    ends = (ends / ends[:, -1:] + np.arange(N)[:, None]).ravel()  # one ladder for all rows, a unit each
    shown = np.empty((len(rows), positions), np.int64)
    for place in range(positions):
        left = np.arange(len(rows))
        while len(left):
            drawn = np.searchsorted(ends, rows[left] + random.random(len(left)), side="right") - rows[left] * n
            shown[left, place] = np.clip(drawn, 0, n - 1)
            again = (shown[left, :place] == shown[left, place, None]).any(1)
            left = left[again]
    return shown


@dataclass(frozen=True)
class BanditTrial:
    """One campaign of Open Bandit: Thompson sampling, or a sharper or flatter form of it, from the random policy's log.

    As in policy_values.py, Thompson sampling is taken as the policy that shows each product at each position as often
    as it did over the week. Its true worth is what it was clicked; of the other forms nobody knows it. An impression of
    one product is a slate of one.
    """

    position: Ints  # (S,) from 0, in random order
    item: Ints  # (S,) from 0
    clicked: Values  # (S,)
    propensity: Values  # (S,)
    share: Values  # (K, n) how often Thompson sampling shows each product at each position
    truth: Interval  # its clicks an impression, with a normal interval

    @classmethod
    def make(cls, log: pd.DataFrame, random: np.random.Generator) -> BanditTrial:
        """``log`` is a campaign's table. Raises CourseError where one of the policies has no rows."""
        for name in (LOGGED, ASKED):
            if not (log[Columns.POLICY] == name).any():
                known = ", ".join(sorted(set(log[Columns.POLICY]))) or "-"
                raise CourseError("off_policy_no_rows", name=name, known=known)
        n = int(log[Columns.ITEM].max())
        asked = log[log[Columns.POLICY] == ASKED]
        cell = (asked[Columns.POSITION].to_numpy(np.int64) - 1) * n + asked[Columns.ITEM].to_numpy(np.int64) - 1
        times = np.bincount(cell, minlength=POSITIONS * n).reshape(POSITIONS, n)
        clicked = asked[Columns.CLICK].to_numpy(np.float64)
        truth = normal_estimates(Log(clicked, np.ones(len(clicked)), np.ones(len(clicked))))["ips"]
        rows = log[log[Columns.POLICY] == LOGGED]
        rows = rows.iloc[random.permutation(len(rows))]
        return cls(
            rows[Columns.POSITION].to_numpy(np.int64) - 1,
            rows[Columns.ITEM].to_numpy(np.int64) - 1,
            rows[Columns.CLICK].to_numpy(np.float64),
            rows[Columns.PROPENSITY].to_numpy(np.float64),
            times / np.maximum(times.sum(1, keepdims=True), 1),
            truth,
        )

    def __len__(self) -> int:
        return len(self.item)

    def taken(self, rows: Ints) -> BanditTrial:
        """The same campaign with a log of the impressions ``rows``."""
        parts = ("position", "item", "clicked", "propensity")
        return replace(self, **{name: getattr(self, name)[rows] for name in parts})

    def case(self, slates: int, sharpness: float) -> Case:
        """The first so many impressions, and Thompson sampling's shares to the power ``sharpness``."""
        if slates < 2:
            raise CourseError("off_policy_one_slate")
        at, of = self.position[:slates], self.item[:slates]
        raw = np.where(self.share > 0, self.share, 0.0) ** sharpness
        raw = np.where(self.share > 0, raw, 0.0)  # what it never shows stays out, also where all are alike
        chances = raw / raw.sum(1, keepdims=True)
        fold = np.arange(len(at)) % FOLDS
        rates = fold_rates(at, of, self.clicked[:slates], fold, self.share.shape)
        expected = (chances * rates).sum(2)  # (FOLDS, K)
        log = Log(self.clicked[:slates], self.propensity[:slates], chances[at, of])
        predictions = Predictions(rates[fold, at, of], expected[fold, at])
        return Case(log, predictions, self.truth if sharpness == 1 else None)


def judged(case: Case, most: float = CLIP) -> dict[str, Any]:
    """Every estimator beside the truth, JSON-ready.

    ``rows`` has an entry for each estimator: name, value, low, high (95%), and whether its interval is about the truth
    at all (``claims``). ``truth`` is None where nobody knows it. ``effective`` is the smallest effective size of the
    positions, by the weights of IPS, and ``mixture_effective`` by those of the mixture. ``weights`` tells how many of
    them (``share``), and how much of their sum (``mass``), lie from each of ``edges`` on. Raises CourseError as the
    estimators do, without overlap for one.
    """
    found = normal_estimates(case.log, case.predictions, most)
    rows = [{"name": name, **one.to_dict(), "claims": name in UNBIASED} for name, one in found.items()]
    sizes = effective_size(case.log)
    mixed = effective_size(replace(case.log, propensity=case.log.mixture)) if case.log.mixture is not None else sizes
    w = case.log.weights
    place = np.searchsorted(WEIGHT_EDGES[1:-1], w.ravel(), side="right")
    bins = len(WEIGHT_EDGES) - 1
    share = np.bincount(place, minlength=bins) / w.size
    mass = np.bincount(place, w.ravel(), minlength=bins) / w.sum()
    return {
        "slates": len(case.log),
        "rows": rows,
        "truth": case.truth.to_dict() if case.truth is not None else None,
        "logged": case.logged,
        "effective": float(sizes.min()),
        "mixture_effective": float(mixed.min()),
        "largest": float(w.max()),
        "clipped_share": float((w > most).mean()),
        "weights": {"edges": list(WEIGHT_EDGES[:-1]), "share": share.tolist(), "mass": mass.tolist()},
    }
