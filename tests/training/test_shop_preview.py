"""What a made shop is like before it is made, what the ready-made ones show, and a made dataset's bounds."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.data import registry
from course_lib.data.splits import leave_one_out
from course_lib.runs import shop_maker
from course_lib.shop.made import MadeShop, Ready, ready
from course_lib.training import made_lines, shop_preview
from course_lib.training.references import oracle_ranks, references

SECONDS = 3.0  # of one core, for 4,000 shoppers


@pytest.fixture(scope="module")
def seen() -> dict[str, dict]:
    return {one.id: shop_preview.preview(replace(one.shop, seed=5)) for one in ready()}


def value(found: dict, name: str, end: str = "value") -> float:
    return float(found["scores"][name][end])


def test_a_preview_of_4000_takes_less_than_three_seconds() -> None:
    began = time.process_time()
    found = shop_preview.preview(MadeShop.of({"customers": 4000}))
    assert time.process_time() - began < SECONDS
    assert found["shoppers"] == 4000 == len(found["per_shopper"])
    assert sum(found["per_product"]) == found["purchases"] == sum(found["per_shopper"])
    assert json.loads(json.dumps(found)) == found


def test_few_points_of_taste_cost_the_bound_little() -> None:
    made = MadeShop.of({"customers": 2000})
    found = shop_preview.preview(made)
    world = made.world()
    import pandas as pd

    from course_lib.data.dataset import Address, Dataset
    from course_lib.evaluation.protocol import summarise

    events = pd.concat(list(made.blocks(world)), ignore_index=True)
    targets = leave_one_out(Dataset(Address("a", "b", "c"), events, world.catalogue.items)).test.targets
    for name, ranks in oracle_ranks(world, [targets], (1,), made.seed)[0].items():
        assert summarise(ranks)["ndcg@10"]["value"] == pytest.approx(value(found, f"oracle.{name}"), abs=0.003)


def test_where_order_is_worth_nothing_the_unordered_beat_markov(seen: dict) -> None:
    assert value(seen["no_order"], "ease", "low") > value(seen["no_order"], "markov", "high")
    assert value(seen["no_order"], "item-knn", "low") > value(seen["no_order"], "markov", "high")


def test_where_markov_is_best_it_is_twice_as_good_as_other_counting(seen: dict) -> None:
    others = max(value(seen["markov"], name) for name in ("popularity", "item-knn", "ease", "personal-frequency"))
    assert value(seen["markov"], "markov") > 2 * others


def test_where_memory_is_needed_markov_has_little_of_what_can_be_known(seen: dict) -> None:
    shop = seen["long_memory"]
    assert value(shop, "markov") < 0.6 * value(shop, "oracle.filtered")
    assert value(shop, "markov") < 0.6 * value(seen["markov"], "markov")


def test_where_taste_is_all_popularity_is_worth_little_and_histories_much(seen: dict) -> None:
    shop = seen["taste"]
    assert value(shop, "popularity") < 0.15 * value(shop, "ease")
    assert value(shop, "ease", "low") > value(shop, "markov", "high")


def test_where_everybody_buys_their_own_again_it_is_enough_to_count_each_history(seen: dict) -> None:
    others = max(value(seen["again"], name, "high") for name in ("popularity", "item-knn", "ease", "markov"))
    assert value(seen["again"], "personal-frequency", "low") > others


@pytest.mark.parametrize("one", ready(), ids=lambda one: one.id)
def test_no_counting_beats_the_best_possible(one: Ready, seen: dict) -> None:
    counted = [found["value"] for name, found in seen[one.id]["scores"].items() if not name.startswith("oracle.")]
    assert max(counted) < value(seen[one.id], "oracle.filtered", "high")


def test_a_made_dataset_has_its_bounds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    made = MadeShop.of({"customers": 150, "plan_order": 0.0}, seed=3)
    shares: list[float] = []
    key = shop_maker.make(made, "mine", "me", shares.append)
    assert key.startswith("mine~")
    assert shares == [1.0]
    address = registry.resolve(key)
    made_lines.prepare([address])
    dataset = registry.load(address)
    found = references(dataset, leave_one_out(dataset)).scores("test")
    assert found["oracle"] is not None
    known, filtered = (found["oracle"][name]["ndcg@10"]["value"] for name in ("known", "filtered"))
    assert known > 0.2
    assert filtered > found["baselines"]["markov"]["ndcg@10"]["value"]


def test_another_shop_than_that_of_today_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """After a change of the simulator the truth would be another's."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    made = MadeShop.of({"customers": 100})
    key = shop_maker.make(made, "mine", "me", lambda share: None)
    card = made_lines.store.find(key)
    assert card is not None
    dataset = registry.load(registry.resolve(key))
    assert made_lines.truth_of(card, dataset) == made
    for other in ({**made.to_dict(), "seed": 2}, {"values": {"no_such": 1}, "seed": 1}, {}):
        assert made_lines.truth_of(replace(card, shop=other), dataset) is None
