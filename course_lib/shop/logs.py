"""What the shop writes down besides its purchases: the parts of its world as tables, a block of shoppers at a time.

    for found in PARTS["search"].blocks(world, 1_000_000, None):
        found["searches"], found["results"]

Rows go block by block, and within a block as the part orders them. A part's file says what the columns are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from course_lib.data.columns import Columns
from course_lib.errors import CourseError
from course_lib.shop.parts import shared_blocks
from course_lib.shop.world import World

Frames = Mapping[str, pd.DataFrame]  # by table


@dataclass(frozen=True)
class Part:
    """One part of the shop's world. Every block has all of ``tables``."""

    tables: tuple[str, ...]
    blocks: Callable[[World, int, int | None], Iterator[Frames]]  # world, shoppers, seed
    code: tuple[str, ...]  # the files of this package, besides source.CODE, that decide what is in them
    shopper_bytes: int  # on disk, from above: for the estimate of room
    order: tuple[str, ...] = ()  # what the whole is sorted by when it is read, so that rows do not tell the block
    once: Mapping[str, Callable[[World], pd.DataFrame]] = field(
        default_factory=dict
    )  # further tables, of the shop alone


# Each part is imported where it is made: they draw from the truth, and who only loads the shop must not open its door.
def _search(world: World, shoppers: int, seed: int | None) -> Iterator[Frames]:
    from course_lib.shop.search import search_logs

    return ({"searches": log.searches, "results": log.results} for log in search_logs(world, shoppers, seed))


def _queries(world: World) -> pd.DataFrame:
    from course_lib.shop.search import queries_frame

    return queries_frame(world)


def _slates(world: World, shoppers: int, seed: int | None) -> Iterator[Frames]:
    from course_lib.shop.slates import slate_logs

    return ({"slates": frame} for frame in slate_logs(world, shoppers, seed))


def _behaviour(world: World, shoppers: int, seed: int | None) -> Iterator[Frames]:
    from course_lib.shop.behaviour import behaviour_blocks

    return ({"behaviour": frame} for frame in behaviour_blocks(world, shoppers, seed))


def _coupons(world: World, shoppers: int, seed: int | None) -> Iterator[Frames]:
    from course_lib.shop.coupons import coupon_blocks

    return ({"coupons": frame} for frame in coupon_blocks(world, shoppers, seed))


def _feedback(world: World, shoppers: int, seed: int | None) -> Iterator[Frames]:
    from course_lib.shop.satisfaction import feedback_blocks

    return ({"feedback": frame} for frame in feedback_blocks(world, shoppers, seed))


def _departments(world: World, shoppers: int, seed: int | None) -> Iterator[Frames]:
    from course_lib.shop.departments import departments

    for block in shared_blocks(world, shoppers, seed):
        events = block.frame(world)
        view = departments(world, events[events[Columns.USER] < shoppers], seed=seed)
        yield {"departments_train": view.train, "departments_test": view.test}


PARTS = {
    "search": Part(
        ("searches", "results"),
        _search,
        ("search", "lexical", "parts", "truth/search", "truth/intents"),
        shopper_bytes=130,
        once={"queries": _queries},
    ),
    "slates": Part(
        ("slates",),
        _slates,
        ("slates", "front_page", "plackett_luce", "parts", "truth/slates", "truth/search", "truth/intents"),
        shopper_bytes=180,
    ),
    "behaviour": Part(
        ("behaviour",),
        _behaviour,
        ("behaviour", "parts"),
        shopper_bytes=2200,
        order=(Columns.TIME, Columns.SESSION),
    ),
    "coupons": Part(
        ("coupons",), _coupons, ("coupons", "parts", "truth/coupons", "truth/next_product"), shopper_bytes=10
    ),
    "feedback": Part(
        ("feedback",),
        _feedback,
        ("satisfaction", "parts", "truth/satisfaction"),
        shopper_bytes=18,
        order=(Columns.TIME, Columns.BASKET),
    ),
    "departments": Part(
        ("departments_train", "departments_test"), _departments, ("departments", "parts"), shopper_bytes=90
    ),
}
ALL = "all"


def chosen(given: str) -> tuple[str, ...]:
    """The parts named in "search,slates" or "all", in the order of PARTS; none for nothing.

    Raises CourseError for an unknown one, naming those that there are.
    """
    names = [name.strip() for name in given.split(",") if name.strip()]
    if unknown := [name for name in names if name not in (*PARTS, ALL)]:
        raise CourseError("unknown_parts", names=", ".join(unknown), known=", ".join([*PARTS, ALL]))
    return tuple(name for name in PARTS if name in names or ALL in names)
