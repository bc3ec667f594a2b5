"""Uplift learners: from one randomised campaign to a score of who should get the next coupon.

    fitted = fit("x", "linear", features, bought, treated, chance=0.5, seed=1)
    fitted.uplift(features)      # (N,) how much more likely a coupon makes a purchase
    fitted.chances(features)     # P(buy | no coupon), P(buy | coupon), where the learner has them

Y is 1 where a shopper bought, T where the coupon was given, e its chance, x what is known of the shopper.

    response      m1(x) = P(Y = 1 | x, T = 1): who buys with a coupon, and might have bought without
    s             one model m(x, T) with the coupon as one more column, tau = m(x, 1) - m(x, 0)
    t             a model for each arm, tau = m1(x) - m0(x)
    x             tau = e tau0(x) + (1 - e) tau1(x): tau1 learned from Y - m0(x) of those with a coupon, tau0 from
                  m1(x) - Y of the others
    transformed   Z = 1 where Y = T, weighted to even arms; tau = 2 P(Z = 1 | x) - 1

S, T and X: Kuenzel, Sekhon, Bickel & Yu, Metalearners for Estimating Heterogeneous Treatment Effects using Machine
Learning, PNAS 2019. Class transformation: Jaskowski & Jaroszewicz, Uplift Modeling for Clinical Trial Data, ICML
workshop 2012. The base is scikit-learn's logistic regression (and ridge regression for X's second step), or its
histogram gradient boosting. S, T and class transformation agree with scikit-uplift's (tests/evaluation/test_uplift.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.uplift import arms

LEARNERS = ("response", "s", "t", "x", "transformed")
BASES = ("linear", "trees")
FEWEST = 3  # buyers in each arm without which a model of that arm is noise
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fitted:
    """A learner after its campaign. Rows of ``x`` (N, F) are standardised as those that it learned from."""

    learner: str
    score: Callable[[Values], Values]
    both: Callable[[Values], tuple[Values, Values]] | None  # P(buy | no coupon), P(buy | coupon)

    def uplift(self, x: Values) -> Values:
        """(N,) the higher, the sooner a shopper gets a coupon; an uplift in chances, but for ``response``."""
        return self.score(x)

    def chances(self, x: Values) -> tuple[Values, Values] | None:
        """Both chances (N,) of each shopper; None for a learner that knows their difference alone."""
        return self.both(x) if self.both is not None else None


def fit(learner: str, base: str, x: Values, bought: Flags, treated: Flags, chance: float, seed: int) -> Fitted:
    """Learns from shoppers ``x`` (N, F) of a campaign in which each had a coupon with ``chance``.

    Raises CourseError where nobody or everybody had a coupon, or fewer than FEWEST of an arm bought.
    """
    said, given = arms(bought, treated)
    for arm, key in ((given, "campaign_few_with"), (~given, "campaign_few_without")):
        if said[arm].sum() < FEWEST or (~said[arm]).sum() < FEWEST:
            raise CourseError(key, buyers=int(said[arm].sum()), shoppers=int(arm.sum()), fewest=FEWEST)
    one = _Base(base, seed)
    if learner == "response":
        return Fitted(learner, one.chance(x[given], said[given]), None)
    if learner == "s":
        return _single(one, x, said, given)
    if learner == "transformed":
        weight = np.where(given, 0.5 / chance, 0.5 / (1 - chance))
        same = one.chance(x, said == given, weight)
        return Fitted(learner, lambda rows: 2 * same(rows) - 1, None)
    without, with_ = one.chance(x[~given], said[~given]), one.chance(x[given], said[given])

    def both(rows: Values) -> tuple[Values, Values]:
        return without(rows), with_(rows)

    if learner == "t":
        return Fitted(learner, lambda rows: with_(rows) - without(rows), both)
    if learner != "x":
        raise ValueError(f"{learner} is none of {LEARNERS}")
    of_treated = one.number(x[given], said[given] - without(x[given]))
    of_control = one.number(x[~given], with_(x[~given]) - said[~given])
    return Fitted(learner, lambda rows: chance * of_control(rows) + (1 - chance) * of_treated(rows), both)


def _single(one: _Base, x: Values, said: Flags, given: Flags) -> Fitted:
    model = one.chance(np.column_stack([x, given]), said)

    def both(rows: Values) -> tuple[Values, Values]:
        without, with_ = (model(np.column_stack([rows, np.full(len(rows), coupon)])) for coupon in (0.0, 1.0))
        return without, with_

    def score(rows: Values) -> Values:
        without, with_ = both(rows)
        return with_ - without

    return Fitted("s", score, both)


@dataclass(frozen=True)
class _Base:
    """What every learner is made of: a model of a chance, and one of a number."""

    kind: str
    seed: int

    def chance(self, x: Values, y: Flags, weight: Values | None = None) -> Callable[[Values], Values]:
        """Learns P(y | x)."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression

        model: Any = (
            LogisticRegression(C=0.1, max_iter=1000, tol=1e-8)
            if self.kind == "linear"
            else HistGradientBoostingClassifier(**TREES, random_state=self.seed)
        )
        model.fit(x, y, sample_weight=weight)
        return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], np.float64)

    def number(self, x: Values, y: Values) -> Callable[[Values], Values]:
        """Learns E(y | x)."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.linear_model import Ridge

        model: Any = (
            Ridge(100.0) if self.kind == "linear" else HistGradientBoostingRegressor(**TREES, random_state=self.seed)
        )
        model.fit(x, y)
        return lambda rows: np.asarray(model.predict(rows), np.float64)


TREES: dict[str, Any] = {
    "max_iter": 40, "learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 40, "l2_regularization": 10.0,
    "early_stopping": False,
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """Brings columns to mean 0 and standard deviation 1, by the shoppers that are learned from."""

    mean: Values
    spread: Values

    @classmethod
    def of(cls, x: Values) -> Scale:
        """A column that does not vary stays as it is."""
        spread = x.std(0)
        return cls(x.mean(0), np.where(spread > 1e-12, spread, 1.0))

    def __call__(self, x: Values) -> Values:
        """(N, F) rows in that scale."""
        found: Values = (x - self.mean) / self.spread
        return found
