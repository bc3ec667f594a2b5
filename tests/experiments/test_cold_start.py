"""Cold start: new products stay out of training, what each table makes of them, the boost, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.data import launch as launching
from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.data.launch import Launch
from course_lib.errors import CourseError
from course_lib.evaluation import cold_start as evaluating
from course_lib.evaluation.cold_start import Standing
from course_lib.evaluation.metrics import ndcg, rank_of_target
from course_lib.experiments import cold_start
from course_lib.experiments.bought_together import Neighbours
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.models.product_tables import (
    SummedTable,
    attribute_codes,
    neighbour_rows,
    semantic_codes,
    title_features,
)
from course_lib.training.late_rows import Context, late_rows
from course_lib.training.loop import Trainer

KINDS = ("ids", "neighbours", "text", "attributes", "semantic-ids")


@pytest.fixture(scope="module")
def launch(dataset: Dataset) -> Launch:
    """Of the smallest shop."""
    return Launch.make(dataset, seed=1)


def run(home: Path, seed: int = 1, **settings: Any) -> dict[str, Any]:
    whole = {"epochs": 1, "width": 16, **settings}
    config = RunConfig.make("cold_start", {"dataset": ("shop", "tiny")}, whole, seed)
    return dict(list(cold_start.run(config, Folder(home)))[-1])


def told(done: dict[str, Any], name: str) -> float:
    return float(done["measures"][name]["value"])


# What is learned from and asked for


def test_a_tenth_is_new_and_in_no_history(dataset: Dataset, launch: Launch) -> None:
    assert launch.new.sum() == dataset.num_items // 10
    assert not launch.new[0]
    assert not launch.known[0]
    for histories in (launch.train, launch.test.histories, launch.window(20).purchases.histories):
        assert not launch.new[histories.items].any()
    assert launch.new[launch.test.targets].any()
    assert not launch.new[launch.test.targets].all()
    again, other = Launch.make(dataset, seed=1), Launch.make(dataset, seed=2)
    assert (again.new == launch.new).all()
    assert (other.new != launch.new).any()


def test_training_never_touches_a_new_product(dataset: Dataset, launch: Launch) -> None:
    """Not even as one that was not chosen: whatever the trained trunk is, other rows would have given the same."""
    config = RunConfig.make("cold_start", {"dataset": ("shop", "tiny")}, {"product": "ids", "epochs": 1, "width": 16})

    def trained(far: float) -> Any:
        shop = cold_start.Shop.make(config, dataset, launch)
        with torch.no_grad():
            shop.model.item.weight[torch.from_numpy(launch.new)] = far
        trainer = Trainer(shop.model, launch.train, {"epochs": 1, "loss": "softmax"}, 1)
        list(trainer.epoch())
        return shop.model

    one, other = trained(0.0), trained(3.0)
    known = torch.from_numpy(launch.known)
    assert torch.equal(one.item.weight[known], other.item.weight[known])
    assert torch.equal(one.bias[known], other.bias[known])
    assert torch.isinf(one.bias[torch.from_numpy(launch.new)]).all()
    assert all(torch.equal(a, b) for a, b in zip(one.blocks.parameters(), other.blocks.parameters(), strict=True))


def test_a_window_holds_so_many_purchases_of_each_new_product(launch: Launch) -> None:
    longest = launch.window(20)
    bought = np.bincount(launch.bought.items, minlength=len(launch.new))
    for seen in (1, 5, 20):
        window = launch.window(seen).purchases
        assert sorted(longest.purchases.targets[longest.since <= seen]) == sorted(window.targets)
        times = np.bincount(window.targets, minlength=len(launch.new))
        assert (times[launch.new] <= np.minimum(seen, bought[launch.new])).all()
        assert times[launch.new].max() == seen
        assert times[launch.known].sum() <= seen * launch.known.sum()
    assert (longest.purchases.histories.lengths > 0).all()


def test_of_a_long_window_every_nth_purchase_counts_for_n(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = launch.window(5)
    monkeypatch.setattr(launching, "LONGEST", 1000)
    thinned = launch.window(5)
    fresh = launch.new[whole.purchases.targets]
    assert (whole.counts == 1).all()
    assert (thinned.counts[launch.new[thinned.purchases.targets]] == 1).all()
    assert (~launch.new[thinned.purchases.targets]).sum() <= 1000
    assert thinned.counts.sum() == pytest.approx(len(whole.counts), abs=float(thinned.counts.max()))
    assert thinned.purchases.targets[: fresh.sum()].tolist() == whole.purchases.targets[: fresh.sum()].tolist()


def test_a_window_reads_what_came_before(launch: Launch) -> None:
    window = launch.window(3).purchases
    for user, history, target in list(zip(window.users, window.histories, window.targets, strict=True))[:200]:
        bought = launch.bought[user]
        stops = [at for at in np.flatnonzero(bought == target) if (~launch.new[bought[:at]]).sum() == len(history)]
        assert any((bought[:at][~launch.new[bought[:at]]] == history).all() for at in stops)


# Ranks


def test_ranks_are_those_of_one_list_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "BLOCK", 128)
    rng = np.random.default_rng(0)
    new = np.zeros(41, bool)
    new[rng.permutation(40)[:6] + 1] = True
    scores = rng.normal(size=(300, 41)).round(1).astype(np.float32)  # with equal ones
    targets = rng.integers(1, 41, 300)
    known = ~new
    known[0] = False
    standing = Standing.make(lambda some: scores[some][:, known], targets, new)
    rows = standing.per_row(scores[:, new])
    whole = ndcg(rank_of_target(scores, targets))
    assert (rows["warm_ndcg@10"] == whole[~new[targets]]).all()
    assert (rows["cold_ndcg@10"] == whole[new[targets]]).all()
    only = np.where(known, -np.inf, scores)
    assert (rows["cold_among_new@10"] == ndcg(rank_of_target(only, targets))[new[targets]]).all()
    ranked = np.lexsort((new[None, 1:].repeat(300, 0), -scores[:, 1:]), axis=1)[:, :10] + 1  # equals: known first
    assert (rows["new_share"] == new[ranked].mean(1)).all()


# Tables


def test_codes_come_from_known_products_alone(dataset: Dataset) -> None:
    known = np.ones(dataset.num_items, bool)
    known[[3, 8]] = False
    items = dataset.items.copy()
    items.loc[3, Columns.BRAND] = "a brand that nobody knows"
    codes = attribute_codes(items, known)
    assert codes.shape == (len(items), 4)
    assert codes[3, 2] == -1
    assert (codes[known] >= 0).all()
    table = SummedTable(codes, 8)
    assert table.weight.shape == (len(items) + 1, 8)
    assert not table.weight[0].any()
    assert torch.equal(table(torch.tensor([[4]]))[0, 0], table.weight[4])
    assert attribute_codes(items[[Columns.ITEM]], known).shape == (len(items), 0)
    vectors = np.random.default_rng(0).normal(size=(90, 12)).astype(np.float32)
    some = np.arange(90) < 80
    moved = vectors.copy()
    moved[~some] += 9
    assert (semantic_codes(vectors, some, 1)[some] == semantic_codes(moved, some, 1)[some]).all()
    alike = semantic_codes(np.ones((90, 12), np.float32), some, 1)
    assert (alike == alike[0]).all(), "equal titles have equal codes"
    assert torch.equal(title_features(vectors, some)[:80], title_features(moved, some)[:80])


def test_a_new_product_gets_the_mean_of_its_neighbours() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 2, 0]]
    rows = torch.arange(10.0).reshape(5, 2)
    filled = neighbour_rows(rows, vectors, np.array([True, True, True, True, False]), count=2)
    assert torch.equal(filled[:4], rows[:4])
    assert filled[4].tolist() == [1.0, 2.0]


def test_purchases_pull_a_product_to_those_who_buy_it() -> None:
    wanted = torch.eye(3)[torch.arange(300) % 3]
    target = torch.where(torch.arange(300) % 3 == 0, 0, -1)
    context = Context(wanted, torch.zeros(300), target, torch.arange(300) // 30 + 1, torch.ones(300))
    rows, bias = late_rows(context, torch.zeros(2, 3), torch.zeros(2), (1.0, 1.0))
    assert rows[0, 0] > 1
    assert rows[0, 1] < 0
    assert bias[0] > bias[1]
    few, _ = late_rows(context.until(1), torch.zeros(2, 3), torch.zeros(2), (1.0, 1.0))
    assert 0 < few[0, 0] < rows[0, 0]
    half = replace(context.until(5), counts=torch.full((150,), 2.0))
    assert torch.allclose(late_rows(half, torch.zeros(2, 3), torch.zeros(2), (1.0, 1.0))[0], rows, atol=1e-4)


# Runs


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_recommends_known_products(kind: str, tmp_path: Path) -> None:
    done = run(tmp_path, product=kind, epochs=4)
    assert told(done, "warm_ndcg@10") > 0.15
    assert set(done["measures"]) == set(cold_start.MEASURES)
    shares = [one["new_share"] for one in done["boosts"]]
    assert shares == sorted(shares), "a higher boost gives new products no fewer places"
    warm = [one["warm_ndcg@10"] for one in done["boosts"]]
    assert warm == sorted(warm, reverse=True), "and known ones no better ranks"
    if kind == "ids":
        assert told(done, "new_share") < 0.001, "an untrained row without a boost reaches nobody"
    elif kind != "neighbours":  # 600 shoppers are too few for rows that a mean could be taken of
        assert told(done, "cold_among_new@10") > 0.1


def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    one, other = (run(tmp_path / name, product="semantic-ids") for name in ("one", "other"))
    assert (one["boosts"], one["seen"]) == (other["boosts"], other["seen"])
    assert Folder(tmp_path / "one").view(3) == Folder(tmp_path / "other").view(3)


def test_the_run_stands_on_both_curves(tmp_path: Path) -> None:
    launched = run(tmp_path, product="attributes", boost=0.9)
    [same] = [one for one in launched["boosts"] if one["boost"] == 0.9]
    assert told(launched, "cold_ndcg@10") == pytest.approx(same["cold_ndcg@10"], abs=1e-5)
    assert launched["seen"][0]["cold_ndcg@10"] == same["cold_ndcg@10"]
    later = run(tmp_path, product="attributes", boost=0.9, seen=20)
    assert later["seen"] == launched["seen"]
    assert told(later, "cold_ndcg@10") == pytest.approx(later["seen"][-1]["cold_ndcg@10"], abs=1e-5)


def test_another_seed_launches_other_products(tmp_path: Path) -> None:
    one, other = (run(tmp_path / str(seed), seed=seed, product="attributes") for seed in (1, 2))
    assert one["measures"] != other["measures"]
    assert Folder(tmp_path / "1").view(0)["new"] != Folder(tmp_path / "2").view(0)["new"]


# Refusals


def bare(shoppers: int, products: int) -> Dataset:
    """Four purchases a shopper, products without anything but a number."""
    rng = np.random.default_rng(0)
    count = 4 * shoppers
    events = pd.DataFrame(
        {
            Columns.USER: np.repeat(np.arange(shoppers), 4).astype(np.int32),
            Columns.ITEM: rng.integers(1, products + 1, count).astype(np.int32),
            Columns.TIME: np.tile(np.arange(4) * 100_000, shoppers),
            Columns.BASKET: np.arange(count),
        }
    )
    return Dataset(Address("bare", "all", "0" * 12), events, pd.DataFrame({Columns.ITEM: np.arange(1, products + 1)}))


@pytest.mark.parametrize(
    ("data", "kind", "key"),
    [
        (bare(600, 12), "ids", "too_few_products"),
        (bare(30, 40), "ids", "too_few_launch_targets"),
        (bare(600, 40), "attributes", "no_attributes"),
        (bare(600, 40), "text", "no_titles"),
        (bare(600, 40), "semantic-ids", "no_titles"),
    ],
)
def test_data_that_lacks_something_is_refused_in_a_sentence(
    data: Dataset, kind: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "load", lambda address: data)
    with pytest.raises(CourseError) as caught:
        run(tmp_path, product=kind)
    assert caught.value.key == key
    assert "bare" in caught.value.text("zh")


def test_ids_need_neither_titles_nor_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "load", lambda address: replace(bare(600, 40)))
    assert set(run(tmp_path, product="ids")["measures"]) == set(cold_start.MEASURES)


def test_an_answer_tells_what_stands_nearest() -> None:
    found = Neighbours([[2, 3], [1], []], [[0.9, 0.1], [0.9], []], frozenset({2}), ["a", "b", "a"])
    said = cold_start.answer(found, {"items": [1], "k": 2})
    assert [(one["item"], one["role"]) for one in said["near"]] == [(2, "complement"), (3, "substitute")]
    assert cold_start.answer(found, {"items": [2], "k": 1})["new"]
