"""Off-policy: a model as a policy, the same numbers whoever trained it, questions exact, what many logs tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course_lib.data.columns import Columns
from course_lib.data.registry import load_table, resolve
from course_lib.errors import CourseError
from course_lib.evaluation.off_policy import UNBIASED
from course_lib.experiments import next_item, off_policy
from course_lib.experiments.config import CONFIG, RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.figures.pictures import picture
from course_lib.figures.shown import Shown
from course_lib.runs.view import EventFold

SASREC = {"model": "sasrec", "width": 8, "layers": 1, "heads": 1, "history_length": 5, "epochs": 2, "slates": 100}
Made = tuple[Path, list[Event]]


def carried_out(home: Path, config: RunConfig, run: Any = off_policy.run) -> Made:
    folder = home / config.run_id
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(config.to_json(), encoding="utf-8")
    return folder, list(run(config, Folder(folder)))


def config_of(seed: int = 1, **settings: Any) -> RunConfig:
    return RunConfig.make("off_policy", {"dataset": ("shop", "tiny")}, {"model": "item-knn", **settings}, seed)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Made]:
    """The function ``run(**settings)``: folder and events, each made once."""
    made: dict[str, Made] = {}

    def carry(**settings: Any) -> Made:
        config = config_of(**settings)
        if config.run_id not in made:
            made[config.run_id] = carried_out(tmp_path_factory.mktemp("off_policy"), config)
        return made[config.run_id]

    return carry


def value(events: list[Event], name: str) -> float:
    return float(events[-1]["measures"][name]["value"])


def test_what_many_logs_tell(run: Callable[..., Made]) -> None:
    """Intervals hold for those that claim it; DM's is narrow and all but never holds; the mixture is the calmest."""
    _, events = run()
    for name in UNBIASED:
        assert 0.9 <= value(events, f"{name}_held") <= 0.99, name
        low, high = (events[-1]["measures"][name][end] for end in ("low", "high"))
        assert high - low > 20 * value(events, "dm_width")
    assert value(events, "dm_held") < 0.05
    assert value(events, "mixture_ips_error") < 0.9 * value(events, "ips_error")
    assert value(events, "mixture_effective") > 1.2 * value(events, "effective")


def test_a_sharp_policy_and_a_log_that_shows_everything_alike(run: Callable[..., Made]) -> None:
    """Of a thousand slates, less than thirty count."""
    _, events = run(logger="uniform", slates=1000, sharpness=3.0)
    assert 5 < value(events, "effective") < 30
    assert value(events, "ips_error") > 0.07
    assert value(events, "mixture_ips") == pytest.approx(value(events, "ips"), rel=1e-9), "a single policy made it"
    _, better = run(slates=12_000, sharpness=3.0)
    assert value(better, "mixture_ips_error") < 0.3 * value(events, "ips_error")


def test_clipping_trades_spread_for_bias(run: Callable[..., Made]) -> None:
    curve = [one["estimators"]["clipped_ips"] for one in run()[1][-1]["clips"]]
    assert curve[0]["bias"] < -0.05
    assert [one["sd"] for one in curve] == sorted(one["sd"] for one in curve)
    assert [one["bias"] for one in curve] == sorted(one["bias"] for one in curve)


def test_the_frames_are_one_log_that_grows(run: Callable[..., Made]) -> None:
    folder, events = run()
    frames = [one for one in events if one["kind"] == "frame"]
    assert [one["slates"] for one in frames] == [100, 300, 1000, 3000]
    artefact = off_policy.open(folder, None)
    for one in frames:
        asked = {"logger": "mixture", "slates": one["slates"], "sharpness": 1.0, "clip": 10.0}
        told = off_policy.answer(artefact, asked)
        assert told == Folder(folder).view(one["at"])
        assert {row["name"]: row["value"] for row in told["rows"]} == {
            name: ends[0] for name, ends in one["estimates"].items()
        }
    assert told == events[-1]["table"]


def test_a_question_is_what_a_run_with_those_settings_says(run: Callable[..., Made]) -> None:
    """The sliders are exact: another logger, sharpness, clip and length, and the log of the run that has them."""
    asked = {"logger": "uniform", "slates": 1000, "sharpness": 3.0, "clip": 5.0}
    folder, _ = run()
    _, events = run(**asked)
    assert off_policy.answer(off_policy.open(folder, None), asked) == events[-1]["table"]


def test_a_slider_answers_at_once(run: Callable[..., Made]) -> None:
    artefact = off_policy.open(run()[0], None)
    spent = []
    for number in range(5):
        began = time.process_time()
        asked = {"logger": "mixture", "slates": 12_000, "sharpness": 1 + number / 2, "clip": 10.0}
        off_policy.answer(artefact, asked)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.1


def test_the_weights_of_a_finished_run_are_taken(tmp_path: Path) -> None:
    """The same numbers as where the model is trained here, and no step of training."""
    alone, config = tmp_path / "alone", config_of(**SASREC)
    _, trained = carried_out(alone, config)
    both = tmp_path / "both"
    twin = off_policy._twin(config)
    assert twin.settings["width"] == 8
    carried_out(both, twin, next_item.run)
    _, taken = carried_out(both, config)
    assert any(one["kind"] == "step" for one in trained)
    assert not any(one["kind"] == "step" for one in taken)
    assert taken[-1]["table"] == trained[-1]["table"]
    (both / twin.run_id / next_item.FINISHED / "config.json").write_text("{", encoding="utf-8")
    damaged = off_policy._finished(config, Folder(both / config.run_id))
    assert damaged is None, "then it is trained here"


def test_patience_keeps_the_best_epoch_as_next_item_does(tmp_path: Path) -> None:
    config = config_of(**SASREC | {"epochs": 4, "patience": 1, "learning_rate": 0.1})
    twin = off_policy._twin(config)
    carried_out(tmp_path / "both", twin, next_item.run)
    _, taken = carried_out(tmp_path / "both", config)
    _, trained = carried_out(tmp_path / "alone", config)
    assert taken[-1]["table"] == trained[-1]["table"]


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_open_bandit(campaign: str, run: Callable[..., Made]) -> None:
    """The truth is what Thompson sampling was clicked; a sharper form has none; the interval covers and is wide."""
    folder, events = run(log=campaign, slates=12_000)
    measures = events[-1]["measures"]
    log = load_table(resolve("open-bandit"), campaign)
    asked = log[log[Columns.POLICY] == "bts"]
    assert measures["truth"]["value"] == pytest.approx(asked[Columns.CLICK].mean())
    assert events[-1]["table"]["slates"] == 10_000
    assert events[-1]["table"]["logger"] == "random"
    assert measures["snips"]["low"] < measures["truth"]["high"]
    assert measures["snips"]["high"] > measures["truth"]["low"]
    assert not any(name.endswith(("_held", "_error")) for name in measures)
    told = off_policy.answer(
        off_policy.open(folder, None), {"logger": "mixture", "slates": 3000, "sharpness": 2.0, "clip": 10.0}
    )
    assert told["truth"] is None
    _, sharper = run(log=campaign, sharpness=2.0)
    assert "truth" not in sharper[-1]["measures"]


def test_pictures_of_a_real_run(run: Callable[..., Made]) -> None:
    """Every picture has the run's numbers; DM is hollow, and its interval narrow."""
    folder, events = run()
    fold = EventFold()
    for n, event in enumerate(events):
        fold.apply({"t": n / 10, **event})
    view = fold.view(folder.name, config_of(), events[-1])
    shown = Shown((view,), ("One",), 1, Folder(folder).view(1))
    estimates = picture("off_policy.estimates")(shown, "en").frame.set_index("name")
    assert not estimates.loc["dm", "claims"]
    width = estimates["high"] - estimates["low"]
    assert width["dm"] < 0.1 * width["ips"]
    table = Folder(folder).view(1)
    assert estimates.loc["logged", "value"] == table["logged"]
    weights = picture("off_policy.weights")(shown, "en")
    assert weights.frame["share"].sum() == pytest.approx(1)
    assert f"{table['effective']:,.0f}" in weights.alt
    assert len(picture("off_policy.growth")(shown, "en").frame) == 4 * 5
    assert len(picture("off_policy.clips")(shown, "zh").frame) == 9
    for word in ("error", "held"):
        name = "errors" if word == "error" else word
        frame = picture(f"off_policy.{name}")(shown, "en").frame.set_index("measure")
        assert frame.loc[f"snips_{word}", "value"] == value(events, f"snips_{word}")


def test_open_bandit_without_a_truth_is_drawn(run: Callable[..., Made]) -> None:
    folder, events = run(log="men", sharpness=2.0)
    fold = EventFold()
    for n, event in enumerate(events):
        fold.apply({"t": n / 10, **event})
    shown = Shown((fold.view(folder.name, config_of(log="men"), events[-1]),), ("One",))
    for name in ("estimates", "growth"):
        drawn = picture(f"off_policy.{name}")(shown, "en")
        assert "nobody knows the truth" in drawn.alt
        drawn.plot()
    assert picture("off_policy.clips")(shown, "en").frame["error"].isna().all()
    assert picture("off_policy.held")(shown, "en").frame.empty


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        carried_out(tmp_path, RunConfig.make("off_policy", {"dataset": "complete-journey"}, {"model": "popularity"}))
    assert caught.value.key == "off_policy_shop"
    assert "complete-journey" in caught.value.text("zh")
