"""The zip: what is in it, that the notebook is one, and what cannot be taken home."""

from __future__ import annotations

import ast
import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from fake_worker import QUICK, perform
from run_helpers import PLAN, STARTED, make, score, write_run

from course_lib.errors import CourseError
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder
from course_lib.runs.foreground import run_here
from course_lib.runs.takeaway import events_csv, takeaway
from course_lib.settings import Settings

SCORE = {"value": 0.25, "low": 0.2, "high": 0.3}


def answering(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """The fake training, which also keeps what the finished artefact answers."""
    folder.keep_answers([({"history": [1], "k": 2}, {"top": [{"item": 2}, {"item": 3}]})])
    yield from perform(config, folder)


@pytest.fixture
def run_id(settings: Settings) -> str:
    config = make(QUICK)
    run_here(config, settings, lambda event: None, answering)
    return config.run_id


def test_the_zip_holds_what_it_promises(settings: Settings, run_id: str) -> None:
    content = takeaway(run_id, settings.runs)
    assert takeaway(run_id, settings.runs) == content, "the same run gives the same zip"
    folder = settings.runs / run_id
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        assert set(package.namelist()) == {
            "README.zh.md", "README.en.md", "config.json", "result.json", "answers.json", "repeat.ipynb",
            "step.csv", "score.csv", "source/next_item.py", "source/sasrec.py",
            "model/config.json", "model/model.safetensors",
        }  # fmt: skip
        for name in ("config.json", "result.json", "answers.json", "model/model.safetensors"):
            assert package.read(name) == (folder / name).read_bytes()
        rows = list(csv.DictReader(io.StringIO(package.read("score.csv").decode())))
        assert [row["at"] for row in rows] == ["0", "1", "2"]
        assert rows[2]["metrics.ndcg@10.value"] == "0.1"
        assert "class SASRecModel" in package.read("source/sasrec.py").decode()
        for language in ("zh", "en"):
            readme = package.read(f"README.{language}.md").decode()
            assert run_id in readme
            assert "ndcg@10: 0.1 [0.05, 0.15]" in readme
            assert "sasrec" in readme
        source = package.read("repeat.ipynb").decode()
    with warnings.catch_warnings():
        notebook = nbformat.reads(source, as_version=4)
        nbformat.validate(notebook)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 3
    imported = {
        f"{node.module}.{alias.name}"
        for cell in code
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert "course_lib.runs.foreground.run_here" in imported
    assert "experiment.open(HERE, None)" in code[2]


def test_a_run_without_answers_has_no_cell_that_compares_them(settings: Settings) -> None:
    config = make(QUICK)
    run_here(config, settings, lambda event: None, perform)
    with zipfile.ZipFile(io.BytesIO(takeaway(config.run_id, settings.runs))) as package:
        assert "answers.json" not in package.namelist()
        assert "answers.json" not in package.read("repeat.ipynb").decode()


def test_the_notebook_s_first_half_runs(
    settings: Settings, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(io.BytesIO(takeaway(run_id, settings.runs))) as package:
        package.extractall(tmp_path / "home-of-the-learner")
        notebook = nbformat.reads(package.read("repeat.ipynb").decode(), as_version=4)
    monkeypatch.chdir(tmp_path / "home-of-the-learner")
    monkeypatch.setenv("LIVEREC_HOME", str(settings.home))
    names: dict[str, object] = {}
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code[:2]:
        exec(compile(cell, "repeat.ipynb", "exec"), names)
    assert capsys.readouterr().out == "ndcg@10: 0.1000 then, 0.1000 now\n", "the finished run is found again"


def test_events_that_hold_different_things() -> None:
    table = events_csv([score(0), score(1, loss=2.0, metrics={"hr@10": SCORE}, lists=[[1, 2]])])
    assert table.splitlines() == [
        "at,epoch,metrics.hr@10.value,metrics.hr@10.low,metrics.hr@10.high,loss",
        "0,0,,,,",
        "1,1,0.25,0.2,0.3,2.0",
    ]


def test_what_cannot_be_taken_home(settings: Settings, run_id: str) -> None:
    unfinished = write_run(settings.runs, make(), STARTED, PLAN)
    for name, key in ((unfinished.name, "run_has_no_model"), ("0" * 16, "run_missing"), ("../..", "run_missing")):
        with pytest.raises(CourseError) as caught:
            takeaway(name, settings.runs)
        assert caught.value.key == key
    (settings.runs / run_id / "result.json").write_text("{")
    with pytest.raises(CourseError) as caught:
        takeaway(run_id, settings.runs)
    assert caught.value.key == "run_corrupt"
