"""How a run ends: early, in the middle, killed, or with numbers that are none; and that it then goes on exactly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from course_lib.errors import CourseError
from course_lib.experiments import next_item
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import frame_folder
from course_lib.runs.artefacts import Artefacts
from course_lib.runs.execute import carry_out
from course_lib.runs.reader import RunReader
from course_lib.training import loop
from course_lib.training.loop import Progress, Trainer

Start = Callable[..., Any]
PROJECT = Path(__file__).resolve().parents[2]
PATIENT = {"epochs": 12, "patience": 2, "schedule": "constant", "learning_rate": 0.08, "batch_size": 8}  # soon too much
TIMES = ("seconds", "t", "pid")


def weights(path: Path) -> dict[str, torch.Tensor]:
    return dict(load_file(path / "weights.safetensors" if "frames" in path.parts else path / "model.safetensors"))


def same(one: Path, other: Path) -> bool:
    """Whether two saved models are equal, bit for bit."""
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def timeless(event: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in event.items() if name not in TIMES}
    return kept | ({"measures": timeless(event["measures"])} if "measures" in event else {})


def told(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a watcher is left with: of what was told twice the later telling; no word on interruptions."""
    kept: dict[Any, dict[str, Any]] = {}
    for event in events:
        if event["kind"] != "resumed":
            kept[event["kind"], event.get("at", event.get("epoch"))] = timeless(event)
    return sorted(kept.values(), key=lambda event: json.dumps(event, sort_keys=True))


def test_patience_by_hand() -> None:
    """An equal score is not a better one, the first of equals is the best, and 0 never has enough."""
    progress = Progress(scores=[0.1, 0.3, 0.3, 0.2])
    assert progress.best == 1
    assert [progress.is_enough(patience) for patience in (0, 1, 2, 3)] == [False, True, True, False]
    progress.scores.append(0.4)
    assert progress.best == 4
    assert not progress.is_enough(1)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, start_run: Start) -> tuple[Path, list[dict[str, Any]]]:
    """A run with patience, stopped by it."""
    folder = tmp_path_factory.mktemp("patient")
    return folder, list(start_run(folder, **PATIENT))


def test_stops_early_and_keeps_the_best(patient: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, events = patient
    scores = [event["metrics"]["ndcg@10"]["value"] for event in events if event["kind"] == "score"]
    (kept,) = [event for event in events if event["kind"] == "kept"]
    trained, best = len(scores) - 1, scores.index(max(scores))
    assert kept == {"kind": "kept", "frame": best, "epoch": best, "trained": trained, "epochs": 12, "patience": 2}
    plans = [event["counts"] for event in events if event["kind"] == "plan"]
    assert [one["score"] for one in plans] == [13, trained + 1], "nothing is left of the epochs that were planned"
    assert plans[1]["step"] == [event for event in events if event["kind"] == "step"][-1]["at"]
    assert 0 < best == trained - 2 < 10, "a rate so high does harm within twelve epochs"
    assert (events[-1]["epochs"], events[-1]["kept_epoch"]) == (trained, best)
    assert same(folder / "model", frame_folder(folder, best))
    assert not same(folder / "model", frame_folder(folder, trained))


@pytest.mark.parametrize("place", ["early", "last epoch", "kept"])
def test_an_interrupted_patient_run_ends_the_same(
    place: str, patient: tuple[Path, list[dict[str, Any]]], tmp_path: Path, start_run: Start
) -> None:
    """Also where the interruption comes between the last epoch's checkpoint and its telling, or after the decision."""
    folder, whole = patient
    last = whole[-1]["epochs"]
    until = {"early": ("step", 2), "last epoch": ("score", last), "kept": ("kept", whole[-1]["kept_epoch"])}[place]
    first, events = [], start_run(tmp_path, **PATIENT)
    for event in events:
        first.append(event)
        if (event["kind"], event.get("epoch")) == until:
            events.close()
    rest = list(start_run(tmp_path, **PATIENT))
    assert same(tmp_path / "model", folder / "model")
    assert timeless(rest[-1]) == timeless(whole[-1])
    assert [timeless(event) for event in rest if event["kind"] == "kept"] == [
        event for event in whole if event["kind"] == "kept"
    ]


@pytest.mark.parametrize("epoch", [0, 1, 2, 3])
def test_interrupted_after_any_epoch_the_events_are_the_same(
    epoch: int, run: Any, tmp_path: Path, start_run: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step told: interrupted and resumed, the events add up to those of the run that nobody stopped."""
    monkeypatch.setattr(loop, "TICK", 0.0)
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, parts, events = list(start_run(tmp_path / "whole")), [], start_run(tmp_path / "parts")
    for event in events:
        parts.append(event)
        if event["kind"] == "frame" and event["epoch"] == epoch:
            events.close()
    parts += start_run(tmp_path / "parts")
    assert told(parts) == told(whole)
    assert same(tmp_path / "parts" / "model", run.folder / "model")


CHILD = """
import json, sys
from pathlib import Path
sys.path.insert(0, "tests/experiments")
from course_lib.training import loop
from conftest import begin
loop.TICK = 0.0
for event in begin(Path(sys.argv[1])):
    print(json.dumps(event), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_in_the_middle_of_an_epoch(run: Any, tmp_path: Path, start_run: Start) -> None:
    """No chance to tidy up: the process is gone between two steps, and another ends with the same weights."""
    line = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.PIPE, text=True, env={**os.environ}) as child:
        assert child.stdout is not None
        steps = 0
        for text in child.stdout:
            event = json.loads(text)
            steps += event["kind"] == "step" and event["epoch"] == 3
            if steps == 3:
                child.send_signal(signal.SIGKILL)
                break
    assert steps == 3
    assert not (tmp_path / "model").exists()
    events = list(start_run(tmp_path))
    assert [event["epoch"] for event in events if event["kind"] == "resumed"] == [2]
    assert same(tmp_path / "model", run.folder / "model")
    assert timeless(events[-1]) == timeless(run.events[-1])


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_numbers_that_are_none_end_a_run_and_leave_its_last_good_epoch(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the second epoch: the run is marked as failed, with a sentence in both languages, and can still be asked."""
    step = Trainer.step

    def poisoned(self: Trainer, *batch: Any) -> tuple[float, int]:
        if self.progress.epoch == 1:
            if where == "loss":
                with torch.no_grad():
                    self.model.norm.weight[0] = float("nan")
            else:
                self.model.norm.weight.register_hook(lambda gradient: gradient * float("inf"))
        return step(self, *batch)

    monkeypatch.setattr(Trainer, "step", poisoned)
    settings = {"width": 8, "layers": 1, "heads": 1}
    config = RunConfig.make("next_item", {"dataset": ("shop", "tiny")}, {**settings, "epochs": 3})
    folder = tmp_path / "runs" / config.run_id
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    outcome = carry_out(folder, next_item.run, lambda: "go on")
    view = RunReader(folder).read().view
    assert (outcome.state, view.state) == ("failed", "failed")
    assert view.error == outcome.error
    assert view.error is not None
    error = CourseError.from_dict(view.error)
    assert error.key == "training_diverged"
    for language, word in (("en", "no longer a number"), ("zh", "不是数字")):
        assert word in error.text(language)
        assert str(config.settings["learning_rate"]) in error.text(language)
    (last,) = (event["at"] for event in view.of("frame") if event["epoch"] == 1)
    assert view.frames == tuple(range(last + 1))
    assert not (folder / "result.json").exists()
    assert all(tensor.isfinite().all() for tensor in weights(frame_folder(folder, last)).values())
    assert len(Artefacts().ask(folder, last, {"history": [1, 2, 3], "k": 10})["top"]) == 10
