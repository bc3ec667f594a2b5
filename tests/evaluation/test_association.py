"""Association rules against sums done by hand, and against baskets in which nothing goes with anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.association import EDGES, PairCounts, by_time, frequent_pairs, shuffled

MLXTEND = json.loads(Path(__file__).with_name("mlxtend_figures.json").read_text(encoding="utf-8"))

# Five baskets of bread 1, milk 2, beer 3, nappies 4: the textbook's example.
FIVE = Histories.from_lists([[1, 2], [1, 3, 4], [2, 3, 4], [1, 2, 3, 4], [1, 2, 2, 4]])


@pytest.fixture(scope="module")
def counts() -> PairCounts:
    return PairCounts.of(FIVE, 4)


def test_support_confidence_and_lift_by_hand(counts: PairCounts) -> None:
    """Beer and nappies lie together in 3 of 5 baskets; beer in 3, nappies in 4."""
    assert counts.n == 5
    assert counts.single[1:].tolist() == [4, 4, 3, 4]
    assert counts.support()[3, 4] == pytest.approx(3 / 5)
    assert counts.confidence()[3, 4] == pytest.approx(3 / 3)
    assert counts.confidence()[4, 3] == pytest.approx(3 / 4)
    assert counts.lift()[3, 4] == pytest.approx(5 * 3 / (3 * 4))
    assert counts.lift()[1, 2] == pytest.approx(5 * 3 / (4 * 4))


def test_against_pandas(counts: PairCounts) -> None:
    """The same tables from a crosstab of lines, as a spreadsheet would make them."""
    import pandas as pd

    lines = pd.DataFrame({"basket": np.repeat(np.arange(5), FIVE.lengths), "item": FIVE.items}).drop_duplicates()
    held = pd.crosstab(lines["basket"], lines["item"]).to_numpy()
    together = held.T @ held
    share = held.mean(0)
    lift = together / 5 / np.outer(share, share)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(counts.lift()[1:, 1:][off], lift[off], rtol=1e-6)
    np.testing.assert_allclose(counts.confidence()[1:, 1:][off], (together / held.sum(0)[:, None])[off], rtol=1e-6)


@pytest.mark.parametrize("case", MLXTEND.values(), ids=MLXTEND.keys())
def test_against_mlxtend(case: dict[str, Any]) -> None:
    """Every rule of a pair that occurs, and no other: from our counts to 1e-9, from the tables to the last bit."""
    baskets = Histories.from_lists(case["baskets"])
    counts = PairCounts.of(baskets, int(baskets.items.max()))
    off = ~np.eye(len(counts.together), dtype=bool)
    assert {(rule[0], rule[1]) for rule in case["rules"]} == set(zip(*np.nonzero(counts.together * off), strict=True))
    if not case["rules"]:
        return
    one, other = np.array([rule[:2] for rule in case["rules"]], int).T
    support, confidence, lift = np.array([rule[2:] for rule in case["rules"]]).T
    together, single = counts.together.astype(np.float64), counts.single.astype(np.float64)
    np.testing.assert_allclose(together[one, other] / counts.n, support, rtol=1e-9)
    np.testing.assert_allclose(together[one, other] / single[one], confidence, rtol=1e-9)
    np.testing.assert_allclose(counts.n * together[one, other] / (single[one] * single[other]), lift, rtol=1e-9)
    bit = 2.0**-23
    np.testing.assert_allclose(counts.support()[one, other], support, rtol=bit)
    np.testing.assert_allclose(counts.confidence()[one, other], confidence, rtol=bit)
    np.testing.assert_allclose(counts.lift()[one, other], lift, rtol=4 * bit)


def test_what_is_expected_among_baskets_of_like_size_by_hand(counts: PairCounts) -> None:
    """Sizes 2, 3, 3, 4, 3: strata {2}, {3}, {4}; nappies and beer in 3, 2 and in 1, 1 of the last two."""
    assert np.searchsorted(EDGES, [2, 3, 4], side="right").tolist() == [1, 2, 3]
    of_three = 3 * 2 * (3 * 3 * 2) / 9**2  # nappies 3, beer 2, three baskets with six ordered pairs each
    of_four = 1 * 1 * (4 * 3) / 4**2
    assert counts.expected()[3, 4] == pytest.approx(of_three + of_four)
    assert counts.adjusted()[3, 4] == pytest.approx(3 / (of_three + of_four))


def test_the_diagonal_and_padding_say_nothing(counts: PairCounts) -> None:
    for table in (counts.support(), counts.confidence(), counts.lift(), counts.adjusted()):
        assert not np.diagonal(table).any()
        assert not table[0].any()
        assert not table[:, 0].any()


def test_lift_of_unrelated_products_depends_on_sizes_alone() -> None:
    """Baskets all of one size k: k (k - 1) / k^2. With unequal sizes more."""
    equal = PairCounts.of(Histories.from_lists([[1, 2, 3], [2, 3, 4]] * 10), 4)
    assert equal.of_unrelated() == pytest.approx(6 / 9)
    unequal = PairCounts.of(Histories.from_lists([[1], [1, 2, 3, 4, 5]]), 5)
    assert unequal.of_unrelated() == pytest.approx(2 * 20 / 36)


def test_shuffled_baskets_have_lifts_above_one_and_adjusted_ones_around_one() -> None:
    """What the lesson warns of: sizes alone make lifts, and strata of size take them away."""
    rng = np.random.default_rng(0)
    sizes = rng.choice([2, 3, 40], 6000, p=[0.6, 0.3, 0.1])
    lists = [rng.choice(200, size, replace=False) + 1 for size in sizes]
    mixed = shuffled(Histories.from_lists(lists), rng)
    counts = PairCounts.of(mixed, 200)
    one, other = frequent_pairs(counts, 10)
    assert len(one) > 1000
    assert (counts.lift()[one, other] > 1).mean() > 0.95
    assert counts.lift()[one, other].mean() == pytest.approx(counts.of_unrelated(), rel=0.1)
    assert (counts.adjusted()[one, other] > 1).mean() == pytest.approx(0.5, abs=0.1)


def test_a_planted_pair_is_found_by_both() -> None:
    rng = np.random.default_rng(1)
    others = [rng.choice(np.arange(3, 40), 4, replace=False) for _ in range(900)]
    lists = [[1, 2, *some[:2]] if number % 10 == 0 else some for number, some in enumerate(others)]
    counts = PairCounts.of(Histories.from_lists(lists), 39)
    for table in (counts.lift(), counts.adjusted()):
        assert np.unravel_index(table.argmax(), table.shape) in [(1, 2), (2, 1)]


def test_later_baskets_are_later() -> None:
    from course_lib.data.baskets import Baskets

    n = np.array
    users, items, times = n([0, 0, 1, 1, 2, 2]), n([1, 2, 1, 2, 1, 2]), n([50, 50, 10, 10, 90, 90])
    some = Baskets.grouped(users, items, times, users + 1, 3, 2)
    first, last = by_time(some, some.times, 0.67)
    assert (first.tolist(), last.tolist()) == ([1, 0], [2])


def test_too_many_products_are_refused() -> None:
    with pytest.raises(CourseError) as caught:
        PairCounts.of(FIVE, 10_000)
    assert "10,000" in caught.value.text("en")
