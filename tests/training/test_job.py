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
from course_lib.models.base import model_class
from course_lib.models.catalogue import check_settings, model_card, model_cards
from course_lib.shop.source import sizes
from course_lib.training import job
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
    epoch = ["step", "epoch", "snapshot"]
    assert kinds(run.events) == ["prepared", "references", "epoch", "snapshot", *epoch, *epoch, *epoch, "result"]
    assert [event["epoch"] for event in run.of("epoch")] == [0, 1, 2, 3]
    assert [event["epoch"] for event in run.of("snapshot")] == [0, 1, 2, 3]


def test_events_are_plain_json(run: Any) -> None:
    for event in run.events:
        assert plain(event), event["kind"]
        assert json.loads(json.dumps(event)) == event


def test_prepared(run: Any, dataset: Dataset, split: Split) -> None:
    (event,) = run.of("prepared")
    fields = {"kind", "epochs", "steps", "targets", "users", "items", "parameters", "eval_users", "seconds"}
    assert set(event) == fields
    assert event["epochs"] == 3
    assert event["users"] == dataset.num_users == sizes()["tiny"]
    assert event["items"] == dataset.num_items
    assert event["eval_users"] == min(len(split.validation), job.EPOCH_TARGETS)
    saved = load_file(run.folder / "model" / "model.safetensors")
    assert event["parameters"] == sum(tensor.numel() for tensor in saved.values())
    last = run.of("step")[-1]
    assert last["step"] == event["steps"]
    assert last["targets"] == event["targets"]


def test_references_event(run: Any) -> None:
    (event,) = run.of("references")
    assert set(event) == {"kind", "baselines", "oracle"}
    assert set(event["baselines"]) == {"popularity", "item-knn", "markov"}
    assert set(event["oracle"]) == {"known", "filtered"}
    for lines in (event["baselines"], event["oracle"]):
        for metrics in lines.values():
            assert set(metrics) == METRICS
            assert all(interval(value) for value in metrics.values())


def test_step_and_epoch_events(run: Any) -> None:
    (prepared,) = run.of("prepared")
    for event in run.of("step"):
        assert set(event) == {"kind", "epoch", "step", "loss", "targets", "seconds"}
    for event in run.of("epoch"):
        assert set(event) == {"kind", "epoch", "step", "loss", "metrics", "seconds"}
        assert set(event["metrics"]) == METRICS
        assert all(interval(value) for value in event["metrics"].values())
        assert event["step"] == prepared["steps"] // 3 * event["epoch"]
    first, *_, last = run.of("epoch")
    assert (first["loss"], first["seconds"]) == (None, 0.0)
    losses = [event["loss"] for event in run.of("epoch")[1:]]
    assert losses == sorted(losses, reverse=True)
    assert last["metrics"]["ndcg@10"]["value"] > 3 * first["metrics"]["ndcg@10"]["value"]


def test_epochs_and_references_are_asked_the_same_targets(
    tmp_path: Path, start_run: Start, monkeypatch: pytest.MonkeyPatch, dataset: Dataset, split: Split
) -> None:
    """Where only some validation targets are scored an epoch, the baselines beside them answer the same ones."""
    monkeypatch.setattr(job, "EPOCH_TARGETS", 100)
    events = start_run(tmp_path)
    assert next(events)["eval_users"] == 100
    told = next(events)["baselines"]["markov"]
    events.close()
    asked = split.validation.take(job._some(len(split.validation), 100))
    settings = check_settings("markov", model_card("markov").settings, {})
    markov = model_class("markov").fit(split.train, dataset.num_items, settings)
    assert told["ndcg@10"]["value"] == pytest.approx(evaluate(markov.score, asked).metrics["ndcg@10"]["value"])


def test_result(run: Any, split: Split) -> None:
    """Everything of result.json, and its metrics are those of the saved model on all test targets."""
    result = run.events[-1]
    assert set(result) == {
        *("kind", "dataset", "model", "seed", "parameters", "seconds", "metrics", "baselines", "oracle", "measures"),
        *("epochs", "kept_epoch"),
    }
    assert (result["dataset"], result["model"], result["seed"], result["epochs"]) == ("shop", "sasrec", 1, 3)
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


@pytest.mark.parametrize("name", [name for name, card in model_cards().items() if not card.neural])
def test_a_counted_model_tells_the_same_without_epochs(
    name: str, tmp_path: Path, dataset: Dataset, split: Split, run: Any
) -> None:
    settings = check_settings(name, model_card(name).settings, {})
    events = list(job.perform(dataset.address, name, settings, {}, seed=3, folder=tmp_path))
    assert kinds(events) == ["prepared", "references", "result"]
    prepared, references, result = events
    assert all(plain(event) for event in events)
    assert set(prepared) == set(run.of("prepared")[0])
    assert references == run.of("references")[0]
    assert set(result) == set(run.events[-1])
    assert (prepared["epochs"], prepared["steps"], result["epochs"]) == (0, 0, 0)
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
    snapshots = [f"epochs/{epoch:03d}/{name}" for epoch in range(4) for name in ("view.json", "weights.safetensors")]
    assert files == [*snapshots, "epochs/config.json", "model/config.json", "model/model.safetensors"]


def test_the_last_snapshot_is_the_finished_model(run: Any) -> None:
    last, model = (
        load_file(run.folder / name) for name in ("epochs/003/weights.safetensors", "model/model.safetensors")
    )
    assert last.keys() == model.keys()
    assert all(torch.equal(last[key], model[key]) for key in model)
    first = load_file(run.folder / "epochs/000/weights.safetensors")
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
    assert [event["metrics"] for event in again if event["kind"] == "epoch"] == [
        event["metrics"] for event in run.of("epoch")
    ]
    assert other[-1]["seed"] == 2


def model_bytes(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "seconds"}


def until(events: Any, kind: str, epoch: int) -> None:
    """Listens to the first event of a kind in an epoch, then stops the run as the worker does."""
    for event in events:
        if event["kind"] == kind and event["epoch"] == epoch:
            events.close()
            return
    raise AssertionError(f"no {kind} event in epoch {epoch}")


@pytest.mark.parametrize(
    ("kind", "epoch", "resumed"),
    [("snapshot", 0, None), ("step", 1, None), ("step", 2, 1), ("epoch", 2, 2), ("snapshot", 2, 2), ("step", 3, 2)],
)
def test_an_interrupted_run_ends_the_same(
    kind: str, epoch: int, resumed: int | None, run: Any, tmp_path: Path, start_run: Start
) -> None:
    """Stopped anywhere and begun again: the same weights, metrics and pictures as the run that nobody stopped."""
    until(start_run(tmp_path), kind, epoch)
    events = list(start_run(tmp_path))
    told = [event["epoch"] for event in events if event["kind"] == "resumed"]
    assert told == ([] if resumed is None else [resumed])
    if resumed is not None:
        assert kinds(events)[:4] == ["prepared", "references", "resumed", "epoch"]
    assert model_bytes(tmp_path) == model_bytes(run.folder)
    assert without_times(events[-1]) == without_times(run.events[-1])
    after = {event["epoch"]: event["metrics"] for event in events if event["kind"] == "epoch"}
    assert after == {event["epoch"]: event["metrics"] for event in run.of("epoch") if event["epoch"] >= (resumed or 0)}
    view = json.loads((tmp_path / "epochs" / "003" / "view.json").read_text(encoding="utf-8"))
    assert view["shoppers"] == run.view(3)["shoppers"]
    np.testing.assert_allclose(view["map"]["x"], run.view(3)["map"]["x"], atol=2e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epochs", "model"]


def test_interrupted_twice(run: Any, tmp_path: Path, start_run: Start) -> None:
    until(start_run(tmp_path), "step", 2)
    until(start_run(tmp_path), "step", 3)
    assert list(start_run(tmp_path))[-1]["metrics"] == run.events[-1]["metrics"]
    assert model_bytes(tmp_path) == model_bytes(run.folder)


def test_a_stopped_run_leaves_a_usable_folder(tmp_path: Path, start_run: Start) -> None:
    """What was told as a snapshot can be read; nothing half-written lies about."""
    from course_lib.explain.predict import Predictor

    until(start_run(tmp_path), "step", 2)
    assert {path.name for path in (tmp_path / "epochs").iterdir()} == {"000", "001", "config.json"}
    assert not (tmp_path / "model").exists()
    for epoch in (0, 1):
        assert len(Predictor().predict(tmp_path, epoch, [1, 2, 3])["top"]) == 10


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no-such-model"):
        list(job.perform(registry.resolve("shop", "tiny"), "no-such-model", {}, {"epochs": 1}, 1, tmp_path))


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
    assert (tmp_path / "epochs" / "000" / "view.json").exists()


def test_shuffling_costs_on_the_shop(split: Split, dataset: Dataset) -> None:
    """Order carries much in this shop: Markov loses a good part without it, popularity nothing at all."""
    cost = {}
    for name, settings in (("markov", {"blend": 10.0}), ("popularity", {})):
        model = model_class(name).fit(split.train, dataset.num_items, settings)
        cost[name] = job.shuffle_cost(model, split.test, evaluate(model.score, split.test))
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

    listener = Listener()
    job.shuffle_cost(listener, split.test, evaluate(lambda h: np.ones((len(h), 5000), np.float32), split.test))
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
    resolve, asked = registry.resolve, []

    def tiny(name: str, size: str | None = None) -> Any:
        asked.append((name, size))
        return resolve(name, "tiny")

    monkeypatch.setattr(job.registry, "resolve", tiny)
    job.warm_up()
    assert asked == [("shop", None)]
    assert torch.get_num_threads() == 1
