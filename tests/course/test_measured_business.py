"""What the lesson on the plan concludes from its measured numbers."""

import tomllib

import pytest

from course_lib.cli import measure


@pytest.fixture(scope="module")
def kept() -> dict[str, float]:
    table = tomllib.loads(measure.FILE.read_text(encoding="utf-8"))["business"]
    plain = {name: one.replace(",", "") for name, one in table.items() if not name.endswith(("_zh", "_en"))}
    return {name: float(one.rstrip("%")) / (100 if one.endswith("%") else 1) for name, one in plain.items()}


def test_purchases_follow_ndcg(kept: dict[str, float]) -> None:
    names = ("knn", "markov", "sasrec")
    for part in ("ndcg", "purchases"):
        found = [kept[f"{name}_{part}"] for name in names]
        assert found == sorted(found)
        assert found[0] < found[-1]


def test_revenue_does_not(kept: dict[str, float]) -> None:
    assert kept["greedy_ndcg"] < kept["priced_ndcg"] < kept["sasrec_ndcg"]
    assert kept["greedy_revenue"] > kept["priced_revenue"] > kept["sasrec_revenue"] + 0.05
    assert kept["priced_purchases"] <= kept["sasrec_purchases"]  # "a little less"
    assert kept["priced_value"] > 1.1 * kept["sasrec_value"]


def test_bestsellers_by_price_earn_more_than_the_models_list(kept: dict[str, float]) -> None:
    assert kept["best_ndcg"] < 0.1 * kept["sasrec_ndcg"]
    assert abs(kept["best_purchases"]) <= 0.01  # "as many products as the plain bestsellers"
    assert kept["best_revenue"] > kept["sasrec_revenue"] + 0.01


def test_the_same_lift_loses_in_a_small_shop_and_pays_in_a_large_one(kept: dict[str, float]) -> None:
    assert kept["tree_loss"] > 0.5 > 0.1 > kept["larger_loss"]
    assert kept["empty_lift"] == pytest.approx(0.05)
    assert kept["empty_break_even"] == pytest.approx(2 * kept["tree_break_even"], abs=0.011)
