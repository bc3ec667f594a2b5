"""The search for the lesson's settings: what it draws is allowed, and a small search finds a winner and its curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import presets
from course_lib.experiments.config import RunConfig
from tests.pools import InTurn


def own(one: presets.Candidate) -> dict[str, Any]:
    return {**one.settings, **one.training}


def test_what_is_drawn_makes_a_run() -> None:
    rng = np.random.default_rng(1)
    one = presets.preset(10.0)
    for number in range(60):
        one = presets.drawn(rng, 10.0) if number % 3 == 0 else presets.neighbour(rng, one)
        assert RunConfig.make(settings=own(one)).settings.items() >= own(one).items()


def test_a_neighbour_differs_in_two_settings_at_most() -> None:
    rng = np.random.default_rng(2)
    one = presets.preset(5.0)
    near = [own(presets.neighbour(rng, one)) for _ in range(50)]
    changed = [{name for name, value in other.items() if value != own(one)[name]} for other in near]
    assert max(map(len, changed)) == 2
    assert set().union(*changed) == set(presets.SPACE)


def test_a_small_search_finds_a_winner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "lesson_config", lambda: RunConfig.make(data={"dataset": ("shop", "tiny")}))
    monkeypatch.setattr(presets, "ProcessPoolExecutor", InTurn)
    for name, value in {
        "BUDGETS_S": (0.5,),
        "PROBE_STEPS": (1, 3),
        "DRAWS": 2,
        "NEIGHBOURS": 3,
        "FINALISTS": 1,
        "SEEDS": (1, 2),
    }.items():
        monkeypatch.setattr(presets, name, value)
    rows, pictures = presets.measure()
    assert [row.what for row in rows] == ["best validation NDCG@10 in 0.5 s of training"]
    for row in rows:
        assert len(row.raw["tried"]) == 1 + 2 + 3
        assert len(row.raw["winner"]["scores"]) == 2
        assert np.mean(row.raw["winner"]["scores"]) >= np.mean(row.raw["present"]["scores"])
        assert row.raw["winner"]["epochs"] >= 1
        assert 0 < row.raw["winner"]["tests"][0] < 1
    assert pictures["presets.svg"].count("<circle") == 2
