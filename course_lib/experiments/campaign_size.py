"""Campaign size: how many shoppers a campaign by lot needs until what it teaches earns more than no model at all.

    python -m course_lib run campaign_size --campaign diapers --repeats 20 --json

For each size the campaign is held ``repeats`` times, each time among other shoppers of the shop and with new luck. The
response model and the T-learner learn from it (course_lib/training/uplift_learners.py), and order the same other
shoppers, whose true chances are known:

    Qini share    of the best possible Qini, by the response model's score and by T's uplift
    profit        yuan a thousand shoppers: a coupon to whomever T promises a gain from, v ((m - d) m1 - m m0) > 0

Two policies need no model and are there from the start: nobody (0) and everyone. A campaign too small to be learned
from (fewer than FEWEST buyers in an arm) leaves the shop with the better of these two by its own estimate, which is a
guess too. Intervals are over the repeats (Student's t): how another campaign of that size would have turned out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.coupon_policies import PER, mean_of
from course_lib.evaluation.coupon_trials import CouponTrial, Drawn, brings
from course_lib.evaluation.intervals import over_seeds
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, frame_folder, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop.published import shop
from course_lib.shop.truth.coupons import qini as true_qini
from course_lib.training.checkpoint import one_thread
from course_lib.training.uplift_learners import Scale, fit

SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "campaign": ("diapers", "detergent", "diapers", "headphones"),
    "repeats": (20, 3, 100),  # campaigns of each size
    "largest": (16_000, 1_000, 32_000),  # the sizes double up to it
    "base": ("linear", "linear", "trees"),
    "window_days": (28, 7, 365),
    "margin": (0.5, 0.25, 0.95),
}
MEASURES = {
    "small_response_qini": "share",  # in campaigns of SMALL shoppers
    "small_t_qini": "share",
    "small_profit": "currency",  # yuan a thousand shoppers, as promised by T's chances
    "large_response_qini": "share",  # in the largest
    "large_t_qini": "share",
    "large_profit": "currency",
    "everyone_profit": "currency",
    "best_profit": "currency",
    "large_of_best": "share",  # large_profit of best_profit
    "needed": "count",  # smallest size from which on the model surely earns more than nobody and everyone
    "qini_needed": "count",  # and T's order is surely better than the response model's
    "small_unlearned": "share",  # campaigns of SMALL shoppers that teach nothing
    "small_worse": "share",  # of them, those after which the model earns less than the better of nobody and everyone
    "seconds": "seconds",
}
ASKS = {"size": (1000, 250, 32_000)}
TINY = {"repeats": 3, "largest": 1000}

SMALLEST = 250
SMALL = 1000  # shoppers of a small campaign
TESTED = 6_000  # other shoppers, who are put in order
LINES = ("response_qini", "t_qini", "profit")
Values = NDArray[np.float64]


def sizes(largest: int) -> list[int]:
    """From SMALLEST on, doubling; the largest itself is the last.

    >>> sizes(3000)
    [250, 500, 1000, 2000, 3000]
    """
    found = [SMALLEST]
    while found[-1] * 2 < largest:
        found.append(found[-1] * 2)
    return [*found, largest]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """All campaigns of one size after the other, a frame a size. An interrupted run begins again."""
    one_thread()
    began = time.perf_counter()
    settings = config.settings
    many, repeats = sizes(int(settings["largest"])), int(settings["repeats"])
    yield plan(frame=len(many))
    tested = min(TESTED, 4 * many[-1])
    days = float(settings["window_days"])
    trial = CouponTrial.make(shop(), str(settings["campaign"]), many[-1] + tested, days)
    order = np.random.default_rng([config.seed, 21]).permutation(len(trial))
    lab = Lab(trial, order[tested:], order[:tested], str(settings["base"]), float(settings["margin"]))
    found: list[dict[str, Any]] = []
    for at, size in enumerate(many):
        found.append(lab.many(size, repeats, [config.seed, 22, at]))
        view = {"sizes": found, "everyone": lab.everyone, "best": lab.best}
        yield folder.frame(at, view, None, size=size, row=found[-1], everyone=lab.everyone, best=lab.best)
    seconds = round(time.perf_counter() - began, 3)
    measures = measured(found, lab.everyone, lab.best) | {"seconds": exact(seconds)}
    yield result(measures, sizes=found, everyone=lab.everyone, best=lab.best, tested=tested,
                 repeats=repeats, seconds={"total": seconds})  # fmt: skip


class Lab:
    """Shoppers to hold campaigns among, and others whom what is learned is tried on."""

    def __init__(
        self, trial: CouponTrial, pool: NDArray[np.int64], tested: NDArray[np.int64], base: str, margin: float
    ) -> None:
        self.trial, self.pool, self.base, self.margin = trial, pool, base, margin
        self.x_tested = trial.features[tested]
        self.money = trial.profit(tested, margin)
        self.uplift = trial.uplift[tested]
        self.ceiling = true_qini(self.uplift, self.uplift)
        self.everyone = mean_of(self.money)
        self.best = mean_of(np.maximum(self.money, 0.0))

    def many(self, size: int, repeats: int, seed: list[int]) -> dict[str, Any]:
        """``repeats`` campaigns of ``size``: means with intervals over them, and each one's profit."""
        rng = np.random.default_rng(seed)
        each = [self.once(size, rng) for _ in range(repeats)]
        rival = max(0.0, self.everyone["value"])
        return {
            "size": size,
            **{name: over_seeds([one[name] for one in each]).to_dict() for name in LINES},
            "t_over_response": over_seeds([one["t_qini"] - one["response_qini"] for one in each]).to_dict(),
            "profits": [round(one["profit"], 2) for one in each],
            "unlearned": float(np.mean([one["unlearned"] for one in each])),
            "worse": float(np.mean([one["profit"] < rival for one in each])),
            "sent": float(np.mean([one["sent"] for one in each])),
        }

    def once(self, size: int, rng: np.random.Generator) -> dict[str, float]:
        """One campaign, what is learned from it, and what that is truly worth."""
        rows = rng.choice(self.pool, size, replace=False)
        drawn = self.trial.draw(rows, rng)
        scale = Scale.of(self.trial.features[rows])
        x, others = scale(self.trial.features[rows]), scale(self.x_tested)
        try:
            given = (self.base, x, drawn.bought, drawn.treated, self.trial.chance, int(rng.integers(2**31)))
            response = fit("response", *given).uplift(others)
            t = fit("t", *given)
        except CourseError:  # too few buyers: the shop knows no more than whether coupons pay on average
            sends = self.pays(drawn)
            return {"response_qini": 0.0, "t_qini": 0.0, "unlearned": 1.0, "sent": float(sends),
                    "profit": self.everyone["value"] if sends else 0.0}  # fmt: skip
        chances = t.chances(others)
        assert chances is not None
        send = brings(*chances, self.trial.price, self.trial.discount, self.margin) > 0
        return {
            "response_qini": true_qini(self.uplift, response) / self.ceiling,
            "t_qini": true_qini(self.uplift, t.uplift(others)) / self.ceiling,
            "profit": float(np.where(send, self.money, 0.0).mean() * PER),
            "unlearned": 0.0,
            "sent": float(send.mean()),
        }

    def pays(self, drawn: Drawn) -> bool:
        """Whether coupons for everyone pay, by this campaign's own shares of buyers; no where an arm is empty."""
        if drawn.treated.all() or not drawn.treated.any():
            return False
        with_, without = drawn.bought[drawn.treated].mean(), drawn.bought[~drawn.treated].mean()
        return bool((self.margin - self.trial.discount) * with_ > self.margin * without)


def measured(found: list[dict[str, Any]], everyone: Mapping[str, float], best: Mapping[str, float]) -> dict[str, Any]:
    """The measures of all sizes together; a size that none reaches is left out."""
    small = next((one for one in found if one["size"] == SMALL), found[-1])
    large = found[-1]
    measures = {
        f"{word}_{name}": dict(one[name]) for word, one in (("small", small), ("large", large)) for name in LINES
    }
    measures |= {"everyone_profit": dict(everyone), "best_profit": dict(best)}
    share = {end: large["profit"][end] / best["value"] for end in ("value", "low", "high")}
    measures |= {
        "large_of_best": share, "small_unlearned": exact(small["unlearned"]), "small_worse": exact(small["worse"]),
    }  # fmt: skip
    rival = max(0.0, everyone["high"])
    for name, enough in (
        ("needed", lambda one: one["profit"]["low"] > rival),
        ("qini_needed", lambda one: one["t_over_response"]["low"] > 0),
    ):
        if (size := _from_on(found, enough)) is not None:
            measures[name] = exact(float(size))
    return measures


def _from_on(found: list[dict[str, Any]], enough: Any) -> int | None:
    """The smallest size from which on it is enough at every larger one too; None where not even at the largest."""
    size = None
    for one in reversed(found):
        if not enough(one):
            break
        size = int(one["size"])
    return size


def open(folder: Path, at: int | None) -> dict[str, Any]:
    """All sizes up to frame ``at``, or all."""
    if at is None:
        at = max(int(path.name) for path in frame_folder(folder, 0).parent.iterdir() if path.name.isdigit())
    view: dict[str, Any] = json.loads(json.dumps(view_at(folder, at)))
    return view


def answer(artefact: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The size nearest to the one asked about, with each campaign's profit, beside nobody and everyone."""
    size = int(asked["size"])
    one = min(artefact["sizes"], key=lambda row: abs(np.log(row["size"] / size)))
    return {**one, "everyone": artefact["everyone"], "best": artefact["best"]}
