"""What moves from a rich department to a poor one, and that nobody who is tested was learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.experiments import transfer
from course_lib.experiments.config import RunConfig
from course_lib.training.departments import Departments

RICH, POOR = 20, 12  # products


def dataset(shoppers: int = 60, departments: tuple[str, str] = ("a", "b")) -> Dataset:
    """Every shopper buys three products of each department in turn; product 1 to RICH are of the first."""
    rng = np.random.default_rng(0)
    rows = [
        (user, int(item), n, user * 100 + n)
        for user in range(shoppers)
        for n, item in enumerate(
            [*rng.integers(1, RICH + 1, 6), *rng.integers(RICH + 1, RICH + POOR + 1, 2 + user % 3)]
        )
    ]
    events = pd.DataFrame(rows, columns=[Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET])
    kinds = [departments[0]] * RICH + [departments[1]] * POOR
    items = pd.DataFrame({Columns.ITEM: np.arange(1, RICH + POOR + 1), Columns.DEPARTMENT: kinds})
    items[Columns.BRAND] = [f"brand {n % 3}" for n in range(len(items))]
    return Dataset(Address("made-up", "tiny", "0"), events, items)


def test_a_history_holds_its_own_department_and_the_target_is_its_last() -> None:
    made = dataset()
    two = Departments.make(made, None, "department", 1)
    assert two.names == ("a", "b")
    assert two.sizes == (RICH, POOR)
    assert len(two.rich.items) == 60 * 6
    own = made.events[made.events[Columns.ITEM] > RICH].groupby(Columns.USER)[Columns.ITEM].apply(list)
    whole = {tuple(np.array(one) - RICH) for one in own}
    for history, target in zip(two.test.histories, two.test.targets, strict=True):
        assert len(history) >= 2
        assert (*history.tolist(), int(target)) in whole


def test_nobody_is_both_learned_from_and_tested() -> None:
    made = dataset()
    two = Departments.make(made, None, "department", 1)
    lengths = sorted([*two.pool.lengths, *(two.test.histories.lengths + 1)])
    everybody = sorted(2 + user % 3 for user in range(60))
    left_out = [one for one in everybody if one < 3]  # too short to be tested: of the asked half they are in neither
    assert len(two.pool) == 30
    assert len(lengths) <= 60
    assert [one for one in lengths if one >= 3] == [one for one in everybody if one >= 3]
    assert sum(one < 3 for one in lengths) < len(left_out)


def test_few_grow_with_what_is_asked_and_differ_by_draw() -> None:
    two = Departments.make(dataset(), None, "department", 1)
    small, large = (len(two.few(n, 0).items) for n in (10, 40))
    assert 10 <= small < 10 + 4 <= large < 40 + 4
    assert two.few(10, 0).items.tolist() == two.few(10, 0).items.tolist()
    assert two.few(40, 0).items.tolist() != two.few(40, 1).items.tolist()
    assert len(two.few(10_000, 0)) == len(two.pool)


def test_one_department_is_refused() -> None:
    with pytest.raises(CourseError) as caught:
        Departments.make(dataset(departments=("a", "a")), None, "department", 1)
    assert caught.value.key == "two_departments"


@pytest.mark.parametrize("product", ["ids", "attributes"])
def test_the_body_moves_and_what_belongs_to_products_stays(product: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dataset()
    monkeypatch.setattr(transfer.registry, "load", lambda address: made)
    two, tables = transfer._material(RunConfig.tiny("transfer", settings={"product": product}))
    rich, poor = (transfer._model(tables, side, two, seed) for side, seed in (("rich", 1), ("poor", 2)))
    with torch.no_grad():
        rich.bias += 1
    before = {name: value.clone() for name, value in poor.state_dict().items()}
    after = transfer._moved(rich, poor).state_dict()
    moved = {name for name in after if after[name].shape != before[name].shape or (after[name] != before[name]).any()}
    assert "bias" not in moved
    assert any("query_key_value.weight" in name for name in moved)
    assert ("item.weight" in before) == (product == "ids")
    assert any(name.startswith("item.columns") for name in moved) == (product == "attributes")
    assert poor.item.weight.shape[0] == POOR + 1


def test_the_gain_is_paired_by_draw() -> None:
    curve = transfer.Curve([450])
    for draw in range(3):
        for way, more in zip(transfer.WAYS, (0.3, 0.2, 0.1, 0.0), strict=True):
            curve.add(way, 450, draw + more)
    curve.add("unseen", 0, 0.1)
    curve.add("unseen", 0, 0.2)
    gain = curve.measures(450)["transfer_gain"]
    assert gain == pytest.approx({"value": 0.1, "low": 0.1, "high": 0.1}, abs=1e-5)
    assert curve.table()["gain"]["450"] == gain
    best = transfer.answer(transfer.Artefact(curve.view()["curve"]), {"few_purchases": 600})
    assert (best["events"], best["best"]) == (450, "transferred")
