"""Uplift: who should get the coupon, learned from a campaign by lot in five ways, and what each choice is worth.

    python -m course_lib run uplift --campaign diapers --shoppers 12000 --margin 0.5 --json

Each of ``shoppers`` gets a coupon by lot, and some buy. Of what is known about them (counts of their purchases, a
transformer's vector of the history, or both) five learners make a score (course_lib/training/uplift_learners.py); a
sixth policy ranks by the money that T's two chances promise. Other shoppers are then put in order by each:

    true Qini    mean height of the curve of extra buyers above the line of chance, as a share of the best possible's
    profit       yuan a thousand shoppers that the coupons add, if the first ``reach`` share, the budget, gets one:
                 mean of v ((m - d) P(buy | coupon) - m P(buy | no coupon)) over those who do

v is the price, m the margin and d the discount, both as shares of it. The shop knows both chances of every shopper, so
both are exact but for which shoppers come; intervals are over these. A real shop has the log of a campaign alone, and
what that can tell is beside: the Qini coefficient as other packages reckon it, and the profit by Horvitz and Thompson.
Radcliffe, Using Control Groups to Target on Predicted Lift, 2007; Gutierrez & Gerardy, Causal Inference and Uplift
Modelling, PMLR 67, 2017. That uplift alone does not maximise profit: Lemmens & Gupta, Managing Churn to Maximize
Profits, Marketing Science 39, 2020.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.data import registry
from course_lib.errors import CourseError
from course_lib.evaluation import coupon_policies as policies
from course_lib.evaluation import uplift as measures
from course_lib.evaluation.coupon_trials import CouponTrial, brings, kind_names
from course_lib.evaluation.intervals import bootstrap
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop.published import shop
from course_lib.training.checkpoint import one_thread
from course_lib.training.history_vectors import PARTS, HistoryVectors
from course_lib.training.uplift_learners import LEARNERS, Scale, fit

DATA = {"dataset": "histories"}  # what the transformer reads; coupons are those of the shop
SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "campaign": ("diapers", "detergent", "diapers", "headphones"),
    "shoppers": (12_000, 100, 24_000),  # who take part in the campaign that is learned from
    "features": ("counts", "counts", "vector", "both"),  # what is known of them
    "base": ("linear", "linear", "trees"),  # what the learners are made of
    "window_days": (28, 7, 365),  # how long the coupon is valid
    "margin": (0.5, 0.25, 0.95),  # share of the price
    "reach": (0.3, 0.0, 1.0),  # the budget: share of the shoppers who get a coupon
}
MEASURES = {
    "response_qini": "share",  # true, of the best possible's
    "s_qini": "share",
    "t_qini": "share",
    "x_qini": "share",
    "transformed_qini": "share",
    "money_qini": "share",
    "t_over_response_qini": "share",  # the same shoppers
    "response_profit": "currency",  # yuan a thousand shoppers, at the budget
    "s_profit": "currency",
    "t_profit": "currency",
    "x_profit": "currency",
    "transformed_profit": "currency",
    "money_profit": "currency",
    "money_sent": "share",  # who get the coupon: it sends none where it expects a loss
    "everyone_profit": "currency",
    "best_profit": "currency",  # with perfect knowledge, at the budget
    "money_over_response_profit": "currency",
    "response_gift": "currency",  # of the discount, yuan a thousand shoppers to those who would have bought anyway
    "t_gift": "currency",
    "money_gift": "currency",
    "effect": "share",  # true mean effect of the coupon on the chance to buy
    "effect_log": "share",  # as the campaign says
    "response_qini_log": "score",  # Qini coefficient as a log tells it
    "t_qini_log": "score",
    "persuadable": "share",  # of the shoppers
    "sure_thing": "share",
    "lost_cause": "share",
    "sleeping_dog": "share",
    "seconds": "seconds",
}
ASKS = {
    "reach": (0.3, 0.0, 1.0),
    "margin": (0.5, 0.25, 0.95),
    "policy": ("response", "response", "s", "t", "x", "transformed", "money", "best"),
}
TINY = {"shoppers": 400}

MONEY, BEST, EVERYONE = "money", "best", "everyone"
RANKED = (*LEARNERS, MONEY)  # the policies that learn, a frame each
TESTED = 8_000  # other shoppers, who are put in order: at most, and at most four times those of the campaign
SHARES = np.linspace(0, 1, 41)  # of the curves
DRAWN = 110  # shoppers of each kind on the map, at most
KEPT, FINISHED = "campaign.safetensors", "finished"
LOG_RESAMPLES = 100
Values = NDArray[np.float64]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Holds the campaign, learns from it one learner after the other, a frame each, and judges them all.

    Raises CourseError for data without coupons, and for a campaign that teaches nothing. It takes seconds, so a run
    that was interrupted begins again.
    """
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    address = config.data["dataset"]
    if address.name != "shop":
        raise CourseError("coupons_journey" if address.name == "complete-journey" else "coupons_own", name=address.name)
    reads = str(settings["features"]) != "counts"
    ahead: dict[str, int] = {"part": PARTS} if reads else {}
    yield plan(None, frame=len(RANKED), **ahead)
    learning = int(settings["shoppers"])
    everybody = learning + min(TESTED, 4 * learning)
    trial = CouponTrial.make(shop(), str(settings["campaign"]), everybody, float(settings["window_days"]))
    rng = np.random.default_rng([config.seed, 20])
    order = rng.permutation(len(trial))
    learned, tested = order[:learning], order[learning:]
    drawn = trial.draw(learned, rng)
    measures.arms(drawn.bought, drawn.treated)  # says what is wrong before anything is trained
    known = [trial.features] if settings["features"] != "vector" else []
    if reads:
        dataset = registry.load(address)
        vectors = HistoryVectors(dataset.histories(), dataset.num_items, config.seed)
        yield from vectors.learn()
        known.append(vectors.of(trial.histories))
    x = np.column_stack(known)
    scale = Scale.of(x[learned])
    x_learned, x_tested = scale(x[learned]), scale(x[tested])
    judged = Judged.of(trial, tested, rng)
    for at, learner in enumerate(LEARNERS):
        fitted = fit(learner, str(settings["base"]), x_learned, drawn.bought, drawn.treated, trial.chance, config.seed)
        judged.scores[learner] = fitted.uplift(x_tested)
        if learner == "t":
            judged.told = fitted.chances(x_tested)
        yield folder.frame(at, judged.view(), None, **_told(judged, settings, learner))
    judged.scores[MONEY] = judged.promised(float(settings["margin"]))
    yield folder.frame(len(LEARNERS), judged.view(), None, **_told(judged, settings, MONEY))
    judged.keep(folder.path / FINISHED)
    found = judged.measures(float(settings["reach"]), float(settings["margin"]))
    found["effect_log"] = bootstrap(measures.inverse_propensity(drawn.bought, drawn.treated, trial.chance)).to_dict()
    seconds = round(time.perf_counter() - began, 3)
    yield result(
        {**found, "seconds": exact(seconds)}, seconds={"total": seconds}, shoppers=learning, tested=len(tested),
        with_coupon=int(drawn.treated.sum()), bought_with=int(drawn.bought[drawn.treated].sum()),
        bought_without=int(drawn.bought[~drawn.treated].sum()), known=int(x.shape[1]),
    )  # fmt: skip


def _told(judged: Judged, settings: Mapping[str, Any], learner: str) -> dict[str, Any]:
    """What a frame's event says of the learner that is new."""
    uplift = judged.with_ - judged.without
    profit = judged.true(learner, float(settings["reach"]), float(settings["margin"])).mean() * policies.PER
    qini, _ = policies.qini_shares(uplift, {learner: judged.scores[learner]}, resamples=2)
    curves = {
        learner: policies.curve(uplift, judged.scores[learner], SHARES),
        BEST: policies.curve(uplift, uplift, SHARES),
    }
    gains = {name: curve.round(3).tolist() for name, curve in curves.items()}
    return {"learner": learner, "qini": qini[learner]["value"], "profit": round(float(profit), 3), "gains": gains}


@dataclass
class Judged:
    """The tested shoppers: the truth, one more campaign by lot among them, and the scores so far."""

    without: Values
    with_: Values
    kinds: NDArray[np.int64]
    treated: NDArray[np.bool_]
    bought: NDArray[np.bool_]
    scores: dict[str, Values]
    told: tuple[Values, Values] | None  # P(buy | no coupon) and P(buy | coupon) as the T-learner says
    chance: float
    price: float
    discount: float

    @classmethod
    def of(cls, trial: CouponTrial, rows: NDArray[np.int64], rng: np.random.Generator) -> Judged:
        """Before anything is learned."""
        again = trial.draw(rows, rng)
        return cls(
            trial.without[rows], trial.with_[rows], trial.kinds[rows], again.treated, again.bought, {}, None,
            trial.chance, trial.price, trial.discount,
        )  # fmt: skip

    def promised(self, margin: float) -> Values:
        """(n,) yuan that a coupon brings, as the T-learner's chances promise."""
        assert self.told is not None
        return brings(*self.told, self.price, self.discount, margin)

    def score(self, policy: str, margin: float) -> tuple[Values, float | None]:
        """A policy's ranking, and the value at which it stops sending."""
        if policy == BEST:
            return brings(self.without, self.with_, self.price, self.discount, margin), 0.0
        if policy == MONEY:
            return self.promised(margin), 0.0
        return self.scores[policy], None

    def picked(self, policy: str, budget: float, margin: float) -> NDArray[np.bool_]:
        """(n,) who get the coupon."""
        if policy == EVERYONE:
            return np.ones(len(self.without), bool)
        score, floor = self.score(policy, margin)
        return policies.chosen(score, budget, floor)

    def true(self, policy: str, budget: float, margin: float) -> Values:
        """(n,) yuan that the policy truly adds at each shopper."""
        money = brings(self.without, self.with_, self.price, self.discount, margin)
        found: Values = np.where(self.picked(policy, budget, margin), money, 0.0)
        return found

    def gift(self, policy: str, budget: float, margin: float) -> Values:
        """(n,) yuan of discount to expect at those who would have bought anyway."""
        both = np.minimum(self.without, self.with_)  # either outcome follows from one number, see truth/coupons.py
        found: Values = np.where(self.picked(policy, budget, margin), self.discount * self.price * both, 0.0)
        return found

    def row(self, policy: str, budget: float, margin: float) -> dict[str, Any]:
        """What a policy is worth, and what the log among the same shoppers would say of it."""
        picked = self.picked(policy, budget, margin)
        money = (self.price, self.discount, margin)
        return {
            "policy": policy,
            "sent": float(picked.mean()),
            "profit": policies.mean_of(self.true(policy, budget, margin)),
            "log": policies.logged_profit(picked, self.treated, self.bought, self.chance, *money),
            "gift": policies.mean_of(self.gift(policy, budget, margin))["value"],
            "extra": policies.mean_of(np.where(picked, self.with_ - self.without, 0.0))["value"],
            "kinds": policies.decomposed(picked, self.kinds, kind_names()),
        }

    def view(self) -> dict[str, Any]:
        """Which scores are there: the curves stand in the events, the rest is asked."""
        return {"learners": list(self.scores)}

    def measures(self, budget: float, margin: float) -> dict[str, dict[str, float]]:
        """All measures but those of the campaign that was learned from."""
        uplift = self.with_ - self.without
        qini, drawn = policies.qini_shares(uplift, self.scores)
        found = {f"{name}_qini": one for name, one in qini.items()}
        found["t_over_response_qini"] = policies.difference(qini["t"], qini["response"], drawn["t"] - drawn["response"])
        money = {name: self.true(name, budget, margin) for name in (*RANKED, EVERYONE, BEST)}
        found |= {f"{name}_profit": policies.mean_of(values) for name, values in money.items()}
        found["money_over_response_profit"] = policies.mean_of(money[MONEY] - money["response"])
        found["money_sent"] = exact(float(self.picked(MONEY, budget, margin).mean()))
        for name in ("response", "t", MONEY):
            found[f"{name}_gift"] = policies.mean_of(self.gift(name, budget, margin))
        found["effect"] = policies.mean_of(uplift, 1.0)
        for name in ("response", "t"):
            found[f"{name}_qini_log"] = self._log_qini(name)
        for number, name in enumerate(kind_names()):
            found[name] = policies.mean_of((self.kinds == number).astype(np.float64), 1.0)
        return found

    def _log_qini(self, name: str) -> dict[str, float]:
        """The coefficient that the log alone would give, with a bootstrap over its rows."""
        rng, n = np.random.default_rng(0), len(self.bought)
        value = measures.qini(self.bought, self.scores[name], self.treated)
        again = []
        for _ in range(LOG_RESAMPLES):
            rows = rng.integers(0, n, n)
            again.append(measures.qini(self.bought[rows], self.scores[name][rows], self.treated[rows]))
        low, high = np.quantile(again, [0.025, 0.975])
        return {"value": value, "low": min(float(low), value), "high": max(float(high), value)}

    def keep(self, place: Path) -> None:
        """Everything that a question needs."""
        from safetensors.numpy import save_file

        assert self.told is not None
        arrays = {
            "without": self.without, "with": self.with_, "kinds": self.kinds, "treated": self.treated,
            "bought": self.bought, "told_without": self.told[0], "told_with": self.told[1],
            "numbers": np.array([self.chance, self.price, self.discount]),
        }  # fmt: skip
        arrays |= {f"score.{name}": score for name, score in self.scores.items()}
        place.mkdir(parents=True, exist_ok=True)
        save_file({name: np.ascontiguousarray(one) for name, one in arrays.items()}, place / KEPT)


def open(folder: Path, at: int | None) -> Judged:
    """The tested shoppers with the scores that were there at frame ``at``, or all."""
    from safetensors.numpy import load_file

    names = list(view_at(folder, at)["learners"])
    kept = load_file(folder / FINISHED / KEPT)
    chance, price, discount = (float(one) for one in kept["numbers"])
    return Judged(
        kept["without"], kept["with"], kept["kinds"], kept["treated"], kept["bought"],
        {name: kept[f"score.{name}"] for name in names}, (kept["told_without"], kept["told_with"]),
        chance, price, discount,
    )  # fmt: skip


def answer(artefact: Judged, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every policy learned so far at a budget and a margin, profit curves, and whom the asked one picks on the map.

    ``{"budget", "margin", "policy", "rows": [...], "shares", "profits": {policy: [...]}, "map": [{"without", "with",
    "kind", "sent"}]}``: rows by :meth:`Judged.row`, everyone and the best possible among them. A policy that is not
    learned yet is the newest that is.
    """
    budget, margin = float(asked["reach"]), float(asked["margin"])
    there = [name for name in RANKED if name in artefact.scores]
    policy = str(asked["policy"]) if asked["policy"] in (*there, BEST) else there[-1]
    money = brings(artefact.without, artefact.with_, artefact.price, artefact.discount, margin)
    profits = {}
    for name in (*there, BEST):
        score, floor = artefact.score(name, margin)
        kept = money if floor is None else np.where(score > floor, money, 0.0)
        profits[name] = policies.curve(kept, score, SHARES).round(3).tolist()
    picked = artefact.picked(policy, budget, margin)
    shown = [np.flatnonzero(artefact.kinds == kind)[:DRAWN] for kind in range(len(kind_names()))]
    return {
        "budget": budget, "margin": margin, "policy": policy, "price": artefact.price, "discount": artefact.discount,
        "rows": [artefact.row(name, budget, margin) for name in (*there, EVERYONE, BEST)],
        "shares": SHARES.round(4).tolist(),
        "profits": profits,
        "map": [
            {
                "without": round(float(artefact.without[row]), 5), "with": round(float(artefact.with_[row]), 5),
                "kind": kind_names()[kind], "sent": bool(picked[row]),
            }
            for kind, rows in enumerate(shown)
            for row in rows
        ],
    }  # fmt: skip
