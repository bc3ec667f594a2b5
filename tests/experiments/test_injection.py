"""Fake accounts, defences and the private count: hand-made cases and formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.data.histories import Histories
from course_lib.evaluation.injection import dropped, fake_accounts, joined, repeats, surges
from course_lib.experiments import injection
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Folder
from course_lib.experiments.injection import reached
from course_lib.experiments.light import answer_light
from course_lib.experiments.private_count import MODULUS, VALUES, mask


def run(folder: Path, **settings: Any) -> dict[str, Any]:
    config = RunConfig.make("injection", {"dataset": ("shop", "tiny")}, settings, 1)
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return list(injection.run(config, Folder(folder)))[-1]


REAL = Histories.from_lists([[1, 2, 3, 4], [2, 3], [5, 5, 5, 5], [1]])


@pytest.mark.parametrize("style", ["bandwagon", "copied"])
def test_a_fake_account_pushes_the_product(style: str) -> None:
    rng = np.random.default_rng(0)
    fakes = fake_accounts(REAL, 9, style, 20, rng)
    assert len(fakes) == 20
    assert all((one == 9).any() for one in fakes)
    fewer = fake_accounts(REAL, 9, style, 5, np.random.default_rng(0))
    assert [one.tolist() for one in fewer] == [one.tolist() for one in fakes][:5]


def test_repeats_is_the_largest_share_of_one_product() -> None:
    assert repeats(REAL).tolist() == [0.25, 0.0, 1.0, 0.0]  # two purchases say nothing
    assert dropped(REAL, np.zeros(4), "repeats", 0.5).tolist() == [False, False, True, False]


def test_a_surge_is_of_new_accounts_alone() -> None:
    old = [[1, 2], [2, 3], [3, 1]] * 60
    new = [[1, 7]] * 12 + [[2, 3]] * 8
    accounts = Histories.from_lists([*old, *new])
    came = np.arange(len(accounts), dtype=float)
    found = surges(accounts, came, 5.0)
    assert found[180:192].all()
    assert not found[:180].any()
    assert not found[192:].any()


def test_joined_keeps_the_order() -> None:
    both = joined(REAL, Histories.from_lists([[7, 8]]))
    assert [one.tolist() for one in both] == [*[one.tolist() for one in REAL], [7, 8]]


def test_how_many_it_takes_lies_between_two_points() -> None:
    curve = [{"accounts": 0, "seen": 0.0}, {"accounts": 10, "seen": 0.05}, {"accounts": 20, "seen": 0.15}]
    assert reached(curve, 0.1) == 15
    assert reached(curve, 0.9) is None
    assert reached(curve, 0.0) == 0


def test_an_attack_works_and_a_defence_stops_it(tmp_path: Path) -> None:
    attack = run(tmp_path / "open", accounts=60)["measures"]
    assert attack["seen"]["low"] > attack["seen_before"]["high"] + 0.1
    assert attack["defence_cost"]["value"] == 0
    stopped = run(tmp_path / "shut", accounts=60, defence="repeats")["measures"]
    assert stopped["fakes_dropped"]["value"] == 1
    assert stopped["seen"]["value"] == pytest.approx(attack["seen_before"]["value"], abs=0.02)
    assert stopped["shoppers_dropped"]["value"] < 0.1


def test_without_accounts_nothing_happens(tmp_path: Path) -> None:
    told = run(tmp_path, accounts=0)
    assert told["measures"]["attack_cost"]["value"] == 0
    assert "fakes_dropped" not in told["measures"]


# The private count


def test_randomised_response_by_simulation() -> None:
    told = answer_light("private_count", {"epsilon": 1.0, "asked_people": 1000, "bought_share": 0.2})["measures"]
    q, rng = math.e / (1 + math.e), np.random.default_rng(0)
    truth = rng.random((4000, 1000)) < 0.2
    said = np.where(rng.random(truth.shape) < q, truth, ~truth)
    estimate = (said.mean(1) - (1 - q)) / (2 * q - 1)
    assert estimate.mean() == pytest.approx(0.2, abs=0.003)
    assert 1.96 * estimate.std() == pytest.approx(told["half_width"]["value"], rel=0.05)
    assert truth[said].mean() == pytest.approx(told["certainty"]["value"], abs=0.003)
    assert told["truthful"]["value"] == pytest.approx(q, abs=1e-6)


def test_a_yes_is_at_most_e_to_the_epsilon_times_as_likely() -> None:
    for epsilon in (0.1, 1.0, 10.0):
        q = answer_light("private_count", {"epsilon": epsilon})["measures"]["truthful"]["value"]
        assert q / (1 - q) == pytest.approx(math.exp(epsilon), rel=0.03)


def test_masks_cancel_and_hide() -> None:
    for seed in range(20):
        assert sum(mask(VALUES, seed)) % MODULUS == sum(VALUES)
    first = [mask(VALUES, seed)[0] for seed in range(300)]
    assert len(set(first)) > 200  # one number says nothing
