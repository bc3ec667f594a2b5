"""Every number in parameters.toml is used: change it, and the shop changes."""

from __future__ import annotations

import copy
import datetime
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from course_lib.errors import CourseError
from course_lib.shop import limits, parameters
from course_lib.shop.behaviour import behaviour_frame
from course_lib.shop.coupons import coupon_frame
from course_lib.shop.departments import Departments, departments
from course_lib.shop.parameters import Parameters, load_parameters
from course_lib.shop.satisfaction import feedback_frame
from course_lib.shop.search import search_log
from course_lib.shop.simulate import events_frame
from course_lib.shop.slates import slate_log
from course_lib.shop.truth.coupons import true_effects
from course_lib.shop.truth.satisfaction import utilities
from course_lib.shop.weeks import advance, begin
from course_lib.shop.world import World, make_world

SHOPPERS = 300
# What a table of parameters.toml decides: the frames that show it. Any other table decides who buys what.
PARTS: dict[str, Callable[[World], list[pd.DataFrame]]] = {
    "search": lambda world: list(vars(search_log(world, SHOPPERS)).values()),
    "slates": lambda world: [slate_log(world, SHOPPERS)],
    "behaviour": lambda world: [behaviour_frame(world, SHOPPERS)],
    "coupons": lambda world: [coupon_frame(world, SHOPPERS), true_effects(world, SHOPPERS)],
    "satisfaction": lambda world: [feedback_frame(world, SHOPPERS), utilities(world, SHOPPERS)],
    "departments": lambda world: list(divided(departments(world, events_frame(world, SHOPPERS)))),
    "weeks": lambda world: lived(world),
}


def divided(view: Departments) -> tuple[pd.DataFrame, pd.DataFrame]:
    return view.train, view.test


def lived(world: World) -> list[pd.DataFrame]:
    """A week under the oracle, after the published number of weeks without a recommender, and the tastes after it."""
    life = begin(world, SHOPPERS)
    week = advance(world, life, "oracle")
    return [week.shown, week.events, pd.DataFrame(life.taste)]


def paths(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """``need.impulse`` and so on."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


EVERY = list(paths(load_parameters().numbers))
PATHS = [path for path in EVERY if not path.startswith("sizes.")]  # those that decide what happens; sizes: test_source


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
    if path in limits.TEXTS:
        return parameters.replaced(path, value[:-1])
    if path == "satisfaction.star_cuts":
        return parameters.replaced(path, [*value[:-1], value[-1] * 1.5])
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


def test_every_number_has_limits_and_lies_within() -> None:
    numbers = load_parameters().numbers
    known = {".".join(filter(None, (table, name))) for table, names in limits.LIMITS.items() for name in names}
    assert known | {*limits.TEXTS, *limits.DATES} == set(EVERY)
    limits.check_all(numbers)
    with pytest.raises(KeyError):
        limits.check_all({"need": {"no_such_number": 1.0}})


def wrong(path: str) -> list[tuple[Any, str]]:
    """Values that a number cannot have, each with a word of the sentence that refuses it."""
    value = load_parameters()[path]
    if path in limits.DATES:
        return [("2023-01-01", "2023-01-01"), (2023, "2023")]
    table, _, name = path.rpartition(".")
    low, high = limits.LIMITS[table][name]
    bad: list[tuple[Any, str]] = [(low - 1, str(high)), (high + 1, str(high)), (float("nan"), "nan"), ("1", "1")]
    bad.append((True, "True"))
    if isinstance(value, int):
        bad.append((low + 0.5, str(low)))
    if isinstance(value, list):
        return [([*value[:-1], one], word) for one, word in bad] + [(value[:-1], str(len(value))), (value[0], "4")]
    return bad


@pytest.mark.parametrize("path", [path for path in EVERY if path not in limits.TEXTS])
def test_what_a_number_cannot_be_is_refused(path: str) -> None:
    """Where it is changed and where the file is read, as a sentence that names it and what it may be."""
    parameters = load_parameters()
    for value, word in wrong(path):
        for language in ("en", "zh"):
            with pytest.raises(CourseError) as caught:
                parameters.replaced(path, value)
            assert path in caught.value.text(language), value
            assert word in caught.value.text(language).replace(",", ""), value


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("impulse = 0.015", "impulse = 1.5", "need.impulse is 1.5, but must lie between 0 and 1."),
        ("events_minimum = 6", "events_minimum = 20", "shopper.events_mean is 12.0, but must lie between 20 and 40."),
        ("events_maximum = 40", "events_maximum = 14", "shopper.persona_events is 16, but must lie between 6 and 14."),
    ],
)
def test_a_file_with_a_bad_number_is_refused(
    old: str, new: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where each is fine alone, but they do not fit together."""
    for name in parameters.FILES:
        text = (parameters.FOLDER / f"{name}.toml").read_text(encoding="utf-8")
        assert name != "parameters" or old in text
        (tmp_path / f"{name}.toml").write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(parameters, "FOLDER", tmp_path)
    with pytest.raises(CourseError) as caught:
        load_parameters.__wrapped__()
    assert str(caught.value).startswith(told)


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
