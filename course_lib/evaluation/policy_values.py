"""Policies judged from a log, beside what they are really worth: on the simulated shop, and on Open Bandit.

    on_shop(world, slate_log(world, 4000), policy)      # any front-page policy; the truth is exact
    on_open_bandit(log)                                 # one campaign: Thompson sampling, from the random policy's log

The estimators see the log, the policy and nothing else. The truth stands beside them and helps none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.evaluation.intervals import RESAMPLES, Interval, bootstrap_ratio
from course_lib.evaluation.off_policy import (
    Log,
    Predictions,
    Values,
    click_rates,
    effective_size,
    estimates,
    mixed_propensity,
)
from course_lib.shop.front_page import Policy, front_page, visitors
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.plackett_luce import position_chances
from course_lib.shop.truth import slates as truth
from course_lib.shop.world import World

FOLDS = 5  # the model of the reward that judges a slate has not seen that slate's fold
POSITIONS = 3  # in Open Bandit
LOGGED, ASKED = "random", "bts"

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Estimates of a policy's value, rewards a slate, and what they are to be compared with."""

    estimates: dict[str, Interval]  # by estimator, see off_policy.ESTIMATORS
    truth: Interval  # the value itself; of no width where it is known exactly
    logged: Interval  # what the log's own policies earned: the answer of who forgets to weigh
    effective: Values  # (K,) slates of equal weight that would know as much, by position
    slates: int  # N, in the log


def on_shop(
    world: World, log: pd.DataFrame, policy: Policy, seed: int | None = None, resamples: int = RESAMPLES
) -> Comparison:
    """``policy``'s expected clicks a slate for the shoppers of ``log``, by every estimator, and in truth.

    ``log`` has the columns of shop/slates.py, whole slates one after another, made with the same ``seed``; rows of one
    logging policy will do. What the policies that made it would have shown is known too, and so are the weights of
    their mixture. Intervals resample shoppers. Raises CourseError for slates with a position missing.
    """
    page, K = front_page(world, seed), world.parameters["slates.positions"]
    _check_whole(log, K)
    column = np.zeros(len(world.catalogue.type) + 1, np.int64)
    column[page.items] = np.arange(len(page.items))
    shown = column[log[Columns.ITEM].to_numpy().reshape(-1, K)]
    clicked = log[Columns.CLICK].to_numpy(np.float64).reshape(-1, K)
    user = log[Columns.USER].to_numpy(np.int64)[::K]
    at = np.arange(K)
    fold = user % FOLDS
    rates = fold_rates(np.broadcast_to(at, shown.shape), shown, clicked, fold, (K, len(page.items)))

    shoppers = int(user.max()) + 1
    loggers = list(page.policies)
    made_by = np.array([loggers.index(name) for name in log[Columns.POLICY].to_numpy()[::K]])
    target, expected, logged = np.empty(shown.shape), np.empty(shown.shape), np.empty((len(loggers), *shown.shape))
    for block, _ in whole_blocks(world, SLATES, shoppers, seed):
        chances = position_chances(policy(visitors(block)), K)  # (N, K, n)
        of_shopper = (chances * rates[(block.first + np.arange(len(chances))) % FOLDS]).sum(2)
        rows = np.flatnonzero((user >= block.first) & (user < block.first + len(chances)))
        own = user[rows] - block.first
        target[rows] = chances[own[:, None], at, shown[rows]]
        expected[rows] = of_shopper[own]
        for number, logger in enumerate(page.policies.values()):
            logged[number, rows] = position_chances(logger(visitors(block)), K)[own[:, None], at, shown[rows]]
    propensity = log[Columns.PROPENSITY].to_numpy().reshape(-1, K)
    exact = float(truth.values(world, policy, shoppers, seed).mean())
    given = Log(clicked, propensity, target, mixed_propensity(logged, made_by))
    predictions = Predictions(rates[fold[:, None], at, shown], expected)
    return _compared(given, predictions, user, Interval(exact, exact, exact), resamples)


def on_open_bandit(log: pd.DataFrame, resamples: int = RESAMPLES) -> Comparison:
    """Thompson sampling's clicks an impression, from the random policy's log, and as it really was clicked.

    ``log`` is one campaign of the table of the same name. The published files have the chances of what was shown only,
    so Thompson sampling is taken as the policy that shows each product at each position as often as it did over the
    week, to everybody alike. It learned on while the data was collected; that average is what is asked about.
    An impression of one product counts as a slate of one. Raises CourseError where one of the policies has no rows.
    """
    for name in (LOGGED, ASKED):
        if not (log[Columns.POLICY] == name).any():
            raise CourseError("off_policy_no_rows", name=name, known=", ".join(sorted(set(log[Columns.POLICY]))) or "-")
    n = int(log[Columns.ITEM].max())
    logged, asked = (_impressions(log[log[Columns.POLICY] == name]) for name in (LOGGED, ASKED))
    times = np.bincount(asked.position * n + asked.item, minlength=POSITIONS * n).reshape(POSITIONS, n)
    chances = times / np.maximum(times.sum(1, keepdims=True), 1)  # (K, n)
    fold = np.arange(len(logged.item)) % FOLDS
    rates = fold_rates(logged.position, logged.item, logged.clicked, fold, (POSITIONS, n))
    given = Log(logged.clicked, logged.propensity, chances[logged.position, logged.item])
    expected = (chances * rates).sum(2)  # (FOLDS, K)
    predictions = Predictions(rates[fold, logged.position, logged.item], expected[fold, logged.position])
    real = bootstrap_ratio(asked.clicked[:, None], np.ones((len(asked.clicked), 1)), resamples)
    return _compared(given, predictions, np.arange(len(given)), real, resamples)


@dataclass(frozen=True)
class _Impressions:
    position: Ints  # (R,) from 0
    item: Ints  # (R,) from 0
    clicked: Values
    propensity: Values


def _impressions(log: pd.DataFrame) -> _Impressions:
    return _Impressions(
        log[Columns.POSITION].to_numpy(np.int64) - 1,
        log[Columns.ITEM].to_numpy(np.int64) - 1,
        log[Columns.CLICK].to_numpy(np.float64),
        log[Columns.PROPENSITY].to_numpy(np.float64),
    )


def fold_rates(position: Ints, item: Ints, clicked: Values, fold: Ints, shape: tuple[int, int]) -> Values:
    """(FOLDS, K, n) click rates, each learned from all rows but those of its fold.

    The first axis of ``position``, ``item`` and ``clicked`` is that of ``fold``, from 0 to FOLDS - 1. A fold that holds
    all there is has the rates of all: of a log of two visits there may be no other.
    """
    kept = [fold != out if (fold != out).any() else fold == out for out in range(FOLDS)]
    return np.stack(
        [click_rates(position[rows].ravel(), item[rows].ravel(), clicked[rows].ravel(), shape) for rows in kept]
    )


def _compared(log: Log, predictions: Predictions, groups: Ints, real: Interval, resamples: int) -> Comparison:
    plain = Log(log.reward, log.propensity, log.propensity)  # every weight 1: the log's own policies
    return Comparison(
        estimates=estimates(log, predictions, groups, resamples=resamples),
        truth=real,
        logged=estimates(plain, None, groups, resamples=resamples)["ips"],
        effective=effective_size(log),
        slates=len(log),
    )


def _check_whole(log: pd.DataFrame, positions: int) -> None:
    slate = log[Columns.SLATE].to_numpy()
    whole = (np.arange(len(log)) % positions + 1 == log[Columns.POSITION].to_numpy()) & (
        slate == np.repeat(slate[::positions], positions)[: len(log)]
    )
    if not len(log) or len(log) % positions or not whole.all():
        place = len(log) if whole.all() else int(whole.argmin()) + 1
        raise CourseError("off_policy_log", row=place, positions=positions)
