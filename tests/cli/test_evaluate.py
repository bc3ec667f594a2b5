"""``evaluate``: finished runs in, every measure out, the files that were asked for, sentences where there is none."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from course_lib.cli.main import main
from course_lib.experiments.config import RunConfig
from course_lib.experiments.events import Event, Folder, exact, plan, result
from course_lib.runs.foreground import run_here
from course_lib.settings import load_settings


def told(config: RunConfig, folder: Folder) -> Iterator[Event]:
    """A run without arithmetic."""
    yield plan(step=1)
    yield {"kind": "step", "at": 1, "loss": 1.0}
    yield result({"ndcg@10": {"value": 0.3, "low": 0.2, "high": 0.4}, "parameters": exact(17)}, parameters=17)


@pytest.fixture
def run_id() -> str:
    config = RunConfig.tiny()
    run_here(config, load_settings(), lambda event: None, told)
    return config.run_id


def test_every_measure_is_printed_with_its_interval(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", run_id, "--lang", "en"]) == 0
    printed = capsys.readouterr().out
    assert "Leave one out" in printed
    assert [line.split()[-4:] for line in printed.splitlines()][-2:] == [
        ["ndcg@10", "0.3", "0.2", "0.4"],
        ["parameters", "17", "17", "17"],
    ]


def test_json_has_the_protocol_and_the_measures(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", run_id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"][0]["measures"]["ndcg@10"] == {"unit": "score", "value": 0.3, "low": 0.2, "high": 0.4}
    assert set(told["protocol"]) == {"next_item"}


def test_files_are_written_where_they_were_asked_for(run_id: str, tmp_path: Path) -> None:
    page, numbers = tmp_path / "report.html", tmp_path / "report.csv"
    assert main(["evaluate", run_id, "--html", str(page), "--csv", str(numbers)]) == 0
    assert run_id in page.read_text(encoding="utf-8")
    with numbers.open(encoding="utf-8") as source:
        assert [row["measure"] for row in csv.DictReader(source)] == ["ndcg@10", "parameters"]


def test_a_run_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "0" * 16, "--lang", "en"]) == 2
    assert "0" * 16 in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_named(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", run_id, "--csv", "/nowhere/at/all.csv"]) == 2
    assert "/nowhere/at/all.csv" in capsys.readouterr().err
