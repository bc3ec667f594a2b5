"""A/B test: its power before it, what looking early does during it, and what it reports in the end.

    python -m course_lib run ab_test --stopping planned --looks 28 --per_day 4500 --json

Two arms of ``per_day`` shoppers a day for ``days`` days. A share ``base_rate`` of the control converts, and the share
base_rate (1 + relative_lift) of the treatment. With ``looks`` looks at even distances somebody calls the difference by
the rule ``stopping``; all chances are exact for normal z (course_lib/evaluation/ab_tests.py has formulas and sources).

    power          P(a difference is called)                          false alarms   the same, where nothing differs
    exaggeration   E[|estimate| given that it is called] / true lift  (type M error: Gelman & Carlin, 2014)

A novelty effect adds ``novelty`` times the lasting lift on the first day, halved after each ``half_life`` days: whoever
stops early reports what will not last (Kohavi, Tang & Xu, Trustworthy Online Controlled Experiments, 2020, chapter 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from course_lib.evaluation.ab_tests import (
    METHODS,
    Stops,
    bounds,
    by_look,
    fading_lift,
    rates,
    simulated,
    spreads,
    still,
    stops,
)
from course_lib.experiments.events import exact

SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "base_rate": (0.05, 0.01, 0.5),  # of the control, a shopper
    "relative_lift": (0.05, 0.0, 0.5),  # of the treatment, what lasts of it
    "per_day": (700, 10, 20_000),  # shoppers an arm and day
    "days": (28, 1, 100),
    "looks": (28, 1, 100),
    "stopping": ("peeking", "fixed", "peeking", "planned", "always_valid"),
    "novelty": (0.0, 0.0, 3.0),  # lift of the first day that does not last, in lasting lifts
    "half_life": (4.0, 1.0, 30.0),  # days in which novelty halves
    "luck": (1, 0, 999),  # which tests are drawn
}
MEASURES = {
    "power": "share",
    "false_alarms": "share",
    "shoppers": "count",  # of both arms, if the test goes on to its end
    "mean_shoppers": "count",  # until it ends, with the lift
    "exaggeration": "number",  # times the lasting lift
    "wrong_sign": "share",  # of the differences called
    "reported_lift": "share",  # relative: the mean estimate of those that are called
}
ASKS: dict[str, Any] = {}
TINY = {"looks": 5, "days": 5}

SIZES = 14  # of the power curve
WIDEST = 8.0  # standard errors, the largest difference that the power curve reaches
LIKE, UNLIKE = 100, 500  # tests drawn in which nothing differs, and in which the lift is there
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """A test: rates by day, shoppers, looks."""

    control: float
    lift: Values  # (days,) of the treatment, relative
    shoppers: float  # an arm, to the end
    looks: int

    @classmethod
    def make(cls, settings: Mapping[str, Any]) -> Plan:
        """From the settings; raises CourseError where a day's rate would reach 1."""
        base, lift, days = float(settings["base_rate"]), float(settings["relative_lift"]), int(settings["days"])
        daily = fading_lift(lift, float(settings["novelty"]), float(settings["half_life"]), days)
        rates(base, float(daily[0]))  # the highest
        return cls(base, daily, int(settings["per_day"]) * float(days), int(settings["looks"]))

    @property
    def treatment(self) -> Values:
        """(days,) rates."""
        found: Values = self.control * (1 + self.lift)
        return found

    @property
    def gap(self) -> float:
        """Difference of the rates, the mean over the test."""
        return self.control * float(self.lift.mean())

    def drift(self, factors: Values) -> Values:
        """(looks, G) drifts for tests of ``factors`` (G,) times as many shoppers."""
        _, spread = spreads(self.control, self.control + self.gap)
        steps = self.control * by_look(self.lift, self.looks) * np.sqrt(self.shoppers / self.looks) / spread
        found: Values = steps[:, None] * np.sqrt(factors)
        return found

    def stops(self, method: str, factors: Values) -> Stops:
        """How it ends; boundaries are on z by the pooled rate, whose spread differs a little from the true one."""
        pooled, spread = spreads(self.control, self.control + self.gap)
        return stops(bounds(method, self.looks) * pooled / spread, self.drift(factors))

    def estimate(self, found: Stops) -> float:
        """Mean absolute difference that is reported by the first of the drifts."""
        _, spread = spreads(self.control, self.control + self.gap)
        return float(found.estimate[0] * spread / np.sqrt(self.shoppers / self.looks))


def answer(settings: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Measures of the chosen rule, the same for each rule, curves, and tests that were drawn.

    ``curve``: power by shoppers an arm, of every rule. ``rules``: what each costs. ``alike``: 100 tests without a
    difference, z by look, and the look at which each raised a false alarm. ``estimates``: relative lifts that 500
    tests with the lift report. ``days``: the lift by day, and its mean so far. Without a lift there is neither
    exaggeration nor a reported lift. Raises CourseError where the rate of a day would reach 1.
    """
    plan, method = Plan.make(settings), str(settings["stopping"])
    lift, days = float(settings["relative_lift"]), int(settings["days"])
    factors = np.concatenate([[1.0], _factors(plan)])
    ends = {name: plan.stops(name, factors) for name in METHODS}
    rules = [_rule(name, plan, ends[name], factors) for name in METHODS]
    mine = rules[METHODS.index(method)]
    measures = {name: exact(mine[name]) for name in ("power", "false_alarms", "mean_shoppers")}
    measures |= {"shoppers": exact(2 * plan.shoppers), "wrong_sign": exact(float(ends[method].wrong_sign[0]))}
    if lift:
        reported = plan.estimate(ends[method]) / plan.control
        measures |= {"reported_lift": exact(reported), "exaggeration": exact(reported / lift)}
    curve = [
        {"shoppers": round(plan.shoppers * float(factors[g])), **{name: float(ends[name].decided[g]) for name in ends}}
        for g in np.argsort(factors).tolist()
    ]
    rng = np.random.default_rng([int(settings["luck"]), plan.looks])
    boundary = bounds(method, plan.looks)
    paths, _ = simulated((np.full(days, plan.control),) * 2, plan.shoppers, plan.looks, LIKE, rng)
    return {
        "measures": measures,
        "rules": rules,
        "curve": curve,
        "alike": {
            "z": np.round(paths, 3).tolist(),
            "alarm": _first(paths, boundary).tolist(),
            "boundary": [None if np.isinf(one) else round(float(one), 4) for one in boundary],
        },
        "estimates": _estimates(plan, boundary, rng) if lift else None,
        "days": {
            "lift": plan.lift.tolist(),
            "so_far": (np.cumsum(plan.lift) / np.arange(1, days + 1)).tolist(),
            "stop": mine["mean_shoppers"] / (2 * plan.shoppers) * days,
        },
    }  # fmt: skip


def _factors(plan: Plan) -> Values:
    """(SIZES,) sizes of the power curve, in tests: from a hundredth of its strength to where all is found."""
    strength = abs(float(plan.drift(np.ones(1)).sum())) / np.sqrt(plan.looks)  # of the whole test, in standard errors
    most = max(2.0, (4.5 / strength) ** 2 if strength else 0.0)
    return np.geomspace(
        min(0.05, most / 60), min(most, max((WIDEST / strength) ** 2, 1.0) if strength else most), SIZES
    )


def _rule(name: str, plan: Plan, found: Stops, factors: Values) -> dict[str, Any]:
    """One rule: power, false alarms, mean shoppers of both arms, and those that 80% power would need."""
    alike = stops(bounds(name, plan.looks), still(plan.looks))
    order = np.argsort(factors)
    reached = np.clip(found.decided[order], 1e-12, 1 - 1e-12)
    needed = None
    if plan.gap and reached[-1] >= 0.8 > reached[0]:
        root = np.interp(ndtri(0.8), ndtri(reached), np.sqrt(factors[order]))  # almost straight in these two
        needed = 2 * plan.shoppers * float(root) ** 2
    return {
        "rule": name,
        "power": float(found.decided[0]),
        "false_alarms": float(alike.decided[0]),
        "mean_shoppers": float(found.looks[0]) / plan.looks * 2 * plan.shoppers,
        "needed": needed,
    }


def _first(z: Values, boundary: Values) -> NDArray[np.int64]:
    """(tests,) first look, from 1, at which ``z`` (tests, looks) crosses the boundary; 0 where it never does."""
    crossed = np.abs(z) >= boundary
    found: NDArray[np.int64] = np.where(crossed.any(1), crossed.argmax(1) + 1, 0)
    return found


def _estimates(plan: Plan, boundary: Values, rng: np.random.Generator) -> dict[str, list[float]]:
    """Relative lifts of tests that were drawn: of those that called a difference, and of the others at their end."""
    alike = np.full(len(plan.lift), plan.control)
    z, gap = simulated((alike, plan.treatment), plan.shoppers, plan.looks, UNLIKE, rng)
    look = _first(z, boundary)
    found = np.round(gap[np.arange(UNLIKE), look - 1] / plan.control, 4)  # look 0: the last
    return {"called": found[look > 0].tolist(), "not_called": found[look == 0].tolist()}
