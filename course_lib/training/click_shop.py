"""The shop's front page as a data set for the click project: its log as rows, and what a ranking would truly earn.

    case = click_case(shop(), shoppers=2400, held=1000, number=0)
    case.train, case.test             # rows, by shopper: nobody is in both
    case.worth(scores)                # (held,) true clicks on the three products that each shopper would be shown

``number`` 0 is the course's own shop; any other has the same products, rules and truth, and other shoppers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.front_page import front_page, visitors
from course_lib.shop.parts import SLATES, whole_blocks
from course_lib.shop.slates import slate_log
from course_lib.shop.truth.slates import attractiveness, looked_at
from course_lib.shop.world import World
from course_lib.training.click_main import PLACES, Log

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
LATEST = 5  # purchases of a shopper that are kept to be looked at


@dataclass(frozen=True)
class Case:
    """What is learned from, and ``M`` shoppers nobody has learned from, with the truth about them."""

    train: Log
    test: Log  # of the M shoppers, row m of its shares
    attractive: Array  # (M, n) true chance of a click, once looked at
    looked: Array  # (3,) chance that a place is looked at
    items: Ints  # (n,) the page's products
    latest: Ints  # (M, LATEST) what the shoppers bought last, newest last; 0 where there is nothing

    @property
    def n(self) -> int:
        """Products that may stand on the page."""
        return len(self.items)

    def every(self) -> Log:
        """Each of the M shoppers with each of the n products, all at the first place: what a ranking needs."""
        M = len(self.attractive)
        return Log(
            self.test.shares,
            torch.arange(M).repeat_interleave(self.n),
            torch.arange(self.n).repeat(M),
            torch.zeros(M * self.n, dtype=torch.int64),
            torch.zeros(M * self.n),
        )

    def worth(self, scores: NDArray[np.floating]) -> Array:
        """(M,) true clicks on the slate of each shopper's three best by ``scores`` (M, n); equal ones by column."""
        top = np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]
        clicks: Array = np.take_along_axis(self.attractive, top, 1) @ self.looked
        return clicks

    def counted(self) -> Array:
        """(n,) share of clicks of each product in the training rows, the place forgotten; 0 where it was not shown."""
        product = self.train.product.numpy()
        shown = np.bincount(product, minlength=self.n)
        rates: Array = np.bincount(product, self.train.clicked.numpy(), self.n) / np.maximum(shown, 1)
        return rates


def click_case(world: World, shoppers: int, held: int, number: int = 0) -> Case:
    """The first ``shoppers`` of a shop to learn from, and the ``held`` that follow."""
    seed = number or None
    page, total = front_page(world, seed), shoppers + held
    frame = slate_log(world, total, seed)
    column = np.zeros(int(page.items.max()) + 1, np.int64)
    column[page.items] = np.arange(len(page.items))
    user = frame[Columns.USER].to_numpy(np.int64)
    product = column[frame[Columns.ITEM].to_numpy()]
    place = frame[Columns.POSITION].to_numpy(np.int64) - 1
    clicked = frame[Columns.CLICK].to_numpy(np.float32)
    shares, attractive, latest = [], [], []
    for block, _ in whole_blocks(world, SLATES, total, seed):
        histories = visitors(block).histories
        types = world.catalogue.type[histories.items - 1].astype(np.int64)
        who = np.repeat(np.arange(len(histories)), histories.lengths)
        T = len(world.durable)
        counts = np.bincount(who * T + types, minlength=len(histories) * T).reshape(-1, T)
        shares.append(counts / counts.sum(1, keepdims=True))
        attractive.append(attractiveness(world, page, block))
        latest.append(histories.padded(LATEST))
    bought = torch.from_numpy(np.concatenate(shares)[:total].astype(np.float32))

    def rows(chosen: NDArray[np.bool_], first: int, last: int) -> Log:
        return Log(
            bought[first:last],
            torch.from_numpy(user[chosen] - first),
            torch.from_numpy(product[chosen]),
            torch.from_numpy(place[chosen]),
            torch.from_numpy(clicked[chosen]),
        )

    return Case(
        rows(user < shoppers, 0, shoppers),
        rows(user >= shoppers, shoppers, total),
        np.concatenate(attractive)[shoppers:total],
        looked_at(world),
        page.items.astype(np.int64),
        np.concatenate(latest)[shoppers:total],
    )


def kept(log: Log, which: str) -> Log:
    """The rows that are learned from: "all", those of slates "with_click" or "without_click", or "clicks_only".

    Raises CourseError where no row, only clicks or no click would be left: then there is nothing to tell apart.
    """
    slate_clicked = log.clicked.view(-1, PLACES).sum(1).repeat_interleave(PLACES) > 0
    chosen = {
        "all": torch.ones_like(slate_clicked), "with_click": slate_clicked, "without_click": ~slate_clicked,
        "clicks_only": log.clicked == 1,
    }[which]  # fmt: skip
    clicked = log.clicked[chosen]
    if not len(clicked) or clicked.all() or not clicked.any():
        raise CourseError("clicks_all" if len(clicked) and clicked.all() else "clicks_none", rows=len(clicked))
    return Log(log.shares, log.shopper[chosen], log.product[chosen], log.place[chosen], clicked)
