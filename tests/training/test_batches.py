"""Windows and batches: every product but the first of a history is a target exactly once an epoch."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.histories import Histories
from course_lib.training.batches import epoch_batches, make_windows

LENGTHS = st.lists(st.integers(0, 30), min_size=0, max_size=20)


def numbered(lengths: list[int]) -> Histories:
    """Histories in which no product occurs twice, so that a product tells its place."""
    offsets = np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)
    return Histories(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets)


def expected_targets(histories: Histories) -> list[int]:
    return sorted(int(item) for history in histories for item in history[1:])


@settings(deadline=None)
@given(lengths=LENGTHS, length=st.integers(1, 12))
def test_windows_cover_every_target_once(lengths: list[int], length: int) -> None:
    histories = numbered(lengths)
    windows = make_windows(histories, length)
    spans = list(zip(windows.start.tolist(), windows.stop.tolist(), strict=True))
    found = sorted(int(item) for start, stop in spans for item in histories.items[start + 1 : stop])
    assert found == expected_targets(histories)
    assert windows.targets == len(found)
    assert all(2 <= stop - start <= length + 1 for start, stop in spans)


@settings(deadline=None)
@given(lengths=LENGTHS, length=st.integers(1, 12))
def test_windows_overlap_in_one_item(lengths: list[int], length: int) -> None:
    """Cut from the newest back: only a history's oldest window is short; each begins at the last target before it."""
    histories = numbered(lengths)
    windows = make_windows(histories, length)
    for low, high in zip(histories.offsets[:-1], histories.offsets[1:], strict=True):
        mine = sorted(
            (start, stop) for start, stop in zip(windows.start, windows.stop, strict=True) if low <= start < high
        )
        if high - low < 2:
            assert not mine
            continue
        assert mine[0][0] == low
        assert mine[-1][1] == high
        assert all(earlier[1] - 1 == later[0] for earlier, later in pairwise(mine))
        assert all(stop - start == length + 1 for start, stop in mine[1:])


@settings(deadline=None)
@given(lengths=LENGTHS, length=st.integers(1, 12), size=st.integers(1, 7), seed=st.integers(0, 9))
def test_every_target_is_the_next_product_and_seen_once(lengths: list[int], length: int, size: int, seed: int) -> None:
    histories = numbered(lengths)
    windows = make_windows(histories, length)
    seen: Counter[int] = Counter()
    for inputs, targets in epoch_batches(windows, size, np.random.default_rng(seed)):
        assert inputs.shape == targets.shape
        assert inputs.dtype == targets.dtype == np.int64
        assert 1 <= len(inputs) <= size
        assert inputs.shape[1] <= length
        assert (inputs[:, 0] != 0).any(), "a batch is no wider than its longest window"
        real = inputs != 0
        assert (np.diff(real.astype(int), axis=1) >= 0).all(), "padding is on the left"
        assert ((targets != 0) == real).all()
        assert (targets[real] == inputs[real] + 1).all(), "the next product of the same history"
        seen.update(targets[real].tolist())
    assert sorted(seen.elements()) == expected_targets(histories)


def batches(seed: int) -> list[tuple[list[list[int]], list[list[int]]]]:
    windows = make_windows(numbered([5, 9, 2, 7, 3, 11, 4] * 20), 6)
    return [(a.tolist(), b.tolist()) for a, b in epoch_batches(windows, 8, np.random.default_rng(seed))]


def test_same_seed_same_batches() -> None:
    assert batches(1) == batches(1)
    assert batches(1) != batches(2)


def test_windows_of_like_length_share_a_batch() -> None:
    """Far less padding than in batches drawn at random, which is the point of sorting."""
    histories = numbered([2, 21] * 200)
    windows = make_windows(histories, 20)
    computed = sum(inputs.size for inputs, _ in epoch_batches(windows, 16, np.random.default_rng(0)))
    assert computed < 1.3 * windows.targets


def test_batches_come_in_random_order() -> None:
    """Short ones do not all come first: a model would end its epoch on long histories only."""
    windows = make_windows(numbered([2, 21] * 200), 20)
    widths = [inputs.shape[1] for inputs, _ in epoch_batches(windows, 16, np.random.default_rng(0))]
    assert widths != sorted(widths)


@pytest.mark.parametrize("lists", [[], [[]], [[1], [2]]], ids=["nobody", "nothing", "one each"])
def test_nothing_to_learn_makes_no_window(lists: list[list[int]]) -> None:
    windows = make_windows(Histories.from_lists(lists), 5)
    assert windows.targets == 0
    assert list(epoch_batches(windows, 8, np.random.default_rng(0))) == []
