"""Attacks on members, DP-SGD, and deletion: against a reference, a formula, or what must be so."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.data import registry
from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.evaluation.auc import auc
from course_lib.evaluation.likelihood import attack, likelihoods
from course_lib.evaluation.membership import Attack, Crowd
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Folder
from course_lib.models.base import untrained
from course_lib.training.private import PrivateTrainer, clipped_sum, loss_of, per_shopper, weights_of

TINY = {"width": 8, "layers": 1, "heads": 1, "history_length": 6}
SOME = Histories.from_lists([[1, 2, 3], [4, 5], [2, 2, 7, 1, 9, 3, 4, 8], [6, 1]])


def run(name: str, folder: Path, **settings: Any) -> list[dict[str, Any]]:
    """All events of a run on the smallest shop."""
    config = RunConfig.make(name, {"dataset": ("shop", "tiny")}, settings, 1)
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return list(importlib.import_module(f"course_lib.experiments.{name}").run(config, Folder(folder)))


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return Crowd.make(registry.load(registry.resolve("shop", "tiny")), 200, 1)


# Attacks


def test_auc_is_that_of_the_ranking_metric() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0.5, 1, 60).round(1), rng.normal(0, 1, 80).round(1)  # rounded: there are ties
    expected = auc(np.concatenate([ours, theirs]), np.arange(140) < 60)
    assert Attack(ours, theirs).auc().value == pytest.approx(expected)


def test_the_interval_holds_the_truth_about_as_often_as_it_promises() -> None:
    """Two normal populations half a deviation apart: AUC = Phi(0.5 / sqrt 2) = 0.638163."""
    rng = np.random.default_rng(1)
    found = [Attack(rng.normal(0.5, 1, 80), rng.normal(0, 1, 120)).auc() for _ in range(400)]
    held = np.mean([one.low <= 0.638163 <= one.high for one in found])
    assert 0.92 < held < 0.98


def test_accusing_few() -> None:
    one = Attack(np.array([5.0, 3.0, 1.0, 0.0]), np.arange(4.0))  # outsiders 0, 1, 2, 3
    assert one.threshold(0.0) == 3.0
    assert one.caught(0.0).value == 0.25
    assert one.caught(0.25).value == 0.5  # above 2: 5 and 3
    assert one.caught(0.25).low < 0.5 < one.caught(0.25).high


def test_of_one_member_anything_is_possible() -> None:
    assert Attack(np.array([1.0]), np.arange(5.0)).auc().to_dict() == {"value": 0.3, "low": 0.0, "high": 1.0}


def test_nobody_is_in_two_groups(crowd: Crowd) -> None:
    assert not set(crowd.member_users) & set(crowd.outsider_users)
    assert len(crowd.members) == 200
    few = Crowd.make(registry.load(registry.resolve("shop", "tiny")), 20, 1)
    assert (few.outsider_users == crowd.outsider_users).all()  # whoever the members are
    assert set(few.member_users) < set(crowd.member_users)
    assert (crowd.test.users == crowd.outsider_users).all()


def test_too_many_members_are_refused_in_a_sentence() -> None:
    with pytest.raises(CourseError) as caught:
        Crowd.make(registry.load(registry.resolve("shop", "tiny")), 5000, 1)
    assert "5000" in caught.value.text("en")


def test_an_untrained_model_remembers_nobody(crowd: Crowd) -> None:
    model, reference = (untrained("sasrec", 1260, TINY, seed) for seed in (1, 2))
    for one in attack(model, reference, crowd).values():
        told = one.auc()
        assert told.low < 0.5 < told.high


def test_likelihood_is_the_models_own_score() -> None:
    model = untrained("sasrec", 9, TINY, 1)
    found = likelihoods(model, SOME)
    by_hand = [
        model.score(Histories.from_lists([[4]]))[0, 5],
        np.mean([model.score(Histories.from_lists([h]))[0, t] for h, t in (([1], 2), ([1, 2], 3))]),
    ]
    assert found[[1, 0]] == pytest.approx(by_hand, abs=1e-5)


def test_a_model_without_probabilities_is_refused() -> None:
    with pytest.raises(CourseError) as caught:
        likelihoods(untrained("bert4rec", 9, {"width": 8, "layers": 1, "heads": 1}, 1), SOME)
    assert caught.value.key == "no_likelihood"


def test_a_counted_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        run("membership", tmp_path, model="markov", members=50)
    assert caught.value.key == "no_likelihood"


# DP-SGD


def windows(model: Any) -> torch.Tensor:
    return torch.from_numpy(SOME.padded(model.config.history_length + 1))


def test_the_mean_of_the_shoppers_own_gradients_is_autograds() -> None:
    model = untrained("sasrec", 9, TINY, 3)
    own = per_shopper(model)(weights_of(model), windows(model))
    loss_of(model, dict(model.named_parameters()), windows(model)).mean().backward()
    for name, one in model.named_parameters():
        assert torch.allclose(own[name].mean(0), one.grad, atol=1e-6), name


def test_nobody_moves_a_step_by_more_than_the_clip() -> None:
    model = untrained("sasrec", 9, TINY, 3)
    own = per_shopper(model)(weights_of(model), windows(model))
    for n in range(len(SOME)):
        alone = {name: one[n : n + 1] for name, one in own.items()}
        total, lengths = clipped_sum(alone, 0.05)
        length = math.sqrt(sum(float(one.square().sum()) for one in total.values()))
        assert length == pytest.approx(min(0.05, float(lengths[0])), rel=1e-4)


@pytest.mark.parametrize("clip", [None, 1e9])
def test_without_clip_and_noise_both_ways_take_the_same_step(clip: float | None) -> None:
    model = untrained("sasrec", 9, TINY, 3)
    plain = untrained("sasrec", 9, TINY, 3)
    for one, way in ((model, clip), (plain, None)):
        trainer = PrivateTrainer(one, SOME, steps=3, lot=4, rate=0.01, clip=way, noise=0.0, seed=1)
        trainer.go()
    for (name, ours), theirs in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5), name


def test_noise_has_the_deviation_that_was_promised() -> None:
    """With a clip of nearly nothing a step is noise alone: sigma C / lot in each number."""
    model = untrained("sasrec", 400, TINY, 3)
    trainer = PrivateTrainer(model, SOME, steps=1, lot=2, rate=0.0, clip=1e-3, noise=5000.0, seed=1)
    trainer.go()
    grad = model.item.weight.grad
    assert float(grad.std()) == pytest.approx(5000.0 * 1e-3 / 2, rel=0.05)


def test_more_to_draw_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        run("private_training", tmp_path, members=50, lot=60)
    assert caught.value.key == "lot_above_members"


@pytest.mark.parametrize("epsilon", [0, -1, math.inf, math.nan])
def test_an_epsilon_that_promises_nothing_is_refused(epsilon: float) -> None:
    with pytest.raises(CourseError) as caught:
        RunConfig.make("private_training", {"dataset": ("shop", "tiny")}, {"epsilon": epsilon}, 1)
    assert "epsilon" in caught.value.text("en")


# Deletion


def test_who_retrains_without_the_deleted_has_their_model_of_never(tmp_path: Path) -> None:
    told = run("forgetting", tmp_path / "a", members=100, deleted=40, epochs=6, deletion="retrain")
    before, after = (event["left"] for event in told if event["kind"] == "frame")
    left = told[-1]["measures"]["left"]
    assert before > 0.9
    assert left["low"] < 0.5 < left["high"]
    assert after == pytest.approx(left["value"], abs=1e-5)
    kept = run("forgetting", tmp_path / "b", members=100, deleted=40, epochs=6, deletion="none")
    assert kept[-1]["measures"]["left"]["value"] == pytest.approx(before, abs=1e-5)


def test_somebody_has_to_be_left(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        run("forgetting", tmp_path, members=50, deleted=50)
    assert caught.value.key == "nobody_left"


@pytest.mark.parametrize("name", ["membership", "private_training", "forgetting"])
def test_one_member_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(CourseError) as caught:
        RunConfig.make(name, {"dataset": ("shop", "tiny")}, {"members": 1}, 1)
    assert "members" in caught.value.text("en")
