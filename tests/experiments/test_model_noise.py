"""Noise as an experiment: dots come one by one, no two trainings share a seed, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Address, Dataset
from course_lib.errors import CourseError
from course_lib.evaluation.model_noise import Trials
from course_lib.experiments import model_noise
from course_lib.experiments.catalogue import check_asked, experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Folder
from course_lib.experiments.model_noise import Noise

SMALL = {"seeds": 3, "shoppers": 150, "width": 8, "epochs": 1}


def run(home: Path, seed: int = 1, **settings: Any) -> list[dict[str, Any]]:
    config = RunConfig.make("model_noise", {"dataset": ("shop", "tiny")}, {**SMALL, **settings}, seed)
    return [dict(event) for event in model_noise.run(config, Folder(home))]


def asked(**question: Any) -> dict[str, Any]:
    return check_asked(experiment_card("model_noise"), question)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run."""
    folder = tmp_path_factory.mktemp("noise")
    run(folder)
    return folder


def test_dots_come_one_by_one(home: Path) -> None:
    for at in range(6):
        told = Folder(home).view(at)["noise"]
        assert len(told["dots"]) == at + 1
        assert set(told["means"]) == {name for n, name in enumerate(("base", "changed")) if at >= 2 + n}
        assert bool(told["sizes"]) == (at >= 3)
    assert len({dot["value"] for dot in told["dots"]}) == 6, "no two trainings are the same"


@pytest.mark.parametrize("change", ["heads", "history", "decay"])
def test_every_change_is_another_model(change: str, home: Path, tmp_path: Path) -> None:
    done = run(tmp_path, change=change, seeds=2)[-1]
    base, changed = (
        [dot["value"] for dot in done["noise"]["dots"] if dot["model"] == model] for model in ("base", "changed")
    )
    before = Folder(home).view(5)["noise"]["dots"]
    assert base == [dot["value"] for dot in before if dot["model"] == "base"][:2], "the first model is the same"
    assert changed != [dot["value"] for dot in before if dot["model"] == "changed"][:2]


def test_the_same_seed_is_the_same_run(home: Path, tmp_path: Path) -> None:
    again = run(tmp_path)[-1]
    assert again["noise"] == Folder(home).view(5)["noise"]
    other = run(tmp_path, seed=2)[-1]
    assert not {dot["value"] for dot in other["noise"]["dots"]} & {dot["value"] for dot in again["noise"]["dots"]}


def test_an_answer_needs_two_trainings_of_each(home: Path) -> None:
    for at in range(3):
        said = model_noise.answer(model_noise.open(home, at), asked())
        assert (said["wrong"], said["widths"], said["difference"]) == (None, None, None)
    kept = model_noise.open(home, None)
    said = model_noise.answer(kept, asked(test_shoppers=500, seeds_each=2))
    trials = Trials.make(kept.values["changed"], kept.values["base"])
    assert said["wrong"] == pytest.approx(trials.wrong(500, 2), abs=1e-5)
    assert said["widths"]["paired"] == pytest.approx(trials.half_widths(500, 2)["paired"], abs=1e-6)
    assert said["measured"] == 600


def test_measures_are_those_of_the_kept_values(tmp_path: Path) -> None:
    done = run(tmp_path)[-1]
    kept = model_noise.open(tmp_path, None)
    measures = done["measures"]
    assert measures["base_ndcg@10"]["value"] == pytest.approx(kept.values["base"].mean(), abs=1e-5)
    gain = kept.values["changed"].mean() - kept.values["base"].mean()
    assert measures["gain"]["value"] == pytest.approx(gain)
    assert measures["seed_sd_base"]["value"] == pytest.approx(kept.values["base"].mean(1).std(ddof=1))
    assert measures["paired_width"]["value"] < measures["unpaired_width"]["value"]


def test_ranks_beyond_the_list_are_all_the_same() -> None:
    noise = Noise.of({"base": [np.array([0, 9, 10, 700])], "changed": []})
    assert noise.values["base"][0].tolist() == pytest.approx([1.0, 1 / np.log2(11), 0.0, 0.0])
    assert noise.trials is None


def test_one_test_shopper_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = pd.DataFrame(
        {
            Columns.USER: np.array([0, 0, 0, 0, 1], np.int32),
            Columns.ITEM: np.array([1, 2, 3, 1, 2], np.int32),
            Columns.TIME: np.arange(5) * 100_000,
            Columns.BASKET: np.arange(5),
        }
    )
    items = pd.DataFrame({Columns.ITEM: np.arange(1, 13)})
    alone = Dataset(Address("lonely", "all", "0" * 12), events, items)
    monkeypatch.setattr(registry, "load", lambda address: alone)
    with pytest.raises(CourseError) as caught:
        run(tmp_path)
    assert caught.value.key == "too_few_to_compare"
    assert "lonely" in caught.value.text("zh")
