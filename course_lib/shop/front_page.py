"""The front page as the shop knows it: which products may stand there, who comes, and the rules that choose slates.

A policy is any ``(Visitors) -> (N, n) log weights`` of the page's n products; slates are drawn from them as in
plackett_luce.py. Nothing of the truth is in here: a policy of a learner's own sees exactly this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories
from course_lib.shop.parts import SLATES, catalogue_stream, whole_blocks
from course_lib.shop.plackett_luce import Chances
from course_lib.shop.simulate import Block
from course_lib.shop.world import Ints, World


@dataclass(frozen=True)
class Visitors:
    """``N`` shoppers at the front page: users ``first`` .. ``first + N - 1``, with all that they have bought."""

    first: int
    histories: Histories


Policy = Callable[[Visitors], Chances]


@dataclass(frozen=True)
class FrontPage:
    """The ``n`` products that may stand on the front page, one of each type, and how they have sold."""

    items: NDArray[np.int32]  # (n,) item ids
    sales: Ints  # (n,) sold to the shop's first shoppers (a block of them)
    department: Ints  # (n,) index of the product's department
    department_of: Ints  # (V + 1,) that of every product, -1 for padding
    policies: Mapping[str, Policy]  # those that the log was made by, in the order uniform, popularity, personal


def front_page(world: World, seed: int | None = None) -> FrontPage:
    """The page. Its products depend on the shop alone, their sales on ``seed`` too (by default the shop's own)."""
    rng = catalogue_stream(world, SLATES)
    numbers = world.parameters.numbers["slates"]
    first, last = world.first_item[:-1], world.first_item[1:]
    chosen = rng.integers(first, last)
    sold, _ = next(whole_blocks(world, SLATES, 1, seed))
    used = np.arange(sold.items.shape[1])[None] < sold.length[:, None]
    sales = np.bincount(sold.items[used], minlength=len(world.catalogue.type))[chosen]
    codes = np.unique(world.catalogue.items[Columns.DEPARTMENT].to_numpy(), return_inverse=True)[1]
    department_of = np.concatenate([[-1], codes])
    department = department_of[chosen + 1]
    popular = numbers["popularity"] * np.log1p(sales)
    pull = numbers["personal"]  # the rules below hold on to this number, not to the table with the truth in it

    def uniform(visitors: Visitors) -> Chances:
        return np.zeros((len(visitors.histories), len(chosen)))

    def popularity(visitors: Visitors) -> Chances:
        return np.tile(popular, (len(visitors.histories), 1))

    def personal(visitors: Visitors) -> Chances:
        shares = department_shares(visitors.histories, department_of)
        weights: Chances = popular + pull * shares[:, department]
        return weights

    policies = {"uniform": uniform, "popularity": popularity, "personal": personal}
    return FrontPage((chosen + 1).astype(np.int32), sales, department, department_of, policies)


def department_shares(histories: Histories, department_of: Ints) -> Chances:
    """(N, departments) share of each history's purchases in each department; 0 throughout for an empty one."""
    departments = int(department_of.max()) + 1
    owner = np.repeat(np.arange(len(histories)), histories.lengths)
    counts = np.bincount(
        owner * departments + department_of[histories.items], minlength=len(histories) * departments
    ).reshape(-1, departments)
    shares: Chances = counts / np.maximum(histories.lengths, 1)[:, None]
    return shares


def visitors(block: Block) -> Visitors:
    """A block's shoppers after their last purchase."""
    used = np.arange(block.items.shape[1])[None] < block.length[:, None]
    offsets = np.concatenate([[0], np.cumsum(block.length)]).astype(np.int64)
    return Visitors(block.first, Histories(block.items[used] + np.int32(1), offsets))
