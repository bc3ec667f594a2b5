"""Completion by hand: what counts, what competes, and who is asked."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.data.baskets import HalfBaskets
from course_lib.data.histories import Histories
from course_lib.evaluation.completion import Judge

EARLIER = np.array([[0, 0, 1, 0, 0], [0, 1, 1, 1, 1]], np.float32)  # household 0 had product 2, household 1 all
SCORES = np.array([[-np.inf, -np.inf, 3, 2, 1], [-np.inf, -np.inf, 1, 2, 3]])


@pytest.fixture
def judge() -> Judge:
    shown, hidden = Histories.from_lists([[1], [1]]), Histories.from_lists([[2, 4], [3]])
    return Judge.make(HalfBaskets(np.array([5, 9]), np.array([0, 1]), shown, hidden, EARLIER))


def test_all_products(judge: Judge) -> None:
    """Places 1 and 3 of two hidden; place 2 of one."""
    ideal = 1 + 1 / np.log2(3)
    assert judge.ndcg(SCORES, "all").tolist() == pytest.approx([(1 + 1 / 2) / ideal, 1 / np.log2(3)])


def test_only_what_is_new_to_the_household(judge: Judge) -> None:
    """Product 2 neither competes nor counts: 4 is at place 2 of 3 and 4. Household 1 has nothing new to find."""
    assert judge.rows("new").tolist() == [0]
    assert judge.ndcg(SCORES, "new").tolist() == pytest.approx([1 / np.log2(3)])
