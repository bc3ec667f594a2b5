"""Metrics by hand: every sum as it is written, what each place adds, orders by number, and what tells AUC from GAUC."""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.evaluation import written_out
from course_lib.evaluation.auc import count_pairs
from course_lib.evaluation.metrics import METRICS
from course_lib.evaluation.orders import number_of
from course_lib.experiments import list_metrics as lab
from course_lib.experiments.light import answer_light


def ask(**settings: Any) -> dict[str, Any]:
    return answer_light("list_metrics", settings)


def values(**settings: Any) -> dict[str, float]:
    return {name: one["value"] for name, one in ask(**settings)["measures"].items()}


def arranged(top: bool) -> dict[str, int]:
    """Settings that put what was bought first, or last, in every list."""
    orders = {}
    for who, (products, relevant) in zip(lab.SHOPPERS, lab.lists(), strict=True):
        hit = [item in relevant for item in products]
        orders[f"list_{who}"] = number_of(sorted(range(10), key=lambda n, hit=hit: (hit[n] != top, n)))  # type: ignore[misc]
    return orders


def read(formula: str) -> tuple[float, float]:
    r"""Both sides of a written-out sum; of one without "=" the same number twice."""
    left, _, right = formula.partition(" = ")

    def number(words: str) -> float:
        while (shorter := re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", words)) != words:
            words = shorter
        words = re.sub(r"\\log_2 (\d+)", r"math.log2(\1)", words)
        words = words.replace(r"\left(", "*(").replace(r"\right)", ")").replace(r"\cdot", "*")
        return float(eval(words, {"math": math}))

    return number(left), number(right or left)


LISTS = st.tuples(st.lists(st.booleans(), min_size=10, max_size=10), st.integers(0, 4), st.integers(1, 10))


@given(LISTS)
def test_every_written_sum_is_the_metric(drawn: tuple[list[bool], int, int]) -> None:
    hits, missing, k = drawn
    relevant = sum(hits) + missing
    if not relevant:
        return
    found, adds = lab.place_by_place(hits, relevant, k)
    pairs = count_pairs(-np.arange(10.0), hits)
    written = written_out.of_list(hits, relevant, k, pairs)
    for name in METRICS:
        left, right = read(written[name])
        assert left == pytest.approx(found[name], abs=1e-3), name
        assert right == pytest.approx(found[name], abs=5.1e-4), name
        assert sum(adds[name]) == pytest.approx(found[name]), name
        assert all(add == 0 for add, hit in zip(adds[name], hits, strict=True) if not hit)
    dcg, ideal = read(written["dcg"])[0], read(written["idcg"])[0]
    assert dcg / ideal == pytest.approx(found["ndcg"])
    if pairs.all:
        assert read(written["auc"])[0] == pytest.approx(pairs.auc)
    else:
        assert written["auc"] == ""


def test_the_means_are_written_too() -> None:
    answer = ask(level=0.5, visits=3)
    for name, formula in answer["written"].items():
        left, right = read(formula)
        assert left == pytest.approx(answer["measures"][name]["value"], abs=1e-3)
        assert right == pytest.approx(answer["measures"][name]["value"], abs=5.1e-4)
    assert r"30\cdot" in answer["written"]["gauc"], "three visits of ten products"


def test_every_order_of_ten_is_a_setting() -> None:
    for name in lab.SHOPPERS:
        assert lab.SETTINGS[f"list_{name}"] == (0, 0, math.factorial(lab.TEN) - 1)


def test_the_lists_are_those_that_the_docstring_describes() -> None:
    for products, relevant in lab.lists():
        hits = sum(item in relevant for item in products)
        assert len(set(products)) == 10
        assert 0 < hits <= lab.MOST < 10
        assert len(relevant) >= hits
    ranked = np.arange(1, 1001)
    found = lab.ten(ranked, [5, 40, 900])
    assert found == tuple(sorted(found)), "in the model's order"
    assert {5, 40, 1, 256} <= set(found)
    assert 900 not in found, "never shown"
    assert len(lab.ten(ranked, range(1, 20))) == 10
    assert sum(item < 20 for item in lab.ten(ranked, range(1, 20))) == lab.MOST
    assert sorted(lab.ten(np.array([3, 1, 2, *range(4, 21)]), [1, 2, 3])) != sorted(lab.ten(ranked, [1, 2, 3]))


def test_an_order_moves_its_list_and_no_other() -> None:
    before, after = ask(), ask(list_meng=3628799)
    for one, other in zip(before["shoppers"], after["shoppers"], strict=True):
        turned = [row["item"] for row in other["list"]]
        same = [row["item"] for row in one["list"]]
        assert turned == (same[::-1] if one["who"] == "meng" else same)
        assert [row["score"] for row in one["list"]] == [row["score"] for row in other["list"]], "scores stay"
    assert after["measures"]["places_moved"]["value"] == 45
    assert before["measures"]["places_moved"]["value"] == 0
    assert after["model"] == before["model"]
    assert all(before["model"][name] == pytest.approx(before["measures"][name]["value"]) for name in before["model"])


def test_one_step_up_is_one_place_moved_and_changes_what_it_should() -> None:
    """Lin's first hit goes from place 3 to 2: MRR, MAP, NDCG and AUC rise, and what only counts hits stays."""
    order = (0, 2, 1, *range(3, 10))
    before, after = values(), values(list_lin=number_of(order))
    assert after["places_moved"] == 1
    assert all(after[name] > before[name] for name in ("mrr", "map", "ndcg", "auc", "gauc"))
    assert all(after[name] == before[name] for name in ("hr", "precision", "recall"))


def test_best_and_worst() -> None:
    best, worst = values(**arranged(True), k=10), values(**arranged(False), k=10)
    assert best["gauc"] == 1
    assert worst["gauc"] == 0
    assert best["mrr"] == 1
    assert best["ndcg"] < 1, "some of what was bought was never in a list"
    for name in ("recall", "precision", "hr"):
        assert best[name] == worst[name], "with all ten places these only count"


def test_level_moves_auc_alone_and_can_move_it_both_ways() -> None:
    """The exhibit: no product moves, AUC passes one half, GAUC stays below; with perfect lists AUC falls."""
    for orders in ({}, arranged(True), arranged(False)):
        low, high = values(**orders), values(**orders, level=5.0)
        assert all(low[name] == pytest.approx(high[name]) for name in low if name not in ("auc", "auc_over_gauc"))
    low, high = values(), values(level=5.0)
    assert low["auc"] < 0.5 < 0.6 < high["auc"]
    assert high["gauc"] < 0.5
    perfect = values(**arranged(True), level=5.0)
    assert perfect["auc"] < 0.9 < perfect["gauc"] == 1
    assert values(**arranged(False), level=5.0)["auc"] > 0.4, "of lists that could not be worse"


def test_visits_weigh_gauc() -> None:
    """Lin's own AUC is the lowest, so the more often the list is shown the lower GAUC."""
    answer = ask()
    own = {one["who"]: one["values"]["auc"] for one in answer["shoppers"]}
    assert own["lin"] == min(own.values())
    assert values(visits=20)["gauc"] == pytest.approx((20 * own["lin"] + sum(own.values()) - own["lin"]) / 24)
    assert values(visits=20)["gauc"] < values()["gauc"]


def test_an_answer_is_quick_once_the_shop_is_read() -> None:
    ask()
    took = []
    for _ in range(5):
        begin = time.process_time()
        answer = ask(**arranged(True))
        took.append(time.process_time() - begin)
    assert min(took) < 0.1
    json.dumps(answer, allow_nan=False)
