"""The capstone's page: a file goes in, both transformers are started, stopped, found again, and reported on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_page import open_page, words
from lab_stage import Stage
from my_data_page import CHINESE, checked, put, staged
from streamlit.testing.v1 import AppTest

from course_lib.course import capstone
from course_lib.data.intake import store
from course_lib.data.intake.pipeline import look, prepare
from course_lib.experiments.config import RunConfig
from course_lib.text import LANGUAGES, text
from course_lib.ui import shell

MANY = "user,item,time\n" + "".join(
    f"u{user},i{(user * 3 + n * n) % 9},2024-01-{n + 1:02d} 10:00\n" for user in range(40) for n in range(6)
)
NO_ORDER = "user,item,time\n" + "".join(
    f"u{user},i{(user + n) % 7},2024-01-01\n" for user in range(9) for n in range(5)
)


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(monkeypatch, tmp_path)


def added(folder: Path, content: str = MANY, owner: str = "local", name: str = "orders") -> store.Card:
    path = folder / f"{name}.csv"
    path.write_text(content, encoding="utf-8")
    return store.save(prepare(look(path)), name, owner)


def opened(language: str = "en", **query: str) -> AppTest:
    page = open_page(language, "capstone", **query)
    assert not page.exception
    return page


def made(card: store.Card) -> dict[str, RunConfig]:
    return capstone.configs(card.key)


def press(page: AppTest, name: str) -> AppTest:
    return checked(page.button(key=f"capstone_{name}").click().run())


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_data_there_is_the_upload_of_my_data_and_nothing_else(language: str, stage: Stage) -> None:
    page = opened(language)
    assert page.title[0].value == text("capstone.title", language)
    assert page.file_uploader
    assert text("capstone.step_train", language) not in words(page)
    assert not page.error
    assert stage.started == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_is_put_in_here_is_audited_at_once(language: str) -> None:
    page = put(opened(language), CHINESE)
    page.text_input[0].set_value("beizi").run()
    checked(page.button(key="my_data_accept").click().run())
    assert page.selectbox(key="capstone_dataset").value == store.public_name("beizi", "local")
    tables = "".join(one.proto.body for one in page.get("html"))
    assert text("capstone.audit_asked", language) in tables
    assert text("capstone.need_queries", language) in tables
    assert text("capstone.step_train", language) in words(page)
    assert not page.error


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_are_trained_found_again_and_reported_on(tmp_path: Path, stage: Stage, language: str) -> None:
    card = added(tmp_path)
    page = press(opened(language), "train")
    wanted = made(card)
    assert [run for run, _ in stage.started] == [config.run_id for config in wanted.values()]
    again = opened(language)  # as after a reload: the same runs, still going
    assert len(again.get("progress")) == len(wanted)
    assert again.button(key="capstone_train").disabled
    assert text("capstone.step_report", language) not in words(again)

    for config in wanted.values():
        stage.put(config, "finished")
    page = opened(language)
    said = words(page)
    assert text("capstone.step_report", language) in said
    assert "+0.100" in said, "the lead over the best counted model, which the told runs have"
    assert text("capstone.unsaid_no_prices", language) in said
    assert {one.proto.label for one in page.get("download_button")} >= {
        text("capstone.zip", language),
        text("capstone.report", language),
    }
    assert not page.error
    assert not page.warning


def test_a_stop_ends_both_and_a_press_goes_on(tmp_path: Path, stage: Stage) -> None:
    card = added(tmp_path)
    page = press(press(opened(), "train"), "stop")
    assert {run for run, _ in stage.stopped} == {config.run_id for config in made(card).values()}
    assert page.button(key="capstone_stop").disabled
    press(page, "train")
    assert len(stage.started) == 4


def test_one_that_cannot_be_started_is_told(tmp_path: Path, stage: Stage) -> None:
    from course_lib.errors import CourseError

    added(tmp_path)
    stage.refuses = CourseError("course_closing")
    page = press(opened(), "train")
    assert text("errors.course_closing", "en") in [one.value for one in page.warning]


def test_dataset_and_seconds_are_remembered(tmp_path: Path) -> None:
    first, second = added(tmp_path, name="first"), added(tmp_path, MANY.replace("i1", "j1"), name="second")
    page = opened()
    other = first if page.selectbox(key="capstone_dataset").value == second.key else second
    page.selectbox(key="capstone_dataset").set_value(other.key).run()
    page.selectbox(key="capstone_budget").set_value(60).run()
    again = opened("zh")
    assert again.selectbox(key="capstone_dataset").value == other.key
    assert again.selectbox(key="capstone_budget").value == 60


@pytest.mark.parametrize("language", LANGUAGES)
def test_data_without_order_are_a_sentence_and_the_audit_stays(tmp_path: Path, language: str, stage: Stage) -> None:
    added(tmp_path, NO_ORDER)
    page = opened(language)
    gaps = {"name": "orders", "users": "9", "events": "45"}
    assert text("errors.capstone_nobody_returns", language, **gaps) in [one.value for one in page.error]
    assert text("capstone.step_audit", language) in words(page)
    assert text("capstone.step_train", language) not in words(page)
    assert text("capstone.step_canvas", language) in words(page)
    assert stage.started == []


def test_somebody_elses_dataset_is_not_there(tmp_path: Path, stage: Stage) -> None:
    theirs = added(tmp_path, owner="bert")
    for config in made(theirs).values():
        stage.put(config, "finished")
    page = opened(dataset=theirs.key)
    assert not [one for one in page.selectbox if one.key == "capstone_dataset"]
    assert text("capstone.step_report", "en") not in words(page)
    mine = added(tmp_path, name="mine")
    page = opened(dataset=theirs.key)
    assert page.selectbox(key="capstone_dataset").value == mine.key
    assert theirs.key not in page.selectbox(key="capstone_dataset").options
    assert len(page.warning) == 1


def test_a_dataset_that_goes_in_another_tab_is_a_sentence(tmp_path: Path, stage: Stage) -> None:
    added(tmp_path)
    page = opened()
    store.remove("orders", "local")
    page = press(page, "train")
    assert stage.started == []
    assert not page.exception


def test_the_canvas_of_the_plan_is_written_here_too(tmp_path: Path) -> None:
    from course_lib.course.canvas import read_box

    added(tmp_path)
    page = opened()
    page.text_area(key="lesson.business.canvas").set_value("先数数").run()
    assert read_box(shell.store().learner(shell.learner()), "business") == "先数数"


def test_the_way_there() -> None:
    lesson = open_page("en", "business")
    assert any("capstone" in one.proto.page for one in lesson.get("page_link"))
