"""The shop as a dataset: sound, without its truth, and with models in the order that the course teaches."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.checks import check
from course_lib.data.columns import EVENT_COLUMNS, ITEM_COLUMNS
from course_lib.data.dataset import Dataset
from course_lib.data.splits import leave_one_out
from course_lib.evaluation.intervals import paired_difference
from course_lib.evaluation.metrics import ndcg
from course_lib.settings import load_settings
from course_lib.shop import source
from course_lib.shop.catalogue import Catalogue
from course_lib.shop.parameters import Parameters
from course_lib.shop.simulate import Block, Shoppers
from course_lib.shop.world import World
from course_lib.training.references import References, references


def test_sound(dataset: Dataset) -> None:
    assert check(dataset) == ()
    assert dataset.num_users == source.sizes()["tiny"]


def test_sizes_and_versions() -> None:
    """The default is small; a version is 12 hexadecimal digits and belongs to one size."""
    assert next(iter(source.sizes())) == "small"
    assert {"tiny", "small", "large"} <= set(source.sizes())
    versions = [source.version(size) for size in source.sizes()]
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)


def test_read_from_disk_the_same(dataset: Dataset) -> None:
    """The first load writes what later ones read."""
    folder = load_settings().datasets / dataset.address.folder
    assert (folder / "events.parquet").exists()
    pd.testing.assert_frame_equal(registry.load(dataset.address).events, dataset.events)


def reachable(start: Any) -> list[Any]:
    """Everything that can be reached from an object by attributes, entries and columns."""
    found: list[Any] = []
    known: set[int] = set()
    waiting = [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in known or isinstance(thing, str | bytes | int | float | type(None) | type):
            continue
        known.add(id(thing))
        found.append(thing)
        if dataclasses.is_dataclass(thing):
            waiting += [getattr(thing, field.name) for field in dataclasses.fields(thing)]
        if isinstance(thing, dict):
            waiting += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set):
            waiting += list(thing)
        elif isinstance(thing, pd.DataFrame):
            waiting += [thing.attrs, thing.index, *(thing[name].to_numpy() for name in thing.columns)]
        elif isinstance(thing, np.ndarray):
            waiting += [thing.base]
            waiting += [] if thing.dtype != object else thing[:5].tolist()
        if hasattr(thing, "__dict__"):
            waiting += list(vars(thing).values())
    return found


def test_the_truth_is_out_of_reach(dataset: Dataset, world: World) -> None:
    """Nothing that hangs on a loaded dataset leads to tastes, missions or the catalogue's latent traits."""
    secrets = [world.catalogue.appeal, world.catalogue.style, world.catalogue.price_level]
    things = reachable(dataset)
    assert any(thing is dataset.events for thing in things)
    for thing in things:
        assert not isinstance(thing, World | Catalogue | Block | Shoppers | Parameters)
        if isinstance(thing, np.ndarray):
            assert not any(np.shares_memory(thing, secret) for secret in secrets)
    assert tuple(dataset.events.columns) == EVENT_COLUMNS
    assert tuple(dataset.items.columns) == ITEM_COLUMNS


def test_the_search_for_the_truth_would_find_it(dataset: Dataset, world: World) -> None:
    """A frame with the world tucked away in it would not pass the test above."""
    events = dataset.events.copy()
    events.attrs["truth"] = [world]
    leaking = Dataset(dataset.address, events, dataset.items)
    assert any(isinstance(thing, World) for thing in reachable(leaking))


def test_the_disk_has_no_truth_either(dataset: Dataset) -> None:
    folder = load_settings().datasets / dataset.address.folder
    assert {path.name for path in Path(folder).iterdir()} == {"events.parquet", "sha256.json"}


@pytest.fixture(scope="module")
def lines(dataset: Dataset) -> References:
    return references(dataset, leave_one_out(dataset))


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize(
    ("worse", "better"), [("popularity", "item-knn"), ("item-knn", "markov"), ("markov", "filtered")]
)
def test_the_order_of_the_models(lines: References, part: str, worse: str, better: str) -> None:
    """What the course teaches from: each model beats the one before, surely, on the same shoppers."""
    ranks = getattr(lines, part)
    gain = paired_difference(ndcg(ranks[better].to_numpy()), ndcg(ranks[worse].to_numpy()))
    assert gain.low > 0


@pytest.mark.parametrize("part", ["validation", "test"])
def test_knowing_everything_is_no_worse(lines: References, part: str) -> None:
    ranks = getattr(lines, part)
    gain = paired_difference(ndcg(ranks["known"].to_numpy()), ndcg(ranks["filtered"].to_numpy()))
    assert gain.high > 0
