"""Additions that close a gap, against trying every product and every pair."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from course_lib.evaluation.closing_pairs import CENT, additions


def every(score: np.ndarray, price: np.ndarray, gap: float, slack: float, k: int) -> list[float]:
    """The worth of the k best, by brute force."""
    good = [n for n in range(len(score)) if np.isfinite(score[n]) and score[n] > 0]
    tried = [(n,) for n in good] + list(itertools.combinations(good, 2))
    fits = [one for one in tried if gap - CENT <= sum(price[n] for n in one) <= gap + slack + CENT]
    return sorted((float(sum(score[n] for n in one)) for one in fits), reverse=True)[:k]


@pytest.mark.parametrize("seed", range(40))
def test_it_finds_what_trying_all_pairs_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 60))
    score = np.round(rng.exponential(1.0, count + 1) * (rng.random(count + 1) < 0.8), int(rng.integers(1, 6)))
    score[0] = -np.inf
    price = np.round(rng.lognormal(3, 0.8, count + 1), 2)
    gap, slack, k = float(rng.uniform(1, 90)), float(rng.choice([0.0, 2.0, 20.0])), int(rng.integers(1, 8))
    found = additions(score, price, gap, slack, k)
    assert [one.score for one in found] == pytest.approx(every(score, price, gap, slack, k))
    assert len({one.items for one in found}) == len(found)
    for one in found:
        assert gap - CENT <= one.price <= gap + slack + CENT
        assert one.price == pytest.approx(sum(price[n] for n in one.items))
        assert one.score == pytest.approx(sum(score[n] for n in one.items))
        assert len(one.items) == len(set(one.items)) <= 2
    alone = additions(score, price, gap, slack, k, most=1)
    assert all(len(one.items) == 1 for one in alone)
    assert [one.score for one in alone] == sorted((one.score for one in alone), reverse=True)


def test_a_pair_where_nothing_closes_it_alone() -> None:
    score, price = np.array([-np.inf, 0.5, 0.3, 0.2, 0.0]), np.array([0.0, 30, 25, 80, 55])
    assert additions(score, price, 50, 10, 3, most=1) == [], "the one at 55 is unknown, the one at 80 too dear"
    assert [one.items for one in additions(score, price, 50, 10, 3)] == [(1, 2)]
    assert [one.items for one in additions(score, price, 50, 40, 3)] == [(1, 2), (3,)]
    assert additions(score, price, 500, 10, 3) == []
    assert additions(np.full(5, -np.inf), price, 5, 10, 3) == []
