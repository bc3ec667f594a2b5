"""Targeted uplift: what uplift learners learn from coupons that went to chosen shoppers, beside coupons by lot.

    python -m course_lib run targeted_uplift --log_features few --json

Three logs of the same shoppers and as many coupons each; the last is made of the second.

    lot           everyone has the same chance of a coupon
    targeted      the shop's rule: who bought of the coupon's department lately has the chance ``aimed``, anyone else
                  ``unaimed``
    straightened  as many rows of the targeted log, drawn again with replacement and with weights 1 / P(T = t | x): of
                  the chances that the rule wrote down, so that coupons are again independent of x (importance
                  resampling: Rubin, Using the SIR Algorithm, Bayesian Statistics 3, 1988)

Five learners (course_lib/training/uplift_learners.py) learn from each. They read all counts of the purchases, which
hold what the rule reads, or only the number of purchases and their pace, which do not. Other shoppers, whose chances
the shop knows, then judge the order (Qini, of the best possible) and T's promises: a coupon goes to whoever T promises
a gain from, which promises so many yuan and truly earns so many. All is repeated with new lots and luck; intervals are
Student's t over the repeats. Why a log that somebody chose spoils the level first: Rosenbaum & Rubin, The Central Role
of the Propensity Score in Observational Studies for Causal Effects, Biometrika 1983.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.coupon_policies import PER, mean_of
from course_lib.evaluation.coupon_trials import CouponTrial, Drawn, brings
from course_lib.evaluation.intervals import over_seeds
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop.published import shop
from course_lib.shop.truth.coupons import qini as true_qini
from course_lib.training.checkpoint import one_thread
from course_lib.training.uplift_learners import LEARNERS, Scale, fit

SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "campaign": ("detergent", "detergent", "diapers", "headphones"),
    "shoppers": (12_000, 1_000, 24_000),  # in each log
    "aimed": (0.8, 0.02, 0.98),  # chance of a coupon for those whom the rule aims at
    "unaimed": (0.1, 0.02, 0.98),  # and for anyone else
    "log_features": ("counts", "counts", "few"),  # what the learners read; few: nothing that the rule reads
    "margin": (0.5, 0.25, 0.95),  # share of the price
    "logs": (8, 3, 40),  # of each kind
}
MEASURES = {
    "lot_response_qini": "share",  # true, of the best possible's
    "lot_t_qini": "share",
    "lot_transformed_qini": "share",
    "targeted_response_qini": "share",
    "targeted_t_qini": "share",
    "targeted_transformed_qini": "share",
    "straightened_t_qini": "share",
    "straightened_transformed_qini": "share",
    "targeted_over_lot_t": "difference",  # of T's Qini share, the same luck of lots aside
    "targeted_over_lot_transformed": "difference",
    "lot_promised": "currency",  # yuan a thousand shoppers that T promises of its own coupons
    "targeted_promised": "currency",
    "straightened_promised": "currency",
    "lot_earned": "currency",  # what they truly earn
    "targeted_earned": "currency",
    "straightened_earned": "currency",
    "lot_told": "share",  # mean effect of a coupon as T tells it
    "targeted_told": "share",
    "straightened_told": "share",
    "true_effect": "score",
    "everyone_profit": "currency",
    "seconds": "seconds",
}
ASKS = {"margin": (0.5, 0.25, 0.95)}
TINY = {"shoppers": 1000, "logs": 3, "campaign": "diapers"}

LOGS = ("lot", "targeted", "straightened")
BESIDE = (0, 1)  # columns of the features that did not decide about coupons: purchases, and how quickly
TESTED = 6_000  # other shoppers, who are put in order
TENTHS = 10
KEPT, FINISHED = "told.safetensors", "finished"
Values = NDArray[np.float64]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Draws the logs again and again, a frame each time. An interrupted run begins again.

    Raises CourseError where a log has so few coupons or buyers that nothing can be learned.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    shoppers, times = int(settings["shoppers"]), int(settings["logs"])
    yield plan(frame=times)
    everybody = shoppers + min(TESTED, 4 * shoppers)
    trial = CouponTrial.make(shop(), str(settings["campaign"]), everybody)
    order = np.random.default_rng([config.seed, 40]).permutation(len(trial))
    field = Field.of(trial, order[:shoppers], order[shoppers:], settings)
    found: list[dict[str, Any]] = []
    for at in range(times):
        found.append(field.once([config.seed, 41, at]))
        table = field.table(found)
        yield folder.frame(at, {"table": table}, None, logs=at + 1, table=table)
    told = Told.of(trial, order[shoppers:], found)
    told.keep(folder.path / FINISHED)
    table = field.table(found)
    seconds = round(time.perf_counter() - began, 3)
    measures = measured(table, found) | {"seconds": exact(seconds)}
    yield result(
        measures, table=table, seconds={"total": seconds}, tested=len(order) - shoppers, coupons=field.coupons,
        distinct=round(float(np.mean([one["distinct"] for one in found]))),
    )  # fmt: skip


def straightened(
    treated: NDArray[np.bool_], propensity: Values, size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(size,) rows of a log, drawn so that who has a coupon no longer hangs on its chance (n,), within 0 and 1.

    >>> rows = straightened(np.array([True, False]), np.array([0.9, 0.9]), 10_000, np.random.default_rng(0))
    >>> round(float((rows == 1).mean()), 1)
    0.9
    """
    weight = np.where(treated, 1 / propensity, 1 / (1 - propensity))
    return rng.choice(len(treated), size, p=weight / weight.sum())


@dataclass(frozen=True)
class Field:
    """Who is in the logs, who judges, and what the learners read of both."""

    trial: CouponTrial
    learned: NDArray[np.int64]
    rate: Values  # (n,) chance of a coupon by the rule
    x: Values  # (n, F)
    judged: Values  # (m, F)
    uplift: Values  # (m,) in truth
    money: Values  # (m,) yuan that a coupon truly brings
    margin: float
    ceiling: float
    coupons: int

    @classmethod
    def of(
        cls, trial: CouponTrial, learned: NDArray[np.int64], tested: NDArray[np.int64], settings: Mapping[str, Any]
    ) -> Field:
        """Of two groups of the trial's shoppers."""
        rate = np.where(trial.aimed[learned], float(settings["aimed"]), float(settings["unaimed"]))
        known = trial.features[:, list(BESIDE)] if settings["log_features"] == "few" else trial.features
        scale = Scale.of(known[learned])
        uplift, margin = trial.uplift[tested], float(settings["margin"])
        return cls(
            trial, learned, rate, scale(known[learned]), scale(known[tested]), uplift, trial.profit(tested, margin),
            margin, true_qini(uplift, uplift), round(float(rate.sum())),
        )  # fmt: skip

    def once(self, seed: list[int]) -> dict[str, Any]:
        """One log of each kind, and what each learner makes of it."""
        rng = np.random.default_rng(seed)
        lot = self.trial.draw(self.learned, rng, float(self.rate.mean()))
        targeted = self.trial.draw(self.learned, rng, self.rate)
        again = straightened(targeted.treated, self.rate, len(self.learned), rng)
        everyone = np.arange(len(self.learned))
        rows = {"lot": (lot, everyone), "targeted": (targeted, everyone), "straightened": (targeted, again)}
        found: dict[str, Any] = {name: self._learn(*one, seed[-1]) for name, one in rows.items()}
        return {**found, "distinct": len(np.unique(again))}

    def _learn(self, drawn: Drawn, rows: NDArray[np.int64], seed: int) -> dict[str, Any]:
        """Every learner's Qini share, and T's promises on the judged shoppers."""
        bought, treated = drawn.bought[rows], drawn.treated[rows]
        chance = float(treated.mean())
        qini, told = {}, None
        for learner in LEARNERS:
            fitted = fit(learner, "linear", self.x[rows], bought, treated, chance, seed)
            qini[learner] = true_qini(self.uplift, fitted.uplift(self.judged)) / self.ceiling
            if learner == "t":
                told = fitted.chances(self.judged)
        assert told is not None
        promise = brings(*told, self.trial.price, self.trial.discount, self.margin)
        sends = promise > 0
        return {
            "qini": qini, "told": told,
            "promised": float(np.where(sends, promise, 0.0).mean() * PER),
            "earned": float(np.where(sends, self.money, 0.0).mean() * PER),
            "sent": float(sends.mean()), "effect": float((told[1] - told[0]).mean()),
        }  # fmt: skip

    def table(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        """Means over what is there so far, with intervals where there are two or more."""

        def many(values: list[float]) -> dict[str, float]:
            return over_seeds(values).to_dict() if len(values) > 1 else exact(values[0])

        rows = {
            name: {
                "qini": {one: many([each[name]["qini"][one] for each in found]) for one in LEARNERS},
                **{one: many([each[name][one] for each in found]) for one in ("promised", "earned", "sent", "effect")},
            }
            for name in LOGS
        }
        truth = {"effect": mean_of(self.uplift, 1.0), "everyone": mean_of(self.money)}
        return {"logs": len(found), "rows": rows, **truth}


def measured(table: Mapping[str, Any], found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """All measures but the time."""
    measures: dict[str, dict[str, float]] = {}
    for name, row in table["rows"].items():
        measures |= {f"{name}_{one}_qini": dict(row["qini"][one]) for one in ("response", "t", "transformed")}
        measures |= {f"{name}_{one}": dict(row[one]) for one in ("promised", "earned")}
        measures[f"{name}_told"] = dict(row["effect"])
    for one in ("t", "transformed"):
        lost = [each["targeted"]["qini"][one] - each["lot"]["qini"][one] for each in found]
        measures[f"targeted_over_lot_{one}"] = over_seeds(lost).to_dict()
    measures |= {"true_effect": dict(table["effect"]), "everyone_profit": dict(table["everyone"])}
    return {name: one for name, one in measures.items() if name in MEASURES}


# Questions


@dataclass(frozen=True)
class Told:
    """The judged shoppers: the truth, and both chances as T tells them after the last log of each kind."""

    without: Values
    with_: Values
    told: Mapping[str, tuple[Values, Values]]
    price: float
    discount: float

    @classmethod
    def of(cls, trial: CouponTrial, tested: NDArray[np.int64], found: list[dict[str, Any]]) -> Told:
        """After the last of the logs."""
        told = {name: found[-1][name]["told"] for name in LOGS}
        return cls(trial.without[tested], trial.with_[tested], told, trial.price, trial.discount)

    def keep(self, place: Path) -> None:
        """Everything that a question needs."""
        from safetensors.numpy import save_file

        arrays = {"without": self.without, "with": self.with_, "numbers": np.array([self.price, self.discount])}
        for name, chances in self.told.items():
            arrays |= {f"{name}.without": chances[0], f"{name}.with": chances[1]}
        place.mkdir(parents=True, exist_ok=True)
        save_file({name: np.ascontiguousarray(one) for name, one in arrays.items()}, place / KEPT)


def open(folder: Path, at: int | None) -> Told:
    """The last logs, whole at every frame."""
    from safetensors.numpy import load_file

    view_at(folder, at)  # says so where there is no such frame
    kept = load_file(folder / FINISHED / KEPT)
    price, discount = (float(one) for one in kept["numbers"])
    told = {name: (kept[f"{name}.without"], kept[f"{name}.with"]) for name in LOGS}
    return Told(kept["without"], kept["with"], told, price, discount)


def answer(artefact: Told, asked: Mapping[str, Any]) -> dict[str, Any]:
    """After the last log of each kind, at a margin: T's promises, what comes of them, and both effects by tenths.

    ``{"margin", "rows": [{"log", "promised", "earned", "sent"}], "tenths": {log: [{"told", "true"}]}}``: shoppers in
    the order of the effect that T tells, in TENTHS groups of equal size, mean told and mean true effect of each.
    """
    margin = float(asked["margin"])
    truth = artefact.with_ - artefact.without
    money = brings(artefact.without, artefact.with_, artefact.price, artefact.discount, margin)
    rows, tenths = [], {}
    for name, (without, with_) in artefact.told.items():
        promise = brings(without, with_, artefact.price, artefact.discount, margin)
        sends = promise > 0
        rows.append(
            {
                "log": name, "sent": round(float(sends.mean()), 5),
                "promised": round(float(np.where(sends, promise, 0.0).mean() * PER), 3),
                "earned": round(float(np.where(sends, money, 0.0).mean() * PER), 3),
            }
        )  # fmt: skip
        told = with_ - without
        groups = np.array_split(np.argsort(told, kind="stable"), TENTHS)
        tenths[name] = [
            {"told": round(float(told[one].mean()), 6), "true": round(float(truth[one].mean()), 6)} for one in groups
        ]
    return {"margin": margin, "rows": rows, "tenths": tenths}
