"""The oracle's answers on the published shop: distributions, and as good as they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from course_lib.shop.simulate import Block, simulate
from course_lib.shop.truth.next_product import TrueChances, true_chances
from course_lib.shop.world import World

SHOPPERS = 2000
PERSONAS = 5  # their tastes are not drawn from the prior
DISCOUNT = 1 / np.log2(np.arange(10) + 2.0)


@dataclass(frozen=True)
class Asked:
    """A block, the oracle's answers about its last events, and what was bought."""

    block: Block
    answers: tuple[TrueChances, TrueChances]  # last event but one, last event

    def targets(self, ago: int) -> np.ndarray:
        """(N,) the product bought, 0-based; ``ago`` 1 is the last event."""
        return self.block.items[np.arange(len(self.block.length)), self.block.length - ago]


@pytest.fixture(scope="module")
def asked(world: World) -> Asked:
    """Another seed than the shop's own: the oracle is right about any shop, not about one sample."""
    (block,) = simulate(world, SHOPPERS, seed=11)
    ((before, last),) = true_chances(world, SHOPPERS, ago=(2, 1), seed=11)
    return Asked(block, (before, last))


BOUNDS = pytest.mark.parametrize("bound", ["known", "filtered"])
EVENTS = pytest.mark.parametrize("ago", [2, 1], ids=["validation", "test"])


def chances(asked: Asked, bound: str, ago: int) -> np.ndarray:
    found: np.ndarray = getattr(asked.answers[2 - ago], bound).astype(np.float64)
    return found


def within(realised: np.ndarray, expected: np.ndarray, deviations: float = 4.5) -> bool:
    """Whether the mean of ``realised - expected`` (N,) is zero but for sampling error."""
    gap = realised - expected
    return bool(abs(gap.mean()) <= deviations * gap.std() / np.sqrt(len(gap)))


@BOUNDS
@EVENTS
def test_each_answer_is_a_distribution(asked: Asked, bound: str, ago: int, world: World) -> None:
    p = chances(asked, bound, ago)
    assert p.shape == (SHOPPERS, len(world.catalogue.type))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(1), 1, atol=2e-4)
    own = p[np.arange(SHOPPERS), asked.targets(ago)]
    assert (own > 0).all(), "what happened was possible"


@BOUNDS
@EVENTS
def test_as_good_as_it_says(asked: Asked, bound: str, ago: int) -> None:
    """NDCG@10 and log-likelihood expected under the oracle's own distribution are those it really has."""
    p = chances(asked, bound, ago)[PERSONAS:]
    targets = asked.targets(ago)[PERSONAS:]
    best = np.argsort(-p, axis=1, kind="stable")[:, :10]
    expected = np.take_along_axis(p, best, 1) @ DISCOUNT
    realised = (best == targets[:, None]) @ DISCOUNT
    assert within(realised, expected)
    own = p[np.arange(len(p)), targets]
    entropy = (p * np.log(np.maximum(p, 1e-30))).sum(1)
    assert within(np.log(own), entropy)


@BOUNDS
def test_a_chance_of_one_in_ten_happens_once_in_ten(asked: Asked, bound: str) -> None:
    """Products put into bins by their chance: in each bin as many are bought as the chances add up to."""
    p, targets = chances(asked, bound, 1)[PERSONAS:], asked.targets(1)[PERSONAS:]
    bought = np.zeros(p.shape, bool)
    bought[np.arange(len(p)), targets] = True
    edges = [0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.2, 0.4, 1.01]
    checked = 0
    for low, high in pairwise(edges):
        inside = (p >= low) & (p < high)
        expected, happened = p[inside].sum(), bought[inside].sum()
        if expected > 10:
            checked += 1
            assert abs(happened - expected) < 4.5 * np.sqrt((p[inside] * (1 - p[inside])).sum()), (low, high)
    assert checked >= 5


@BOUNDS
def test_every_type_is_bought_as_often_as_expected(asked: Asked, bound: str, world: World) -> None:
    """Which catches a rule that the simulator and the oracle read differently, however rare its type is."""
    p, targets = chances(asked, bound, 1)[PERSONAS:], asked.targets(1)[PERSONAS:]
    by_type = np.add.reduceat(p, world.first_item[:-1], axis=1)  # (N, C)
    happened = np.bincount(world.catalogue.type[targets], minlength=by_type.shape[1])
    gap = (happened - by_type.sum(0)) / np.sqrt((by_type * (1 - by_type)).sum(0) + 1)
    assert np.abs(gap).max() < 4.5


@EVENTS
def test_knowing_more_is_no_worse(asked: Asked, ago: int) -> None:
    """In expectation always; on these shoppers but for sampling error."""
    known, filtered = (chances(asked, bound, ago)[PERSONAS:] for bound in ("known", "filtered"))
    targets = asked.targets(ago)[PERSONAS:]
    rows = np.arange(len(targets))
    gain = np.log(known[rows, targets]) - np.log(filtered[rows, targets])
    assert gain.mean() > -3 * gain.std() / np.sqrt(len(gain))
    best = [-np.sort(-p, axis=1)[:, :10] @ DISCOUNT for p in (known, filtered)]
    assert best[0].mean() > best[1].mean()


def test_a_ranking_by_the_truth_beats_a_ranking_by_less(asked: Asked) -> None:
    """The filtered bound, told to rank for the shopper before, is far worse: the answers are personal."""
    p, targets = chances(asked, "filtered", 1), asked.targets(1)

    def score(table: np.ndarray) -> float:
        best = np.argsort(-table, axis=1, kind="stable")[:, :10]
        return float(((best == targets[:, None]) @ DISCOUNT).mean())

    assert score(p) > 2 * score(np.roll(p, 1, axis=0))


def test_block_by_block(world: World, blocks_of: Callable[[int], None]) -> None:
    """Answers name their first shopper, cover each once, and do not depend on how many shoppers there are."""
    blocks_of(30)
    few, many = ([part for (part,) in true_chances(world, n, ago=(1,), points=64)] for n in (40, 70))
    assert [(part.first, len(part.known)) for part in few] == [(0, 30), (30, 10)]
    assert [(part.first, len(part.known)) for part in many] == [(0, 30), (30, 30), (60, 10)]
    np.testing.assert_allclose(few[1].filtered, many[1].filtered[:10], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(few[1].known, many[1].known[:10], rtol=1e-4, atol=1e-6)


def test_the_points_hardly_matter(world: World, blocks_of: Callable[[int], None]) -> None:
    """The filtered bound's one approximation: other points of the same number give nearly the same NDCG."""
    blocks_of(200)
    expected = []
    for skip in (0, 1):
        ((part,),) = true_chances(world, 200, ago=(1,), skip=skip)
        expected.append((-np.sort(-part.filtered, axis=1)[:, :10] @ DISCOUNT).mean())
    assert abs(expected[0] - expected[1]) < 0.003
