"""The two experiments that steer a model's lists by a weight: beyond_accuracy and satisfaction."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.evaluation import beyond_accuracy as beyond
from course_lib.experiments import beyond_accuracy, next_item, satisfaction, steering
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Folder
from course_lib.experiments.steering import WEIGHTS


def run(name: str, folder: Path, **settings: Any) -> list[dict[str, Any]]:
    """All events of a run on the smallest shop."""
    config = RunConfig.make(name, {"dataset": ("shop", "tiny")}, settings, 1)
    folder.mkdir(exist_ok=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return list(importlib.import_module(f"course_lib.experiments.{name}").run(config, Folder(folder)))


def ask(name: str, folder: Path, at: int | None = None, **asked: Any) -> dict[str, Any]:
    module = importlib.import_module(f"course_lib.experiments.{name}")
    answer: dict[str, Any] = module.answer(module.open(folder, at), check_asked(experiment_card(name), asked))
    return answer


def value(done: dict[str, Any], name: str) -> float:
    return float(done["measures"][name]["value"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steered")


@pytest.fixture(scope="module")
def lists(folder: Path) -> dict[str, Any]:
    """The result of Markov's lists."""
    return run("beyond_accuracy", folder / "beyond", model="markov")[-1]


@pytest.fixture(scope="module")
def content(folder: Path) -> dict[str, Any]:
    """The same for satisfaction."""
    return run("satisfaction", folder / "content", model="markov")[-1]


# Both


@pytest.mark.parametrize(
    ("name", "choice"), [("beyond_accuracy", {"rerank": "popularity"}), ("satisfaction", {"by": "owned"})]
)
def test_the_run_stands_on_its_frontier(name: str, choice: dict[str, str], tmp_path: Path) -> None:
    done = run(name, tmp_path, model="markov", weight=0.3, **choice)[-1]
    there = steering.on_frontier(done["weights"], 0.3, **choice)
    for measure, one in there.items():
        assert value(done, measure) == pytest.approx(one["value"], abs=1e-5), measure
        if "ndcg" in measure:
            assert one["low"] == pytest.approx(done["measures"][measure]["low"], abs=0.005)
    answer = ask(name, tmp_path, weight=0.31, **choice)
    assert (answer["weight"], answer["measures"]) == (0.3, there)
    assert [one["weight"] for one in done["weights"][: len(WEIGHTS)]] == list(WEIGHTS)


@pytest.mark.parametrize("name", ["beyond_accuracy", "satisfaction"])
def test_without_weight_the_list_is_the_models_own(name: str, folder: Path, lists: Any, content: Any) -> None:
    home = folder / {"beyond_accuracy": "beyond", "satisfaction": "content"}[name]
    for shopper in (1, 5):
        answer = ask(name, home, shopper=shopper)
        assert [one["was"] for one in answer["list"]] == list(range(1, 11))
        assert answer["user"] == shopper - 1
        changed = ask(name, home, shopper=shopper, weight=0.8)
        assert len({one["item"] for one in changed["list"]}) == 10
        assert any(one["was"] is None for one in changed["list"])


def test_the_score_is_that_of_next_item(tmp_path: Path) -> None:
    """The same training, to the last bit; with Markov's many equal scores it is a little higher, see ``ndcg_of``."""
    small = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "epochs": 1}
    config = RunConfig.make("next_item", {"dataset": ("shop", "tiny")}, small, 1)
    theirs = list(next_item.run(config, Folder(tmp_path / "next")))[-1]["measures"]
    for name in ("beyond_accuracy", "satisfaction"):
        done = run(name, tmp_path / name, **small)[-1]
        assert value(done, "ndcg@10") == pytest.approx(theirs["ndcg@10"]["value"], abs=1e-9)
    assert value(done, "hr@10") == pytest.approx(theirs["hr@10"]["value"], abs=1e-9)


def test_patience_ends_a_run_with_its_plan_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that gets no better after its first epoch: fewer frames than were planned at first."""
    small = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "epochs": 6, "patience": 1}
    events = run("beyond_accuracy", tmp_path, **small, learning_rate=0.00001)
    frames = [one for one in events if one["kind"] == "frame"]
    last = [one for one in events if one["kind"] == "plan"][-1]
    assert last["counts"]["frame"] == len(frames)
    assert last["counts"]["step"] == max(one["at"] for one in events if one["kind"] == "step")
    assert ask("beyond_accuracy", tmp_path, weight=0.5)["measures"]


def test_before_the_end_lists_are_known_and_the_frontier_is_not(tmp_path: Path) -> None:
    small = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "epochs": 1}
    for name in ("beyond_accuracy", "satisfaction"):
        run(name, tmp_path / name, **small)
        early = ask(name, tmp_path / name, at=0, weight=0.5)
        assert early["measures"] == {}
        assert len(early["list"]) == 10
        assert early["list"] != ask(name, tmp_path / name, weight=0.5)["list"]


def test_too_few_products_for_a_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr(registry, "load", lambda address: tiny_data(rng, products=9))
    with pytest.raises(CourseError) as caught:
        run("beyond_accuracy", tmp_path, model="popularity")
    assert caught.value.key == "too_few_products"


def tiny_data(rng: Any, products: int, shoppers: int = 60, **columns: Any) -> Dataset:
    """Five purchases a shopper of products that have what ``columns`` says, and no more."""
    count = 5 * shoppers
    events = pd.DataFrame(
        {
            Columns.USER: np.repeat(np.arange(shoppers), 5).astype(np.int32),
            Columns.ITEM: rng.integers(1, products + 1, count).astype(np.int32),
            Columns.TIME: np.tile(np.arange(5) * 100_000, shoppers),
            Columns.BASKET: np.arange(count),
        }
    )
    items = pd.DataFrame({Columns.ITEM: np.arange(1, products + 1), **columns})
    return Dataset(Address("own", "all", "0"), events, items)


# Beyond accuracy


def test_popularity_reaches_least_and_is_the_most_biased(lists: dict[str, Any], tmp_path: Path) -> None:
    popular = run("beyond_accuracy", tmp_path, model="popularity")[-1]
    assert value(popular, "coverage") == pytest.approx(10 / 1260)
    assert value(popular, "gini") == pytest.approx(1 - 10 / 1260)
    assert value(popular, "novelty") < value(lists, "novelty")
    assert value(popular, "serendipity") < value(lists, "serendipity")
    assert value(popular, "gini_over_sales") > value(lists, "gini_over_sales")
    lifts = [value(popular, f"lift_{name}") for name in beyond.GROUPS]
    assert lifts == sorted(lifts, reverse=True), "the same list is furthest from those with niche tastes"
    assert set(lists["measures"]) == set(beyond_accuracy.MEASURES)


def test_gini_is_compared_at_equal_sales(lists: dict[str, Any]) -> None:
    curve = lists["gini_curve"]
    assert [one["sales"] for one in curve] == sorted(one["sales"] for one in curve)
    assert curve[0]["purchases"] > curve[-1]["purchases"], "fewer sales are more unequal by themselves"
    assert value(lists, "gini_over_sales") == pytest.approx(curve[-1]["gini"] - curve[-1]["purchases"])


def test_steering_does_what_it_says(lists: dict[str, Any]) -> None:
    def at(weight: float, way: str, measure: str) -> float:
        return float(steering.on_frontier(lists["weights"], weight, rerank=way)[measure]["value"])

    assert at(1.0, "calibration", "miscalibration") < 0.3 * at(0.0, "calibration", "miscalibration")
    assert at(1.0, "popularity", "novelty") > at(0.0, "popularity", "novelty") + 1
    assert at(0.0, "popularity", "ndcg@10") == at(0.0, "calibration", "ndcg@10") > at(1.0, "popularity", "ndcg@10")


def test_one_shoppers_categories(folder: Path, lists: dict[str, Any]) -> None:
    before, after = (ask("beyond_accuracy", folder / "beyond", weight=weight)["categories"] for weight in (0.0, 1.0))
    for rows in (before, after):
        for column in ("history", "before", "after"):
            assert sum(one[column] for one in rows) == pytest.approx(1, abs=1e-3)

    def apart(rows: list[dict[str, Any]]) -> float:
        return float(sum(abs(one["history"] - one["after"]) for one in rows))

    assert apart(after) < apart(before)


def test_data_without_categories_has_the_other_measures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = tiny_data(np.random.default_rng(0), products=40)
    monkeypatch.setattr(registry, "load", lambda address: data)
    events = run("beyond_accuracy", tmp_path, model="popularity", rerank="popularity", weight=0.5)
    done = events[-1]
    assert {"ndcg@10", "coverage", "novelty", "lift_niche"} <= set(done["measures"])
    assert not {"diversity", "miscalibration"} & set(done["measures"])
    assert {one["rerank"] for one in done["weights"]} == {"popularity"}
    json.dumps(done, allow_nan=False)
    assert ask("beyond_accuracy", tmp_path, rerank="popularity", weight=0.5)["categories"] == []
    for refused in (
        lambda: run("beyond_accuracy", tmp_path, model="popularity", weight=0.5),
        lambda: ask("beyond_accuracy", tmp_path, weight=0.5),
    ):
        with pytest.raises(CourseError) as caught:
            refused()
        assert caught.value.key == "no_categories"
        assert "own" in caught.value.text("zh")


def test_types_stand_in_for_departments_and_those_without_are_one_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds = [None if n % 5 == 0 else "ab"[n % 2] for n in range(40)]
    data = tiny_data(np.random.default_rng(0), 40, **{Columns.TYPE: kinds})
    monkeypatch.setattr(registry, "load", lambda address: data)
    done = run("beyond_accuracy", tmp_path, model="popularity", weight=0.5)[-1]
    assert value(done, "diversity") > 0
    answer = ask("beyond_accuracy", tmp_path, weight=1.0)
    assert {one["category"] for one in answer["categories"]} <= {"", "a", "b"}


# Satisfaction


def test_stars_find_what_satisfies(content: dict[str, Any]) -> None:
    assert set(content["measures"]) == set(satisfaction.MEASURES)

    def at(weight: float, by: str, measure: str) -> float:
        return float(steering.on_frontier(content["weights"], weight, by=by)[measure]["value"])

    for by in ("stars", "owned", "ridge"):
        assert at(1.0, by, "utility") > at(0.0, by, "utility") + 0.2
        assert at(1.0, by, "utility") < value(content, "best_utility")
        assert at(1.0, by, "ndcg@10") < at(0.0, by, "ndcg@10")
    assert at(1.0, "owned", "owned_again") < 0.5 * at(1.0, "stars", "owned_again")
    found = content["correlations"]
    assert 0.1 < found["stars"]["value"] < found["owned"]["value"]
    assert value(content, "correlation") == pytest.approx(found["ridge"]["value"], abs=1e-5)


def test_one_shoppers_list_knows_the_truth(folder: Path, content: dict[str, Any]) -> None:
    own, steered = (ask("satisfaction", folder / "content", weight=weight, by="ridge") for weight in (0.0, 1.0))
    assert [one["item"] for one in own["list"]] == [one["item"] for one in own["before"]]
    assert [one["stars"] for one in steered["list"]] == sorted((one["stars"] for one in steered["list"]), reverse=True)
    assert np.mean([one["utility"] for one in steered["list"]]) > np.mean([one["utility"] for one in own["list"]])


def test_data_without_truth_or_ratings_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = tiny_data(np.random.default_rng(0), products=40)
    monkeypatch.setattr(registry, "load", lambda address: data)
    with pytest.raises(CourseError) as caught:
        run("satisfaction", tmp_path, model="popularity")
    assert caught.value.key == "no_truth"
    assert "own" in caught.value.text("en")


def test_a_row_that_does_not_vary_has_no_correlation() -> None:
    table = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])
    found = satisfaction.row_correlation(table, np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 3.0]]))
    assert found[0] == pytest.approx(np.corrcoef([1, 2, 4], [2, 1, 0])[0, 1])
    assert found[1] == 0
