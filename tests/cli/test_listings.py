"""``lessons``, ``data`` and ``runs``: what they print, and what they do to run folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from course_lib.cli.console import table
from course_lib.cli.main import main
from course_lib.course.lessons import load_lessons
from course_lib.course.problems import Problem
from course_lib.data.registry import sources
from course_lib.errors import CourseError
from course_lib.experiments import catalogue
from course_lib.experiments.catalogue import experiment_cards
from course_lib.experiments.config import RunConfig


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of runs of an empty home."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))
    monkeypatch.setenv("LANG", "C")
    return tmp_path / "runs"


@pytest.fixture
def run_id(runs: Path) -> str:
    """A finished run's folder."""
    config = RunConfig.make(data={"dataset": ("shop", "tiny")}, seed=5)
    folder = runs / config.run_id
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    quality = {"ndcg@10": {"value": 0.314, "low": 0.3, "high": 0.33}}
    result = {"measures": quality, "seconds": {"total": 1.0, "train": 0.9}}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    (folder / "events.jsonl").write_text('{"kind": "finished", "seconds": 1.0, "t": 1.0}\n', encoding="utf-8")
    return config.run_id


def test_lessons_are_listed_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lessons", "--lang", "zh"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[1] for line in lines] == [lesson.id for lesson in load_lessons()]
    assert next(line for line in lines if "user_understanding" in line).endswith("可用")


def test_lessons_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lessons", "--json"]) == 0
    told = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    assert list(told) == [lesson.id for lesson in load_lessons()]
    for lesson in load_lessons():
        one = told[lesson.id]
        assert (one["ready"], one["minutes"]) == (lesson.ready, lesson.minutes)
        assert [lab["id"] for lab in one["labs"]] == [lab.id for lab in lesson.labs]
    (lab,) = told["user_understanding"]["labs"]
    assert lab == {"id": "train", "experiment": "next_item", "runs": [], "open": True}


def test_experiments_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiments"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == list(experiment_cards())
    assert main(["experiments", "--json"]) == 0
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(told) == set(experiment_cards())
    one = told["next_item"]
    assert one["light"] is False
    assert one["data"] == {"dataset": "histories"}
    assert {"sasrec", "markov"} <= set(one["chooses"]["model"])
    assert one["settings"]["epochs"] == {"default": 4, "low": 1, "high": 100}
    assert one["settings"]["schedule"]["choices"] == ["cosine", "constant", "averaged"]
    assert one["measures"]["ndcg@10"] == "score"
    assert one["asks"] == {"history": "items", "k": {"default": 10, "low": 1, "high": 100}}


def test_a_broken_experiment_is_told_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(catalogue.FOLDER / "next_item.py", tmp_path)
    (tmp_path / "torn.py").write_text('"""Torn."""\nSETTINGS = {', encoding="utf-8")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    assert main(["experiments", "--lang", "en"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["next_item"]
    assert "“torn” cannot be read" in err


def test_lessons_are_all_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lessons", "--check", "--lang", "en"]) == 0
    assert capsys.readouterr().out.startswith("All is well.")


def test_a_broken_lesson_is_a_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [
        Problem("cart", CourseError("lesson_no_page", lesson="cart")),
        Problem("", CourseError("config_outdated")),
    ]
    monkeypatch.setattr("course_lib.course.check.check_lessons", lambda: problems)
    assert main(["lessons", "--check"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [problem.text("en") for problem in problems]


def test_datasets_are_listed_with_their_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [[name, size] for name, source in sources().items() for size in source.sizes]


def test_no_runs_yet(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert str(runs) in err


def test_runs_are_listed_pinned_and_removed(runs: Path, run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[:7] == [run_id, "finished", "next_item", "shop/tiny", "sasrec", "5", "0.314"]

    assert main(["runs", "pin", run_id]) == 0
    assert (runs / run_id / "pinned").exists()
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("yes")
    assert main(["runs", "unpin", run_id]) == 0
    assert not (runs / run_id / "pinned").exists()

    assert main(["runs", "remove", run_id]) == 0
    assert not (runs / run_id).exists()


@pytest.mark.parametrize("action", ["remove", "pin", "unpin"])
@pytest.mark.parametrize("name", ["0123456789abcdef", "../runs", ""])
def test_a_run_that_is_not_there(runs: Path, run_id: str, action: str, name: str) -> None:
    assert main(["runs", action, name]) == 2
    assert (runs / run_id / "config.json").exists()


def test_a_corrupt_run_is_listed_as_failed(runs: Path, run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / run_id / "config.json").write_text("{", encoding="utf-8")
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == [run_id, "failed"]
    assert main(["runs", "remove", run_id]) == 0


def test_table_aligns_chinese() -> None:
    assert table(("a", "b"), [("商店", "1"), ("x", "22")]) == "a     b\n商店  1\nx     22"
