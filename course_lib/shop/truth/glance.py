"""The truth behind slates, coupons, satisfaction, searches and departments in a few numbers each, for a page."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.shop.front_page import front_page
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.search import search_log
from course_lib.shop.simulate import BLOCK, simulate
from course_lib.shop.slates import slate_log
from course_lib.shop.truth.coupons import true_effects
from course_lib.shop.truth.departments import names, style_correlation
from course_lib.shop.truth.intents import KINDS
from course_lib.shop.truth.satisfaction import expected_utility, products
from course_lib.shop.truth.search import GRADE, GRADES, KIND, search_truth
from course_lib.shop.truth.slates import attractiveness, best_values, looked_at, values
from course_lib.shop.world import World

SHOPPERS = BLOCK  # whom it is told of: the shop's first block


@dataclass(frozen=True)
class Glance:
    """Six small frames; see the functions below for their columns."""

    positions: pd.DataFrame
    policies: pd.DataFrame
    coupons: pd.DataFrame
    liking: pd.DataFrame
    searches: pd.DataFrame
    tastes: pd.DataFrame


def glance(world: World, seed: int | None = None) -> Glance:
    """All six, about three seconds."""
    policies = policy_values(world, seed)
    page = positions(world, seed), policies, coupon_classes(world, seed), clicks_and_utility(world, seed)
    return Glance(*page, result_grades(world, seed), shared_taste(world, seed))


def positions(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a position of the front page. Slates of the uniform policy only: there every product stands anywhere.

    Columns: POSITION, ``shown``, ``clicks`` (as logged), ``rate`` with ``low`` and ``high`` (95%, normal), ``truth``
    (the true chance of a click there: that the position is looked at, times the products' mean attractiveness).
    """
    log = slate_log(world, SHOPPERS, seed)
    log = log[log[Columns.POLICY] == "uniform"]
    frame = log.groupby(Columns.POSITION)[Columns.CLICK].agg(shown="size", clicks="sum").reset_index()
    frame["rate"] = frame["clicks"] / frame["shown"]
    half = 1.96 * np.sqrt(frame["rate"] * (1 - frame["rate"]) / frame["shown"])
    frame["low"], frame["high"] = frame["rate"] - half, frame["rate"] + half
    looked = looked_at(world)
    slate = values(world, front_page(world, seed).policies["uniform"], SHOPPERS, seed).mean()
    frame["truth"] = slate * looked / looked.sum()  # evenly drawn, products are as attractive at any position
    return frame


def policy_values(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a policy, the best possible last. Columns: POLICY, ``value`` (true expected clicks a slate)."""
    page = front_page(world, seed)
    rows = [(name, float(values(world, policy, SHOPPERS, seed).mean())) for name, policy in page.policies.items()]
    rows.append(("best", float(best_values(world, SHOPPERS, seed).mean())))
    return pd.DataFrame(rows, columns=[Columns.POLICY, "value"])


def coupon_classes(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row for each campaign that gives its coupon at random and each class of shoppers.

    Columns: CAMPAIGN, ``shopper_class``, ``shoppers``, ``share`` (of the campaign's shoppers).
    """
    effects = true_effects(world, SHOPPERS, seed)
    frame = effects.groupby([Columns.CAMPAIGN, "shopper_class"], observed=False).size().rename("shoppers").reset_index()
    random = [row["id"] for row in world.parameters.content["campaign"] if row["assignment"] == "random"]
    frame = frame[frame[Columns.CAMPAIGN].isin(random)].reset_index(drop=True)
    frame["share"] = frame["shoppers"] / SHOPPERS
    return frame


def clicks_and_utility(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a product of the front page, averaged over shoppers who own nothing yet.

    Columns: ITEM, ``click`` (true chance of a click once looked at), ``utility`` (true, before the noise, had they
    bought it), ``clickbait`` (attracts within its type and is poor).
    """
    page = front_page(world, seed)
    block, _ = next(whole_blocks(world, SLATES, SHOPPERS, seed))
    chosen = page.items - 1
    owned = np.zeros((len(block.length), len(world.durable)), bool)
    return pd.DataFrame(
        {
            Columns.ITEM: page.items,
            "click": attractiveness(world, page, block).mean(0),
            "utility": expected_utility(world, block.truth.taste, block.truth.budget, owned)[:, chosen].mean(0),
            "clickbait": products(world)["clickbait"].to_numpy()[chosen],
        }
    )


def result_grades(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a kind of query and a grade, the best-answered kind first: how relevant what the shop shows is.

    Columns: ``kind``, ``grade``, ``shown`` (results), ``share`` (of the kind's results).
    """
    log, truth = search_log(world, SHOPPERS, seed), search_truth(world)
    query = log.searches.set_index(Columns.SEARCH)[Columns.QUERY].loc[log.results[Columns.SEARCH]].to_numpy()
    kind = np.array([KINDS.index(intent.kind) for intent in truth.intents])[query]
    grade = truth.grades[query, log.results[Columns.ITEM].to_numpy() - 1].astype(np.int64)
    shown = np.bincount(kind * len(GRADES) + grade, minlength=len(KINDS) * len(GRADES)).reshape(len(KINDS), -1)
    share = shown / np.maximum(shown.sum(1, keepdims=True), 1)
    order = np.argsort(-(share[:, 2] + share[:, 3]), kind="stable")
    return pd.DataFrame(
        {
            KIND: np.repeat(np.array(KINDS)[order], len(GRADES)),
            GRADE: np.tile(GRADES, len(KINDS)),
            "shown": shown[order].ravel(),
            "share": share[order].ravel(),
        }
    )


def shared_taste(world: World, seed: int | None = None) -> pd.DataFrame:
    """One row a department with much data and one with little.

    Columns: DEPARTMENT, ``poor``, ``correlation`` (over shoppers, of the style that each would buy in the two).
    """
    truth = next(simulate(world, SHOPPERS, seed)).truth
    table = style_correlation(world, truth.taste, truth.budget)
    poor = list(world.parameters["departments.poor"])
    rich = [name for name in names(world) if name not in poor]
    rows = [(here, there, float(table.loc[here, there])) for here in rich for there in poor]
    return pd.DataFrame(rows, columns=[Columns.DEPARTMENT, "poor", "correlation"])


def correlation(frame: pd.DataFrame) -> float:
    """Pearson's of ``click`` and ``utility``; NaN where one of them does not vary."""
    found = float(frame["click"].corr(frame["utility"]))
    return found if math.isfinite(found) else math.nan
