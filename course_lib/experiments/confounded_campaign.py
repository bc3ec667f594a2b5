"""Confounded campaign: the effect of coupons that went to chosen shoppers, by five estimators, beside the truth.

    python -m course_lib run confounded_campaign --log detergent --json
    python -m course_lib run confounded_campaign --log households --mailing 18 --json

In the shop the rule of the targeted campaigns holds: who bought something of the coupon's department lately gets one
with chance ``aimed``, anyone else with ``unaimed``. Those shoppers buy the type more often anyway, so that buyers with
and without a coupon cannot be compared as they are. The shop knows the true effect. A run shows the log as it grows and
holds LOGS more campaigns of the same kind, to tell what no single one can: each estimator's typical error, and how
often its 95% interval holds the truth (course_lib/evaluation/coupon_effects.py has the estimators).

With ``households`` the log is real: three mailings of Complete Journey, a frame each, by the naive difference and by
difference in differences (course_lib/evaluation/household_mailings.py). There nobody knows the truth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.coupon_effects import ESTIMATORS, effects
from course_lib.evaluation.coupon_trials import CouponTrial
from course_lib.evaluation.household_mailings import MAILINGS, Mailings
from course_lib.evaluation.intervals import bootstrap
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.experiments.products import view_at
from course_lib.shop.published import shop
from course_lib.training.checkpoint import one_thread
from course_lib.training.uplift_learners import Scale

SETTINGS = {  # (default, lowest, highest) or (default, *choices)
    "log": ("detergent", "detergent", "diapers", "headphones", "households"),
    "shoppers": (12_000, 500, 24_000),  # in the log
    "aimed": (0.8, 0.0, 1.0),  # chance of a coupon for those whom the rule aims at
    "unaimed": (0.1, 0.0, 1.0),  # and for anyone else
    "mailing": ("18", "8", "13", "18"),  # of the households
}
MEASURES = {
    "true_effect": "score",  # mean effect of the coupon on the chance to buy
    "effect_naive": "score",
    "effect_wrong": "score",  # straightened by what did not decide about coupons
    "effect_ipw": "score",
    "effect_ipw_learned": "score",
    "effect_dr": "score",
    "naive_times": "number",  # the naive effect, in true ones
    "effect_naive_error": "score",  # root of the mean squared error over LOGS logs
    "effect_wrong_error": "score",
    "effect_ipw_error": "score",
    "effect_ipw_learned_error": "score",
    "effect_dr_error": "score",
    "effect_naive_held": "share",  # of the 95% intervals of LOGS logs that hold the truth
    "effect_wrong_held": "share",
    "effect_ipw_held": "share",
    "effect_ipw_learned_held": "share",
    "effect_dr_held": "share",
    "bought_with": "share",  # of those who got a coupon, in the log
    "bought_without": "share",  # and of the others
    "aimed_share": "share",  # of the shoppers whom the rule aims at
    "buys_aimed": "share",  # chance that one of these buys without a coupon, in truth
    "buys_other": "share",
    "lines_naive": "difference",  # lines a household: those who got the mailing less the others
    "lines_before": "difference",  # the same in as many days before it
    "lines_did": "difference",
    "lines_placebo": "difference",  # difference in differences one window earlier, where nothing was sent
    "households": "count",
    "households_sent": "count",
    "redeemed": "count",  # coupons handed in
    "days": "count",  # that the mailing ran
    "seconds": "seconds",
}
ASKS = {"shoppers": (12_000, 500, 24_000), "mailing": ("18", "8", "13", "18")}
TINY = {"shoppers": 1000, "log": "diapers"}

SIZES = (500, 1_000, 3_000, 12_000, 24_000)  # of the log as it grows
LOGS = 60  # drawn anew
TOLD = 10  # logs between two events
BESIDE = (0, 1)  # columns of the features that did not decide about coupons: purchases, and how quickly
KEPT, FINISHED = "log.safetensors", "finished"
HOUSEHOLDS = "households"
Values = NDArray[np.float64]


def run(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """Shows the log as it grows and draws many more; or goes through the mailings. An interrupted run begins again.

    Raises CourseError where a kind of shopper always or never gets a coupon, and where Complete Journey is missing.
    """
    one_thread()
    began = time.perf_counter()
    if config.settings["log"] == HOUSEHOLDS:
        yield from _households(config, folder, began)
        return
    settings = config.settings
    shoppers = int(settings["shoppers"])
    sizes = [*(size for size in SIZES if size < shoppers), shoppers]
    yield plan(frame=len(sizes), logs=LOGS // TOLD)
    trial = CouponTrial.make(shop(), str(settings["log"]), shoppers)
    chance = np.where(trial.aimed, float(settings["aimed"]), float(settings["unaimed"]))
    rows = np.arange(shoppers)
    drawn = trial.draw(rows, np.random.default_rng([config.seed, 30]), chance)
    log = ShopLog(drawn.treated, drawn.bought, chance, trial.features, trial.uplift, trial.aimed)
    log.keep(folder.path / FINISHED)
    tables: list[dict[str, Any]] = []
    for at, size in enumerate(sizes):
        tables.append(log.table(size))
        view = {"log": settings["log"], "tables": tables}
        yield folder.frame(at, view, None, shoppers=size, table=tables[-1])
    table = tables[-1]
    again: list[dict[str, dict[str, float]]] = []
    for number in range(1, LOGS + 1):
        more = trial.draw(rows, np.random.default_rng([config.seed, 31, number]), chance)
        other = ShopLog(more.treated, more.bought, chance, trial.features, trial.uplift, trial.aimed)
        again.append(other.table(shoppers)["estimates"])
        if number % TOLD == 0:
            yield {"kind": "logs", "at": number // TOLD}
    measures = _measures(table, again) | {
        "bought_with": _mean(drawn.bought[drawn.treated].astype(np.float64)),
        "bought_without": _mean(drawn.bought[~drawn.treated].astype(np.float64)),
        "aimed_share": exact(float(trial.aimed.mean())),
        "buys_aimed": _mean(trial.without[trial.aimed]),
        "buys_other": _mean(trial.without[~trial.aimed]),
    }
    seconds = round(time.perf_counter() - began, 3)
    yield result({**measures, "seconds": exact(seconds)}, table=table, logs=LOGS, seconds={"total": seconds})


def _measures(table: Mapping[str, Any], again: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    truth = float(table["truth"]["value"])
    measures: dict[str, dict[str, float]] = {"true_effect": dict(table["truth"])}
    for name in ESTIMATORS:
        measures[f"effect_{name}"] = dict(table["estimates"][name])
        error = np.array([one[name]["value"] - truth for one in again])
        square = bootstrap(error**2).to_dict()
        measures[f"effect_{name}_error"] = {end: float(np.sqrt(value)) for end, value in square.items()}
        held = np.array([one[name]["low"] <= truth <= one[name]["high"] for one in again], float)
        measures[f"effect_{name}_held"] = bootstrap(held).to_dict()
    if truth > 0:
        measures["naive_times"] = {end: max(value, 0.0) / truth for end, value in measures["effect_naive"].items()}
    return measures


def _mean(values: Values) -> dict[str, float]:
    return bootstrap(values).to_dict() if len(values) else exact(0.0)


def _households(config: RunConfig, folder: Folder, began: float) -> Iterator[Event]:
    """A frame a mailing, in their order; the result is of the one that is chosen."""
    yield plan(frame=len(MAILINGS))
    mailings = Mailings.load()
    tables: list[dict[str, Any]] = []
    for at, name in enumerate(MAILINGS):
        tables.append(_mailing(mailings, name))
        yield folder.frame(at, {"log": HOUSEHOLDS, "tables": list(tables)}, None, mailing=name, table=tables[-1])
    chosen = next(one for one in tables if one["mailing"] == config.settings["mailing"])
    measures = {f"lines_{name}": dict(one) for name, one in chosen["estimates"].items()}
    counted = {"households": chosen["households"], "households_sent": chosen["sent"], "redeemed": chosen["redeemed"]}
    measures |= {name: exact(float(value)) for name, value in (counted | {"days": chosen["days"]}).items()}
    seconds = round(time.perf_counter() - began, 3)
    yield result({**measures, "seconds": exact(seconds)}, table=chosen, seconds={"total": seconds})


def _mailing(mailings: Mailings, name: str) -> dict[str, Any]:
    one = mailings.of(name)
    return {
        "mailing": name,
        "days": one.days,
        "households": len(one.sent),
        "sent": int(one.sent.sum()),
        "redeemed": one.redeemed,
        "estimates": one.estimates(),
        "weeks": (one.weeks // 7).tolist(),
        "weekly": {"others": one.weekly[0].round(3).tolist(), "sent": one.weekly[1].round(3).tolist()},
    }


# Questions


@dataclass(frozen=True)
class ShopLog:
    """One campaign in the shop, ``n`` shoppers, and the truth."""

    treated: NDArray[np.bool_]
    bought: NDArray[np.bool_]
    propensity: Values
    features: Values  # (n, F)
    uplift: Values
    aimed: NDArray[np.bool_]

    def table(self, size: int) -> dict[str, Any]:
        """Every estimate from the first ``size`` shoppers, the mean true effect on all, and shares by the rule."""
        n = min(size, len(self.treated))
        counts = Scale.of(self.features[:n])(self.features[:n])
        found = effects(
            self.treated[:n], self.bought[:n], self.propensity[:n], counts[:, list(BESIDE)],
            np.column_stack([counts, self.aimed[:n]]),
        )  # fmt: skip
        given = self.treated[:n]
        return {
            "shoppers": n,
            "estimates": found,
            "truth": exact(round(float(self.uplift.mean()), 8)),
            "aimed_with": float(self.aimed[:n][given].mean()),
            "aimed_without": float(self.aimed[:n][~given].mean()),
        }

    def keep(self, place: Path) -> None:
        """Everything that a question needs."""
        from safetensors.numpy import save_file

        place.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        save_file({name: np.ascontiguousarray(one) for name, one in arrays.items()}, place / KEPT)


def open(folder: Path, at: int | None) -> ShopLog | list[dict[str, Any]]:
    """The shop's log, whole at every frame; of the households, the mailings up to frame ``at``."""
    if RunConfig.read(folder).settings["log"] == HOUSEHOLDS:
        tables: list[dict[str, Any]] = view_at(folder, at)["tables"]
        return tables
    from safetensors.numpy import load_file

    view_at(folder, at)  # says so where there is no such frame
    return ShopLog(**load_file(folder / FINISHED / KEPT))


def answer(artefact: ShopLog | list[dict[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The estimates from the log's first so many shoppers; or those of a mailing, the newest where it is yet to come.

    Raises CourseError where so few shoppers show nothing.
    """
    if isinstance(artefact, ShopLog):
        return artefact.table(int(asked["shoppers"]))
    return next((one for one in artefact if one["mailing"] == asked["mailing"]), artefact[-1])
