"""Two learners of one server: what one has uploaded the other can neither see, nor train on, nor delete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lab_page import button, key, open_page
from lab_stage import Stage
from my_data_page import CHINESE, checked, open_my_data, press, put, said, staged
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from course_lib.data import registry
from course_lib.data.intake import store
from course_lib.data.intake.store import Card
from course_lib.runs.config import RunConfig
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.ui import identity, services, shell

WARES = ("杯子", "cups")  # what would give Anna's dataset away


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(monkeypatch, tmp_path)


def sit_down(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the pages are ``who``'s."""
    monkeypatch.setattr(identity, "learner", lambda: who)
    monkeypatch.setattr(shell, "learner", lambda: who)


def accepted(name: str = "cups") -> Card:
    """Whoever sits there uploads a file and keeps it."""
    page = put(open_my_data(), CHINESE)
    page.text_input[0].set_value(name).run()
    press(page, "accept")
    return store.read_card(name, shell.learner())


@pytest.fixture
def annas(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Card:
    """Anna's dataset, a run on it and an upload that still waits for her; then Bert sits down."""
    sit_down("anna", monkeypatch)
    card = accepted()
    config = RunConfig.make(card.key)
    stage.put(config, "finished", epochs=1)
    (load_settings().runs / config.run_id / "config.json").write_text(config.to_json(), encoding="utf-8")
    put(open_my_data(), CHINESE, "second.csv")
    sit_down("bert", monkeypatch)
    return card


def run_of(card: Card) -> RunConfig:
    return RunConfig.make(card.key)


def untouched(card: Card) -> bool:
    """Whether everything of Anna's is still there, whole."""
    there = store.read_card(card.name, card.owner) == card and registry.load(registry.resolve(card.key)).num_users == 8
    run = load_settings().runs / run_of(card).run_id / "config.json"
    return there and run.is_file() and services.uploads().view("anna").state == "ready"


def clean(page: AppTest) -> AppTest:
    assert not checked(page).error
    return page


def switched(page: str) -> AppTest:
    """A page as one that is reached from the home page."""
    front = AppTest.from_file(str(shell.FRONT), default_timeout=60)
    front.query_params["lang"] = "en"
    front.run()
    return checked(front.switch_page(f"../../../pages/{page}.py").run())


def test_no_page_shows_it(annas: Card, stage: Stage) -> None:
    mine = clean(open_my_data())
    assert text("my_data.none", "en") in said(mine)
    assert mine.file_uploader  # nor is Anna's waiting upload Bert's
    lab = clean(open_page("en"))
    assert annas.key not in lab.selectbox(key=key("widget.dataset")).options
    for page in (mine, lab, clean(switched("data"))):
        assert not any(word in said(page) for word in WARES)
        assert not any(word in option for box in page.selectbox for option in box.options for word in WARES)


def test_no_link_opens_it(annas: Card, stage: Stage) -> None:
    button(open_page("en"), "guess.skip").click().run()
    for link in ({"dataset": annas.key, "size": "full"}, {"run": run_of(annas).run_id}):
        lab = clean(open_page("en", **link))
        assert text("errors.dataset_not_yours", "en", name="cups") in [one.value for one in lab.warning]
        assert lab.selectbox(key=key("widget.dataset")).value == "shop"
        assert "杯子" not in said(lab)
        clean(button(lab, "train").click().run())
    assert stage.asked == []  # no question to Anna's model
    assert {stage.views[run].config.dataset.name for run, _ in stage.started} == {"shop"}


def test_no_forged_choice_trains_on_it(annas: Card, stage: Stage) -> None:
    """The browser can send any string as a choice, and press Train in the same message."""
    lab, state = open_page("en"), key("state")
    button(lab, "guess.skip").click().run()
    lab.session_state[state] = replace(lab.session_state[state], dataset=annas.key, size="full")
    clean(button(lab, "train").click().run())
    assert stage.started == []
    assert text("errors.dataset_not_yours", "en", name="cups") in [one.value for one in lab.warning]
    assert "杯子" not in said(lab)
    forged = lab._tree.get_widget_states()
    for widget in forged.widgets:
        if widget.id.endswith(f"-{key('widget.dataset')}"):
            widget.string_value = annas.key
    train = next(one.proto.id for one in lab.button if one.key == key("train"))
    forged.widgets.append(WidgetState(id=train, trigger_value=True))
    clean(lab._run(forged))
    assert [stage.views[run].config.dataset.name for run, _ in stage.started] == ["shop"]
    assert lab.selectbox(key=key("widget.dataset")).value == "shop"
    assert "杯子" not in said(lab)


def test_no_deletion_reaches_it(annas: Card, stage: Stage) -> None:
    """Neither of a dataset that Bert calls the same, nor of everything that is Bert's."""
    own = accepted("cups")
    assert own.version == annas.version
    assert own.key != annas.key
    page = open_my_data()
    press(page, "delete_sure_cups")
    assert "cups" in page.success[0].value
    assert list(store.added("bert")) == []
    assert untouched(annas)
    accepted("mugs")
    progress = switched("my_progress")
    checked(progress.button(key="progress_erase_sure").click().run())
    assert text("progress.erase_done", "en") in progress.success[0].value
    assert "cups" not in progress.success[0].value
    assert list(store.added("bert")) == []
    assert untouched(annas)
    assert stage.stopped == []
