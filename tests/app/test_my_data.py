"""The page "My data" under AppTest: both languages, bad files, acceptance, the lab, deletion."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from lab_page import key, open_page
from lab_stage import Stage
from my_data_page import (
    CHINESE,
    ROWS,
    checked,
    keys,
    open_my_data,
    packed,
    press,
    put,
    read,
    role,
    said,
    staged,
    workbook,
)
from streamlit.testing.v1 import AppTest

from course_lib.data import registry
from course_lib.data.intake import reader, store
from course_lib.data.intake.limits import PAGE, UPLOAD_BYTES
from course_lib.experiments.config import RunConfig
from course_lib.settings import load_settings
from course_lib.text import LANGUAGES, text
from course_lib.ui import services, shell


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(monkeypatch, tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty(language: str) -> None:
    page = open_my_data(language)
    assert page.title[0].value == text("my_data.title", language)
    assert text("my_data.none", language) in said(page)
    limit = text("my_data.limits", language, size=UPLOAD_BYTES // 2**20, rows=f"{PAGE.rows:,}")
    assert limit in said(page)
    assert not page.error
    assert page.file_uploader[0].proto.max_upload_size_mb * 2**20 == UPLOAD_BYTES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_table_with_chinese_headers_is_read_shown_and_accepted(language: str, encoding: str) -> None:
    page = put(open_my_data(language), CHINESE.encode(encoding))
    assert not page.error
    assert not page.warning
    shown = page.dataframe[0].value
    assert shown.iloc[0].tolist() == ["u0", "i0", "2024-01-01 10:00", "杯子0", "0.5"]
    columns = [role(page, f"role_{name}").value for name in ("user", "item", "time", "title", "price", "rating")]
    assert columns == ["客户编号", "商品编号", "下单时间", "商品名称", "单价", ""]
    assert [metric.value for metric in page.metric] == ["48", "48", "0"]
    assert [metric.label for metric in page.metric] == [
        text(f"my_data.rows_{name}", language) for name in ("read", "kept", "dropped")
    ]
    assert page.text_input[0].value == "my-data"  # "shop" is taken by the course
    page.text_input[0].set_value("beizi").run()
    sign = next(box for box in page.selectbox if box.label == text("my_data.currency", language))
    sign.set_value("€").run()
    press(page, "accept")
    assert [one.value for one in page.success] == [text("my_data.accepted", language, name="beizi")]
    assert text("my_data.counts", language, events=48, users=8, items=9, first="2024-01-01", last="2024-01-06") in said(
        page
    )
    card = store.read_card("beizi", "local")
    assert (card.currency, card.counts["events"]) == ("€", 48)
    assert page.file_uploader  # ready for the next one


def test_a_reload_finds_the_upload_and_a_switch_of_language_keeps_the_choices() -> None:
    put(open_my_data("en"), CHINESE)
    page = open_my_data("zh")
    assert text("my_data.report", "zh") in said(page)
    role(page, "format").set_value("iso").run()
    role(page, "role_title").set_value("").run()
    assert text("my_data.changed", "zh") in said(page)
    assert "my_data_accept" not in keys(page)
    page.query_params["lang"] = "en"
    checked(page.run())
    assert role(page, "format").value == "iso"
    assert role(page, "role_title").value == ""
    read(press(page, "read"))
    assert "my_data_accept" in keys(page)
    assert "title" not in services.uploads().view("local").asked.columns


def test_a_wrong_column_is_a_sentence_and_can_be_mended() -> None:
    page = put(open_my_data("zh"), CHINESE)
    role(page, "role_time").set_value("商品名称").run()
    read(press(page, "read"))
    assert "“商品名称”列里没有能识别的时间" in page.warning[0].value
    role(page, "role_time").set_value("下单时间").run()
    role(page, "role_item").set_value("客户编号").run()
    read(press(page, "read"))
    assert "“客户编号”" in page.warning[0].value
    role(page, "role_item").set_value("商品编号").run()
    read(press(page, "read"))
    assert not page.warning
    assert page.metric[1].value == "48"


@pytest.mark.parametrize("language", LANGUAGES)
def test_day_and_month_are_asked_for_and_chosen(language: str) -> None:
    rows = [f"u{user},i{(user + n) % 4},0{n + 1}/02/2024" for user in range(5) for n in range(5)]
    page = put(open_my_data(language), "user_id,item_id,date\n" + "\n".join(rows))
    place = {"row": "2", "column": "date", "value": "01/02/2024"}
    assert page.warning[0].value == text("my_data.error_intake_time_ambiguous", language, **place)
    assert "--" not in said(page)
    role(page, "format").set_value("dmy").run()
    read(press(page, "read"))
    assert "2024-02-05" in said(page)


def test_kinds_of_events_and_the_lower_limit_decide_what_is_kept() -> None:
    rows = [
        f"u{user},i{(user + n) % 4},2024-01-0{n + 1},{'buy' if n % 4 else 'view'}"
        for user in range(5)
        for n in range(8)
    ]
    page = put(open_my_data(), "user_id,item_id,date,event\n" + "\n".join(rows))
    assert page.multiselect[0].options == ["buy", "view"]
    page.multiselect[0].set_value(["buy"]).run()
    read(press(page, "read"))
    assert [metric.value for metric in page.metric] == ["40", "30", "10"]
    number = services.uploads().view("local").asked.number
    page.number_input(key=f"my_data_{number}_minimum").set_value(7).run()
    read(press(page, "read"))
    assert "no shopper has enough of them" in page.warning[0].value
    assert "--minimum" not in said(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_told_to_lower_the_lowest_limit(language: str) -> None:
    """The few rows of a shopper are dropped: with a remedy where there is one."""
    page = put(open_my_data(language), CHINESE + "u99,i1,2024-01-01 10:00,杯子1,1.5\n")
    place = {"count": "1", "row": "50", "column": "客户编号", "value": "u99"}
    assert text("my_data.reason_few_events_lowest", language, limit="3", **place) in said(page)
    number = services.uploads().view("local").asked.number
    page.number_input(key=f"my_data_{number}_minimum").set_value(4).run()
    read(press(page, "read"))
    assert text("my_data.reason_few_events", language, limit="4", **place) in said(page)


def program() -> bytes:
    with Path(sys.executable).resolve().open("rb") as source:
        return source.read(50_000)


BOMB = b"user_id,item_id,timestamp\n" + b"u1,i1,2024-01-01\n" * (40 * 2**20 // 17)
BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("shop.csv", lambda: b"", "intake_empty"),
    "header only": ("shop.csv", lambda: CHINESE.splitlines()[0].encode(), "intake_header_only"),
    "renamed program": ("shop.csv", program, "intake_not_program"),
    "bomb": ("shop.zip", lambda: packed({"shop.csv": BOMB}), "intake_bomb"),
    "two files": ("shop.zip", lambda: packed({"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1,2\n"}), "intake_several_files"),
    "NUL": ("shop.csv", lambda: CHINESE.replace("u3", "\0", 1).encode(), "intake_nul"),
    "no workbook": ("shop.xlsx", lambda: packed({"xl/workbook.xml": b"<x/>"}), "intake_workbook_broken"),
    "no Parquet": ("shop.parquet", lambda: b"PAR1" + b"\0" * 60 + b"PAR1", "intake_parquet_broken"),
    "one column": ("shop.csv", lambda: b"nothing\nat\nall\n", "intake_one_column"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_one_sentence_and_the_next_one_can_be_chosen(kind: str, language: str) -> None:
    name, content, key = BAD[kind]
    page = put(open_my_data(language), content(), name)
    found = services.uploads().view("local").error
    assert found is not None
    assert found.key == key
    assert len(page.error) == 1
    assert name in page.error[0].value.replace("\\", "")
    assert not page.metric
    assert "my_data_accept" not in keys(page)
    assert "--" not in page.error[0].value
    put(page, CHINESE)
    assert not page.error
    assert page.metric[1].value == "48"


def test_a_workbook_with_macros_is_read_for_its_values(tmp_path: Path) -> None:
    frame = pd.DataFrame([row.split(",") for row in ROWS], columns=CHINESE.splitlines()[0].split(","))
    page = put(open_my_data("zh"), workbook([frame.columns.tolist(), *frame.to_numpy().tolist()]), "shop.xlsm")
    assert not page.error
    assert page.metric[1].value == "48"
    assert text("intake.macros", "zh") in said(page)


def test_a_known_format_is_recognised_and_may_be_declined() -> None:
    rows = "".join(f"{user}::{user + n}::{5 - n % 2}::{978300760 + n}\n" for user in range(1, 7) for n in range(8))
    films = "".join(f"{n}::Film {n} (1990)::Comedy|Drama\n" for n in range(1, 20))
    page = put(
        open_my_data(), packed({"ml-1m/ratings.dat": rows.encode(), "ml-1m/movies.dat": films.encode()}), "ml-1m.zip"
    )
    assert "MovieLens" in page.info[0].value
    assert page.metric[0].value == "48"
    read(press(page, "plain"))
    assert "ratings.dat" in page.error[0].value  # two files, and nobody says which


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_upload_is_stopped_read_again_and_discarded(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(folder: Path, told: Callable[[float], None]) -> None:
        while True:
            told(0.4)
            time.sleep(0.01)

    real = reader.work
    monkeypatch.setattr(reader, "work", endless)
    page = open_my_data(language)
    page.file_uploader[0].set_value(("shop.csv", CHINESE.encode(), "text/csv"))
    checked(page.run())
    while services.uploads().view("local").share < 0.4:
        time.sleep(0.01)
    page = open_my_data(language)  # as after a reload
    shown = page.get("progress")[0].proto
    assert shown.value == 40
    assert "shop.csv" in shown.text
    assert not page.file_uploader
    monkeypatch.setattr(reader, "work", real)
    read(press(page, "stop"))
    assert page.error[0].value == text("errors.upload_stopped", language)
    read(press(page, "read"))
    assert page.metric[1].value == "48"
    press(page, "discard")
    assert page.success[0].value == text("my_data.discarded", language)
    assert services.uploads().view("local").state == "none"


def test_a_taken_or_impossible_name_is_a_sentence() -> None:
    page = put(open_my_data("zh"), CHINESE)
    for name, words in (("我的", "不能作数据集名称"), ("shop", "不能作数据集名称")):
        page.text_input[0].set_value(name).run()
        press(page, "accept")
        assert words in page.error[0].value
    page.text_input[0].set_value("cups").run()
    press(page, "accept")
    put(page, CHINESE, "cups.csv")
    assert page.text_input[0].value == "cups-2"
    page.text_input[0].set_value("cups").run()
    press(page, "accept")
    assert page.error[0].value == text("my_data.error_intake_name_taken", "zh", name="cups")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_upload_that_went_in_another_tab_is_a_sentence_once(language: str) -> None:
    page = put(open_my_data(language), CHINESE)
    other = open_my_data(language)
    press(other, "discard")
    assert not other.warning
    press(page, "accept")
    assert [one.value for one in page.warning] == [text("errors.upload_gone", language)]
    assert page.file_uploader
    assert not checked(page.run()).warning


def accepted(name: str = "cups") -> store.Card:
    page = put(open_my_data(), CHINESE)
    page.text_input[0].set_value(name).run()
    press(page, "accept")
    return store.read_card(name, "local")


@pytest.mark.parametrize("language", LANGUAGES)
def test_deletion_takes_the_runs_along_and_gives_a_receipt(language: str, stage: Stage) -> None:
    card = accepted()
    config = RunConfig.make(data={"dataset": card.key})
    stage.put(config, "finished", frames=1)
    folder = load_settings().runs / config.run_id
    (folder / "config.json").write_text(config.to_json(), encoding="utf-8")
    other = load_settings().runs / ("0" * 16)
    other.mkdir()
    prepared = load_settings().datasets / f"{card.key}-full-{card.version}-references-0"
    prepared.mkdir(parents=True)
    size = sum(path.stat().st_size for path in store.folder_of("cups", "local").iterdir())
    page = open_my_data(language)
    press(page, "delete_sure_cups")
    receipt = page.success[0].value
    for words in ("cups", card.version, f"{size:,}", "1"):
        assert words in receipt
    assert text("my_data.none", language) in said(page)
    assert list(store.added("local")) == []
    assert not folder.exists()
    assert not prepared.exists()
    assert other.exists()


def test_the_lab_offers_it_at_once(stage: Stage) -> None:
    card = accepted()
    lab = open_page("zh", dataset=card.key, size="full")
    box = lab.selectbox(key=key("widget.data"))
    assert box.value == (card.key, "full")
    assert len([one for one in box.options if one.startswith("cups（你的）")]) == 1
    assert not lab.exception
    assert not lab.error
    assert not lab.warning


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_elses_dataset_is_a_sentence(language: str, stage: Stage) -> None:
    card = accepted()
    folder = store.folder_of("cups", "local")
    other = replace(card, owner="bert")
    target = store.folder_of("cups", "bert")
    target.parent.mkdir(parents=True)
    folder.rename(target)
    record = json.loads((target / store.CARD).read_text(encoding="utf-8"))
    (target / store.CARD).write_text(json.dumps({**record, "owner": "bert"}), encoding="utf-8")
    assert registry.resolve(other.key).version == card.version  # it is there, for its owner
    config = RunConfig.make(data={"dataset": other.key})
    stage.put(config, "finished", frames=1)
    for link in ({"dataset": other.key, "size": "full"}, {"run": config.run_id}):
        lab = open_page(language, **link)
        assert not lab.exception
        assert not lab.error
        warnings = [one.value for one in lab.warning]
        if "run" in link:  # a run on it is not there for anybody else, and its data are not named
            assert any(config.run_id in one for one in warnings)
            assert not any("cups" in one for one in warnings)
        else:
            assert text("errors.dataset_not_yours", language, name="cups") in warnings
        assert lab.selectbox(key=key("widget.data")).value[0] == "shop"
        assert "杯子" not in said(lab)


def test_a_dataset_that_goes_while_the_lab_is_open_is_a_sentence() -> None:
    card = accepted()
    lab = open_page("en", dataset=card.key, size="full")
    store.remove("cups", "local")
    lab.run()
    assert not lab.exception
    assert not lab.error
    assert [one.value for one in lab.warning] == [text("errors.dataset_not_yours", "en", name="cups")]


def test_a_dataset_that_went_in_another_tab_is_a_sentence_when_it_is_chosen() -> None:
    card = accepted()
    lab = open_page("en")
    store.remove("cups", "local")
    lab.selectbox(key=key("widget.data")).set_value((card.key, "full")).run()
    assert not lab.exception
    assert [one.value for one in lab.error] == [text("errors.dataset_not_yours", "en", name="cups")]
    assert lab.selectbox(key=key("widget.data")).value[0] == "shop"


def test_forget_me_takes_the_datasets_and_the_upload_along() -> None:
    accepted()
    put(open_my_data(), CHINESE)
    page = AppTest.from_file(str(shell.FRONT), default_timeout=30)
    page.query_params["lang"] = "en"
    page.run()
    checked(page.switch_page("../../../pages/my_progress.py").run())
    checked(page.button(key="progress_erase_sure").click().run())
    assert "the dataset “cups”" in page.success[0].value
    assert text("progress.erase_done", "en") in page.success[0].value
    assert list(store.added("local")) == []
    assert services.uploads().view("local").state == "none"
    assert not services.uploads().folder("local").exists()
