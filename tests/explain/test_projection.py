"""The item map keeps its way up: a turned or mirrored copy of the vectors gives the same points."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.explain.projection import project

RNG = np.random.default_rng(0)
# Two directions clearly larger than the rest, so that the plane itself is not in doubt.
VECTORS = (RNG.standard_normal((60, 8)) * [3.0, 2.0, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1]).astype(np.float32)


def rotation(seed: int, mirrored: bool) -> np.ndarray:
    """(8, 8) a random rotation, or one with a mirror in it."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((8, 8)))
    if (np.linalg.det(turn) < 0) != mirrored:
        turn[:, 0] *= -1
    return turn


@pytest.mark.parametrize("mirrored", [False, True], ids=["turned", "mirrored"])
@pytest.mark.parametrize("seed", range(5))
def test_turned_and_mirrored_copies_come_back(seed: int, mirrored: bool) -> None:
    before = project(VECTORS)
    turn = rotation(seed, mirrored)
    assert np.linalg.det(turn) == pytest.approx(-1 if mirrored else 1)
    after = project((VECTORS @ turn).astype(np.float32), before)
    np.testing.assert_allclose(after, before, atol=1e-4)


@pytest.mark.parametrize("flip", [(1, -1), (-1, 1), (-1, -1)])
def test_lies_like_the_map_before_whatever_that_was(flip: tuple[int, int]) -> None:
    """The map before decides the way up, also where it was swapped round or mirrored."""
    before = project(VECTORS)[:, ::-1] * flip
    np.testing.assert_allclose(project(VECTORS, before), before, atol=1e-6)


def test_alignment_changes_no_distance() -> None:
    """A map is turned, never bent: products stay as far from each other as they were."""
    other = VECTORS + RNG.standard_normal(VECTORS.shape).astype(np.float32) * 0.5
    free, aligned = project(other), project(other, project(VECTORS))

    def distances(points: np.ndarray) -> np.ndarray:
        gaps: np.ndarray = np.linalg.norm(points[:, None] - points[None], axis=2)
        return gaps

    np.testing.assert_allclose(distances(aligned), distances(free), atol=1e-9)


def test_shift_and_scale_do_not_matter() -> None:
    points = project(VECTORS)
    moved = project((VECTORS * 7 + 3).astype(np.float32), points)
    np.testing.assert_allclose(moved, points, atol=1e-4)
    assert (points**2).sum(1).mean() == pytest.approx(1)
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-6)


def test_the_two_largest_directions() -> None:
    """Neighbours in the plane of the two large directions are neighbours on the map."""
    points = project(VECTORS)
    plane = VECTORS[:, :2] - VECTORS[:, :2].mean(0)
    near = [np.linalg.norm(table[:, None] - table[None], axis=2).ravel() for table in (points, plane)]
    assert np.corrcoef(*near)[0, 1] > 0.95


def test_equal_vectors_make_one_point() -> None:
    """Not a number anywhere would break the page's map."""
    points = project(np.ones((10, 8), np.float32))
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points, 0, atol=1e-9)
    again = project(np.ones((10, 8), np.float32), points)
    assert np.isfinite(again).all()
