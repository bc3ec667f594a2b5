"""Satisfaction: utility as stated, quality that appeal does not tell, and answers mostly from the ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from course_lib.data.columns import Columns
from course_lib.shop.satisfaction import answer_chances, feedback_blocks, feedback_frame
from course_lib.shop.simulate import BLOCK, Block, events_frame
from course_lib.shop.truth.satisfaction import expected_utility, products, quality, utilities
from course_lib.shop.world import World, make_world

Blocks = Callable[[int], None]
C = Columns
SHOPPERS = 2 * BLOCK


@pytest.fixture(scope="module")
def truth(world: World) -> pd.DataFrame:
    return utilities(world, SHOPPERS)


@pytest.fixture(scope="module")
def feedback(world: World) -> pd.DataFrame:
    return feedback_frame(world, SHOPPERS)


@pytest.fixture(scope="module")
def answers(truth: pd.DataFrame, feedback: pd.DataFrame) -> pd.DataFrame:
    """Every purchase with its true utility, its stars (0 if none) and whether it came back."""
    rated = feedback[feedback[C.EVENT] == "rating"].set_index(C.BASKET)[C.STARS]
    returned = feedback.loc[feedback[C.EVENT] == "return", C.BASKET]
    whole = truth.copy()
    whole["stars"] = whole[C.BASKET].map(rated).fillna(0).astype(int)
    whole["returned"] = whole[C.BASKET].isin(returned)
    return whole


def test_one_utility_for_each_purchase(truth: pd.DataFrame, world: World) -> None:
    real = events_frame(world, SHOPPERS)
    for column in (C.USER, C.ITEM, C.BASKET):
        np.testing.assert_array_equal(truth[column], real[column])


def test_utility_as_stated(truth: pd.DataFrame, block: Block, world: World) -> None:
    """Purchase by purchase, by hand."""
    numbers, goods, hidden = world.parameters.numbers["satisfaction"], world.catalogue, quality(world)
    duplicates = 0
    for n in range(300):
        owned: set[int] = set()
        rows = truth[truth[C.USER] == n]
        for item, (_, row) in zip(block.items[n], rows.iterrows(), strict=False):
            kind = int(goods.type[item])
            fits = sum(a * b for a, b in zip(goods.style[item], block.truth.taste[n], strict=True))
            expected = numbers["base"] + numbers["taste"] * fits / len(goods.style[item]) ** 0.5
            expected -= numbers["price"] * max(0.0, float(goods.price_level[item]) - float(block.truth.budget[n]))
            expected += numbers["quality"] * hidden[item]
            if world.durable[kind] and kind in owned:
                expected -= numbers["duplicate"]
                duplicates += 1
            owned.add(kind)
            assert row["utility"] - row["noise"] == pytest.approx(expected, abs=1e-4)
    assert duplicates > 0
    parts = truth[["fit", "price_loss", "need", "quality", "noise"]].sum(axis=1)
    np.testing.assert_allclose(parts, truth["utility"], atol=1e-9)
    assert truth["noise"].std() == pytest.approx(numbers["noise"], rel=0.02)


def test_expected_utility_is_that_of_the_purchases(truth: pd.DataFrame, block: Block, world: World) -> None:
    """The matrix that a policy's true satisfaction is computed from, at each shopper's last purchase."""
    rows = np.arange(100)
    owned = np.zeros((100, len(world.durable)), bool)
    for n in rows:
        owned[n, world.catalogue.type[block.items[n, : block.length[n] - 1]]] = True
    matrix = expected_utility(world, block.truth.taste[rows], block.truth.budget[rows], owned)
    assert matrix.shape == (100, len(world.catalogue.type))
    last = truth[truth[C.USER] < 100].groupby(C.USER).last()
    expected = last["utility"] - last["noise"]
    np.testing.assert_allclose(matrix[rows, last[C.ITEM] - 1], expected, atol=1e-4)


def test_quality_is_not_told_by_appeal(world: World) -> None:
    """Within each type and over all; and it is what the seed says, whatever the shop's size."""
    hidden, goods = quality(world), world.catalogue
    for kind in range(len(world.durable)):
        of = goods.type == kind
        assert hidden[of].mean() == pytest.approx(0, abs=1e-9)
        assert hidden[of].std() == pytest.approx(1)
        assert np.corrcoef(hidden[of], goods.appeal[of])[0, 1] == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(quality(world), hidden)
    other = make_world(world.parameters.replaced("seed", 7))
    assert not np.array_equal(quality(other), hidden)


def test_clickbait_attracts_and_disappoints(truth: pd.DataFrame, world: World) -> None:
    table = products(world)
    assert 0.03 < table["clickbait"].mean() < 0.2
    sold = truth.merge(table[[C.ITEM, "clickbait"]], on=C.ITEM)
    assert sold["clickbait"].mean() > 1.5 * table["clickbait"].mean()
    means, errors = sold.groupby("clickbait")["utility"].mean(), sold.groupby("clickbait")["utility"].sem()
    assert means[True] < means[False] - 5 * errors.sum()


def test_a_duplicate_durable_disappoints(truth: pd.DataFrame, world: World) -> None:
    again = truth["need"] < 0
    durable = world.durable[world.catalogue.type[truth[C.ITEM] - 1]]
    repeated = truth.assign(type=world.catalogue.type[truth[C.ITEM] - 1]).duplicated([C.USER, "type"])
    np.testing.assert_array_equal(again, repeated & durable)
    assert truth.loc[again, "utility"].mean() < truth.loc[~again, "utility"].mean() - 1


def test_answers_have_their_stated_chances(answers: pd.DataFrame, world: World) -> None:
    """Chi-square over ten groups of utility, for ratings and for returns."""
    utility = answers["utility"].to_numpy()
    group = np.digitize(utility, np.quantile(utility, np.linspace(0, 1, 11))[1:-1])
    found = (answers["stars"].to_numpy() > 0, answers["returned"].to_numpy())
    for happened, stated in zip(found, answer_chances(world, utility), strict=True):
        difference = np.bincount(group, happened - stated, 10) ** 2
        assert (difference / np.bincount(group, stated * (1 - stated), 10)).sum() < 29.6  # 99.9%, 10 degrees


def test_the_chances_are_those_of_the_formula(world: World) -> None:
    numbers = world.parameters.numbers["satisfaction"]
    rates, returns = answer_chances(world, np.array([-2.0, 0.0, 1.5]))

    def logistic(odds: float) -> float:
        return 1 / (1 + np.exp(-odds))

    rating, comes_back = numbers["rating"], numbers["return"]
    expected = [rating + 2 * numbers["complaint"], rating, rating + 1.5 * numbers["praise"]]
    np.testing.assert_allclose(rates, [logistic(odds) for odds in expected])
    expected = [comes_back + 2 * numbers["regret"], comes_back, comes_back - 1.5 * numbers["regret"]]
    np.testing.assert_allclose(returns, [logistic(odds) for odds in expected])


def test_most_are_silent_and_the_ends_answer_more(answers: pd.DataFrame) -> None:
    rated = answers["stars"] > 0
    assert 0.02 < rated.mean() < 0.15
    assert 0.005 < answers["returned"].mean() < 0.08
    ends = pd.cut(answers["utility"], [-np.inf, -1.5, -0.25, 0.25, 1.5, np.inf], labels=False)
    share = rated.groupby(ends).mean()
    assert share[0] > 3 * share[2]
    assert share[4] > 3 * share[2]
    # The spread of those who answer is wider than that of all: the mean of ratings is not that of purchases.
    assert answers.loc[rated, "utility"].std() > 1.2 * answers["utility"].std()
    counts = answers.loc[rated, "stars"].value_counts()
    assert set(counts.index) == {1, 2, 3, 4, 5}
    assert counts[5] > counts[4] > counts[2]
    assert counts[1] > counts[2]


def test_stars_follow_utility(answers: pd.DataFrame) -> None:
    means = answers[answers["stars"] > 0].groupby("stars")["utility"].mean()
    assert means.is_monotonic_increasing
    assert answers.loc[answers["returned"], "utility"].mean() < answers["utility"].mean() - 0.8


def test_the_frame_tells_only_what_the_shop_sees(feedback: pd.DataFrame, world: World) -> None:
    assert list(feedback.columns) == [C.TIME, C.EVENT, C.USER, C.ITEM, C.BASKET, C.STARS]
    assert feedback[C.TIME].is_monotonic_increasing
    assert not feedback.duplicated([C.BASKET, C.EVENT]).any()
    assert set(feedback.loc[feedback[C.EVENT] == "return", C.STARS]) == {0}
    bought = events_frame(world, SHOPPERS)
    both = feedback.merge(bought, on=C.BASKET, suffixes=("", "_bought"), validate="many_to_one")
    assert len(both) == len(feedback)
    np.testing.assert_array_equal(both[C.USER], both[f"{C.USER}_bought"])
    np.testing.assert_array_equal(both[C.ITEM], both[f"{C.ITEM}_bought"])
    waits = (both[C.TIME] - both[f"{C.TIME}_bought"]) / 86_400
    assert (waits >= 0).all()
    for event, mean in (("rating", "rating_days"), ("return", "return_days")):
        of = waits[both[C.EVENT] == event]
        stated = world.parameters[f"satisfaction.{mean}"]
        assert abs(of.mean() - stated) < 4 * stated / np.sqrt(len(of))


def test_deterministic_and_the_same_in_a_larger_shop(world: World, blocks_of: Blocks) -> None:
    blocks_of(50)
    for table in (feedback_frame, utilities):
        small, large = table(world, 70), table(world, 130)
        pd.testing.assert_frame_equal(large[large[C.USER] < 70].reset_index(drop=True), small)
        pd.testing.assert_frame_equal(table(world, 70), small)
        assert not table(world, 70, 6).equals(small)
    assert sum(len(part) for part in feedback_blocks(world, 130)) == len(feedback_frame(world, 130))
