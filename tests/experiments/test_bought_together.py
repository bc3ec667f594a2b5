"""What goes with a product: visits, planted pairs, the correction, and data that groups nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.experiments import bought_together as together
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder


def planted(shoppers: int = 400, apart: int = 60) -> Dataset:
    """Each shopper buys 2n - 1 and 2n ``apart`` seconds from each other, as different baskets, then never again."""
    rng = np.random.default_rng(0)
    first = 2 * rng.integers(0, 20, shoppers) + 1
    events = pd.DataFrame(
        {
            Columns.USER: np.repeat(np.arange(shoppers), 2).astype(np.int32),
            Columns.ITEM: np.stack([first, first + 1], 1).ravel().astype(np.int32),
            Columns.TIME: np.tile([0, apart], shoppers),
            Columns.BASKET: np.arange(2 * shoppers),
        }
    )
    items = pd.DataFrame({Columns.ITEM: np.arange(1, 41), Columns.TYPE: ["odd", "even"] * 20})
    return Dataset(Address("planted", "all", "0" * 12), events, items)


def run(home: Path, monkeypatch: pytest.MonkeyPatch, data: Dataset, **settings: Any) -> dict[str, Any]:
    monkeypatch.setattr(together.registry, "load", lambda address: data)
    config = RunConfig.make("bought_together", {"dataset": ("shop", "tiny")}, settings)
    return dict(list(together.run(config, Folder(home)))[-1])


def test_a_visit_is_a_basket_or_an_hour() -> None:
    users, items = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 2, 3, 1, 4, 4])
    times, baskets = np.array([0, 3600, 90_000, 200_000, 200_000, 200_001]), np.array([1, 2, 3, 3, 3, 3])
    pairs = together.co_purchases(users, items, times, baskets).tolist()
    assert pairs == [[0, 1, 2], [0, 2, 1], [0, 1, 3], [0, 3, 1]]  # no pair across shoppers, none with itself
    assert together.co_purchases(*np.empty((4, 0), np.int64)).shape == (0, 3)


def test_counting_finds_planted_pairs_and_never_a_new_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measures = run(tmp_path, monkeypatch, planted(), method="counts")["measures"]
    assert measures["recall@10"]["value"] == 1
    assert measures["recall_new@10"]["value"] == 0
    assert measures["same_type"]["value"] == 0  # an odd one goes with an even one
    view = Folder(tmp_path).view(0)
    new = set(view["new"])
    assert len(new) == 4
    for item, near in enumerate(view["neighbours"], 1):
        partner = item + 1 if item % 2 else item - 1
        assert near == ([] if {item, partner} & new else [partner])


def test_training_sees_neither_new_products_nor_those_who_are_asked() -> None:
    asked = together.Asked.make(planted(), seed=3)
    assert not asked.new[asked.train].any()
    assert not asked.new[asked.test[:, 0]].any()
    assert len(asked.train) <= 2 * asked.learners.sum()
    assert len(asked.test) <= 2 * (~asked.learners).sum()


def test_the_correction_by_hand() -> None:
    cosines, rows = torch.tensor([[0.5, 0.1], [0.2, 0.4]]), torch.tensor([0, 1])
    log_q = torch.tensor([0.75, 0.25]).log()
    first = -math.log(math.exp(1.0) / 0.75 / (math.exp(1.0) / 0.75 + math.exp(0.2) / 0.25))
    second = -math.log(math.exp(0.8) / 0.25 / (math.exp(0.8) / 0.25 + math.exp(0.4) / 0.75))
    assert float(together.in_batch_loss(cosines, rows, log_q, 0.5)) == pytest.approx((first + second) / 2)
    twins = together.in_batch_loss(cosines, torch.tensor([1, 1]), None, 0.5)
    assert float(twins) == 0  # a candidate is no negative of itself


def test_purchases_far_apart_are_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CourseError) as caught:
        run(tmp_path, monkeypatch, planted(apart=90_000), method="counts")
    assert caught.value.key == "no_co_purchases"
    assert "planted" in caught.value.text("zh")


def test_an_answer_tells_substitutes_from_complements() -> None:
    found = together.Neighbours([[2, 3], [1], []], [[0.9, 0.1], [0.9], []], frozenset({2}), ["ball", "shoe", "ball"])
    told = together.answer(found, {"items": [3, 1], "k": 2})
    assert [(one["item"], one["role"]) for one in told["near"]] == [(2, "complement"), (3, "substitute")]
    assert together.answer(found, {"items": [2], "k": 1})["new"]
    assert together.answer(found, {"items": [], "k": 1})["near"] == []
