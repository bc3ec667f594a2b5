"""A run from configuration to result: its events, its folder, and that an interruption changes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from course_lib.data import registry
from course_lib.data.dataset import Dataset
from course_lib.data.histories import Split
from course_lib.errors import CourseError
from course_lib.evaluation.protocol import evaluate
from course_lib.experiments import next_item
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder, frame_folder
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_card, model_cards
from course_lib.shop.source import sizes
from course_lib.training.loop import Trainer

Start = Callable[..., Any]
PLAIN = (str, int, float, bool, type(None))
METRICS = {"ndcg@10", "hr@10", "mrr@10", "recall@10", "precision@10", "map@10"}


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Kinds of events in order; several steps in a row as one."""
    found = [event["kind"] for event in events]
    return [kind for n, kind in enumerate(found) if kind != "step" or found[n - 1] != "step"]


def plain(value: Any) -> bool:
    """Made of what JSON has: no NumPy number, no tensor, no NaN."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(plain(part) for part in value)
    return type(value) in PLAIN and (type(value) is not float or math.isfinite(value))


def interval(value: dict[str, float]) -> bool:
    return set(value) == {"value", "low", "high"} and 0 <= value["low"] <= value["value"] <= value["high"] <= 1


def test_events_in_order(run: Any) -> None:
    look, end = ["step", "score", "frame"], ["step", "checkpoint", "score", "frame"]
    first, later = [*look * 5, *end], [*look * 2, *end]
    assert kinds(run.events) == [
        *("plan", "prepared", "references", "score", "frame"), *first, *later, *later, *("test", "test", "result"),
    ]  # fmt: skip
    assert [event["epoch"] for event in run.ends()] == [0, 1, 2, 3]
    for kind in ("score", "frame"):
        assert [event["at"] for event in run.of(kind)] == list(range(13)), kind
    assert [event["epoch"] for event in run.of("frame")] == [event["epoch"] for event in run.of("score")]


def test_frames_stand_close_while_a_model_learns_most() -> None:
    """By hand: parts of the first epoch, then thirds; a long run has those of its epochs alone."""
    assert next_item.frame_steps(16, 2) == [0, 1, 2, 4, 8, 12, 16, 21, 27, 32]
    assert next_item.frame_steps(100, 9) == [100 * epoch for epoch in range(10)]
    assert next_item.frame_steps(1, 2) == [0, 1, 2], "an epoch of one step has no parts"


def test_the_plan_is_kept(run: Any) -> None:
    (planned,) = run.of("plan")
    counts = planned["counts"]
    assert list(counts) == ["step", "score", "frame", "test"], "progress is measured by steps"
    assert run.of("step")[-1]["at"] == counts["step"]
    assert {kind: len(run.of(kind)) for kind in ("score", "frame", "test")} == {
        kind: counts[kind] for kind in ("score", "frame", "test")
    }


def test_events_are_plain_json(run: Any) -> None:
    for event in run.events:
        assert plain(event), event["kind"]
        assert json.loads(json.dumps(event)) == event


def test_prepared(run: Any, dataset: Dataset, split: Split) -> None:
    (event,) = run.of("prepared")
    assert set(event) == {"kind", "targets", "users", "items", "parameters", "eval_users", "seconds"}
    assert event["users"] == dataset.num_users == sizes()["tiny"]
    assert event["items"] == dataset.num_items
    assert event["eval_users"] == min(len(split.validation), next_item.SCORED)
    saved = load_file(run.folder / "model" / "model.safetensors")
    assert event["parameters"] == sum(tensor.numel() for tensor in saved.values())
    assert run.of("step")[-1]["targets"] == event["targets"]


def test_references_event(run: Any) -> None:
    (event,) = run.of("references")
    assert set(event) == {"kind", "baselines", "oracle"}
    assert set(event["baselines"]) == {"popularity", "item-knn", "markov"}
    assert set(event["oracle"]) == {"known", "filtered"}
    for lines in (event["baselines"], event["oracle"]):
        for metrics in lines.values():
            assert set(metrics) == METRICS
            assert all(interval(value) for value in metrics.values())


def test_step_and_score_events(run: Any) -> None:
    (planned,) = run.of("plan")
    steps_per_epoch = planned["counts"]["step"] // 3
    for event in run.of("step"):
        assert set(event) == {"kind", "at", "epoch", "loss", "targets", "seconds"}
    for event in run.of("score"):
        assert set(event) == {"kind", "at", "epoch", "step", "loss", "metrics", "seconds"}
        assert set(event["metrics"]) == METRICS
        assert all(interval(value) for value in event["metrics"].values())
        assert event["step"] == pytest.approx(steps_per_epoch * event["epoch"], abs=0.01)
    assert [event["step"] for event in run.of("score")] == next_item.frame_steps(steps_per_epoch, 3)
    seconds = [event["seconds"] for event in run.of("score")]
    assert seconds == sorted(seconds)
    first, *_, last = run.ends()
    assert (first["loss"], first["seconds"]) == (None, 0.0)
    assert all(event["loss"] > 0 for event in run.of("score")[1:])
    losses = [event["loss"] for event in run.ends()[1:]]
    assert losses == sorted(losses, reverse=True)
    assert last["metrics"]["ndcg@10"]["value"] > 3 * first["metrics"]["ndcg@10"]["value"]


def test_scores_and_references_are_asked_the_same_targets(
    tmp_path: Path, start_run: Start, monkeypatch: pytest.MonkeyPatch, dataset: Dataset, split: Split
) -> None:
    """Where only some validation targets are scored at a frame, the baselines beside them answer the same ones."""
    monkeypatch.setattr(next_item, "SCORED", 100)
    events = start_run(tmp_path)
    assert next(events)["kind"] == "plan"
    assert next(events)["eval_users"] == 100
    told = next(events)["baselines"]["markov"]
    events.close()
    asked = split.validation.take(next_item._some(len(split.validation), 100))
    settings = check_settings("markov", model_card("markov").settings, {})
    markov = model_class("markov").fit(split.train, dataset.num_items, settings)
    assert told["ndcg@10"]["value"] == pytest.approx(evaluate(markov.score, asked).metrics["ndcg@10"]["value"])


def test_result(run: Any, split: Split) -> None:
    """Everything of result.json, and its metrics are those of the saved model on all test targets."""
    result = run.events[-1]
    assert set(result) == {
        *("kind", "parameters", "seconds", "metrics", "baselines", "oracle", "measures"),
        *("epochs", "kept_epoch", "oracle_loss"),
    }
    assert result["epochs"] == 3
    assert result["kept_epoch"] == 3, "without patience the last weights are the result"
    assert set(result["metrics"]) == METRICS
    assert set(result["seconds"]) == {"total", "train"}
    assert result["seconds"]["train"] <= result["seconds"]["total"]
    model = model_class("sasrec").load(run.folder / "model")
    for name, value in evaluate(model.score, split.test).metrics.items():
        assert value == pytest.approx(result["metrics"][name], abs=2e-3)
    (references,) = run.of("references")
    assert set(result["baselines"]) == set(references["baselines"])
    assert result["baselines"] != references["baselines"], "test targets, not validation targets"


def test_measures(run: Any, split: Split) -> None:
    """Every measure of the file, by hand where it can be: differences and shares are of the same targets."""
    result = run.events[-1]
    measures = result["measures"]
    elsewhere = {"over_personal_frequency", "over_ease"}  # on other data than the shop
    assert set(measures) == set(next_item.MEASURES) - elsewhere
    assert {name: measures[name] for name in METRICS} == result["metrics"]
    own = result["metrics"]["ndcg@10"]["value"]
    for name in ("popularity", "item-knn", "markov"):
        over = measures[f"over_{name.replace('-', '_')}"]
        assert over["value"] == pytest.approx(own - result["baselines"][name]["ndcg@10"]["value"])
        assert over["low"] < over["value"] < over["high"]
    for name in ("known", "filtered"):
        share = measures[f"share_of_{name}_oracle"]
        assert share["value"] == pytest.approx(own / result["oracle"][name]["ndcg@10"]["value"])
        assert 0 < share["low"] < share["value"] < share["high"]
    model = model_class("sasrec").load(run.folder / "model")
    loss = -evaluate(model.score, split.test).scores.mean()
    assert measures["loss"]["value"] == pytest.approx(loss, rel=1e-3)
    counted = {"parameters": result["parameters"], "seconds": result["seconds"]["train"]}
    for name, value in counted.items():
        assert measures[name] == {"value": value, "low": value, "high": value}


@pytest.mark.parametrize("name", [name for name, card in model_cards().items() if not card.neural])
def test_a_counted_model_tells_the_same_without_epochs(
    name: str, tmp_path: Path, dataset: Dataset, split: Split, run: Any, start_config: Any
) -> None:
    config = RunConfig.make("next_item", {"dataset": ("shop", "tiny")}, {"model": name}, seed=3)
    assert "epochs" not in config.settings
    events = list(start_config(config, tmp_path))
    assert kinds(events) == ["plan", "prepared", "references", "score", "frame", "test", "test", "result"]
    planned, prepared, references, scored, frame, *_, result = events
    assert planned["counts"] == {"score": 1, "frame": 1, "test": 2}
    assert (scored["at"], frame["at"]) == (0, 0)
    assert set(Folder(tmp_path).view(0)) == {"shoppers", "map"}
    assert all(plain(event) for event in events)
    assert set(prepared) == set(run.of("prepared")[0])
    assert references == run.of("references")[0]
    assert set(result) == set(run.events[-1])
    assert (result["epochs"], result["kept_epoch"]) == (0, 0)
    assert set(result["measures"]) == set(next_item.MEASURES) - {"loss", "over_personal_frequency", "over_ease"}, (
        "it gives no probabilities"
    )
    assert {part: result[part] for part in ("baselines", "oracle")} == {
        part: run.events[-1][part] for part in ("baselines", "oracle")
    }
    model = model_class(name).load(tmp_path / "model")
    assert evaluate(model.score, split.test).metrics == result["metrics"]
    assert model.parameters == prepared["parameters"] == result["parameters"]
    if name in result["baselines"]:
        assert result["metrics"] == result["baselines"][name]


def test_the_folder(run: Any) -> None:
    files = sorted(path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file())
    frames = [f"frames/{at:04d}/{name}" for at in range(13) for name in ("view.json", "weights.safetensors")]
    assert files == ["answers.json", "config.json", *frames, "model/config.json", "model/model.safetensors"]


def test_the_last_frame_is_the_finished_model(run: Any) -> None:
    last, model = (
        load_file(path) for path in (run.frame(3) / "weights.safetensors", run.folder / "model" / "model.safetensors")
    )
    assert last.keys() == model.keys()
    assert all(torch.equal(last[key], model[key]) for key in model)
    first = load_file(run.frame(0) / "weights.safetensors")
    assert not torch.equal(first["item.weight"], model["item.weight"])


def test_the_same_run_again_is_the_same(run: Any, tmp_path: Path, start_run: Start) -> None:
    """Bit for bit, though another seed's run came between; another seed is another run."""
    for name in ("other", "again"):
        (tmp_path / name).mkdir()
    other = list(start_run(tmp_path / "other", seed=2))
    again = list(start_run(tmp_path / "again"))
    assert model_bytes(tmp_path / "again") == model_bytes(run.folder)
    assert model_bytes(tmp_path / "other") != model_bytes(run.folder)
    assert without_times(again[-1]) == without_times(run.events[-1])
    assert [event["metrics"] for event in again if event["kind"] == "score"] == [
        event["metrics"] for event in run.of("score")
    ]
    assert without_times(other[-1]) != without_times(run.events[-1])


def model_bytes(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    measures = {name: value for name, value in result["measures"].items() if name != "seconds"}
    return {**{name: value for name, value in result.items() if name != "seconds"}, "measures": measures}


def until(events: Any, kind: str, epoch: float) -> None:
    """Listens to the first event of a kind in an epoch, then stops the run as the worker does."""
    for event in events:
        if event["kind"] == kind and event["epoch"] == pytest.approx(epoch, abs=0.03):
            events.close()
            return
    raise AssertionError(f"no {kind} event in epoch {epoch}")


@pytest.mark.parametrize(
    ("kind", "epoch", "resumed"),
    [
        *[("frame", 0, None), ("step", 1, None), ("frame", 0.5, None), ("step", 2, 1), ("score", 2, 2)],
        *[("frame", 2, 2), ("step", 3, 2), ("frame", 2.3333, 2)],
    ],
)
def test_an_interrupted_run_ends_the_same(
    kind: str, epoch: float, resumed: int | None, run: Any, tmp_path: Path, start_run: Start
) -> None:
    """Stopped anywhere and begun again: the same weights, metrics and pictures as the run that nobody stopped."""
    until(start_run(tmp_path), kind, epoch)
    events = list(start_run(tmp_path))
    told = [event["epoch"] for event in events if event["kind"] == "resumed"]
    assert told == ([] if resumed is None else [resumed])
    if resumed is not None:
        assert kinds(events)[:5] == ["plan", "prepared", "references", "resumed", "score"]
    assert model_bytes(tmp_path) == model_bytes(run.folder)
    assert without_times(events[-1]) == without_times(run.events[-1])
    after = {event["at"]: event["metrics"] for event in events if event["kind"] == "score"}
    assert after == {event["at"]: event["metrics"] for event in run.of("score") if event["epoch"] >= (resumed or 0)}
    view = Folder(tmp_path).view(12)
    assert view == run.view(3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.json", "config.json", "frames", "model"]


def test_interrupted_twice(run: Any, tmp_path: Path, start_run: Start) -> None:
    until(start_run(tmp_path), "step", 2)
    until(start_run(tmp_path), "step", 3)
    assert list(start_run(tmp_path))[-1]["metrics"] == run.events[-1]["metrics"]
    assert model_bytes(tmp_path) == model_bytes(run.folder)


def test_a_stopped_run_leaves_a_usable_folder(tmp_path: Path, start_run: Start) -> None:
    """What was told as a frame can be read; nothing half-written lies about."""
    from course_lib.runs.artefacts import Artefacts

    until(start_run(tmp_path), "frame", 1)
    assert {path.name for path in (tmp_path / "frames").iterdir()} == {f"{at:04d}" for at in range(7)}
    assert not (tmp_path / "model").exists()
    for at in range(7):
        assert len(Artefacts().ask(tmp_path, at, {"history": [1, 2, 3], "k": 10})["top"]) == 10


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(CourseError, match="no-such-model"):
        RunConfig.make(settings={"model": "no-such-model"})


def test_fewer_shoppers_are_learned_from_and_all_are_asked(
    tmp_path: Path, start_run: Start, run: Any, split: Split
) -> None:
    """The first ones, the same whoever else is there; 0 and more than there are both mean all."""
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    events = {event["kind"]: event for event in start_run(tmp_path / "few", shoppers=200, epochs=1)}
    whole = {event["kind"]: event for event in run.events}
    assert events["prepared"]["users"] == 200
    assert events["prepared"]["targets"] < whole["prepared"]["targets"] / 3 / 2
    assert events["prepared"]["eval_users"] == whole["prepared"]["eval_users"]
    assert events["references"] == whole["references"], "the lines are those of all shoppers"
    many = start_run(tmp_path / "many", shoppers=10**6)
    next(many)
    assert next(many)["users"] == len(split.train)
    many.close()


def test_size_is_counted_without_training(run: Any) -> None:
    config = RunConfig.read(run.folder)
    assert next_item.size(config) == {"parameters": run.events[-1]["parameters"]}
    assert next_item.size(RunConfig.make(settings={"model": "markov"})) == {"parameters": 0}


def test_a_diverging_run_raises(tmp_path: Path, start_run: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def poisoned(self: Trainer, *arguments: Any) -> tuple[float, int]:
        with torch.no_grad():
            self.model.norm.weight.fill_(float("inf"))
        return step(self, *arguments)

    monkeypatch.setattr(Trainer, "step", poisoned)
    with pytest.raises(CourseError) as caught:
        list(start_run(tmp_path))
    assert caught.value.key == "training_diverged"
    assert (frame_folder(tmp_path, 0) / "view.json").exists()


def cost_of(model: Any, split: Split) -> dict[str, float]:
    intact, shuffled = (evaluate(model.score, asked) for asked in (split.test, next_item.shuffle(split.test)))
    return next_item._shuffle_cost(intact, shuffled)


def test_shuffling_costs_on_the_shop(split: Split, dataset: Dataset) -> None:
    """Order carries much in this shop: Markov loses a good part without it, popularity nothing at all."""
    cost = {}
    for name, settings in (("markov", {"blend": 10.0}), ("popularity", {})):
        model = model_class(name).fit(split.train, dataset.num_items, settings)
        cost[name] = cost_of(model, split)
    assert set(cost["markov"]) == {"value", "low", "high"}
    assert cost["markov"]["low"] > 0.1
    assert cost["markov"]["high"] < 1
    assert cost["popularity"] == {"value": 0, "low": 0, "high": 0}


def test_shuffling_keeps_what_was_bought(split: Split) -> None:
    """The shuffled histories hold the same products of the same shopper; the intact ones are not touched."""
    before = split.test.histories.items.copy()
    seen: dict[tuple[int, ...], tuple[int, ...]] = {}

    class Listener:
        def score(self, histories: Any) -> np.ndarray:
            for history in histories:
                seen[tuple(sorted(history.tolist()))] = tuple(history.tolist())
            return np.random.default_rng(0).random((len(histories), 5000), np.float32)

    evaluate(Listener().score, next_item.shuffle(split.test))
    asked = {tuple(sorted(history.tolist())): tuple(history.tolist()) for history in split.test.histories}
    assert seen.keys() == asked.keys()
    assert sum(seen[key] != asked[key] for key in asked) > 0.9 * len(asked)
    np.testing.assert_array_equal(split.test.histories.items, before)


def test_sasrec_reads_the_order(run: Any) -> None:
    """The measure is in the result, as an interval."""
    cost = run.events[-1]["measures"]["shuffle_cost"]
    assert set(cost) == {"value", "low", "high"}
    assert cost["low"] <= cost["value"] <= cost["high"]


def test_warm_up_trains_something_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the smallest shop in place of the default one."""
    resolve, make, asked = registry.resolve, RunConfig.make, []

    def tiny(name: str, size: str | None = None) -> Any:
        asked.append((name, size))
        return resolve(name, "tiny")

    monkeypatch.setattr(registry, "resolve", tiny)
    monkeypatch.setattr(next_item.RunConfig, "make", lambda **given: make(data={"dataset": ("shop", "tiny")}, **given))
    next_item.warm_up()
    assert asked[0] == ("shop", None)
    assert torch.get_num_threads() == 1
