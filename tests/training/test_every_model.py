"""What a run promises holds for every model that the loop trains: a new file in course_lib/models falls under it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.data import registry
from course_lib.data.histories import Split
from course_lib.explain.predict import Predictor
from course_lib.models.catalogue import check_settings, model_card, model_cards
from course_lib.runs.config import RunConfig
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.job import build, perform
from course_lib.training.loop import Trainer
from course_lib.training.settings import loop_settings

NEURAL = [name for name, card in model_cards().items() if card.neural]
SMALL = {"width": 16, "layers": 2, "heads": 2, "history_length": 10, "dropout": 0.1}
LOOP = {"epochs": 2, "batch_size": 32, "learning_rate": 0.01}


@pytest.fixture(params=NEURAL)
def model(request: pytest.FixtureRequest) -> str:
    """Each model in turn."""
    return str(request.param)


def settings_of(model: str) -> dict[str, Any]:
    known = model_card(model).settings
    return check_settings(model, known, {name: value for name, value in SMALL.items() if name in known})


def begin(model: str, folder: Path) -> Any:
    """A run of two epochs on the smallest shop."""
    training = check_settings("training", loop_settings(model), LOOP)
    return perform(registry.resolve("shop", "tiny"), model, settings_of(model), training, 1, folder)


def trainer(model: str, split: Split) -> Trainer:
    training = check_settings("training", loop_settings(model), {**LOOP, "epochs": 4})
    return Trainer(build(model, 1400, settings_of(model), 1), split.train, training, 1)


def test_a_resumed_training_ends_in_the_same_weights(model: str, split: Split, tmp_path: Path) -> None:
    """Bit for bit, dropout and hidden products included."""
    whole, first, second = (trainer(model, split) for _ in range(3))
    for _ in range(3):
        list(whole.epoch())
    list(first.epoch())
    save_checkpoint(tmp_path, first)
    assert load_checkpoint(tmp_path, second)
    for _ in range(2):
        list(second.epoch())
    assert whole.model.state_dict().keys() == second.model.state_dict().keys()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name
    assert second.progress.losses == whole.progress.losses


def test_a_run_and_what_the_page_asks_of_it(model: str, tmp_path: Path) -> None:
    """Events, snapshots and answers; the attention is there exactly where the model has heads."""
    events = list(begin(model, tmp_path))
    (prepared,) = (event for event in events if event["kind"] == "prepared")
    last = [event for event in events if event["kind"] == "step"][-1]
    assert last["step"] == prepared["steps"]
    assert last["targets"] == prepared["targets"]
    result = events[-1]
    assert (result["kind"], result["model"]) == ("result", model)
    losses = [event["loss"] for event in events if event["kind"] == "epoch"]
    assert losses[2] < losses[1]
    heads = "heads" in model_card(model).settings
    for epoch in range(3):
        view = json.loads((tmp_path / "epochs" / f"{epoch:03d}" / "view.json").read_text(encoding="utf-8"))
        assert len(view["map"]["x"]) == prepared["items"]
        for shopper in view["shoppers"]:
            assert len(shopper["top"]) == 10
            assert bool(shopper["attention"]) is heads
            for layer in shopper["attention"]:
                assert [len(head) for head in layer] == [len(shopper["history"])] * 2
                assert all(0 < sum(head) <= 1.001 for head in layer)
    predictor = Predictor()
    for epoch in (0, 2, None):
        answer = predictor.predict(tmp_path, epoch, [3, 1, 2])
        assert len(answer["top"]) == 10
        assert bool(answer["attention"]) is heads
        assert predictor.predict(tmp_path, epoch, [])["attention"] == []
    assert predictor.predict(tmp_path, None, [3, 1, 2])["top"] != predictor.predict(tmp_path, None, [2, 1, 3])["top"]


def test_its_configuration_has_its_own_training_and_name(model: str) -> None:
    """Defaults are the model's own; another model, or another value of any setting, is another run."""
    config = RunConfig.make("shop", "tiny", model)
    own = model_card(model).training
    assert {name: config.training[name] for name in own} == own
    assert RunConfig.from_json(config.to_json()) == config
    others = {RunConfig.make("shop", "tiny", name).run_id for name in NEURAL}
    assert len(others) == len(NEURAL)
    longer = RunConfig.make("shop", "tiny", model, training={"epochs": int(config.training["epochs"]) + 1})
    assert longer.run_id != config.run_id
