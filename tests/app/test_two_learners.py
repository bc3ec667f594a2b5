"""Two learners of one server: what one has uploaded the other can neither see, nor train on, nor delete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browsers import sit_down
from lab_page import button, guess_key, key, open_page, skip
from lab_stage import Stage
from my_data_page import CHINESE, checked, open_my_data, press, put, said, staged
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from course_lib.data import registry
from course_lib.data.intake import store
from course_lib.data.intake.store import Card
from course_lib.experiments.config import RunConfig
from course_lib.settings import load_settings
from course_lib.text import text
from course_lib.ui import identity, services, shell
from course_lib.ui.identity_cookie import cookie_name

ANNA, BERT = "a" * 32, "b" * 32  # names of browsers, as cookies carry them
WARES = ("杯子", "cups")  # what would give Anna's dataset away


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    yield from staged(monkeypatch, tmp_path)


def accepted(name: str = "cups") -> Card:
    """Whoever sits there uploads a file and keeps it."""
    page = put(open_my_data(), CHINESE)
    page.text_input[0].set_value(name).run()
    press(page, "accept")
    return store.read_card(name, shell.learner())


@pytest.fixture
def annas(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Card:
    """Anna's dataset, a run on it and an upload that still waits for her; then Bert sits down."""
    sit_down(monkeypatch, ANNA)
    card = accepted()
    assert card.owner == ANNA
    config = RunConfig.make(data={"dataset": card.key})
    stage.put(config, "finished", frames=1)
    (load_settings().runs / config.run_id / "config.json").write_text(config.to_json(), encoding="utf-8")
    put(open_my_data(), CHINESE, "second.csv")
    sit_down(monkeypatch, BERT)
    return card


def run_of(card: Card) -> RunConfig:
    return RunConfig.make(data={"dataset": card.key})


def untouched(card: Card) -> bool:
    """Whether everything of Anna's is still there, whole."""
    there = store.read_card(card.name, card.owner) == card and registry.load(registry.resolve(card.key)).num_users == 8
    run = load_settings().runs / run_of(card).run_id / "config.json"
    return there and run.is_file() and services.uploads().view(ANNA).state == "ready"


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
    assert not any("cups" in one for one in lab.selectbox(key=key("widget.data")).options)
    for page in (mine, lab, clean(switched("data"))):
        assert not any(word in said(page) for word in WARES)
        assert not any(word in option for box in page.selectbox for option in box.options for word in WARES)


def test_no_link_opens_it(annas: Card, stage: Stage) -> None:
    skip(open_page("en"))
    for link in ({"dataset": annas.key, "size": "full"}, {"run": run_of(annas).run_id}):
        lab = clean(open_page("en", **link))
        assert text("errors.dataset_not_yours", "en", name="cups") in [one.value for one in lab.warning]
        assert lab.selectbox(key=key("widget.data")).value[0] == "shop"
        assert "杯子" not in said(lab)
        clean(button(lab, "train").click().run())
    assert stage.asked == []  # no question to Anna's model
    assert {stage.views[run].config.dataset.name for run, _ in stage.started} == {"shop"}


def test_no_forged_choice_trains_on_it(annas: Card, stage: Stage) -> None:
    """The browser can send any string as a choice, and press Train in the same message."""
    lab, state = open_page("en"), key("state")
    skip(lab)
    lab.session_state[state] = replace(lab.session_state[state], data={"dataset": (annas.key, "full")})
    checked(button(lab, "train").click().run())
    assert stage.started == []
    assert {one.value for one in lab.error} <= {text("errors.dataset_not_yours", "en", name="cups")}
    assert text("errors.dataset_not_yours", "en", name="cups") in said(lab)
    assert "杯子" not in said(lab)
    forged = lab._tree.get_widget_states()
    for widget in forged.widgets:
        if widget.id.endswith(f"-{key('widget.data')}"):
            widget.string_value = annas.key
    train = next(one.proto.id for one in lab.button if one.key == key("train"))
    forged.widgets.append(WidgetState(id=train, trigger_value=True))
    checked(lab._run(forged))
    assert len(lab.error) == 1, "a choice that was never offered is refused in a sentence"
    assert not any(word in lab.error[0].value for word in (*WARES, annas.key))
    assert [stage.views[run].config.dataset.name for run, _ in stage.started] == ["shop"]
    assert lab.selectbox(key=key("widget.data")).value[0] == "shop"
    assert "杯子" not in said(lab)


def test_no_deletion_reaches_it(annas: Card, stage: Stage) -> None:
    """Neither of a dataset that Bert calls the same, nor of everything that is Bert's."""
    own = accepted("cups")
    assert own.version == annas.version
    assert own.key != annas.key
    page = open_my_data()
    press(page, "delete_sure_cups")
    assert "cups" in page.success[0].value
    assert list(store.added(BERT)) == []
    assert untouched(annas)
    accepted("mugs")
    progress = switched("my_progress")
    checked(progress.button(key="progress_erase_sure").click().run())
    assert text("progress.erase_done", "en") in progress.success[0].value
    assert "cups" not in progress.success[0].value
    assert list(store.added(BERT)) == []
    assert untouched(annas)
    assert stage.stopped == []


def test_what_is_given_is_ones_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses and the wish for a run: Bert starts where he would have started without Anna."""
    sit_down(monkeypatch, ANNA)
    lab = open_page("en")
    skip(lab)
    clean(button(lab, "train").click().run())
    sit_down(monkeypatch, BERT)
    assert clean(open_page("en")).button(key=guess_key("skip"))
    lab = open_page("en", seed="2")
    skip(lab)
    clean(button(lab, "train").click().run())
    clean(button(lab, "stop").click().run())
    (annas, first), (berts, second) = stage.started
    assert (first, second) == (ANNA, BERT)
    assert stage.stopped == [(berts, BERT)]
    assert stage.views[annas].live


def test_a_language_is_ones_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> AppTest:
        return checked(AppTest.from_file(str(shell.FRONT), default_timeout=60).run())

    sit_down(monkeypatch, ANNA)
    page = home()
    checked(page.segmented_control(key=shell.SWITCH).set_value("zh").run())
    assert home().title[0].value == text("home.title", "zh")
    sit_down(monkeypatch, BERT)
    assert home().title[0].value == text("home.title", "en")


def test_a_forged_cookie_is_a_stranger(annas: Card, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch, **{cookie_name(): f"{ANNA}.{'0' * 64}"})
    first, second = (clean(open_my_data()) for _ in range(2))
    assert not any(word in said(first) for word in WARES)
    assert first.file_uploader
    names = [page.session_state[identity.NAMELESS] for page in (first, second)]
    assert len({*names, ANNA, "local"}) == 4
