"""Every number in parameters.toml is used: change it, and the shop changes."""

from __future__ import annotations

import copy
import datetime
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from course_lib.shop.behaviour import behaviour_frame
from course_lib.shop.coupons import coupon_frame
from course_lib.shop.parameters import Parameters, load_parameters
from course_lib.shop.satisfaction import feedback_frame
from course_lib.shop.search import search_log
from course_lib.shop.simulate import events_frame
from course_lib.shop.slates import slate_log
from course_lib.shop.truth.coupons import true_effects
from course_lib.shop.truth.satisfaction import utilities
from course_lib.shop.world import World, make_world

SHOPPERS = 300
# What a table of parameters.toml decides: the frames that show it. Any other table decides who buys what.
PARTS: dict[str, Callable[[World], list[pd.DataFrame]]] = {
    "search": lambda world: list(vars(search_log(world, SHOPPERS)).values()),
    "slates": lambda world: [slate_log(world, SHOPPERS)],
    "behaviour": lambda world: [behaviour_frame(world, SHOPPERS)],
    "coupons": lambda world: [coupon_frame(world, SHOPPERS), true_effects(world, SHOPPERS)],
    "satisfaction": lambda world: [feedback_frame(world, SHOPPERS), utilities(world, SHOPPERS)],
}
# Tables whose numbers are tried where the part is.
ELSEWHERE = {"sizes", "weeks", "departments"}


def paths(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """``need.impulse`` and so on, but none of ELSEWHERE."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{name}.") if name not in ELSEWHERE else ()
        else:
            yield f"{prefix}{name}"


PATHS = list(paths(load_parameters().numbers))


def changed(path: str) -> Parameters:
    """The shop with one number a good deal larger or smaller, as its kind allows."""
    parameters = load_parameters()
    value = parameters[path]
    if isinstance(value, datetime.date):
        return parameters.replaced(path, value + datetime.timedelta(days=100))
    if path == "catalogue.style_dimensions":  # the personas' tastes have one number a dimension
        content = copy.deepcopy(parameters.content)
        for persona in content["persona"]:
            persona["style"] = persona["style"][:-1]
        return Parameters(parameters.replaced(path, value - 1).numbers, content)
    if isinstance(value, list):
        return parameters.replaced(path, [*value[:-1], value[-1] * 0.5])
    if isinstance(value, int):
        return parameters.replaced(path, value - 1)
    return parameters.scaled(path, 0.5)


@functools.cache
def published(part: str) -> list[pd.DataFrame]:
    """What the shop as published shows of a part."""
    return made(load_parameters(), part)


def made(parameters: Parameters, part: str) -> list[pd.DataFrame]:
    """What anybody may see of a part; without one, the products and the purchases."""
    world = make_world(parameters)
    return PARTS[part](world) if part in PARTS else [world.catalogue.items, events_frame(world, SHOPPERS)]


def test_there_are_parameters() -> None:
    assert len(PATHS) > 20
    assert {"seed", "need.impulse", "choice.taste", "shopper.start_date"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_each_number_changes_the_shop(path: str, blocks_of: Callable[[int], None]) -> None:
    blocks_of(SHOPPERS)
    part = path.partition(".")[0]
    ours, others = published(part if part in PARTS else ""), made(changed(path), part)
    assert not all(one.equals(other) for one, other in zip(ours, others, strict=True)), f"nothing reads {path}"


def test_a_change_changes_the_digest_alone() -> None:
    published = load_parameters()
    digests = {changed(path).digest() for path in PATHS}
    assert len(digests | {published.digest()}) == len(PATHS) + 1
    assert load_parameters().digest() == published.digest(), "changing a copy changed the original"


def test_an_unknown_number_is_refused() -> None:
    with pytest.raises(KeyError):
        load_parameters().replaced("need.no_such_number", 1)


def test_the_contents_agree() -> None:
    """Every name that one file uses, another defines; brands have enough products to choose from."""
    content = load_parameters().content
    known = {kind: {row["id"] for row in content[kind]} for kind in ("department", "type", "mission", "interest")}
    for kind in (*known, "brand", "persona"):
        assert len({row["id"] for row in content[kind]}) == len(content[kind]), f"a {kind} occurs twice"
    used: dict[str, set[str]] = {"department": set(), "type": set(), "mission": set(), "interest": set()}
    for row in content["type"]:
        used["department"].add(row["department"])
        assert len(row["lines_zh"]) == len(row["lines_en"])
        assert len(row["options_zh"]) == len(row["options_en"])
        assert ("cycle_days" in row) == (not row["durable"])
    for row in content["brand"]:
        used["department"].update(row["departments"])
    for row in content["mission"]:
        names = [name for stage in row["steps"] for name in stage]
        assert len(set(names)) == len(names), f"{row['id']} asks for a type twice"
        used["type"].update(names)
    for row in content["interest"]:
        used["mission"].update(row["missions"])
    used["interest"].update(row["interest"] for row in content["persona"])
    for kind, names in used.items():
        assert names <= known[kind], f"unknown {kind}: {names - known[kind]}"
    assert used["mission"] == known["mission"], "a mission that nobody is interested in"
    for row in (*content["type"], *content["mission"]):
        assert len(row.get("season", range(12))) == 12
