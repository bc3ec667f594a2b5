"""``shop simulate``: a shop of any size into a folder, refusals in one sentence, and what an interruption leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from course_lib.cli.main import main
from course_lib.settings import PROJECT
from course_lib.shop.published import shop
from course_lib.shop.search import search_log
from course_lib.shop.simulate import events_frame


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_a_shop_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "shop"
    assert main(["shop", "simulate", "--shoppers", "30", "--to", str(folder), "--seed", "5"]) == 0
    out, _ = capsys.readouterr()
    assert out.startswith("30 shoppers, ")
    assert out.endswith(f"{folder}\n")
    events = pd.read_parquet(folder / "events.parquet")
    pd.testing.assert_frame_equal(events, events_frame(shop(), 30, 5), check_exact=True)
    assert main(["shop", "simulate", "--shoppers", "30", "--to", str(folder)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"{folder} is there already, and is not an empty folder. " + (
        "Name a folder that does not exist yet; nothing was written.\n"
    )


def test_parts_are_written_beside_the_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    given = ["shop", "simulate", "--shoppers", "30", "--to", str(folder), "--seed", "5", "--with", "coupons,search"]
    assert main(given) == 0
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert capsys.readouterr().out == f"30 shoppers, {size / 2**20:,.1f} MiB: {folder}\n"
    tables = {"events", "items", "queries", "searches", "results", "coupons"}
    assert {path.stem for path in folder.glob("*.parquet")} == tables
    searches = pd.read_parquet(folder / "searches.parquet")
    pd.testing.assert_frame_equal(searches, search_log(shop(), 30, 5).searches, check_exact=True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--shoppers", "0"], "shoppers is 0, but must lie between 1 and 100000000."),
        (["--shoppers", "100000001"], "shoppers is 100000001, but must lie between"),
        (["--shoppers", "1e6"], "shoppers is “1e6”, which is not a whole number."),
        (["--shoppers", "10", "--seed", "x"], "seed is “x”, which is not a whole number."),
        (["--shoppers", "10", "--with", "slates,utilities"], "The shop has no part called “utilities”."),
        ([], "--shoppers"),
    ],
)
def test_a_bad_number_is_one_sentence(
    given: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shop", "simulate", "--to", str(tmp_path / "shop"), *given]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("course_lib.shop.disk._free", lambda _: 2**20)
    assert main(["shop", "simulate", "--shoppers", "1000000", "--to", str(tmp_path / "shop")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "has no room for 1,000,000 shoppers, who take about 81 MiB." in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "parts"), [(signal.SIGINT, ""), (signal.SIGTERM, ""), (signal.SIGINT, "all")])
def test_an_interruption_leaves_nothing(kind: signal.Signals, parts: str, tmp_path: Path) -> None:
    asked = ["--shoppers", "1000000", "--to", str(tmp_path / "shop"), *(["--with", parts] if parts else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "course_lib", "shop", "simulate", *asked],
        cwd=PROJECT,
        env={**os.environ, "LANG": "C"},
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = b""
    while b"%" not in said:  # the bar is drawn: blocks are being written
        said += process.stderr.read1(100)
        assert process.poll() is None, said
    assert [path.name.startswith(".shop-") for path in tmp_path.iterdir()] == [True]
    process.send_signal(kind)
    said += process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert said.endswith(b"Stopped.\n")
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "shop"
    assert main(["shop", "simulate", "--shoppers", "10", "--to", str(place), "--lang", "en"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"“{place}” could not be written")
    assert said.count("\n") == 1
