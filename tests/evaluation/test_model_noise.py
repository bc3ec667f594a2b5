"""Noise between models: shares are those of simulated comparisons, intervals those of the course's functions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from course_lib.evaluation.intervals import bootstrap, over_seeds, paired_difference
from course_lib.evaluation.model_noise import Trials, below_zero

Values = NDArray[np.float64]


def made(seeds: int = 5, shoppers: int = 3000, ahead: float = 0.01, spread: float = 0.02) -> tuple[Values, Values]:
    """Values of two models: shoppers who are hard for both, runs that differ, and the first model ahead."""
    random = np.random.default_rng(0)
    hard = random.random(shoppers)
    ours, theirs = (
        hard + random.normal(0, spread, (seeds, 1)) + random.normal(0, 0.15, (seeds, shoppers)) for _ in range(2)
    )
    return ours - ours.mean() + theirs.mean() + ahead, theirs


@pytest.mark.parametrize(("shoppers", "seeds"), [(100, 1), (100, 3), (2000, 1), (2000, 3)])
def test_wrong_picks_are_those_of_real_comparisons(shoppers: int, seeds: int) -> None:
    ours, theirs = made()
    random = np.random.default_rng(1)
    wrong = []
    for _ in range(2000):
        some = random.integers(0, ours.shape[1], shoppers)
        a, b = (one[random.integers(0, len(one), seeds)][:, some].mean() for one in (ours, theirs))
        wrong.append(a < b)
    assert Trials.make(ours, theirs).wrong(shoppers, seeds) == pytest.approx(np.mean(wrong), abs=0.035)


def test_the_order_of_the_models_does_not_matter() -> None:
    ours, theirs = made()
    one, other = Trials.make(ours, theirs), Trials.make(theirs, ours)
    assert one.difference == pytest.approx(-other.difference)
    assert one.wrong(500) == pytest.approx(other.wrong(500))
    assert one.covered(500) == pytest.approx(other.covered(500))
    assert one.false_alarms() == other.false_alarms()


def test_shoppers_help_until_the_seeds_are_what_is_left() -> None:
    trials = Trials.make(*made())
    shares = [trials.wrong(n) for n in (20, 200, 2000, 20_000)]
    assert shares == sorted(shares, reverse=True)
    floor = np.mean(np.subtract.outer(trials.ours, trials.theirs) < 0)
    assert floor > 0.05, "some pairs of runs stand the wrong way round"
    assert trials.wrong(10**9) == pytest.approx(floor, abs=1e-6)
    assert trials.wrong(20_000, 20) < trials.wrong(20_000, 2) < trials.wrong(20_000, 1)


def test_without_noise_between_seeds_paired_intervals_cover() -> None:
    ours, theirs = made(spread=0.0, shoppers=20_000)
    assert Trials.make(ours, theirs).covered(1000) == pytest.approx(0.95, abs=0.01)
    assert Trials.make(*made(spread=0.05)).covered(3000) < 0.5


def test_half_widths_are_those_of_the_bootstrap() -> None:
    ours, theirs = made()
    widths = Trials.make(ours, theirs).half_widths(ours.shape[1])
    paired = [paired_difference(a, b, seed=n) for n, (a, b) in enumerate(zip(ours, theirs, strict=True))]
    assert widths["paired"] == pytest.approx(np.mean([(one.high - one.low) / 2 for one in paired]), rel=0.05)
    alone = [bootstrap(values) for values in (*ours, *theirs)]
    both = np.sqrt(2) * np.mean([(one.high - one.low) / 2 for one in alone])
    assert widths["unpaired"] == pytest.approx(both, rel=0.05)
    assert widths["paired"] < widths["unpaired"] / 1.5
    assert widths["whole"] > widths["paired"]
    assert Trials.make(ours, theirs).half_widths(100, 4)["whole"] < Trials.make(ours, theirs).half_widths(100)["whole"]


def test_so_many_shoppers_find_the_difference_in_four_of_five_comparisons() -> None:
    ours, theirs = made(spread=0.0, shoppers=20_000, ahead=0.02)
    needed = Trials.make(ours, theirs).needed()
    random = np.random.default_rng(2)
    found = []
    for trial in range(2000):
        some = random.integers(0, ours.shape[1], round(needed["paired"]))
        gains = ours[trial % 5, some] - theirs[trial // 5 % 5, some]
        found.append(gains.mean() > 1.96 * gains.std() / len(gains) ** 0.5)
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)
    assert needed["unpaired"] > 3 * needed["paired"]


def test_false_alarms_are_counted_by_hand() -> None:
    random = np.random.default_rng(0)
    same = random.random((3, 400))
    moved = same + np.array([[0.0], [0.0], [0.5]])
    pairs, different = Trials.make(same, moved).false_alarms()
    assert pairs == 6
    by_hand = sum(
        not (one.low <= 0 <= one.high)
        for some in (same, moved)
        for one in (paired_difference(some[i], some[j], 3000) for i, j in ((0, 1), (0, 2), (1, 2)))
    )
    assert different == by_hand >= 2


def test_over_seeds_is_students_interval_of_the_differences() -> None:
    ours, theirs = made()
    wanted = over_seeds((ours.mean(1) - theirs.mean(1)).tolist())
    assert_allclose(list(Trials.make(ours, theirs).over_seeds().values()), list(wanted.to_dict().values()), atol=1e-12)


def test_equal_models_are_a_toss() -> None:
    same = np.tile(np.random.default_rng(0).random(50), (2, 1))
    trials = Trials.make(same, same)
    assert trials.difference == 0
    assert trials.wrong(1000) == 0.5
    assert trials.needed() == {}
    assert trials.covered(1000) == 1.0
    assert trials.false_alarms() == (2, 0)


def test_nothing_varies() -> None:
    assert below_zero(np.array([-1.0, 0.0, 1.0]), np.zeros(3)).tolist() == [1.0, 0.5, 0.0]


def test_nonsense_is_refused() -> None:
    some = np.random.default_rng(0).random((2, 30))
    with pytest.raises(ValueError, match="same shoppers"):
        Trials.make(some, some[:, :29])
    with pytest.raises(ValueError, match=r"expected \(S, N\)"):
        Trials.make(some[0], some[1])
    with pytest.raises(ValueError, match="at least two of either model"):
        Trials.make(some[:1], some)
    with pytest.raises(ValueError, match="1 shopper"):
        Trials.make(some[:, :1], some[:, :1])
    with pytest.raises(ValueError, match="finite"):
        Trials.make(some, np.full((2, 30), np.nan))
    for shoppers, seeds in ((0, 1), (10, 0)):
        with pytest.raises(ValueError, match="at least one of each"):
            Trials.make(some, some).wrong(shoppers, seeds)
