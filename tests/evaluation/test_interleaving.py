"""Team drafts, the exact chances to be preferred, and the power of the sign test; by rule and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.interleaving import interleaving_needed, interleaving_power, preferences, team_draft

N, PRODUCTS, K = 300, 14, 5


@pytest.fixture
def rankings() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.permuted(np.tile(np.arange(PRODUCTS), (N, 1)), axis=1), rng.permuted(
        np.tile(np.arange(PRODUCTS), (N, 1)), axis=1
    )


def by_hand(a: list[int], b: list[int], coins: list[bool], size: int) -> tuple[list[int], list[int]]:
    """The algorithm as it is printed: who has fewer picks next, and the coin decides between equals."""
    drafted: list[int] = []
    team: list[int] = []
    while len(drafted) < size:
        ours, theirs = team.count(0), team.count(1)
        second = ours > theirs or (ours == theirs and coins[len(drafted) // 2])
        drafted.append(next(item for item in (b if second else a) if item not in drafted))
        team.append(int(second))
    return drafted, team


def test_a_draft_is_the_printed_algorithm(rankings: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = rankings
    coins = np.random.default_rng(2).random((N, 3)) < 0.5
    lists, team = team_draft(a, b, coins, K)
    for n in range(N):
        assert (lists[n].tolist(), team[n].tolist()) == by_hand(a[n].tolist(), b[n].tolist(), coins[n].tolist(), K)
        assert len(set(lists[n])) == K


def test_lists_that_cannot_be_drafted_are_refused(rankings: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = rankings
    coins = np.zeros((N, 3), bool)
    for bad in ((a[:5], b, coins, K), (a[:, :3], b, coins, K), (a, b, coins[:, :2], K), (a, b, coins[:9], K)):
        with pytest.raises(ValueError, match="cannot fill"):
            team_draft(*bad)


def test_preferences_are_how_often_it_happens(rankings: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = (one[:3, :K] for one in rankings)
    rng = np.random.default_rng(3)
    attractive, looked = rng.random((3, PRODUCTS)), np.arange(1, K + 1) ** -0.8
    win, lose = preferences(a, b, looked, attractive)
    times = 60_000
    for n in range(3):
        lists, team = team_draft(np.tile(a[n], (times, 1)), np.tile(b[n], (times, 1)), rng.random((times, 3)) < 0.5, K)
        clicked = rng.random(lists.shape) < attractive[n][lists] * looked
        lead = (clicked * (2 * team - 1)).sum(1)
        assert (lead > 0).mean() == pytest.approx(win[n], abs=0.008)
        assert (lead < 0).mean() == pytest.approx(lose[n], abs=0.008)


def test_a_list_against_itself_is_preferred_as_often_as_not(rankings: tuple[np.ndarray, np.ndarray]) -> None:
    a = rankings[0][:, :4]
    win, lose = preferences(a, a, np.ones(4), np.random.default_rng(4).random((N, PRODUCTS)))
    assert win == pytest.approx(lose)


@pytest.mark.parametrize(("win", "lose", "shoppers"), [(0.3, 0.25, 2000), (0.05, 0.09, 700)])
def test_power_is_how_often_it_happens(win: float, lose: float, shoppers: int) -> None:
    counts = np.random.default_rng(5).multinomial(shoppers, [win, lose, 1 - win - lose], 40_000)
    z = (counts[:, 0] - counts[:, 1]) / np.sqrt(counts[:, 0] + counts[:, 1])
    assert (np.abs(z) >= 1.959964).mean() == pytest.approx(interleaving_power(win, lose, shoppers), abs=0.012)
    needed = interleaving_needed(win, lose)
    assert interleaving_power(win, lose, needed) == pytest.approx(0.8, abs=1e-3)


def test_no_preference_is_said() -> None:
    for win, lose in ((0.0, 0.0), (0.7, 0.6), (-0.1, 0.3), (float("nan"), 0.1)):
        with pytest.raises(CourseError) as caught:
            interleaving_power(win, lose, 100)
        assert caught.value.key == "ab_no_preference"
    with pytest.raises(CourseError) as caught:
        interleaving_needed(0.2, 0.2)
    assert caught.value.key == "ab_no_lift"
    assert (interleaving_power(1.0, 0.0, 3), interleaving_power(1.0, 0.0, 4)) == (0, 1)
