"""A run's configuration: flat, complete, checked, and its name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from course_lib.data.dataset import Address
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.experiments.config import CONFIG, RunConfig


def key_of(make: Any) -> str:
    with pytest.raises(CourseError) as caught:
        make()
    assert caught.value.text("zh") != caught.value.text("en")
    return caught.value.key


def test_settings_are_flat_and_complete() -> None:
    config = RunConfig.make(data={"dataset": ("shop", "tiny")}, settings={"width": "32", "epochs": 3})
    assert (config.settings["model"], config.settings["width"], config.settings["epochs"]) == ("sasrec", 32, 3)
    assert set(config.settings) == set(experiment_card("next_item").settings({}))
    assert config.dataset == config.data["dataset"]
    assert (config.dataset.name, config.dataset.size) == ("shop", "tiny")
    counted = RunConfig.make(settings={"model": "markov"})
    assert set(counted.settings) == {"model", "shoppers", "blend"}


def test_equal_configurations_have_equal_names_however_they_were_said() -> None:
    one = RunConfig.make(settings={"width": 32, "epochs": 3})
    assert one == RunConfig.make(
        "next_item", {"dataset": "shop"}, {"epochs": "3", "width": 32.0, "model": "sasrec"}, "1"
    )
    assert one.run_id == RunConfig.from_json(one.to_json()).run_id
    assert len(one.run_id) == 16
    shuffled = json.loads(one.to_json())
    shuffled["settings"] = dict(reversed(shuffled["settings"].items()))
    assert RunConfig.from_json(json.dumps(shuffled)).run_id == one.run_id, "the order of the keys does not count"
    for other in (
        RunConfig.make(settings={"width": 32, "epochs": 4}),
        RunConfig.make(settings={"width": 32, "epochs": 3}, seed=2),
        RunConfig.make(data={"dataset": ("shop", "tiny")}, settings={"width": 32, "epochs": 3}),
        replace(one, code="0" * 12),
    ):
        assert other.run_id != one.run_id


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"experiment": "alchemy"}, "unknown_experiment"),
        ({"data": {"dataset": "mall"}}, "unknown_dataset"),
        ({"data": {"dataset": ("shop", "vast")}}, "unknown_size"),
        ({"data": {"dataset": "open-bandit"}}, "no_histories"),
        ({"data": {"baskets": "shop"}}, "unknown_setting"),
        ({"settings": {"model": "gpt"}}, "unknown_model"),
        ({"settings": {"depth": 3}}, "unknown_setting"),
        ({"settings": {"model": "markov", "epochs": 3}}, "unknown_setting"),
        ({"settings": {"width": 10**6}}, "setting_out_of_range"),
        ({"settings": {"width": "wide"}}, "setting_not_whole"),
        ({"settings": {"heads": 5}}, "width_heads"),
        ({"settings": {"schedule": "wavy"}}, "setting_not_a_choice"),
        ({"settings": {"shoppers": -1}}, "setting_out_of_range"),
        ({"seed": -1}, "setting_out_of_range"),
        ({"seed": "x"}, "setting_not_whole"),
    ],
)
def test_what_cannot_be_run_is_said(given: dict[str, Any], key: str) -> None:
    assert key_of(lambda: RunConfig.make(**given)) == key


@pytest.mark.parametrize(
    "change",
    [
        {"code": "0" * 12},
        {"settings": {"model": "sasrec"}},
        {"settings": None},
        {"data": {}},
        {"data": {"dataset": Address("shop", "tiny", "0" * 12)}},
        {"data": {"dataset": "shop"}},
        {"seed": "1"},
    ],
)
def test_one_that_was_not_made_here_and_now_is_outdated(change: dict[str, Any]) -> None:
    config = RunConfig.tiny()
    assert config.checked() == config
    assert key_of(replace(config, **change).checked) == "config_outdated"


def test_the_small_form_takes_other_settings() -> None:
    tiny = RunConfig.tiny("next_item", {"epochs": 3})
    assert tiny.settings["epochs"] == 3
    assert tiny.settings["width"] == experiment_card("next_item").tiny["width"]
    assert tiny.data["dataset"].size == "tiny"


def test_it_is_read_from_a_folder(tmp_path: Path) -> None:
    config = RunConfig.tiny()
    (tmp_path / CONFIG).write_text(config.to_json(), encoding="utf-8")
    assert RunConfig.read(tmp_path) == config
    for damage in ("{", "[]", "{}", '{"experiment": 3}', config.to_json().replace('"seed": 1', '"seed": "1"')):
        (tmp_path / CONFIG).write_text(damage, encoding="utf-8")
        with pytest.raises((ValueError, KeyError, TypeError)):
            RunConfig.read(tmp_path)
