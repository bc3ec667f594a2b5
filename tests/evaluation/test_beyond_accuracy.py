"""Metrics beyond accuracy: against stored answers of RecTools and SciPy, against sums written out, and conventions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib.data.histories import Histories
from course_lib.evaluation import beyond_accuracy as beyond
from course_lib.evaluation.steered import blended, calibrated

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "rectools_reference.json").read_text(encoding="utf-8"))
GIVEN, ANSWERS, V = REFERENCE["inputs"], REFERENCE["answers"], int(REFERENCE["products"])
LISTS = np.array(GIVEN["lists"])
HISTORIES = Histories.from_lists(GIVEN["histories"])
FEATURES = np.array([[0, 0], *GIVEN["features"]])
KINDS = int(FEATURES[:, 0].max()) + 1


# Against another implementation, to 1e-9


def test_coverage_is_rectools() -> None:
    assert beyond.coverage(LISTS, V) == pytest.approx(ANSWERS["coverage"], abs=1e-9)
    assert beyond.coverage(LISTS[:2], V) < beyond.coverage(LISTS, V)


def test_novelty_is_rectools_mean_inverse_user_frequency() -> None:
    known = beyond.buyers(HISTORIES, V)
    assert (known == 0).sum() > 1, "some products nobody has bought"
    assert_allclose(beyond.novelty(LISTS, known, len(HISTORIES)), ANSWERS["novelty"], atol=1e-9)


def test_distance_is_rectools_divided_by_the_features() -> None:
    assert_allclose(2 * beyond.intra_list_distance(LISTS, FEATURES), ANSWERS["distance"], atol=1e-9)


def test_serendipity_is_rectools() -> None:
    sold = np.bincount(HISTORIES.items, minlength=V + 1)
    ours = beyond.serendipity(LISTS, GIVEN["targets"], sold)
    assert_allclose(ours, ANSWERS["serendipity"], atol=1e-9)
    assert (ours > 0).sum() > 5


def test_mean_popularity_is_rectools() -> None:
    assert_allclose(beyond.list_means(LISTS, beyond.buyers(HISTORIES, V)), ANSWERS["popularity"], atol=1e-9)


def test_miscalibration_is_scipys_entropy() -> None:
    kind = FEATURES[:, 0]
    wanted = beyond.history_proportions(HISTORIES, kind, KINDS)
    given = beyond.proportions(LISTS, kind, KINDS)
    assert_allclose(beyond.miscalibration(wanted, given), ANSWERS["divergence"], atol=1e-9)


def test_gini_is_half_the_relative_mean_difference() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        counts = rng.poisson(rng.gamma(0.5, 4, 40))
        pairs = np.abs(counts[:, None] - counts[None]).sum() / (2 * len(counts) ** 2 * max(counts.mean(), 1e-12))
        assert beyond.gini(counts) == pytest.approx(pairs, abs=1e-9)


def test_popularity_lift_written_out() -> None:
    had, given = np.array([1.0, 2.0, 3.0, 5.0]), np.array([2.0, 2.0, 3.0, 0.0])
    found = beyond.popularity_lift(given, had, np.array([0, 0, 1, 2]))
    assert found == pytest.approx({"niche": 4 / 3 - 1, "diverse": 0.0, "blockbuster": -1.0})
    assert set(beyond.popularity_lift(given[:2], had[:2], np.array([0, 0]))) == {"niche"}


# What a measure must do


def test_gini_falls_with_more_sales_though_nothing_else_changes() -> None:
    counts = np.random.default_rng(1).multinomial(100_000, np.random.default_rng(2).dirichlet(np.full(500, 2.0)))
    found = [beyond.gini(beyond.thinned(counts, total)) for total in (200, 1000, 10_000, 100_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1] + 0.2
    assert beyond.thinned(counts, 777).sum() == 777
    assert (beyond.thinned(counts, 777) <= counts).all()
    assert (beyond.thinned(counts, 777) == beyond.thinned(counts, 777)).all()


def test_groups_are_fifths_by_taste_for_bestsellers() -> None:
    histories = Histories.from_lists([[1, 1, 2], [9, 8], [1, 9], [9, 7, 6], [1, 2]] * 4)
    groups = beyond.taste_groups(histories, np.array([0, 50, 40, 1, 1, 1, 1, 1, 1, 1, 1]))
    assert np.bincount(groups).tolist() == [4, 12, 4]
    assert set(np.flatnonzero(groups == 0) % 5) <= {1, 3}
    assert set(np.flatnonzero(groups == 2) % 5) <= {0, 4}


def test_empty_places_count_for_nothing() -> None:
    full, short = np.array([[3, 5]]), np.array([[3, 5, 0, 0]])
    known = beyond.buyers(HISTORIES, V)
    sold = np.bincount(HISTORIES.items, minlength=V + 1)
    assert beyond.novelty(full, known, 40) == beyond.novelty(short, known, 40)
    assert beyond.intra_list_distance(full, FEATURES) == beyond.intra_list_distance(short, FEATURES)
    assert beyond.list_means(full, known) == beyond.list_means(short, known)
    assert (beyond.proportions(full, FEATURES[:, 0], KINDS) == beyond.proportions(short, FEATURES[:, 0], KINDS)).all()
    assert beyond.coverage(full, V) == beyond.coverage(short, V)
    nothing = np.zeros((1, 4), int)
    for values in (
        beyond.novelty(nothing, known, 40),
        beyond.intra_list_distance(nothing, FEATURES),
        beyond.serendipity(nothing, [1], sold),
        beyond.list_means(nothing, known),
    ):
        assert values.tolist() == [0.0]
    assert beyond.gini(beyond.appearances(nothing, V)) == 0
    assert beyond.miscalibration([[0.0, 0.0]], [[1.0, 0.0]]).tolist() == [0.0], "a shopper without a history"


@pytest.mark.parametrize("bad", [[[1.5]], [1, 2], [[-1]], [[V + 1]]])
def test_lists_that_are_none_are_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="lists"):
        beyond.coverage(bad, V)


def test_numbers_that_are_none_are_refused() -> None:
    for counts in ([], [1, np.nan], [-1, 2], [[1, 2]]):
        with pytest.raises(ValueError, match="counts"):
            beyond.gini(counts)
    with pytest.raises(ValueError, match="shoppers"):
        beyond.novelty([[1]], [0, 9], shoppers=4)
    with pytest.raises(ValueError, match="same N"):
        beyond.serendipity([[1]], [1, 2], [0, 1, 1])
    with pytest.raises(ValueError, match="alpha"):
        beyond.miscalibration([[1.0]], [[1.0]], alpha=0.0)
    with pytest.raises(ValueError, match="features"):
        beyond.intra_list_distance([[1]], np.zeros((3, 0)))


# Steered lists


def by_hand(relevance: Any, kind: Any, wanted: Any, pool: Any, k: int, weight: float) -> list[int]:
    """Steck's greedy step with every divergence computed anew."""
    chosen: list[int] = []
    while len(chosen) < k:
        worth = []
        for place, item in enumerate(pool):
            with_it = [*chosen, place]
            given = beyond.proportions([[pool[one] for one in with_it]], kind, len(wanted))
            total = (1 - weight) * sum(relevance[one] for one in with_it)
            loss = beyond.miscalibration([wanted], given)[0]
            worth.append(-np.inf if place in chosen or not item else total - weight * loss)
        chosen.append(int(np.argmax(np.round(worth, 12))))
    return [int(pool[one]) for one in chosen]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9, 1.0])
def test_calibrated_lists_are_stecks_greedy_ones(weight: float) -> None:
    rng = np.random.default_rng(4)
    kind = np.concatenate([[0], rng.integers(0, KINDS, V)])
    pool = np.stack([rng.permutation(V)[:15] + 1 for _ in range(20)])
    relevance = -np.sort(-rng.random((20, 15)), axis=1)
    wanted = rng.dirichlet(np.full(KINDS, 0.7), 20)
    lists = calibrated(relevance, kind, wanted, pool, 6, weight)
    for n in range(20):
        assert lists[n].tolist() == by_hand(relevance[n], kind, wanted[n], pool[n], 6, weight)


def test_more_weight_is_better_calibrated() -> None:
    rng = np.random.default_rng(5)
    kind = np.concatenate([[0], rng.integers(0, KINDS, V)])
    pool = np.stack([rng.permutation(V) + 1 for _ in range(60)])
    relevance = np.tile(np.linspace(1, 0, V), (60, 1))
    wanted = rng.dirichlet(np.ones(KINDS), 60)
    losses = [
        beyond.miscalibration(wanted, beyond.proportions(calibrated(relevance, kind, wanted, pool, 10, w), kind, KINDS))
        for w in (0.0, 0.2, 0.5, 1.0)
    ]
    means = [one.mean() for one in losses]
    assert means == sorted(means, reverse=True)
    assert means[-1] < means[0] / 4


def test_steering_keeps_the_order_without_weight_and_empty_places_last() -> None:
    pool = np.array([[4, 2, 7, 0, 0]])
    relevance = np.array([[1.0, 0.5, 0.1, 0.0, 0.0]])
    kind = np.zeros(9, int)
    for weight in (0.0, 1.0):
        bonus = np.array([[0.0, 0.0, 0.0, 9.0, 9.0]])
        assert blended(relevance, bonus, pool, 4, weight).tolist() == [[4, 2, 7, 0]]
        assert calibrated(relevance, kind, np.array([[1.0]]), pool, 4, weight).tolist() == [[4, 2, 7, 0]]
    assert blended(relevance, np.array([[0.0, 0.2, 1.0, 0.0, 0.0]]), pool, 3, 0.9).tolist() == [[7, 2, 4]]
    assert blended(relevance, relevance, pool, 40, 0.5).shape == (1, 5), "a pool shorter than the list"
