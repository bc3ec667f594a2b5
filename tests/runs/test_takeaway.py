"""The zip: what is in it, that the notebook is one, and what cannot be taken home."""

from __future__ import annotations

import ast
import csv
import io
import json
import warnings
import zipfile
from pathlib import Path

import nbformat
import pytest
from fake_worker import QUICK, perform
from run_helpers import PREPARED, STARTED, epoch, make, write_run

from course_lib.errors import CourseError
from course_lib.runs.here import run_here
from course_lib.runs.takeaway import metrics_csv, takeaway
from course_lib.settings import Settings

SCORE = {"value": 0.25, "low": 0.2, "high": 0.3}


@pytest.fixture
def run_id(settings: Settings) -> str:
    config = make(QUICK)
    run_here(config, settings, lambda event: None, perform)
    shopper = {"user": 0, "history": [1, 2], "target": 3, "top": [{"item": 3, "score": 1.0, "p": 0.5}], "attention": []}
    place = settings.runs / config.run_id / "epochs" / "002" / "view.json"
    place.write_text(json.dumps({"epoch": 2, "shoppers": [shopper], "map": {"x": [0.0], "y": [0.0]}}))
    return config.run_id


def test_the_zip_holds_what_it_promises(settings: Settings, run_id: str) -> None:
    content = takeaway(run_id, settings.runs)
    assert takeaway(run_id, settings.runs) == content, "the same run gives the same zip"
    folder = settings.runs / run_id
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        assert set(package.namelist()) == {
            "README.zh.md", "README.en.md", "config.json", "result.json", "metrics.csv", "lists.json", "repeat.ipynb",
            "model.py", "model/config.json", "model/model.safetensors",
        }  # fmt: skip
        for name in ("config.json", "result.json", "model/model.safetensors"):
            assert package.read(name) == (folder / name).read_bytes()
        rows = list(csv.DictReader(io.StringIO(package.read("metrics.csv").decode())))
        assert [row["epoch"] for row in rows] == ["0", "1", "2"]
        assert rows[2]["ndcg@10"] == "0.1"
        lists = json.loads(package.read("lists.json"))
        assert lists["shoppers"] == [
            {"user": 0, "history": [1, 2], "target": 3, "top": [{"item": 3, "score": 1.0, "p": 0.5}]}
        ]
        assert "class SASRecModel" in package.read("model.py").decode()
        for language in ("zh", "en"):
            readme = package.read(f"README.{language}.md").decode()
            assert run_id in readme
            assert "0.1000 [0.0500, 0.1500]" in readme
        source = package.read("repeat.ipynb").decode()
    with warnings.catch_warnings():
        notebook = nbformat.reads(source, as_version=4)
        nbformat.validate(notebook)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 4
    imported = {
        f"{node.module}.{alias.name}"
        for cell in code
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert "course_lib.runs.here.run_here" in imported
    assert "from_pretrained" in "".join(code)


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


def test_metrics_of_epochs_that_measure_differently() -> None:
    table = metrics_csv([epoch(0), epoch(1, loss=2.0, metrics={"hr@10": SCORE})])
    assert table.splitlines() == [
        "epoch,step,loss,seconds,hr@10,hr@10_low,hr@10_high",
        "0,0,,,,,",
        "1,2,2.0,,0.25,0.2,0.3",
    ]


def test_what_cannot_be_taken_home(settings: Settings, run_id: str) -> None:
    unfinished = write_run(settings.runs, make(), STARTED, PREPARED)
    for name, key in ((unfinished.name, "run_has_no_model"), ("0" * 16, "run_missing"), ("../..", "run_missing")):
        with pytest.raises(CourseError) as caught:
            takeaway(name, settings.runs)
        assert caught.value.key == key
    (settings.runs / run_id / "result.json").write_text("{")
    with pytest.raises(CourseError) as caught:
        takeaway(run_id, settings.runs)
    assert caught.value.key == "run_corrupt"
