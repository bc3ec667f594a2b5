"""Explanations: against derivatives by hand, their own axioms, and models of which the reason is known."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from course_lib.data.histories import Histories
from course_lib.errors import CourseError
from course_lib.experiments import explanations
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.explain import attributions as ways
from course_lib.models.base import untrained
from course_lib.training.loop import Trainer

PRODUCTS = 12
SETTINGS = {"width": 16, "layers": 2, "heads": 2, "history_length": 8}


@pytest.fixture(scope="module")
def model() -> Any:
    """One that has learned that product n + 1 follows product n, whatever came before: the last one is the reason."""
    net = untrained("sasrec", PRODUCTS, SETTINGS, 1)
    rng = np.random.default_rng(0)
    histories = []
    for _ in range(300):
        history = [int(rng.integers(1, PRODUCTS + 1))]
        while len(history) < 8:
            jump = rng.random() < 0.15
            history.append(int(rng.integers(1, PRODUCTS + 1)) if jump else history[-1] % PRODUCTS + 1)
        histories.append(history)
    trainer = Trainer(net, Histories.from_lists(histories), {"epochs": 12, "learning_rate": 0.02, "batch_size": 64}, 1)
    for _ in range(12):
        for _ in trainer.epoch():
            pass
    net.eval()
    return net


HISTORY = [3, 9, 1, 11, 6]  # then 7


def test_every_way_answers_for_every_place(model: Any) -> None:
    found = ways.attributions(model, HISTORY, 7)
    assert tuple(found) == ways.METHODS
    for name, values in found.items():
        assert values.shape == (5,), name
        assert np.isfinite(values).all(), name


def test_where_the_last_one_is_the_reason_the_true_ways_name_it(model: Any) -> None:
    found = ways.attributions(model, HISTORY, 7)
    for way in ("gradient", "integrated_mean", "leave_one_out", "recent"):
        assert ways.ranked(found[way])[0] == 4, way


def test_attention_and_rollout_are_shares(model: Any) -> None:
    found = ways.attributions(model, HISTORY, 7)
    for way in ways.OF_ATTENTION:
        assert found[way].sum() == pytest.approx(1, abs=1e-5)
    layers = [layer[0].mean(0).detach().double().numpy() for layer in model.attention(torch.tensor([HISTORY]))]
    half = [(one + np.eye(5)) / 2 for one in layers]
    assert found["rollout"] == pytest.approx((half[1] @ half[0])[-1], abs=1e-6)
    assert found["attention"] == pytest.approx(layers[1][-1], abs=1e-6)


def test_the_gradient_is_that_of_nudged_vectors(model: Any) -> None:
    window = torch.tensor([HISTORY])
    vectors = model.item(window)[0].detach().double()
    double = untrained("sasrec", PRODUCTS, SETTINGS, 1).double()
    double.load_state_dict({name: one.double() for name, one in model.state_dict().items()})
    double.eval()
    slopes = ways._slopes(double, window, 7, vectors[None])[0]
    for place, number in itertools.product(range(5), (0, 7)):
        nudge = torch.zeros_like(vectors)
        nudge[place, number] = 1e-5
        with torch.no_grad():
            up, down = ways._value(double, window, 7, torch.stack([vectors + nudge, vectors - nudge]))
        assert float((up - down) / 2e-5) == pytest.approx(float(slopes[place, number]), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_integrated_gradients_are_complete_to_two_percent(model: Any, baseline: str) -> None:
    vector = torch.zeros(16) if baseline == "zero" else ways.mean_vector(model)
    for history, product in ((HISTORY, 7), ([5], 6), ([1, 2, 3, 4, 5, 6, 7, 8], 9), ([4, 4], 5)):
        found = ways.integrated(model, torch.tensor([history]), product, vector)
        assert found.sum() == pytest.approx(ways.log_range(model, history, product, vector), rel=0.02), history


def test_leave_one_out_by_hand(model: Any) -> None:
    found = ways.leave_one_out(model, HISTORY, 7)
    scores = model.score(Histories.from_lists([HISTORY, [3, 9, 11, 6]]))[:, 7]
    assert found[2] == pytest.approx(scores[0] - scores[1], abs=1e-6)


def test_faithfulness_takes_away_and_keeps_what_is_named(model: Any) -> None:
    named = {"mine": np.array([0.0, 5.0, 1.0, 0.0, 3.0])}  # places 1, 4, 2
    found = ways.faithful(model, HISTORY, 7, named, {"delete_1": 1, "keep_2": 2})["mine"]
    scores = model.score(Histories.from_lists([HISTORY, [3, 1, 11, 6], [9, 6]]))[:, 7]
    assert found["delete_1"] == pytest.approx(scores[0] - scores[1], abs=1e-6)
    assert found["keep_2"] == pytest.approx(scores[0] - scores[2], abs=1e-6)


def test_of_equal_reasons_the_newest_is_named() -> None:
    assert ways.ranked(np.array([1.0, 2.0, 2.0])).tolist() == [2, 1, 0]


def test_the_hook_leaves_nothing_behind(model: Any) -> None:
    before = model.score(Histories.from_lists([HISTORY]))
    ways.attributions(model, HISTORY, 7)
    assert (model.score(Histories.from_lists([HISTORY])) == before).all()
    assert not model.item._forward_hooks


# Answers


def ask(model: Any, **asked: Any) -> dict[str, Any]:
    return explanations.answer(model, check_asked(experiment_card("explanations"), asked))


def test_a_reason_is_put_to_the_test(model: Any) -> None:
    told = ask(model, history=HISTORY, way="recent")
    assert told["explained"] == told["list"][0]["item"] == 7
    assert told["named"] == [4]
    assert told["true"]
    assert told["p_without"] < told["p"] / 2
    assert told["p_only"] == pytest.approx(told["p"], rel=0.5)
    assert told["lost_nats"] == pytest.approx(np.log(told["p"] / told["p_without"]), abs=0.01)


def test_a_history_of_one_has_one_reason(model: Any) -> None:
    told = ask(model, history=[5], way="attention", named=3)
    assert told["named"] == [0]
    assert told["p_only"] == told["p"]


def test_without_a_history_nothing_is_explained(model: Any) -> None:
    told = ask(model, history=[])
    assert told["window"] == []
    assert told["ways"] == {}
    assert len(told["list"]) == 10


def test_a_model_without_attention_says_so() -> None:
    model = untrained("gru4rec", PRODUCTS, {"width": 8, "history_length": 5}, 1)
    assert "attention" not in ask(model, history=[1, 2], way="gradient")["ways"]
    with pytest.raises(CourseError) as caught:
        ask(model, history=[1, 2], way="rollout")
    assert caught.value.key == "no_attention"


def test_unknown_products_are_named(model: Any) -> None:
    with pytest.raises(CourseError) as caught:
        ask(model, history=[1, 999])
    assert "999" in caught.value.text("en")


def test_a_counted_model_is_refused(tmp_path: Path) -> None:
    from course_lib.experiments.config import CONFIG, RunConfig
    from course_lib.experiments.events import Folder

    config = RunConfig.make("explanations", {"dataset": ("shop", "tiny")}, {"model": "markov"}, 1)
    (tmp_path / CONFIG).write_text(config.to_json(), encoding="utf-8")
    with pytest.raises(CourseError) as caught:
        list(importlib.import_module("course_lib.experiments.explanations").run(config, Folder(tmp_path)))
    assert caught.value.key == "no_gradient_of_products"
