"""``data add | describe | remove``: from a file to a training; what is wrong is one sentence; a stop leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.cli.main import main
from course_lib.cli.run import configure
from course_lib.data import open_bandit
from course_lib.data.intake import store
from course_lib.data.intake.formats import formats
from course_lib.data.intake.pipeline import Prepared
from course_lib.data.receipts import SHARED
from course_lib.data.registry import built_in
from course_lib.experiments.catalogue import experiment_card

ROWS = "".join(
    f"{n % 4},{(n * n) % 7},{n % 28 + 1}.3.2024 10:{n % 60:02d},{'buy' if n % 3 else 'pv'}\n" for n in range(90)
)


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "C")
    path = tmp_path / "orders.csv"
    path.write_text("客户,商品,时间,行为\n" + ROWS, encoding="utf-8")
    return str(path)


def test_from_a_file_to_a_training_and_back(orders: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "add", "orders", orders, "--source", "my shop", "--licence", "mine", "--events", "buy"]) == 0
    out = capsys.readouterr().out
    assert "orders: " in out
    assert "Source: my shop. Licence: mine" in out
    assert "Rows of a kind of event that was not asked for: 30, first row 2" in out
    assert "train --dataset orders" in out

    assert main(["data", "list"]) == 0
    assert ["orders", "full", "yes"] in [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert main(["data", "describe", "orders", "--lang", "zh"]) == 0
    assert "来源：my shop" in capsys.readouterr().out

    from course_lib.cli.main import build_parser

    chosen = configure(experiment_card("next_item"), build_parser().parse_args(["train", "--dataset", "orders"]))
    assert chosen.data["dataset"].version == store.read_card("orders").version

    assert main(["data", "remove", "orders"]) == 0
    assert "card.json, events.parquet" in capsys.readouterr().out
    assert main(["data", "remove", "orders"]) == 2
    assert "no added dataset called “orders”" in capsys.readouterr().err


def test_a_name_that_is_taken_is_told_and_nothing_is_lost(
    orders: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "add", "orders", orders]) == 0
    folder = store.folder_of("orders", SHARED)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = tmp_path / "other.csv"
    other.write_text("user,item,date\n" + ROWS.replace(",buy", "").replace(",pv", ""), encoding="utf-8")
    capsys.readouterr()
    for path in (orders, str(other)):
        assert main(["data", "add", "orders", path]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert "a dataset called “orders” already" in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["orders"]


def test_a_name_that_is_taken_while_a_dataset_is_written_keeps_what_was_first(
    orders: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two such commands at the same time: the second to end finds the name taken."""
    write = store._write

    def slow(made: Prepared, card: store.Card, folder: Path) -> None:
        monkeypatch.setattr(store, "_write", write)
        store.save(made, "orders", source="the other")
        write(made, card, folder)

    monkeypatch.setattr(store, "_write", slow)
    assert main(["data", "add", "orders", orders, "--source", "this one"]) == 2
    assert "a dataset called “orders” already" in capsys.readouterr().err
    assert store.read_card("orders").source == "the other"
    assert [path.name for path in store.folder_of("orders", SHARED).parent.iterdir()] == ["orders"]


def test_columns_and_formats_can_be_named(orders: str, capsys: pytest.CaptureFixture[str]) -> None:
    swapped = ["--map", "user=商品", "--map", "item=客户", "--time-format", "dmy", "--time-zone", "Asia/Shanghai"]
    assert main(["data", "add", "swapped", orders, "--minimum", "1", *swapped]) == 0
    card = store.read_card("swapped")
    assert card.roles["columns"]["user"] == "商品"
    assert card.roles["zone"] == "Asia/Shanghai"
    assert card.counts["items"] == 4


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--map", "user"], "--map is “user”"),
        (["--map", "mood=客户"], "--map is “mood=客户”"),
        (["--map", "user=顾客"], "no column “顾客”"),
        (["--time-format", "julian"], "no time format “julian”"),
        (["--time-zone", "Mars"], "“Mars” is no time zone"),
        (["--format", "moviewiki"], "no format “moviewiki”"),
        (["--minimum", "0"], "--minimum is 0"),
        (["--minimum", "many"], "--minimum is “many”"),
        (["--minimum", "500"], "None of the 90 rows is left"),
        (["--format", "movielens-1m"], "columns and this format has 4"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    orders: str, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert main(["data", "add", "orders", orders, *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err.splitlines()[-1]
    assert len(err.splitlines()) == 1
    assert not (store.folder_of("orders", SHARED)).exists()


def test_a_stop_leaves_nothing(
    orders: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("course_lib.cli.console.Progress.take", stop)
    assert main(["data", "add", "orders", orders]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "Stopped; nothing was stored."
    assert not (store.folder_of("orders", SHARED)).exists()


def test_a_bad_name_is_told_before_the_file_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "add", "shop", "/nowhere.csv"]) == 2
    assert "cannot be a dataset's name" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*formats(), *built_in()])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_known_can_be_described(name: str, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--size", "tiny"] if name == "shop" else []  # its tables are made for this
    assert main(["data", "describe", name, *size, "--lang", language]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) >= 4
    assert "https://" in out


def test_something_unknown_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "describe", "nothing", "--lang", "en"]) == 2
    assert "movielens-1m" in capsys.readouterr().err


def test_the_whole_of_open_bandit_is_a_size_beside_the_sample(
    orders: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for policy in open_bandit.POLICIES:
        for campaign in open_bandit.CAMPAIGNS:
            folder = tmp_path / "obd" / policy / campaign
            folder.mkdir(parents=True)
            names = ",timestamp,item_id,position,click,propensity_score," + ",".join(
                f"user_feature_{n}" for n in range(4)
            )
            (folder / f"{campaign}.csv").write_text(f"{names}\n0,2019-11-24 00:00:00+00:00,0,1,1,1.0,a,b,c,d\n")
            features = ",item_id," + ",".join(f"item_feature_{n}" for n in range(4))
            (folder / "item_context.csv").write_text(f"{features}\n0,0,0.5,a,b,c\n")
    assert main(["data", "add", "open-bandit", str(tmp_path / "obd"), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert ["random/all", "1"] in [line.split() for line in out.splitlines()]
    assert "size “full” of open-bandit" in out
    assert main(["data", "list"]) == 0
    listed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert ["open-bandit", "sample"] in listed
    assert ["open-bandit", "full"] in listed
    assert main(["data", "describe", "open-bandit", "--lang", "zh"]) == 0
    assert "Apache License 2.0" in capsys.readouterr().out
    assert main(["data", "remove", "open-bandit", "--lang", "en"]) == 0
    assert "Deleted open-bandit" in capsys.readouterr().out
    assert main(["data", "add", "open-bandit", orders, "--lang", "en"]) == 2
    assert "neither a folder nor a zip" in capsys.readouterr().err
