"""The truth about departments: how far a shopper's taste in one tells what the shopper likes in another.

Every shopper has one taste vector and one price limit for the whole shop, and every product has a style; a brand sells
similar styles in all its departments. What differs is the assortment: where styles vary little, taste has little to
choose from.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from course_lib.data.columns import Columns
from course_lib.shop import world as rules
from course_lib.shop.world import Floats, World


def names(world: World) -> list[str]:
    """The department ids, in the order of every answer below."""
    return [row["id"] for row in world.parameters.content["department"]]


def expected_style(world: World, taste: Floats, budget: Floats) -> Floats:
    """(N, D, S) mean style of what shoppers of ``taste`` (N, S), ``budget`` (N,) buy in each department.

    sum over products i of P(i | type, shopper) style_i, averaged over the department's types.
    """
    goods, columns = world.catalogue, names(world)
    chances = rules.within_type(rules.item_logits(taste, budget, world), world)  # (N, V)
    home = goods.items[Columns.DEPARTMENT].to_numpy()
    found = np.empty((len(taste), len(columns), goods.style.shape[1]), np.float32)
    for d, name in enumerate(columns):
        members = np.flatnonzero(home == name)
        found[:, d] = chances[:, members] @ goods.style[members] / len(np.unique(goods.type[members]))
    return found


def style_correlation(world: World, taste: Floats, budget: Floats) -> pd.DataFrame:
    """(D, D) correlation over shoppers of the expected style in two departments: 1 where both tell the same taste.

    Pearson's, pooled over the S style dimensions, each centred over shoppers.
    """
    style = expected_style(world, taste, budget)
    centred = (style - style.mean(0)).transpose(1, 0, 2).reshape(style.shape[1], -1)  # (D, N * S)
    return pd.DataFrame(np.corrcoef(centred), index=names(world), columns=names(world))


def shared_brands(world: World) -> pd.DataFrame:
    """(D, D) share of the row department's products whose brand also sells in the column's department."""
    items = world.catalogue.items
    brands = {name: set(items.loc[items[Columns.DEPARTMENT] == name, Columns.BRAND]) for name in names(world)}
    shares = {
        there: [
            items.loc[items[Columns.DEPARTMENT] == here, Columns.BRAND].isin(brands[there]).mean()
            for here in names(world)
        ]
        for there in names(world)
    }
    return pd.DataFrame(shares, index=names(world))
