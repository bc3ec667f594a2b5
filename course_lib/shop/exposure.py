"""How evenly a shop shows and sells its products: coverage, Gini coefficient, share of the top tenth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.data.columns import Columns
from course_lib.shop.weeks import Week
from course_lib.shop.world import World


def gini(counts: ArrayLike) -> float:
    """The Gini coefficient of V counts: 0 where all are equal, (V - 1) / V where one has everything, NaN for none.

        sum over i of (2 i - V - 1) x_i / (V * sum of x),   x in rising order, i from 1

    Source: Gini 1912; for sales diversity: Fleder & Hosanagar, Management Science 2009.

    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 1])
    (0.0, 0.75)
    """
    rising = np.sort(np.asarray(counts, np.float64))
    V, total = len(rising), rising.sum()
    return float((2 * np.arange(1, V + 1) - V - 1) @ rising / (V * total)) if total else float("nan")


def top_share(counts: ArrayLike, top: float = 0.1) -> float:
    """The share of all that the ``top`` part of the products has (rounded up to whole products); NaN for none.

    >>> top_share([5, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    0.5
    """
    falling = -np.sort(-np.asarray(counts, np.float64))
    total = falling.sum()
    return float(falling[: int(np.ceil(top * len(falling)))].sum() / total) if total else float("nan")


def measures(world: World, week: Week) -> dict[str, float]:
    """What the shop itself can count of a week. Of products shown: NaN where nothing was.

    ``visits`` occasions to buy · ``sales`` purchases · ``revenue`` in CNY · ``slate_share`` of sales from the slate ·
    ``coverage`` distinct products shown · ``gini_shown``, ``top_shown`` Gini and share of the top 10% of products in
    what was shown · ``products_sold``, ``gini_sold``, ``top_sold`` the same of sales.
    """
    V = len(world.catalogue.type)
    items = week.events[Columns.ITEM].to_numpy()
    shown = np.bincount(week.shown[Columns.ITEM], minlength=V + 1)[1:]
    sold = np.bincount(items, minlength=V + 1)[1:]
    sales = len(items)
    return {
        "visits": week.visits,
        "sales": sales,
        "revenue": float(world.catalogue.items[Columns.PRICE].to_numpy()[items - 1].sum()),
        "slate_share": float((~week.events[Columns.ORGANIC]).mean()) if sales else float("nan"),
        "coverage": int((shown > 0).sum()) if shown.any() else float("nan"),
        "gini_shown": gini(shown),
        "top_shown": top_share(shown),
        "products_sold": int((sold > 0).sum()),
        "gini_sold": gini(sold),
        "top_sold": top_share(sold),
    }
