"""``published``: from a file with one line a user to a table beside the paper's figures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.published_data import published as repeated
from benchmarks.sequences import main as make_up
from benchmarks.sequences import sequences
from course_lib.cli.main import main
from course_lib.cli.published import published

SMALL = ["--set", "next_item.epochs=1", "--set", "generative_retrieval.epochs=1"]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "C")


def test_from_a_file_to_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "made-up.txt")
    assert make_up([path, "--users", "150", "--items", "90", "--events", "1200"]) == 0
    assert main(["data", "add", "made-up", path]) == 0
    assert "Each line is one user" in capsys.readouterr().out

    assert main(["published", "made-up", "--tiny", *SMALL, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["counts"] == {"users": 150, "items": 90, "events": 1200}
    assert not record["same_counts"]
    assert [one["experiment"] for one in record["runs"]] == ["next_item", "generative_retrieval"]
    assert [one["settings"]["epochs"] for one in record["runs"]] == [1, 1]
    assert record["runs"][1]["settings"]["ids"] == "behaviour"
    for one in record["runs"]:
        assert 0 <= one["measures"]["ndcg@10"]["value"] <= one["measures"]["recall@10"]["value"] <= 1

    assert main(["published", "made-up", "--tiny", *SMALL, "--table", "toys"]) == 0  # finished: printed at once
    out = capsys.readouterr().out
    assert f"{record['runs'][0]['measures']['ndcg@10']['value']:.4f}" in out
    assert "0.0432" in out
    assert "Rajput et al." in out
    assert "Another task: the published one has 19,412 users" in out
    assert main(["published", "made-up", "--tiny", *SMALL, "--lang", "zh"]) == 0
    assert "任务不同" in capsys.readouterr().out

    assert main(["run", "generative_retrieval", "--dataset", "made-up", "--tiny"]) == 2
    assert "Choose IDs made of behaviour" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["shop", "--table", "books"], "beauty, sports, toys"),
        (["shop", "--set", "epochs=3"], "EXPERIMENT.NAME=VALUE"),
        (["shop", "--set", "tiger.epochs=3"], "next_item, generative_retrieval"),
        (["shop", "--set", "next_item.epochs=many"], "epochs"),
        (["nowhere"], "nowhere"),
        (["open-bandit"], "open-bandit"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_trained(
    line: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["published", *line]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert words in err


def test_the_figures_have_their_source_and_the_counts_of_the_benchmark() -> None:
    """The same three files are expected by benchmarks/published.toml, for another paper's figures."""
    source, tables = published()
    assert "NeurIPS 2023" in source
    for name, one in tables.items():
        assert one.counts == repeated()[name].counts
        assert one.file == repeated()[name].file
        for figures in one.figures.values():
            assert 0 < figures["ndcg@10"] < figures["recall@10"] < 0.1


def test_a_made_up_file_has_the_size_that_is_asked_for() -> None:
    lines = sequences(users=200, items=500, events=3_000, seed=3)
    assert len(lines) == 200
    assert sum(map(len, lines)) == 3_000
    assert min(map(len, lines)) >= 5
    assert {int(item) for line in lines for item in line} == set(range(1, 501))
    with pytest.raises(ValueError, match="too few"):
        sequences(users=200, items=500, events=900)
