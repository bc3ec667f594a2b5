"""The graph of rules: nodes apart, linked ones nearer than others, the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.figures.association_rules import layout

PAIRS = [(2 * n, 2 * n + 1) for n in range(10)]
STAR = [(0, n) for n in range(1, 12)]


@pytest.mark.parametrize(("count", "edges"), [(20, PAIRS), (12, STAR), (2, [(0, 1)]), (1, [])])
def test_nodes_stand_apart_inside_the_picture(count: int, edges: list[tuple[int, int]]) -> None:
    at = np.array(layout(count, edges))
    assert np.abs(at).max() <= 1
    apart = np.linalg.norm(at[:, None] - at[None], axis=2) + 9 * np.eye(count)
    assert apart.min() > 0.15
    assert layout(count, edges) == layout(count, edges)


def test_linked_nodes_stand_nearer_than_others() -> None:
    at = np.array(layout(20, PAIRS))
    apart = np.linalg.norm(at[:, None] - at[None], axis=2)
    linked = [apart[one, other] for one, other in PAIRS]
    assert max(linked) < np.median(apart[np.triu_indices(20, 1)])
