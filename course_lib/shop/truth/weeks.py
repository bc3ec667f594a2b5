"""The truth behind the weeks: how well purchases fit the shoppers, how relevant slates were, how tastes drifted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop import world as rules
from course_lib.shop.truth.life import Life, Occasions
from course_lib.shop.world import Floats, World

ROWS = 1000  # shoppers whose (n, V) utilities exist at once


def utility(world: World, taste: Floats, budget: Floats, items: NDArray[np.int32]) -> Floats:
    """(n,) how well product ``items[n]`` (0-based) fits a shopper of ``taste[n]`` and price limit ``budget[n]``.

    The shopper's own part of ``world.item_logits``: taste * (style . taste) - price * max(0, price level - budget)^2,
    without the appeal that a product has to everybody.
    """
    found = np.empty(len(items), np.float32)
    for start in range(0, len(items), ROWS):
        part = slice(start, start + ROWS)
        logits = rules.item_logits(taste[part], budget[part], world)
        found[part] = logits[np.arange(len(logits)), items[part]] - world.catalogue.appeal[items[part]]
    return found


def purchases(world: World, life: Life) -> pd.DataFrame:
    """One row for each purchase of the last week that was lived, in the order of its ``Week.events``.

    Columns: user, item, ``wanted`` (chance before anything was shown), ``fit`` (utility under the taste at the time),
    ``first_fit`` (utility under the taste the shopper came with). Raises ValueError if no week was lived.
    """
    week = _last(life)
    sold = np.flatnonzero(week.bought >= 0)
    users, items = week.users[sold], week.bought[sold]
    return pd.DataFrame(
        {
            Columns.USER: users.astype(np.int32),
            Columns.ITEM: items + np.int32(1),
            "wanted": week.wanted[sold],
            "fit": utility(world, week.taste[sold], life.budget[users], items),
            "first_fit": utility(world, life.first_taste[users], life.budget[users], items),
        }
    )


def drift(life: Life) -> pd.DataFrame:
    """One row a shopper: ``moved``, the distance from the first taste to the taste now, and ``occasions`` so far."""
    moved = np.linalg.norm(life.taste - life.first_taste, axis=1)
    return pd.DataFrame(
        {Columns.USER: np.arange(len(life), dtype=np.int32), "moved": moved, "occasions": life.occasions}
    )


def measures(world: World, life: Life) -> dict[str, float]:
    """Means over the last week's purchases and occasions, and over shoppers as they are now. NaN for the mean of none.

    ``wanted``, ``fit``, ``first_fit`` as in :func:`purchases` · ``relevance`` chance that what a shopper wanted was in
    the slate · ``drift`` distance that tastes have moved · ``spread`` mean variance of a taste's dimension between
    shoppers: it falls as shoppers become alike. Raises ValueError if no week was lived.
    """
    bought, week, none = purchases(world, life), _last(life), float("nan")
    return {
        **{name: float(bought[name].mean()) if len(bought) else none for name in ("wanted", "fit", "first_fit")},
        "relevance": float(week.relevance.mean()) if len(week) else none,
        "drift": float(drift(life)["moved"].mean()),
        "spread": float(life.taste.var(axis=0).mean()),
    }


def _last(life: Life) -> Occasions:
    if life.last is None:
        raise ValueError("no week has been lived yet; advance the life by one")
    return life.last
