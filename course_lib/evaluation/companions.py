"""Lists beside a cart: how they are found, what their products truly are to the cart, and what they sell.

A finder scores every product j beside every product i. A cart's score of j is the highest of its products', and what is
in the cart is not offered:

    text       cosine of the titles' vectors
    views      looks_ij / sqrt(looks_i looks_j)       how often both were looked at in one session
    products   c_ij / c_i                             baskets with both (course_lib/evaluation/association.py)
    types      P(type of j | type of i) P(j | type of j)      baskets with both types, then what sells within the type

The last is the idea of P-Companion (Hao et al., CIKM 2020): first which kind of thing goes with this one, then which
product of it. Where products are many, two single ones rarely meet in a basket, while their types do.

A list of K places may keep the last ``places`` of them for substitutes: products of a type that is in the cart, by
their text. All other places then hold products of types that are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.baskets import as_matrix
from course_lib.data.histories import Histories

FINDERS = ("types", "products", "views", "text")
K = 5
Ids = NDArray[np.int64]
Table = NDArray[np.float32]  # (V + 1, V + 1)


@dataclass(frozen=True)
class Goods:
    """What is known of the products, by item id; place 0 is padding."""

    type: Ids  # (V + 1,) -1 for padding
    price: NDArray[np.float64]  # (V + 1,)


def by_products(baskets: Histories, num_items: int) -> Table:
    """c_ij / c_i, 0 on the diagonal."""
    held = as_matrix(baskets, num_items)
    together = np.asarray((held.T @ held).toarray(), np.float32)
    single = np.diagonal(together).copy()
    np.fill_diagonal(together, 0)
    return np.asarray(together / np.maximum(single, 1)[:, None], np.float32)


def by_types(baskets: Histories, goods: Goods) -> Table:
    """P(type of j | type of i) P(j | type of j): the chance that a basket with i's type holds j's, and which one."""
    num_items, kinds = len(goods.type) - 1, int(goods.type.max()) + 1
    of_type = Histories((goods.type[baskets.items] + 1).astype(np.int32), baskets.offsets)
    between = by_products(of_type, kinds)[1:, 1:]  # (C, C)
    sold = np.bincount(baskets.items, minlength=num_items + 1).astype(np.float64)
    total = np.bincount(goods.type[1:], weights=sold[1:], minlength=kinds)
    share = sold[1:] / np.maximum(total[goods.type[1:]], 1)
    table = np.zeros((num_items + 1, num_items + 1), np.float32)
    table[1:, 1:] = between[goods.type[1:]][:, goods.type[1:]] * share[None, :]
    return table


def by_cosine(vectors: NDArray[np.floating]) -> Table:
    """(V, D) to (V + 1, V + 1); negative ones count as nothing in common."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    table = np.zeros((len(unit) + 1, len(unit) + 1), np.float32)
    table[1:, 1:] = np.maximum(unit @ unit.T, 0)
    np.fill_diagonal(table, 0)
    return table


def by_views(sessions: Ids, items: Ids, num_items: int) -> Table:
    """From (session, item) of every look."""
    cells = np.unique(sessions * (num_items + 1) + items)
    session, item = np.divmod(cells, num_items + 1)
    _, row = np.unique(session, return_inverse=True)
    lengths = np.bincount(row) if len(row) else np.zeros(0, np.int64)
    held = as_matrix(Histories(item.astype(np.int32), np.concatenate([[0], np.cumsum(lengths)])), num_items)
    together = np.asarray((held.T @ held).toarray(), np.float32)
    root = np.sqrt(np.maximum(np.diagonal(together), 1))
    table = np.asarray(together / root[:, None] / root[None, :], np.float32)
    np.fill_diagonal(table, 0)
    return table


def scores(table: Table, carts: Histories) -> Table:
    """(N, V + 1) the highest score beside any product of the cart; -inf for padding and for what is in the cart."""
    found = np.stack([table[cart].max(0, initial=0) for cart in carts]) if len(carts) else table[:0]
    found = np.array(found, np.float32)
    found[:, 0] = -np.inf
    found[np.repeat(np.arange(len(carts)), carts.lengths), carts.items] = -np.inf
    return found


def in_cart(carts: Histories, goods: Goods) -> NDArray[np.bool_]:
    """(N, V + 1) products of a type that is in the cart: what could replace something there."""
    kinds = int(goods.type.max()) + 1
    held = np.zeros((len(carts), kinds + 1), bool)
    held[np.repeat(np.arange(len(carts)), carts.lengths), goods.type[carts.items]] = True
    held[:, -1] = False  # padding's type is -1
    return held[:, goods.type]


def companions(wanted: Table, similar: Table, same: NDArray[np.bool_], places: int, k: int = K) -> Ids:
    """(N, k) lists, 0 where there is nothing more to offer: first what goes with the cart, then ``places`` substitutes.

    ``wanted`` (N, V + 1) is a finder's score, ``similar`` that of the text, ``same`` as :func:`in_cart`. Products that
    the finder knows nothing of are not offered.
    """
    mates = best(np.where(same, -np.inf, wanted), k - places)
    return np.concatenate([mates, best(np.where(same, similar, -np.inf), places)], axis=1)


def best(found: Table, k: int) -> Ids:
    """(N, k) the highest scored above 0, best first, 0 where there are no more; equals in the catalogue's order."""
    order = np.argsort(-found, axis=1, kind="stable")[:, :k]
    kept: Ids = np.where(np.take_along_axis(found, order, 1) > 0, order, 0)
    return kept


def roles(lists: Ids, carts: Histories, goods: Goods, relations: NDArray[np.int8]) -> NDArray[np.int8]:
    """(N, k) what each product truly is to the cart: the closest relation to any product of it; -1 for empty places."""
    kinds = len(relations)
    near = np.zeros((len(carts), kinds), np.int8)
    owner = np.repeat(np.arange(len(carts)), carts.lengths)
    np.maximum.at(near, owner, relations[goods.type[carts.items]])
    return np.where(lists > 0, np.take_along_axis(near, np.maximum(goods.type[lists], 0), 1), -1).astype(np.int8)


def closing(wanted: Table, price: NDArray[np.float64], gap: NDArray[np.float64]) -> Table:
    """``wanted`` (N, V + 1) without what costs less than the ``gap`` (N,) that is left to the minimum order."""
    return np.where(price[None, :] >= gap[:, None], wanted, -np.inf).astype(np.float32)
