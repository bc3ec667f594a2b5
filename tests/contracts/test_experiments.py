"""What every experiment promises. A new file in course_lib/experiments falls under it by being there."""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from course_lib.errors import CourseError
from course_lib.experiments.catalogue import (
    FREE,
    UNITS,
    ExperimentCard,
    broken_experiments,
    check_asked,
    experiment_card,
)
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import frame_folder
from course_lib.experiments.light import answer_light
from course_lib.models.catalogue import Setting
from course_lib.runs.takeaway import write_takeaway
from course_lib.settings import PROJECT

PLAIN = (str, int, float, bool, type(None))
TIMES = ("seconds", "t")
ITEMS = ([], [1], [3, 1, 2])  # questions about products


def plain(value: Any) -> bool:
    """Made of what JSON has: no NumPy number, no tensor, no NaN."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(plain(part) for part in value)
    return type(value) in PLAIN and (type(value) is not float or math.isfinite(value))


def untimed(result: dict[str, Any], card: ExperimentCard) -> dict[str, Any]:
    """A result without what differs from one time to the next: seconds, wherever they stand."""
    times = {*TIMES, *(name for name, unit in card.measures.items() if unit == "seconds")}
    return {
        name: untimed(value, card) if isinstance(value, dict) else value
        for name, value in result.items()
        if name not in times
    }


def outside(setting: Setting) -> list[Any]:
    """Values that a setting may not take."""
    if setting.choices:
        return ["no such choice"]
    assert setting.low is not None
    assert setting.high is not None
    return [setting.low - 1, setting.high + 1, "many", float("nan")]


# Literals


def test_no_file_is_broken() -> None:
    assert broken_experiments() == {}


def test_literals_are_well_formed(card: ExperimentCard) -> None:
    assert card.summary.endswith("."), "the docstring's first line is a sentence"
    assert set(card.measures.values()) <= set(UNITS)
    assert not set(card.asks) & {"measures"}
    for name, setting in card.every_setting.items():
        assert setting.check(setting.default) == setting.default, name
        assert setting.name == name
    for kind in card.asks.values():
        assert kind in FREE or isinstance(kind, Setting)


def test_the_tiny_form_is_one_of_its_runs(card: ExperimentCard) -> None:
    assert set(card.check(card.tiny).items()) >= set(card.tiny.items())


def test_bad_settings_are_refused_by_name_and_range(card: ExperimentCard) -> None:
    for name, setting in card.settings(card.tiny).items():
        for value in outside(setting):
            with pytest.raises(CourseError) as caught:
                card.check({**card.tiny, name: value})
            for language in ("zh", "en"):
                said = caught.value.text(language)
                if name not in card.chooses:
                    assert name in said
                    assert str(setting.low) in said or ", ".join(setting.choices) in said
                else:
                    assert all(model in said for model in card.choices(name))
    with pytest.raises(CourseError) as caught:
        card.check({"no_such_setting": 1})
    assert caught.value.key == "unknown_setting"
    assert "no_such_setting" in caught.value.text("zh")


# A tiny run


def test_it_ends(experiment: str, made: Any) -> None:
    assert made.view.state == "finished"
    assert made.events[-1]["kind"] == "result"
    assert made.view.progress == 1


def test_events_are_plain_json(experiment: str, made: Any) -> None:
    for event in made.events:
        assert plain(event), event["kind"]
        assert json.loads(json.dumps(event))["kind"] == event["kind"]


def test_the_plan_is_kept(experiment: str, made: Any) -> None:
    """Every planned kind is told as often as planned: steps by their number, others one by one."""
    assert made.view.plan, "without a plan there is neither progress nor time left"
    for kind, count in made.view.plan.items():
        told = made.view.of(kind)
        assert max(len(told), int(told[-1].get("at", 0))) == count, kind


def test_what_is_numbered_only_rises(experiment: str, made: Any) -> None:
    numbers: dict[str, list[int]] = {}
    for event in made.events:
        if "at" in event:
            numbers.setdefault(event["kind"], []).append(event["at"])
    for kind, told in numbers.items():
        assert told == sorted(set(told)), kind


def test_frames_without_a_gap(experiment: str, made: Any) -> None:
    frames = made.view.frames
    assert frames, "there is something to scrub"
    assert frames == tuple(range(len(frames)))
    for at in frames:
        view = json.loads((frame_folder(made.folder, at) / "view.json").read_text(encoding="utf-8"))
        assert isinstance(view, dict)
        assert plain(view)
    assert len(list((made.folder / "frames").iterdir())) == len(frames), "and nothing half-written"


def test_measures_as_declared(experiment: str, made: Any) -> None:
    check_measures(made.card, made.view.result["measures"])


def check_measures(card: ExperimentCard, measures: dict[str, Any]) -> None:
    assert measures
    assert set(measures) <= set(card.measures)
    for name, one in measures.items():
        assert set(one) == {"value", "low", "high"}, name
        assert all(math.isfinite(number) for number in one.values()), name
        assert one["low"] <= one["value"] <= one["high"], name
        if card.measures[name] in ("count", "number", "seconds", "bits"):
            assert one["value"] >= 0, name


def test_the_result_says_how_long_it_took(experiment: str, made: Any) -> None:
    """The next forecast is made of it."""
    assert made.view.result["seconds"]["total"] > 0


def test_it_left_nothing_but_what_stays(experiment: str, made: Any) -> None:
    """No checkpoint of a finished run, no draft, and no pickle ever."""
    files = [path.relative_to(made.folder).as_posix() for path in made.folder.rglob("*") if path.is_file()]
    assert not [name for name in files if "checkpoint" in name or Path(name).name.startswith(".")]
    assert {Path(name).suffix for name in files} <= {".json", ".jsonl", ".safetensors", ".txt", ""}


# Questions


def questions(card: ExperimentCard) -> list[dict[str, Any]]:
    """The defaults; and with every kind of question each of its values."""
    asked: list[dict[str, Any]] = [{}]
    for name, kind in card.asks.items():
        if kind == "items":
            asked += [{name: some} for some in ITEMS]
        elif kind == "text":
            asked += [{name: words} for words in ("basketball", "篮球", "")]
        elif kind.choices:
            asked += [{name: choice} for choice in kind.choices]
        else:
            asked += [{name: kind.low}, {name: kind.high}]
    return asked


def test_every_question_is_answered(experiment: str, made: Any) -> None:
    """By the finished artefact and by those of the first and the last frame, in plain JSON."""
    for at in (None, 0, made.view.frames[-1]):
        for asked in questions(made.card):
            answer = made.ask(at, **asked)
            assert answer
            assert plain(answer), (at, asked)
            assert answer == made.ask(at, **asked), "the same question has the same answer"


def test_bad_questions_are_refused(experiment: str, made: Any) -> None:
    card = made.card
    with pytest.raises(CourseError) as caught:
        check_asked(card, {"no_such_question": 1})
    assert "no_such_question" in caught.value.text("en")
    for name, kind in card.asks.items():
        if kind == "items":
            for bad in ([1] * 1001, ["shoes"], [1.5], None):
                with pytest.raises(CourseError):
                    check_asked(card, {name: bad})
            for bad in ([0], [10**6], [-1]):
                with pytest.raises(CourseError) as caught:
                    made.ask(None, **{name: bad})
                assert str(bad[0]) in caught.value.text("zh")
        elif kind == "text":
            for bad in ("x" * 501, 7, None):
                with pytest.raises(CourseError) as caught:
                    check_asked(card, {name: bad})
                assert name in caught.value.text("en")
        else:
            for bad in outside(kind):
                with pytest.raises(CourseError) as caught:
                    check_asked(card, {name: bad})
                assert name in caught.value.text("zh")


def test_a_frame_that_is_not_there_is_said(experiment: str, made: Any) -> None:
    if (frame_folder(made.folder, 0) / "weights.safetensors").exists():
        with pytest.raises(CourseError) as caught:
            made.ask(9999)
        assert caught.value.key == "frame_missing"


# Again, and interrupted


def test_the_same_configuration_gives_the_same_result(experiment: str, made: Any, carry: Any, tmp_path: Path) -> None:
    make, weights, views = carry
    again = make(made.config, tmp_path)
    assert untimed(again.view.result, made.card) == untimed(made.view.result, made.card)
    assert weights(again.folder) == weights(made.folder)
    assert views(again.folder) == views(made.folder)


def test_interrupted_and_resumed_is_as_uninterrupted(experiment: str, made: Any, carry: Any, tmp_path: Path) -> None:
    """After the first checkpoint, or, where it keeps none, after the first frame: bit for bit."""
    make, weights, views = carry
    kinds = [event["kind"] for event in made.events]
    place = "checkpoint" if "checkpoint" in kinds else "frame"
    stopped = make(made.config, tmp_path, stop_after=place)
    assert stopped.view.state == "stopped"
    assert stopped.view.result is None
    resumed = make(made.config, tmp_path)
    assert resumed.view.resumed == (place == "checkpoint")
    assert resumed.view.state == "finished"
    assert untimed(resumed.view.result, made.card) == untimed(made.view.result, made.card)
    assert weights(resumed.folder) == weights(made.folder)
    assert views(resumed.folder) == views(made.folder)
    assert resumed.view.frames == made.view.frames
    for kind in made.view.plan:
        if kind != "step":  # told a few times a second
            assert [event["at"] for event in resumed.view.of(kind)] == [event["at"] for event in made.view.of(kind)]


# Taken home

NOTEBOOK = """
import json, sys
import nbformat
names = {}
for cell in nbformat.read("repeat.ipynb", as_version=4).cells:
    if cell.cell_type == "code":
        exec(compile(cell.source, "repeat.ipynb", "exec"), names)
        print("--")
"""


def test_its_notebook_runs_from_top_to_bottom(experiment: str, made: Any, tmp_path: Path) -> None:
    """In an empty home: it repeats the run, finds the same numbers, and what it made gives the same answers."""
    package = tmp_path / "run.zip"
    with package.open("wb") as file:
        write_takeaway(made.folder, file)
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(package) as zipped:
        zipped.extractall(unpacked)
    for name in (f"source/{made.card.source.name}", "README.zh.md", "README.en.md", "config.json", "result.json"):
        assert (unpacked / name).is_file()
    nbformat.validate(nbformat.read(unpacked / "repeat.ipynb", as_version=4))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTEBOOK],
        cwd=unpacked,
        env={**os.environ, "LIVEREC_HOME": str(tmp_path / "home"), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, repeated, *asked = done.stdout.split("--\n")
    assert "another version" not in repeated
    numbers = [line.split(": ") for line in repeated.splitlines() if " then, " in line]
    assert {name for name, _ in numbers} == set(made.view.result["measures"])
    for name, told in numbers:
        then, now = told.removesuffix(" now").split(" then, ")
        assert made.card.measures[name] == "seconds" or then == now, name
    if (unpacked / "answers.json").is_file():
        lines = asked[0].splitlines()
        assert len(lines) == len(json.loads((unpacked / "answers.json").read_text(encoding="utf-8")))
        assert all(line.endswith(" =") for line in lines), asked[0]


# Light ones

LIGHTLY = """
import json, sys
from course_lib.experiments.light import answer_light
name, settings = json.loads(sys.argv[1])
answer = answer_light(name, settings)
print(json.dumps([answer, sorted({module.split(".")[0] for module in sys.modules})]))
"""


def test_a_light_experiment_loads_nothing_heavy(light: str) -> None:
    """It is answered in the process that serves all pages."""
    asked = json.dumps([light, dict(experiment_card(light).tiny)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIGHTLY, asked],
        cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer, packages = json.loads(done.stdout)
    assert not {"torch", "transformers"} & set(packages)
    assert answer == json.loads(json.dumps(answer_light(light, experiment_card(light).tiny)))


def test_a_light_experiment_measures_and_answers_as_declared(light: str) -> None:
    card = experiment_card(light)
    for settings in (card.tiny, {}):
        answer = answer_light(light, settings)
        assert plain(answer)
        check_measures(card, answer["measures"])
        assert answer == answer_light(light, settings)
    for asked in questions(card):
        assert plain(answer_light(light, card.tiny, asked))


def test_a_light_experiment_is_not_run(light: str) -> None:
    with pytest.raises(CourseError) as caught:
        RunConfig.make(light)
    assert caught.value.key == "experiment_light"


def test_one_that_trains_is_not_answered_lightly(experiment: str) -> None:
    with pytest.raises(CourseError) as caught:
        answer_light(experiment, {})
    assert caught.value.key == "experiment_not_light"


def test_its_functions_are_there(any_experiment: str, card: ExperimentCard) -> None:
    module = importlib.import_module(card.module)
    for name in ("answer",) if card.light else ("run", "open", "answer"):
        assert callable(getattr(module, name))
