"""Splits: no protocol learns or reads what it asks for, and the trainings differ in what they say they differ in."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Histories
from course_lib.data.splits import global_time, leave_one_out
from course_lib.errors import CourseError
from course_lib.evaluation.leakage import (
    GLOBAL,
    LAST,
    PROTOCOLS,
    RANDOM,
    STEPS,
    Log,
    Parted,
    late_targets,
    ndcg_of,
    protocol,
)

ITEMS = 10_000  # in the random logs every line is a product of its own, so that a product tells its basket


def dataset(shoppers: list[list[tuple[int, int]]]) -> Dataset:
    """Each shopper's baskets as (hours since the one before, lines); every line is another product."""
    rows: list[tuple[int, int, int, int]] = []
    for user, baskets in enumerate(shoppers):
        time = user % 3
        for number, (wait, lines) in enumerate(baskets):
            time += wait
            rows += [(user, len(rows) + 1 + line, time, user * 100 + number) for line in range(lines)]
    columns = [Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET]
    events = pd.DataFrame(rows, columns=columns).astype({Columns.USER: np.int32, Columns.ITEM: np.int32})
    return Dataset(Address("made-up", "tiny", "0" * 12), events, pd.DataFrame(index=range(ITEMS)))


baskets = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 3)), min_size=1, max_size=6)
many = st.lists(baskets, min_size=2, max_size=8)


def lines_of(log: Log, kept: np.ndarray) -> set[int]:
    """The products in the baskets ``kept``, a mask or numbers."""
    return {
        item
        for basket in np.arange(len(log.users))[kept]
        for item in log.items[log.starts[basket] : log.starts[basket + 1]]
    }


@settings(max_examples=150, deadline=None)
@given(many, st.sampled_from(PROTOCOLS), st.floats(0.3, 0.95), st.integers(0, 9))
def test_no_split_lets_a_target_into_its_own_training(
    shoppers: list[list[tuple[int, int]]], name: str, quantile: float, seed: int
) -> None:
    """Neither the product nor anything else of its basket, be it learned or read; and one target a shopper."""
    log = Log.make(dataset(shoppers), seed=seed)
    try:
        split = protocol(log, name, log.moment(quantile), np.random.default_rng(seed))
    except CourseError:  # nobody can be asked, see below
        return
    learned = set(log.learned(split.kept).items.tolist())
    assert learned == lines_of(log, split.kept)
    assert not learned & lines_of(log, split.targets)
    holdout = split.holdout(log)
    assert len(set(holdout.users.tolist())) == len(holdout)
    for row, target in enumerate(split.targets):
        own = lines_of(log, np.array([target]))
        assert holdout.targets[row] in own
        read = holdout.histories[row].tolist()
        assert not set(read) & own
        assert read
        mine = (log.users == log.users[target]) & (np.arange(len(log.users)) != target)
        before = mine & (np.arange(len(log.users)) < target)
        assert set(read) == lines_of(log, mine if name == RANDOM else before)


@settings(max_examples=100, deadline=None)
@given(many, st.sampled_from(PROTOCOLS), st.floats(0.3, 0.9), st.integers(0, 9))
def test_each_training_holds_what_it_says(
    shoppers: list[list[tuple[int, int]]], name: str, quantile: float, seed: int
) -> None:
    log = Log.make(dataset(shoppers), seed=seed)
    moment, random = log.moment(quantile), np.random.default_rng(seed)
    parted, targets = Parted.make(log, moment, random), late_targets(log, name, moment, random)
    early = log.times < moment
    assert (log.times[targets] >= moment).all()
    for asked in (parted.asked_first, ~parted.asked_first):
        ours = targets[asked[log.users[targets]]]
        kept = {step: parted.kept(step, asked, ours) for step in STEPS}
        mine = asked[log.users]
        for step in STEPS:
            assert not kept[step][ours].any(), step
        np.testing.assert_array_equal(kept["honest"], early)
        np.testing.assert_array_equal(kept["more"], early | ~mine)
        assert not (kept["later"] & ~kept["more"]).any()
        assert log.sizes[kept["later"]].sum() <= log.sizes[early].sum(), "no more is learned from than honestly"
        left_out = np.unique(log.users[kept["more"] & ~kept["later"]])
        assert not asked[left_out].any()
        assert not np.isin(log.users[kept["later"]], left_out).any(), "whole shoppers are left out"
        np.testing.assert_array_equal(kept["own"], kept["read"])
        assert (kept["own"] & ~early & ~mine).sum() == 0
        assert kept["own"].sum() == (early | mine).sum() - len(ours)


def test_late_targets_are_of_the_same_shoppers() -> None:
    log = Log.make(dataset([[(1, 1)] * 5, [(9, 2)] * 4, [(1, 1)], [(40, 1)] * 3]))
    moment = 11
    found = {name: late_targets(log, name, moment, np.random.default_rng(0)) for name in PROTOCOLS}
    users = [log.users[targets].tolist() for targets in found.values()]
    assert users[0] == users[1] == users[2] == [1]  # shopper 0 has none from then on, 3 none before
    assert found[GLOBAL] < found[LAST]
    assert found[GLOBAL] <= found[RANDOM] <= found[LAST]


def test_the_known_splits_are_these(journeys: Dataset) -> None:
    """Targets and histories as in course_lib/data/splits.py, whose training also gives up a basket for validation."""
    log = Log.make(journeys)
    theirs = leave_one_out(journeys).test
    ours = protocol(log, LAST, 0, np.random.default_rng(0)).holdout(log)
    rows = np.isin(ours.users, theirs.users)
    np.testing.assert_array_equal(ours.targets[rows], theirs.targets)
    np.testing.assert_array_equal(ours.take(np.flatnonzero(rows)).histories.items, theirs.histories.items)
    later = global_time(journeys, (0.5, 0.8)).test
    ours = protocol(log, GLOBAL, log.moment(0.8), np.random.default_rng(0)).holdout(log)
    np.testing.assert_array_equal(ours.users, later.users)
    np.testing.assert_array_equal(ours.targets, later.targets)
    np.testing.assert_array_equal(ours.histories.items, later.histories.items)


@pytest.fixture(scope="module")
def journeys() -> Dataset:
    random = np.random.default_rng(5)
    return dataset(
        [[(int(w), int(n)) for w, n in random.integers(1, [40, 4], (k, 2))] for k in random.integers(3, 9, 60)]
    )


def test_a_model_that_remembers_all_pairs_gains_from_its_own_future_only() -> None:
    """A world where a shopper's purchases go in pairs of their own: nobody else's tell anything."""
    shoppers = 40
    items = [[1 + 2 * user, 1 + 2 * user, 2 + 2 * user, 1 + 2 * user, 2 + 2 * user] for user in range(shoppers)]
    rows = [
        (user, item, place * 100 + user, user * 100 + place)
        for user, own in enumerate(items)
        for place, item in enumerate(own)
    ]
    events = pd.DataFrame(rows, columns=[Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET])
    data = Dataset(
        Address("made-up", "tiny", "0" * 12),
        events.astype({Columns.USER: np.int32, Columns.ITEM: np.int32}),
        pd.DataFrame(index=range(2 * shoppers)),
    )
    log = Log.make(data)
    random = np.random.default_rng(0)
    targets = {GLOBAL: late_targets(log, GLOBAL, 200, random)}
    assert (log.items[log.starts[targets[GLOBAL]]] % 2 == 0).all(), (
        "the third purchase is asked for, after two of another"
    )

    def fit(train: Histories):  # type: ignore[no-untyped-def]
        follows = np.zeros((2 * shoppers + 1, 2 * shoppers + 1))
        for history in train:
            for one, other in itertools.permutations(set(history.tolist()), 2):
                follows[one, other] += 1
        return lambda asked: follows[asked.padded(1)[:, 0]]

    found = Parted.make(log, 200, random).scores(fit, (GLOBAL,), targets)[GLOBAL]
    assert found["honest"].mean() == found["later"].mean() == found["more"].mean() < 0.2
    np.testing.assert_array_equal(found["own"], 1.0)


def test_nobody_to_ask_is_said() -> None:
    log = Log.make(dataset([[(1, 1)], [(2, 1)]]))
    for name in PROTOCOLS:
        with pytest.raises(CourseError) as caught:
            protocol(log, name, log.moment(0.5), np.random.default_rng(0))
        for language in ("zh", "en"):
            assert name in caught.value.text(language)


def test_the_first_shoppers_alone() -> None:
    data = dataset([[(1, 2)] * 3, [(2, 1)] * 4, [(3, 1)] * 2])
    log = Log.make(data, shoppers=2)
    assert log.shoppers == 2
    assert len(log.items) == 10
    assert Log.make(data, shoppers=99).shoppers == 3


def test_ndcg_of_what_is_found_first() -> None:
    log = Log.make(dataset([[(1, 1)] * 3] * 3))
    holdout = protocol(log, LAST, 0, np.random.default_rng(0)).holdout(log)

    def knows(histories: Histories) -> np.ndarray:
        scores = np.zeros((len(histories), 20))
        scores[:, holdout.targets] = 1.0
        return scores

    assert ndcg_of(knows, holdout).max() < 1, "three are tied for the first place"
