"""``shop make`` on the command line: a dataset, a preview, and bad input as one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.cli import make_shop
from course_lib.cli.main import main
from course_lib.data import registry
from course_lib.shop.made import KNOBS, MadeShop, ready


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path))


def test_help_names_what_there_is() -> None:
    assert tuple(KNOBS) == make_shop.NAMES
    assert tuple(one.id for one in ready()) == make_shop.READY


def test_a_shop_is_made_described_and_its_name_taken(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["shop", "make", "loose", "--set", "plan_order=0", "--set", "customers=100", "--seed", "4", "--lang", "en"]
    assert main(given) == 0
    assert "100 shoppers" in capsys.readouterr().out
    assert registry.resolve("loose").size == "full"
    assert main(["data", "describe", "loose", "--lang", "en"]) == 0
    assert "--set plan_order=0.0" in capsys.readouterr().out
    assert main(given) == 2
    assert "loose" in capsys.readouterr().err


def test_a_preview_makes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shop", "make", "x", "--set", "customers=100", "--preview", "--lang", "en"]) == 0
    assert "Markov" in capsys.readouterr().out
    assert "x" not in registry.sources()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["x", "--set", "customers=0"], "customers"),
        (["x", "--set", "plan_order"], "plan_order"),
        (["x", "--set", "such=1"], "such"),
        (["x", "--ready", "none"], "none"),
        (["<b>"], "<b>"),
        (["a" * 50], "aaa"),
        (["x", "--seed", "-1"], "seed"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    given: list[str], told: str, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["shop", "make", *given, "--lang", language]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


def test_ready_values_can_be_changed() -> None:
    made = make_shop.described(["customers=150"], "markov", "3")
    plain = next(one.shop for one in ready() if one.id == "markov")
    assert made == MadeShop.of({**plain.values, "customers": 150}, 3)
