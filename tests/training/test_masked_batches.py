"""Gaps to fill: each window twice, some products hidden at random and then the newest one, never all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.histories import Histories
from course_lib.models.base import untrained
from course_lib.training.batches import Masking, Windows, epoch_batches, make_windows, masking_of, targets_in_epoch

GAP = 999
LENGTHS = st.lists(st.integers(0, 30), min_size=0, max_size=20)


def numbered(lengths: list[int]) -> Histories:
    """Histories in which no product occurs twice, so that a product tells its place."""
    offsets = np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)
    return Histories(np.arange(1, offsets[-1] + 1, dtype=np.int32), offsets)


def windows_of(*lengths: int) -> Windows:
    return make_windows(numbered(list(lengths)), 8)


@settings(deadline=None)
@given(lengths=LENGTHS, size=st.integers(1, 7), seed=st.integers(0, 9), share=st.floats(0.05, 0.9))
def test_what_was_hidden_is_the_target(lengths: list[int], size: int, seed: int, share: float) -> None:
    """The input with its targets put back is the window, and the first half of a batch is the second half's windows."""
    windows, masking, found = make_windows(numbered(lengths), 8), Masking(share, GAP), 0
    shown: list[int] = []
    for inputs, targets in epoch_batches(windows, size, np.random.default_rng(seed), masking):
        assert inputs.shape == targets.shape
        assert inputs.dtype == targets.dtype == np.int64
        assert 2 <= len(inputs) <= 2 * size
        assert inputs.shape[1] <= 9
        assert ((inputs == GAP) == (targets != 0)).all()
        whole = np.where(targets != 0, targets, inputs)
        at_random, newest = np.split(whole, 2)
        np.testing.assert_array_equal(at_random, newest)
        real = at_random != 0
        assert (np.diff(real.astype(int), axis=1) >= 0).all(), "padding is on the left"
        assert (at_random[:, 1:] == at_random[:, :-1] + 1)[real[:, :-1]].all(), "a window, in order"
        shown += at_random[real].tolist()
        found += int((targets != 0).sum())
    assert found == targets_in_epoch(windows, masking)
    expected = [n for a, b in zip(windows.start, windows.stop, strict=True) for n in windows.items[a:b].tolist()]
    assert sorted(shown) == sorted(expected), "every window once"


def test_a_share_is_hidden_and_something_stays() -> None:
    """Two of nine at 0.25; at least one of two; never all, whatever the share."""
    for share, length, hidden in ((0.25, 9, 2), (0.3, 2, 1), (0.05, 9, 1), (0.9, 9, 8), (0.9, 3, 2), (0.5, 2, 1)):
        masking = Masking(share, GAP)
        ((inputs, _),) = epoch_batches(windows_of(length), 1, np.random.default_rng(0), masking)
        assert (inputs[0] == GAP).sum() == hidden, (share, length)
        assert masking.hidden(np.array([length])).tolist() == [hidden]


def test_the_newest_is_always_asked_once() -> None:
    for _, targets in epoch_batches(windows_of(9, 5, 3, 7), 4, np.random.default_rng(0), Masking(0.3, GAP)):
        last = targets[len(targets) // 2 :]
        assert (last[:, -1] != 0).all()
        assert (last[:, :-1] == 0).all()


def test_every_place_is_hidden_at_times() -> None:
    """And about equally often."""
    windows, times = windows_of(*[9] * 300), np.zeros(9)
    for _, targets in epoch_batches(windows, 50, np.random.default_rng(0), Masking(0.33, GAP)):
        times += (targets[: len(targets) // 2] != 0).sum(0)
    assert times.sum() == 900
    assert times.min() > 70
    assert times.max() < 130


def test_the_seed_decides() -> None:
    def batches(seed: int) -> list[Any]:
        drawn = epoch_batches(windows_of(5, 9, 2, 7), 2, np.random.default_rng(seed), Masking(0.3, GAP))
        return [inputs.tolist() for inputs, _ in drawn]

    assert batches(1) == batches(1)
    assert batches(1) != batches(2)


def test_next_is_what_it_was() -> None:
    """A model that predicts the next product gets the same batches with or without there being others."""
    windows = windows_of(5, 9, 2, 7)
    plain = list(epoch_batches(windows, 2, np.random.default_rng(1)))
    given = list(epoch_batches(windows, 2, np.random.default_rng(1), None))
    assert [(a.tolist(), b.tolist()) for a, b in plain] == [(a.tolist(), b.tolist()) for a, b in given]
    assert sum(int((b != 0).sum()) for _, b in plain) == targets_in_epoch(windows, None) == windows.targets


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_the_model_says_how(share: float) -> None:
    model = untrained("bert4rec", 20, {"width": 8, "heads": 2, "mask_share": share}, 1)
    assert masking_of(model) == Masking(share, 21)
    assert masking_of(untrained("sasrec", 20, {"width": 8, "heads": 2}, 1)) is None
