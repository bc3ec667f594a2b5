"""A finished run made longer: from where it is, to the same bits as if it had been trained in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.runs.foreground import run_here
from course_lib.runs.go_on import begin_longer, can_go_on
from course_lib.runs.store import RunStore
from course_lib.settings import load_settings

SMALL = {"width": 8, "layers": 1, "heads": 1, "history_length": 5, "dropout": 0.1, "batch_size": 32}
SMALL |= {"schedule": "averaged", "patience": 10}


def config(epochs: int, **changes: Any) -> RunConfig:
    settings = {**SMALL, **changes, "epochs": epochs}
    return RunConfig.make(data={"dataset": ("shop", "tiny")}, settings={"model": "sasrec", **settings})


def trained(one: RunConfig) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    events: list[dict[str, Any]] = []
    return events, run_here(one, load_settings(), events.append)


def measures(result: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in result["measures"].items() if name != "seconds"}


def model_of(one: RunConfig) -> dict[str, torch.Tensor]:
    return dict(load_file(load_settings().runs / one.run_id / "model" / "model.safetensors"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    return tmp_path


def test_goes_on_bit_for_bit(home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    short, long = config(1), config(3)
    trained(short)
    store = RunStore(load_settings())
    assert can_go_on(store, short.run_id)
    before = store.view(short.run_id)
    begin_longer(store, short.run_id, long)
    assert store.view(long.run_id).state == "stopped", "it looks like one that was interrupted"
    events, result = trained(long)
    assert [event["epoch"] for event in events if event["kind"] == "resumed"] == [1]
    steps = [event["at"] for event in events if event["kind"] == "step"]
    assert min(steps) > max(event["at"] for event in before.of("step")), "nothing was trained twice"
    view = store.view(long.run_id)
    assert [one["at"] for one in view.of("frame")] == list(range(len(view.frames)))
    assert store.view(short.run_id).result == before.result, "the shorter run stays as it was"
    gone_on = model_of(long)

    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path_factory.mktemp("whole")))
    whole_events, whole = trained(long)
    assert not [event for event in whole_events if event["kind"] == "resumed"]
    assert measures(whole) == measures(result)
    assert whole["kept_epoch"] == result["kept_epoch"]
    assert model_of(long).keys() == gone_on.keys()
    assert all(torch.equal(value, gone_on[name]) for name, value in model_of(long).items())
    again = RunStore(load_settings()).view(long.run_id)
    assert [one["metrics"] for one in again.of("score")] == [one["metrics"] for one in view.of("score")]


def test_only_the_same_run_with_more_epochs_can_go_on(home: Path) -> None:
    short = config(1)
    store = RunStore(load_settings())
    with pytest.raises(CourseError) as none_there:
        begin_longer(store, short.run_id, config(2))
    assert none_there.value.key == "cannot_go_on"
    trained(short)
    for other in (config(1), config(2, width=16), config(2, schedule="cosine"), config(2, patience=0)):
        with pytest.raises(CourseError) as refused:
            begin_longer(store, short.run_id, other)
        assert refused.value.key == "cannot_go_on"
    begin_longer(store, short.run_id, config(2))
    begin_longer(store, short.run_id, config(2))  # there already: nothing to do


def test_a_cosine_run_keeps_nothing_to_go_on_from(home: Path) -> None:
    one = config(1, schedule="cosine")
    trained(one)
    assert not can_go_on(RunStore(load_settings()), one.run_id)
