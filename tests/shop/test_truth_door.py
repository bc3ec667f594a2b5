"""The door to the truth: nothing that a loader, a split or a model is handed leads through it.

tests/test_floor_plan.py holds the imports to the same.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.columns import EVENT_COLUMNS, ITEM_COLUMNS, Columns
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Histories
from course_lib.data.splits import global_time, leave_one_out
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_card, model_cards
from course_lib.settings import load_settings
from course_lib.shop.behaviour import behaviour_frame
from course_lib.shop.coupons import coupon_frame
from course_lib.shop.departments import Departments, departments
from course_lib.shop.front_page import FrontPage, Visitors, front_page, visitors
from course_lib.shop.lexical import LexicalEngine
from course_lib.shop.recommenders import Log, by_sales
from course_lib.shop.satisfaction import feedback_frame
from course_lib.shop.search import SearchLog, engine, queries_frame, search_log
from course_lib.shop.simulate import events_frame, simulate
from course_lib.shop.slates import slate_log
from course_lib.shop.truth import coupons, identity, satisfaction
from course_lib.shop.truth import search as search_truth
from course_lib.shop.weeks import Week, begin, log, run
from course_lib.shop.world import World

MOST = 300_000  # things looked at; a walk that needs more has left what it was to look at
OBSERVABLE = {value for name, value in vars(Columns).items() if name.isupper()}
# The shop's classes that hold observable things only.
ALLOWED = (FrontPage, Visitors, LexicalEngine, SearchLog, Log, Week, Departments)


def reachable(start: Any) -> list[Any]:
    """Everything that hangs on an object, as the garbage collector sees it, and what lies behind arrays.

    Attributes, entries, bases of views, closures and defaults of functions, caches. Classes, modules and the globals
    of functions are the program, which belongs to everybody, and are left out.
    """
    found: list[Any] = []
    known: set[int] = set()
    waiting = [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in known or isinstance(thing, type | types.ModuleType | str | bytes | int | float | None):
            continue
        known.add(id(thing))
        found.append(thing)
        assert len(found) < MOST
        if isinstance(thing, np.ndarray):
            waiting.append(thing.base)
            waiting += thing.ravel().tolist() if thing.dtype == object else []
        elif isinstance(thing, types.FunctionType):
            waiting += [thing.__closure__, thing.__defaults__, thing.__kwdefaults__, thing.__dict__]
        else:
            waiting += gc.get_referents(thing)
            if isinstance(thing, pd.DataFrame | pd.Series):
                waiting.append(thing.attrs)
    return found


def secrets(world: World) -> list[np.ndarray]:
    """What models must not see of the products, the queries and the first shoppers."""
    goods, people = world.catalogue, next(simulate(world, 600)).truth
    shoppers = [people.taste, people.budget, people.interest, people.mission]
    products = [goods.appeal, goods.style, goods.price_level]
    return [
        *products,
        *goods.style.T,
        *shoppers,
        *people.taste.T,
        search_truth.search_truth(world).grades,
        satisfaction.quality(world),
    ]


def leaks(start: Any, hidden: list[np.ndarray]) -> list[str]:
    """What of the truth can be reached from an object, in words."""
    wrong = []
    for thing in reachable(start):
        home = getattr(type(thing), "__module__", "") or ""
        if home.startswith("course_lib.shop") and not isinstance(thing, ALLOWED):
            wrong.append(f"a {home}.{type(thing).__name__}")
        if isinstance(thing, types.FunctionType) and thing.__module__.startswith("course_lib.shop.truth"):
            wrong.append(f"the function {thing.__qualname__}")
        if isinstance(thing, pd.DataFrame) and not set(thing.columns) <= OBSERVABLE:
            wrong.append(f"the columns {set(thing.columns) - OBSERVABLE}")
        if isinstance(thing, np.ndarray) and thing.dtype != object:
            for secret in hidden:
                same = thing.shape == secret.shape and np.array_equal(thing, secret)
                if same or np.may_share_memory(thing, secret):
                    wrong.append(f"an array of the truth, {thing.shape}")
    return wrong


@pytest.fixture(scope="module")
def hidden(world: World) -> list[np.ndarray]:
    return secrets(world)


def test_nothing_that_is_loaded_or_split_leads_to_the_truth(dataset: Dataset, hidden: list[np.ndarray]) -> None:
    things = reachable(dataset)
    assert any(thing is dataset.events for thing in things)
    assert any(thing is dataset.items for thing in things)
    assert leaks(dataset, hidden) == []
    assert tuple(dataset.events.columns) == EVENT_COLUMNS
    assert tuple(dataset.items.columns) == ITEM_COLUMNS
    assert leaks([leave_one_out(dataset), global_time(dataset), dataset.histories()], hidden) == []


def every_table() -> list[tuple[str, str]]:
    """Each table of each dataset that comes with the course."""
    return [(name, table) for name in registry.built_in() for table in registry.tables(name)]


@pytest.mark.parametrize(("name", "table"), every_table())
def test_no_table_leads_to_the_truth(name: str, table: str, hidden: list[np.ndarray]) -> None:
    sizes = registry.source(name).sizes
    address = registry.resolve(name, "tiny" if "tiny" in sizes else sizes[0])
    for _ in range(2):  # as made, and as read from disk
        frame = registry.load_table(address, table)
        assert len(frame)
        assert leaks(frame, hidden) == []


def test_nothing_that_a_model_is_handed_leads_to_the_truth(dataset: Dataset, hidden: list[np.ndarray]) -> None:
    """What every model of the contract gets to learn from and to score, and what the counted ones make of it."""
    split = leave_one_out(dataset)
    for name, card in model_cards().items():
        settings = check_settings(name, model_card(name).settings, {})
        assert leaks([split.train, dataset.num_items, settings, split.test.histories], hidden) == []
        if not card.neural:
            assert leaks(model_class(name).fit(split.train, dataset.num_items, settings), hidden) == []


def test_what_the_shop_sees_has_no_truth_in_it(world: World, hidden: list[np.ndarray]) -> None:
    log = search_log(world, 300)
    page = front_page(world)
    guests = visitors(next(simulate(world, 300)))
    for thing in (log, queries_frame(world), engine(world), slate_log(world, 300), page, guests):
        assert leaks(thing, hidden) == []
    for frame in (behaviour_frame, coupon_frame, feedback_frame):
        assert leaks(frame(world, 300), hidden) == []


def test_what_a_recommender_gets_each_week_has_no_truth_in_it(world: World, hidden: list[np.ndarray]) -> None:
    """The log that it is refitted on, the histories that it scores, the week that comes of it."""
    handed: list[object] = []

    def refit(log: Log) -> Callable[[Histories], np.ndarray]:
        handed.append(log)
        score = by_sales()(log)
        assert callable(score)
        return lambda histories: handed.append(histories) or score(histories)  # type: ignore[func-returns-value]

    life = begin(world, 300, warmup=1)
    weeks = list(run(world, life, refit, 2))
    assert {type(thing) for thing in handed} == {Log, Histories}
    assert leaks([*handed, *weeks, log(world, life), departments(world, events_frame(world, 300))], hidden) == []
    assert leaks(life, hidden)  # who holds the shoppers' lives holds the truth


def test_the_disk_has_no_truth_either(dataset: Dataset) -> None:
    """Tables with the schema's columns, and numbers about them: nothing else lies where a dataset is kept."""
    folder = load_settings().datasets / dataset.address.folder
    columns = {"events": EVENT_COLUMNS, "items": ITEM_COLUMNS}
    for path in folder.iterdir():
        if path.suffix == ".parquet":
            assert tuple(pd.read_parquet(path).columns) == columns[path.stem]
        else:
            assert path.suffix == ".json"
            assert path.stat().st_size < 1000
    for table in registry.source("shop").tables:
        registry.load_table(dataset.address, table)
        kept = sorted(registry.table_folder(dataset.address, table).iterdir())
        assert [path.name for path in kept] == sorted([f"{table}.parquet", "sha256.json"])
        assert set(pd.read_parquet(registry.table_folder(dataset.address, table) / f"{table}.parquet")) <= OBSERVABLE


def test_columns_of_the_truth_have_names_of_their_own(world: World) -> None:
    """So that a hidden column is recognised wherever it turns up."""
    names = {search_truth.GRADE, search_truth.KIND, search_truth.NEED}
    assert not names & OBSERVABLE
    assert names <= {*search_truth.queries(world).columns, *search_truth.relevance(world).columns}
    for table, key in (
        (identity.visitors(world, 9), {Columns.SESSION}),
        (identity.considered(world, 9), {Columns.BASKET, Columns.ITEM}),
        (coupons.true_effects(world, 9), {Columns.USER, Columns.CAMPAIGN}),
        (satisfaction.utilities(world, 9), {Columns.USER, Columns.ITEM, Columns.BASKET}),
        (satisfaction.products(world), {Columns.ITEM}),
    ):
        assert set(table.columns) & OBSERVABLE == key


def in_attrs(world: World, events: pd.DataFrame) -> None:
    events.attrs["truth"] = [world]


def in_a_closure(world: World, events: pd.DataFrame) -> None:
    events.attrs["rule"] = lambda: world


def in_a_default(world: World, events: pd.DataFrame) -> None:
    def rule(of: World = world) -> World:
        return of

    events.attrs["rule"] = rule


def in_a_bound_method(world: World, events: pd.DataFrame) -> None:
    events.attrs["rule"] = world.parameters.digest


def in_an_array_of_objects(world: World, events: pd.DataFrame) -> None:
    events.attrs["rule"] = np.array([None, world], object)


def as_a_view(world: World, events: pd.DataFrame) -> None:
    events.attrs["rule"] = world.catalogue.style[:, :2]


def as_a_copy(world: World, events: pd.DataFrame) -> None:
    events.attrs["rule"] = world.catalogue.appeal.copy()


def as_a_column(world: World, events: pd.DataFrame) -> None:
    events["grade"] = 3


def as_a_function(world: World, events: pd.DataFrame) -> None:
    events.attrs["rule"] = search_truth.relevance


@pytest.mark.parametrize(
    "hide",
    [
        in_attrs, in_a_closure, in_a_default, in_a_bound_method, in_an_array_of_objects, as_a_view, as_a_copy,
        as_a_column, as_a_function,
    ],
)  # fmt: skip
def test_the_search_for_the_truth_would_find_it(
    hide: Callable[[World, pd.DataFrame], None], dataset: Dataset, world: World, hidden: list[np.ndarray]
) -> None:
    """Tucked away in any of these places, it is found."""
    events = dataset.events.copy()
    hide(world, events)
    assert leaks(Dataset(dataset.address, events, dataset.items), hidden)


def test_changing_what_was_handed_out_changes_nothing_for_others(world: World) -> None:
    address = registry.resolve("shop", "tiny")
    items = registry.load(address).items
    items.loc[0, Columns.TITLE_ZH] = "x"
    assert registry.load(address).items[Columns.TITLE_ZH].iloc[0] == world.catalogue.items[Columns.TITLE_ZH].iloc[0]
    assert world.catalogue.items[Columns.TITLE_ZH].iloc[0] != "x"
