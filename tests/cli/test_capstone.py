"""``capstone PATH --to FOLDER``: 200 rows to a zip, the same line again, and what is refused in a sentence."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from course_lib.cli import capstone
from course_lib.cli.main import main
from course_lib.course.capstone import BUDGET_S, MODELS
from course_lib.course.private_data import HERE
from course_lib.data.intake import store
from course_lib.data.registry import sources
from course_lib.settings import load_settings

ROWS = [f"c{n % 40},p{(n * n) % 11},2024-03-{n // 40 + 1:02d} 10:{n % 60:02d}" for n in range(200)]


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "C")
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer,product,time", *ROWS]) + "\n", encoding="utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err.splitlines()[-1]


def test_two_hundred_rows_to_a_zip_and_the_same_line_again(
    orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new" / "findings"
    line = ["capstone", str(orders), "--to", str(folder), "--budget", "5", "--json"]
    assert main(line) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [one["finding"] for one in told["findings"]] == ["order", "counting", "served"]
    assert set(told["runs"]) == set(MODELS)
    assert {path.name for path in folder.iterdir()} == set(told["files"])
    names = zipfile.ZipFile(folder / "capstone.zip").namelist()
    assert {f"{model}/model/model.safetensors" for model in MODELS} <= set(names)
    assert "结业" not in (folder / "report.en.md").read_text(encoding="utf-8")
    assert "三条发现" in (folder / "report.zh.md").read_text(encoding="utf-8")
    assert "1/4" in err
    assert "4/4" in err

    card = store.read_card("orders", HERE)  # nobody else is offered it
    assert card.key not in sources()
    assert card.key in sources(HERE)

    monkeypatch.setattr(capstone.subprocess, "Popen", None)  # nothing is trained again
    assert main(line) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == told["runs"]
    assert [one.name for one in store.added(HERE)] == ["orders"]

    before = (folder / "capstone.zip").read_bytes()
    orders.write_text("\n".join(["customer,product,time", *ROWS[:-1]]) + "\n", encoding="utf-8")
    assert main(line) == 2  # other data, which are kept under another name
    assert "would be lost" in said(capsys)
    assert [one.name for one in store.added(HERE)] == ["orders", "orders-2"]
    assert (folder / "capstone.zip").read_bytes() == before

    assert main(["data", "remove", "orders"]) == 0
    assert not [run for run in told["runs"].values() if (load_settings().runs / run).exists()]


def test_a_path_that_is_not_there(orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capstone", str(tmp_path / "none.csv"), "--to", str(tmp_path / "out")]) == 2
    assert "none.csv" in said(capsys)


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_read(
    orders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capstone", str(orders), "--to", str(orders / "below")]) == 2  # a file is in the way
    assert "cannot be written" in said(capsys)
    assert list(store.added(HERE)) == []


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([f"c{n},p{n % 5},2024-03-01" for n in range(20)], "no user has enough events"),
        ([f"c1,p{n % 5},2024-03-{n + 1:02d}" for n in range(20)], "All rows have the same"),
        ([f"c{n % 9},p1,2024-03-{n + 1:02d}" for n in range(28)], "All rows have the same"),
        ([f"c{n % 9},p{n % 5},2024-03-01" for n in range(60)], "three baskets"),
    ],
    ids=["20 rows", "one shopper", "one product", "no order in time"],
)
def test_data_that_serve_nothing_are_a_sentence(
    orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], words: str
) -> None:
    orders.write_text("\n".join(["customer,product,time", *rows]) + "\n", encoding="utf-8")
    for language in ("zh", "en"):
        assert main(["capstone", str(orders), "--to", str(tmp_path / "out"), "--lang", language]) == 2
    assert words in said(capsys)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_the_line_must_say(orders: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capstone", str(orders)]) == 2
    assert "--to" in said(capsys)
    assert main(["capstone", str(orders), "--to", str(tmp_path / "out"), "--budget", "0"]) == 2
    assert "budget" in said(capsys)
    assert capstone.BUDGET_S == BUDGET_S
