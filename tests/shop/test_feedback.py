"""Feedback loops: a recommender refitted on what it has sold concentrates exposure and sales; measures by hand."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.data.histories import Histories
from course_lib.evaluation.intervals import over_seeds
from course_lib.models.markov import MarkovModel
from course_lib.shop.exposure import gini, measures, top_share
from course_lib.shop.recommenders import BASELINES, Log, Recommender, slate_of
from course_lib.shop.weeks import begin, run
from course_lib.shop.world import World

SEEDS = range(5)
SHOPPERS, WARMUP, WEEKS = 500, 4, 8
COMPARED = ("random", "by_sales", "popularity")


@pytest.fixture(scope="module")
def paths(world: World) -> dict[str, pd.DataFrame]:
    """Measures by recommender, a row a seed and week; for a seed all begin in the same shop."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in COMPARED}
    for seed in SEEDS:
        start = begin(world, SHOPPERS, seed, WARMUP)
        for name in COMPARED:
            for n, week in enumerate(run(world, copy.deepcopy(start), BASELINES[name], WEEKS)):
                rows[name].append({"seed": seed, "n": n, **measures(world, week)})
    return {name: pd.DataFrame(found) for name, found in rows.items()}


def by_seed(path: pd.DataFrame, measure: str, weeks: range) -> np.ndarray:
    """(seeds,) mean of a measure over some weeks."""
    return path[path["n"].isin(weeks)].groupby("seed")[measure].mean().to_numpy()


EARLY, LATE, ALL = range(WEEKS // 2), range(WEEKS // 2, WEEKS), range(WEEKS)


@pytest.mark.parametrize("measure", ["gini_shown", "top_shown", "gini_sold"])
def test_popularity_concentrates_more_than_random(measure: str, paths: dict[str, pd.DataFrame]) -> None:
    """What is shown, and because of it what is sold: over seeds, the interval of the difference is above 0."""
    gap = by_seed(paths["popularity"], measure, ALL) - by_seed(paths["random"], measure, ALL)
    assert over_seeds(gap.tolist()).low > 0


def test_the_loop_feeds_itself(paths: dict[str, pd.DataFrame]) -> None:
    """Shown in proportion to sales so far, exposure becomes more uneven with the weeks; shown at random it does not."""
    rise = {
        name: by_seed(paths[name], "gini_shown", LATE) - by_seed(paths[name], "gini_shown", EARLY) for name in COMPARED
    }
    assert over_seeds(rise["by_sales"].tolist()).low > 0
    assert over_seeds((rise["by_sales"] - rise["random"]).tolist()).low > 0


def test_popularity_shows_few_and_random_all(paths: dict[str, pd.DataFrame], world: World) -> None:
    assert (paths["popularity"]["coverage"] == world.parameters["weeks.slate"]).all()
    assert (paths["random"]["coverage"] > 0.99 * len(world.catalogue.type)).all()
    assert (paths["popularity"]["slate_share"] > paths["random"]["slate_share"]).all()


def test_the_courses_own_models_recommend(world: World) -> None:
    """A model's ``score`` is a recommender as it is; a personal one sells more from its slates than popularity."""

    def markov(log: Log) -> Recommender:
        score: Recommender = MarkovModel.fit(log.histories, log.num_items, {"blend": 10.0}).score
        return score

    start, shares = begin(world, 1500, warmup=WARMUP), []
    for refit in (markov, BASELINES["popularity"]):
        weeks = run(world, copy.deepcopy(start), refit, 3)
        shares.append(np.mean([measures(world, week)["slate_share"] for week in weeks]))
    assert shares[0] > 1.5 * shares[1]


def test_measures_count_the_frames(world: World) -> None:
    life = begin(world, 200, warmup=1)
    (week,) = run(world, life, BASELINES["by_sales"], 1)
    found, shown, events = measures(world, week), week.shown, week.events
    assert found["visits"] == shown[Columns.BASKET].nunique()
    assert found["sales"] == len(events)
    assert found["coverage"] == shown[Columns.ITEM].nunique()
    assert found["products_sold"] == events[Columns.ITEM].nunique()
    assert found["slate_share"] == pytest.approx(shown[Columns.BOUGHT].sum() / len(events))
    prices = events.merge(world.catalogue.items, on=Columns.ITEM)[Columns.PRICE]
    assert found["revenue"] == pytest.approx(prices.sum())
    (silent,) = run(world, life, BASELINES["nothing"], 1)
    assert len(silent.shown) == 0
    assert np.isnan(measures(world, silent)["gini_shown"])
    assert measures(world, silent)["slate_share"] == 0


@pytest.mark.parametrize("seed", range(5))
def test_gini_is_half_the_relative_mean_difference(seed: int) -> None:
    """Its other definition, pair by pair."""
    counts = np.random.default_rng(seed).poisson(3.0, 40)
    pairs = np.abs(counts[:, None] - counts[None]).mean()
    assert gini(counts) == pytest.approx(pairs / (2 * counts.mean()))


def test_gini_and_top_share_at_their_ends() -> None:
    assert gini([3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0, 9, 0]) == pytest.approx(0.75)
    assert np.isnan(gini([0, 0]))
    assert top_share(range(11), 0.1) == pytest.approx((10 + 9) / 55)  # a tenth of 11 products, rounded up: two
    assert np.isnan(top_share([0]))


@pytest.mark.parametrize("seed", range(5))
def test_slates_are_the_sorted_top(seed: int) -> None:
    """Against a whole sort, with many ties."""
    scores = np.random.default_rng(seed).integers(0, 6, (30, 41)).astype(float)
    scores[:, 0] = 99  # padding is no product
    expected = np.argsort(-scores[:, 1:], axis=1, kind="stable")[:, :10]
    np.testing.assert_array_equal(slate_of(scores, 10), expected)


def test_products_scored_minus_infinity_are_not_shown() -> None:
    scores = np.array([[0.0, -np.inf, 2.0, -np.inf, 1.0]])
    assert slate_of(scores, 3).tolist() == [[1, 3, -1]]


def test_by_sales_draws_in_proportion() -> None:
    """The first place goes to a product with chance (1 + sold) / sum."""
    items = np.repeat([1, 2], [1, 6]).astype(np.int32)  # weights 2, 7 and 1
    log = Log(0, 3, Histories(items, np.array([0, 7])), pd.DataFrame())
    score = BASELINES["by_sales"](log)
    assert callable(score)
    many = Histories(np.zeros(0, np.int32), np.zeros(20_001, np.int64))
    first = slate_of(score(many), 1)[:, 0]
    for product, chance in enumerate((0.2, 0.7, 0.1)):
        assert abs((first == product).mean() - chance) < 4.5 * np.sqrt(chance * (1 - chance) / 20_000)
