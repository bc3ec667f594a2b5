"""``data describe`` and ``data table``: what tables there are, and one of them as a harmless file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from course_lib.cli.main import main
from course_lib.data import registry
from course_lib.data.columns import Columns
from course_lib.data.dataset import Source, Table
from course_lib.data.intake import export


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")


@pytest.fixture
def sly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pd.DataFrame:
    """A dataset "sly" with one table of texts that a spreadsheet would run."""
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    texts = ["=1+1", "@x", "杯子", 'a,"b"']
    frame = pd.DataFrame(
        {Columns.TEXT: texts, Columns.EVENT: pd.Categorical(["-view"] * 4), Columns.PRICE: [-1.5, 2.0, None, 0.0]}
    )
    source = Source(("all",), lambda size: "0" * 12, tables={"log": Table(lambda size: "1" * 12, lambda size: [frame])})
    built_in = registry.built_in()
    monkeypatch.setattr(registry, "built_in", lambda: {**built_in, "sly": source})
    return frame


def test_describe_lists_every_table_with_rows_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "describe", "shop", "--size", "tiny"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# ")  # the card comes first
    lines = out[out.index("Tables of shop in size tiny:") :].splitlines()[2:]
    found = {name: (rows, columns) for name, rows, columns in (line.split(maxsplit=2) for line in lines)}
    address = registry.resolve("shop", "tiny")
    assert list(found) == list(registry.tables("shop"))
    for name, (rows, columns) in found.items():
        frame = registry.load_table(address, name)
        assert (rows, columns) == (f"{len(frame):,}", ", ".join(frame.columns))


@pytest.mark.parametrize("kind", ["csv", "parquet", "CSV"])
def test_a_table_is_written(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"coupons.{kind}"
    assert main(["data", "table", "shop", "coupons", "--size", "tiny", "--to", str(path)]) == 0
    assert capsys.readouterr().out.startswith("coupons: 3,600 rows, ")
    wanted = registry.load_table(registry.resolve("shop", "tiny"), "coupons")
    if kind == "parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(path), wanted, check_categorical=False)
    else:
        found = pd.read_csv(path)
        assert found.astype(str).equals(wanted.astype(str))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_nothing_in_a_csv_runs(rows: int, sly: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows are written at a time; numbers stay numbers."""
    monkeypatch.setattr(export, "ROWS", rows)
    path = tmp_path / "log.csv"
    assert main(["data", "table", "sly", "log", "--to", str(path)]) == 0
    assert path.read_bytes().decode() == (
        "text,event,price\r\n'=1+1,'-view,-1.5\r\n'@x,'-view,2.0\r\n杯子,'-view,\r\n\"a,\"\"b\"\"\",'-view,0.0\r\n"
    )


def test_an_empty_table_has_a_header(tmp_path: Path) -> None:
    export.write_table(pd.DataFrame({"a": [], "b": []}), tmp_path / "empty.csv")
    assert (tmp_path / "empty.csv").read_text() == "a,b\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["shop", "utilities", "--to", "a.csv"], "no table “utilities”. Choose one of: events, items, queries"),
        (["shop", "coupons", "--size", "huge", "--to", "a.csv"], "no size “huge”"),
        (["nowhere", "coupons", "--to", "a.csv"], "no dataset called “nowhere”"),
        (["shop", "coupons", "--size", "tiny", "--to", "a.xlsx"], "“a.xlsx” names no format"),
        (["shop", "coupons", "--size", "tiny", "--to", "taken.csv"], "taken.csv” is there already"),
        (["shop", "coupons", "--size", "tiny", "--to", "no/such/a.csv"], "could not be written"),
        (["shop", "coupons"], "--to"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_wrong_is_one_sentence(
    given: list[str], told: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "taken.csv").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert main(["data", "table", *given, "--lang", language]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert language == "zh" or told in err
    assert [path.name for path in tmp_path.iterdir()] == ["taken.csv"]
    assert (tmp_path / "taken.csv").read_text() == "mine"


def test_a_table_only_dataset_cannot_be_trained_on(sly: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--dataset", "sly"]) == 2
    assert "Nothing can be trained on dataset “sly”: it has tables (log)" in capsys.readouterr().err
