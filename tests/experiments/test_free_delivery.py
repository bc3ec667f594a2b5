"""What brings a cart to free delivery: questions to a tiny run, and carts that need nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.experiments import free_delivery
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder

DATA = {"dataset": ("shop-baskets", "small")}
ASKED: dict[str, Any] = {"minimum_order": 300, "slack": 20, "most": "pair", "k": 5}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    config = RunConfig.make("free_delivery", DATA, {"free_from": 200})
    folder = tmp_path_factory.mktemp("free") / config.run_id
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return folder, list(free_delivery.run(config, Folder(folder)))


def test_every_addition_closes_the_gap_within_the_slack(made: tuple[Path, list[Event]]) -> None:
    artefact = free_delivery.open(made[0], None)
    carts = [[1], [40, 200], [7, 7]]
    for cart in carts:
        total = float(artefact.goods.price[cart].sum())
        line = int(total) + 60
        found = free_delivery.answer(artefact, {**ASKED, "history": cart, "minimum_order": line})
        assert found["gap"] == pytest.approx(line - total, abs=0.01)
        assert found["list"]
        for entry in found["list"]:
            assert line - 0.02 <= entry["total"] <= line + 20.02
            assert entry["item"] not in cart
            assert artefact.goods.type[entry["item"]] not in artefact.goods.type[cart]
        offers = [entry["offer"] for entry in found["list"]]
        assert max(np.bincount(offers)) <= 2
        assert len(set(offers)) == max(offers) <= 5
        alone = free_delivery.answer(artefact, {**ASKED, "history": cart, "minimum_order": line, "most": "one"})
        assert max(np.bincount([entry["offer"] for entry in alone["list"]]), default=1) == 1
        assert found["list"][0]["score"] >= alone["list"][0]["score"] if alone["list"] else True


def test_a_cart_that_is_there_needs_nothing_and_twins_count_twice(made: tuple[Path, list[Event]]) -> None:
    artefact = free_delivery.open(made[0], None)
    price = float(artefact.goods.price[7])
    twice = free_delivery.answer(artefact, {**ASKED, "history": [7, 7], "minimum_order": int(2 * price)})
    assert twice["total"] == pytest.approx(2 * price)
    assert twice["gap"] == 0
    assert twice["list"] == []
    assert free_delivery.answer(artefact, {**ASKED, "history": []})["list"] == []
    with pytest.raises(CourseError):
        free_delivery.answer(artefact, {**ASKED, "history": [10**6]})


def test_a_line_that_all_carts_reach_is_said(tmp_path: Path) -> None:
    config = RunConfig.make("free_delivery", DATA, {"free_from": 1})
    folder = tmp_path / config.run_id
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        list(free_delivery.run(config, Folder(folder)))
    assert caught.value.key == "free_delivery_none"
