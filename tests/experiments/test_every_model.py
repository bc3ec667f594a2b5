"""What a run promises holds for every model that the loop trains: a new file in course_lib/models falls under it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.data.histories import Split
from course_lib.experiments import next_item
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.models.catalogue import check_settings, model_card, model_cards
from course_lib.runs.artefacts import Artefacts
from course_lib.training.checkpoint import load_checkpoint, save_checkpoint
from course_lib.training.loop import Trainer
from course_lib.training.settings import loop_settings

NEURAL = [name for name, card in model_cards().items() if card.neural]
SMALL = {"width": 16, "layers": 2, "heads": 2, "history_length": 10, "dropout": 0.1}
SHOP = {"dataset": ("shop", "tiny")}
LOOP = {"epochs": 2, "batch_size": 32, "learning_rate": 0.01}


@pytest.fixture(params=NEURAL)
def model(request: pytest.FixtureRequest) -> str:
    """Each model in turn."""
    return str(request.param)


def settings_of(model: str) -> dict[str, Any]:
    known = model_card(model).settings
    return check_settings(model, known, {name: value for name, value in SMALL.items() if name in known})


def config_of(model: str, **changed: Any) -> RunConfig:
    """A run of two epochs on the smallest shop."""
    return RunConfig.make("next_item", SHOP, {"model": model, **settings_of(model), **LOOP, **changed})


def trainer(model: str, split: Split) -> Trainer:
    training = check_settings("training", loop_settings(model), {**LOOP, "epochs": 4})
    return Trainer(next_item.build(config_of(model), 1400), split.train, training, 1)


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


def test_a_run_and_what_the_page_asks_of_it(model: str, tmp_path: Path, start_config: Any) -> None:
    """Events, frames and answers; the attention is there exactly where the model has heads."""
    events = list(start_config(config_of(model), tmp_path))
    (planned,) = (event["counts"] for event in events if event["kind"] == "plan")
    (prepared,) = (event for event in events if event["kind"] == "prepared")
    last = [event for event in events if event["kind"] == "step"][-1]
    assert last["at"] == planned["step"]
    assert last["targets"] == prepared["targets"]
    result = events[-1]
    assert result["kind"] == "result"
    scores = [event for event in events if event["kind"] == "score"]
    losses = [event["loss"] for event in scores if event["epoch"] in (1, 2)]
    assert losses[1] < losses[0]
    heads = "heads" in model_card(model).settings
    assert [event["at"] for event in events if event["kind"] == "frame"] == list(range(planned["frame"]))
    for at in range(planned["frame"]):
        view = Folder(tmp_path).view(at)
        assert len(view["map"]["x"]) == prepared["items"]
        for shopper in view["shoppers"]:
            assert len(shopper["top"]) == 10
            assert bool(shopper["attention"]) is heads
            for layer in shopper["attention"]:
                assert [len(head) for head in layer] == [len(shopper["history"])] * 2
                assert all(0 < sum(head) <= 1.001 for head in layer)
    artefacts = Artefacts()

    def ask(at: int | None, *history: int) -> dict[str, Any]:
        return artefacts.ask(tmp_path, at, {"history": list(history), "k": 10})

    for place in (0, planned["frame"] - 1, None):
        answer = ask(place, 3, 1, 2)
        assert len(answer["top"]) == 10
        assert bool(answer["attention"]) is heads
        assert ask(place)["attention"] == []
    assert ask(None, 3, 1, 2)["top"] != ask(None, 2, 1, 3)["top"]


def test_its_configuration_has_its_own_training_and_name(model: str) -> None:
    """Defaults are the model's own; another model, or another value of any setting, is another run."""
    config = RunConfig.make("next_item", SHOP, {"model": model})
    own = model_card(model).training
    assert {name: config.settings[name] for name in own} == own
    assert RunConfig.from_json(config.to_json()) == config
    others = {RunConfig.make("next_item", SHOP, {"model": name}).run_id for name in NEURAL}
    assert len(others) == len(NEURAL)
    longer = {"model": model, "epochs": int(config.settings["epochs"]) + 1}
    assert RunConfig.make("next_item", SHOP, longer).run_id != config.run_id
