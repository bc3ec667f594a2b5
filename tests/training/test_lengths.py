"""Histories of any length: nothing learned hangs on where in the window a product stands, and padding costs little."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data.histories import Histories, Split
from course_lib.models.base import untrained
from course_lib.training.batches import epoch_batches, make_windows
from course_lib.training.loop import Trainer

PRODUCTS, WINDOW = 30, 8


def rounds(lengths: list[int], seed: int) -> Histories:
    """Histories in which product i is followed by i + 1, the last one by the first."""
    starts = np.random.default_rng(seed).integers(0, PRODUCTS, len(lengths))
    return Histories.from_lists(
        [((start + np.arange(length)) % PRODUCTS + 1).tolist() for start, length in zip(starts, lengths, strict=True)]
    )


def test_learned_at_one_length_known_at_all() -> None:
    """The trap of right padding and learned positions: all histories in training are equally long, so a position used
    for shorter or longer ones was never trained."""
    settings = {"width": 16, "layers": 1, "heads": 2, "history_length": WINDOW}
    training = {"epochs": 25, "batch_size": 16, "learning_rate": 0.02, "weight_decay": 0.0}
    trainer = Trainer(untrained("sasrec", PRODUCTS, settings, 1), rounds([WINDOW + 1] * 120, 0), training, 1)
    for _ in range(25):
        list(trainer.epoch())
    for length in (1, 2, 5, WINDOW, WINDOW + 1, 3 * WINDOW):
        asked = rounds([length] * 40, length)
        last = np.array([history[-1] for history in asked])
        right = trainer.model.score(asked).argmax(1) == last % PRODUCTS + 1
        assert right.mean() > 0.95, length


def test_wider_padding_changes_no_score() -> None:
    """A history scored beside a long one, hence padded, and alone."""
    model = untrained("sasrec", PRODUCTS, {"width": 16, "layers": 2, "heads": 2, "history_length": WINDOW}, 1)
    short, both = Histories.from_lists([[3, 7]]), Histories.from_lists([[3, 7], [1] * WINDOW])
    np.testing.assert_allclose(model.score(both)[0, 1:], model.score(short)[0, 1:], rtol=1e-5, atol=1e-5)


def filled(train: Histories, length: int, batch_size: int) -> float:
    """The share of computed places that have a target."""
    windows = make_windows(train, length)
    computed = sum(inputs.size for inputs, _ in epoch_batches(windows, batch_size, np.random.default_rng(0)))
    return windows.targets / computed


def mixed(kind: str) -> Histories:
    rng = np.random.default_rng(0)
    lengths = {
        "even": rng.integers(2, 52, 4000),
        "long tail": np.minimum(2 + rng.lognormal(2.5, 1, 4000), 1000).astype(int),
        "many short": np.where(rng.random(4000) < 0.9, 3, 51),
    }[kind]
    return Histories(rng.integers(1, 100, lengths.sum()).astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]))


@pytest.mark.parametrize("kind", ["even", "long tail", "many short"])
def test_mixed_lengths_waste_little(kind: str) -> None:
    """Eight of ten computed places are real; batches drawn without regard to length would fill far fewer."""
    train = mixed(kind)
    assert filled(train, 50, 64) > 0.8
    windows = make_windows(train, 50)
    lengths = np.random.default_rng(0).permutation(windows.stop - windows.start - 1)
    careless = sum(len(some) * some.max() for some in np.array_split(lengths, len(lengths) // 64))
    assert windows.targets / careless < 0.6


def test_the_shop_wastes_little(split: Split) -> None:
    assert filled(split.train, 20, 64) > 0.8
