"""Splits: by hand on tiny frames, promises on random ones, and a frozen checksum."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse

from course_lib.data.columns import EVENT_COLUMNS, Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.histories import Histories, Holdout, Split
from course_lib.data.splits import as_sets, basket_order, checksum, global_time, leave_one_out, mixed
from course_lib.errors import CourseError


def dataset(rows: Sequence[tuple[int, int, int, int]], num_items: int = 99) -> Dataset:
    events = pd.DataFrame(rows, columns=list(EVENT_COLUMNS)).astype(
        {Columns.USER: "int32", Columns.ITEM: "int32", Columns.TIME: "int64", Columns.BASKET: "int64"}
    )
    return Dataset(Address("toy", "tiny", "0"), events, pd.DataFrame(index=range(num_items)))


def lists(histories: Histories) -> list[list[int]]:
    return [history.tolist() for history in histories]


# Events with a basket each: user 0 has five, user 1 two, user 2 three
SINGLE = dataset(
    [
        *((0, 11, 1, 1), (0, 12, 2, 2), (0, 13, 3, 3), (0, 14, 4, 4), (0, 15, 9, 5)),
        *((1, 21, 1, 6), (1, 22, 2, 7)),
        *((2, 31, 5, 8), (2, 32, 6, 9), (2, 33, 7, 10)),
    ]
)


def test_leave_one_out_event_by_event() -> None:
    split = leave_one_out(SINGLE)
    assert lists(split.train) == [[11, 12, 13], [21, 22], [31]]
    assert_array_equal(split.validation.users, [0, 2])
    assert lists(split.validation.histories) == [[11, 12, 13], [31]]
    assert_array_equal(split.validation.targets, [14, 32])
    assert_array_equal(split.test.users, [0, 2])
    assert lists(split.test.histories) == [[11, 12, 13, 14], [31, 32]]
    assert_array_equal(split.test.targets, [15, 33])


def test_a_larger_minimum_keeps_more_users_in_training_only() -> None:
    split = leave_one_out(SINGLE, minimum=4)
    assert lists(split.train) == [[11, 12, 13], [21, 22], [31, 32, 33]]
    assert_array_equal(split.test.users, [0])


def test_global_time_by_hand() -> None:
    # 14 at time 4 lies before t1 = 5, 31 and 32 between, 33 and 15 from t2 = 7 on
    split = global_time(SINGLE, quantiles=(0.7, 0.85))
    assert lists(split.train) == [[11, 12, 13, 14], [21, 22], [31]]
    assert_array_equal(split.validation.users, [2])
    assert lists(split.validation.histories) == [[31]]
    assert_array_equal(split.validation.targets, [32])
    assert_array_equal(split.test.users, [0, 2])
    assert lists(split.test.histories) == [[11, 12, 13, 14], [31, 32]]
    assert_array_equal(split.test.targets, [15, 33])


def test_targets_never_see_their_own_basket() -> None:
    rows = [(0, 1, 1, 1), (0, 2, 1, 1), (0, 3, 2, 2), (0, 4, 2, 2), (0, 5, 3, 3), (0, 6, 3, 3), (0, 7, 3, 3)]
    split = leave_one_out(dataset(rows))
    assert set(lists(split.train)[0]) == {1, 2}
    assert set(lists(split.validation.histories)[0]) == {1, 2}
    assert split.validation.targets[0] in {3, 4}
    assert set(lists(split.test.histories)[0]) == {1, 2, 3, 4}
    assert split.test.targets[0] in {5, 6, 7}


def test_any_product_of_the_basket_can_be_the_target() -> None:
    rows = [(0, 1, 1, 1), (0, 3, 2, 2), (0, 5, 3, 3), (0, 6, 3, 3), (0, 7, 3, 3)]
    drawn = [int(leave_one_out(dataset(rows), seed=seed).test.targets[0]) for seed in range(300)]
    counts = np.bincount(drawn, minlength=8)[5:]
    assert counts.sum() == 300
    assert counts.min() > 70  # a fair draw gives 100 each, with a deviation of 8


def test_the_order_of_the_file_has_no_say() -> None:
    rng = np.random.default_rng(0)
    rows = [(u, int(i), b, 100 * u + b) for u in range(20) for b in range(5) for i in rng.choice(50, 6, False) + 1]
    shuffled = [
        row
        for basket in range(100)
        for row in rng.permutation([r for r in rows if r[3] == basket % 5 + basket // 5 * 100])
    ]
    a, b = dataset(rows), dataset([tuple(int(x) for x in row) for row in shuffled])
    assert not a.events.equals(b.events)
    assert as_sets(a.events).equals(as_sets(b.events))
    assert checksum(leave_one_out(a)) == checksum(leave_one_out(b))
    assert as_sets(as_sets(a.events)).equals(as_sets(a.events))
    assert not as_sets(a.events, seed=1).equals(as_sets(a.events))


def test_a_basket_in_pieces_is_put_together() -> None:
    # two baskets of the same second, their lines mixed; another user's basket 1 is another basket
    rows = [(0, 1, 5, 1), (0, 2, 5, 2), (0, 3, 5, 1), (0, 4, 5, 2), (1, 5, 5, 1)]
    events = dataset(rows).events
    assert as_sets(events)[Columns.BASKET].tolist() == [1, 1, 2, 2, 1]
    assert sorted(basket_order(events)) == [0, 1, 2, 3, 4]


def test_a_planted_order_is_gone() -> None:
    """Baskets of the ten products, always in ascending order: a chain on the file knows the next line every time."""
    rows = [(u, i, b, 10 * u + b) for u in range(40) for b in range(5) for i in range(1, 11)]
    planted = dataset(rows, 10)

    def sureness(histories: Histories) -> float:
        inside = np.ones(len(histories.items) - 1, bool)
        inside[histories.offsets[1:-1] - 1] = False
        pairs = (histories.items[:-1][inside], histories.items[1:][inside])
        counts = sparse.coo_array((np.ones(len(pairs[0])), pairs), shape=(11, 11)).toarray()[1:]
        return float(counts.max(axis=1).sum() / counts.sum())

    assert sureness(planted.histories()) == 1.0
    assert sureness(leave_one_out(planted).train) < 0.2  # one in nine, and noise


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    rows, basket, users = [], 0, draw(st.integers(1, 6))
    for user in range(users):
        time = 0
        for _ in range(draw(st.integers(3 if user == 0 else 1, 6))):
            time += draw(st.integers(0, 3))
            basket += 1
            items = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True))
            rows += [(user, item, time, basket) for item in items]
    return dataset(rows, 9)


@settings(max_examples=60, deadline=None)
@given(datasets())
def test_promises_hold_on_any_dataset(data: Dataset) -> None:
    splits = [leave_one_out(data)]
    with contextlib.suppress(CourseError):  # where nobody comes back later there is no such split
        splits.append(global_time(data, (0.5, 0.8)))
    for split in splits:
        check_promises(data, split.validation)
        check_promises(data, split.test)


def check_promises(data: Dataset, holdout: Holdout) -> None:
    """The history is what its user bought in whole baskets up to some moment; the target is in the next basket."""
    for user, history, target in zip(holdout.users, holdout.histories, holdout.targets, strict=True):
        mine = data.events[data.events[Columns.USER] == user]
        baskets = [group[Columns.ITEM].tolist() for _, group in mine.groupby(Columns.BASKET, sort=False)]
        rest = history.tolist()
        while rest:
            basket = baskets.pop(0)
            assert sorted(rest[: len(basket)]) == sorted(basket)
            rest = rest[len(basket) :]
        assert len(history)
        assert target in baskets[0]


def test_nothing_is_lost_by_leave_one_out() -> None:
    split = leave_one_out(SINGLE)
    kept = len(split.train.items) + len(split.validation) + len(split.test)
    assert kept == len(SINGLE.events)


def test_too_little_data_says_so() -> None:
    with pytest.raises(CourseError, match="3 baskets") as caught:
        leave_one_out(dataset([(0, 1, 1, 1), (0, 2, 2, 2), (1, 3, 1, 3)]))
    assert "toy" in caught.value.text("zh")
    with pytest.raises(CourseError):
        leave_one_out(dataset([]))
    with pytest.raises(CourseError, match="longer time"):
        global_time(dataset([(0, 1, 1, 1), (1, 2, 9, 2), (2, 3, 10, 3)]))
    with pytest.raises(ValueError, match="minimum is 2"):
        leave_one_out(SINGLE, minimum=2)
    with pytest.raises(ValueError, match="quantiles"):
        global_time(SINGLE, (0.9, 0.8))


def frozen() -> Dataset:
    rng = np.random.default_rng(7)
    users = np.sort(rng.integers(0, 50, 1000))
    rows = zip(users, rng.integers(1, 100, 1000), np.arange(1000), np.arange(1000) // 3 + 1000 * users, strict=True)
    return dataset([tuple(int(x) for x in row) for row in rows])


def test_splits_are_frozen() -> None:
    """A change here changes every published figure: raise the version of whatever depends on it."""
    assert checksum(leave_one_out(frozen())) == "58e3fd81fd3e6488"
    assert checksum(global_time(frozen())) == "692354192439c6ee"


def test_the_checksum_sees_every_part() -> None:
    split = leave_one_out(frozen())
    swapped = Split(split.name, split.train, split.test, split.validation)
    renamed = Split("other", split.train, split.validation, split.test)
    assert len({checksum(split), checksum(swapped), checksum(renamed)}) == 3


def test_the_hash_is_splitmix64() -> None:
    assert mixed(0)[0] == 0xE220A8397B1DCDAF  # its first number from state 0, as published with the generator
