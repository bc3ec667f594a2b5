"""A lab on data that are no lesson's: settings from the data with the reason, and the verdict under the run."""

from __future__ import annotations

import json

import pytest
from lab_page import button, key, nothing_broke, open_page, set_stage, skip
from lab_stage import Stage
from streamlit.testing.v1 import AppTest

from course_lib.experiments.config import RunConfig
from course_lib.experiments.recipes import longer_settings, suited
from course_lib.runs.store import RunStore
from course_lib.settings import load_settings
from course_lib.text import text

JOURNEY = ("complete-journey", "small")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Stage:
    return set_stage(monkeypatch, tmp_path)


def choose(page: AppTest, dataset: tuple[str, str]) -> AppTest:
    page.selectbox(key=key("widget.data")).set_value(dataset).run()
    nothing_broke(page)
    return page


def config(budget: int = 30, **by_hand: object) -> RunConfig:
    given = suited("next_item", {"dataset": JOURNEY}, {"model": "sasrec", **by_hand}, budget).settings
    return RunConfig.make(data={"dataset": JOURNEY}, settings=given)


def words(page: AppTest) -> str:
    return " ".join(one.value for one in [*page.caption, *page.markdown])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_form_is_filled_from_the_data_with_the_reason(stage: Stage, language: str) -> None:
    page = choose(skip(open_page(language)), JOURNEY)
    assert page.selectbox(key=key("widget.budget")).value == 30
    assert page.selectbox(key=key("widget.history_length")).value == 50
    assert "1,025" in words(page), "its products"
    assert text("verdict.loss_softmax", language) in words(page)
    page.selectbox(key=key("widget.budget")).set_value(120).run()
    nothing_broke(page)
    assert page.number_input(key=key("widget.epochs")).value == config(120).settings["epochs"]
    choose(page, ("shop", "tiny"))
    assert page.selectbox(key=key("widget.history_length")).value == 20
    assert text("verdict.loss_softmax", language) not in words(page)
    choose(page, JOURNEY)
    button(page, "train").click().run()
    nothing_broke(page)
    assert [run for run, _ in stage.started] == [config(120).run_id]
    assert page.session_state[key("state")].query()["budget"] == "120"


def test_what_was_chosen_by_hand_stays(stage: Stage) -> None:
    page = skip(open_page("en"))
    page.selectbox(key=key("widget.width")).set_value(96).run()
    choose(page, JOURNEY)
    assert page.selectbox(key=key("widget.width")).value == 96
    assert text("verdict.by_hand", "en", names="").split(":")[0] in words(page)


def test_a_link_opens_the_same_run(stage: Stage) -> None:
    page = skip(open_page("en", dataset=JOURNEY[0], size=JOURNEY[1], budget="60"))
    nothing_broke(page)
    assert page.selectbox(key=key("widget.budget")).value == 60
    button(page, "train").click().run()
    assert [run for run, _ in stage.started] == [config(60).run_id]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_verdict_stands_under_the_run(stage: Stage, language: str) -> None:
    stage.put(config(), "finished")
    page = choose(skip(open_page(language)), JOURNEY)
    assert text("verdict.title", language) in words(page)
    assert "SASRec" in words(page)


def test_the_lesson_s_own_shop_has_none(stage: Stage) -> None:
    stage.put(RunConfig.make(data={"dataset": ("shop", "tiny")}, settings={"model": "sasrec"}), "finished")
    page = skip(open_page("en"))
    nothing_broke(page)
    assert text("verdict.title", "en") not in words(page)


def test_one_press_goes_on_from_where_it_is(stage: Stage) -> None:
    """The longer run's folder begins as a stopped one, it is started, and the form asks for it."""
    short = config()
    stage.put(short, "finished")
    store = RunStore(load_settings())
    folder = store.folder(short.run_id)
    (folder / "frames").mkdir(parents=True, exist_ok=True)
    epochs = short.settings["epochs"]
    (folder / "config.json").write_text(short.to_json(), encoding="utf-8")
    (folder / "result.json").write_text(json.dumps({"measures": {}, "epochs": epochs}), encoding="utf-8")
    told = [
        {"t": 1.0, "kind": "started"},
        {"t": 2.0, "kind": "checkpoint", "at": epochs},
        {"t": 3.0, "kind": "finished"},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told), encoding="utf-8")
    (folder / "checkpoint.safetensors").write_bytes(b"as it was")
    store.forget(short.run_id)
    page = choose(skip(open_page("en")), JOURNEY)
    button(page, "go_on").click().run()
    nothing_broke(page)
    longer = longer_settings({"dataset": JOURNEY}, short.settings)
    after = RunConfig.make(data={"dataset": JOURNEY}, settings=longer)
    assert [run for run, _ in stage.started] == [after.run_id]
    assert (store.folder(after.run_id) / "checkpoint.safetensors").read_bytes() == b"as it was"
    assert page.number_input(key=key("widget.epochs")).value == after.settings["epochs"] > epochs
