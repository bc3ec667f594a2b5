"""``run`` and its short form ``train``: the same run as the page's, one JSON object out, progress on standard error."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course_lib.cli.main import main
from course_lib.cli.run import Bar, configure, known_settings
from course_lib.errors import CourseError
from course_lib.experiments.catalogue import experiment_card
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import plan
from course_lib.models.catalogue import model_cards
from course_lib.runs import foreground
from course_lib.settings import Settings, load_settings
from course_lib.training.settings import SETTINGS as TRAINING
from course_lib.training.settings import loop_settings

PROJECT = Path(__file__).resolve().parent.parent.parent
NEXT_ITEM = experiment_card("next_item")


def score(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def result(config: RunConfig) -> dict[str, Any]:
    metrics = {"ndcg@10": score(0.30), "hr@10": score(0.45), "mrr@10": score(0.25)}
    return {
        "measures": {**metrics, "parameters": {"value": 176_000, "low": 176_000, "high": 176_000}},
        "parameters": 176_000,
        "seconds": {"total": 14.2, "train": 12.9},
        "metrics": metrics,
        "baselines": {"popularity": metrics, "item-knn": metrics, "markov": metrics},
        "oracle": {"known": metrics, "filtered": metrics},
        "epochs": 2,
    }


def head(config: RunConfig) -> dict[str, Any]:
    """What is printed before the result."""
    return {
        "experiment": "next_item",
        "dataset": config.data["dataset"].name,
        "model": config.settings["model"],
        "seed": config.seed,
        "settings": dict(config.settings),
        "run": str(load_settings().runs / config.run_id),
    }


EVENTS: list[dict[str, Any]] = [
    {"kind": "started", "attempt": 1},
    plan(step=20, score=3, frame=3),
    {"kind": "prepared", "users": 2},
    {"kind": "references", "baselines": {}, "oracle": None},
    {"kind": "score", "at": 0, "epoch": 0, "loss": None, "metrics": {"ndcg@10": score(0.01)}},
    {"kind": "step", "at": 7, "epoch": 1, "loss": 6.5},
    {"kind": "resumed", "epoch": 1, "keep": {}},
    {"kind": "step", "at": 20, "epoch": 2, "loss": 5.25},
    {"kind": "score", "at": 2, "epoch": 2, "loss": 5.25, "metrics": {"ndcg@10": score(0.3)}},
    {"kind": "finished", "seconds": 14.2},
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """Puts a quick training in the place of the real one and remembers the configurations that it was asked for."""
    configs: list[RunConfig] = []

    def run_here(config: RunConfig, settings: Settings, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        configs.append(config)
        for event in EVENTS:
            on_event(event)
        return result(config)

    monkeypatch.setattr(foreground, "run_here", run_here)
    return configs


def test_json_is_one_object_of_the_agreed_shape(asked: list[RunConfig], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dataset", "shop", "--model", "sasrec", "--seed", "1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    record = json.loads(out)
    assert record == {**head(asked[0]), **result(asked[0])}
    assert "20/20" in err
    assert "NDCG@10=0.300" in err


def test_it_is_the_same_run_as_the_page_s(asked: list[RunConfig]) -> None:
    assert main(["train", "--width", "32", "--epochs", "3", "--seed", "7", "--size", "tiny"]) == 0
    page = RunConfig.make("next_item", {"dataset": ("shop", "tiny")}, {"width": 32, "epochs": 3}, 7)
    assert asked == [page]
    assert main(["run", "next_item", "--width", "32", "--epochs", "3", "--seed", "7", "--dataset", "shop/tiny"]) == 0
    assert asked == [page, page], "the long form of the same line"


def test_options_and_set_are_the_same_and_the_last_counts(asked: list[RunConfig]) -> None:
    assert main(["train", "--width", "32", "--set", "width=16", "--set", "batch-size=64"]) == 0
    assert main(["train", "--set", "width=16", "--width", "32", "--set", "batch_size=64"]) == 0
    assert [config.settings["width"] for config in asked] == [16, 32]
    assert [config.settings["batch_size"] for config in asked] == [64, 64]


@pytest.mark.parametrize("name", list(model_cards()))
def test_every_setting_is_an_option(asked: list[RunConfig], name: str) -> None:
    """A new setting of a model or of the loop becomes an option by being there, and no model shares one with the loop.

    A counted model takes its own settings alone; each option in the other models' way is refused.
    """
    card = model_cards()[name]
    assert not set(card.settings) & set(TRAINING)
    own = dict(card.settings) | (loop_settings(name) if card.neural else {})
    line = [word for key, setting in own.items() for word in (f"--{key.replace('_', '-')}", str(setting.default))]
    assert main(["train", "--model", name, *line]) == 0
    assert asked == [RunConfig.make(settings={"model": name})]
    for key in set(known_settings([NEXT_ITEM])) - set(own) - set(NEXT_ITEM.own_settings) - {"model"}:
        with pytest.raises(CourseError, match=key):
            configure(NEXT_ITEM, arguments(given={"model": name, key: "1"}))


def test_an_option_may_be_written_as_the_setting_is(asked: list[RunConfig]) -> None:
    assert main(["train", "--batch-size", "32"]) == 0
    assert main(["train", "--batch_size", "32"]) == 0
    assert asked[0].settings["batch_size"] == 32
    assert asked[0] == asked[1]


def test_help_tells_apart_what_two_models_call_by_one_name() -> None:
    kinds = known_settings([NEXT_ITEM])["regularisation"]
    assert sorted(owner for owners in kinds.values() for owner in owners) == ["ease", "matrix-factorization"]
    assert len(kinds) == 2


@pytest.mark.parametrize(
    ("language", "words"), [("en", "seed 1: 176,000 parameters"), ("zh", "种子 1：176,000 个参数")]
)
def test_without_json_a_table_for_people(
    asked: list[RunConfig], capsys: pytest.CaptureFixture[str], language: str, words: str
) -> None:
    assert main(["train", "--lang", language]) == 0
    out = capsys.readouterr().out
    assert words in out
    assert out.count("0.300 [0.290, 0.310]") == 6  # popularity, item-knn, markov, sasrec and two bounds
    assert str(load_settings().runs / asked[0].run_id) in out


def test_a_dataset_without_a_truth_has_no_oracle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(foreground, "run_here", lambda config, settings, on_event: {**result(config), "oracle": None})
    assert main(["train", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["oracle"] is None
    assert main(["train"]) == 0


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(foreground, "run_here", interrupted)
    assert main(["train", "--json", "--lang", "en"]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert "the same command goes on from the last finished epoch" in err.splitlines()[-1]


def test_bar_never_runs_backwards(capsys: pytest.CaptureFixture[str]) -> None:
    """A resumed run repeats steps; the bar waits for them."""
    bar = Bar()
    bar.take(plan(step=10, score=2))
    bar.take({"kind": "step", "at": 8, "loss": 1.0})
    bar.take({"kind": "step", "at": 3, "loss": 1.0})
    assert bar._bar.n == 8
    bar.close()


def test_bar_ends_where_a_run_stops_early(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.take(plan(step=10, score=2))
    bar.take({"kind": "step", "at": 6, "loss": 1.0})
    bar.take(plan(step=6, score=1))
    assert (bar._bar.n, bar._bar.total) == (6, 6)
    bar.close()


def test_bar_without_a_plan_only_tells_what_happens(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.take({"kind": "started"})
    bar.take({"kind": "finished", "seconds": 4.0})
    bar.close()
    assert bar._bar.total is None


def test_a_model_that_is_its_own_baseline_has_one_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(foreground, "run_here", lambda config, settings, on_event: result(config))
    assert main(["train", "--model", "popularity", "--lang", "en"]) == 0
    assert capsys.readouterr().out.count("\nPopularity ") == 1


def test_a_finished_run_draws_no_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(foreground, "run_here", lambda config, settings, on_event: result(config))
    assert main(["train", "--json"]) == 0
    assert capsys.readouterr().err == ""


def arguments(**given: Any) -> Any:
    from argparse import Namespace

    return Namespace(**{"data": {"dataset": "shop"}, "size": "tiny", "tiny": False, "seed": "1", "given": {}, **given})


TINY = ("--size", "tiny", "--epochs", "1", "--width", "16", "--layers", "1")


def command(*more: str) -> list[str]:
    return [sys.executable, "-m", "course_lib", "train", *TINY, *more]


def test_a_real_run_and_its_repetition() -> None:
    """The real training on the tiny shop, then the same line again: the finished run is printed without training."""
    first = subprocess.run(command("--json"), cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert first.returncode == 0, first.stderr
    record = json.loads(first.stdout)
    config = configure(NEXT_ITEM, arguments(given={"epochs": "1", "width": "16", "layers": "1"}))
    folder = Path(record["run"])
    assert folder.name == config.run_id
    assert (folder / "result.json").is_file()
    assert {"dataset", "model", "seed", "run", "parameters", "seconds", "metrics", "baselines", "oracle"} <= set(record)
    assert (record["dataset"], record["model"], record["seed"]) == ("shop", "sasrec", 1)
    assert set(record["seconds"]) >= {"total", "train"}
    assert set(record["baselines"]) == {"popularity", "item-knn", "markov"}
    assert set(record["oracle"]) == {"known", "filtered"}
    for metrics in (record["metrics"], *record["baselines"].values(), *record["oracle"].values()):
        assert metrics["ndcg@10"]["low"] <= metrics["ndcg@10"]["value"] <= metrics["ndcg@10"]["high"]
    trained = (folder / "result.json").stat().st_mtime_ns
    again = subprocess.run(command("--json"), cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert json.loads(again.stdout) == record
    assert (folder / "result.json").stat().st_mtime_ns == trained


def test_a_counted_model_says_as_much_as_a_trained_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Popularity with its defaults is also a line of every run: here and there the same figures."""
    assert main(["train", "--size", "tiny", "--model", "popularity", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    config = configure(NEXT_ITEM, arguments(given={"model": "popularity"}))
    assert Path(record["run"]).name == config.run_id
    assert set(config.settings) == {"model", "shoppers"}
    assert set(record) >= {*result(config), *head(config)}
    assert record["metrics"] == record["baselines"]["popularity"]
    assert record["measures"]["shuffle_cost"]["value"] == 0  # it reads no history
    assert record["parameters"] == 1261
    assert record["epochs"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_a_real_ctrl_c_keeps_the_run() -> None:
    """Interrupted as soon as it trains, then taken up by the same command."""
    line = command("--seed", "2", "--json", "--epochs", "60", "--lang", "en")
    folder = (
        load_settings().runs
        / configure(NEXT_ITEM, arguments(seed="2", given={"epochs": "60", "width": "16", "layers": "1"})).run_id
    )
    with subprocess.Popen(
        line,
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not list(folder.glob("frames/0006/view.json")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "the same command goes on" in err.splitlines()[-1]
    assert not (folder / "result.json").exists()
    events = [json.loads(row)["kind"] for row in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert events[-1] == "stopped"
    done = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(row)["kind"] for row in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert "resumed" in events


def test_after_a_kill_the_list_says_unfinished(capsys: pytest.CaptureFixture[str]) -> None:
    """And for how long: nobody trains it, whatever its last event says."""
    line = command("--seed", "3", "--json", "--epochs", "40", "--lang", "en")
    given = {"epochs": "40", "width": "16", "layers": "1"}
    folder = load_settings().runs / configure(NEXT_ITEM, arguments(seed="3", given=given)).run_id
    with subprocess.Popen(line, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not list(folder.glob("frames/0004/view.json")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert main(["runs", "list", "--lang", "en"]) == 0
    listed = next(row for row in capsys.readouterr().out.splitlines() if row.startswith(folder.name))
    assert re.search(r"  unfinished for \d+ (s|min)  ", listed), listed


def test_a_published_dataset_that_is_not_here_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("movielens-1m", "movielens-1m/all"):
        assert main(["train", "--dataset", name, "--lang", "en"]) == 2
        said = capsys.readouterr().err
        assert "https://" in said
        assert "python -m course_lib data add movielens-1m PATH" in said
        assert said.count("\n") == 1


def test_a_plan_trains_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["run", "next_item", "--plan", "--seed", "77", "--width", "16", "--size", "tiny"]
    assert main([*line, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    config = configure(NEXT_ITEM, arguments(seed="77", given={"width": "16"}))
    assert record["run"] == config.run_id
    assert record["parameters"] > 1000
    assert record["seconds"] > 0
    assert not (load_settings().runs / config.run_id).exists()
    assert main(line) == 0
    assert config.run_id in capsys.readouterr().out
    assert main([*line, "--model", "markov", "--json"]) == 2, "it has no width"


def test_the_small_form_is_a_run_like_any_other(asked: list[RunConfig], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "next_item", "--tiny", "--json"]) == 0
    assert main(["run", "next_item", "--tiny", "--width", "16", "--seed", "3"]) == 0
    assert asked[0] == RunConfig.tiny("next_item")
    assert (asked[1].settings["width"], asked[1].seed) == (16, 3)
    assert asked[1].data == asked[0].data


def test_an_experiment_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "alchemy", "--lang", "en"]) == 2
    assert "alchemy" in capsys.readouterr().err


def test_on_data_of_one_s_own_the_settings_follow_from_them(asked: list[RunConfig]) -> None:
    """The lessons' shops keep their preset, --budget asks for a recipe there too, and what is given by hand stays."""
    assert main(["train", "--dataset", "complete-journey"]) == 0
    assert main(["train", "--dataset", "complete-journey", "--width", "24", "--epochs", "2"]) == 0
    assert main(["train", "--dataset", "complete-journey", "--budget", "120"]) == 0
    assert main(["train", "--dataset", "shop-trends"]) == 0
    assert main(["train", "--size", "tiny", "--budget", "10"]) == 0
    found, by_hand, longer, shop, budgeted = (config.settings for config in asked)
    assert found["schedule"] == by_hand["schedule"] == budgeted["schedule"] == "averaged"
    assert (by_hand["width"], by_hand["epochs"]) == (24, 2)
    assert by_hand["history_length"] == found["history_length"] == 50
    assert longer["epochs"] > found["epochs"] > 1
    assert shop == RunConfig.make(data={"dataset": ("shop-trends", None)}).settings


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["train", "--budget", "soon"], "budget"),
        (["train", "--budget", "1"], "budget"),
        (["run", "semantic_ids", "--budget", "30"], "semantic_ids"),
        (["train", "--size", "tiny", "--epochs", "1", "--longer", "30"], "cannot go on"),
    ],
)
def test_a_budget_that_cannot_be_is_one_sentence(
    asked: list[RunConfig], capsys: pytest.CaptureFixture[str], line: list[str], said: str
) -> None:
    assert main(line) == 2
    assert asked == []
    err = capsys.readouterr().err.strip()
    assert said in err
    assert "\n" not in err


def test_the_verdict_comes_first(asked: list[RunConfig], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dataset", "complete-journey", "--lang", "en"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("SASRec and the best counted model")
    assert main(["train", "--dataset", "shop", "--size", "tiny"]) == 0
    assert "counted model" not in capsys.readouterr().out
